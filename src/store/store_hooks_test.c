/* Deliveries, lanes and secrets, in every kind of store. */
#include "store/store.h"

#include "base/memory.h"
#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct hook_change *change(struct store_scene *scene, enum hook_change_kind kind)
{
    struct hook_change *hook = &output_change(&scene->output, CHANGE_HOOK)->hook;
    hook->kind = kind;
    return hook;
}

static struct delivery row_of(int64_t job, unsigned number, int64_t lane, ms_t next_at)
{
    return (struct delivery){.job = job,
                             .number = number,
                             .lane = lane,
                             .event = NOTIFY_COMPLETED,
                             .created_at = 500,
                             .next_at = next_at};
}

static void insert(struct store_scene *scene, int64_t job, unsigned number, int64_t lane,
                   ms_t next_at)
{
    struct hook_insert *hook = &change(scene, HOOK_INSERT)->insert;
    hook->row = row_of(job, number, lane, next_at);
    hook->body = SPAN("{\"jobId\":\"é\"}");
}

static void update(struct store_scene *scene, const struct delivery *row)
{
    change(scene, HOOK_UPDATE)->delivery = *row;
}

static void put_lane(struct store_scene *scene, int64_t key, bool failing, ms_t next_at)
{
    change(scene, HOOK_LANE_PUT)->lane =
        (struct hook_lane){.key = key, .failing = failing, .next_at = next_at};
}

static void lane_due(struct store_scene *scene, int64_t key, ms_t next_at)
{
    change(scene, HOOK_LANE_DUE)->lane = (struct hook_lane){.key = key, .next_at = next_at};
}

static void get(struct store_scene *scene, const struct want *want, struct got *ret_got)
{
    store_scene_begin(scene);
    assert_int_equal(store_get(scene->store, want, ret_got), STORE_OK);
    store_rollback(scene->store);
}

static void assert_row_equal(const struct delivery *a, const struct delivery *b)
{
    assert_int_equal(a->job, b->job);
    assert_int_equal(a->number, b->number);
    assert_int_equal(a->lane, b->lane);
    assert_int_equal(a->event, b->event);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->tries, b->tries);
    assert_int_equal(a->logged, b->logged);
    assert_int_equal(a->created_at, b->created_at);
    assert_int_equal(a->next_at, b->next_at);
    assert_int_equal(a->ended_at, b->ended_at);
}

static void test_a_delivery_is_kept_with_its_body(struct store_scene *scene)
{
    struct delivery row = row_of(7, 2, 99, 1000), read;
    insert(scene, 7, 2, 99, 1000);
    store_scene_turn(scene);
    store_scene_reopen(scene);
    char *body = NULL;
    assert_int_equal(reader_delivery(scene->reader, 7, 2, &read, &body), STORE_OK);
    assert_row_equal(&read, &row);
    assert_string_equal(body, "{\"jobId\":\"é\"}");
    memory_free(body);
    row.state = DELIVERY_DELIVERED;
    row.tries = 3;
    row.logged = 5;
    row.next_at = 0;
    row.ended_at = 1234;
    update(scene, &row);
    store_scene_turn(scene);
    const struct need need = {.kind = NEED_DELIVERY, .job = 7, .number = 2};
    store_scene_begin(scene);
    assert_int_equal(store_load_delivery(scene->store, &need, &read), STORE_OK);
    assert_row_equal(&read, &row);
    const struct need other = {.kind = NEED_DELIVERY, .job = 7, .number = 3};
    assert_int_equal(store_load_delivery(scene->store, &other, &read), STORE_NONE);
    store_rollback(scene->store);
    assert_int_equal(reader_delivery(scene->reader, 7, 9, &read, &body), STORE_NONE);
}

static void test_deliveries_are_due_by_lane_and_time(struct store_scene *scene)
{
    struct got got;
    insert(scene, 1, 1, 5, 1000);
    insert(scene, 1, 2, 5, 900);
    insert(scene, 2, 1, 5, 1000);
    insert(scene, 3, 1, 5, 3000);
    insert(scene, 4, 1, 6, 100);
    struct delivery ended = row_of(5, 1, 5, 0);
    insert(scene, 5, 1, 5, 100);
    ended.state = DELIVERY_GONE;
    ended.ended_at = 200;
    update(scene, &ended);
    store_scene_turn(scene);
    struct want want = {.kind = WANT_DELIVERIES, .lane = 5, .before = 1000, .limit = 9};
    get(scene, &want, &got);
    assert_int_equal(got.item_count, 3);
    assert_int_equal(got.deliveries[0].number, 2);
    assert_int_equal(got.deliveries[1].job, 1);
    assert_int_equal(got.deliveries[2].job, 2);
    assert_int_equal(got.next_due, 3000);
    want.limit = 2;
    get(scene, &want, &got);
    assert_int_equal(got.item_count, 2);
    assert_int_equal(got.next_due, 1000);
    want.before = 5000;
    want.limit = 9;
    get(scene, &want, &got);
    assert_int_equal(got.item_count, 4);
    assert_true(got.next_due == MS_NEVER);
    want.lane = 77;
    get(scene, &want, &got);
    assert_int_equal(got.item_count, 0);
    assert_true(got.next_due == MS_NEVER);
}

static void test_lanes_come_in_order_of_time(struct store_scene *scene)
{
    struct got got;
    put_lane(scene, 30, false, 500);
    put_lane(scene, 10, false, 500);
    put_lane(scene, -20, false, 400);
    put_lane(scene, 40, false, 900);
    put_lane(scene, 50, true, 100);
    store_scene_turn(scene);
    struct want want = {.kind = WANT_LANES, .before = 600, .limit = 2};
    get(scene, &want, &got);
    assert_int_equal(got.item_count, 2);
    assert_int_equal(got.lanes[0].key, -20);
    assert_int_equal(got.lanes[1].key, 10);
    assert_int_equal(got.lanes[1].next_at, 500);
    assert_int_equal(got.next_due, 500);
    want.after = 500;
    want.lane = 10;
    get(scene, &want, &got);
    assert_int_equal(got.item_count, 1);
    assert_int_equal(got.lanes[0].key, 30);
    assert_int_equal(got.next_due, 900);
    want = (struct want){.kind = WANT_LANES, .before = 600, .limit = 2, .failing = true};
    get(scene, &want, &got);
    assert_int_equal(got.item_count, 1);
    assert_true(got.lanes[0].failing);
    assert_true(got.next_due == MS_NEVER);
}

/* A lane is made due without a look at its row: earlier wins, and what it was it stays. */
static void test_a_lane_is_due_at_the_earliest(struct store_scene *scene)
{
    struct got got;
    lane_due(scene, 1, 700);
    put_lane(scene, 2, true, 900);
    lane_due(scene, 2, 800);
    put_lane(scene, 3, true, 600);
    lane_due(scene, 3, 800);
    put_lane(scene, 4, false, 100);
    put_lane(scene, 4, false, MS_NEVER);
    store_scene_turn(scene);
    struct want want = {.kind = WANT_LANES, .before = 2000, .limit = 9};
    get(scene, &want, &got);
    assert_int_equal(got.item_count, 1);
    assert_int_equal(got.lanes[0].key, 1);
    assert_int_equal(got.lanes[0].next_at, 700);
    want.failing = true;
    get(scene, &want, &got);
    assert_int_equal(got.item_count, 2);
    assert_int_equal(got.lanes[0].next_at, 600);
    assert_int_equal(got.lanes[1].next_at, 800);
}

static void test_the_log_keeps_the_newest(struct store_scene *scene)
{
    struct delivery_try lines[NOTIFY_LOG_MAX];
    unsigned count = 0;
    insert(scene, 7, 1, 5, 1000);
    for (unsigned n = 1; n <= NOTIFY_LOG_MAX + 3; n++) {
        struct delivery_try *line = &change(scene, HOOK_TRY)->attempt;
        line->job = 7;
        line->delivery = 1;
        line->number = n;
        line->at = 100 + n;
        line->took = n;
        line->status = 500;
        (void)snprintf(line->error, sizeof line->error, "It answered 500, %u.", n);
    }
    store_scene_turn(scene);
    assert_int_equal(reader_tries(scene->reader, 7, 1, lines, &count), STORE_OK);
    assert_int_equal(count, NOTIFY_LOG_MAX);
    for (unsigned n = 0; n < count; n++)
        assert_int_equal(lines[n].number, n + 4);
    assert_int_equal(lines[0].took, 4);
    assert_int_equal(lines[0].at, 104);
    assert_int_equal(lines[0].status, 500);
    assert_string_equal(lines[0].error, "It answered 500, 4.");
    assert_int_equal(reader_tries(scene->reader, 7, 2, lines, &count), STORE_OK);
    assert_int_equal(count, 0);
}

static void test_a_rollback_takes_all_back(struct store_scene *scene)
{
    struct got got;
    insert(scene, 7, 1, 5, 1000);
    put_lane(scene, 5, false, 1000);
    change(scene, HOOK_SECRET)->secret = (struct hook_secret){.tenant = "ann", .text = "one"};
    store_scene_turn(scene);
    struct delivery row = row_of(7, 1, 5, 2000);
    row.tries = row.logged = 1;
    store_scene_begin(scene);
    update(scene, &row);
    insert(scene, 8, 1, 5, 100);
    change(scene, HOOK_TRY)->attempt = (struct delivery_try){.job = 7, .delivery = 1, .number = 1};
    put_lane(scene, 5, true, MS_NEVER);
    lane_due(scene, 6, 10);
    change(scene, HOOK_SECRET)->secret = (struct hook_secret){.tenant = "ann", .text = "two"};
    change(scene, HOOK_SECRET)->secret = (struct hook_secret){.tenant = "bob", .text = "two"};
    store_scene_apply(scene);
    store_rollback(scene->store);
    const struct want want = {.kind = WANT_DELIVERIES, .lane = 5, .before = 9000, .limit = 9};
    get(scene, &want, &got);
    assert_int_equal(got.item_count, 1);
    assert_int_equal(got.deliveries[0].next_at, 1000);
    const struct want lanes = {.kind = WANT_LANES, .before = 9000, .limit = 9};
    get(scene, &lanes, &got);
    assert_int_equal(got.item_count, 1);
    assert_int_equal(got.lanes[0].next_at, 1000);
    struct hook_secret secret;
    assert_int_equal(reader_secret(scene->reader, "ann", &secret), STORE_OK);
    assert_string_equal(secret.text, "one");
    assert_int_equal(reader_secret(scene->reader, "bob", &secret), STORE_NONE);
    struct delivery_try lines[NOTIFY_LOG_MAX];
    unsigned count = 9;
    assert_int_equal(reader_tries(scene->reader, 7, 1, lines, &count), STORE_OK);
    assert_int_equal(count, 0);
}

static void test_secrets(struct store_scene *scene)
{
    const struct hook_secret made = {
        .tenant = "ann", .text = "whsec_b", .old = "whsec_a", .old_until = 77, .made_at = 66};
    struct hook_secret read;
    change(scene, HOOK_SECRET)->secret = made;
    store_scene_turn(scene);
    const struct need need = {.kind = NEED_SECRET, .tenant = "ann"};
    store_scene_begin(scene);
    assert_int_equal(store_load_secret(scene->store, &need, &read), STORE_OK);
    store_rollback(scene->store);
    assert_string_equal(read.tenant, made.tenant);
    assert_string_equal(read.text, made.text);
    assert_string_equal(read.old, made.old);
    assert_int_equal(read.old_until, 77);
    assert_int_equal(read.made_at, 66);
}

static int64_t pending_after_start(struct store_scene *scene)
{
    store_scene_reopen(scene);
    return store_hooks_pending(scene->store);
}

static void test_what_is_pending_is_counted(struct store_scene *scene)
{
    assert_int_equal(pending_after_start(scene), 0);
    for (unsigned n = 1; n <= 4; n++)
        insert(scene, 7, n, 5, 1000);
    struct delivery row = row_of(7, 2, 5, 0);
    row.state = DELIVERY_FAILED;
    row.ended_at = 1000;
    update(scene, &row);
    store_scene_turn(scene);
    assert_int_equal(pending_after_start(scene), 3);
    update(scene, &row); /* it has ended already */
    row = row_of(7, 2, 5, 1000);
    store_scene_turn(scene);
    assert_int_equal(pending_after_start(scene), 3);
    update(scene, &row); /* asked for again */
    store_scene_turn(scene);
    assert_int_equal(pending_after_start(scene), 4);
}

static void test_old_ones_go_little_by_little(struct store_scene *scene)
{
    struct delivery rows[READER_DELIVERIES_MAX];
    unsigned count = 0;
    for (unsigned n = 1; n <= 40; n++) {
        insert(scene, 7, n, 5, 1000);
        if (n == 40)
            continue; /* pending: kept for as long as it takes */
        struct delivery row = row_of(7, n, 5, 0);
        row.state = DELIVERY_DELIVERED;
        row.ended_at = 1000 + n;
        update(scene, &row);
    }
    scene->now = 2000;
    store_scene_turn(scene);
    assert_int_equal(reader_deliveries(scene->reader, 7, rows, &count), STORE_OK);
    assert_int_equal(count, 40);
    assert_int_equal(rows[0].number, 40); /* the newest first */
    for (int turn = 0; turn < 5; turn++) {
        scene->now = 1020 + NOTIFY_KEPT_DAYS * MS_DAY;
        store_scene_turn(scene);
    }
    assert_int_equal(reader_deliveries(scene->reader, 7, rows, &count), STORE_OK);
    assert_int_equal(count, 20);
    assert_int_equal(rows[19].number, 21);
    scene->now = 2000 + NOTIFY_KEPT_DAYS * MS_DAY;
    for (int turn = 0; turn < 5; turn++)
        store_scene_turn(scene);
    assert_int_equal(reader_deliveries(scene->reader, 7, rows, &count), STORE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].state, DELIVERY_PENDING);
}

static void test_a_job_takes_its_deliveries_along(struct store_scene *scene)
{
    struct delivery rows[READER_DELIVERIES_MAX];
    struct delivery_try lines[NOTIFY_LOG_MAX];
    unsigned count = 9;
    insert(scene, 7, 1, 5, 1000);
    insert(scene, 7, 2, 5, 1000);
    insert(scene, 8, 1, 5, 1000);
    change(scene, HOOK_TRY)->attempt = (struct delivery_try){.job = 7, .delivery = 1, .number = 1};
    store_scene_turn(scene);
    store_scene_begin(scene);
    change(scene, HOOK_FORGET)->job = 7;
    store_scene_apply(scene);
    store_rollback(scene->store);
    assert_int_equal(reader_deliveries(scene->reader, 7, rows, &count), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(store_hooks_pending(scene->store), 3);
    change(scene, HOOK_FORGET)->job = 7;
    store_scene_turn(scene);
    assert_int_equal(reader_deliveries(scene->reader, 7, rows, &count), STORE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(reader_tries(scene->reader, 7, 1, lines, &count), STORE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(reader_deliveries(scene->reader, 8, rows, &count), STORE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(pending_after_start(scene), 1);
}

/* Word about what was in flight when its job was removed. */
static void test_what_is_not_there_is_left_alone(struct store_scene *scene)
{
    struct delivery rows[READER_DELIVERIES_MAX];
    struct delivery_try lines[NOTIFY_LOG_MAX];
    unsigned count = 9;
    const struct delivery row = row_of(7, 1, 5, 1000);
    update(scene, &row);
    change(scene, HOOK_TRY)->attempt = (struct delivery_try){.job = 7, .delivery = 1, .number = 1};
    store_scene_turn(scene);
    assert_int_equal(reader_deliveries(scene->reader, 7, rows, &count), STORE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(reader_tries(scene->reader, 7, 1, lines, &count), STORE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(store_hooks_pending(scene->store), 0);
}

static const struct store_scene_test tests[] = {
    {"a delivery is kept with its body", test_a_delivery_is_kept_with_its_body},
    {"deliveries are due by lane and time", test_deliveries_are_due_by_lane_and_time},
    {"lanes come in order of time", test_lanes_come_in_order_of_time},
    {"a lane is due at the earliest", test_a_lane_is_due_at_the_earliest},
    {"the log keeps the newest", test_the_log_keeps_the_newest},
    {"a rollback takes all back", test_a_rollback_takes_all_back},
    {"secrets", test_secrets},
    {"what is pending is counted", test_what_is_pending_is_counted},
    {"old ones go little by little", test_old_ones_go_little_by_little},
    {"a job takes its deliveries along", test_a_job_takes_its_deliveries_along},
    {"what is not there is left alone", test_what_is_not_there_is_left_alone},
};

int main(void)
{
    return store_scene_run(tests, sizeof tests / sizeof tests[0]);
}
