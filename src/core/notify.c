#include "core/notify.h"

#include "base/memory.h"
#include "core/core_private.h"

#include <string.h>

/* ---------------------------------------------------------------- what memory holds */

/* First in what it finds, and the key of the maps. */
struct name {
    int64_t job, number;
};

struct flight {
    struct name name;
    struct delivery row;
    struct lane *lane;
};

struct given {
    struct name name;
    struct delivery row;
};

struct lane {
    struct hook_lane row; /* next_at: the earliest of those that are not in flight, as known */
    unsigned in_flight;
    struct list link; /* core->notify.asking */
};

static struct span name_span(const struct name *name)
{
    return span_make(name, sizeof *name);
}

static unsigned or_default(unsigned given, unsigned fallback)
{
    return given ? given : fallback;
}

void notify_init(struct notify *notify, const struct core_config *config)
{
    const ms_t *schedule = config->hook_tries ? config->hook_schedule : notify_schedule;
    *notify = (struct notify){
        .limit = or_default(config->hooks_max, NOTIFY_IN_FLIGHT),
        .lane_limit = or_default(config->hooks_lane_max, NOTIFY_LANE_IN_FLIGHT),
        .tries = or_default(config->hook_tries, notify_schedule_size),
    };
    assert(notify->tries <= NOTIFY_TRIES_MAX && notify->lane_limit <= NOTIFY_LANE_MAX);
    memcpy(notify->schedule, schedule, notify->tries * sizeof notify->schedule[0]);
    map_init(&notify->flights);
    map_init(&notify->lanes);
    map_init(&notify->given);
    map_init(&notify->secrets);
    list_init(&notify->asking);
}

void notify_done(struct notify *notify)
{
    size_t cursor = 0;
    for (struct flight *flight; (flight = map_next(&notify->flights, &cursor));)
        memory_free(flight);
    cursor = 0;
    for (struct lane *lane; (lane = map_next(&notify->lanes, &cursor));)
        memory_free(lane);
    map_done(&notify->flights);
    map_done(&notify->lanes);
    map_done(&notify->given);
    map_done(&notify->secrets);
}

static struct lane *find_lane(const struct notify *notify, int64_t key)
{
    return map_get(&notify->lanes, span_make(&key, sizeof key));
}

static struct lane *make_lane(struct notify *notify, const struct hook_lane *row)
{
    struct lane *lane = memory_new(struct lane);
    lane->row = *row;
    list_init(&lane->link);
    map_set(&notify->lanes, span_make(&lane->row.key, sizeof lane->row.key), lane);
    return lane;
}

static void drop_lane(struct notify *notify, struct lane *lane)
{
    assert(lane->in_flight == 0);
    list_remove(&lane->link);
    (void)map_remove(&notify->lanes, span_make(&lane->row.key, sizeof lane->row.key));
    memory_free(lane);
}

static unsigned failing_limit(const struct notify *notify)
{
    return notify->limit > 1 ? notify->limit / 2 : 1;
}

/* How many more deliveries of lanes of this kind may be in flight. */
static unsigned room_of(const struct notify *notify, bool failing)
{
    unsigned room = notify->limit - notify->in_flight;
    if (!failing)
        return room;
    unsigned limit = failing_limit(notify);
    unsigned left = limit > notify->failing_in_flight ? limit - notify->failing_in_flight : 0;
    return left < room ? left : room;
}

static unsigned lane_room(const struct notify *notify, const struct lane *lane)
{
    unsigned limit = lane->row.failing ? 1 : notify->lane_limit;
    unsigned left = limit > lane->in_flight ? limit - lane->in_flight : 0;
    unsigned room = room_of(notify, lane->row.failing);
    return left < room ? left : room;
}

static void count_flight(struct notify *notify, struct lane *lane, int by)
{
    lane->in_flight += (unsigned)by;
    notify->in_flight += (unsigned)by;
    if (lane->row.failing)
        notify->failing_in_flight += (unsigned)by;
}

static void lower(ms_t *at, ms_t to)
{
    if (to < *at)
        *at = to;
}

static struct hook_change *hook_change(struct output *output, enum hook_change_kind kind)
{
    struct hook_change *change = &output_change(output, CHANGE_HOOK)->hook;
    change->kind = kind;
    return change;
}

/* The turn's own rows: what it changed is newer than what the store would give. */
static struct delivery *remember(struct core *core, const struct delivery *row)
{
    struct name name = {row->job, row->number};
    struct given *given = map_get(&core->notify.given, name_span(&name));
    if (!given) {
        given = arena_new(&core->arena, struct given);
        given->name = name;
        map_set(&core->notify.given, name_span(&given->name), given);
    }
    given->row = *row;
    return &given->row;
}

void core_give_delivery(struct core *core, const struct delivery *row)
{
    struct name name = {row->job, row->number};
    if (!map_get(&core->notify.given, name_span(&name)))
        (void)remember(core, row);
}

void core_give_secret(struct core *core, const struct hook_secret *row)
{
    if (map_get(&core->notify.secrets, span_of(row->tenant)))
        return;
    struct hook_secret *copy = arena_new(&core->arena, struct hook_secret);
    *copy = *row;
    map_set(&core->notify.secrets, span_of(copy->tenant), copy);
}

void notify_end_turn(struct core *core)
{
    struct notify *notify = &core->notify;
    map_done(&notify->given);
    map_done(&notify->secrets);
    notify->cursor[0] = notify->cursor[1] = (struct hook_lane){0};
}

/* ---------------------------------------------------------------- making deliveries */

static void ask_lane(struct notify *notify, struct lane *lane)
{
    if (list_empty(&lane->link))
        list_add(&notify->asking, &lane->link);
}

/* Something of the lane is due now, in a row that has been written. */
static void lane_is_due(struct core *core, struct output *output, int64_t key)
{
    struct notify *notify = &core->notify;
    hook_change(output, HOOK_LANE_DUE)->lane = (struct hook_lane){.key = key, .next_at = core->now};
    struct lane *lane = find_lane(notify, key);
    if (lane) {
        ask_lane(notify, lane);
        return;
    }
    /* Whether it fails is in its row. */
    lower(&notify->due[0], core->now);
    lower(&notify->due[1], core->now);
    notify->cursor[0] = notify->cursor[1] = (struct hook_lane){0};
}

/* Progress tells of the job as it is; what has not arrived yet is not worth a second delivery. */
static bool is_worth_telling(const struct core *core, const struct job *job,
                             enum notify_event event)
{
    if (!(job->hook_events & 1u << event))
        return false;
    return event != NOTIFY_PROGRESS || (job->hooks < NOTIFY_EVENTS_MAX && job->hook_progress == 0 &&
                                        core->now - job->hook_progress_at >= NOTIFY_PROGRESS_MS);
}

void notify_job(struct core *core, struct output *output, struct job *job, enum notify_event event)
{
    if (!is_worth_telling(core, job, event))
        return;
    struct hook_insert *insert = &hook_change(output, HOOK_INSERT)->insert;
    insert->row = (struct delivery){
        .job = job->key,
        .number = ++job->hooks,
        .lane = job->hook_lane,
        .event = event,
        .state = DELIVERY_PENDING,
        .created_at = core->now,
        .next_at = core->now,
    };
    insert->job = job;
    insert->progress = job->progress;
    (void)span_copy(span_of(job->stage), insert->stage, sizeof insert->stage);
    if (event == NOTIFY_PROGRESS) {
        job->hook_progress = job->hooks;
        job->hook_progress_at = core->now;
    }
    life_touch(core, job);
    lane_is_due(core, output, job->hook_lane);
}

void notify_forget(struct output *output, const struct job *job)
{
    if (job->hooks)
        hook_change(output, HOOK_FORGET)->job = job->key;
}

/* ---------------------------------------------------------------- how tries went */

static void write_try(struct core *core, struct output *output, const struct delivery *row,
                      const struct hooked *hooked)
{
    struct delivery_try *entry = &hook_change(output, HOOK_TRY)->attempt;
    entry->job = row->job;
    entry->delivery = row->number;
    entry->number = row->logged;
    entry->at = core->now - hooked->took;
    entry->took = hooked->took;
    entry->status = hooked->status;
    if (hooked->kind != HOOKED_DELIVERED)
        life_text(entry->error, sizeof entry->error, hooked->error ? hooked->error : "It failed.");
}

static ms_t wait_before(struct core *core, unsigned tries, ms_t retry_after)
{
    ms_t wait = core->notify.schedule[tries], spread = wait / 5;
    wait += (ms_t)rng_below(&core->rng, (uint64_t)spread + 1) - spread / 2;
    ms_t longest = NOTIFY_RETRY_AFTER_H * MS_HOUR;
    retry_after = retry_after < longest ? retry_after : longest;
    return wait > retry_after ? wait : retry_after;
}

static void end_delivery(const struct core *core, struct delivery *row, enum delivery_state state)
{
    row->state = state;
    row->next_at = 0;
    row->ended_at = core->now;
}

static void take_outcome(struct core *core, struct delivery *row, const struct hooked *hooked)
{
    if (hooked->kind == HOOKED_UNSENT) {
        row->next_at = core->now + MS_SECOND;
        return;
    }
    row->tries++;
    row->logged++;
    if (hooked->kind == HOOKED_DELIVERED)
        end_delivery(core, row, DELIVERY_DELIVERED);
    else if (hooked->kind == HOOKED_GONE)
        end_delivery(core, row, DELIVERY_GONE);
    else if (row->tries >= core->notify.tries)
        end_delivery(core, row, DELIVERY_FAILED);
    else
        row->next_at = core->now + wait_before(core, row->tries, hooked->retry_after);
}

/* A job in flight goes on telling, but not to who is gone. */
static void tell_job(struct core *core, const struct delivery *row)
{
    struct job *job = life_find(core, row->job);
    if (!job || !state_is_in_flight(job->state) || row->state == DELIVERY_PENDING)
        return;
    if (job->hook_progress == row->number)
        job->hook_progress = 0;
    if (row->state == DELIVERY_GONE) {
        job->hook_events = 0;
        life_touch(core, job);
    }
}

static void set_failing(struct core *core, struct output *output, struct lane *lane, bool failing)
{
    if (lane->row.failing == failing)
        return;
    if (failing)
        core->notify.failing_in_flight += lane->in_flight;
    else
        core->notify.failing_in_flight -= lane->in_flight;
    lane->row.failing = failing;
    /* Found at once after a restart: others of it may be in flight. */
    hook_change(output, HOOK_LANE_PUT)->lane =
        (struct hook_lane){.key = lane->row.key, .failing = failing, .next_at = core->now};
}

void notify_hooked(struct core *core, struct output *output, const struct hooked *hooked)
{
    struct notify *notify = &core->notify;
    struct name name = {hooked->job, hooked->number};
    struct flight *flight = map_remove(&notify->flights, name_span(&name));
    if (!flight)
        return; /* word from before a restart */
    struct lane *lane = flight->lane;
    struct delivery *row = remember(core, &flight->row);
    memory_free(flight);
    count_flight(notify, lane, -1);
    take_outcome(core, row, hooked);
    if (hooked->kind != HOOKED_UNSENT) {
        write_try(core, output, row, hooked);
        set_failing(core, output, lane, hooked->kind == HOOKED_FAILED);
    }
    hook_change(output, HOOK_UPDATE)->delivery = *row;
    tell_job(core, row);
    ask_lane(notify, lane);
}

/* ---------------------------------------------------------------- what clients ask */

static void refuse(struct output *output, uint64_t token, enum error_code error, const char *text)
{
    struct reply *reply = &output_effect(output, EFFECT_REPLY)->reply;
    reply->token = token;
    reply->error = error;
    (void)span_copy(span_of(text), reply->text, sizeof reply->text);
}

/* The schedule begins anew; id and body stay. What is in flight is being sent just now. */
void notify_asked(struct core *core, struct output *output, const struct hook_asked *asked)
{
    const struct job *job = life_find(core, asked->job);
    struct name name = {asked->job, asked->number};
    if (!job || !span_is(span_of(job->tenant), asked->tenant)) {
        refuse(output, asked->token, ERROR_NOT_FOUND, "There is no such job.");
        return;
    }
    struct given *given = map_get(&core->notify.given, name_span(&name));
    bool flies = map_get(&core->notify.flights, name_span(&name)) != NULL;
    if (!given) {
        refuse(output, asked->token, ERROR_NOT_FOUND, "The job has no such delivery.");
        return;
    }
    if (!flies) {
        struct delivery *row = &given->row;
        row->state = DELIVERY_PENDING;
        row->tries = 0;
        row->next_at = core->now;
        row->ended_at = 0;
        hook_change(output, HOOK_UPDATE)->delivery = *row;
        lane_is_due(core, output, row->lane);
    }
    cancel_reply(core, output, asked->token, job);
}

static void write_secret(struct core *core, struct output *output, struct hook_secret *row,
                         const char *text)
{
    bool fits = span_copy(span_of(text), row->text, sizeof row->text);
    assert(fits);
    row->made_at = core->now;
    hook_change(output, HOOK_SECRET)->secret = *row;
}

void notify_secret(struct core *core, struct output *output, const char *tenant, const char *text)
{
    if (map_get(&core->notify.secrets, span_of(tenant)))
        return;
    struct hook_secret *row = arena_new(&core->arena, struct hook_secret);
    (void)span_copy(span_of(tenant), row->tenant, sizeof row->tenant);
    map_set(&core->notify.secrets, span_of(row->tenant), row);
    write_secret(core, output, row, text);
}

void notify_secret_asked(struct core *core, struct output *output, const struct secret_asked *asked)
{
    struct hook_secret *row = map_get(&core->notify.secrets, span_of(asked->tenant));
    if (!row) {
        notify_secret(core, output, asked->tenant, asked->text);
    } else if (asked->rotate) {
        memcpy(row->old, row->text, sizeof row->old);
        row->old_until = core->now + NOTIFY_OLD_SECRET_HOURS * MS_HOUR;
        write_secret(core, output, row, asked->text);
    }
    output_effect(output, EFFECT_REPLY)->reply.token = asked->token;
}

/* ---------------------------------------------------------------- what is due */

/* A lane that was to be asked, when it has no room. Its own limit frees it by the next word about
 * what it has in flight; where others took the room it is found again by its row. */
static void put_off(struct core *core, struct lane *lane)
{
    struct notify *notify = &core->notify;
    list_remove(&lane->link);
    if (room_of(notify, lane->row.failing) > 0)
        return;
    lower(&notify->due[lane->row.failing], core->now);
    lane->row.next_at = core->now;
    if (lane->in_flight == 0)
        drop_lane(notify, lane);
}

static bool want_deliveries(struct core *core, struct want *ret_want)
{
    struct notify *notify = &core->notify;
    while (!list_empty(&notify->asking)) {
        struct lane *lane = LIST_OWNER(notify->asking.next, struct lane, link);
        unsigned room = lane_room(notify, lane);
        if (room == 0) {
            put_off(core, lane);
            continue;
        }
        *ret_want = (struct want){.kind = WANT_DELIVERIES,
                                  .lane = lane->row.key,
                                  .before = core->now,
                                  .limit = room + lane->in_flight};
        return true;
    }
    return false;
}

bool notify_want(struct core *core, struct want *ret_want)
{
    struct notify *notify = &core->notify;
    if (want_deliveries(core, ret_want))
        return true;
    for (int failing = 0; failing < 2; failing++) {
        const struct hook_lane *cursor = &notify->cursor[failing];
        if (notify->due[failing] > core->now || room_of(notify, failing) == 0)
            continue;
        *ret_want = (struct want){.kind = WANT_LANES,
                                  .failing = failing,
                                  .before = core->now,
                                  .after = cursor->next_at,
                                  .lane = cursor->key,
                                  .limit = WANT_LANES_MAX};
        return true;
    }
    return false;
}

static void got_lanes(struct core *core, const struct got *got)
{
    struct notify *notify = &core->notify;
    ms_t next_due = got->next_due;
    for (unsigned n = 0; n < got->item_count; n++) {
        const struct hook_lane *row = &got->lanes[n];
        struct lane *lane = find_lane(notify, row->key);
        bool is_known = lane != NULL;
        if (!is_known)
            lane = make_lane(notify, row);
        /* One that is known and has nothing due now was asked already. */
        assert(lane->row.failing == got->want.failing); /* it was written before this was wanted */
        if (!is_known || lane->row.next_at <= core->now)
            ask_lane(notify, lane);
        else
            lower(&next_due, lane->row.next_at); /* memory alone knows when it is due again */
        notify->cursor[got->want.failing] = *row;
    }
    notify->due[got->want.failing] = next_due;
}

static void take_off(struct core *core, struct output *output, struct lane *lane,
                     const struct delivery *row)
{
    struct notify *notify = &core->notify;
    struct flight *flight = memory_new(struct flight);
    flight->name = (struct name){row->job, row->number};
    flight->row = *row;
    flight->lane = lane;
    map_set(&notify->flights, name_span(&flight->name), flight);
    count_flight(notify, lane, 1);
    struct effect *effect = output_effect(output, EFFECT_HOOK);
    effect->hook.job = row->job;
    effect->hook.number = row->number;
    effect->hook.tries = row->tries;
    effect->hook.is_last = row->tries + 1 >= notify->tries;
}

static void got_deliveries(struct core *core, struct output *output, const struct got *got)
{
    struct notify *notify = &core->notify;
    struct lane *lane = find_lane(notify, got->want.lane);
    ms_t next_at = got->next_due;
    list_remove(&lane->link);
    for (unsigned n = 0; n < got->item_count; n++) {
        const struct delivery *row = &got->deliveries[n];
        struct name name = {row->job, row->number};
        if (map_get(&notify->flights, name_span(&name)))
            continue;
        if (lane_room(notify, lane) == 0) {
            lower(&next_at, row->next_at);
            break;
        }
        take_off(core, output, lane, row);
    }
    lane->row.next_at = next_at;
    if (lane->in_flight > 0) {
        if (next_at > core->now) /* else the next word about it asks again */
            lower(&notify->due[lane->row.failing], next_at);
        return;
    }
    assert(next_at > core->now);
    hook_change(output, HOOK_LANE_PUT)->lane = lane->row;
    lower(&notify->due[lane->row.failing], next_at);
    drop_lane(notify, lane);
}

void notify_got(struct core *core, struct output *output, const struct got *got)
{
    if (got->want.kind == WANT_LANES)
        got_lanes(core, got);
    else
        got_deliveries(core, output, got);
}

/* Without room nothing is waited for but word about what is in flight. */
ms_t notify_wake_at(const struct core *core)
{
    const struct notify *notify = &core->notify;
    ms_t at = MS_NEVER;
    for (int failing = 0; failing < 2; failing++) {
        if (room_of(notify, failing) > 0)
            lower(&at, notify->due[failing]);
    }
    return at;
}

/* Between turns: what is in flight adds up and keeps to its limits, and every lane in memory has
 * something in flight. */
void notify_check(const struct core *core)
{
    const struct notify *notify = &core->notify;
    unsigned flights = 0, failing = 0, in_lanes = 0;
    size_t cursor = 0;
    for (struct flight *flight; (flight = map_next(&notify->flights, &cursor));) {
        assert(flight->row.state == DELIVERY_PENDING && flight->row.next_at > 0);
        assert(flight->row.lane == flight->lane->row.key);
        failing += flight->lane->row.failing;
        flights++;
    }
    cursor = 0;
    for (struct lane *lane; (lane = map_next(&notify->lanes, &cursor));) {
        assert(lane->in_flight > 0 && lane->in_flight <= notify->lane_limit);
        assert(list_empty(&lane->link));
        in_lanes += lane->in_flight;
    }
    assert(flights == notify->in_flight && flights == in_lanes);
    assert(failing == notify->failing_in_flight);
    assert(flights <= notify->limit);
    assert(list_empty(&notify->asking));
}
