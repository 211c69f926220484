/* Who else may hold the file. */
#include "store/sqlite.h"

#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Another process holds the write lock until told to let go. */
static pid_t hold_lock(const char *path, int ready[2], int go[2])
{
    pid_t child = fork();
    if (child != 0)
        return child;
    sqlite3 *db = NULL;
    char byte = 'x';
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        _exit(1);
    if (write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
        _exit(2);
    _exit(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? 0 : 3);
}

static void test_a_held_lock_is_busy(void **state)
{
    struct store_scene scene;
    int ready[2], go[2], status = -1;
    char byte = 'x';
    store_scene_open(&scene, false);
    assert_int_equal(pipe(ready) | pipe(go), 0);
    pid_t child = hold_lock(scene.path, ready, go);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    double start = seconds();
    assert_int_equal(store_begin(scene.store), STORE_BUSY);
    double waited = seconds() - start;
    assert_true(waited > 0.15 && waited < 1);
    struct job job; /* readers do not care */
    assert_int_equal(reader_job(scene.reader, 1, &job, NULL), STORE_NONE);
    assert_int_equal(write(go[1], &byte, 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    store_scene_insert_many(&scene, 1, 1);
    store_scene_close(&scene);
    for (int n = 0; n < 2; n++) {
        close(ready[n]);
        close(go[n]);
    }
}

static void test_a_second_writer_is_found_out(void **state)
{
    struct store_scene scene;
    char fault[STORE_FAULT_SIZE];
    store_scene_open(&scene, false);
    struct store *other = sqlite_open(scene.path, fault);
    assert_non_null(other);
    store_scene_insert_many(&scene, 1, 1);
    assert_int_equal(store_begin(other), STORE_OK);
    assert_int_equal(store_commit(other, 5), STORE_BROKEN);
    store_close(other);
    store_scene_insert_many(&scene, 2, 1);
    store_scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_held_lock_is_busy),
        cmocka_unit_test(test_a_second_writer_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
