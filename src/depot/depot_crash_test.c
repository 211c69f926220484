/* What a crash, a power cut or a broken disk may do between any two steps of the depot. The calls
 * that matter are wrapped by the linker (see meson.build): they are written down, can fail, and can
 * be the last thing that a process does. */
#include "depot/depot.h"
#include "depot/depot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { STEPS_MAX = 64, EXIT_CRASHED = 9, EXIT_REFUSED = 10 };

static const char hello_sha256[] =
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
static const struct span job = {"gen_1", 5};
static char home[] = "/tmp/reel-crash-XXXXXX";

/* ---------------------------------------------------------------- the wrapped calls */

struct step {
    const char *call;
    ino_t folder_or_file; /* of fsync; 0 else */
};

static struct step steps[STEPS_MAX];
static unsigned step_count, crash_at; /* crash_at 0: never; odd: before a step, even: behind it */
static const char *failing;           /* the call that fails, with … */
static int failing_errno;

static void crash_if(unsigned at)
{
    if (crash_at == at)
        _exit(EXIT_CRASHED);
}

/* False when the call shall fail; errno is set then. */
static bool begin_step(const char *call, int fd)
{
    struct stat status = {.st_ino = 0};
    if (fd >= 0)
        (void)fstat(fd, &status);
    assert_true(step_count < STEPS_MAX);
    steps[step_count++] = (struct step){call, status.st_ino};
    crash_if(2 * step_count - 1);
    if (!failing || strcmp(failing, call) != 0)
        return true;
    errno = failing_errno;
    return false;
}

static int end_step(int result)
{
    crash_if(2 * step_count);
    return result;
}

#define WRAP(name, parameters, arguments, fd)                                                      \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        return begin_step(#name, fd) ? end_step(__real_##name arguments) : -1;                     \
    }

WRAP(fsync, (int fd), (fd), fd)
WRAP(fchmod, (int fd, mode_t mode), (fd, mode), -1)
WRAP(mkdir, (const char *path, mode_t mode), (path, mode), -1)
WRAP(mkdirat, (int folder, const char *name, mode_t mode), (folder, name, mode), -1)
WRAP(link, (const char *from, const char *to), (from, to), -1)
WRAP(renameat, (int a, const char *from, int b, const char *to), (a, from, b, to), -1)
WRAP(renameat2, (int a, const char *from, int b, const char *to, unsigned flags),
     (a, from, b, to, flags), -1)

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    if (fd <= STDERR_FILENO) /* the log's and cmocka's own */
        return __real_write(fd, bytes, size);
    return begin_step("write", -1) ? __real_write(fd, bytes, size) : -1;
}

static void watch(const char *call, int error)
{
    step_count = 0;
    failing = call;
    failing_errno = error;
}

/* Where the first step of that kind stands, from `from` on; fails when there is none. */
static unsigned find(unsigned from, const char *call, const char *path)
{
    struct stat status = {.st_ino = 0};
    if (path)
        assert_int_equal(stat(path, &status), 0);
    for (unsigned n = from; n < step_count; n++) {
        if (strcmp(steps[n].call, call) == 0 && steps[n].folder_or_file == status.st_ino)
            return n;
    }
    fail_msg("no %s of %s", call, path ? path : "anything");
    return 0;
}

/* ---------------------------------------------------------------- files of the tests */

static struct depot *open_depot(const char *folder)
{
    char fault[DEPOT_FAULT_SIZE] = "";
    struct depot *depot = depot_make(folder, fault);
    if (!depot)
        fail_msg("%s", fault);
    return depot;
}

static void path_of(char target[static DEPOT_PATH_SIZE], const char *name)
{
    (void)snprintf(target, DEPOT_PATH_SIZE, "%s/%s", home, name);
}

static void write_work(struct depot *depot, const char *text, char path[static DEPOT_PATH_SIZE])
{
    char folder[DEPOT_PATH_SIZE];
    assert_int_equal(depot_work_folder(depot, job, 1, folder), DEPOT_OK);
    path_of(path, "work/gen_1.1/made.mp4");
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void remove_all(struct depot *depot)
{
    watch(NULL, 0);
    assert_int_equal(depot_remove_job(depot, job), DEPOT_OK);
    assert_int_equal(depot_remove_work(depot, job, 1), DEPOT_OK);
}

/* ---------------------------------------------------------------- tests */

/* The content before its name, the name before the word that it is there. */
static void syncs_in_order(void **state)
{
    struct depot *depot = open_depot(home);
    char from[DEPOT_PATH_SIZE], kept_path[DEPOT_PATH_SIZE], folder[DEPOT_PATH_SIZE];
    char outputs[DEPOT_PATH_SIZE];
    struct depot_kept kept;
    write_work(depot, "hello", from);
    watch(NULL, 0);
    assert_int_equal(depot_keep(depot, from, job, SPAN("output.mp4"), &kept), DEPOT_OK);
    path_of(kept_path, "outputs/gen_1/output.mp4");
    path_of(folder, "outputs/gen_1");
    path_of(outputs, "outputs");
    unsigned renamed = find(0, "renameat2", NULL);
    assert_true(find(0, "fchmod", NULL) < find(0, "fsync", kept_path));
    assert_true(find(0, "fsync", kept_path) < renamed);
    assert_true(find(0, "mkdirat", NULL) < renamed);
    assert_true(find(renamed, "fsync", folder) > renamed);
    assert_true(find(renamed, "fsync", outputs) > renamed);
    remove_all(depot);
    depot_free(depot);
}

/* A new home's folders must not vanish with the power, nor the home itself. */
static void syncs_the_folders_of_a_new_home(void **state)
{
    char fresh[DEPOT_PATH_SIZE], fault[DEPOT_FAULT_SIZE] = "", path[DEPOT_PATH_SIZE + 16];
    static const char *const names[] = {"outputs", "work", "uploads/staging", "uploads", "lock"};
    path_of(fresh, "fresh");
    watch(NULL, 0);
    struct depot_lock *lock = depot_lock(fresh, fault);
    assert_non_null(lock);
    assert_true(find(0, "mkdir", NULL) < find(0, "fsync", home));
    watch(NULL, 0);
    depot_free(open_depot(fresh));
    unsigned made = 0;
    for (unsigned n = 0; n < 4; n++)
        made = find(made, "mkdir", NULL) + 1;
    (void)find(made, "fsync", fresh);
    depot_unlock(lock);
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        (void)snprintf(path, sizeof path, "%s/%s", fresh, names[n]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(fresh), 0);
}

/* In a child that dies at the step; gives its status. */
static int keep_and_die(struct depot *depot, const char *from, unsigned at)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        struct depot_kept kept;
        watch(NULL, 0);
        crash_at = at;
        _exit(depot_keep(depot, from, job, SPAN("output.mp4"), &kept) == DEPOT_OK ? 0
                                                                                  : EXIT_REFUSED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Whenever the process dies, keeping again comes to the same; what comes to be under the name is
 * whole from its first moment. */
static void is_idempotent_after_any_crash(void **state)
{
    struct depot *depot = open_depot(home);
    unsigned crashes = 0;
    int status = EXIT_CRASHED;
    for (unsigned at = 1; status == EXIT_CRASHED; at++) {
        char from[DEPOT_PATH_SIZE];
        struct depot_kept kept = {0, ""};
        int fd;
        uint64_t size;
        write_work(depot, "hello", from);
        status = keep_and_die(depot, from, at);
        crashes += status == EXIT_CRASHED;
        assert_true(status == EXIT_CRASHED || status == 0);
        if (depot_open(depot, job, SPAN("output.mp4"), &fd, &size) == DEPOT_OK) {
            assert_int_equal(size, 5);
            assert_true(depot_file_digest(fd, &kept));
            assert_string_equal(kept.sha256, hello_sha256);
            (void)close(fd);
        }
        for (int again = 0; again < 2; again++) {
            kept = (struct depot_kept){0, ""};
            assert_int_equal(depot_keep(depot, from, job, SPAN("output.mp4"), &kept), DEPOT_OK);
            assert_int_equal(kept.size, 5);
            assert_string_equal(kept.sha256, hello_sha256);
        }
        remove_all(depot);
    }
    assert_true(crashes >= 12); /* before and behind mkdirat, fchmod, the syncs and the rename */
    depot_free(depot);
}

static void tells_what_the_disk_says(void **state)
{
    static const struct {
        const char *call;
        int error;
        enum depot_result result;
    } rows[] = {
        {"mkdirat", ENOSPC, DEPOT_FULL},  {"mkdirat", EIO, DEPOT_BROKEN},
        {"fchmod", EPERM, DEPOT_BROKEN},  {"fsync", EIO, DEPOT_BROKEN},
        {"fsync", ENOSPC, DEPOT_FULL},    {"fsync", EDQUOT, DEPOT_FULL},
        {"renameat2", EIO, DEPOT_BROKEN}, {"renameat2", ENOSPC, DEPOT_FULL},
        {"renameat2", EINVAL, DEPOT_OK}, /* no such flag there: renamed plainly */
    };
    struct depot *depot = open_depot(home);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char from[DEPOT_PATH_SIZE];
        struct depot_kept kept = {77, ""};
        write_work(depot, "hello", from);
        watch(rows[n].call, rows[n].error);
        enum depot_result result = depot_keep(depot, from, job, SPAN("output.mp4"), &kept);
        watch(NULL, 0);
        if (result != rows[n].result)
            fail_msg("%s %d: %s", rows[n].call, rows[n].error, depot_result_name(result));
        assert_int_equal(kept.size, result == DEPOT_OK ? 5 : 77);
        /* Once the disk is well the same call does it. */
        assert_int_equal(depot_keep(depot, from, job, SPAN("output.mp4"), &kept), DEPOT_OK);
        assert_string_equal(kept.sha256, hello_sha256);
        remove_all(depot);
    }
    depot_free(depot);
}

static void copies_where_it_cannot_link(void **state)
{
    static const int errors[] = {EXDEV, EMLINK, EPERM};
    struct depot *depot = open_depot(home);
    char from[DEPOT_PATH_SIZE], folder[DEPOT_PATH_SIZE], input[DEPOT_PATH_SIZE + 16];
    struct depot_kept kept;
    struct stat status;
    write_work(depot, "hello", from);
    assert_int_equal(depot_keep(depot, from, job, SPAN("output.png"), &kept), DEPOT_OK);
    for (size_t n = 0; n < sizeof errors / sizeof errors[0]; n++) {
        assert_int_equal(depot_work_folder(depot, job, 1, folder), DEPOT_OK);
        (void)snprintf(input, sizeof input, "%s/input-0", folder);
        watch("link", errors[n]);
        assert_int_equal(depot_link_input(depot, job, SPAN("output.png"), folder, SPAN("input-0")),
                         DEPOT_OK);
        assert_int_equal(stat(input, &status), 0);
        assert_int_equal(status.st_size, 5);
        assert_int_equal(status.st_nlink, 1);
        assert_int_equal(status.st_mode & 0222, 0);
    }
    watch("link", EIO);
    assert_int_equal(depot_link_input(depot, job, SPAN("output.png"), folder, SPAN("input-1")),
                     DEPOT_BROKEN);
    watch("link", EXDEV);
    assert_int_equal(depot_link_input(depot, job, SPAN("output-2.png"), folder, SPAN("input-1")),
                     DEPOT_MISSING);
    /* A copy that fails leaves nothing behind. */
    watch("write", ENOSPC);
    char output[DEPOT_PATH_SIZE];
    path_of(output, "outputs/gen_1/output.png");
    (void)snprintf(input, sizeof input, "%s/input-1", folder);
    assert_false(depot_file_copy(output, input));
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(stat(input, &status), -1);
    remove_all(depot);
    depot_free(depot);
}

static int begin(void **state)
{
    return mkdtemp(home) ? 0 : -1;
}

static int end(void **state)
{
    static const char *const folders[] = {"outputs", "work", "uploads/staging", "uploads"};
    for (size_t n = 0; n < 4; n++) {
        char path[DEPOT_PATH_SIZE];
        path_of(path, folders[n]);
        if (rmdir(path) != 0)
            return -1;
    }
    return rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syncs_in_order),
        cmocka_unit_test(syncs_the_folders_of_a_new_home),
        cmocka_unit_test(is_idempotent_after_any_crash),
        cmocka_unit_test(tells_what_the_disk_says),
        cmocka_unit_test(copies_where_it_cannot_link),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
