#include "depot/depot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/reel-lock-XXXXXX";

static void path_in(char target[static 200], const char *name)
{
    (void)snprintf(target, 200, "%s/%s", folder, name);
}

static void belongs_to_one_server(void **state)
{
    char home[200], lock_file[220], fault[DEPOT_FAULT_SIZE] = "", pid[64];
    path_in(home, "home");
    struct depot_lock *lock = depot_lock(home, fault);
    assert_non_null(lock);
    assert_true(depot_is_locked(home));
    assert_null(depot_lock(home, fault));
    (void)snprintf(pid, sizeof pid, "(process %ld)", (long)getpid());
    assert_non_null(strstr(fault, pid));
    assert_non_null(strstr(fault, home));
    struct stat status;
    assert_int_equal(stat(home, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    depot_unlock(lock);
    assert_false(depot_is_locked(home));
    lock = depot_lock(home, fault);
    assert_non_null(lock);
    depot_unlock(lock);
    depot_unlock(NULL);
    (void)snprintf(lock_file, sizeof lock_file, "%s/lock", home);
    assert_int_equal(unlink(lock_file), 0);
    assert_int_equal(rmdir(home), 0);
}

/* However the server dies, its lock goes with it. */
static void ends_with_its_process(void **state)
{
    char home[200], lock_file[220], fault[DEPOT_FAULT_SIZE] = "";
    int pipes[2];
    path_in(home, "home");
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        struct depot_lock *lock = depot_lock(home, fault);
        ssize_t written = write(pipes[1], lock ? "1" : "0", 1);
        (void)written;
        for (;;)
            (void)pause();
    }
    char byte = 0;
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(byte, '1');
    assert_null(depot_lock(home, fault));
    char pid[64];
    (void)snprintf(pid, sizeof pid, "(process %ld)", (long)child);
    assert_non_null(strstr(fault, pid));
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    struct depot_lock *lock = depot_lock(home, fault);
    assert_non_null(lock);
    depot_unlock(lock);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
    (void)snprintf(lock_file, sizeof lock_file, "%s/lock", home);
    assert_int_equal(unlink(lock_file), 0);
    assert_int_equal(rmdir(home), 0);
}

static void says_what_is_wrong(void **state)
{
    char home[200], fault[DEPOT_FAULT_SIZE] = "";
    path_in(home, "missing/home");
    assert_null(depot_lock(home, fault));
    assert_non_null(strstr(fault, "the folder above it does not exist"));
    path_in(home, "file");
    FILE *file = fopen(home, "we");
    assert_non_null(file);
    (void)fclose(file);
    assert_null(depot_lock(home, fault));
    assert_non_null(strstr(fault, "is no folder"));
    assert_int_equal(unlink(home), 0);
    assert_null(depot_lock("/proc/self", fault));
    assert_non_null(strstr(fault, "can't be written"));
    /* A lock file that is a link would lock, and write into, somebody else's file. */
    char link_path[220];
    path_in(home, "home");
    (void)snprintf(link_path, sizeof link_path, "%s/lock", home);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(symlink("/tmp/reel-nothing", link_path), 0);
    assert_null(depot_lock(home, fault));
    assert_int_equal(unlink(link_path), 0);
    if (geteuid() != 0) {
        assert_int_equal(chmod(home, 0500), 0);
        assert_null(depot_lock(home, fault));
        assert_non_null(strstr(fault, "can't be written"));
    }
    assert_int_equal(rmdir(home), 0);
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
        cmocka_unit_test(belongs_to_one_server),
        cmocka_unit_test(ends_with_its_process),
        cmocka_unit_test(says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
