#include "depot/depot_give.h"

/* cmocka wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { USER = 65432 };

static char path[] = "/tmp/depot-give-XXXXXX";
static int folder;

static int make_file(const char *name)
{
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    return fd;
}

static struct stat status_of(const char *name)
{
    struct stat status;
    assert_int_equal(fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW), 0);
    return status;
}

static void a_finished_file_is_ours_and_read_only(void **state)
{
    int writer = make_file("finished");
    int reader = openat(folder, "finished", O_RDONLY);
    if (getuid() == 0)
        assert_int_equal(fchown(writer, USER, USER), 0);
    /* Whoever still writes could change what is taken for finished. */
    assert_false(depot_give_back(reader));
    assert_int_equal(errno, EBUSY);
    close(writer);
    assert_true(depot_give_back(reader));
    close(reader);
    assert_int_equal(status_of("finished").st_mode & 07777, 0444);
    assert_int_equal(status_of("finished").st_uid, geteuid());
}

static void a_folder_goes_to_the_workers_but_not_what_others_own(void **state)
{
    if (getuid() != 0)
        skip();
    assert_int_equal(mkdirat(folder, "job", 0700), 0);
    close(make_file("output"));
    close(make_file("job/input-0"));
    assert_int_equal(linkat(folder, "output", folder, "job/input-1", 0), 0);
    assert_int_equal(symlinkat("/etc/passwd", folder, "job/link"), 0);
    assert_false(depot_give_folder(folder, "job", USER));
    assert_int_equal(status_of("job").st_uid, 0);
    assert_int_equal(unlinkat(folder, "job/link", 0), 0);
    assert_true(depot_give_folder(folder, "job", USER));
    assert_int_equal(status_of("job").st_uid, USER);
    assert_int_equal(status_of("job/input-0").st_uid, USER);
    assert_int_equal(status_of("job/input-1").st_uid, 0);
    assert_true(depot_give_passage(folder, USER));
    assert_int_equal(status_of(".").st_uid, 0);
    assert_int_equal(status_of(".").st_gid, USER);
    assert_int_equal(status_of(".").st_mode & 07777, 0710);
}

static int make_folder(void **state)
{
    assert_non_null(mkdtemp(path));
    folder = open(path, O_RDONLY | O_DIRECTORY);
    return folder < 0;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"finished", "output", "job/input-0", "job/input-1"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        (void)unlinkat(folder, names[n], 0);
    (void)unlinkat(folder, "job", AT_REMOVEDIR);
    close(folder);
    return rmdir(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_finished_file_is_ours_and_read_only),
        cmocka_unit_test(a_folder_goes_to_the_workers_but_not_what_others_own),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
