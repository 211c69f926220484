/* The semantics of the seam, over every kind of store: what the core asks for. */
#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

/* ---------------------------------------------------------------- what the core wants */

static void test_claim_takes_the_oldest(struct store_scene *scene)
{
    const ms_t times[] = {50, 40, 40, 60, 30};
    struct job *jobs[5];
    for (int n = 0; n < 5; n++) {
        jobs[n] = store_scene_job(10 - n, times[n]);
        store_scene_insert(scene, jobs[n]);
    }
    jobs[4]->priority = 3; /* another bucket */
    store_scene_turn(scene);
    struct got got;
    store_scene_begin(scene);
    store_scene_claim(scene, 0, 3, &got);
    assert_int_equal(got.row_count, 3);
    assert_int_equal(got.rows[0]->key, 8); /* same time: by key */
    assert_int_equal(got.rows[1]->key, 9);
    assert_int_equal(got.rows[2]->key, 10);
    assert_int_equal(got.head_at, 60);
    assert_int_equal(got.want.limit, 3);
    store_scene_assert_equal(got.rows[2], jobs[0]);
    store_scene_free_got(&got);
    store_scene_claim(scene, 0, 0, &got);
    assert_int_equal(got.row_count, 0);
    assert_int_equal(got.head_at, 40);
    store_scene_claim(scene, 3, 5, &got);
    assert_int_equal(got.row_count, 1);
    assert_int_equal(got.head_at, MS_NEVER);
    store_scene_free_got(&got);
    store_scene_claim(scene, 4, 5, &got);
    assert_int_equal(got.row_count, 0);
    assert_int_equal(got.head_at, MS_NEVER);
    /* What this transaction took is not offered again. */
    jobs[2]->state = STATE_SUBMITTING;
    store_scene_update(scene, jobs[2]);
    store_scene_apply(scene);
    store_scene_claim(scene, 0, 1, &got);
    assert_int_equal(got.rows[0]->key, 9);
    assert_int_equal(got.head_at, 50);
    store_scene_free_got(&got);
    store_rollback(scene->store);
    for (int n = 0; n < 5; n++)
        job_free(jobs[n]);
}

static void test_priority_change_moves_a_job(struct store_scene *scene)
{
    store_scene_insert_many(scene, 1, 3);
    struct job *job = store_scene_job(2, 101);
    job->priority = 50;
    store_scene_update(scene, job);
    store_scene_turn(scene);
    struct got got;
    store_scene_begin(scene);
    store_scene_claim(scene, 0, 5, &got);
    assert_int_equal(got.row_count, 2);
    store_scene_free_got(&got);
    store_scene_claim(scene, 50, 5, &got);
    assert_int_equal(got.row_count, 1);
    assert_int_equal(got.rows[0]->key, 2);
    store_scene_free_got(&got);
    store_rollback(scene->store);
    job_free(job);
}

static void test_due_comes_in_order_of_time(struct store_scene *scene)
{
    struct job *jobs[4];
    for (int n = 0; n < 4; n++) {
        jobs[n] = store_scene_job(n + 1, 10);
        jobs[n]->state = n == 3 ? STATE_QUEUED : STATE_WAITING;
        jobs[n]->wake_at = 400 - 100 * n;
        store_scene_insert(scene, jobs[n]);
    }
    store_scene_turn(scene);
    struct want want = {.kind = WANT_DUE, .before = 300, .limit = 2};
    struct got got;
    store_scene_begin(scene);
    assert_int_equal(store_get(scene->store, &want, &got), STORE_OK);
    assert_int_equal(got.row_count, 2);
    assert_int_equal(got.rows[0]->key, 4);
    assert_int_equal(got.rows[1]->key, 3);
    assert_int_equal(got.next_due, 300);
    store_scene_free_got(&got);
    want.limit = 10;
    assert_int_equal(store_get(scene->store, &want, &got), STORE_OK);
    assert_int_equal(got.row_count, 3);
    assert_int_equal(got.next_due, 400);
    store_scene_free_got(&got);
    jobs[0]->state = STATE_QUEUED;
    jobs[0]->wake_at = 0;
    store_scene_update(scene, jobs[0]);
    store_scene_apply(scene);
    assert_int_equal(store_get(scene->store, &want, &got), STORE_OK);
    assert_int_equal(got.next_due, MS_NEVER);
    store_scene_free_got(&got);
    store_rollback(scene->store);
    for (int n = 0; n < 4; n++)
        job_free(jobs[n]);
}

static void depend(struct store_scene *scene, int64_t job, int64_t on, bool done)
{
    struct change *change = output_change(&scene->output, CHANGE_DEPENDENCY);
    change->dependency.job = job;
    change->dependency.on = on;
    change->dependency.done = done;
}

static void test_dependents_come_until_taken_away(struct store_scene *scene)
{
    struct job *jobs[4];
    for (int n = 0; n < 4; n++) {
        jobs[n] = store_scene_job(n + 1, 10);
        jobs[n]->state = n == 2 ? STATE_CANCELED : STATE_WAITING;
        jobs[n]->ended_at = n == 2 ? 9 : 0;
        store_scene_insert(scene, jobs[n]);
        depend(scene, 4 - n, 9, false);
    }
    depend(scene, 1, 8, false);
    store_scene_turn(scene);
    struct want want = {.kind = WANT_DEPENDENTS, .job = 9, .limit = 2};
    struct got got;
    store_scene_begin(scene);
    assert_int_equal(store_get(scene->store, &want, &got), STORE_OK);
    assert_int_equal(got.row_count, 2);
    assert_int_equal(got.rows[0]->key, 1);
    assert_int_equal(got.rows[1]->key, 2);
    store_scene_free_got(&got);
    depend(scene, 1, 9, true);
    depend(scene, 2, 9, true);
    depend(scene, 2, 9, true); /* taking away twice is no fault */
    store_scene_apply(scene);
    assert_int_equal(store_get(scene->store, &want, &got), STORE_OK);
    assert_int_equal(got.row_count, 1); /* the canceled one waits no more */
    assert_int_equal(got.rows[0]->key, 4);
    store_scene_free_got(&got);
    store_scene_commit(scene);
    for (int n = 0; n < 4; n++)
        job_free(jobs[n]);
}

/* ---------------------------------------------------------------- keys and twins */

static void add_key(struct store_scene *scene, const char *tenant, int hash, ms_t expires_at)
{
    struct key_row *row = &output_change(&scene->output, CHANGE_KEY)->key;
    (void)span_copy(span_of(tenant), row->tenant, sizeof row->tenant);
    memset(row->key_hash, hash, sizeof row->key_hash);
    memset(row->body_hash, hash + 1, sizeof row->body_hash);
    row->job = hash * 10 + 1;
    row->count = 3;
    row->expires_at = expires_at;
}

static enum store_result find_key(struct store_scene *scene, const char *tenant, int hash,
                                  struct key_row *ret_row)
{
    unsigned char key_hash[KEY_HASH_SIZE];
    memset(key_hash, hash, sizeof key_hash);
    struct need need = {
        .kind = NEED_KEY, .tenant = tenant, .key_hash = span_make(key_hash, sizeof key_hash)};
    return store_load_key(scene->store, &need, ret_row);
}

static void test_keys_are_kept_until_they_expire(struct store_scene *scene)
{
    struct key_row row;
    add_key(scene, "ann", 7, 5000);
    add_key(scene, "bob", 7, 6000);
    add_key(scene, "ann", 0, 9000);
    store_scene_turn(scene);
    store_scene_reopen(scene);
    store_scene_begin(scene);
    assert_int_equal(find_key(scene, "ann", 7, &row), STORE_OK);
    assert_string_equal(row.tenant, "ann");
    assert_int_equal(row.key_hash[31], 7);
    assert_int_equal(row.body_hash[0], 8);
    assert_int_equal(row.job, 71);
    assert_int_equal(row.count, 3);
    assert_int_equal(row.expires_at, 5000);
    assert_int_equal(find_key(scene, "ann", 0, &row), STORE_OK);
    assert_int_equal(find_key(scene, "eve", 7, &row), STORE_NONE);
    scene->now = 5500;
    store_scene_commit(scene);
    store_scene_begin(scene);
    assert_int_equal(find_key(scene, "ann", 7, &row), STORE_NONE);
    assert_int_equal(find_key(scene, "bob", 7, &row), STORE_OK);
    store_rollback(scene->store);
    /* A key may come again, but two equal ones in one turn are a fault of the core. */
    store_scene_begin(scene);
    add_key(scene, "bob", 7, 7000);
    store_scene_apply(scene);
    add_key(scene, "bob", 7, 7000);
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
    store_rollback(scene->store);
}

static void test_many_expired_keys_go_little_by_little(struct store_scene *scene)
{
    struct key_row row;
    for (int hash = 0; hash < 200; hash++)
        add_key(scene, "ann", hash, 2000 + hash);
    store_scene_turn(scene);
    scene->now = 9000;
    int left = 200;
    for (int turn = 0; turn < 20 && left > 0; turn++) {
        store_scene_turn(scene);
        int found = 0;
        store_scene_begin(scene);
        for (int hash = 0; hash < 200; hash++)
            found += find_key(scene, "ann", hash, &row) == STORE_OK;
        store_rollback(scene->store);
        assert_true(found < left && left - found <= 100);
        left = found;
    }
    assert_int_equal(left, 0);
}

static int64_t find_twin(struct store_scene *scene, const char *tenant, const char *model,
                         uint64_t fingerprint)
{
    struct need need = {
        .kind = NEED_TWIN, .tenant = tenant, .model = model, .fingerprint = fingerprint};
    struct job *job = NULL;
    store_scene_begin(scene);
    enum store_result result = store_load_twin(scene->store, &need, &job);
    store_rollback(scene->store);
    int64_t key = job ? job->key : 0;
    assert_int_equal(result, job ? STORE_OK : STORE_NONE);
    job_free(job);
    return key;
}

static void test_twins_are_found_alive(struct store_scene *scene)
{
    const enum state states[] = {STATE_QUEUED, STATE_QUEUED, STATE_WAITING, STATE_STORING};
    struct job *jobs[4];
    for (int n = 0; n < 4; n++) {
        jobs[n] = store_scene_job(n + 1, 10);
        jobs[n]->fingerprint = UINT64_MAX - 5;
        jobs[n]->state = states[n];
        jobs[n]->priority = n == 1 ? 20 : 0;
        store_scene_insert(scene, jobs[n]);
        store_scene_bucket(scene, jobs[n], n < 2, n < 2);
    }
    store_scene_turn(scene);
    for (int n = 3; n >= 0; n--) {
        assert_int_equal(find_twin(scene, "ann", "m", UINT64_MAX - 5), n + 1);
        jobs[n]->state = STATE_FAILED;
        jobs[n]->ended_at = 11;
        store_scene_update(scene, jobs[n]);
        store_scene_bucket(scene, jobs[n], n < 2 ? -1 : 0, 0);
        store_scene_turn(scene);
    }
    assert_int_equal(find_twin(scene, "ann", "m", UINT64_MAX - 5), 0);
    store_scene_insert_many(scene, 50, 1);
    assert_int_equal(find_twin(scene, "ann", "m", 50), 50);
    assert_int_equal(find_twin(scene, "ann", "m", 51), 0);
    assert_int_equal(find_twin(scene, "bob", "m", 50), 0);
    assert_int_equal(find_twin(scene, "ann", "x", 50), 0);
    for (int n = 0; n < 4; n++)
        job_free(jobs[n]);
}

/* ---------------------------------------------------------------- starts */

struct started {
    int64_t turn, last_key;
    ms_t now, next_due;
    struct pace pace;
    struct bucket_change buckets[4];
    ms_t heads[4];
    unsigned pace_count, bucket_count, job_count;
    int64_t jobs[8];
};

static void tell_meta(void *context, int64_t turn, ms_t now, int64_t last_key, ms_t next_due)
{
    struct started *told = context;
    told->turn = turn;
    told->now = now;
    told->last_key = last_key;
    told->next_due = next_due;
}

static void tell_pace(void *context, const struct pace *pace)
{
    struct started *told = context;
    told->pace = *pace;
    told->pace_count++;
}

static void tell_bucket(void *context, const struct bucket_change *totals, ms_t head_at)
{
    struct started *told = context;
    assert_true(told->bucket_count < 4);
    told->heads[told->bucket_count] = head_at;
    told->buckets[told->bucket_count++] = *totals;
}

static void tell_job(void *context, struct job *job)
{
    struct started *told = context;
    assert_true(told->job_count < 8);
    told->jobs[told->job_count++] = job->key;
    job_free(job);
}

static void start(struct store_scene *scene, struct started *ret_told)
{
    *ret_told = (struct started){0};
    struct store_sink sink = {.context = ret_told,
                              .meta = tell_meta,
                              .pace = tell_pace,
                              .bucket = tell_bucket,
                              .job = tell_job};
    assert_int_equal(store_start(scene->store, &sink), STORE_OK);
}

static void test_start_of_an_empty_store(struct store_scene *scene)
{
    struct started told;
    start(scene, &told);
    assert_int_equal(told.turn, 0);
    assert_int_equal(told.now, 0);
    assert_int_equal(told.last_key, 0);
    assert_int_equal(told.next_due, MS_NEVER);
    assert_int_equal(told.pace_count + told.bucket_count + told.job_count, 0);
}

static void test_start_tells_what_is(struct store_scene *scene)
{
    store_scene_insert_many(scene, 1, 3);
    struct job *jobs[5];
    for (int n = 0; n < 5; n++) {
        jobs[n] = store_scene_job(20 - n, 10);
        jobs[n]->state = (enum state)(STATE_SUBMITTING + n); /* the last one succeeded */
        jobs[n]->ended_at = n == 4 ? 50 : 0;
        store_scene_insert(scene, jobs[n]);
    }
    struct job *waiting = store_scene_job(30, 10);
    waiting->state = STATE_WAITING;
    waiting->wake_at = 777;
    store_scene_insert(scene, waiting);
    output_change(&scene->output, CHANGE_PACE)->pace =
        (struct pace){.model = "m", .count = 3, .mean = 9};
    output_change(&scene->output, CHANGE_PACE)->pace =
        (struct pace){.model = "m", .count = 4, .mean = 10};
    store_scene_bucket(scene, jobs[0], -1, 2);
    jobs[0]->priority = 9;
    store_scene_bucket(scene, jobs[0], 1, 1);
    store_scene_bucket(scene, jobs[0], -1, 0); /* empty again */
    scene->now = 2000;
    store_scene_turn(scene);
    store_scene_reopen(scene);
    struct started told;
    start(scene, &told);
    assert_int_equal(told.turn, 2);
    assert_int_equal(told.now, 2000);
    assert_int_equal(told.last_key, 30);
    assert_int_equal(told.next_due, 777);
    assert_int_equal(told.pace_count, 1);
    assert_string_equal(told.pace.model, "m");
    assert_int_equal(told.pace.count, 4);
    assert_int_equal(told.pace.mean, 10);
    assert_int_equal(told.bucket_count, 1);
    assert_string_equal(told.buckets[0].tenant, "ann");
    assert_string_equal(told.buckets[0].model, "m");
    assert_int_equal(told.buckets[0].priority, 0);
    assert_int_equal(told.buckets[0].delta_count, 2);
    assert_int_equal(told.buckets[0].delta_arrived, 5);
    assert_int_equal(told.heads[0], 100);
    assert_int_equal(told.job_count, 4);
    for (int n = 0; n < 4; n++)
        assert_int_equal(told.jobs[n], 17 + n);
    for (int n = 0; n < 5; n++)
        job_free(jobs[n]);
    job_free(waiting);
}

/* Time and turns never go back, and an emptied bucket counts from nothing after a start. */
static void test_time_and_tickets_over_starts(struct store_scene *scene)
{
    struct job *job = store_scene_job(1, 10);
    store_scene_bucket(scene, job, 1, 5);
    store_scene_bucket(scene, job, -1, 0);
    scene->now = 3000;
    store_scene_turn(scene);
    scene->now = 1500;
    store_scene_turn(scene);
    struct started told;
    start(scene, &told);
    assert_int_equal(told.turn, 2);
    assert_int_equal(told.now, 3000);
    store_scene_bucket(scene, job, 1, 1);
    store_scene_turn(scene);
    store_scene_reopen(scene);
    start(scene, &told);
    assert_int_equal(told.turn, 3);
    assert_int_equal(told.bucket_count, 1);
    assert_int_equal(told.buckets[0].delta_arrived, 1);
    job_free(job);
}

static const struct store_scene_test tests[] = {
    {"claim takes the oldest", test_claim_takes_the_oldest},
    {"priority change moves a job", test_priority_change_moves_a_job},
    {"due comes in order of time", test_due_comes_in_order_of_time},
    {"dependents come until taken away", test_dependents_come_until_taken_away},
    {"keys are kept until they expire", test_keys_are_kept_until_they_expire},
    {"many expired keys go little by little", test_many_expired_keys_go_little_by_little},
    {"twins are found alive", test_twins_are_found_alive},
    {"start of an empty store", test_start_of_an_empty_store},
    {"start tells what is", test_start_tells_what_is},
    {"time and tickets over starts", test_time_and_tickets_over_starts},
};

int main(void)
{
    return store_scene_run(tests, sizeof tests / sizeof tests[0]);
}
