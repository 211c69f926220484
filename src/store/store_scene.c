#include "store/store_scene.h"

#include "base/memory.h"
#include "store/ram.h"
#include "store/sqlite.h"

/* cmocka wants these three before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void open_both(struct store_scene *scene)
{
    char fault[STORE_FAULT_SIZE] = "";
    if (!scene->store)
        scene->store = scene->ram ? ram_open() : sqlite_open(scene->path, fault);
    assert_string_equal(fault, "");
    assert_non_null(scene->store);
    scene->reader = store_open_reader(scene->store, fault);
    assert_string_equal(fault, "");
    assert_non_null(scene->reader);
}

void store_scene_open(struct store_scene *scene, bool ram)
{
    *scene = (struct store_scene){.ram = ram, .now = 1000};
    if (!ram) {
        (void)snprintf(scene->folder, sizeof scene->folder, "/tmp/store-test-XXXXXX");
        assert_non_null(mkdtemp(scene->folder));
        (void)snprintf(scene->path, sizeof scene->path, "%s/reel.db", scene->folder);
    }
    output_init(&scene->output);
    open_both(scene);
}

void store_scene_remove(const char *folder)
{
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries));)
        (void)unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    assert_int_equal(rmdir(folder), 0);
}

void store_scene_close(struct store_scene *scene)
{
    reader_close(scene->reader);
    store_close(scene->store);
    output_done(&scene->output);
    if (!scene->ram)
        store_scene_remove(scene->folder);
}

void store_scene_reopen(struct store_scene *scene)
{
    reader_close(scene->reader);
    if (scene->ram) {
        ram_crash(scene->store);
    } else {
        store_close(scene->store);
        scene->store = NULL;
    }
    open_both(scene);
}

static void write_text(char *target, size_t capacity, const char *text, int64_t key)
{
    (void)snprintf(target, capacity, "%s-%lld", text, (long long)key);
}

static void fill_output(struct job_output *output, int64_t key, int n)
{
    write_text(output->name, sizeof output->name, "output", key + n);
    write_text(output->thumbnail, sizeof output->thumbnail, "thumbnail", key + n);
    write_text(output->content_type, sizeof output->content_type, "video/x", key + n);
    write_text(output->sha256, sizeof output->sha256, "hash", key + n);
    output->size = 5000000000 + n;
    output->duration = 6000 + n;
    output->width = 640 + n;
    output->height = 480 + n;
    output->fps_milli = 23976 + n;
    output->is_late = n > 5;
}

static void fill_attempt(struct attempt *attempt, int64_t key)
{
    attempt->number = 2;
    attempt->state = ATTEMPT_DONE;
    write_text(attempt->provider, sizeof attempt->provider, "attempted", key);
    write_text(attempt->remote_id, sizeof attempt->remote_id, "remote", key);
    attempt->intent_at = 201;
    attempt->accepted_at = 202;
    attempt->ended_at = 203;
    attempt->reserved = 204;
    attempt->settled = 205;
    attempt->expected = 206;
    attempt->error = ERROR_OUT_OF_MEMORY;
}

struct job *store_scene_full_job(int64_t key)
{
    struct job *job = job_make();
    job->key = key;
    id_write("gen_", key, (uint64_t)key * 7, job->id);
    write_text(job->tenant, sizeof job->tenant, "tenant", key);
    write_text(job->model, sizeof job->model, "model", key);
    write_text(job->provider, sizeof job->provider, "provider", key);
    job->fingerprint = 0xFEDCBA9876543210u + (uint64_t)key;
    job->state = STATE_SUCCEEDED;
    job->priority = -7;
    job->created_at = 101;
    job->queued_at = 102;
    job->started_at = 103;
    job->ended_at = 104;
    job->start_at = 105;
    job->deadline = 106;
    job->ticket = 107;
    job->waits_for = 3;
    job->awaited = true;
    job->cancel_asked = true;
    job->receipt = RECEIPT_TOO_LATE;
    job->tries = 2;
    job->progress = 99;
    write_text(job->stage, sizeof job->stage, "Stage", key);
    job->error = ERROR_TIMEOUT;
    write_text(job->error_text, sizeof job->error_text, "It's “broken”", key);
    job->retryable = true;
    job->timeline = 9;
    job->version = 10;
    job->price_max = 12000000000;
    job->retry_of = 11;
    job->removed_at = 12;
    job->hook_lane = -12;
    job->hook_events = 5;
    job->hooks = 13;
    fill_attempt(&job->attempt, key);
    job->attempts = 3;
    job->paid = 207;
    job->was_resent = true;
    job->late = 1;
    write_text(job->late_id, sizeof job->late_id, "late", key);
    write_text(job->hint, sizeof job->hint, "hint", key);
    job->output_count = JOB_OUTPUTS_MAX;
    for (int n = 0; n < JOB_OUTPUTS_MAX; n++)
        fill_output(&job->outputs[n], key, n);
    job->input = memory_copy(span_of("{\"prompt\":\"été\"}"));
    job->metadata = memory_copy(span_of("{\"color\":\"blue\",\"n\":5}"));
    job->options = memory_copy(span_of("{\"webhookUrl\":\"http://x\"}"));
    job->route = memory_copy(span_of("fal\t400000\tfal-ai/veo3\n"));
    job->warnings = memory_copy(span_of("[\"dark\"]"));
    job->words = memory_copy(span_of("[{\"word\":\"été\",\"startMs\":1,\"endMs\":2}]"));
    return job;
}

struct job *store_scene_job(int64_t key, ms_t queued_at)
{
    struct job *job = job_make();
    job->key = key;
    id_write("gen_", key, (uint64_t)key, job->id);
    (void)span_copy(SPAN("ann"), job->tenant, sizeof job->tenant);
    (void)span_copy(SPAN("m"), job->model, sizeof job->model);
    (void)span_copy(SPAN("local"), job->provider, sizeof job->provider);
    job->state = STATE_QUEUED;
    job->created_at = job->queued_at = queued_at;
    job->fingerprint = (uint64_t)key;
    job->version = 1;
    job->input = memory_copy(span_of("{}"));
    return job;
}

static void assert_texts_equal(const char *a, const char *b)
{
    if (!a || !b)
        assert_ptr_equal(a, b);
    else
        assert_string_equal(a, b);
}

static void assert_outputs_equal(const struct job_output *a, const struct job_output *b)
{
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->thumbnail, b->thumbnail);
    assert_string_equal(a->content_type, b->content_type);
    assert_string_equal(a->sha256, b->sha256);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->duration, b->duration);
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->fps_milli, b->fps_milli);
    assert_int_equal(a->is_late, b->is_late);
}

static void assert_attempts_equal(const struct attempt *a, const struct attempt *b)
{
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->state, b->state);
    assert_string_equal(a->provider, b->provider);
    assert_string_equal(a->remote_id, b->remote_id);
    assert_int_equal(a->intent_at, b->intent_at);
    assert_int_equal(a->accepted_at, b->accepted_at);
    assert_int_equal(a->ended_at, b->ended_at);
    assert_int_equal(a->reserved, b->reserved);
    assert_int_equal(a->settled, b->settled);
    assert_int_equal(a->expected, b->expected);
    assert_int_equal(a->error, b->error);
}

void store_scene_assert_equal(const struct job *a, const struct job *b)
{
    assert_int_equal(a->key, b->key);
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->tenant, b->tenant);
    assert_string_equal(a->model, b->model);
    assert_string_equal(a->provider, b->provider);
    assert_true(a->fingerprint == b->fingerprint);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->priority, b->priority);
    assert_int_equal(a->created_at, b->created_at);
    assert_int_equal(a->queued_at, b->queued_at);
    assert_int_equal(a->started_at, b->started_at);
    assert_int_equal(a->ended_at, b->ended_at);
    assert_int_equal(a->start_at, b->start_at);
    assert_int_equal(a->deadline, b->deadline);
    assert_int_equal(a->wake_at, b->wake_at);
    assert_int_equal(a->ticket, b->ticket);
    assert_int_equal(a->waits_for, b->waits_for);
    assert_int_equal(a->awaited, b->awaited);
    assert_int_equal(a->cancel_asked, b->cancel_asked);
    assert_int_equal(a->receipt, b->receipt);
    assert_int_equal(a->tries, b->tries);
    assert_int_equal(a->progress, b->progress);
    assert_string_equal(a->stage, b->stage);
    assert_int_equal(a->error, b->error);
    assert_string_equal(a->error_text, b->error_text);
    assert_int_equal(a->retryable, b->retryable);
    assert_int_equal(a->timeline, b->timeline);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->price_max, b->price_max);
    assert_int_equal(a->retry_of, b->retry_of);
    assert_int_equal(a->removed_at, b->removed_at);
    assert_int_equal(a->reads, b->reads);
    assert_int_equal(a->hook_lane, b->hook_lane);
    assert_int_equal(a->hook_events, b->hook_events);
    assert_int_equal(a->hooks, b->hooks);
    assert_attempts_equal(&a->attempt, &b->attempt);
    assert_int_equal(a->attempts, b->attempts);
    assert_int_equal(a->paid, b->paid);
    assert_int_equal(a->was_resent, b->was_resent);
    assert_int_equal(a->late, b->late);
    assert_string_equal(a->late_id, b->late_id);
    assert_string_equal(a->hint, b->hint);
    assert_int_equal(a->output_count, b->output_count);
    for (unsigned n = 0; n < a->output_count; n++)
        assert_outputs_equal(&a->outputs[n], &b->outputs[n]);
    assert_texts_equal(a->input, b->input);
    assert_texts_equal(a->metadata, b->metadata);
    assert_texts_equal(a->options, b->options);
    assert_texts_equal(a->route, b->route);
    assert_texts_equal(a->warnings, b->warnings);
    assert_texts_equal(a->words, b->words);
}

void store_scene_insert(struct store_scene *scene, const struct job *job)
{
    output_change(&scene->output, CHANGE_JOB_INSERT)->job = job;
}

void store_scene_update(struct store_scene *scene, const struct job *job)
{
    output_change(&scene->output, CHANGE_JOB_UPDATE)->job = job;
}

void store_scene_bucket(struct store_scene *scene, const struct job *job, int delta_count,
                        int delta_arrived)
{
    struct bucket_change *bucket = &output_change(&scene->output, CHANGE_BUCKET)->bucket;
    memcpy(bucket->tenant, job->tenant, sizeof bucket->tenant);
    memcpy(bucket->model, job->model, sizeof bucket->model);
    bucket->priority = job->priority;
    bucket->delta_count = delta_count;
    bucket->delta_arrived = delta_arrived;
}

enum store_result store_scene_try_apply(struct store_scene *scene)
{
    enum store_result result = store_apply(scene->store, &scene->output.changes);
    output_clear_changes(&scene->output);
    return result;
}

void store_scene_apply(struct store_scene *scene)
{
    assert_int_equal(store_scene_try_apply(scene), STORE_OK);
}

void store_scene_commit(struct store_scene *scene)
{
    assert_int_equal(store_commit(scene->store, scene->now++), STORE_OK);
}

void store_scene_turn(struct store_scene *scene)
{
    assert_int_equal(store_begin(scene->store), STORE_OK);
    store_scene_apply(scene);
    store_scene_commit(scene);
}

void store_scene_insert_many(struct store_scene *scene, int64_t first, int64_t count)
{
    struct job *jobs[64];
    assert_true(count <= 64);
    for (int64_t n = 0; n < count; n++) {
        jobs[n] = store_scene_job(first + n, 100 + n);
        jobs[n]->ticket = first + n;
        store_scene_insert(scene, jobs[n]);
        store_scene_bucket(scene, jobs[n], 1, 1);
    }
    store_scene_turn(scene);
    for (int64_t n = 0; n < count; n++)
        job_free(jobs[n]);
}

void store_scene_begin(struct store_scene *scene)
{
    assert_int_equal(store_begin(scene->store), STORE_OK);
}

struct job *store_scene_load(struct store_scene *scene, int64_t key)
{
    struct job *job = NULL;
    assert_int_equal(store_load_job(scene->store, key, &job), STORE_OK);
    return job;
}

void store_scene_claim(struct store_scene *scene, int priority, unsigned limit, struct got *ret_got)
{
    struct want want = {
        .kind = WANT_CLAIM, .tenant = "ann", .model = "m", .priority = priority, .limit = limit};
    assert_int_equal(store_get(scene->store, &want, ret_got), STORE_OK);
}

void store_scene_free_got(struct got *got)
{
    for (unsigned n = 0; n < got->row_count; n++)
        job_free(got->rows[n]);
}

struct scene_case {
    const struct store_scene_test *test;
    bool ram;
};

static void run_case(void **state)
{
    const struct scene_case *current = *state;
    struct store_scene scene;
    store_scene_open(&scene, current->ram);
    current->test->run(&scene);
    store_scene_close(&scene);
}

int store_scene_run(const struct store_scene_test *tests, size_t count)
{
    enum { CASES_MAX = 100, NAME_SIZE = 100 };
    static struct CMUnitTest cases[CASES_MAX];
    static struct scene_case states[CASES_MAX];
    static char names[CASES_MAX][NAME_SIZE];
    assert_true(count * 2 <= CASES_MAX);
    for (size_t n = 0; n < count * 2; n++) {
        states[n] = (struct scene_case){&tests[n / 2], n % 2 == 0};
        (void)snprintf(names[n], NAME_SIZE, "%s: %s", states[n].ram ? "ram" : "sqlite",
                       tests[n / 2].name);
        cases[n] = (struct CMUnitTest){names[n], run_case, NULL, NULL, &states[n]};
    }
    cmocka_set_test_filter(getenv("STORE_TESTS"));
    return _cmocka_run_group_tests("store", cases, count * 2, NULL, NULL);
}
