#include "app/engine.h"

#include "app/turn.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    ENGINE_DISK_EVERY = 500,   /* ms between looks at the free space */
    ENGINE_SHOW_EVERY = 50,    /* ms between updates of the board */
    ENGINE_GRAIN = 50,         /* ms: what the core wants within them is done in one turn */
    ENGINE_FULL_PAUSE = 200,   /* ms before a turn that met a full disk is tried again */
    ENGINE_SLOW_COMMIT = 1000, /* ms: worth a line in the log */
    ENGINE_START_TRIES = 50,   /* of a recovery that a full disk or a lock holds up */
    ENGINE_LOCKED_TRIES = 25,  /* of a locked store before the log hears of it again */
    ENGINE_CLOSE_LOOK = 5      /* ms between looks whether it has closed */
};

struct engine {
    struct core *core;
    struct turn turn;
    struct store *store;
    struct depot *depot;
    struct board *board;
    struct engine_effects effects;
    struct mailbox *box;
    pthread_t thread;
    bool started, recovered;
    atomic_bool stopping;
    atomic_uint closings;                     /* events CLOSING that were done */
    _Atomic(struct core_config *) new_config; /* owned; waits for the engine's thread */
    uint64_t disk_free;
    ms_t disk_at, shown_at;
    bool board_is_old;
    void *messages[TURN_EVENTS_MAX];
    struct event *events[TURN_EVENTS_MAX];
};

static void pause_ms(ms_t pause)
{
    const struct timespec time = {.tv_sec = pause / 1000, .tv_nsec = pause % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

/* The core's time: see turn_time. */
static ms_t time_now(struct engine *engine)
{
    return turn_time(&engine->turn, clock_wall(), clock_monotonic());
}

struct engine *engine_make(const struct core_config *config, struct store *store,
                           struct depot *depot, struct board *board,
                           const struct engine_effects *effects)
{
    struct engine *engine = memory_new(struct engine);
    engine->core = core_make(config);
    engine->store = store;
    engine->depot = depot;
    engine->board = board;
    engine->effects = *effects;
    engine->box = mailbox_make(ENGINE_MAILBOX, NULL, NULL);
    engine->disk_free = depot_free_bytes(depot);
    turn_init(&engine->turn, engine->core, store);
    engine->turn.write_body = effects->write_body;
    engine->turn.body_context = effects->context;
    enum store_result result = turn_recover(&engine->turn, clock_wall());
    for (unsigned tries = 0; tries < ENGINE_START_TRIES && result != STORE_OK; tries++) {
        if (result == STORE_FULL)
            effects->full(effects->context);
        else if (result != STORE_BUSY)
            break;
        log_warn("the store can't be recovered yet; trying again",
                 log_text("why", result == STORE_FULL ? "the disk is full" : "it is locked"));
        pause_ms(ENGINE_FULL_PAUSE);
        result = turn_recover(&engine->turn, clock_wall());
    }
    if (result == STORE_OK)
        return engine;
    log_error("the store could not be read at the start",
              log_text("why", result == STORE_FULL ? "the disk is full" : "it is broken"));
    engine_free(engine);
    return NULL;
}

bool engine_post(struct engine *engine, struct message *message, bool from_client)
{
    if (from_client && mailbox_size(engine->box) > ENGINE_MAILBOX - ENGINE_MAILBOX_SPARE)
        return false;
    return mailbox_post(engine->box, message);
}

static void count_end(struct board_counters *counters, const struct job *job)
{
    atomic_fetch_add(&counters->ended[job->state], 1);
    /* Now, because a start and the first progress may be one turn, or several. */
    if (job->started_at) {
        board_observe(&counters->wait, job->started_at - job->queued_at);
        board_observe(&counters->run, job->ended_at - job->started_at);
    }
    log_info("job ended", log_text("job", job->id), log_text("state", state_name(job->state)),
             log_text("model", job->model), log_text("error", error_name(job->error)),
             log_number("tookMs", job->ended_at - job->created_at));
}

static void count_reply(struct board_counters *counters, const struct reply *reply)
{
    if (reply->error != ERROR_NONE)
        atomic_fetch_add(&counters->refused, 1);
    else if (reply->replayed)
        atomic_fetch_add(&counters->replayed, 1);
    else if (reply->joined)
        atomic_fetch_add(&counters->joined, 1);
}

static void run_effect(struct engine *engine, const struct effect *effect)
{
    const struct engine_effects *to = &engine->effects;
    struct board_counters *counters = board_counters(engine->board);
    const struct job *job = effect->on.job;
    switch (effect->kind) {
    case EFFECT_REPLY:
        count_reply(counters, &effect->reply);
        to->reply(to->context, &effect->reply);
        break;
    case EFFECT_WORK:
        atomic_fetch_add(&counters->attempts, 1);
        to->work(to->context, job);
        break;
    case EFFECT_STOP:
        to->stop(to->context, job, effect->on.attempt);
        break;
    case EFFECT_KEEP:
        to->keep(to->context, job, effect->on.attempt);
        break;
    case EFFECT_DROP:
        to->drop(to->context, job, effect->on.attempt);
        if (job->route)
            to->remote(to->context, effect);
        break;
    case EFFECT_SUBMIT:
    case EFFECT_POLL:
    case EFFECT_FIND:
    case EFFECT_CANCEL:
    case EFFECT_FETCH:
    case EFFECT_STREAM:
        atomic_fetch_add(&counters->attempts, effect->kind == EFFECT_SUBMIT);
        to->remote(to->context, effect);
        break;
    case EFFECT_REMOVE_FILES:
        to->remove_files(to->context, job);
        break;
    case EFFECT_REMOVE_UPLOAD:
        to->remove_upload(to->context, effect->upload);
        break;
    case EFFECT_HOOK:
        to->hook(to->context, effect->hook.job, effect->hook.number, effect->hook.tries,
                 effect->hook.is_last);
        break;
    case EFFECT_PUBLISH:
        if (effect->on.terminal)
            count_end(counters, job);
        to->publish(to->context, job);
        break;
    case EFFECT_API_KEY:
        if (to->api_key)
            to->api_key(to->context, &effect->api_key);
        break;
    case EFFECT_TENANT:
        if (to->tenant)
            to->tenant(to->context, &effect->tenant);
        break;
    case EFFECT_BUDGET:
        if (to->budget)
            to->budget(to->context, &effect->budget);
        break;
    case EFFECT_UNWELL:
        if (to->unwell)
            to->unwell(to->context, &effect->unwell);
        break;
    }
}

static void count_asked(struct engine *engine)
{
    const struct changes *changes = &engine->turn.output.changes;
    uint64_t count = 0;
    for (size_t n = 0; n < changes->count; n++)
        count += changes->list[n].kind == CHANGE_JOB_INSERT;
    atomic_fetch_add(&board_counters(engine->board)->asked, count);
}

static void finish_turn(struct engine *engine)
{
    count_asked(engine);
    const struct effects *effects = &engine->turn.output.effects;
    for (size_t n = 0; n < effects->count; n++)
        run_effect(engine, &effects->list[n]);
    turn_end(&engine->turn);
    engine->board_is_old = true;
#ifdef REEL_SANITIZED
    core_check(engine->core);
#endif
}

/* Until it is committed: an accepted event is never dropped. */
static void run_turn(struct engine *engine, size_t count)
{
    ms_t began = clock_monotonic();
    for (unsigned tries = 0;; tries++) {
        enum store_result result =
            turn_run(&engine->turn, engine->events, count, time_now(engine), engine->disk_free);
        if (result == STORE_OK)
            break;
        if (result == STORE_BROKEN || result == STORE_NONE) {
            log_error("the store is broken; leaving so that recovery reads what is true");
            _exit(EXIT_STORE_BROKEN);
        }
        board_set_full(engine->board, result == STORE_FULL);
        if (result == STORE_FULL)
            engine->effects.full(engine->effects.context);
        if (tries % ENGINE_LOCKED_TRIES == 0)
            log_warn(
                "a turn could not be committed; trying again",
                log_text("why", result == STORE_FULL ? "the disk is full" : "the store is locked"));
        if (atomic_load(&engine->stopping))
            _exit(EXIT_STORE_BROKEN); /* nothing of it was told to anybody */
        pause_ms(ENGINE_FULL_PAUSE);
    }
    board_set_full(engine->board, false);
    board_set_hooks(engine->board, store_hooks_pending(engine->store));
    ms_t took = clock_monotonic() - began;
    struct board_counters *counters = board_counters(engine->board);
    board_observe(&counters->commit, took);
    atomic_fetch_add(&counters->turns, 1);
    atomic_fetch_add(&counters->events, count);
    if (took > ENGINE_SLOW_COMMIT)
        log_warn("a turn took long", log_number("ms", took), log_number("events", (int64_t)count));
    finish_turn(engine);
}

static void look_around(struct engine *engine, ms_t now)
{
    if (now - engine->disk_at >= ENGINE_DISK_EVERY) {
        engine->disk_free = depot_free_bytes(engine->depot);
        engine->disk_at = now;
    }
    if (engine->board_is_old && now - engine->shown_at >= ENGINE_SHOW_EVERY) {
        board_show(engine->board, engine->core, engine->disk_free);
        engine->shown_at = now;
        engine->board_is_old = false;
    }
}

/* When to wake though nobody posts: for the core's own times, and to bring the board up to date. */
static ms_t wake_at(struct engine *engine, ms_t now)
{
    ms_t due = core_wake_at(engine->core), until = now + 1000;
    if (due != MS_NEVER) {
        ms_t left = due - time_now(engine);
        ms_t at = left > 0 ? (now + left + ENGINE_GRAIN - 1) / ENGINE_GRAIN * ENGINE_GRAIN : now;
        until = at < until ? at : until;
    }
    if (engine->board_is_old && engine->shown_at + ENGINE_SHOW_EVERY < until)
        until = engine->shown_at + ENGINE_SHOW_EVERY;
    return until;
}

void engine_config_free(struct core_config *config)
{
    if (!config)
        return;
    memory_free((void *)(uintptr_t)config->providers);
    memory_free((void *)(uintptr_t)config->models);
    memory_free((void *)(uintptr_t)config->tenants);
    memory_free((void *)(uintptr_t)config->tiers);
    memory_free((void *)(uintptr_t)config->vendors);
    memory_free(config);
}

void engine_configure(struct engine *engine, struct core_config *config)
{
    engine_config_free(atomic_exchange(&engine->new_config, config));
}

static bool take_config(struct engine *engine)
{
    struct core_config *config = atomic_exchange(&engine->new_config, NULL);
    if (!config)
        return false;
    core_configure(engine->core, config);
    engine_config_free(config);
    return true;
}

static void *run(void *context)
{
    struct engine *engine = context;
    finish_turn(engine); /* the effects of the recovery */
    board_set_hooks(engine->board, store_hooks_pending(engine->store));
    board_show(engine->board, engine->core, engine->disk_free);
    board_set_ready(engine->board, true);
    while (!atomic_load(&engine->stopping)) {
        ms_t now = clock_monotonic();
        look_around(engine, now);
        (void)mailbox_wait(engine->box, wake_at(engine, now));
        size_t count = mailbox_take_all(engine->box, engine->messages, TURN_EVENTS_MAX);
        /* A turn without events lets start what other limits let in. */
        if (!take_config(engine) && count == 0 && core_wake_at(engine->core) > time_now(engine))
            continue;
        look_around(engine, clock_monotonic());
        for (size_t n = 0; n < count; n++)
            engine->events[n] = &((struct message *)engine->messages[n])->event;
        run_turn(engine, count);
        unsigned closings = 0;
        for (size_t n = 0; n < count; n++) {
            closings += engine->events[n]->kind == EVENT_CLOSING;
            message_free(engine->messages[n]);
        }
        (void)atomic_fetch_add(&engine->closings, closings);
    }
    return NULL;
}

void engine_start(struct engine *engine)
{
    engine->started = pthread_create(&engine->thread, NULL, run, engine) == 0;
    if (!engine->started) {
        log_error("the core's thread could not be started");
        abort();
    }
}

bool engine_close(struct engine *engine, ms_t until)
{
    unsigned before = atomic_load(&engine->closings);
    struct message *message = message_make(EVENT_CLOSING);
    if (!engine_post(engine, message, false)) {
        message_free(message);
        return false;
    }
    while (atomic_load(&engine->closings) == before) {
        if (clock_monotonic() >= until)
            return false;
        pause_ms(ENGINE_CLOSE_LOOK);
    }
    return true;
}

void engine_stop(struct engine *engine)
{
    atomic_store(&engine->stopping, true);
    mailbox_close(engine->box);
    if (engine->started)
        (void)pthread_join(engine->thread, NULL);
    engine->started = false;
}

void engine_free(struct engine *engine)
{
    if (!engine)
        return;
    size_t count;
    while ((count = mailbox_take_all(engine->box, engine->messages, TURN_EVENTS_MAX)) > 0) {
        for (size_t n = 0; n < count; n++)
            message_free(engine->messages[n]);
    }
    engine_config_free(atomic_exchange(&engine->new_config, NULL));
    mailbox_free(engine->box);
    turn_done(&engine->turn);
    core_free(engine->core);
    memory_free(engine);
}
