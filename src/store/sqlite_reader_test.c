/* The time limit of reads. */
#include "store/sqlite_reader.h"

#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

/* A clock that has gone on by an hour whenever it is asked. */
static int run_away(sqlite3_vfs *vfs, sqlite3_int64 *ret_now)
{
    static sqlite3_int64 now = 1;
    now += 3600000;
    *ret_now = now;
    return SQLITE_OK;
}

static void test_long_reads_are_given_up(void **state)
{
    struct store_scene scene;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL), hasty = *real;
    hasty.zName = "hasty";
    hasty.xCurrentTimeInt64 = run_away;
    store_scene_open(&scene, false);
    for (int64_t key = 1; key < 2000; key += 50)
        store_scene_insert_many(&scene, key, 50);
    assert_int_equal(sqlite3_vfs_register(&hasty, 1), SQLITE_OK);
    char fault[STORE_FAULT_SIZE];
    struct reader *reader = store_open_reader(scene.store, fault);
    assert_non_null(reader);
    struct reader_filter filter = {.states = 1u << STATE_FAILED, .limit = 5};
    struct job *jobs[READER_LIMIT_MAX];
    unsigned count = 0;
    int64_t next = 0;
    assert_int_equal(reader_list(reader, &filter, jobs, &count, &next), STORE_BUSY);
    struct job job; /* short ones are not asked about the time */
    assert_int_equal(reader_job(reader, 1, &job, NULL), STORE_OK);
    reader_job_done(&job);
    reader_close(reader);
    assert_int_equal(sqlite3_vfs_register(real, 1), SQLITE_OK);
    (void)sqlite3_vfs_unregister(&hasty);
    assert_int_equal(reader_list(scene.reader, &filter, jobs, &count, &next), STORE_OK);
    store_scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_long_reads_are_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
