/* Deaths and broken disks: whatever happens, what was committed is there and nothing else is. */
#include "store/sqlite.h"

#include "store/sqlite_write.h"
#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH = 5 };

/* ---------------------------------------------------------------- a disk that fails on order */

enum fault { FAULT_NONE, FAULT_FULL, FAULT_WRITE, FAULT_SYNC };

enum { DISK_METHODS = 4 };

static struct {
    enum fault fault;
    int countdown; /* operations of that kind until it strikes; 0: struck */
    bool lasting;  /* strikes ever after */
    bool struck;
    sqlite3_vfs vfs, *real;
    /* Of the real one: databases and logs have others. */
    const sqlite3_io_methods *methods[DISK_METHODS];
    sqlite3_io_methods patched[DISK_METHODS];
} disk;

static bool strikes(enum fault fault)
{
    if (disk.fault != fault)
        return false;
    if (disk.struck && !disk.lasting)
        return false;
    if (!disk.struck && --disk.countdown > 0)
        return false;
    disk.struck = true;
    return true;
}

static const sqlite3_io_methods *real_methods(const sqlite3_file *file)
{
    return disk.methods[file->pMethods - disk.patched];
}

static int disk_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    if (strikes(FAULT_FULL) || strikes(FAULT_WRITE)) {
        /* Half of it reaches the disk. */
        (void)real_methods(file)->xWrite(file, bytes, size / 2, offset);
        return disk.fault == FAULT_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    return real_methods(file)->xWrite(file, bytes, size, offset);
}

static int disk_sync(sqlite3_file *file, int flags)
{
    return strikes(FAULT_SYNC) ? SQLITE_IOERR_FSYNC : real_methods(file)->xSync(file, flags);
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    int code = disk.real->xOpen(disk.real, name, file, flags, ret_flags);
    if (code != SQLITE_OK || !file->pMethods)
        return code;
    int place = 0;
    while (place < DISK_METHODS && disk.methods[place] && disk.methods[place] != file->pMethods)
        place++;
    assert_true(place < DISK_METHODS);
    disk.methods[place] = file->pMethods;
    disk.patched[place] = *file->pMethods;
    disk.patched[place].xWrite = disk_write;
    disk.patched[place].xSync = disk_sync;
    file->pMethods = &disk.patched[place];
    return code;
}

static void disk_install(void)
{
    if (disk.real)
        return;
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "failing";
    disk.vfs.xOpen = disk_open;
    assert_int_equal(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
}

static void disk_order(enum fault fault, int countdown, bool lasting)
{
    disk.fault = fault;
    disk.countdown = countdown;
    disk.lasting = lasting;
    disk.struck = false;
}

/* ---------------------------------------------------------------- what must hold */

static int64_t ask(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t answer = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return answer;
}

/* Every turn inserts BATCH jobs, so their number must be the turns' and the bucket's. */
static int64_t assert_sound(const char *path)
{
    assert_int_equal(ask(path, "SELECT count(*) FROM pragma_integrity_check"
                               " WHERE integrity_check = 'ok'"),
                     1);
    int64_t turns = ask(path, "SELECT turn FROM meta");
    assert_int_equal(ask(path, "SELECT count(*) FROM jobs"), turns * BATCH);
    assert_int_equal(ask(path, "SELECT count(*) FROM inputs"), turns * BATCH);
    assert_int_equal(ask(path, "SELECT total(count) FROM buckets"), turns * BATCH);
    assert_int_equal(ask(path, "SELECT last_key FROM meta"), turns * BATCH);
    return turns;
}

/* A turn of its own, with all results given back instead of asserted. */
static enum store_result try_turn(struct store_scene *scene, int64_t turn)
{
    struct job *jobs[BATCH];
    enum store_result result = store_begin(scene->store);
    for (int n = 0; n < BATCH; n++) {
        jobs[n] = store_scene_job(turn * BATCH + n + 1, 100 + turn);
        store_scene_insert(scene, jobs[n]);
    }
    store_scene_bucket(scene, jobs[0], BATCH, BATCH);
    if (result == STORE_OK)
        result = store_scene_try_apply(scene);
    if (result == STORE_OK)
        result = store_commit(scene->store, scene->now++);
    output_clear_changes(&scene->output);
    for (int n = 0; n < BATCH; n++)
        job_free(jobs[n]);
    return result;
}

static void reopen(struct store_scene *scene)
{
    char fault[STORE_FAULT_SIZE] = "";
    scene->store = sqlite_open(scene->path, fault);
    assert_string_equal(fault, "");
    scene->reader = store_open_reader(scene->store, fault);
    assert_non_null(scene->reader);
}

static void shut(struct store_scene *scene)
{
    reader_close(scene->reader);
    store_close(scene->store);
    scene->reader = NULL;
    scene->store = NULL;
}

/* ---------------------------------------------------------------- deaths */

/* Writes turn after turn, tells each that was committed, moves the log now and then. */
static void live_until_killed(struct store_scene *scene, int64_t turn, int told)
{
    char fault[STORE_FAULT_SIZE];
    scene->store = sqlite_open(scene->path, fault);
    if (!scene->store)
        _exit(1);
    struct sqlite_log *log = &sqlite_of(scene->store)->log;
    log->move_at = 100000;
    log->restart_at = 300000;
    for (;; turn++) {
        if (try_turn(scene, turn) != STORE_OK || write(told, &turn, sizeof turn) != sizeof turn)
            _exit(2);
        if (turn % 7 == 0)
            (void)sqlite_checkpoint(scene->store);
    }
}

static void test_kill_at_any_moment(void **state)
{
    enum { LIVES = 25 };
    struct store_scene scene;
    store_scene_open(&scene, false);
    shut(&scene);
    int64_t turns = 0;
    uint32_t random = 12345;
    for (int life = 0; life < LIVES; life++) {
        int told[2];
        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        if (child == 0)
            live_until_killed(&scene, turns, told[1]);
        close(told[1]);
        int64_t turn = -1, last = turns - 1;
        random = random * 1664525 + 1013904223;
        assert_int_equal(read(told[0], &turn, sizeof turn), sizeof turn);
        (void)usleep((random >> 16) % 40000);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        do
            last = turn;
        while (read(told[0], &turn, sizeof turn) == sizeof turn);
        close(told[0]);
        turns = assert_sound(scene.path);
        /* The last commit may have been made and not told. */
        assert_true(turns == last + 1 || turns == last + 2);
    }
    reopen(&scene);
    assert_int_equal(try_turn(&scene, turns), STORE_OK);
    store_scene_close(&scene);
}

/* ---------------------------------------------------------------- disks */

/* Each write in turn finds the disk full, once or until the fault is lifted. */
static void test_full_at_every_write(void **state)
{
    enum { TURNS = 3 };
    disk_install();
    bool struck = true;
    for (int nth = 1; struck; nth++) {
        struct store_scene scene;
        disk_order(FAULT_NONE, 0, false);
        store_scene_open(&scene, false);
        disk_order(FAULT_FULL, nth, nth % 2);
        for (int64_t turn = 0; turn < TURNS; turn++) {
            enum store_result result = try_turn(&scene, turn);
            if (result == STORE_OK)
                continue;
            assert_int_equal(result, STORE_FULL);
            assert_true(disk.struck);
            disk.lasting = false;
            assert_int_equal(try_turn(&scene, turn), STORE_OK);
        }
        struck = disk.struck;
        disk_order(FAULT_NONE, 0, false);
        shut(&scene);
        assert_int_equal(assert_sound(scene.path), TURNS);
        reopen(&scene);
        store_scene_close(&scene);
        assert_true(nth < 1000);
    }
}

/* After an error that nobody can judge, the process is left; the next one finds a sound file. */
static void fail_at_every(enum fault fault)
{
    enum { TURNS = 3 };
    bool struck = true;
    disk_install();
    for (int nth = 1; struck; nth++) {
        struct store_scene scene;
        disk_order(FAULT_NONE, 0, false);
        store_scene_open(&scene, false);
        disk_order(fault, nth, true);
        int64_t done = 0;
        enum store_result result = STORE_OK;
        while (done < TURNS && (result = try_turn(&scene, done)) == STORE_OK)
            done++;
        struck = disk.struck;
        assert_int_equal(result, struck ? STORE_BROKEN : STORE_OK);
        disk_order(FAULT_NONE, 0, false);
        shut(&scene);
        int64_t turns = assert_sound(scene.path);
        /* Of a commit whose fsync failed, either may be true. */
        assert_true(turns == done || (fault == FAULT_SYNC && turns == done + 1));
        reopen(&scene);
        assert_int_equal(try_turn(&scene, turns), STORE_OK);
        store_scene_close(&scene);
        assert_true(nth < 1000);
    }
}

static void test_error_at_every_write(void **state)
{
    fail_at_every(FAULT_WRITE);
}

static void test_error_at_every_sync(void **state)
{
    fail_at_every(FAULT_SYNC);
}

/* A move of the log that fails costs nothing but time. */
static void test_full_disk_stops_only_the_mover(void **state)
{
    struct store_scene scene;
    disk_install();
    disk_order(FAULT_NONE, 0, false);
    store_scene_open(&scene, false);
    struct sqlite_log *log = &sqlite_of(scene.store)->log;
    log->move_at = log->restart_at = 1;
    assert_int_equal(try_turn(&scene, 0), STORE_OK);
    disk_order(FAULT_FULL, 1, true);
    assert_true(sqlite_checkpoint(scene.store) > 0);
    disk_order(FAULT_NONE, 0, false);
    assert_int_equal(try_turn(&scene, 1), STORE_OK);
    assert_int_equal(sqlite_checkpoint(scene.store), 0);
    assert_int_equal(try_turn(&scene, 2), STORE_OK);
    shut(&scene);
    assert_int_equal(assert_sound(scene.path), 3);
    reopen(&scene);
    store_scene_close(&scene);
}

static void test_a_full_file_system(void **state)
{
    struct store_scene scene;
    char folder[] = "/tmp/store-full-XXXXXX";
    assert_non_null(mkdtemp(folder));
    if (mount("tmpfs", folder, "tmpfs", 0, "size=1m") != 0) {
        assert_int_equal(rmdir(folder), 0);
        skip(); /* only root may mount */
    }
    store_scene_open(&scene, false);
    shut(&scene);
    char kept[sizeof scene.path], text[64];
    memcpy(kept, scene.path, sizeof kept);
    (void)snprintf(scene.path, sizeof scene.path, "%s/reel.db", folder);
    reopen(&scene);
    int64_t turn = 0;
    enum store_result result = STORE_OK;
    while ((result = try_turn(&scene, turn)) == STORE_OK)
        turn++;
    assert_int_equal(result, STORE_FULL);
    assert_int_equal(try_turn(&scene, turn), STORE_FULL);
    struct job job;
    assert_int_equal(reader_job(scene.reader, 1, &job, NULL), STORE_OK);
    reader_job_done(&job);
    (void)snprintf(text, sizeof text, "size=%dm", 8);
    assert_int_equal(mount("tmpfs", folder, "tmpfs", MS_REMOUNT, text), 0);
    assert_int_equal(try_turn(&scene, turn), STORE_OK);
    shut(&scene);
    assert_int_equal(assert_sound(scene.path), turn + 1);
    assert_int_equal(umount(folder), 0);
    assert_int_equal(rmdir(folder), 0);
    memcpy(scene.path, kept, sizeof kept);
    reopen(&scene);
    store_scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_at_any_moment),
        cmocka_unit_test(test_a_full_file_system),
        cmocka_unit_test(test_full_at_every_write),
        cmocka_unit_test(test_error_at_every_write),
        cmocka_unit_test(test_error_at_every_sync),
        cmocka_unit_test(test_full_disk_stops_only_the_mover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
