#include "vendor_private.h"

#include "oracle.h"
#include "wire.h"
#include "worker.h"

#include <string.h>

enum {
    VENDOR_HIDE_MAX_MS = 25000,  /* not visible yet */
    VENDOR_LIST_FROM_MS = 60000, /* a search begins so long before the intent */
    VENDOR_RARELY = 30
};

struct vendor_call *vendor_make_call(struct world *world)
{
    struct vendor_call *call = world->free_calls;
    if (call)
        world->free_calls = call->next_free;
    else
        call = arena_new(&world->arena, struct vendor_call);
    *call = (struct vendor_call){.began = world->time, .sent = true, .cost = -1, .progress = -1};
    return call;
}

/* For the next request of the same call. */
static void clear_answer(const struct world *world, struct vendor_call *call)
{
    *call = (struct vendor_call){.vendor = call->vendor,
                                 .process = call->process,
                                 .job = call->job,
                                 .attempt = call->attempt,
                                 .call = call->call,
                                 .id = call->id,
                                 .by_mark = call->by_mark,
                                 .wire = call->wire,
                                 .began = world->time,
                                 .sent = true,
                                 .cost = -1,
                                 .progress = -1};
}

void vendor_free_call(struct world *world, struct vendor_call *call)
{
    wire_close(world, call);
    call->next_free = world->free_calls;
    world->free_calls = call;
}

const struct can_vendor *vendor_traits(const struct world *world, unsigned vendor)
{
    return &world->swarm.vendors[vendor].traits;
}

static bool rarely(struct world *world, enum swarm_fault fault)
{
    return world_has(world, fault) && rng_below(&world->rng, VENDOR_RARELY) == 0 &&
           world_strikes(world, fault);
}

static bool is_down(struct world *world, struct vendor_mood *mood)
{
    if (rarely(world, SWARM_VENDOR_DOWN))
        mood->down_until =
            world->time +
            world_about(world, rng_below(&world->rng, 3) ? 5 * MS_MINUTE : 2 * MS_HOUR);
    return !world->is_calm && mood->down_until > world->time;
}

/* ---------------------------------------------------------------- its books */

bool vendor_is_over(const struct world *world, const struct ledger_entry *entry)
{
    return entry->ends_at <= world->time;
}

bool vendor_is_known(const struct world *world, const struct ledger_entry *entry)
{
    const struct can_vendor *traits = vendor_traits(world, entry->vendor);
    return !entry->is_forgotten &&
           !(vendor_is_over(world, entry) && world->time - entry->ends_at >= traits->result_kept);
}

/* A restart takes everything along, where memory is all there is; elsewhere a result goes early, of
 * which the gateway knows that it is there. */
static void forget(struct world *world, unsigned vendor, struct ledger_entry *entry)
{
    if (!rarely(world, SWARM_VENDOR_FORGETS))
        return;
    if (!(vendor_traits(world, vendor)->can & CAN_FORGETS_ON_RESTART)) {
        if (entry && entry->known_job)
            entry->is_forgotten = true;
        return;
    }
    for (size_t n = 0; n < world->ledger.entry_count; n++) {
        struct ledger_entry *other = world->ledger.entries[n];
        if (other->vendor == vendor)
            other->is_forgotten = other->is_wiped = true;
    }
}

static void draw_fate(struct world *world, struct ledger_entry *entry, int64_t price)
{
    ms_t work = world->swarm.work;
    entry->at = world->time;
    entry->visible_at = world->time;
    if (world_strikes(world, SWARM_VENDOR_HIDES))
        entry->visible_at += (ms_t)rng_below(&world->rng, VENDOR_HIDE_MAX_MS);
    entry->runs_at = world->time + world_about(world, work / 4);
    entry->ends_at = entry->runs_at + world_about(world, work);
    entry->outcome = TOLD_DONE;
    entry->billed = true;
    entry->cost = price < 0 ? 1 + (int64_t)rng_below(&world->rng, 100000)
                  : price   ? 1 + (int64_t)rng_below(&world->rng, (uint64_t)price)
                            : 0;
    bool is_final = world_strikes(world, SWARM_FAIL_FINAL);
    if (world_strikes(world, SWARM_HANG)) {
        entry->ends_at = MS_NEVER;
    } else if (world_strikes(world, SWARM_VENDOR_STOPS)) {
        entry->outcome = TOLD_STOPPED;
        entry->billed = world_strikes(world, SWARM_VENDOR_BILLS);
    } else if (is_final || world_strikes(world, SWARM_FAIL_AGAIN)) {
        entry->outcome = TOLD_FAILED;
        entry->error = is_final ? ERROR_CONTENT_POLICY : ERROR_PROVIDER_FAILED;
        entry->again = !is_final;
        entry->billed = world_strikes(world, SWARM_VENDOR_BILLS);
    } else {
        entry->is_empty = world_strikes(world, SWARM_VENDOR_EMPTY);
    }
}

static struct ledger_entry *accept(struct world *world, struct vendor_call *call)
{
    struct ledger_job *job = ledger_find_job(&world->ledger, call->job);
    const struct swarm_route *route = &world->swarm.routes[job->model];
    int64_t price = -1;
    for (unsigned n = 0; n < route->count; n++)
        price = route->vendors[n] == call->vendor ? route->prices[n] : price;
    struct ledger_entry *entry = ledger_entry(&world->ledger, job, call->attempt, call->vendor);
    entry->fingerprint = job->submission->fingerprint;
    draw_fate(world, entry, price);
    wire_accept(world, call, entry);
    oracle_vendor_accepted(world, job, entry);
    vendor_call_back(world, entry);
    return entry;
}

/* ---------------------------------------------------------------- its answers */

static void put_off(struct world *world, struct vendor_call *call)
{
    static const ms_t waits[] = {0, 1500, MS_MINUTE, 20 * MS_MINUTE, 365 * MS_DAY};
    call->kind = TOLD_LATER;
    call->error = ERROR_RATE_LIMITED;
    call->after = waits[rng_below(&world->rng, 5)];
}

/* Another attempt's, which has it in its row already: of one that nobody knows yet it would be
 * believed, and against that there is no means. */
static struct ledger_entry *some_known(struct world *world, const struct vendor_call *call)
{
    if (call->wire || !rarely(world, SWARM_VENDOR_MISNAMES))
        return NULL;
    struct ledger_entry *other =
        world->ledger.entries[rng_below(&world->rng, world->ledger.entry_count)];
    bool is_others = other->known_job && other->known_job != call->job;
    return is_others && other->vendor == call->vendor ? other : NULL;
}

static void answer_submit(struct world *world, struct vendor_call *call)
{
    struct vendor_mood *mood = &world->moods[call->vendor];
    const struct can_vendor *traits = vendor_traits(world, call->vendor);
    if (is_down(world, mood))
        return; /* TOLD_NOTHING */
    if (rarely(world, SWARM_VENDOR_ACCOUNT)) {
        mood->broke_until = world->time + world_about(world, 10 * MS_MINUTE);
        mood->broke = rng_below(&world->rng, 2) ? ERROR_BAD_KEY : ERROR_OUT_OF_CREDIT;
    }
    if (!world->is_calm && mood->broke_until > world->time) {
        call->kind = TOLD_REFUSED;
        call->error = mood->broke;
        return;
    }
    if (world_strikes(world, SWARM_VENDOR_LATER)) {
        put_off(world, call);
        return;
    }
    struct ledger_entry *entry =
        ledger_entry_of(ledger_find_job(&world->ledger, call->job), call->attempt);
    bool is_lost = world_strikes(world, SWARM_VENDOR_LOST);
    bool is_equal = entry && traits->can & CAN_KEY && !entry->is_wiped &&
                    world->time - entry->at < traits->key_kept;
    if (!is_equal && world_strikes(world, SWARM_VENDOR_REFUSES)) {
        call->kind = is_lost ? TOLD_NOTHING : TOLD_REFUSED;
        call->error = rng_below(&world->rng, 2) ? ERROR_CONTENT_POLICY : ERROR_PROVIDER_REJECTED;
        return;
    }
    if (is_lost && rng_below(&world->rng, 2))
        return; /* lost on its way there */
    call->entry = is_equal ? entry : accept(world, call);
    call->kind = is_lost ? TOLD_NOTHING : TOLD_ACCEPTED;
    struct ledger_entry *other = is_lost ? NULL : some_known(world, call);
    if (!is_lost && !other)
        return;
    call->lost = call->entry;
    call->entry = other;
}

static void say_state(struct world *world, struct vendor_call *call, struct ledger_entry *entry)
{
    const struct can_vendor *traits = vendor_traits(world, entry->vendor);
    call->entry = entry;
    if (!vendor_is_over(world, entry)) {
        call->kind = world->time < entry->runs_at ? TOLD_WAITING : TOLD_RUNNING;
        if (!call->wire && call->kind == TOLD_WAITING && rng_below(&world->rng, 2))
            call->kind = TOLD_ACCEPTED;
        if (call->kind == TOLD_RUNNING && traits->can & CAN_PROGRESS)
            call->progress = (int)rng_below(&world->rng, 101);
        return;
    }
    call->kind = entry->outcome;
    call->error = entry->error;
    call->again = entry->again;
    call->billed = entry->billed;
    call->has_file = entry->outcome == TOLD_DONE && !entry->is_empty;
    if (world->swarm.says_cost[entry->vendor])
        call->cost = entry->billed ? entry->cost : 0;
}

/* The entry that is asked for; NULL: there is none now, or it is not visible yet. */
static struct ledger_entry *find_asked(struct world *world, const struct vendor_call *call)
{
    struct ledger_entry *entry = call->id ? world->ledger.entries[call->id - 1] : NULL;
    if (call->by_mark)
        entry = ledger_entry_of(ledger_find_job(&world->ledger, call->job), call->attempt);
    if (entry && entry->vendor != call->vendor)
        entry = NULL;
    forget(world, call->vendor, entry);
    return entry && vendor_is_known(world, entry) && entry->visible_at <= world->time ? entry
                                                                                      : NULL;
}

static void answer_poll(struct world *world, struct vendor_call *call)
{
    struct ledger_entry *entry = find_asked(world, call);
    if (entry)
        say_state(world, call, entry);
    else
        call->kind = TOLD_GONE;
}

static void answer_cancel(struct world *world, struct vendor_call *call)
{
    struct ledger_entry *entry = find_asked(world, call);
    if (!entry || vendor_is_over(world, entry) || world_strikes(world, SWARM_VENDOR_DEAF)) {
        answer_poll(world, call);
        return;
    }
    ms_t delay = rng_below(&world->rng, 2) ? 0 : world_about(world, MS_SECOND);
    bool ran = world->time >= entry->runs_at;
    if (entry->ends_at - delay > world->time) {
        entry->ends_at = world->time + delay;
        entry->outcome = TOLD_STOPPED;
        entry->error = ERROR_NONE;
        entry->again = false;
        entry->billed = ran && world_strikes(world, SWARM_VENDOR_BILLS);
        entry->cost = entry->cost / 2 + 1;
        entry->runs_at = entry->runs_at < entry->ends_at ? entry->runs_at : entry->ends_at;
        wire_settle(world, entry);
        vendor_call_back(world, entry);
    }
    say_state(world, call, entry);
}

/* Newest first, from shortly before the intent on; the exact one alone where the mark is shown. */
static void answer_find(struct world *world, struct vendor_call *call)
{
    const struct can_vendor *traits = vendor_traits(world, call->vendor);
    const struct ledger_job *job = ledger_find_job(&world->ledger, call->job);
    forget(world, call->vendor, NULL);
    if (call->wire) {
        wire_list(world, call);
        return;
    }
    for (size_t n = world->ledger.entry_count; n > 0; n--) {
        struct ledger_entry *entry = world->ledger.entries[n - 1];
        if (entry->at < job->sent_at - VENDOR_LIST_FROM_MS ||
            world->time - entry->at >= traits->list_kept)
            break;
        bool shows = traits->can & CAN_FIND_ABSENCE || vendor_is_over(world, entry);
        if (entry->vendor != call->vendor || entry->is_forgotten || !shows)
            continue;
        bool is_exact = traits->can & CAN_FIND_EXACT && entry->job == call->job &&
                        entry->attempt == call->attempt;
        if (is_exact) {
            call->found[0] = entry;
            call->found_count = 1;
            call->is_exact = true;
            break;
        }
        if (traits->can & CAN_FIND_LIKELY && entry->fingerprint == job->submission->fingerprint &&
            call->found_count < TOLD_FOUND_MAX)
            call->found[call->found_count++] = entry;
    }
    /* Somebody's, without an id. */
    if (call->found_count < TOLD_FOUND_MAX && rarely(world, SWARM_VENDOR_STUMBLES))
        call->found[call->found_count++] = NULL;
    call->kind = call->found_count ? TOLD_FOUND : TOLD_ABSENT;
    if (call->kind == TOLD_ABSENT && world_strikes(world, SWARM_VENDOR_STUMBLES))
        call->kind = TOLD_MORE;
}

/* The link is as old as the word that named it: a new poll would name a fresh one. */
static void answer_fetch(struct world *world, struct vendor_call *call)
{
    const struct ledger_entry *entry = call->id ? world->ledger.entries[call->id - 1] : NULL;
    const struct can_vendor *traits = vendor_traits(world, call->vendor);
    bool is_there = entry && !entry->is_forgotten && vendor_is_over(world, entry) &&
                    entry->outcome == TOLD_DONE && !entry->is_empty &&
                    world->time - entry->ends_at < traits->url_kept;
    call->kind = TOLD_FAILED;
    call->error = ERROR_INPUT_UNREACHABLE;
    call->again = true;
    call->passing = is_down(world, &world->moods[call->vendor]);
    if (call->passing || !is_there)
        return;
    if (world_strikes(world, SWARM_FETCH_FAILS)) {
        call->again = rng_below(&world->rng, 3) != 0;
        call->passing = call->again && rng_below(&world->rng, 2) == 0;
        call->error = call->again ? ERROR_INPUT_UNREACHABLE : ERROR_OUTPUT_INVALID;
        return;
    }
    call->kind = TOLD_DONE;
}

static void answer_read(struct world *world, struct vendor_call *call)
{
    if (is_down(world, &world->moods[call->vendor]))
        return;
    if (world_strikes(world, SWARM_VENDOR_STUMBLES))
        return;
    if (rarely(world, SWARM_VENDOR_LATER)) {
        put_off(world, call);
        return;
    }
    if (call->call == PROVIDER_CALL_CANCEL)
        answer_cancel(world, call);
    else if (call->call == PROVIDER_CALL_FIND)
        answer_find(world, call);
    else
        answer_poll(world, call);
}

static void answer(struct world *world, struct vendor_call *call)
{
    if (call->wire && !wire_arrive(world, call))
        return;
    if (call->is_fetch)
        answer_fetch(world, call);
    else if (call->call == PROVIDER_CALL_SUBMIT)
        answer_submit(world, call);
    else
        answer_read(world, call);
    bool is_lost = call->kind == TOLD_NOTHING && rng_below(&world->rng, 2);
    ms_t delay = world_about(world, call->is_fetch ? 300 : 40);
    if (is_lost)
        delay = VENDOR_CALL_MAX_MS - (world->time - call->began);
    else if (world_strikes(world, SWARM_VENDOR_SLOW))
        delay = world_about(world, 8 * MS_SECOND);
    delay = delay < VENDOR_TRAVEL_MAX_MS || is_lost ? delay : VENDOR_TRAVEL_MAX_MS;
    if (call->wire)
        wire_answer(world, call, is_lost);
    world_plan(world, ITEM_TOLD, delay)->call = call;
}

/* ---------------------------------------------------------------- there and back */

static enum provider_call call_of(enum effect_kind kind)
{
    return kind == EFFECT_SUBMIT   ? PROVIDER_CALL_SUBMIT
           : kind == EFFECT_CANCEL ? PROVIDER_CALL_CANCEL
           : kind == EFFECT_FIND   ? PROVIDER_CALL_FIND
                                   : PROVIDER_CALL_POLL;
}

static void travel(struct world *world, struct vendor_call *call)
{
    ms_t delay = world_strikes(world, SWARM_VENDOR_SLOW) ? world_about(world, 5 * MS_SECOND) : 0;
    if (delay == 0 && rng_below(&world->rng, 4))
        answer(world, call);
    else
        world_plan(world, ITEM_ARRIVE, delay < VENDOR_TRAVEL_MAX_MS ? delay : VENDOR_TRAVEL_MAX_MS)
            ->call = call;
}

void vendor_effect(struct world *world, const struct effect *effect)
{
    const struct job *job = effect->on.job;
    const struct swarm *swarm = &world->swarm;
    struct vendor_call *call = vendor_make_call(world);
    while (call->vendor + 1 < swarm->vendor_count &&
           !span_is(span_of(job->attempt.provider), vendor_traits(world, call->vendor)->name))
        call->vendor++;
    call->process = world->process;
    call->job = job->key;
    call->attempt = effect->on.attempt;
    call->call = call_of(effect->kind);
    call->is_fetch = effect->kind == EFFECT_FETCH;
    const char *id = effect->on.remote_id ? effect->on.remote_id : job->attempt.remote_id;
    const struct ledger_entry *entry = ledger_find_entry(&world->ledger, id);
    call->id = entry ? entry->index + 1 : 0;
    call->by_mark = id[0] == '\0';
    if (!call->is_fetch)
        wire_open(world, call, effect);
    else if (wire_is_on(world) && effect->on.told->file_count)
        call->id = wire_find_file(world, effect->on.told->files[0].url);
    vendor_forge(world, job, call->vendor);
    bool is_submission = call->call == PROVIDER_CALL_SUBMIT;
    bool is_refused_line = world->moods[call->vendor].down_until > world->time && !world->is_calm &&
                           rng_below(&world->rng, 2);
    if (is_submission && (is_refused_line || world_strikes(world, SWARM_VENDOR_UNSENT))) {
        call->sent = false;
        world_plan(world, ITEM_TOLD, world_about(world, 500))->call = call;
        return;
    }
    travel(world, call);
}

void vendor_arrive(struct world *world, struct item *item)
{
    /* Who called has died: what had left arrives all the same. */
    if (item->call->process != world->process && rng_below(&world->rng, 2))
        vendor_free_call(world, item->call);
    else
        answer(world, item->call);
}

static void write_id(const struct ledger_entry *entry, char *target, size_t size)
{
    if (entry)
        (void)span_copy(span_of(entry->name), target, size);
}

static void fill(struct world *world, const struct vendor_call *call, struct told *told)
{
    told_init(told);
    told->kind = call->kind;
    told->error = call->error;
    told->again = call->again;
    told->billed = call->billed;
    told->cost = call->cost;
    told->after = call->after;
    told->progress = call->progress;
    told->file_count = call->has_file;
    /* Some say more than others. */
    if (rng_below(&world->rng, 4) == 0) {
        told_say(told, SPAN("In the vendor’s own words."));
        (void)span_copy(SPAN("Rendering"), told->stage, sizeof told->stage);
    }
    write_id(call->entry, told->remote_id, sizeof told->remote_id);
    for (unsigned n = 0; n < call->found_count; n++) {
        write_id(call->found[n], told->found[n].remote_id, sizeof told->found[n].remote_id);
        told->found[n].exact = call->is_exact && call->found[n];
    }
    told->found_count = call->found_count;
}

/* Who of those that are named belongs to another attempt, for all that the rows say. */
static unsigned claimed(const struct world *world, const struct told *told, int64_t job,
                        unsigned attempt)
{
    unsigned bits = 0;
    const struct ledger_entry *entry = ledger_find_entry(&world->ledger, told->remote_id);
    if (entry && oracle_vendor_is_claimed(entry, job, attempt))
        bits = 1;
    for (unsigned n = 0; n < told->found_count; n++) {
        entry = ledger_find_entry(&world->ledger, told->found[n].remote_id);
        if (entry && oracle_vendor_is_claimed(entry, job, attempt))
            bits |= 1u << n;
    }
    return bits;
}

static void say_fetched(struct world *world, const struct vendor_call *call)
{
    struct ledger_job *job = ledger_find_job(&world->ledger, call->job);
    struct worked *worked = &world_event(world, EVENT_WORKED)->worked;
    worked->job = call->job;
    worked->attempt = call->attempt;
    worked->kind = call->kind == TOLD_DONE ? WORKED_KEPT : WORKED_FAILED;
    if (worked->kind == WORKED_KEPT) {
        worker_fill_outputs(worked);
        job->kept = call->attempt > job->kept ? call->attempt : job->kept;
        job->has_files = true;
    } else {
        worked->error = call->error;
        worked->again = call->again;
        worked->passing = call->passing;
    }
}

/* The end of what was accepted is told to the attempt whose it is. */
static void note_end(struct world *world, const struct vendor_call *call, enum told_kind kind)
{
    struct ledger_entry *entry = call->entry;
    bool is_heard = entry && call->call != PROVIDER_CALL_SUBMIT &&
                    (entry->known_job ? !oracle_vendor_is_claimed(entry, call->job, call->attempt)
                                      : entry->job == call->job && entry->attempt == call->attempt);
    bool is_end = kind == TOLD_DONE || kind == TOLD_FAILED || kind == TOLD_STOPPED;
    if (is_heard && is_end && !entry->said_end) {
        entry->said_end = true;
        entry->said_turn = world->turn_number;
    }
}

static void say_told(struct world *world, const struct vendor_call *call, const struct told *heard)
{
    struct told *told = &world->tolds[world->batch_count];
    struct heard *event = &world_event(world, EVENT_TOLD)->heard;
    *event = (struct heard){.job = call->job,
                            .attempt = call->attempt,
                            .call = call->call,
                            .sent = call->sent,
                            .remote_id = call->by_mark ? NULL
                                         : call->id    ? world->ledger.entries[call->id - 1]->name
                                                       : "nobody",
                            .told = told};
    if (heard)
        *told = *heard;
    else
        fill(world, call, told);
    event->claimed = claimed(world, told, call->job, call->attempt);
    note_end(world, call, told->kind);
}

void vendor_say(struct world *world, struct item *item)
{
    struct vendor_call *call = item->call;
    if (call->process != world->process) {
        vendor_free_call(world, call); /* the line went with who called */
        return;
    }
    const struct told *told = call->wire ? wire_hear(world, call) : NULL;
    if (call->wire && !told) {
        clear_answer(world, call);
        travel(world, call);
        return;
    }
    if (call->is_fetch)
        say_fetched(world, call);
    else
        say_told(world, call, told);
    if (!call->is_copy && call->call != PROVIDER_CALL_SUBMIT && world_strikes(world, SWARM_TWICE)) {
        call->is_copy = true;
        world_plan(world, ITEM_TOLD, world_about(world, 500))->call = call;
        return;
    }
    vendor_free_call(world, call);
}

void vendor_calm(struct world *world)
{
    for (size_t n = 0; n < world->ledger.entry_count; n++) {
        struct ledger_entry *entry = world->ledger.entries[n];
        if (entry->ends_at == MS_NEVER)
            entry->ends_at = world->time + world_about(world, world->swarm.work);
    }
}
