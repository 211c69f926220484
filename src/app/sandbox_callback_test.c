/* What becomes of calls that a script holds back; that they are called twice, and by strangers, is
 * in tests/e2e/sandbox.test.mjs. The office knows no delivery, and says of each that it is gone. */
#include "app/sandbox_callback.h"

#include "base/memory.h"
#include "edge/clock.h"
#include "store/ram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LATE_MS = 200, PATIENCE_MS = 5000, HEARD_MAX = 8 };

static struct {
    char path[40];
    struct store *store;
    struct reader *reader;
    struct board *board;
    struct hook_office *office;
    struct sandbox_script *script;
    struct sandbox_callback *callback;
    pthread_mutex_t lock;
    struct hooked heard[HEARD_MAX];
    unsigned count;
} scene = {.path = "/tmp/reel-callback-XXXXXX", .lock = PTHREAD_MUTEX_INITIALIZER};

static bool take(void *context, struct message *message)
{
    (void)context;
    (void)pthread_mutex_lock(&scene.lock);
    assert_true(scene.count < HEARD_MAX);
    scene.heard[scene.count++] = message->event.hooked;
    (void)pthread_mutex_unlock(&scene.lock);
    message_free(message);
    return true;
}

static unsigned count_heard(void)
{
    (void)pthread_mutex_lock(&scene.lock);
    unsigned count = scene.count;
    (void)pthread_mutex_unlock(&scene.lock);
    return count;
}

static void wait_for(unsigned count)
{
    ms_t until = clock_monotonic() + PATIENCE_MS;
    while (count_heard() < count && clock_monotonic() < until) {
        const struct timespec pause = {.tv_nsec = 1000000L};
        (void)nanosleep(&pause, NULL);
    }
    assert_int_equal(count_heard(), count);
}

/* Each of another provider, so that the script can tell them apart. */
static void insert(int64_t key, const char *provider)
{
    static struct output output;
    char options[100];
    struct job *job = job_make();
    job->key = key;
    (void)snprintf(options, sizeof options, "{\"sandbox\":{\"provider\":\"%s\"}}", provider);
    (void)snprintf(job->id, sizeof job->id, "gen_%lld", (long long)key);
    (void)span_copy(SPAN("ann"), job->tenant, sizeof job->tenant);
    (void)span_copy(SPAN("m"), job->model, sizeof job->model);
    (void)span_copy(SPAN("local"), job->provider, sizeof job->provider);
    job->state = STATE_QUEUED;
    job->version = job->created_at = job->queued_at = 1;
    job->input = memory_copy(SPAN("{}"));
    job->options = memory_copy(span_of(options));
    output_init(&output);
    output_change(&output, CHANGE_JOB_INSERT)->job = job;
    assert_int_equal(store_begin(scene.store), STORE_OK);
    assert_int_equal(store_apply(scene.store, &output.changes), STORE_OK);
    assert_int_equal(store_commit(scene.store, 1), STORE_OK);
    output_done(&output);
    job_free(job);
}

static void dropped_counts_as_delivered(void **state)
{
    (void)state;
    scene.count = 0;
    sandbox_callback_deliver(scene.callback, 1, 3, 0, false);
    wait_for(1);
    assert_int_equal(scene.heard[0].kind, HOOKED_DELIVERED);
    assert_int_equal(scene.heard[0].job, 1);
    assert_int_equal(scene.heard[0].number, 3);
    assert_int_equal(scene.heard[0].status, 200);
}

static void late_ones_hold_up_nobody(void **state)
{
    ms_t began = clock_monotonic();
    (void)state;
    scene.count = 0;
    sandbox_callback_deliver(scene.callback, 2, 1, 0, false); /* late */
    sandbox_callback_deliver(scene.callback, 3, 1, 0, false);
    sandbox_callback_deliver(scene.callback, 99, 1, 0, false); /* nobody's */
    wait_for(2);
    assert_true(scene.heard[0].job == 3 && scene.heard[1].job == 99);
    wait_for(3);
    assert_int_equal(scene.heard[2].job, 2);
    assert_int_equal(scene.heard[2].kind, HOOKED_GONE);
    assert_true(clock_monotonic() - began >= LATE_MS);
}

/* The end does not wait for them, and nothing of them is left. */
static void late_ones_at_the_end(void **state)
{
    (void)state;
    scene.count = 0;
    sandbox_callback_deliver(scene.callback, 2, 1, 0, false);
    sandbox_callback_deliver(scene.callback, 3, 1, 0, false);
    wait_for(1);
    sandbox_callback_free(scene.callback);
    scene.callback = NULL;
    assert_int_equal(count_heard(), 1);
}

static void write_script(void)
{
    FILE *file = fdopen(mkstemp(scene.path), "w");
    assert_non_null(file);
    (void)fprintf(file,
                  "{\"rules\":[{\"match\":{\"provider\":\"fal\"},\"fault\":\"dropped\"},"
                  "{\"match\":{\"provider\":\"runpod\"},\"fault\":\"late\",\"ms\":%d}]}",
                  LATE_MS);
    assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
    char fault[SANDBOX_FAULT_SIZE], why[STORE_FAULT_SIZE];
    (void)state;
    write_script();
    scene.store = ram_open();
    insert(1, "fal");
    insert(2, "runpod");
    insert(3, "replicate");
    scene.reader = store_open_reader(scene.store, why);
    scene.board = board_make();
    scene.script = sandbox_script_make(scene.path, fault);
    const struct hook_config office = {
        .reader = scene.reader, .board = scene.board, .timeout = MS_SECOND, .post = take};
    scene.office = hook_make(&office);
    const struct sandbox_callback_config config = {scene.script, scene.office, scene.store, take,
                                                   NULL};
    scene.callback = scene.script && scene.office ? sandbox_callback_make(&config) : NULL;
    return scene.callback ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    sandbox_callback_free(scene.callback);
    hook_free(scene.office);
    sandbox_script_free(scene.script);
    board_free(scene.board);
    reader_close(scene.reader);
    store_close(scene.store);
    return unlink(scene.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropped_counts_as_delivered),
        cmocka_unit_test(late_ones_hold_up_nobody),
        cmocka_unit_test(late_ones_at_the_end),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
