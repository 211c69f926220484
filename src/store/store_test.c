/* The semantics of the seam, over every kind of store: what is written is there, and what is rolled
 * back is not. */
#include "store/store_scene.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

/* ---------------------------------------------------------------- rows */

static void test_every_field_is_read_back(struct store_scene *scene)
{
    struct job *job = store_scene_full_job(77);
    store_scene_insert(scene, job);
    store_scene_turn(scene);
    store_scene_reopen(scene);
    store_scene_begin(scene);
    struct job *loaded = store_scene_load(scene, 77);
    store_scene_assert_equal(job, loaded);
    struct job *none = NULL;
    assert_int_equal(store_load_job(scene->store, 78, &none), STORE_NONE);
    assert_null(none);
    store_rollback(scene->store);
    struct job shown;
    assert_int_equal(reader_job(scene->reader, 77, &shown, NULL), STORE_OK);
    store_scene_assert_equal(job, &shown);
    reader_job_done(&shown);
    assert_null(shown.route);
    /* But for the words, which a list has no room for. */
    struct job *listed[READER_LIMIT_MAX];
    unsigned count = 0;
    int64_t next = 0;
    const struct reader_filter filter = {.limit = 1};
    assert_int_equal(reader_list(scene->reader, &filter, listed, &count, &next), STORE_OK);
    assert_int_equal(count, 1);
    assert_null(listed[0]->words);
    listed[0]->words = memory_copy(span_of(job->words));
    store_scene_assert_equal(job, listed[0]);
    job_free(listed[0]);
    job_free(loaded);
    job_free(job);
}

/* An update writes all that may change and nothing else: see the fields that are put back. */
static void test_update_writes_every_changeable_field(struct store_scene *scene)
{
    struct job *job = store_scene_job(5, 50);
    store_scene_insert(scene, job);
    store_scene_turn(scene);
    struct job *other = store_scene_full_job(5);
    other->outputs_changed = other->attempt_changed = true;
    store_scene_update(scene, other);
    store_scene_turn(scene);
    memcpy(other->tenant, job->tenant, sizeof other->tenant);
    memcpy(other->model, job->model, sizeof other->model);
    memcpy(other->id, job->id, sizeof other->id);
    other->fingerprint = job->fingerprint;
    other->created_at = job->created_at;
    other->retry_of = 0;
    memory_free(other->input);
    memory_free(other->metadata);
    memory_free(other->options);
    memory_free(other->route);
    other->input = memory_copy(span_of("{}"));
    other->metadata = other->options = other->route = NULL;
    store_scene_begin(scene);
    struct job *loaded = store_scene_load(scene, 5);
    store_scene_assert_equal(other, loaded);
    store_rollback(scene->store);
    job_free(loaded);
    job_free(other);
    job_free(job);
}

static void test_every_state_is_taken(struct store_scene *scene)
{
    struct job *jobs[STATE_COUNT];
    for (int state = 0; state < STATE_COUNT; state++) {
        jobs[state] = store_scene_job(state + 1, 10);
        jobs[state]->state = (enum state)state;
        jobs[state]->ended_at = state_is_terminal((enum state)state) ? 20 : 0;
        jobs[state]->receipt = (enum receipt)(state % RECEIPT_COUNT);
        store_scene_insert(scene, jobs[state]);
    }
    store_scene_turn(scene);
    store_scene_begin(scene);
    for (int state = 0; state < STATE_COUNT; state++) {
        struct job *loaded = store_scene_load(scene, state + 1);
        store_scene_assert_equal(jobs[state], loaded);
        job_free(loaded);
        job_free(jobs[state]);
    }
    store_rollback(scene->store);
}

static void test_every_attempt_and_error_is_taken(struct store_scene *scene)
{
    struct job *job = store_scene_job(1, 10);
    job->state = STATE_RUNNING;
    store_scene_insert(scene, job);
    store_scene_turn(scene);
    for (int code = 0; code < ERROR_COUNT; code++) {
        if (code == ERROR_FORBIDDEN) /* shares its name with another one */
            continue;
        job->error = (enum error_code)code;
        job->attempt_changed = true;
        job->attempt.number = job->attempts = (unsigned)code + 1;
        job->attempt.state = (enum attempt_state)(1 + code % (ATTEMPT_COUNT - 1));
        job->attempt.error = (enum error_code)code;
        job->version++;
        store_scene_update(scene, job);
        store_scene_turn(scene);
        store_scene_begin(scene);
        struct job *loaded = store_scene_load(scene, 1);
        store_scene_assert_equal(job, loaded);
        store_rollback(scene->store);
        job_free(loaded);
    }
    job_free(job);
}

static void test_progress_only_writes_little(struct store_scene *scene)
{
    struct job *job = store_scene_job(1, 10);
    job->state = STATE_RUNNING;
    store_scene_insert(scene, job);
    store_scene_turn(scene);
    job->progress = 40;
    job->version = 2;
    (void)span_copy(SPAN("Encoding"), job->stage, sizeof job->stage);
    job->progress_only = true;
    job->tries = 3;
    store_scene_update(scene, job);
    store_scene_turn(scene);
    job->tries = 0;
    store_scene_begin(scene);
    struct job *loaded = store_scene_load(scene, 1);
    store_scene_assert_equal(job, loaded);
    store_rollback(scene->store);
    job_free(loaded);
    job_free(job);
}

static void test_attempts_are_kept(struct store_scene *scene)
{
    struct job *job = store_scene_job(1, 10);
    job->state = STATE_RUNNING;
    store_scene_insert(scene, job);
    store_scene_turn(scene);
    for (unsigned number = 1; number <= 3; number++) {
        job->attempt = (struct attempt){.number = number, .state = ATTEMPT_INTENT, .intent_at = 5};
        job->attempts = number;
        job->attempt_changed = true;
        store_scene_update(scene, job);
        store_scene_turn(scene);
        job->attempt.state = number < 3 ? ATTEMPT_FAILED : ATTEMPT_ACCEPTED;
        job->attempt.ended_at = number < 3 ? 6 : 0;
        store_scene_update(scene, job);
        store_scene_turn(scene);
    }
    struct attempt attempts[READER_TIMELINE_MAX];
    unsigned count = 0;
    assert_int_equal(reader_attempts(scene->reader, 1, attempts, &count), STORE_OK);
    assert_int_equal(count, 3);
    assert_int_equal(attempts[0].number, 1);
    assert_int_equal(attempts[1].state, ATTEMPT_FAILED);
    assert_int_equal(attempts[2].state, ATTEMPT_ACCEPTED);
    assert_int_equal(reader_attempts(scene->reader, 2, attempts, &count), STORE_NONE);
    store_scene_begin(scene);
    struct job *loaded = store_scene_load(scene, 1);
    store_scene_assert_equal(job, loaded);
    store_rollback(scene->store);
    job_free(loaded);
    job_free(job);
}

/* The core wants one that is not at hand, and puts it there. */
static void test_an_older_attempt_may_be_at_hand(struct store_scene *scene)
{
    struct job *job = store_scene_full_job(1);
    struct attempt attempts[READER_TIMELINE_MAX];
    struct got got;
    unsigned count = 0;
    const struct attempt second = job->attempt;
    job->attempt.number = 1;
    job->attempt.state = ATTEMPT_UNKNOWN;
    store_scene_insert(scene, job);
    store_scene_turn(scene);
    job->attempt = second;
    job->attempt_changed = true;
    store_scene_update(scene, job);
    store_scene_turn(scene);
    store_scene_begin(scene);
    struct want want = {.kind = WANT_ATTEMPT, .job = 1, .number = 3};
    assert_int_equal(store_get(scene->store, &want, &got), STORE_OK);
    assert_int_equal(got.item_count, 0);
    want.number = 1;
    assert_int_equal(store_get(scene->store, &want, &got), STORE_OK);
    assert_int_equal(got.item_count, 1);
    assert_int_equal(got.attempt.state, ATTEMPT_UNKNOWN);
    job->attempt = got.attempt;
    job->attempt.state = ATTEMPT_UNCERTAIN;
    store_scene_update(scene, job);
    store_scene_apply(scene);
    store_scene_commit(scene);
    store_scene_begin(scene);
    struct job *loaded = store_scene_load(scene, 1);
    store_scene_assert_equal(job, loaded);
    store_rollback(scene->store);
    assert_int_equal(reader_attempts(scene->reader, 1, attempts, &count), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(attempts[0].state, ATTEMPT_UNCERTAIN);
    assert_int_equal(attempts[1].state, ATTEMPT_DONE);
    job_free(loaded);
    job_free(job);
}

static void test_timeline_is_kept(struct store_scene *scene)
{
    struct job *job = store_scene_job(1, 10);
    store_scene_insert(scene, job);
    for (unsigned number = 1; number <= 3; number++) {
        struct timeline_entry *entry = &output_change(&scene->output, CHANGE_TIMELINE)->timeline;
        *entry = (struct timeline_entry){.job = 1,
                                         .number = number,
                                         .at = 100 + number,
                                         .from = STATE_QUEUED,
                                         .to = STATE_SUBMITTING,
                                         .attempt = number,
                                         .error = ERROR_TIMEOUT};
        if (number == 2)
            (void)span_copy(SPAN("a note"), entry->note, sizeof entry->note);
    }
    store_scene_turn(scene);
    static struct timeline_entry entries[READER_TIMELINE_MAX];
    unsigned count = 0;
    assert_int_equal(reader_timeline(scene->reader, 1, entries, &count), STORE_OK);
    assert_int_equal(count, 3);
    assert_int_equal(entries[0].job, 1);
    assert_int_equal(entries[0].number, 1);
    assert_int_equal(entries[1].at, 102);
    assert_int_equal(entries[1].from, STATE_QUEUED);
    assert_int_equal(entries[1].to, STATE_SUBMITTING);
    assert_int_equal(entries[1].attempt, 2);
    assert_int_equal(entries[1].error, ERROR_TIMEOUT);
    assert_string_equal(entries[1].note, "a note");
    assert_string_equal(entries[2].note, "");
    assert_int_equal(reader_timeline(scene->reader, 2, entries, &count), STORE_NONE);
    job_free(job);
}

/* ---------------------------------------------------------------- transactions */

/* An output with words of it. */
static void set_words(struct job *job)
{
    job->output_count = 1;
    job->outputs_changed = true;
    (void)span_copy(SPAN("output.wav"), job->outputs[0].name, sizeof job->outputs[0].name);
    job->words = memory_copy(SPAN("[{}]"));
}

static void test_nothing_is_seen_before_commit(struct store_scene *scene)
{
    store_scene_insert_many(scene, 1, 2);
    struct job shown;
    struct job_place place;
    struct job *job = store_scene_job(3, 103), *first = store_scene_job(1, 100);
    store_scene_begin(scene);
    first->state = STATE_SUBMITTING;
    first->attempt = (struct attempt){.number = 1, .state = ATTEMPT_INTENT};
    first->attempts = 1;
    first->attempt_changed = true;
    first->warnings = memory_copy(span_of("[]"));
    set_words(first);
    store_scene_update(scene, first);
    store_scene_bucket(scene, first, -1, 0);
    store_scene_insert(scene, job);
    store_scene_apply(scene);
    assert_int_equal(reader_job(scene->reader, 3, &shown, NULL), STORE_NONE);
    assert_int_equal(reader_job(scene->reader, 1, &shown, &place), STORE_OK);
    assert_int_equal(shown.state, STATE_QUEUED);
    assert_int_equal(place.position, 1);
    assert_null(shown.warnings);
    assert_null(shown.words);
    reader_job_done(&shown);
    struct job *own = store_scene_load(scene, 1);
    assert_int_equal(own->state, STATE_SUBMITTING);
    job_free(own);
    store_scene_commit(scene);
    assert_int_equal(reader_job(scene->reader, 3, &shown, NULL), STORE_OK);
    reader_job_done(&shown);
    assert_int_equal(reader_job(scene->reader, 1, &shown, &place), STORE_OK);
    assert_int_equal(shown.state, STATE_SUBMITTING);
    assert_int_equal(shown.attempt.number, 1);
    assert_int_equal(place.position, 0);
    assert_string_equal(shown.warnings, "[]");
    assert_string_equal(shown.words, "[{}]");
    reader_job_done(&shown);
    job_free(first);
    job_free(job);
}

static void gather_every_change(struct store_scene *scene, struct job *first, struct job *second)
{
    first->state = STATE_FAILED;
    first->ended_at = 5;
    first->attempt = (struct attempt){.number = 1, .state = ATTEMPT_FAILED};
    first->attempts = 1;
    first->attempt_changed = true;
    first->warnings = memory_copy(span_of("[]"));
    set_words(first);
    store_scene_update(scene, first);
    store_scene_bucket(scene, first, -1, 0);
    store_scene_insert(scene, second);
    store_scene_bucket(scene, second, 1, 1);
    output_change(&scene->output, CHANGE_TIMELINE)->timeline =
        (struct timeline_entry){.job = 1, .number = 1, .note = "x"};
    output_change(&scene->output, CHANGE_KEY)->key =
        (struct key_row){.tenant = "ann", .job = 1, .count = 1, .expires_at = 1000000};
    struct change *change = output_change(&scene->output, CHANGE_DEPENDENCY);
    change->dependency.job = 2;
    change->dependency.on = 1;
    output_change(&scene->output, CHANGE_PACE)->pace =
        (struct pace){.model = "m", .count = 3, .mean = 9};
}

static void test_rollback_leaves_no_trace(struct store_scene *scene)
{
    store_scene_insert_many(scene, 1, 1);
    struct job *first = store_scene_job(1, 100), *second = store_scene_job(2, 101);
    static struct timeline_entry entries[READER_TIMELINE_MAX];
    unsigned count = 9;
    for (int round = 0; round < 3; round++) {
        store_scene_begin(scene);
        gather_every_change(scene, first, second);
        store_scene_apply(scene);
        memory_free(first->warnings);
        memory_free(first->words);
        first->warnings = first->words = NULL;
        store_rollback(scene->store);
        assert_int_equal(reader_timeline(scene->reader, 1, entries, &count), STORE_OK);
        assert_int_equal(count, 0);
        store_scene_begin(scene);
        struct job *loaded = store_scene_load(scene, 1), *none = NULL;
        assert_int_equal(loaded->state, STATE_QUEUED);
        assert_int_equal(loaded->attempt.number, 0);
        assert_null(loaded->warnings);
        assert_null(loaded->words);
        assert_int_equal(store_load_job(scene->store, 2, &none), STORE_NONE);
        job_free(loaded);
        struct got got;
        store_scene_claim(scene, 0, 2, &got);
        assert_int_equal(got.row_count, 1);
        store_scene_free_got(&got);
        store_rollback(scene->store);
    }
    /* The same changes can be applied again as a whole. */
    gather_every_change(scene, first, second);
    store_scene_turn(scene);
    assert_int_equal(reader_timeline(scene->reader, 1, entries, &count), STORE_OK);
    assert_int_equal(count, 1);
    job_free(first);
    job_free(second);
}

static void break_rule(struct store_scene *scene, struct job *job, bool insert)
{
    store_scene_begin(scene);
    if (insert)
        store_scene_insert(scene, job);
    else
        store_scene_update(scene, job);
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
    store_rollback(scene->store);
}

static void test_broken_rules_are_found(struct store_scene *scene)
{
    store_scene_insert_many(scene, 1, 1);
    struct job *job = store_scene_job(1, 100);
    break_rule(scene, job, true); /* twice the same key */
    job->ended_at = 7;
    break_rule(scene, job, false);
    job->ended_at = 0;
    job->state = STATE_FAILED;
    break_rule(scene, job, false);
    job->state = STATE_QUEUED;
    job->priority = 101;
    break_rule(scene, job, false);
    job->priority = 0;
    job->progress = 101;
    break_rule(scene, job, false);
    job->progress = 0;
    job->wake_at = 5;
    job->state = STATE_RUNNING;
    break_rule(scene, job, false);
    job->wake_at = 0;
    job->version = 0;
    break_rule(scene, job, false);
    job->version = 1;
    job->key = 2;
    break_rule(scene, job, false); /* there is none */
    job->key = 1;
    job->state = STATE_EXPIRED;
    job->ended_at = 8;
    store_scene_update(scene, job);
    store_scene_turn(scene);
    job->state = STATE_CANCELED;
    break_rule(scene, job, false); /* a terminal state is final */
    store_scene_begin(scene);
    store_scene_bucket(scene, job, -2, 0);
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
    store_rollback(scene->store);
    job_free(job);
}

static const struct store_scene_test tests[] = {
    {"every field is read back", test_every_field_is_read_back},
    {"update writes every changeable field", test_update_writes_every_changeable_field},
    {"every state is taken", test_every_state_is_taken},
    {"every attempt and error is taken", test_every_attempt_and_error_is_taken},
    {"progress only writes little", test_progress_only_writes_little},
    {"attempts are kept", test_attempts_are_kept},
    {"an older attempt may be at hand", test_an_older_attempt_may_be_at_hand},
    {"timeline is kept", test_timeline_is_kept},
    {"nothing is seen before commit", test_nothing_is_seen_before_commit},
    {"rollback leaves no trace", test_rollback_leaves_no_trace},
    {"broken rules are found", test_broken_rules_are_found},
};

int main(void)
{
    return store_scene_run(tests, sizeof tests / sizeof tests[0]);
}
