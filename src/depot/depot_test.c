#include "depot/depot.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char hello_sha256[] =
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
static const struct span job = {"gen_1", 5};

static char home[] = "/tmp/reel-depot-XXXXXX";
static struct depot *depot;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool is_there(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* A file in a fresh work folder of the job. */
static void work_file(const char *text, char target[static DEPOT_PATH_SIZE + 32])
{
    char folder[DEPOT_PATH_SIZE];
    assert_int_equal(depot_work_folder(depot, job, 1, folder), DEPOT_OK);
    (void)snprintf(target, DEPOT_PATH_SIZE + 32, "%s/made.mp4", folder);
    write_file(target, text);
}

static void makes_private_work_folders(void **state)
{
    char path[DEPOT_PATH_SIZE], inside[DEPOT_PATH_SIZE + 32];
    struct stat status;
    assert_int_equal(depot_work_folder(depot, job, 7, path), DEPOT_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_true(strstr(path, "work/gen_1.7") != NULL);
    /* What an earlier life left is gone; links are removed, not followed. */
    (void)snprintf(inside, sizeof inside, "%s/link", path);
    assert_int_equal(symlink(home, inside), 0);
    (void)snprintf(inside, sizeof inside, "%s/deep", path);
    assert_int_equal(mkdir(inside, 0700), 0);
    (void)snprintf(inside, sizeof inside, "%s/deep/file", path);
    write_file(inside, "x");
    assert_int_equal(depot_work_folder(depot, job, 7, path), DEPOT_OK);
    assert_int_equal(rmdir(path), 0);
    assert_true(is_there(home));
    assert_int_equal(depot_remove_work(depot, job, 7), DEPOT_OK);
    static const char *const wrong[] = {"",    ".",   "..",        "a/b", "../x",
                                        "a.b", "a-b", "a\xC3\xBC", "a b", "a\n"};
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        assert_int_equal(depot_work_folder(depot, span_of(wrong[n]), 1, path), DEPOT_REFUSED);
        assert_int_equal(depot_remove_job(depot, span_of(wrong[n])), DEPOT_REFUSED);
    }
    assert_int_equal(depot_remove_job(depot, span_make("a\0b", 3)), DEPOT_REFUSED);
}

static void judges_names(void **state)
{
    static const struct {
        const char *name;
        bool good;
    } rows[] = {
        {"output.mp4", true},
        {"output-2.webm", true},
        {"output-17.png", true},
        {"thumbnail.jpg", true},
        {"thumbnail-2.jpg", true},
        {"output.json", true},
        {"output.zip", true},
        {"output-9999.srt", true},
        {"output", false},
        {"output.", false},
        {".mp4", false},
        {"", false},
        {"output.exe", false},
        {"output.MP4", false},
        {"Output.mp4", false},
        {"output-1.mp4", false},
        {"output-0.mp4", false},
        {"output-02.mp4", false},
        {"output-+2.mp4", false},
        {"output-.mp4", false},
        {"output--2.mp4", false},
        {"output-2-3.mp4", false},
        {"output-10000.mp4", false},
        {"output.mp4.mp4", false},
        {"output.png.mp4", false},
        {"../output.mp4", false},
        {"x/output.mp4", false},
        {"output/.mp4", false},
        {"output.mp4/", false},
        {"output.mp4/..", false},
        {"outputs.mp4", false},
        {"xoutput.mp4", false},
        {" output.mp4", false},
        {"output.mp4 ", false},
        {"output.html", false},
        {"output-2 .mp4", false},
    };
    char path[DEPOT_PATH_SIZE];
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        enum depot_result result = depot_path(depot, job, span_of(rows[n].name), path);
        if ((result == DEPOT_OK) != rows[n].good)
            fail_msg("%s: %s", rows[n].name, depot_result_name(result));
        if (result == DEPOT_OK)
            assert_non_null(strstr(path, "/outputs/gen_1/"));
    }
    assert_int_equal(depot_path(depot, job, span_make("output\0.mp4", 11), path), DEPOT_REFUSED);
    assert_int_equal(depot_path(depot, SPAN("../x"), SPAN("output.mp4"), path), DEPOT_REFUSED);
    assert_string_equal(depot_type(SPAN("output.mp4")), "video/mp4");
    assert_string_equal(depot_type(SPAN("x.html")), "application/octet-stream");
    assert_string_equal(depot_extension(SPAN("video/mp4")), ".mp4");
    assert_string_equal(depot_extension(SPAN("image/avif")), ".avif");
    assert_null(depot_extension(SPAN("text/html")));
    assert_null(depot_extension(SPAN("")));
}

static void keeps_outputs_once(void **state)
{
    char from[DEPOT_PATH_SIZE + 32], path[DEPOT_PATH_SIZE], text[16] = "";
    struct depot_kept kept = {0, ""};
    work_file("hello", from);
    assert_int_equal(depot_keep(depot, from, job, SPAN("output.mp4"), &kept), DEPOT_OK);
    assert_int_equal(kept.size, 5);
    assert_string_equal(kept.sha256, hello_sha256);
    assert_false(is_there(from));
    int fd = -1;
    uint64_t size = 0;
    assert_int_equal(depot_open(depot, job, SPAN("output.mp4"), &fd, &size), DEPOT_OK);
    assert_int_equal(size, 5);
    assert_int_equal(read(fd, text, sizeof text), 5);
    assert_string_equal(text, "hello");
    (void)close(fd);
    struct stat status;
    assert_int_equal(depot_path(depot, job, SPAN("output.mp4"), path), DEPOT_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0222, 0);
    /* Again after a crash: the work file is gone, or was made again. */
    kept = (struct depot_kept){0, ""};
    assert_int_equal(depot_keep(depot, from, job, SPAN("output.mp4"), &kept), DEPOT_OK);
    assert_string_equal(kept.sha256, hello_sha256);
    work_file("hello", from);
    assert_int_equal(depot_keep(depot, from, job, SPAN("output.mp4"), &kept), DEPOT_OK);
    /* Another content, another job's place. */
    work_file("world", from);
    kept.size = 77;
    assert_int_equal(depot_keep(depot, from, job, SPAN("output.mp4"), &kept), DEPOT_TAKEN);
    assert_int_equal(kept.size, 77);
    assert_true(is_there(from));
    assert_int_equal(depot_keep(depot, from, job, SPAN("output-2.mp4"), &kept), DEPOT_OK);
    assert_int_equal(depot_keep(depot, from, job, SPAN("output-3.mp4"), &kept), DEPOT_MISSING);
    assert_int_equal(depot_open(depot, job, SPAN("output-3.mp4"), &fd, &size), DEPOT_MISSING);
    assert_int_equal(depot_open(depot, SPAN("gen_9"), SPAN("output.mp4"), &fd, &size),
                     DEPOT_MISSING);
    assert_int_equal(depot_remove_job(depot, job), DEPOT_OK);
    assert_false(is_there(path));
    assert_int_equal(depot_remove_job(depot, job), DEPOT_OK);
}

static void keep(const char *name)
{
    char from[DEPOT_PATH_SIZE + 32];
    struct depot_kept kept;
    work_file("hello", from);
    assert_int_equal(depot_keep(depot, from, job, span_of(name), &kept), DEPOT_OK);
}

static bool is_kept(const char *name)
{
    char path[DEPOT_PATH_SIZE];
    assert_int_equal(depot_path(depot, job, span_of(name), path), DEPOT_OK);
    return is_there(path);
}

/* What a second attempt left on its way, beside what the first one made. */
static void removes_what_comes_behind_the_first(void **state)
{
    char stray[DEPOT_PATH_SIZE];
    assert_int_equal(depot_remove_outputs(depot, job, 2), DEPOT_OK); /* there is nothing */
    assert_int_equal(depot_remove_outputs(depot, SPAN("../x"), 2), DEPOT_REFUSED);
    static const char *const names[] = {"output.mp4",      "thumbnail.jpg", "output-2.png",
                                        "thumbnail-2.jpg", "output-3.mp4",  "thumbnail-3.jpg",
                                        "output-10.mp4"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        keep(names[n]);
    (void)snprintf(stray, sizeof stray, "%s/outputs/gen_1/half", home);
    write_file(stray, "hel");
    assert_int_equal(depot_remove_outputs(depot, job, 2), DEPOT_OK);
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        assert_int_equal(is_kept(names[n]), n < 4);
    assert_false(is_there(stray));
    assert_int_equal(depot_remove_outputs(depot, job, 0), DEPOT_OK);
    assert_false(is_kept("output.mp4"));
}

static void takes_plain_files_only(void **state)
{
    char from[DEPOT_PATH_SIZE + 32], folder[DEPOT_PATH_SIZE];
    struct depot_kept kept;
    assert_int_equal(depot_work_folder(depot, job, 2, folder), DEPOT_OK);
    (void)snprintf(from, sizeof from, "%s/output.mp4", folder);
    assert_int_equal(symlink("/etc/passwd", from), 0);
    assert_int_equal(depot_keep(depot, from, job, SPAN("output.mp4"), &kept), DEPOT_REFUSED);
    assert_int_equal(unlink(from), 0);
    assert_int_equal(mkfifo(from, 0600), 0);
    assert_int_equal(depot_keep(depot, from, job, SPAN("output.mp4"), &kept), DEPOT_REFUSED);
    assert_int_equal(unlink(from), 0);
    assert_int_equal(mkdir(from, 0700), 0);
    assert_int_equal(depot_keep(depot, from, job, SPAN("output.mp4"), &kept), DEPOT_REFUSED);
    assert_int_equal(depot_keep(depot, from, job, SPAN("../x.mp4"), &kept), DEPOT_REFUSED);
    assert_int_equal(depot_remove_work(depot, job, 2), DEPOT_OK);
    /* A link among the outputs is not served. */
    char path[DEPOT_PATH_SIZE];
    int fd;
    uint64_t size;
    work_file("hello", from);
    assert_int_equal(depot_keep(depot, from, job, SPAN("output.mp4"), &kept), DEPOT_OK);
    assert_int_equal(depot_path(depot, job, SPAN("output-2.mp4"), path), DEPOT_OK);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_true(depot_open(depot, job, SPAN("output-2.mp4"), &fd, &size) != DEPOT_OK);
    assert_int_equal(depot_remove_job(depot, job), DEPOT_OK);
    assert_true(is_there("/etc/passwd"));
}

static void lends_outputs_as_inputs(void **state)
{
    char from[DEPOT_PATH_SIZE + 32], folder[DEPOT_PATH_SIZE], input[DEPOT_PATH_SIZE + 32];
    struct depot_kept kept;
    struct stat status;
    work_file("hello", from);
    assert_int_equal(depot_keep(depot, from, job, SPAN("output.png"), &kept), DEPOT_OK);
    assert_int_equal(depot_work_folder(depot, SPAN("gen_2"), 1, folder), DEPOT_OK);
    assert_int_equal(depot_link_input(depot, job, SPAN("output.png"), folder, SPAN("image.png")),
                     DEPOT_OK);
    (void)snprintf(input, sizeof input, "%s/image.png", folder);
    assert_int_equal(stat(input, &status), 0);
    assert_int_equal(status.st_size, 5);
    assert_int_equal(status.st_mode & 0222, 0);
    static const char *const wrong[] = {"", ".", "..", ".x", "a/b", "/tmp/x"};
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++)
        assert_int_equal(
            depot_link_input(depot, job, SPAN("output.png"), folder, span_of(wrong[n])),
            DEPOT_REFUSED);
    assert_int_equal(depot_link_input(depot, job, SPAN("output-2.png"), folder, SPAN("a")),
                     DEPOT_MISSING);
    assert_int_equal(depot_link_input(depot, job, SPAN("../x"), folder, SPAN("a")), DEPOT_REFUSED);
    /* Removing either leaves the other. */
    assert_int_equal(depot_remove_work(depot, SPAN("gen_2"), 1), DEPOT_OK);
    int fd;
    uint64_t size;
    assert_int_equal(depot_open(depot, job, SPAN("output.png"), &fd, &size), DEPOT_OK);
    (void)close(fd);
    assert_int_equal(depot_remove_job(depot, job), DEPOT_OK);
}

static bool is_gen_3(void *context, struct span id)
{
    ++*(unsigned *)context;
    return span_is(id, "gen_3");
}

static void sweeps_strays(void **state)
{
    char path[DEPOT_PATH_SIZE], known[DEPOT_PATH_SIZE], loose[200];
    unsigned asked = 0;
    assert_int_equal(depot_remove_work(depot, job, 1), DEPOT_OK);
    assert_int_equal(depot_work_folder(depot, SPAN("gen_2"), 1, path), DEPOT_OK);
    assert_int_equal(depot_work_folder(depot, SPAN("gen_3"), 4, known), DEPOT_OK);
    (void)snprintf(loose, sizeof loose, "%s/work/loose", home);
    write_file(loose, "x");
    assert_int_equal(depot_sweep(depot, 1000, is_gen_3, &asked), 0);
    assert_int_equal(asked, 0);
    assert_int_equal(depot_sweep(depot, MS_NEVER, is_gen_3, &asked), 2);
    assert_int_equal(asked, 3);
    assert_false(is_there(path));
    assert_false(is_there(loose));
    assert_true(is_there(known));
    assert_int_equal(depot_sweep(depot, MS_NEVER, NULL, NULL), 1);
    assert_false(is_there(known));
    assert_true(depot_free_bytes(depot) > 0);
}

static void says_what_it_cannot_make(void **state)
{
    char fault[DEPOT_FAULT_SIZE] = "";
    assert_null(depot_make("/tmp/reel-nowhere/home", fault));
    assert_non_null(strstr(fault, "/tmp/reel-nowhere/home/outputs"));
    char path[600];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_null(depot_make(path, fault));
    assert_non_null(strstr(fault, "too long"));
    depot_free(NULL);
}

/* In a child, on a tiny file system of its own; gives what went wrong, 0 for nothing. */
static int fill_a_disk(const char *mount_point)
{
    char fault[DEPOT_FAULT_SIZE], path[DEPOT_PATH_SIZE], file[DEPOT_PATH_SIZE + 32];
    static char block[4096];
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", mount_point, "tmpfs", 0, "size=256k,nr_inodes=64") != 0)
        return 77;
    struct depot *small = depot_make(mount_point, fault);
    if (!small || depot_work_folder(small, job, 1, path) != DEPOT_OK)
        return 1;
    (void)snprintf(file, sizeof file, "%s/fill", path);
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof block) > 0)
        ;
    if (errno != ENOSPC || depot_free_bytes(small) != 0)
        return 2;
    (void)close(fd);
    /* Out of entries too. */
    for (unsigned n = 2; n < 100; n++) {
        enum depot_result result = depot_work_folder(small, job, n, path);
        if (result == DEPOT_FULL)
            break;
        if (result != DEPOT_OK)
            return 3;
    }
    (void)snprintf(file, sizeof file, "%s/work/gen_1.1/fill", mount_point);
    struct depot_kept kept;
    if (depot_keep(small, file, job, SPAN("output.mp4"), &kept) != DEPOT_FULL)
        return 4;
    /* Once there is room again it goes on. */
    if (depot_remove_work(small, job, 2) != DEPOT_OK ||
        depot_remove_work(small, job, 3) != DEPOT_OK)
        return 5;
    if (depot_keep(small, file, job, SPAN("output.mp4"), &kept) != DEPOT_OK)
        return 6;
    depot_free(small);
    return 0;
}

static void tells_a_full_disk(void **state)
{
    char mount_point[200];
    (void)snprintf(mount_point, sizeof mount_point, "%s/small", home);
    assert_int_equal(mkdir(mount_point, 0700), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(fill_a_disk(mount_point));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(rmdir(mount_point), 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip(); /* only root can mount */
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int begin(void **state)
{
    char fault[DEPOT_FAULT_SIZE];
    if (!mkdtemp(home))
        return -1;
    depot = depot_make(home, fault);
    return depot ? 0 : -1;
}

static int end(void **state)
{
    static const char *const folders[] = {"outputs", "work", "uploads/staging", "uploads"};
    depot_free(depot);
    for (size_t n = 0; n < 4; n++) {
        char path[200];
        (void)snprintf(path, sizeof path, "%s/%s", home, folders[n]);
        if (rmdir(path) != 0)
            return -1;
    }
    return rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_private_work_folders),
        cmocka_unit_test(judges_names),
        cmocka_unit_test(keeps_outputs_once),
        cmocka_unit_test(removes_what_comes_behind_the_first),
        cmocka_unit_test(takes_plain_files_only),
        cmocka_unit_test(lends_outputs_as_inputs),
        cmocka_unit_test(sweeps_strays),
        cmocka_unit_test(says_what_it_cannot_make),
        cmocka_unit_test(tells_a_full_disk),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
