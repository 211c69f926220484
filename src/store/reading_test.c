/* The reading side, over every kind of store. */
#include "store/reading.h"

#include "base/memory.h"
#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { JOBS = 40 };

/* Keys 1 … JOBS; tenants, models and states in turn; every fifth has metadata. */
static void fill(struct store_scene *scene)
{
    struct job *jobs[JOBS];
    for (int n = 0; n < JOBS; n++) {
        struct job *job = jobs[n] = store_scene_job(n + 1, 1000 + n);
        (void)snprintf(job->tenant, sizeof job->tenant, "tenant%d", n % 2);
        (void)snprintf(job->model, sizeof job->model, "model%d", n % 3);
        (void)snprintf(job->provider, sizeof job->provider, "provider%d", n % 4);
        job->state = n % 7 == 0 ? STATE_FAILED : n % 7 == 1 ? STATE_RUNNING : STATE_QUEUED;
        job->ended_at = job->state == STATE_FAILED ? 2000 : 0;
        char metadata[64];
        (void)snprintf(metadata, sizeof metadata, "{\"a\":\"%d\",\"b\":%d,\"c\":\"é\\n\"}", n, n);
        if (n % 5 == 0)
            job->metadata = memory_copy(span_of(metadata));
        store_scene_insert(scene, job);
    }
    store_scene_turn(scene);
    for (int n = 0; n < JOBS; n++)
        job_free(jobs[n]);
}

/* All pages of a list; gives the number of jobs and the sum of their keys. */
static unsigned list_all(struct store_scene *scene, struct reader_filter filter, int64_t *ret_sum)
{
    struct job *jobs[READER_LIMIT_MAX];
    unsigned all = 0, pages = 0;
    int64_t last = INT64_MAX, next = 0;
    *ret_sum = 0;
    do {
        unsigned count = 0;
        assert_int_equal(reader_list(scene->reader, &filter, jobs, &count, &next), STORE_OK);
        assert_true(count <= filter.limit);
        for (unsigned n = 0; n < count; n++) {
            assert_true(jobs[n]->key < last);
            last = jobs[n]->key;
            *ret_sum += jobs[n]->key;
            job_free(jobs[n]);
        }
        all += count;
        assert_true(next == 0 || filter.before == 0 || next < filter.before);
        filter.before = next;
        assert_true(++pages < 100);
    } while (next);
    return all;
}

static void test_pages_are_newest_first(struct store_scene *scene)
{
    int64_t sum = 0;
    assert_int_equal(list_all(scene, (struct reader_filter){.limit = 3}, &sum), 0);
    fill(scene);
    for (unsigned limit = 1; limit < 50; limit += 6) {
        assert_int_equal(list_all(scene, (struct reader_filter){.limit = limit}, &sum), JOBS);
        assert_int_equal(sum, JOBS * (JOBS + 1) / 2);
    }
    struct reader_filter filter = {.limit = 2, .before = 10};
    struct job *jobs[READER_LIMIT_MAX];
    unsigned count = 0;
    int64_t next = 0;
    assert_int_equal(reader_list(scene->reader, &filter, jobs, &count, &next), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(jobs[0]->key, 9);
    assert_int_equal(jobs[1]->key, 8);
    assert_int_equal(next, 8);
    job_free(jobs[0]);
    job_free(jobs[1]);
}

static void test_filters_are_exact(struct store_scene *scene)
{
    int64_t sum = 0;
    fill(scene);
    struct reader_filter filter = {.limit = 7, .tenant = "tenant1"};
    assert_int_equal(list_all(scene, filter, &sum), 20);
    filter.tenant = "tenant";
    assert_int_equal(list_all(scene, filter, &sum), 0);
    filter.tenant = "tenant0";
    filter.model = "model0";
    assert_int_equal(list_all(scene, filter, &sum), 7); /* every sixth */
    filter = (struct reader_filter){.limit = 7, .provider = "provider3"};
    assert_int_equal(list_all(scene, filter, &sum), 10);
    filter = (struct reader_filter){.limit = 7, .states = 1u << STATE_FAILED};
    assert_int_equal(list_all(scene, filter, &sum), 6);
    filter.states |= 1u << STATE_RUNNING;
    assert_int_equal(list_all(scene, filter, &sum), 12);
    filter = (struct reader_filter){.limit = 7, .since = 1000 + 35};
    assert_int_equal(list_all(scene, filter, &sum), 5);
    assert_int_equal(sum, 36 + 37 + 38 + 39 + 40);
}

static void test_metadata_is_compared_as_text(struct store_scene *scene)
{
    int64_t sum = 0;
    fill(scene);
    struct reader_filter filter = {
        .limit = 7, .metadata_key = SPAN("a"), .metadata_text = SPAN("15")};
    assert_int_equal(list_all(scene, filter, &sum), 1);
    assert_int_equal(sum, 16);
    filter.metadata_text = SPAN("16"); /* that job has none */
    assert_int_equal(list_all(scene, filter, &sum), 0);
    filter.metadata_key = SPAN("b"); /* a number is no text */
    filter.metadata_text = SPAN("15");
    assert_int_equal(list_all(scene, filter, &sum), 0);
    filter.metadata_key = SPAN("c");
    filter.metadata_text = SPAN("é\n");
    assert_int_equal(list_all(scene, filter, &sum), 8);
    filter.tenant = "tenant1";
    assert_int_equal(list_all(scene, filter, &sum), 4);
}

/* Rows that do not match are looked at too: a page may be empty and the next one not. */
static void test_scans_are_bounded(struct store_scene *scene)
{
    enum { BATCH = 1000, COUNT = READER_SCAN_MAX + 1000 };
    struct job *job = store_scene_job(1, 10);
    struct job *jobs[BATCH];
    job->state = STATE_RUNNING;
    store_scene_insert(scene, job);
    store_scene_turn(scene);
    for (int n = 0; n < BATCH; n++)
        jobs[n] = store_scene_job(1, 10);
    for (int64_t key = 2; key < COUNT; key += BATCH) {
        for (int n = 0; n < BATCH; n++) {
            jobs[n]->key = key + n;
            store_scene_insert(scene, jobs[n]);
        }
        store_scene_turn(scene);
    }
    for (int tenant = 0; tenant < 2; tenant++) {
        struct reader_filter filter = {
            .limit = 5, .states = 1u << STATE_RUNNING, .tenant = tenant ? "ann" : NULL};
        struct job *found[READER_LIMIT_MAX];
        unsigned count = 0;
        int64_t next = 0;
        enum store_result result = reader_list(scene->reader, &filter, found, &count, &next);
        if (result == STORE_BUSY) /* a slow machine, and the time limit that it is for */
            continue;
        assert_int_equal(result, STORE_OK);
        assert_int_equal(count, 0);
        assert_true(next > 1);
        filter.before = next;
        assert_int_equal(reader_list(scene->reader, &filter, found, &count, &next), STORE_OK);
        assert_int_equal(count, 1);
        assert_int_equal(next, 0);
        job_free(found[0]);
    }
    for (int n = 0; n < BATCH; n++)
        job_free(jobs[n]);
    job_free(job);
}

static int64_t position(struct store_scene *scene, int64_t key)
{
    struct job job;
    struct job_place place = {-1};
    assert_int_equal(reader_job(scene->reader, key, &job, &place), STORE_OK);
    reader_job_done(&job);
    return place.position;
}

static void test_places_count_who_goes_before(struct store_scene *scene)
{
    store_scene_insert_many(scene, 1, 5);
    for (int64_t key = 1; key <= 5; key++)
        assert_int_equal(position(scene, key), key);
    struct job *urgent = store_scene_job(6, 200), *low = store_scene_job(7, 200);
    urgent->priority = 50;
    urgent->ticket = 1;
    low->priority = -50;
    low->ticket = 1;
    store_scene_insert(scene, urgent);
    store_scene_bucket(scene, urgent, 1, 1);
    store_scene_insert(scene, low);
    store_scene_bucket(scene, low, 1, 1);
    store_scene_turn(scene);
    assert_int_equal(position(scene, 6), 1);
    assert_int_equal(position(scene, 1), 2);
    assert_int_equal(position(scene, 5), 6);
    assert_int_equal(position(scene, 7), 7);
    struct job *first = store_scene_job(1, 100);
    first->state = STATE_RUNNING;
    store_scene_update(scene, first);
    store_scene_bucket(scene, first, -1, 0);
    store_scene_turn(scene);
    assert_int_equal(position(scene, 1), 0);
    assert_int_equal(position(scene, 2), 2);
    assert_int_equal(position(scene, 7), 6);
    job_free(urgent);
    job_free(low);
    job_free(first);
}

static void test_settings_are_made_once(struct store_scene *scene)
{
    char first[80] = "", again[80] = "", small[10];
    assert_int_equal(reader_setting(scene->reader, "url_secret", first, sizeof first), STORE_OK);
    assert_int_equal(strlen(first), 64);
    assert_int_equal(strspn(first, "0123456789abcdef"), 64);
    store_scene_reopen(scene);
    assert_int_equal(reader_setting(scene->reader, "url_secret", again, sizeof again), STORE_OK);
    assert_string_equal(first, again);
    assert_int_equal(reader_setting(scene->reader, "nothing", again, sizeof again), STORE_NONE);
    assert_int_equal(reader_setting(scene->reader, "url_secret", small, sizeof small), STORE_NONE);
}

static void test_a_place_is_never_below_one(struct store_scene *scene)
{
    assert_int_equal(reading_place(5, 9, 5), 1);
    assert_int_equal(reading_place(5, 9, 9), 5);
    assert_int_equal(reading_place(2, 9, 5), 1);
    assert_int_equal(reading_place(0, 0, 0), 1);
}

static const struct store_scene_test tests[] = {
    {"pages are newest first", test_pages_are_newest_first},
    {"filters are exact", test_filters_are_exact},
    {"metadata is compared as text", test_metadata_is_compared_as_text},
    {"scans are bounded", test_scans_are_bounded},
    {"places count who goes before", test_places_count_who_goes_before},
    {"settings are made once", test_settings_are_made_once},
    {"a place is never below one", test_a_place_is_never_below_one},
};

int main(void)
{
    return store_scene_run(tests, sizeof tests / sizeof tests[0]);
}
