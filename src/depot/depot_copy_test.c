/* Files from one tree into another, and folders that appear as a whole. */
#include "depot/depot_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static char folder[] = "/tmp/depot-copy-XXXXXX";

static const char *at(const char *name)
{
    static char paths[4][200];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text, mode_t mode)
{
    int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static bool is_there(const char *name)
{
    struct stat status;
    return lstat(at(name), &status) == 0;
}

static void clear(void)
{
    char command[100];
    (void)snprintf(command, sizeof command, "rm -rf %s/*", folder);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(mkdir(at("home"), 0700) | mkdir(at("home/outputs"), 0700) |
                         mkdir(at("home/outputs/gen_1"), 0700) | mkdir(at("copy"), 0700),
                     0);
    put("home/outputs/gen_1/output.mp4", "hello", 0444);
}

static enum depot_result copy(const char *owner, const char *name, bool may_link,
                              struct depot_kept *kept)
{
    char from[200], to[200];
    (void)snprintf(from, sizeof from, "%s/home", folder);
    (void)snprintf(to, sizeof to, "%s/copy", folder);
    const struct depot_copy order = {from, to, "outputs", owner, name, may_link};
    return depot_copy_file(&order, kept);
}

static void test_linked_or_copied(void **state)
{
    for (int may_link = 0; may_link < 2; may_link++) {
        struct depot_kept kept;
        struct stat source, target;
        clear();
        assert_int_equal(copy("gen_1", "output.mp4", may_link, &kept), DEPOT_OK);
        assert_int_equal(kept.size, 5);
        assert_string_equal(kept.sha256, HELLO);
        assert_int_equal(stat(at("home/outputs/gen_1/output.mp4"), &source), 0);
        assert_int_equal(stat(at("copy/outputs/gen_1/output.mp4"), &target), 0);
        assert_int_equal(source.st_ino == target.st_ino, may_link);
        assert_int_equal(target.st_mode & 0777, 0444);
        assert_int_equal(copy("gen_1", "output.mp4", may_link, &kept), DEPOT_TAKEN);
        assert_int_equal(depot_copy_look(at("copy"), "outputs", "gen_1", "output.mp4", &kept),
                         DEPOT_OK);
        assert_string_equal(kept.sha256, HELLO);
    }
}

static void test_refused(void **state)
{
    struct depot_kept kept;
    clear();
    assert_int_equal(copy("gen_1", "output.png", true, &kept), DEPOT_MISSING);
    assert_int_equal(copy("..", "output.mp4", true, &kept), DEPOT_REFUSED);
    assert_int_equal(copy("gen_1", "", true, &kept), DEPOT_REFUSED);
    assert_int_equal(copy("gen_1", "../../token", true, &kept), DEPOT_REFUSED);
    assert_int_equal(copy("gen_1", ".hidden", true, &kept), DEPOT_REFUSED);
    put("token", "secret", 0600);
    assert_int_equal(symlink(at("token"), at("home/outputs/gen_1/output.png")), 0);
    assert_int_equal(copy("gen_1", "output.png", true, &kept), DEPOT_REFUSED);
    assert_int_equal(mkfifo(at("home/outputs/gen_1/output.gif"), 0600), 0);
    assert_int_equal(copy("gen_1", "output.gif", false, &kept), DEPOT_REFUSED);
    assert_int_equal(depot_copy_look(at("home"), "outputs", "gen_1", "output.gif", &kept),
                     DEPOT_REFUSED);
}

static void test_a_draft_gets_its_place(void **state)
{
    char fault[DEPOT_FAULT_SIZE] = "";
    clear();
    struct depot_draft *draft = depot_draft_make(at("backup/"), fault);
    assert_non_null(draft);
    assert_string_equal(depot_draft_path(draft), at("backup.part"));
    put("backup.part/file", "x", 0600);
    assert_false(is_there("backup"));
    /* Two at once get not into each other's way. */
    assert_null(depot_draft_make(at("backup"), fault));
    assert_non_null(strstr(fault, "another process is making"));
    assert_true(depot_draft_settle(draft, fault));
    depot_draft_free(draft);
    assert_true(is_there("backup/file"));
    assert_false(is_there("backup.part"));
    assert_null(depot_draft_make(at("backup"), fault));
    assert_non_null(strstr(fault, "nothing is overwritten"));
    assert_true(is_there("backup/file"));
}

static void test_a_draft_leaves_nothing(void **state)
{
    char fault[DEPOT_FAULT_SIZE] = "";
    clear();
    /* What a dead process left is removed by the next, which then gives up itself. */
    assert_int_equal(mkdir(at("backup.part"), 0700) | mkdir(at("backup.part/outputs"), 0700), 0);
    put("backup.part/outputs/old", "x", 0400);
    struct depot_draft *draft = depot_draft_make(at("backup"), fault);
    assert_non_null(draft);
    assert_false(is_there("backup.part/outputs"));
    put("backup.part/new", "x", 0600);
    depot_draft_free(draft);
    assert_false(is_there("backup.part"));
    /* A place that is taken meanwhile is not overwritten. */
    draft = depot_draft_make(at("backup"), fault);
    assert_non_null(draft);
    put("backup", "mine", 0600);
    assert_false(depot_draft_settle(draft, fault));
    depot_draft_free(draft);
    assert_true(is_there("backup"));
    assert_null(depot_draft_make(at("nowhere/backup"), fault));
    assert_null(depot_draft_make("/", fault));
    assert_null(depot_draft_make(at(".."), fault));
}

static void test_a_draft_is_spilt(void **state)
{
    char fault[DEPOT_FAULT_SIZE] = "";
    clear();
    struct depot_draft *draft = depot_draft_make(at("copy/restore"), fault);
    assert_non_null(draft);
    put("copy/restore.part/reel.db", "x", 0600);
    put("copy/restore.part/token", "x", 0600);
    assert_true(depot_draft_spill(draft, at("copy"), "reel.db", fault));
    depot_draft_free(draft);
    assert_true(is_there("copy/reel.db") && is_there("copy/token"));
    assert_false(is_there("copy/restore.part"));
    /* What is in the way stays, and the last one has not come. */
    draft = depot_draft_make(at("home/restore"), fault);
    assert_non_null(draft);
    put("home/restore.part/reel.db", "x", 0600);
    put("home/restore.part/token", "new", 0600);
    put("home/token", "old", 0600);
    assert_false(depot_draft_spill(draft, at("home"), "reel.db", fault));
    assert_false(is_there("home/reel.db"));
    depot_draft_free(draft);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    clear();
    char command[100];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return waitpid(child, NULL, 0) == child ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linked_or_copied),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_a_draft_gets_its_place),
        cmocka_unit_test(test_a_draft_leaves_nothing),
        cmocka_unit_test(test_a_draft_is_spilt),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
