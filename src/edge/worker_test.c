#include "edge/worker.h"

#include "base/memory.h"
#include "edge/clock.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "edge/await_test_rig.h"

/* A worker in shell: what it does is said by the request's op. It greets, so that lines without an
 * id are seen to be harmless. */
static const char script[] =
    "echo '{\"event\":\"ready\"}'; n=0\n"
    "while read -r line; do n=$((n+1))\n"
    "id=${line#*id\\\":\\\"}; id=${id%%\\\"*}; op=${line#*op\\\":\\\"}; op=${op%%\\\"*}\n"
    "echo '{\"id\":\"'$id'\",\"event\":\"started\",\"pid\":'$$'}'\n"
    "case $op in\n"
    "ok) echo '{\"id\":\"'$id'\",\"event\":\"progress\",\"n\":'$n'}'\n"
    "    echo '{\"id\":\"'$id'\",\"event\":\"new\"}'\n"
    "    echo '{\"id\":\"'$id'\",\"event\":\"done\",\"n\":'$n'}';;\n"
    "last) echo '{\"id\":\"'$id'\",\"event\":\"done\",\"last\":true,\"n\":'$n'}';;\n"
    "fail) echo '{\"id\":\"'$id'\",\"event\":\"failed\"}';;\n"
    "exit) exit 3;;\n"
    "crash) kill -SEGV $$;;\n"
    "hang) exec /bin/sleep 100;;\n"
    "stopped) kill -STOP $$;;\n"
    "nonsense) echo 'hello';;\n"
    "other) echo '{\"id\":\"x\",\"event\":\"done\"}'; read -r line;;\n"
    "esac; done";

enum { ENDS_MAX = 200 };

struct seen {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned lines, ends, of[WORKER_HOW_COUNT], started;
    struct worker_end last;
    char line[200];
    bool line_after_end;
};

static struct seen *seen_make(void)
{
    struct seen *seen = memory_new(struct seen);
    (void)pthread_mutex_init(&seen->mutex, NULL);
    (void)pthread_cond_init(&seen->changed, NULL);
    return seen;
}

static void on_line(void *context, enum worker_event event, struct span line)
{
    struct seen *seen = context;
    (void)pthread_mutex_lock(&seen->mutex);
    seen->lines++;
    seen->started += event == WORKER_EVENT_STARTED;
    (void)span_copy(line, seen->line, sizeof seen->line);
    (void)pthread_cond_broadcast(&seen->changed);
    (void)pthread_mutex_unlock(&seen->mutex);
}

static void on_ended(void *context, const struct worker_end *end)
{
    struct seen *seen = context;
    (void)pthread_mutex_lock(&seen->mutex);
    seen->ends++;
    seen->of[end->how]++;
    seen->last = *end;
    (void)pthread_cond_broadcast(&seen->changed);
    (void)pthread_mutex_unlock(&seen->mutex);
}

static const struct worker_calls calls = {on_line, on_ended};

static void wait_for(struct seen *seen, const unsigned *counter, unsigned value)
{
    await_count(&seen->mutex, &seen->changed, counter, value);
}

static bool run(struct worker_pool *pool, const char *id, const char *op, struct seen *seen)
{
    char request[200];
    (void)snprintf(request, sizeof request, "{\"id\":\"%s\",\"op\":\"%s\"}", id, op);
    return worker_run(pool, span_of(id), span_of(request), &calls, seen);
}

static struct worker_pool *make_pool(struct children *children, struct worker_config config)
{
    static const char *const arguments[] = {"-c", script, NULL};
    config.program = "/bin/sh";
    config.arguments = arguments;
    return worker_make(children, &config);
}

static void serves_jobs_and_recycles(void **state)
{
    struct children *children = children_make();
    struct worker_pool *pool =
        make_pool(children, (struct worker_config){.count = 1, .jobs_max = 3});
    struct seen *seen = seen_make();
    for (unsigned n = 0; n < 7; n++) {
        char id[20];
        (void)snprintf(id, sizeof id, "gen_%u", n);
        assert_true(run(pool, id, n == 4 ? "fail" : "ok", seen));
    }
    wait_for(seen, &seen->ends, 7);
    assert_int_equal(seen->of[WORKER_DONE], 6);
    assert_int_equal(seen->of[WORKER_FAILED], 1);
    assert_int_equal(seen->started, 7);
    assert_int_equal(seen->lines, 6 * 3 + 2);
    /* The seventh job was the first of the third process. */
    assert_string_equal(seen->line, "{\"id\":\"gen_6\",\"event\":\"done\",\"n\":1}");
    assert_false(worker_run(pool, SPAN("a"), SPAN("{\n}"), &calls, seen));
    assert_false(worker_run(pool, SPAN(""), SPAN("{}"), &calls, seen));
    worker_free(pool);
    children_free(children);
    assert_int_equal(seen->ends, 7);
    memory_free(seen);
}

static void replaces_a_process_that_did_its_last_job(void **state)
{
    struct children *children = children_make();
    struct worker_pool *pool = make_pool(children, (struct worker_config){.count = 1});
    struct seen *seen = seen_make();
    static const char *const ops[] = {"ok", "last", "ok", "last", "last"};
    for (unsigned n = 0; n < 5; n++) {
        char id[20];
        (void)snprintf(id, sizeof id, "gen_%u", n);
        assert_true(run(pool, id, ops[n], seen));
    }
    wait_for(seen, &seen->ends, 5);
    assert_int_equal(seen->of[WORKER_DONE], 5);
    assert_string_equal(seen->line, "{\"id\":\"gen_4\",\"event\":\"done\",\"last\":true,\"n\":1}");
    worker_free(pool);
    children_free(children);
    memory_free(seen);
}

static void tells_how_a_process_ended(void **state)
{
    static const struct {
        const char *op;
        enum worker_how how;
        int status, signal;
        const char *sentence;
    } rows[] = {
        {"exit", WORKER_DIED, 3, 0, "The media worker ended by itself with status 3."},
        {"crash", WORKER_DIED, 0, SIGSEGV, "The media worker died of signal 11."},
        {"hang", WORKER_HUNG, 0, 0, "The media worker said nothing for too long."},
        {"stopped", WORKER_HUNG, 0, 0, "The media worker said nothing for too long."},
        {"nonsense", WORKER_NONSENSE, 0, 0, "The media worker said something that can't be read."},
        {"other", WORKER_NONSENSE, 0, 0, "The media worker said something that can't be read."},
        {"ok", WORKER_DONE, 0, 0, ""},
    };
    struct children *children = children_make();
    struct worker_pool *pool =
        make_pool(children, (struct worker_config){.count = 1, .silence_ms = 300});
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct seen *seen = seen_make();
        assert_true(run(pool, "gen_1", rows[n].op, seen));
        wait_for(seen, &seen->ends, 1);
        assert_int_equal(seen->last.how, rows[n].how);
        assert_int_equal(seen->last.status, rows[n].status);
        assert_int_equal(seen->last.signal, rows[n].signal);
        assert_string_equal(seen->last.sentence, rows[n].sentence);
        memory_free(seen);
    }
    worker_free(pool);
    children_free(children);
}

/* As many as local.workers allows: one place and one process each, as they are needed. */
static void may_have_many(void **state)
{
    struct children *children = children_make();
    struct worker_pool *pool =
        make_pool(children, (struct worker_config){.count = WORKER_COUNT_MAX});
    struct seen *seen = seen_make();
    assert_true(run(pool, "gen_1", "ok", seen));
    wait_for(seen, &seen->ends, 1);
    assert_int_equal(seen->of[WORKER_DONE], 1);
    worker_free(pool);
    children_free(children);
    memory_free(seen);
}

static void says_when_it_cannot_start(void **state)
{
    struct children *children = children_make();
    const struct worker_config config = {.program = "/nowhere/reel-media", .count = 2};
    struct worker_pool *pool = worker_make(children, &config);
    struct seen *seen = seen_make();
    for (int n = 0; n < 5; n++)
        assert_true(run(pool, "gen_1", "ok", seen));
    wait_for(seen, &seen->ends, 5);
    assert_int_equal(seen->of[WORKER_NOT_STARTED], 5);
    assert_string_equal(seen->last.sentence,
                        "The media worker could not be started: No such file or directory.");
    assert_string_equal(worker_how_name(WORKER_NOT_STARTED), "not_started");
    worker_free(pool);
    children_free(children);
    memory_free(seen);
}

static void stops_jobs(void **state)
{
    struct children *children = children_make();
    struct worker_pool *pool =
        make_pool(children, (struct worker_config){.count = 1, .queue_max = 2});
    struct seen *running = seen_make(), *waiting = seen_make(), *last = seen_make();
    assert_true(run(pool, "gen_1", "hang", running));
    wait_for(running, &running->started, 1);
    assert_true(run(pool, "gen_2", "ok", waiting));
    assert_true(run(pool, "gen_3", "ok", last));
    assert_false(run(pool, "gen_4", "ok", last));
    worker_stop(pool, SPAN("gen_2"));
    wait_for(waiting, &waiting->ends, 1);
    assert_int_equal(waiting->of[WORKER_STOPPED], 1);
    assert_int_equal(running->ends, 0);
    worker_stop(pool, SPAN("gen_9"));
    worker_stop(pool, SPAN("gen_1"));
    wait_for(running, &running->ends, 1);
    assert_int_equal(running->of[WORKER_STOPPED], 1);
    wait_for(last, &last->ends, 1);
    assert_int_equal(last->of[WORKER_DONE], 1);
    /* What runs and waits when the pool goes is stopped too. */
    assert_true(run(pool, "gen_5", "hang", running));
    assert_true(run(pool, "gen_6", "ok", running));
    worker_free(pool);
    assert_int_equal(running->of[WORKER_STOPPED], 3);
    children_free(children);
    memory_free(running);
    memory_free(waiting);
    memory_free(last);
    worker_free(NULL);
}

static void survives_many(void **state)
{
    static const char *const ops[] = {"ok", "ok", "exit", "crash", "nonsense", "fail"};
    struct children *children = children_make();
    struct worker_pool *pool =
        make_pool(children, (struct worker_config){.count = 4, .jobs_max = 5, .queue_max = 200});
    struct seen *seen = seen_make();
    for (unsigned n = 0; n < ENDS_MAX; n++) {
        char id[20];
        (void)snprintf(id, sizeof id, "gen_%u", n);
        assert_true(run(pool, id, ops[n % 6], seen));
        if (n % 7 == 0)
            worker_stop(pool, span_of(id));
    }
    wait_for(seen, &seen->ends, ENDS_MAX);
    worker_free(pool);
    children_free(children);
    assert_int_equal(seen->ends, ENDS_MAX);
    memory_free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_jobs_and_recycles),
        cmocka_unit_test(replaces_a_process_that_did_its_last_job),
        cmocka_unit_test(tells_how_a_process_ended),
        cmocka_unit_test(may_have_many),
        cmocka_unit_test(says_when_it_cannot_start),
        cmocka_unit_test(stops_jobs),
        cmocka_unit_test(survives_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
