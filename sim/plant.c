#include "plant.h"

#include "base/memory.h"
#include "worker.h"
#include "world.h"

enum { PLANT_ONE_IN = 12 /* times that a mistake is made */ };

/* A store around the real one that makes a mistake now and then. */
struct plant_store {
    struct store store;
    struct world *world;
    struct changes changes; /* of the apply under way, owned */
    struct job job;         /* a row with a mistake in it */
};

static const char *const plant_names[PLANT_COUNT] = {
#define PLANT_NAME(upper, lower) #lower,
    PLANT_LIST(PLANT_NAME)
#undef PLANT_NAME
};

const char *plant_name(enum plant plant)
{
    return plant_names[plant];
}

static bool strikes(struct world *world, enum plant plant)
{
    return world->plant == plant && rng_below(&world->rng, PLANT_ONE_IN) == 0;
}

static struct plant_store *of(struct store *store)
{
    return (struct plant_store *)(void *)store;
}

static struct store *inner(struct store *store)
{
    return of(store)->world->ram;
}

/* ---------------------------------------------------------------- the store */

static bool is_forgotten(struct world *world, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_JOB_UPDATE:
        return strikes(world, PLANT_FORGET_UPDATE);
    case CHANGE_KEY:
        return strikes(world, PLANT_FORGET_KEY);
    case CHANGE_TIMELINE:
        return strikes(world, PLANT_FORGET_ENTRY);
    case CHANGE_DEPENDENCY:
        return !change->dependency.done && strikes(world, PLANT_FORGET_DEPENDENCY);
    case CHANGE_JOB_INSERT:
        return strikes(world, PLANT_FORGET_INSERT);
    case CHANGE_TENANT:
        return strikes(world, PLANT_FORGET_TENANT);
    case CHANGE_WAITING:
        return strikes(world, PLANT_FORGET_WAITING);
    case CHANGE_USE:
        return !change->use.done && world->plant == PLANT_FORGET_USE;
    case CHANGE_HOOK:
        return (change->hook.kind == HOOK_INSERT && strikes(world, PLANT_FORGET_DELIVERY)) ||
               (change->hook.kind == HOOK_LANE_DUE && strikes(world, PLANT_FORGET_LANE)) ||
               (change->hook.kind == HOOK_UPDATE && strikes(world, PLANT_FORGET_OUTCOME));
    case CHANGE_PAUSE:
        return world->plant == PLANT_FORGET_PAUSE;
    case CHANGE_SPEND:
        return strikes(world, PLANT_FORGET_SPEND) ||
               (change->spend.spent < 0 && world->plant == PLANT_STAYS_SPENT);
    case CHANGE_BUCKET:
    case CHANGE_PACE:
    case CHANGE_UPLOAD_ADD:
        return false;
    case CHANGE_API_KEY:
        return change->api_key.act == API_KEY_CHARGED && strikes(world, PLANT_FORGET_CHARGE);
    case CHANGE_JOB_DELETE:
    case CHANGE_UPLOAD_REMOVE:
        return strikes(world, PLANT_KEEP_ROW);
    }
    return false;
}

static enum store_result load_delivery(struct store *store, const struct need *need,
                                       struct delivery *ret_row)
{
    return store_load_delivery(inner(store), need, ret_row);
}

static enum store_result load_secret(struct store *store, const struct need *need,
                                     struct hook_secret *ret_row)
{
    return store_load_secret(inner(store), need, ret_row);
}

/* An attempt's row, or its job's, with a mistake in it. */
static bool is_falsified(struct world *world, const struct job *job, struct job *ret_job)
{
    enum attempt_state state = job->attempt.state;
    bool is_closed = job->attempt_changed && job->attempt.settled > 0 &&
                     (state == ATTEMPT_DONE || state == ATTEMPT_FAILED || state == ATTEMPT_UNKNOWN);
    if (is_closed && strikes(world, PLANT_SETTLE_TWICE)) {
        *ret_job = *job;
        ret_job->attempt.settled *= 2;
        return true;
    }
    if (is_closed && state == ATTEMPT_UNKNOWN && strikes(world, PLANT_UNKNOWN_FREE)) {
        *ret_job = *job;
        ret_job->attempt.settled = 0;
        return true;
    }
    if (job->cancel_asked && strikes(world, PLANT_DROP_MARK)) {
        *ret_job = *job;
        ret_job->cancel_asked = false;
        return true;
    }
    return false;
}

/* … about attempts that are not at hand. */
static bool is_falsified_late(struct world *world, const struct job *job, struct job *ret_job)
{
    bool forgets_hint = job->hint[0] && strikes(world, PLANT_FORGET_HINT);
    bool forgets_paid = job->paid && strikes(world, PLANT_FORGET_PAID);
    bool is_result = job->outputs_changed && job->outputs[job->output_count - 1].is_late &&
                     strikes(world, PLANT_LATE_RESULT);
    if (!forgets_hint && !forgets_paid && !is_result)
        return false;
    *ret_job = *job;
    if (forgets_hint)
        ret_job->hint[0] = '\0';
    if (forgets_paid)
        ret_job->paid = 0;
    if (is_result)
        ret_job->outputs[job->output_count - 1].is_late = false;
    return true;
}

static enum store_result apply(struct store *store, const struct changes *changes)
{
    struct plant_store *plant = of(store);
    struct world *world = plant->world;
    struct changes *copy = &plant->changes;
    if (copy->capacity < changes->count) {
        copy->capacity = changes->count * 2;
        copy->list = memory_grow(copy->list, copy->capacity * sizeof *copy->list);
    }
    copy->count = 0;
    for (size_t n = 0; n < changes->count; n++) {
        if (is_forgotten(world, &changes->list[n]))
            continue;
        struct change *change = &copy->list[copy->count++];
        *change = changes->list[n];
        if (change->kind == CHANGE_JOB_UPDATE && change->job->progress > 0 &&
            change->job->progress < 100 && strikes(world, PLANT_PROGRESS_FALLS)) {
            plant->job = *change->job;
            plant->job.progress = 0;
            change->job = &plant->job;
        }
        if (change->kind == CHANGE_JOB_UPDATE &&
            (is_falsified(world, change->job, &plant->job) ||
             is_falsified_late(world, change->job, &plant->job)))
            change->job = &plant->job;
        if (change->kind == CHANGE_HOOK && change->hook.kind == HOOK_INSERT &&
            strikes(world, PLANT_OTHER_BODY))
            change->hook.insert.body = SPAN("{}");
        if (change->kind == CHANGE_SPEND && change->spend.spent > 0 &&
            strikes(world, PLANT_SPEND_TWICE))
            change->spend.spent *= 2;
        if (change->kind == CHANGE_BUCKET && change->bucket.delta_count > 0 &&
            strikes(world, PLANT_BUCKET_DELTA))
            change->bucket.delta_count--;
    }
    return store_apply(world->ram, copy);
}

static enum store_result begin(struct store *store)
{
    return store_begin(inner(store));
}

static enum store_result load_job(struct store *store, int64_t key, struct job **ret_job)
{
    return store_load_job(inner(store), key, ret_job);
}

static enum store_result load_key(struct store *store, const struct need *need,
                                  struct key_row *ret_row)
{
    return store_load_key(inner(store), need, ret_row);
}

static enum store_result load_twin(struct store *store, const struct need *need,
                                   struct job **ret_job)
{
    return store_load_twin(inner(store), need, ret_job);
}

static enum store_result load_upload(struct store *store, int64_t key, struct upload *ret_upload)
{
    return store_load_upload(inner(store), key, ret_upload);
}

static enum store_result load_uploads(struct store *store, const char *tenant, int64_t *ret_bytes,
                                      int64_t *ret_count)
{
    return store_load_uploads(inner(store), tenant, ret_bytes, ret_count);
}

static enum store_result load_user(struct store *store, int64_t source, char ret_id[static ID_SIZE])
{
    return store_load_user(inner(store), source, ret_id);
}

static enum store_result get(struct store *store, const struct want *want, struct got *ret_got)
{
    struct world *world = of(store)->world;
    struct want wider = *want;
    bool newest = want->kind == WANT_CLAIM && want->limit > 0 && strikes(world, PLANT_CLAIM_NEWEST);
    if (newest)
        wider.limit = WANT_ROWS_MAX;
    if (want->kind == WANT_DUE && world->plant == PLANT_SLEEP_ON)
        return STORE_OK; /* nobody is due, now or ever */
    enum store_result result = store_get(world->ram, &wider, ret_got);
    if (result != STORE_OK || !newest)
        return result;
    ms_t head_at = ret_got->row_count ? ret_got->rows[0]->queued_at : MS_NEVER;
    while (ret_got->row_count > want->limit) {
        job_free(ret_got->rows[0]);
        ret_got->row_count--;
        for (unsigned n = 0; n < ret_got->row_count; n++)
            ret_got->rows[n] = ret_got->rows[n + 1];
        ret_got->head_at = head_at;
    }
    ret_got->want = *want;
    return result;
}

/* Carried out before the commit. */
static bool is_early(const struct world *world, const struct effect *effect)
{
    return world->plant == PLANT_EFFECTS_FIRST ||
           (world->plant == PLANT_SUBMIT_FIRST && effect->kind == EFFECT_SUBMIT);
}

static enum store_result commit(struct store *store, ms_t now)
{
    struct world *world = of(store)->world;
    for (size_t n = 0; n < world->turn.output.effects.count; n++) {
        struct effect *effect = &world->turn.output.effects.list[n];
        if (is_early(world, effect))
            world_effect(world, effect);
    }
    if (strikes(world, PLANT_LOSE_COMMIT)) {
        store_rollback(world->ram);
        return STORE_OK;
    }
    return store_commit(world->ram, now);
}

static void rollback(struct store *store)
{
    store_rollback(inner(store));
}

/* The sink that forgets the time, or whom to follow. */
struct early {
    const struct store_sink *sink;
    enum plant plant;
};

static void early_meta(void *context, int64_t turn, ms_t now, int64_t last_key, ms_t next_due)
{
    const struct store_sink *sink = ((struct early *)context)->sink;
    bool is_back = ((struct early *)context)->plant == PLANT_TIME_BACK && now > MS_DAY;
    sink->meta(sink->context, turn, is_back ? now - MS_DAY : now, last_key, next_due);
}

static void early_pace(void *context, const struct pace *pace)
{
    const struct store_sink *sink = ((struct early *)context)->sink;
    sink->pace(sink->context, pace);
}

static void early_bucket(void *context, const struct bucket_change *totals, ms_t head_at)
{
    const struct store_sink *sink = ((struct early *)context)->sink;
    sink->bucket(sink->context, totals, head_at);
}

static void early_job(void *context, struct job *job)
{
    const struct store_sink *sink = ((struct early *)context)->sink;
    if (job->following && ((struct early *)context)->plant == PLANT_FORGET_FOLLOWED)
        job_free(job);
    else
        sink->job(sink->context, job);
}

static void early_tenant(void *context, const struct tenant_row *row)
{
    const struct store_sink *sink = ((struct early *)context)->sink;
    sink->tenant(sink->context, row);
}

static void early_waiting(void *context, const char *tenant, int64_t count)
{
    const struct store_sink *sink = ((struct early *)context)->sink;
    sink->waiting(sink->context, tenant, count);
}

static void early_pause(void *context, const struct pause_row *row)
{
    const struct store_sink *sink = ((struct early *)context)->sink;
    sink->pause(sink->context, row);
}

static void early_spend(void *context, const struct spend_row *row)
{
    const struct store_sink *sink = ((struct early *)context)->sink;
    if (row->reserved == 0 || ((struct early *)context)->plant != PLANT_START_POOR)
        sink->spend(sink->context, row);
}

static enum store_result start(struct store *store, const struct store_sink *sink)
{
    enum plant plant = of(store)->world->plant;
    struct early early = {sink, plant};
    const struct store_sink back = {.context = &early,
                                    .meta = early_meta,
                                    .pace = early_pace,
                                    .bucket = early_bucket,
                                    .job = early_job,
                                    .tenant = early_tenant,
                                    .waiting = early_waiting,
                                    .pause = early_pause,
                                    .spend = sink->spend ? early_spend : NULL};
    bool is_wrong =
        plant == PLANT_TIME_BACK || plant == PLANT_FORGET_FOLLOWED || plant == PLANT_START_POOR;
    return store_start(inner(store), is_wrong ? &back : sink);
}

static int64_t hooks_pending(struct store *store)
{
    return store_hooks_pending(inner(store));
}

static const struct store_type plant_type = {
    .name = "plant",
    .begin = begin,
    .load_job = load_job,
    .load_key = load_key,
    .load_twin = load_twin,
    .load_upload = load_upload,
    .load_uploads = load_uploads,
    .load_user = load_user,
    .load_delivery = load_delivery,
    .load_secret = load_secret,
    .apply = apply,
    .get = get,
    .commit = commit,
    .rollback = rollback,
    .start = start,
    .hooks_pending = hooks_pending,
};

struct store *plant_store(struct world *world)
{
    if (world->plant == PLANT_NONE)
        return world->ram;
    struct plant_store *plant = memory_new(struct plant_store);
    plant->store.type = &plant_type;
    plant->world = world;
    return &plant->store;
}

void plant_close(struct world *world)
{
    if (world->store == world->ram)
        return;
    memory_free(of(world->store)->changes.list);
    memory_free(of(world->store));
}

/* ---------------------------------------------------------------- events, effects, limits */

void plant_limits(struct world *world, struct core_config *config)
{
    config->limit_all += world->plant == PLANT_OVER_LIMIT;
    if (world->plant == PLANT_OVER_BUDGET)
        config->budget_count = 0;
    if (world->plant != PLANT_FALSE_ABSENCE)
        return;
    for (unsigned n = 0; n < config->vendor_count; n++) {
        world->planted[n] = config->vendors[n];
        if (world->planted[n].traits.can & (CAN_FIND_EXACT | CAN_FIND_LIKELY))
            world->planted[n].traits.can |= CAN_FIND_EXACT | CAN_FIND_ABSENCE;
    }
    config->vendors = world->planted;
}

static void mistake_told(struct world *world, struct heard *heard)
{
    bool is_unsure =
        heard->call == PROVIDER_CALL_SUBMIT && heard->sent && heard->told->kind == TOLD_NOTHING;
    if (is_unsure && strikes(world, PLANT_UNSURE_UNSENT))
        heard->sent = false;
    if (is_unsure && strikes(world, PLANT_UNSURE_REFUSED)) {
        struct told *told = (struct told *)(uintptr_t)heard->told;
        told->kind = TOLD_REFUSED;
        told->error = ERROR_PROVIDER_REJECTED;
    }
    if (world->plant == PLANT_TAKE_OVER)
        heard->claimed = 0;
}

/* The provider's own word for it, instead of a poll. */
static void believe(struct event *event, struct told *told, int64_t job, unsigned attempt)
{
    told->kind = TOLD_DONE;
    told->file_count = 1;
    told->cost = -1;
    event->kind = EVENT_TOLD;
    event->heard = (struct heard){
        .job = job, .attempt = attempt, .call = PROVIDER_CALL_POLL, .sent = true, .told = told};
}

static void mistake(struct world *world, unsigned number)
{
    struct event *event = world->batch[number];
    if (event->kind == EVENT_ASKED && strikes(world, PLANT_RESERVE_LESS))
        event->asked.price_max /= 2;
    if (event->kind == EVENT_TOLD)
        mistake_told(world, &event->heard);
    if (event->kind == EVENT_CLOSING && world->plant == PLANT_DEAF_CLOSING)
        event->kind = EVENT_DUE;
    if (event->kind == EVENT_HINTED && world->plant == PLANT_DEAF_LATE) {
        const struct ledger_job *job = ledger_find_job(&world->ledger, event->hinted.job);
        if (job && job->attempt_state == ATTEMPT_UNKNOWN)
            event->hinted.remote_id = "";
    }
    if (event->kind == EVENT_HINTED && world->plant == PLANT_DEAF_RESENT) {
        const struct ledger_job *job = ledger_find_job(&world->ledger, event->hinted.job);
        if (job && job->attempt != event->hinted.attempt)
            event->hinted.remote_id = "";
    }
    if (event->kind == EVENT_HINTED && strikes(world, PLANT_HINT_FACT))
        believe(event, &world->tolds[number], event->hinted.job, event->hinted.attempt);
    if (event->kind == EVENT_STREAMED && !event->streamed.is_open &&
        strikes(world, PLANT_STREAM_FACT))
        believe(event, &world->tolds[number], event->streamed.job, event->streamed.attempt);
    if (event->kind == EVENT_RESOLVE_ASKED && world->plant == PLANT_DEAF_HAND)
        event->resolve_asked.ended = ATTEMPT_DONE;
    if (event->kind == EVENT_RESOLVE_ASKED && world->plant == PLANT_TAKE_OVER)
        event->resolve_asked.claimed = false;
    if (event->kind == EVENT_WORKED && event->worked.kind == WORKED_FAILED &&
        event->worked.error == ERROR_INPUT_UNREACHABLE && strikes(world, PLANT_KEPT_ANYWAY)) {
        event->worked.kind = WORKED_KEPT;
        worker_fill_outputs(&event->worked);
    }
}

unsigned plant_before_turn(struct world *world)
{
    unsigned count = world->batch_count;
    for (unsigned n = 0; n < count && world->plant != PLANT_NONE; n++)
        mistake(world, n);
    if (count > 0 && world->batch[count - 1]->kind == EVENT_WORKED &&
        strikes(world, PLANT_DROP_TOLD))
        return count - 1;
    return count;
}

bool plant_effect(struct world *world, struct effect *effect)
{
    if (is_early(world, effect) ||
        (effect->kind == EFFECT_POLL && world->plant == PLANT_POLL_NEVER))
        return false;
    if (effect->kind == EFFECT_WORK && strikes(world, PLANT_WORK_TWICE))
        world_effect(world, effect);
    if (effect->kind == EFFECT_HOOK && strikes(world, PLANT_HOOK_TWICE))
        world_effect(world, effect);
    if (effect->kind != EFFECT_REPLY)
        return true;
    if (strikes(world, PLANT_REPLY_TWICE))
        world_effect(world, effect);
    if (effect->reply.receipt == RECEIPT_STOPPED && strikes(world, PLANT_FREE_RECEIPT))
        effect->reply.receipt = RECEIPT_NOT_SUBMITTED;
    return !strikes(world, PLANT_DROP_REPLY);
}
