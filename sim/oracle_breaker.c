/* Whether a vendor is blocked (SPEC 8), told from outside. The order of events within a turn and
 * what the core made of each are its own affair: here a vendor is surely blocked, surely not, or
 * neither, and only what is sure is held against the core. */
#include "oracle.h"

enum {
    BREAKER_FAILURES = 5,
    BREAKER_OPEN_MS = 60000,
    BREAKER_ACCOUNT_MS = 600000,
    BREAKER_QUICK = 2200, /* acceptances, after which it is as quick as ever: 1 + 2 + … + 64 */
    BREAKER_SUBMIT_MS = 300000 /* a submission without an answer is given up for lost */
};

static bool is_account(enum error_code error)
{
    return error == ERROR_BAD_KEY || error == ERROR_OUT_OF_CREDIT;
}

/* The job of the vendor's word, if it is about its newest attempt. */
static struct ledger_job *job_of(const struct world *world, const struct heard *heard)
{
    struct ledger_job *job = ledger_find_job(&world->ledger, heard->job);
    return job && job->attempt == heard->attempt ? job : NULL;
}

/* An answer that names another's id says as little as none. */
static enum told_kind word_of(const struct heard *heard)
{
    bool is_others = heard->call == PROVIDER_CALL_SUBMIT && heard->claimed & 1;
    return is_others && heard->told->kind == TOLD_ACCEPTED ? TOLD_NOTHING : heard->told->kind;
}

static struct vendor_mood *mood_of(struct world *world, const struct ledger_job *job)
{
    return &world->moods[job->at - world->swarm.local_count];
}

static struct vendor_mood *find(struct world *world, const char *provider)
{
    return &world->moods[oracle_vendor_find(world, provider) - world->swarm.local_count];
}

void oracle_breaker_before(struct world *world)
{
    for (unsigned n = 0; n < world->batch_count; n++) {
        if (world->batch[n]->kind == EVENT_VENDOR_ASKED)
            find(world, world->batch[n]->vendor_asked.provider)->is_asked = true;
        if (world->batch[n]->kind != EVENT_TOLD)
            continue;
        const struct heard *heard = &world->batch[n]->heard;
        const struct ledger_job *job = job_of(world, heard);
        bool is_submission = heard->call == PROVIDER_CALL_SUBMIT;
        world->counts[n] = job && oracle_vendor_is_open(job->attempt_state) &&
                           (job->attempt_state == ATTEMPT_INTENT) == is_submission;
    }
}

/* How long "not now" holds: at least a second, at most an hour. */
static ms_t later(const struct told *told)
{
    ms_t after = told->after < MS_SECOND ? MS_SECOND : told->after;
    return after > MS_HOUR ? MS_HOUR : after;
}

static void mistrust(struct world *world, struct vendor_mood *mood, ms_t block)
{
    mood->trouble = true;
    if (mood->trouble_until < world->now + block)
        mood->trouble_until = world->now + block;
}

void oracle_breaker_doubt(struct world *world, unsigned vendor)
{
    mistrust(world, &world->moods[vendor], BREAKER_OPEN_MS);
}

/* Whatever may have blocked it. */
static void doubt(struct world *world, const struct ledger_job *job, const struct heard *heard,
                  bool counts)
{
    struct vendor_mood *mood = mood_of(world, job);
    enum told_kind word = word_of(heard);
    ms_t block = word == TOLD_LATER     ? later(heard->told)
                 : word == TOLD_REFUSED ? BREAKER_ACCOUNT_MS
                                        : BREAKER_OPEN_MS;
    if (heard->call == PROVIDER_CALL_SUBMIT && word == TOLD_LATER) {
        mood->is_slow = true;
        mood->accepted = 0;
    } else if (word == TOLD_ACCEPTED && mood->accepted++ > BREAKER_QUICK) {
        mood->is_slow = false;
    }
    if (word == TOLD_NOTHING || word == TOLD_LATER || word == TOLD_REFUSED) {
        mistrust(world, mood, block);
    } else if (word == TOLD_ACCEPTED && counts && mood->trouble_until <= world->now) {
        /* After a jump of the clock the turn gives it up first, and hears then. */
        if (world->now - job->intent_at < BREAKER_SUBMIT_MS)
            mood->trouble = false;
        else
            mistrust(world, mood, block);
    }
}

/* What lets the next one through may do so in the same turn. */
static void release(struct vendor_mood *mood, const struct heard *heard)
{
    if (heard->call != PROVIDER_CALL_SUBMIT)
        return;
    if (mood->probe == heard->job)
        mood->probe = 0;
    if (word_of(heard) == TOLD_ACCEPTED || word_of(heard) == TOLD_REFUSED)
        mood->half_open = false;
}

static void check_heard(struct world *world, const struct heard *heard,
                        const struct ledger_job *job)
{
    const struct ledger_entry *entry =
        heard->remote_id ? ledger_find_entry(&world->ledger, heard->remote_id) : NULL;
    /* A poll on a call back's word may have been about another's. */
    bool is_own = !heard->remote_id ||
                  (entry && entry->known_job == job->key && entry->known_attempt == job->attempt);
    bool is_end = is_own && (heard->told->kind == TOLD_FAILED || heard->told->kind == TOLD_STOPPED);
    if (heard->call == PROVIDER_CALL_SUBMIT && job->attempt_state == ATTEMPT_INTENT)
        world_fail(world, "P2", job->key, "the answer to its submission changed nothing");
    else if (heard->call == PROVIDER_CALL_POLL && is_end && job->state == STATE_RUNNING)
        world_fail(world, "P2", job->key, "it is %s, and runs on", told_name(heard->told->kind));
}

/* Nothing of it is surely blocked any more … */
static void goes_on(struct vendor_mood *mood)
{
    mood->is_paused = mood->half_open = false;
    mood->blocked_until = 0;
    mood->failures = 0;
}

/* … and surely nothing is. */
static void trust(struct vendor_mood *mood)
{
    goes_on(mood);
    mood->trouble = mood->is_slow = false;
    mood->trouble_until = 0;
}

void oracle_breaker_turn(struct world *world)
{
    for (unsigned n = 0; n < world->batch_count; n++) {
        const struct event *event = world->batch[n];
        if (event->kind == EVENT_VENDOR_ASKED) {
            struct vendor_mood *mood = find(world, event->vendor_asked.provider);
            if (event->vendor_asked.pause)
                mistrust(world, mood, MS_NEVER - world->now);
            else
                trust(mood);
        }
        if (event->kind != EVENT_TOLD)
            continue;
        const struct ledger_job *job = job_of(world, &event->heard);
        if (!job)
            continue;
        doubt(world, job, &event->heard, world->counts[n]);
        release(mood_of(world, job), &event->heard);
        if (world->counts[n])
            check_heard(world, &event->heard, job);
    }
}

static void block(struct vendor_mood *mood, ms_t until)
{
    if (mood->blocked_until < until)
        mood->blocked_until = until;
}

static bool is_failure(const struct heard *heard, const struct ledger_job *job)
{
    enum told_kind word = word_of(heard);
    if (heard->call == PROVIDER_CALL_POLL)
        return word == TOLD_NOTHING && oracle_vendor_is_open(job->attempt_state);
    if (heard->call != PROVIDER_CALL_SUBMIT)
        return false;
    return !heard->sent ? job->attempt_state == ATTEMPT_REFUSED
                        : word == TOLD_NOTHING && job->attempt_state == ATTEMPT_UNCERTAIN;
}

static void take_heard(struct world *world, const struct heard *heard, bool counts)
{
    const struct told *told = heard->told;
    const struct ledger_job *job = job_of(world, heard);
    if (!job)
        return;
    struct vendor_mood *mood = mood_of(world, job);
    bool is_submission = heard->call == PROVIDER_CALL_SUBMIT;
    if (counts && is_failure(heard, job)) {
        mood->failures++;
        if (mood->failures < BREAKER_FAILURES && !mood->half_open)
            return;
        mood->half_open = true;
        mood->probe = 0;
        block(mood, world->now + BREAKER_OPEN_MS);
        return;
    }
    mood->failures = 0;
    bool is_refused = is_submission && told->kind == TOLD_REFUSED;
    if (is_submission && counts && is_refused && is_account(told->error) &&
        job->attempt_state == ATTEMPT_REFUSED) {
        mood->half_open = true;
        mood->probe = 0;
        block(mood, world->now + BREAKER_ACCOUNT_MS);
    } else if (is_submission && counts && told->kind == TOLD_LATER && heard->sent &&
               job->attempt_state == ATTEMPT_REFUSED) {
        block(mood, world->now + later(told));
    } else if (word_of(heard) == TOLD_ACCEPTED || is_refused) {
        mood->half_open = false; /* after whatever set it earlier in the turn */
    }
}

void oracle_breaker_rest(struct world *world)
{
    for (unsigned n = 0; n < world->batch_count; n++) {
        const struct event *event = world->batch[n];
        if (event->kind == EVENT_TOLD)
            take_heard(world, &event->heard, world->counts[n]);
        if (event->kind != EVENT_VENDOR_ASKED)
            continue;
        struct vendor_mood *mood = find(world, event->vendor_asked.provider);
        mood->is_asked = false;
        if (event->vendor_asked.pause)
            mood->is_paused = true;
        else
            goes_on(mood);
    }
}

void oracle_breaker_told(struct world *world, const char *provider)
{
    find(world, provider)->is_told_paused = true;
}

void oracle_breaker_boot(struct world *world)
{
    for (unsigned n = 0; n < world->swarm.vendor_count; n++) {
        struct vendor_mood *mood = &world->moods[n];
        if (mood->is_paused != mood->is_told_paused && !mood->is_asked)
            world_fail(world, "I13", 0, "%s %s paused after a restart",
                       world->swarm.vendors[n].traits.name, mood->is_paused ? "is not" : "is");
        trust(mood);
        mood->probe = 0;
        mood->is_asked = false;
        mood->is_paused = mood->is_told_paused;
        if (mood->is_paused)
            mistrust(world, mood, MS_NEVER - world->now);
    }
}

void oracle_breaker_submit(struct world *world, unsigned vendor, int64_t job)
{
    struct vendor_mood *mood = &world->moods[vendor];
    if (mood->is_paused)
        world_fail(world, "P8", job, "it is submitted to a provider that is paused");
    if (mood->blocked_until > world->now)
        world_fail(world, "P8", job, "it is submitted to a provider that is blocked for %lld ms",
                   (long long)(mood->blocked_until - world->now));
    if (!mood->half_open)
        return;
    if (mood->probe && world->now - mood->probe_at < BREAKER_OPEN_MS)
        world_fail(world, "P8", job, "it is submitted while another tries the provider");
    mood->probe = job;
    mood->probe_at = world->now;
}

unsigned oracle_breaker_room(const struct world *world, unsigned model)
{
    const struct swarm *swarm = &world->swarm;
    const struct swarm_route *route = &swarm->routes[model];
    unsigned most = 0, to_submit = UINT32_MAX, max = swarm->config.limit_submitting;
    for (unsigned n = 0; n < (route->count ? route->count : 1); n++) {
        unsigned provider =
            route->count ? swarm->local_count + route->vendors[n] : swarm->model_provider[model];
        unsigned limit = swarm->providers[provider].limit;
        unsigned in_flight = world->ledger.in_flight_provider[provider];
        unsigned room = limit == 0 ? UINT32_MAX : in_flight >= limit ? 0 : limit - in_flight;
        unsigned out = world->ledger.submitting[provider], left = out >= max ? 0 : max - out;
        /* Whoever is preferred is waited for; whether that is one in trouble is not known here. */
        if (route->count && max && room > 0 && left < to_submit)
            to_submit = left;
        const struct vendor_mood *mood = route->count ? &world->moods[route->vendors[n]] : NULL;
        if (mood && mood->is_slow)
            to_submit = 0; /* nor how many may be out there */
        if (mood && (mood->trouble || !oracle_money_has_room(world, provider)))
            room = 0;
        most = room > most ? room : most;
    }
    return most < to_submit ? most : to_submit;
}
