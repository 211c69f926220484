#include "app/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/reel-token-XXXXXX";

static struct config make_config(const char *home)
{
    struct config config = {.home = home};
    return config;
}

static void test_makes_and_keeps(void **state)
{
    char home[100], path[TOKEN_PATH_SIZE];
    struct buffer faults;
    struct stat found;
    (void)snprintf(home, sizeof home, "%s/home", folder);
    token_path(home, path);
    buffer_init(&faults, 1000);
    struct config first = make_config(home), second = make_config(home);
    assert_int_equal(token_read(home).size, 0);
    assert_true(token_ensure(&first, &faults));
    assert_int_equal(first.auth_token.size, 48);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    assert_int_equal(stat(home, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    /* The next start finds the same. */
    assert_true(token_ensure(&second, &faults));
    assert_true(
        secret_equal(first.auth_token, span_make(second.auth_token.bytes, second.auth_token.size)));
    secret_done(&first.auth_token);
    secret_done(&second.auth_token);
    (void)unlink(path);
    (void)rmdir(home);
    buffer_done(&faults);
}

static void test_not_wanted(void **state)
{
    struct buffer faults;
    buffer_init(&faults, 1000);
    struct config open = make_config("/nowhere/at/all");
    open.no_auth = true;
    assert_true(token_ensure(&open, &faults));
    struct config given = make_config("/nowhere/at/all");
    given.auth_token = secret_make(SPAN("mine"));
    assert_true(token_ensure(&given, &faults));
    assert_int_equal(given.auth_token.size, 4);
    secret_done(&given.auth_token);
    buffer_done(&faults);
}

static void test_faults(void **state)
{
    char path[TOKEN_PATH_SIZE];
    struct buffer faults;
    buffer_init(&faults, 8000);
    struct config missing = make_config("/nowhere/at/all");
    assert_false(token_ensure(&missing, &faults));
    assert_string_equal(faults.data, "/nowhere/at/all: the home can't be made: "
                                     "No such file or directory\n");
    buffer_clear(&faults);
    token_path(folder, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    struct config empty = make_config(folder);
    assert_false(token_ensure(&empty, &faults));
    assert_non_null(strstr(faults.data, "holds no key"));
    (void)unlink(path);
    buffer_done(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_makes_and_keeps),
        cmocka_unit_test(test_not_wanted),
        cmocka_unit_test(test_faults),
    };
    if (!mkdtemp(folder))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(folder);
    return failed;
}
