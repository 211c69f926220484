/* Homes into backups and back: what is complete, what is refused, what a crash leaves. */
#include "app/backup.h"

#include "app/interrupt.h"
#include "base/crypto.h"
#include "base/memory.h"
#include "depot/depot.h"
#include "store/sqlite.h"

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

static char folder[] = "/tmp/reel-backup-XXXXXX";

static const char *at(const char *name)
{
    static char paths[8][200];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void shell(const char *line)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        if (chdir(folder) == 0)
            execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
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

static void insert(struct store *store, int64_t key, const char *text)
{
    struct output output;
    unsigned char digest[CRYPTO_SHA256_SIZE];
    struct job *job = job_make();
    job->key = key;
    (void)snprintf(job->id, sizeof job->id, "gen_%d", (int)key);
    memcpy(job->tenant, "default", 8);
    memcpy(job->model, "m", 2);
    memcpy(job->provider, "local", 6);
    job->state = STATE_SUCCEEDED;
    job->created_at = job->queued_at = job->started_at = job->ended_at = 1000;
    job->version = 1;
    job->input = memory_copy(span_of("{}"));
    job->outputs_changed = true;
    job->output_count = 1;
    memcpy(job->outputs[0].name, "output.png", 11);
    memcpy(job->outputs[0].content_type, "image/png", 10);
    memcpy(job->outputs[0].thumbnail, "thumbnail.jpg", 14);
    job->outputs[0].size = strlen(text);
    crypto_sha256(span_of(text), digest);
    crypto_hex(digest, sizeof digest, job->outputs[0].sha256);
    output_init(&output);
    struct change *change = output_change(&output, CHANGE_JOB_INSERT);
    change->job = job;
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_apply(store, &output.changes), STORE_OK);
    assert_int_equal(store_commit(store, 2000), STORE_OK);
    output_done(&output);
    job_free(job);
}

/* A home with three jobs, and the store open as a server has it. */
static struct store *make_home(void)
{
    char fault[STORE_FAULT_SIZE] = "", name[64], text[16];
    shell("rm -rf ./*; mkdir -p -m 700 home/outputs/gen_1 home/outputs/gen_2 home/outputs/gen_3");
    struct store *store = sqlite_open(at("home/reel.db"), fault);
    assert_non_null(store);
    for (int key = 1; key <= 3; key++) {
        (void)snprintf(text, sizeof text, "picture %d", key);
        (void)snprintf(name, sizeof name, "home/outputs/gen_%d/output.png", key);
        put(name, text, 0444);
        (void)snprintf(name, sizeof name, "home/outputs/gen_%d/thumbnail.jpg", key);
        put(name, "small", 0444);
        insert(store, key, text);
    }
    put("home/token", "secret\n", 0600);
    put("home/outputs/gen_3/output-2.png", "named by no row", 0444);
    return store;
}

static enum backup_result make(const char *home, const char *place, struct backup_report *report)
{
    const struct backup_order order = {at(home), at(place), true, false, NULL, NULL};
    return backup_run(&order, report);
}

static enum backup_result bring_back(const char *place, const char *home,
                                     struct backup_report *report)
{
    const struct backup_order order = {at(home), at(place), false, false, NULL, NULL};
    return backup_restore(&order, report);
}

static void test_there_and_back(void **state)
{
    struct backup_report report;
    struct store *store = make_home();
    backup_report_init(&report);
    assert_int_equal(make("home", "backup", &report), BACKUP_DONE);
    assert_int_equal(report.jobs, 3);
    assert_int_equal(report.files, 6);
    assert_int_equal(report.bytes, 3 * 9 + 3 * 5);
    assert_true(is_there("backup/backup.json") && is_there("backup/token"));
    assert_false(is_there("backup/reel.yaml") || is_there("backup.part"));
    assert_false(is_there("backup/outputs/gen_3/output-2.png"));
    /* What comes later is not in it, and a second one does not go over the first. */
    insert(store, 4, "late");
    assert_int_equal(make("home", "backup", &report), BACKUP_FAILED);
    assert_non_null(strstr(report.fault, "nothing is overwritten"));
    store_close(store);
    assert_int_equal(bring_back("backup", "new", &report), BACKUP_DONE);
    assert_int_equal(report.jobs, 3);
    assert_int_equal(report.files, 6);
    assert_true(is_there("new/reel.db") && is_there("new/token") && is_there("new/lock"));
    assert_false(is_there("new/backup.json") || is_there("new/restore.part"));
    shell("cmp home/outputs/gen_2/output.png new/outputs/gen_2/output.png && cmp home/token "
          "new/token && test \"$(stat -c %a new/reel.db new/token | tr '\\n' ' ')\" = '600 600 '");
    char fault[STORE_FAULT_SIZE];
    store = sqlite_open(at("new/reel.db"), fault);
    assert_non_null(store);
    store_close(store);
    backup_report_done(&report);
}

static void test_as_a_file(void **state)
{
    struct backup_report report;
    store_close(make_home());
    backup_report_init(&report);
    assert_int_equal(make("home", "backup.tar", &report), BACKUP_DONE);
    assert_false(is_there("backup.tar.part"));
    shell("test $(stat -c %a backup.tar) = 600 && tar -tf backup.tar | grep -q "
          "'^outputs/gen_1/output.png$'");
    assert_int_equal(make("home", "backup.tar", &report), BACKUP_FAILED);
    assert_int_equal(bring_back("backup.tar", "new", &report), BACKUP_DONE);
    assert_int_equal(report.jobs, 3);
    assert_int_equal(report.files, 6);
    assert_false(is_there("new/unpacked.part") || is_there("new/backup.json"));
    shell("cmp home/outputs/gen_2/output.png new/outputs/gen_2/output.png && cmp home/token "
          "new/token && rm -rf new && head -c 20000 backup.tar > cut.tar");
    assert_int_equal(bring_back("cut.tar", "new", &report), BACKUP_FAILED);
    assert_non_null(strstr(report.fault, "cut.tar: the archive ends too early"));
    assert_false(is_there("new/reel.db") || is_there("new/unpacked.part"));
    backup_report_done(&report);
}

static void test_damage_is_found(void **state)
{
    struct backup_report report;
    store_close(make_home());
    backup_report_init(&report);
    shell("rm -f home/outputs/gen_1/thumbnail.jpg home/outputs/gen_2/output.png "
          "home/outputs/gen_3/output.png");
    put("home/outputs/gen_2/output.png", "picture X", 0444);
    put("home/outputs/gen_3/output.png", "pic", 0444);
    assert_int_equal(make("home", "backup", &report), BACKUP_DAMAGED);
    assert_int_equal(report.damaged, 3);
    assert_non_null(strstr(report.damages.data, "outputs/gen_1/thumbnail.jpg is missing\n"));
    assert_non_null(strstr(report.damages.data, "outputs/gen_2/output.png has another SHA-256"));
    assert_non_null(strstr(report.damages.data, "outputs/gen_3/output.png has another size"));
    assert_false(is_there("backup") || is_there("backup.part"));
    struct backup_order order = {at("home"), at("backup"), true, true, NULL, NULL};
    assert_int_equal(backup_run(&order, &report), BACKUP_DONE);
    assert_int_equal(report.damaged, 3);
    /* A restore looks again. */
    assert_int_equal(bring_back("backup", "new", &report), BACKUP_DAMAGED);
    assert_false(is_there("new/reel.db"));
    shell("rm -rf new && printf x >> backup/reel.db && dd if=/dev/zero of=backup/reel.db bs=4096 "
          "seek=2 count=3 conv=notrunc 2>/dev/null");
    assert_int_equal(bring_back("backup", "new", &report), BACKUP_FAILED);
    assert_non_null(strstr(report.fault, "it is damaged"));
    assert_false(is_there("new/reel.db"));
    backup_report_done(&report);
}

static void test_what_is_refused(void **state)
{
    struct backup_report report;
    char fault[DEPOT_FAULT_SIZE];
    store_close(make_home());
    backup_report_init(&report);
    assert_int_equal(make("nowhere", "backup", &report), BACKUP_FAILED);
    assert_non_null(strstr(report.fault, "reel.db can't be read: No such file"));
    assert_int_equal(make("home", "nowhere/backup", &report), BACKUP_FAILED);
    assert_int_equal(make("home", "backup", &report), BACKUP_DONE);
    assert_int_equal(bring_back("nowhere", "new", &report), BACKUP_FAILED);
    assert_non_null(strstr(report.fault, "is no backup"));
    assert_int_equal(bring_back("backup", "home", &report), BACKUP_FAILED);
    assert_non_null(strstr(report.fault, "is not empty"));
    struct depot_lock *lock = depot_lock(at("new"), fault);
    assert_non_null(lock);
    assert_int_equal(bring_back("backup", "new", &report), BACKUP_FAILED);
    assert_non_null(strstr(report.fault, "another server"));
    depot_unlock(lock);
    /* A configuration that lies ready stays. */
    put("new/reel.yaml", "listen: 127.0.0.1:1\n", 0600);
    assert_int_equal(bring_back("backup", "new", &report), BACKUP_DONE);
    shell("grep -q ':1' new/reel.yaml");
    backup_report_done(&report);
}

static void test_after_a_crash(void **state)
{
    struct backup_report report;
    store_close(make_home());
    backup_report_init(&report);
    shell("mkdir -p backup.part/outputs/gen_9 && echo x > backup.part/outputs/gen_9/output.png && "
          "echo x > backup.part/reel.db");
    assert_int_equal(make("home", "backup", &report), BACKUP_DONE);
    assert_false(is_there("backup/outputs/gen_9"));
    /* A restore that was killed when some of it had its place. */
    shell("mkdir -m 700 new && mkdir -p new/restore.part new/outputs/gen_9 && touch new/lock "
          "new/outputs/gen_9/output.png new/restore.part/reel.db");
    assert_true(backup_half_restored(at("new")));
    assert_int_equal(bring_back("backup", "new", &report), BACKUP_DONE);
    assert_false(backup_half_restored(at("new")));
    assert_false(is_there("new/outputs/gen_9"));
    assert_true(is_there("new/outputs/gen_1/output.png"));
    backup_report_done(&report);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    shell("rm -rf ./*");
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),  cmocka_unit_test(test_as_a_file),
        cmocka_unit_test(test_damage_is_found), cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_after_a_crash),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
