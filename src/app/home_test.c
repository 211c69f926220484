#include "app/home.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_make(void **state)
{
    char folder[] = "/tmp/reel-home-XXXXXX", above[64], home[80];
    struct buffer faults;
    struct stat found;
    buffer_init(&faults, 1000);
    assert_non_null(mkdtemp(folder));
    (void)snprintf(above, sizeof above, "%s/share", folder);
    (void)snprintf(home, sizeof home, "%s/reel", above);
    struct config config = {.home = home};
    assert_false(home_make(&config, &faults));
    assert_non_null(strstr(faults.data, "/share/reel: the home can't be made: No such file"));
    config.home_is_default = true;
    buffer_clear(&faults);
    assert_true(home_make(&config, &faults));
    assert_true(home_make(&config, &faults));
    assert_int_equal(stat(home, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    assert_int_equal(faults.size, 0);
    (void)rmdir(home);
    (void)rmdir(above);
    (void)rmdir(folder);
    buffer_done(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_make)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
