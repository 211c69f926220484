/* The third ledger: what vendors accepted and billed, held against what the rows say. */
#include "oracle.h"

enum {
    ORACLE_VENDOR_SLACK_MS = 180000, /* a call, and the pauses of one that is repeated */
    ORACLE_VENDOR_PAUSE_MS = 300000, /* the longest between two rungs */
    ORACLE_VENDOR_ATTEMPTS = 64
};

bool oracle_vendor_is_open(enum attempt_state state)
{
    return state == ATTEMPT_INTENT || state == ATTEMPT_ACCEPTED || state == ATTEMPT_UNCERTAIN;
}

unsigned oracle_vendor_find(const struct world *world, const char *provider)
{
    unsigned n = 0;
    while (n < world->swarm.provider_count &&
           !span_is(span_of(provider), world->swarm.provider_names[n]))
        n++;
    return n;
}

bool oracle_vendor_is_claimed(const struct ledger_entry *entry, int64_t job, unsigned attempt)
{
    return entry->known_job && (entry->known_job != job || entry->known_attempt != attempt);
}

bool oracle_vendor_had(const struct ledger_job *job)
{
    for (const struct ledger_entry *entry = job->entries; entry; entry = entry->older) {
        if (!entry->is_wiped)
            return true;
    }
    return false;
}

static const struct can_vendor *traits_at(const struct world *world, unsigned provider)
{
    return &world->swarm.vendors[provider - world->swarm.local_count].traits;
}

void oracle_vendor_before(struct world *world)
{
    for (unsigned n = 0; n < world->batch_count; n++) {
        if (world->batch[n]->kind != EVENT_RESOLVE_ASKED)
            continue;
        const struct resolve_asked *asked = &world->batch[n]->resolve_asked;
        struct ledger_job *job = ledger_find_job(&world->ledger, asked->job);
        if (!job)
            continue;
        if (asked->act == RESOLVE_RESUBMIT)
            job->resubmits |= ledger_bit(job->attempt);
        if (asked->act == RESOLVE_LINK)
            job->linked |= ledger_bit(asked->attempt ? asked->attempt : job->attempt);
    }
}

/* ---------------------------------------------------------------- one attempt after another */

static int64_t price_of(const struct world *world, const struct ledger_job *job, unsigned offer)
{
    const struct swarm_route *route = &world->swarm.routes[job->model];
    return offer < route->count && route->prices[offer] > 0 ? route->prices[offer] : 0;
}

/* I7: the attempt before, which is over, allows another. */
static void check_released(struct world *world, const struct ledger_job *job, const struct job *row)
{
    unsigned flags = job->submission->flags;
    bool may = job->attempt_state == ATTEMPT_REFUSED;
    if (job->attempt_state == ATTEMPT_FAILED)
        may = flags & JOB_FLAG_RETRY_BILLED || job->settled == 0;
    else if (job->attempt_state == ATTEMPT_UNKNOWN)
        may = flags & JOB_FLAG_RESUBMIT || job->resubmits & ledger_bit(job->attempt);
    if (!may)
        world_fail(world, "I7", row->key, "attempt %u follows one that is %s and cost %lld",
                   row->attempt.number, attempt_name(job->attempt_state), (long long)job->settled);
    /* No hidden second vendor. */
    if (row->attempt.offer != job->offer && job->attempt_state != ATTEMPT_REFUSED)
        world_fail(world, "I7", row->key, "offer %u is tried after offer %u, which is %s",
                   row->attempt.offer, job->offer, attempt_name(job->attempt_state));
}

static void check_begun(struct world *world, struct ledger_job *job, const struct job *row)
{
    const struct swarm_route *route = &world->swarm.routes[job->model];
    unsigned provider = oracle_vendor_find(world, row->attempt.provider);
    unsigned offer = row->attempt.offer;
    if (job->attempt)
        check_released(world, job, row);
    if (offer >= route->count || provider != world->swarm.local_count + route->vendors[offer])
        world_fail(world, "I14", row->key, "offer %u is not at %s", offer, row->attempt.provider);
    if (job->submission->flags & JOB_FLAG_NO_FALLBACK && offer > 0)
        world_fail(world, "I7", row->key, "another offer is tried, and it said fallback: false");
    if (row->attempt.reserved != price_of(world, job, offer))
        world_fail(world, "I16", row->key, "%lld are reserved, the offer's price is %lld",
                   (long long)row->attempt.reserved, (long long)price_of(world, job, offer));
    job->is_newcomer = job->attempt == 0 || job->at != provider;
    job->at = provider;
    job->offer = offer;
    job->reserved = row->attempt.reserved;
    job->sends = 0;
    job->intent_at = row->attempt.intent_at;
    job->asked_at = world->time;
}

/* ---------------------------------------------------------------- whose is it? */

static void take_id(struct world *world, struct ledger_job *job, const struct job *row)
{
    struct ledger_entry *entry = ledger_find_entry(&world->ledger, row->attempt.remote_id);
    bool by_hand = job->linked & ledger_bit(row->attempt.number);
    if (!entry || world->swarm.local_count + entry->vendor != job->at) {
        if (!by_hand)
            world_fail(world, "I8", row->key, "%s is not an id of its provider's",
                       row->attempt.remote_id);
        return;
    }
    if (entry->known_job == row->key && entry->known_attempt == row->attempt.number)
        return;
    const struct ledger_job *other = ledger_find_job(&world->ledger, entry->known_job);
    /* Who linked it to either was mistaken. */
    if (other && !by_hand && !(other->linked & ledger_bit(entry->known_attempt)))
        world_fail(world, "I8", row->key, "%s is attempt %u of job %u already",
                   row->attempt.remote_id, entry->known_attempt, other->index);
    bool is_own = entry->job == row->key && entry->attempt == row->attempt.number;
    bool is_likely = traits_at(world, job->at)->can & CAN_FIND_LIKELY &&
                     entry->fingerprint == job->submission->fingerprint;
    if (!is_own && !is_likely && !by_hand)
        world_fail(world, "I8", row->key, "it took %s, which was accepted of job %u",
                   row->attempt.remote_id, ledger_find_job(&world->ledger, entry->job)->index);
    entry->known_job = row->key;
    entry->known_attempt = row->attempt.number;
    job->asked_at = world->time;
}

/* ---------------------------------------------------------------- money */

static int64_t bill_of(const struct world *world, const struct ledger_entry *entry,
                       int64_t reserved)
{
    if (!entry->billed)
        return 0;
    return world->swarm.says_cost[entry->vendor] ? entry->cost : reserved;
}

/* What the end of an attempt may cost (I15, I17). */
static void check_settled(struct world *world, const struct ledger_job *job, const struct job *row)
{
    const struct attempt *attempt = &row->attempt;
    const struct ledger_entry *own = ledger_entry_of(job, attempt->number);
    const struct ledger_entry *entry = ledger_find_entry(&world->ledger, attempt->remote_id);
    int64_t reserved = attempt->reserved, expected = reserved;
    bool is_free = false;
    if (attempt->state == ATTEMPT_REFUSED) {
        expected = 0;
        if (own && !own->is_wiped && own->known_job == 0)
            world_fail(world, "P3", row->key, "attempt %u was accepted, and is taken for refused",
                       attempt->number);
    } else if (attempt->state != ATTEMPT_UNKNOWN && entry && entry->said_end) {
        expected = bill_of(world, entry, reserved);
    } else if (attempt->state != ATTEMPT_UNKNOWN && entry) {
        /* Nobody ever said: the bound, or nothing where a restart took it all. */
        is_free = entry->is_wiped && reserved == 0;
    }
    if (entry && entry->maybe_said && attempt->settled == bill_of(world, entry, reserved))
        return;
    /* Linked by hand to what was another's, or nobody's: its end may have been told to that one,
     * or that of its own before. */
    if (job->linked & ledger_bit(attempt->number) &&
        (attempt->settled == reserved ||
         (own && attempt->settled == bill_of(world, own, reserved))))
        return;
    if (attempt->settled != expected && !(is_free && attempt->settled == 0))
        world_fail(world, "I15", row->key, "attempt %u is %s and settled with %lld, not %lld",
                   attempt->number, attempt_name(attempt->state), (long long)attempt->settled,
                   (long long)expected);
}

/* How long a read there may stand in line: everybody who is asked for may have been before it. */
static ms_t line_at(const struct world *world, unsigned provider)
{
    unsigned limit = world->swarm.vendors[provider - world->swarm.local_count].reads_limit;
    ms_t count = 0;
    for (size_t n = 0; limit && n < world->ledger.job_count; n++) {
        const struct ledger_job *job = world->ledger.jobs[n];
        count += job->is_known && job->at == provider && job->attempt > 0;
    }
    return limit ? count * (MS_MINUTE + MS_SECOND) / limit : 0;
}

/* I9: asked for before it can be forgotten. */
static void check_asked(struct world *world, const struct ledger_job *job, const struct job *row)
{
    const struct can_vendor *traits = traits_at(world, job->at);
    ms_t kept = traits->result_kept < traits->url_kept ? traits->result_kept : traits->url_kept;
    ms_t gap = world->time - job->asked_at;
    /* Not known in the end may be what was accepted once, too. */
    bool was_uncertain =
        row->attempt.state == ATTEMPT_UNCERTAIN ||
        (row->attempt.state == ATTEMPT_UNKNOWN &&
         (job->attempt_state == ATTEMPT_UNCERTAIN || job->attempt_state == ATTEMPT_INTENT));
    if (was_uncertain)
        kept = traits->can & CAN_CHOOSE_ID ? 3 * ORACLE_VENDOR_PAUSE_MS : MS_NEVER;
    ms_t beyond = gap - kept / 3 - ORACLE_VENDOR_SLACK_MS - world->swarm.window;
    if (beyond > 0 && beyond > line_at(world, job->at))
        world_fail(world, "I9", row->key, "nobody asked for it for %lld ms; it is kept for %lld",
                   (long long)gap, (long long)kept);
}

/* ---------------------------------------------------------------- the row */

static void check_same(struct world *world, struct ledger_job *job, const struct job *row)
{
    const struct attempt *attempt = &row->attempt;
    bool is_late = oracle_late_is(job, row);
    bool was_open = is_late || oracle_vendor_is_open(job->attempt_state);
    if (is_late)
        oracle_late_row(world, job);
    if (attempt->reserved != job->reserved || attempt->offer != job->offer)
        world_fail(world, "I11", row->key, "what attempt %u reserved changed", attempt->number);
    if (!was_open && attempt->settled != job->settled)
        world_fail(world, "I17", row->key, "attempt %u was settled with %lld, and again with %lld",
                   attempt->number, (long long)job->settled, (long long)attempt->settled);
    if (job->attempt_state == ATTEMPT_ACCEPTED &&
        (attempt->state == ATTEMPT_INTENT || attempt->state == ATTEMPT_UNCERTAIN))
        world_fail(world, "I10", row->key, "it was accepted and is %s",
                   attempt_name(attempt->state));
    if (was_open && job->sends && !oracle_vendor_is_open(attempt->state) &&
        !(job->linked & ledger_bit(attempt->number)))
        check_asked(world, job, row);
}

void oracle_vendor_row(struct world *world, struct ledger_job *job, const struct job *row)
{
    unsigned *open = world->ledger.open_provider;
    bool is_open = oracle_vendor_is_open(row->attempt.state);
    if (job->is_known && state_is_in_flight(job->state) &&
        oracle_vendor_is_open(job->attempt_state))
        open[job->at]--;
    world->ledger.submitting[job->at] -= job->attempt_state == ATTEMPT_INTENT && job->attempt > 0;
    if (row->attempt.number != job->attempt)
        check_begun(world, job, row);
    else if (row->attempt.number)
        check_same(world, job, row);
    if (world->failure.invariant || row->attempt.number == 0)
        return;
    open[job->at] += is_open && state_is_in_flight(row->state);
    world->ledger.submitting[job->at] += row->attempt.state == ATTEMPT_INTENT;
    if (row->attempt.remote_id[0])
        take_id(world, job, row);
    if (!is_open && (row->attempt.number != job->attempt ||
                     oracle_vendor_is_open(job->attempt_state) || oracle_late_is(job, row)))
        check_settled(world, job, row);
    /* P4: whoever ended before its attempt, or an older one, is followed. */
    if (row->following != ((is_open || row->late) && state_is_terminal(row->state)))
        world_fail(world, "P4", row->key, "it is %s, its attempt %s, and it is %sfollowed",
                   state_name(row->state), attempt_name(row->attempt.state),
                   row->following ? "" : "not ");
    if (row->attempt.state == ATTEMPT_UNCERTAIN && job->attempt_state == ATTEMPT_INTENT)
        oracle_breaker_doubt(world, job->at - world->swarm.local_count);
    if (row->attempt.state == ATTEMPT_UNKNOWN)
        job->unknown |= ledger_bit(row->attempt.number);
}

/* ---------------------------------------------------------------- the vendor's side */

void oracle_vendor_accepted(struct world *world, const struct ledger_job *job,
                            const struct ledger_entry *entry)
{
    for (const struct ledger_entry *other = entry->older; other; other = other->older) {
        if (other->attempt == entry->attempt && !other->is_wiped)
            world_fail(world, "I6", job->key, "attempt %u was accepted twice", entry->attempt);
    }
    bool is_old = entry->attempt <= job->attempts &&
                  (entry->attempt != job->attempt || job->attempt_state == ATTEMPT_REFUSED);
    if (is_old && !((job->unknown | job->linked) & ledger_bit(entry->attempt)))
        world_fail(world, "P3", job->key, "attempt %u is accepted after it was given up for unsent",
                   entry->attempt);
}

/* ---------------------------------------------------------------- effects */

static void check_submit(struct world *world, struct ledger_job *job, const struct job *row)
{
    const struct attempt *attempt = &row->attempt;
    bool is_again = attempt->state == ATTEMPT_UNCERTAIN || attempt->sends > 1;
    const struct can_vendor *traits = traits_at(world, job->at);
    job->sends++;
    if (attempt->sends < job->sends)
        world_fail(world, "I5", row->key, "send %u of attempt %u leaves, the row says %u",
                   job->sends, attempt->number, attempt->sends);
    if (job->sends == 1)
        job->sent_at = world->time;
    job->asked_at = world->time;
    if ((is_again || job->sends > 1) && !(traits->can & CAN_KEY))
        world_fail(world, "I6", row->key, "attempt %u is sent again without a key",
                   attempt->number);
    if (is_again)
        return;
    if (attempt->state != ATTEMPT_INTENT || job->sends > 1)
        world_fail(world, "I5", row->key, "attempt %u is submitted; its row says %s",
                   attempt->number, attempt_name(attempt->state));
    /* I25, for who comes anew: who was there before keeps its place between two attempts. */
    unsigned limit = world->swarm.providers[job->at].limit,
             open = world->ledger.open_provider[job->at] - world->ledger.reopened_provider[job->at];
    if (job->is_newcomer && limit && open > limit)
        world_fail(world, "I25", row->key, "%u are at %s, which may have %u", open,
                   attempt->provider, limit);
    oracle_start(world, job, row);
    oracle_breaker_submit(world, job->at - world->swarm.local_count, row->key);
}

static bool may_ask(const struct ledger_job *job, const struct job *row, enum effect_kind kind,
                    unsigned can)
{
    bool is_uncertain = row->attempt.state == ATTEMPT_UNCERTAIN;
    bool is_accepted = row->attempt.state == ATTEMPT_ACCEPTED;
    /* What was given up, or sent again, was wanted. */
    bool shall_stop = row->cancel_asked || job->cancel_asked || row->receipt != RECEIPT_NONE ||
                      row->state == STATE_EXPIRED || row->error == ERROR_TIMEOUT;
    switch ((int)kind) {
    case EFFECT_POLL:
        return is_accepted || is_uncertain; /* of an id that a call named */
    case EFFECT_FIND:
        return is_uncertain && can & (CAN_FIND_EXACT | CAN_FIND_LIKELY);
    case EFFECT_CANCEL:
        return is_accepted && can & CAN_CANCEL && shall_stop;
    case EFFECT_FETCH:
        return is_accepted;
    case EFFECT_STREAM:
        return is_accepted && can & CAN_STREAM;
    default:
        return false;
    }
}

void oracle_vendor_effect(struct world *world, const struct effect *effect, struct ledger_job *job,
                          const struct job *row)
{
    /* What was asked for earlier in the turn that ended it is asked all the same. */
    bool is_over =
        row->attempt.number == effect->on.attempt && !oracle_vendor_is_open(row->attempt.state);
    if (row->attempt.number != effect->on.attempt) {
        world_fail(world, "I5", row->key, "attempt %u is asked about; the row says %u",
                   effect->on.attempt, row->attempt.number);
        return;
    }
    if (effect->kind == EFFECT_SUBMIT) {
        check_submit(world, job, row);
        return;
    }
    unsigned can = traits_at(world, job->at)->can;
    bool changed = row->attempt.state == ATTEMPT_ACCEPTED && effect->kind == EFFECT_FIND;
    if (!is_over && !changed && !may_ask(job, row, effect->kind, can))
        world_fail(world, "I5", row->key, "effect %d about an attempt that is %s",
                   (int)effect->kind, attempt_name(row->attempt.state));
    if (effect->kind == EFFECT_STREAM) {
        if (world->swarm.vendors[job->at - world->swarm.local_count].calls_back)
            world_fail(world, "I5", row->key, "it is listened to, and calls back besides");
        return; /* no question: whatever it says, the poll is owed */
    }
    if (oracle_vendor_is_open(row->attempt.state) &&
        !(job->linked & ledger_bit(row->attempt.number)))
        check_asked(world, job, row);
    job->asked_at = world->time;
}

/* ---------------------------------------------------------------- the end */

/* Every accepted submission is its attempt's, or somebody said that it is not known. */
void oracle_vendor_end(struct world *world, struct reader *reader, const struct ledger_job *job)
{
    struct attempt attempts[ORACLE_VENDOR_ATTEMPTS];
    unsigned count = ORACLE_VENDOR_ATTEMPTS;
    if (reader_attempts(reader, job->key, attempts, &count) != STORE_OK)
        return; /* see end_attempts */
    for (const struct ledger_entry *entry = job->entries; entry; entry = entry->older) {
        if (entry->attempt > count || entry->is_wiped || entry->known_job)
            continue; /* whoever took it, by likeness or by hand, see take_id */
        const struct attempt *attempt = &attempts[entry->attempt - 1];
        if (attempt->state != ATTEMPT_UNKNOWN && attempt->remote_id[0] == '\0')
            world_fail(world, "P3", job->key, "r%u was accepted, and attempt %u is %s",
                       entry->index, entry->attempt, attempt_name(attempt->state));
    }
}
