#include "app/ballast.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/reel-ballast-XXXXXX";

static void path_in(char target[static 200], const char *name)
{
    (void)snprintf(target, 200, "%s/%s", folder, name);
}

static void takes_real_room(void **state)
{
    char path[200];
    struct stat status;
    path_in(path, "ballast");
    assert_false(ballast_drop(path));
    assert_true(ballast_lay(path, 100000));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 100000);
    assert_true(status.st_blocks * 512 >= 100000);
    assert_int_equal(status.st_mode & 0777, 0600);
    /* What is there is enough, or grows; it never shrinks. */
    assert_true(ballast_lay(path, 50000));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 100000);
    assert_true(ballast_lay(path, 200000));
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_blocks * 512 >= 200000);
    assert_true(ballast_drop(path));
    assert_false(ballast_drop(path));
}

/* A file of the right length that is all hole gives nothing back. */
static void fills_holes(void **state)
{
    char path[200];
    struct stat status;
    path_in(path, "ballast");
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), 1000000), 0);
    assert_int_equal(fclose(file), 0);
    assert_true(ballast_lay(path, 1000000));
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_blocks * 512 >= 1000000);
    assert_true(ballast_drop(path));
}

static void lies_nowhere_else(void **state)
{
    char path[200];
    struct stat status;
    path_in(path, "missing/ballast");
    assert_false(ballast_lay(path, 1000));
    path_in(path, "ballast");
    assert_int_equal(symlink("/tmp/reel-ballast-elsewhere", path), 0);
    assert_false(ballast_lay(path, 1000));
    assert_int_equal(stat("/tmp/reel-ballast-elsewhere", &status), -1);
    assert_int_equal(unlink(path), 0);
}

/* In a child, on a tiny file system of its own; gives what went wrong, 0 for nothing. */
static int lay_on_a_small_disk(void)
{
    struct statvfs before, after;
    char path[200];
    path_in(path, "ballast");
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", folder, "tmpfs", 0, "size=256k") != 0)
        return 77;
    if (statvfs(folder, &before) != 0 || ballast_lay(path, 1 << 20))
        return 1;
    /* A ballast that could not be had keeps none of the room. */
    if (statvfs(folder, &after) != 0 || after.f_bfree != before.f_bfree)
        return 2;
    if (!ballast_lay(path, 128 << 10) || ballast_lay(path, 1 << 20))
        return 3;
    return statvfs(folder, &after) != 0 || after.f_bfree != before.f_bfree ? 4 : 0;
}

static void leaves_a_full_disk_alone(void **state)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(lay_on_a_small_disk());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* only root can mount */
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int begin(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_real_room),
        cmocka_unit_test(fills_holes),
        cmocka_unit_test(lies_nowhere_else),
        cmocka_unit_test(leaves_a_full_disk_alone),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
