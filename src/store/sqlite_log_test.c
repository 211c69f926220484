/* The log and those who use it at the same time. */
#include "store/sqlite_log.h"

#include "store/sqlite.h"
#include "store/sqlite_write.h"
#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void open_scene(struct store_scene *scene)
{
    store_scene_open(scene, false);
}

struct traffic {
    struct store_scene *scene;
    atomic_bool stop;
    atomic_llong newest;
    int64_t largest_left;
};

static void *move_log(void *context)
{
    struct traffic *traffic = context;
    while (!atomic_load(&traffic->stop)) {
        int64_t left = sqlite_checkpoint(traffic->scene->store);
        traffic->largest_left = left > traffic->largest_left ? left : traffic->largest_left;
        (void)usleep(1000);
    }
    return NULL;
}

/* What is committed is there at once, and never goes. */
static void *read_jobs(void *context)
{
    struct traffic *traffic = context;
    char fault[STORE_FAULT_SIZE];
    struct reader *reader = store_open_reader(traffic->scene->store, fault);
    intptr_t faults = reader ? 0 : 1;
    while (reader && !atomic_load(&traffic->stop)) {
        int64_t newest = atomic_load(&traffic->newest);
        for (int64_t key = newest; key > 0 && key > newest - 20; key--) {
            struct job job;
            struct job_place place;
            enum store_result result = reader_job(reader, key, &job, &place);
            if (result == STORE_OK) {
                faults += job.key != key || place.position != key;
                reader_job_done(&job);
            } else {
                faults += result != STORE_BUSY;
            }
        }
    }
    reader_close(reader);
    return (void *)faults;
}

static void test_readers_and_mover_beside_the_writer(void **state)
{
    enum { READERS = 3, TURNS = 200, BATCH = 8 };
    struct store_scene scene;
    open_scene(&scene);
    struct sqlite_log *log = &sqlite_of(scene.store)->log;
    log->move_at = 64 << 10;
    log->restart_at = 512 << 10;
    log->max = 2 << 20;
    struct traffic traffic = {.scene = &scene};
    pthread_t threads[READERS + 1];
    for (int n = 0; n < READERS; n++)
        assert_int_equal(pthread_create(&threads[n], NULL, read_jobs, &traffic), 0);
    assert_int_equal(pthread_create(&threads[READERS], NULL, move_log, &traffic), 0);
    int64_t largest = 0;
    for (int64_t turn = 0; turn < TURNS; turn++) {
        store_scene_insert_many(&scene, 1 + turn * BATCH, BATCH);
        atomic_store(&traffic.newest, (turn + 1) * BATCH);
        int64_t size = atomic_load(&log->size);
        largest = size > largest ? size : largest;
    }
    atomic_store(&traffic.stop, true);
    for (int n = 0; n <= READERS; n++) {
        void *faults = NULL;
        assert_int_equal(pthread_join(threads[n], &faults), 0);
        assert_null(faults);
    }
    assert_true(traffic.largest_left > 0);
    assert_true(largest < 4 << 20); /* of some 10 MB that were written */
    store_scene_close(&scene);
}

static void test_the_log_is_begun_anew(void **state)
{
    struct store_scene scene;
    open_scene(&scene);
    struct sqlite_log *log = &sqlite_of(scene.store)->log;
    log->move_at = log->restart_at = 1;
    for (int64_t turn = 0; turn < 20; turn++) {
        store_scene_insert_many(&scene, 1 + turn * 8, 8);
        assert_true(atomic_load(&log->size) > 0);
        assert_int_equal(sqlite_checkpoint(scene.store), 0);
        assert_int_equal(atomic_load(&log->size), 0);
    }
    struct stat status;
    char path[128];
    (void)snprintf(path, sizeof path, "%s-wal", scene.path);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size < 1 << 20);
    store_scene_close(&scene);
}

/* Nobody moves the log: the writer does it before it grows without end. */
static void test_the_writer_helps_itself(void **state)
{
    struct store_scene scene;
    open_scene(&scene);
    struct sqlite_log *log = &sqlite_of(scene.store)->log;
    log->max = 256 << 10;
    log->move_at = log->restart_at = 128 << 10;
    for (int64_t turn = 0; turn < 50; turn++) {
        store_scene_insert_many(&scene, 1 + turn * 8, 8);
        assert_true(atomic_load(&log->size) < 512 << 10);
    }
    store_scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readers_and_mover_beside_the_writer),
        cmocka_unit_test(test_the_log_is_begun_anew),
        cmocka_unit_test(test_the_writer_helps_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
