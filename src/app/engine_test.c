#include "app/engine.h"

#include "edge/clock.h"
#include "store/ram.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOTES_MAX = 64, PATIENCE_MS = 20000 };

/* An effect as it came. */
struct note {
    enum { NOTE_REPLY, NOTE_PUBLISH, NOTE_WORK, NOTE_STOP, NOTE_KEEP, NOTE_DROP, NOTE_FULL } kind;
    struct reply reply;
    int64_t job;
    unsigned attempt;
    enum state state;
    bool was_full; /* what the board said then */
};

struct scene {
    struct depot *depot;
    struct store *store;
    struct board *board;
    struct engine *engine;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct note notes[NOTES_MAX];
    unsigned count, seen;
};

static char home[] = "/tmp/reel-engine-XXXXXX";

/* ---------------------------------------------------------------- faked effects */

static struct note *note(struct scene *scene, int kind)
{
    assert_int_equal(pthread_mutex_lock(&scene->lock), 0);
    if (scene->count == NOTES_MAX)
        abort();
    struct note *note = &scene->notes[scene->count++];
    *note = (struct note){.kind = kind, .was_full = board_full(scene->board)};
    return note;
}

static void noted(struct scene *scene)
{
    (void)pthread_cond_broadcast(&scene->more);
    (void)pthread_mutex_unlock(&scene->lock);
}

static void note_job(struct scene *scene, int kind, const struct job *job, unsigned attempt)
{
    struct note *new_note = note(scene, kind);
    new_note->job = job->key;
    new_note->attempt = attempt;
    new_note->state = job->state;
    noted(scene);
}

static void on_reply(void *context, const struct reply *reply)
{
    note(context, NOTE_REPLY)->reply = *reply;
    noted(context);
}

static void on_publish(void *context, const struct job *job)
{
    note_job(context, NOTE_PUBLISH, job, 0);
}

static void on_work(void *context, const struct job *job)
{
    note_job(context, NOTE_WORK, job, job->attempt.number);
}

static void on_stop(void *context, const struct job *job, unsigned attempt)
{
    note_job(context, NOTE_STOP, job, attempt);
}

static void on_keep(void *context, const struct job *job, unsigned attempt)
{
    note_job(context, NOTE_KEEP, job, attempt);
}

static void on_drop(void *context, const struct job *job, unsigned attempt)
{
    note_job(context, NOTE_DROP, job, attempt);
}

static void on_full(void *context)
{
    (void)note(context, NOTE_FULL);
    noted(context);
}

/* The next effect of that kind, waited for; others before it are passed over. */
static const struct note *expect(struct scene *scene, int kind)
{
    struct timespec until;
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
    until.tv_sec += PATIENCE_MS / 1000;
    (void)pthread_mutex_lock(&scene->lock);
    const struct note *found = NULL;
    while (!found) {
        while (scene->seen < scene->count && !found) {
            const struct note *next = &scene->notes[scene->seen++];
            found = (int)next->kind == kind ? next : NULL;
        }
        if (!found && pthread_cond_timedwait(&scene->more, &scene->lock, &until) != 0)
            break;
    }
    (void)pthread_mutex_unlock(&scene->lock);
    if (!found)
        fail_msg("no effect of kind %d", kind);
    return found;
}

static unsigned count_of(struct scene *scene, int kind)
{
    unsigned count = 0;
    (void)pthread_mutex_lock(&scene->lock);
    for (unsigned n = 0; n < scene->count; n++)
        count += (int)scene->notes[n].kind == kind;
    (void)pthread_mutex_unlock(&scene->lock);
    return count;
}

/* ---------------------------------------------------------------- the scene */

static struct engine *make_engine(struct scene *scene)
{
    static const struct core_config config = {.limit_all = 4,
                                              .timeout = MS_HOUR,
                                              .submit_timeout = MS_HOUR,
                                              .queue_max = 1000,
                                              .seed = 7};
    const struct engine_effects effects = {
        .context = scene,
        .reply = on_reply,
        .publish = on_publish,
        .work = on_work,
        .stop = on_stop,
        .keep = on_keep,
        .drop = on_drop,
        .full = on_full,
    };
    return engine_make(&config, scene->store, scene->depot, scene->board, &effects);
}

static int begin(void **state)
{
    char fault[DEPOT_FAULT_SIZE];
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    assert_int_equal(pthread_mutex_init(&scene->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&scene->more, NULL), 0);
    scene->depot = depot_make(home, fault);
    assert_non_null(scene->depot);
    scene->store = ram_open();
    scene->board = board_make();
    scene->engine = make_engine(scene);
    assert_non_null(scene->engine);
    *state = scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    engine_free(scene->engine);
    engine_free(NULL);
    board_free(scene->board);
    store_close(scene->store);
    depot_free(scene->depot);
    (void)pthread_cond_destroy(&scene->more);
    (void)pthread_mutex_destroy(&scene->lock);
    free(scene);
    return 0;
}

static void ask(struct scene *scene, uint64_t token, const char *key)
{
    struct message *message = message_make(EVENT_ASKED);
    struct asked *asked = &message->event.asked;
    asked->token = token;
    asked->tenant = arena_copy(&message->arena, SPAN("ann"));
    asked->model = "local/still";
    asked->provider = "local";
    asked->count = 1;
    asked->inputs[0] = span_of(arena_copy(&message->arena, SPAN("{\"prompt\":\"x\"}")));
    if (key) {
        char *bytes = arena_make(&message->arena, KEY_HASH_SIZE);
        (void)snprintf(bytes, KEY_HASH_SIZE, "%s", key);
        asked->key_hash = asked->body_hash = span_make(bytes, KEY_HASH_SIZE);
    }
    assert_true(engine_post(scene->engine, message, true));
}

static void tell(struct scene *scene, const struct note *work, enum worked_kind kind)
{
    struct message *message = message_make(EVENT_WORKED);
    struct worked *told = &message->event.worked;
    told->job = work->job;
    told->attempt = work->attempt;
    told->kind = kind;
    told->progress = kind == WORKED_RUNNING ? 40 : 0;
    told->stage = kind == WORKED_RUNNING ? arena_copy(&message->arena, SPAN("Drawing")) : NULL;
    if (kind == WORKED_KEPT) {
        told->output_count = 1;
        (void)span_copy(SPAN("output.png"), told->outputs[0].name, sizeof told->outputs[0].name);
        told->outputs[0].size = 7;
    }
    assert_true(engine_post(scene->engine, message, false));
}

/* The job as readers see it. */
static enum state state_of(struct scene *scene, int64_t key)
{
    char fault[STORE_FAULT_SIZE];
    struct job job;
    struct reader *reader = store_open_reader(scene->store, fault);
    assert_non_null(reader);
    assert_int_equal(reader_job(reader, key, &job, NULL), STORE_OK);
    enum state state = job.state;
    reader_job_done(&job);
    reader_close(reader);
    return state;
}

/* ---------------------------------------------------------------- tests */

static void takes_a_job_from_ask_to_end(void **state)
{
    struct scene *scene = *state;
    assert_false(board_ready(scene->board));
    engine_start(scene->engine);
    ask(scene, 11, "key");
    const struct note *reply = expect(scene, NOTE_REPLY);
    assert_int_equal(reply->reply.token, 11);
    assert_int_equal(reply->reply.error, ERROR_NONE);
    assert_int_equal(reply->reply.job_count, 1);
    int64_t key = reply->reply.jobs[0];
    const struct note *work = expect(scene, NOTE_WORK);
    assert_int_equal(work->job, key);
    assert_int_equal(work->attempt, 1);
    assert_true(board_ready(scene->board));
    tell(scene, work, WORKED_RUNNING);
    assert_int_equal(expect(scene, NOTE_PUBLISH)->job, key);
    tell(scene, work, WORKED_MADE);
    assert_int_equal(expect(scene, NOTE_KEEP)->attempt, 1);
    assert_int_equal(state_of(scene, key), STATE_STORING); /* the row before the effect */
    tell(scene, work, WORKED_KEPT);
    assert_int_equal(expect(scene, NOTE_DROP)->job, key);
    assert_int_equal(state_of(scene, key), STATE_SUCCEEDED);
    /* The same key again is the same job, and nothing is started. */
    ask(scene, 12, "key");
    reply = expect(scene, NOTE_REPLY);
    assert_true(reply->reply.replayed);
    assert_int_equal(reply->reply.jobs[0], key);
    engine_stop(scene->engine);
    assert_int_equal(count_of(scene, NOTE_WORK), 1);
    struct board_counters *counters = board_counters(scene->board);
    assert_int_equal(atomic_load(&counters->asked), 1);
    assert_int_equal(atomic_load(&counters->replayed), 1);
    assert_int_equal(atomic_load(&counters->attempts), 1);
    assert_int_equal(atomic_load(&counters->ended[STATE_SUCCEEDED]), 1);
    assert_int_equal(atomic_load(&counters->run.count), 1);
    assert_int_equal(atomic_load(&counters->wait.count), 1);
    assert_int_equal(atomic_load(&counters->events), 5);
}

/* Whatever step of the turn finds the disk full: nothing is told before it is committed, nothing
 * that was accepted is lost, and nothing is done twice. */
static void tries_a_full_store_again(void **state)
{
    struct scene *scene = *state;
    ram_fail_next(scene->store, RAM_BEGIN, STORE_FULL);
    ram_fail_next(scene->store, RAM_APPLY, STORE_FULL);
    ram_fail_next(scene->store, RAM_COMMIT, STORE_FULL);
    ask(scene, 21, NULL);
    engine_start(scene->engine);
    const struct note *full = expect(scene, NOTE_FULL);
    assert_true(full->was_full);
    assert_int_equal(count_of(scene, NOTE_REPLY), 0);
    const struct note *reply = expect(scene, NOTE_REPLY);
    assert_int_equal(reply->reply.token, 21);
    assert_int_equal(reply->reply.error, ERROR_NONE);
    assert_false(reply->was_full);
    const struct note *work = expect(scene, NOTE_WORK);
    engine_stop(scene->engine);
    assert_int_equal(count_of(scene, NOTE_FULL), 3);
    assert_int_equal(count_of(scene, NOTE_REPLY), 1);
    assert_int_equal(count_of(scene, NOTE_WORK), 1);
    assert_int_equal(state_of(scene, work->job), STATE_SUBMITTING);
}

static void waits_for_a_locked_store(void **state)
{
    struct scene *scene = *state;
    ram_fail_next(scene->store, RAM_COMMIT, STORE_BUSY);
    ask(scene, 31, NULL);
    engine_start(scene->engine);
    assert_int_equal(expect(scene, NOTE_REPLY)->reply.token, 31);
    engine_stop(scene->engine);
    assert_int_equal(count_of(scene, NOTE_FULL), 0); /* no room is made for a lock */
    assert_int_equal(count_of(scene, NOTE_WORK), 1);
}

/* Nobody knows what a broken store holds: the process leaves without a word to anybody. */
static void leaves_a_broken_store(void **state)
{
    struct scene *scene = *state;
    pid_t child = fork();
    if (child == 0) {
        ram_fail_next(scene->store, RAM_COMMIT, STORE_BROKEN);
        ask(scene, 41, NULL);
        engine_start(scene->engine);
        for (int n = 0; n < PATIENCE_MS / 10 && count_of(scene, NOTE_REPLY) == 0; n++)
            (void)usleep(10000);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_STORE_BROKEN);
}

static void frees_what_is_left(void **state)
{
    struct scene *scene = *state;
    ask(scene, 51, NULL);
    ask(scene, 52, NULL);
    engine_stop(scene->engine); /* never started */
    struct message *message = message_make(EVENT_CANCEL_ASKED);
    assert_false(engine_post(scene->engine, message, true));
    message_free(message);
    assert_int_equal(scene->count, 0);
}

static void recovers_what_was_in_flight(void **state)
{
    struct scene *scene = *state;
    engine_start(scene->engine);
    ask(scene, 61, NULL);
    const struct note *work = expect(scene, NOTE_WORK);
    int64_t key = work->job;
    tell(scene, work, WORKED_RUNNING);
    (void)expect(scene, NOTE_PUBLISH);
    engine_stop(scene->engine);
    engine_free(scene->engine);
    ram_crash(scene->store);
    scene->engine = make_engine(scene);
    assert_non_null(scene->engine);
    engine_start(scene->engine);
    work = expect(scene, NOTE_WORK);
    assert_int_equal(work->job, key);
    assert_int_equal(work->attempt, 2);
    engine_stop(scene->engine);
}

static void starts_when_the_store_lets_it(void **state)
{
    struct scene *scene = *state;
    engine_free(scene->engine);
    ram_fail_next(scene->store, RAM_COMMIT, STORE_BUSY);
    scene->engine = make_engine(scene);
    assert_non_null(scene->engine);
    engine_free(scene->engine);
    ram_fail_next(scene->store, RAM_BEGIN, STORE_BROKEN);
    scene->engine = make_engine(scene);
    assert_null(scene->engine);
}

static int begin_all(void **state)
{
    return mkdtemp(home) ? 0 : -1;
}

static int end_all(void **state)
{
    static const char *const folders[] = {"outputs", "work", "uploads/staging", "uploads"};
    for (size_t n = 0; n < 4; n++) {
        char path[200];
        (void)snprintf(path, sizeof path, "%s/%s", home, folders[n]);
        if (rmdir(path) != 0)
            return -1;
    }
    return rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_a_job_from_ask_to_end, begin, end),
        cmocka_unit_test_setup_teardown(tries_a_full_store_again, begin, end),
        cmocka_unit_test_setup_teardown(waits_for_a_locked_store, begin, end),
        cmocka_unit_test_setup_teardown(leaves_a_broken_store, begin, end),
        cmocka_unit_test_setup_teardown(frees_what_is_left, begin, end),
        cmocka_unit_test_setup_teardown(recovers_what_was_in_flight, begin, end),
        cmocka_unit_test_setup_teardown(starts_when_the_store_lets_it, begin, end),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
