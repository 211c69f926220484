/* The turn against the memory store that refuses: whatever it refuses, and however often, the turn
 * is either there as a whole or not at all. */
#include "app/turn.h"
#include "base/memory.h"
#include "store/ram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TURN_TEST_NOW ((ms_t)1790000000000)

static const struct core_config config = {
    .limit_all = 2, .timeout = 60000, .submit_timeout = 30000, .disk_reserve = 10, .seed = 1};

struct bench {
    struct store *store;
    struct core *core;
    struct turn turn;
    struct event event, *events[1];
};

static void start(struct bench *bench)
{
    bench->core = core_make(&config);
    turn_init(&bench->turn, bench->core, bench->store);
}

static void set_up(struct bench *bench)
{
    *bench = (struct bench){.store = ram_open()};
    bench->events[0] = &bench->event;
    start(bench);
    assert_int_equal(turn_recover(&bench->turn, TURN_TEST_NOW), STORE_OK);
    turn_end(&bench->turn);
}

static void stop(struct bench *bench)
{
    turn_done(&bench->turn);
    core_free(bench->core);
    ram_crash(bench->store);
}

static void tear_down(struct bench *bench)
{
    stop(bench);
    store_close(bench->store);
}

static void ask(struct bench *bench)
{
    bench->event = (struct event){.kind = EVENT_ASKED};
    bench->event.asked = (struct asked){.token = 7,
                                        .tenant = "alice",
                                        .model = "still",
                                        .provider = "local",
                                        .inputs = {SPAN("{}"), SPAN("{}"), SPAN("{}")},
                                        .count = 3};
}

static enum store_result run(struct bench *bench, ms_t after)
{
    return turn_run(&bench->turn, bench->events, 1, TURN_TEST_NOW + after, 100);
}

static unsigned count_effects(const struct bench *bench, enum effect_kind kind)
{
    unsigned count = 0;
    for (size_t n = 0; n < bench->turn.output.effects.count; n++)
        count += bench->turn.output.effects.list[n].kind == kind;
    return count;
}

static unsigned count_rows(const struct bench *bench, enum state state)
{
    unsigned count = 0;
    size_t cursor = 0;
    for (const struct job *job; (job = ram_next_job(bench->store, &cursor));)
        count += job->state == state;
    return count;
}

static void check_asked(struct bench *bench)
{
    assert_int_equal(count_effects(bench, EFFECT_REPLY), 1);
    assert_int_equal(count_effects(bench, EFFECT_WORK), 2);
    assert_int_equal(count_rows(bench, STATE_SUBMITTING), 2);
    assert_int_equal(count_rows(bench, STATE_QUEUED), 1);
    turn_end(&bench->turn);
    core_check(bench->core);
}

static void a_turn_is_one_commit(void **context)
{
    (void)context;
    struct bench bench;
    set_up(&bench);
    int64_t turn = ram_turn(bench.store);
    ask(&bench);
    assert_int_equal(run(&bench, 5), STORE_OK);
    assert_int_equal(ram_turn(bench.store), turn + 1);
    check_asked(&bench);
    tear_down(&bench);
}

/* Each call that can refuse, with each result, once and twice in a row. */
static void a_refused_turn_is_run_again(void **context)
{
    (void)context;
    static const enum ram_call calls[] = {RAM_BEGIN, RAM_APPLY, RAM_GET, RAM_COMMIT};
    static const enum store_result results[] = {STORE_FULL, STORE_BUSY};
    for (int n = 0; n < 16; n++) {
        struct bench bench;
        set_up(&bench);
        int64_t turn = ram_turn(bench.store);
        ask(&bench);
        for (int times = 0; times <= n / 8; times++) {
            ram_fail_next(bench.store, calls[n % 4], results[n / 4 % 2]);
            assert_int_equal(run(&bench, 5 + times), results[n / 4 % 2]);
            assert_int_equal(count_rows(&bench, STATE_QUEUED), 0);
            assert_int_equal(ram_turn(bench.store), turn);
        }
        assert_int_equal(run(&bench, 1000), STORE_OK);
        assert_int_equal(ram_turn(bench.store), turn + 1);
        check_asked(&bench);
        tear_down(&bench);
    }
}

static void write_body(void *context, const struct hook_insert *hook, struct buffer *target)
{
    unsigned *written = context;
    buffer_print(target, "%s %u", state_name(hook->job->state), ++*written);
}

/* However often the store refuses: what is sent at every try is one text. */
static void a_body_is_written_once(void **context)
{
    (void)context;
    struct bench bench;
    unsigned written = 0;
    const char *body = NULL;
    set_up(&bench);
    bench.turn.write_body = write_body;
    bench.turn.body_context = &written;
    ask(&bench);
    bench.event.asked.start_at = TURN_TEST_NOW + 60000;
    bench.event.asked.hook_lane = 5;
    bench.event.asked.hook_events = 1u << NOTIFY_COMPLETED;
    bench.event.asked.count = 1;
    assert_int_equal(run(&bench, 5), STORE_OK);
    int64_t job = bench.turn.output.effects.list[0].reply.jobs[0];
    turn_end(&bench.turn);
    assert_int_equal(store_hooks_pending(bench.store), 0);
    bench.event = (struct event){.kind = EVENT_CANCEL_ASKED,
                                 .cancel_asked = {.token = 8, .tenant = "alice", .job = job}};
    static const enum ram_call calls[] = {RAM_APPLY, RAM_GET, RAM_COMMIT};
    for (size_t n = 0; n < sizeof calls / sizeof calls[0]; n++) {
        ram_fail_next(bench.store, calls[n], STORE_FULL);
        assert_int_equal(run(&bench, 10), STORE_FULL);
        assert_null(ram_find_delivery(bench.store, job, 1, &body));
    }
    assert_int_equal(run(&bench, 10), STORE_OK);
    assert_int_equal(count_effects(&bench, EFFECT_HOOK), 1);
    assert_non_null(ram_find_delivery(bench.store, job, 1, &body));
    assert_string_equal(body, "canceled 1");
    assert_int_equal(store_hooks_pending(bench.store), 1);
    turn_end(&bench.turn);
    core_check(bench.core);
    tear_down(&bench);
}

/* I30: time passes between the tries; the turn's does not. */
static void a_turn_has_one_time(void **context)
{
    (void)context;
    struct bench bench;
    set_up(&bench);
    ask(&bench);
    ram_fail_next(bench.store, RAM_COMMIT, STORE_FULL);
    assert_int_equal(run(&bench, 5), STORE_FULL);
    assert_int_equal(run(&bench, 70000), STORE_OK);
    size_t cursor = 0;
    for (const struct job *job; (job = ram_next_job(bench.store, &cursor));)
        assert_int_equal(job->created_at, TURN_TEST_NOW + 5);
    assert_int_equal(core_now(bench.core), TURN_TEST_NOW + 5);
    check_asked(&bench);
    tear_down(&bench);
}

static void a_doubtful_commit_is_told_by_the_rows(void **context)
{
    (void)context;
    for (int kept = 0; kept < 2; kept++) {
        struct bench bench;
        set_up(&bench);
        ask(&bench);
        ram_fail_next(bench.store, kept ? RAM_COMMIT_KEPT : RAM_COMMIT, STORE_BROKEN);
        assert_int_equal(run(&bench, 5), STORE_BROKEN);
        stop(&bench);
        start(&bench);
        assert_int_equal(turn_recover(&bench.turn, TURN_TEST_NOW + 10), STORE_OK);
        turn_end(&bench.turn);
        assert_int_equal(count_rows(&bench, STATE_SUBMITTING), kept ? 2 : 0);
        assert_int_equal(count_rows(&bench, STATE_QUEUED), kept ? 1 : 0);
        core_check(bench.core);
        tear_down(&bench);
    }
}

static void a_refused_start_is_run_again(void **context)
{
    (void)context;
    static const enum ram_call calls[] = {RAM_BEGIN, RAM_APPLY, RAM_COMMIT};
    for (int n = 0; n < 3; n++) {
        struct bench bench;
        set_up(&bench);
        ask(&bench);
        assert_int_equal(run(&bench, 5), STORE_OK);
        turn_end(&bench.turn);
        stop(&bench);
        start(&bench);
        ram_fail_next(bench.store, calls[n], STORE_BUSY);
        assert_int_equal(turn_recover(&bench.turn, TURN_TEST_NOW + 10), STORE_BUSY);
        assert_int_equal(turn_recover(&bench.turn, TURN_TEST_NOW + 10), STORE_OK);
        turn_end(&bench.turn);
        core_check(bench.core);
        struct core_gauges gauges;
        core_gauges(bench.core, &gauges);
        assert_int_equal(gauges.in_flight, 2);
        assert_int_equal(gauges.queued, 1);
        tear_down(&bench);
    }
}

/* A start that is given up leaks nothing: the sanitizer looks. */
static void a_broken_start_can_be_dropped(void **context)
{
    (void)context;
    struct bench bench;
    set_up(&bench);
    ask(&bench);
    assert_int_equal(run(&bench, 5), STORE_OK);
    turn_end(&bench.turn);
    stop(&bench);
    start(&bench);
    ram_fail_next(bench.store, RAM_BEGIN, STORE_BROKEN);
    assert_int_equal(turn_recover(&bench.turn, TURN_TEST_NOW + 10), STORE_BROKEN);
    tear_down(&bench);
}

static void time_goes_on_when_the_clock_is_set_back(void **context)
{
    (void)context;
    struct bench bench;
    set_up(&bench);
    struct turn *turn = &bench.turn;
    assert_int_equal(turn_time(turn, TURN_TEST_NOW + 100, 5000), TURN_TEST_NOW + 100);
    assert_int_equal(turn_time(turn, TURN_TEST_NOW + 150, 5050), TURN_TEST_NOW + 150);
    /* Back by an hour: waits go on at the monotonic clock's speed. */
    assert_int_equal(turn_time(turn, TURN_TEST_NOW - MS_HOUR, 5070), TURN_TEST_NOW + 170);
    assert_int_equal(turn_time(turn, TURN_TEST_NOW - MS_HOUR, 6070), TURN_TEST_NOW + 1170);
    /* Forward: a machine that slept, or was wrong before. */
    assert_int_equal(turn_time(turn, TURN_TEST_NOW + MS_DAY, 6080), TURN_TEST_NOW + MS_DAY);
    tear_down(&bench);
}

/* I29: over restarts too. */
static void a_turn_that_changes_nothing_spares_the_disk(void **context)
{
    (void)context;
    /* Since the start's turn, which is always written; at last its time is. */
    static const struct {
        ms_t after;
        bool is_written;
    } rows[] = {{1, false}, {TURN_SPARED_MS - 1, false}, {TURN_SPARED_MS, true}, {1999, false}};
    struct bench bench;
    set_up(&bench);
    bench.event = (struct event){.kind = EVENT_VENDOR_ASKED,
                                 .vendor_asked = {.token = 7, .provider = "nobody"}};
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        int64_t turn = ram_turn(bench.store);
        assert_int_equal(run(&bench, rows[n].after), STORE_OK);
        assert_int_equal(count_effects(&bench, EFFECT_REPLY), 1);
        turn_end(&bench.turn);
        assert_int_equal(ram_turn(bench.store), turn + rows[n].is_written);
        assert_int_equal(core_now(bench.core), TURN_TEST_NOW + rows[n].after);
    }
    tear_down(&bench);
}

static void time_never_falls_over_a_restart(void **context)
{
    (void)context;
    struct bench bench;
    set_up(&bench);
    ask(&bench);
    assert_int_equal(run(&bench, MS_HOUR), STORE_OK);
    turn_end(&bench.turn);
    stop(&bench);
    start(&bench);
    assert_int_equal(turn_recover(&bench.turn, TURN_TEST_NOW), STORE_OK);
    turn_end(&bench.turn);
    ms_t least = TURN_TEST_NOW + MS_HOUR;
    assert_int_equal(core_now(bench.core), least);
    assert_int_equal(turn_time(&bench.turn, TURN_TEST_NOW, 10), least);
    assert_int_equal(turn_time(&bench.turn, TURN_TEST_NOW, 60), least + 50);
    /* What was lost is begun again at once, not when the wall clock has caught up. */
    ms_t now = turn_time(&bench.turn, TURN_TEST_NOW, 60);
    assert_true(core_wake_at(bench.core) <= now);
    assert_int_equal(turn_run(&bench.turn, bench.events, 0, now, 100), STORE_OK);
    assert_int_equal(count_effects(&bench, EFFECT_WORK), 2);
    turn_end(&bench.turn);
    tear_down(&bench);
}

/* Nothing was in flight: no event tells the core how late it is. */
static void what_was_due_meanwhile_comes_before_what_may_start(void **context)
{
    (void)context;
    struct bench bench;
    set_up(&bench);
    bench.event = (struct event){.kind = EVENT_CLOSING};
    assert_int_equal(run(&bench, 1), STORE_OK);
    turn_end(&bench.turn);
    ask(&bench);
    bench.event.asked.deadline = TURN_TEST_NOW + 50;
    assert_int_equal(run(&bench, 5), STORE_OK);
    turn_end(&bench.turn);
    assert_int_equal(count_rows(&bench, STATE_QUEUED), 3);
    stop(&bench);
    start(&bench);
    assert_int_equal(turn_recover(&bench.turn, TURN_TEST_NOW + 100), STORE_OK);
    turn_end(&bench.turn);
    assert_int_equal(count_rows(&bench, STATE_EXPIRED), 3);
    tear_down(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_is_one_commit),
        cmocka_unit_test(a_body_is_written_once),
        cmocka_unit_test(a_refused_turn_is_run_again),
        cmocka_unit_test(a_turn_has_one_time),
        cmocka_unit_test(a_doubtful_commit_is_told_by_the_rows),
        cmocka_unit_test(a_refused_start_is_run_again),
        cmocka_unit_test(a_broken_start_can_be_dropped),
        cmocka_unit_test(time_goes_on_when_the_clock_is_set_back),
        cmocka_unit_test(a_turn_that_changes_nothing_spares_the_disk),
        cmocka_unit_test(time_never_falls_over_a_restart),
        cmocka_unit_test(what_was_due_meanwhile_comes_before_what_may_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
