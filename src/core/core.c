#include "core/core.h"

#include "base/memory.h"
#include "core/core_private.h"

static void take_config(struct core *core, const struct core_config *config)
{
    core->config = *config;
    core->config.providers = core->config.models = core->config.tenants = NULL;
    core->config.provider_count = core->config.model_count = core->config.tenant_count = 0;
    core->config.tiers = NULL;
    core->config.tier_count = 0;
    core->config.vendors = NULL;
    core->config.vendor_count = 0;
    core->config.budgets = NULL;
    core->config.budget_count = 0;
}

void core_configure(struct core *core, const struct core_config *config)
{
    take_config(core, config);
    limit_change(&core->limits, config);
    health_change(&core->health, config);
    money_configure(core, config);
}

struct core *core_make(const struct core_config *config)
{
    struct core *core = memory_new(struct core);
    take_config(core, config);
    core->next_due = MS_NEVER;
    rng_init(&core->rng, config->seed);
    limit_init(&core->limits, config);
    queue_init(&core->queue, &core->limits);
    map_init(&core->paces);
    map_init(&core->health);
    health_change(&core->health, config);
    map_init(&core->jobs);
    map_init(&core->remote_ids);
    list_init(&core->ended_ids);
    map_init(&core->keys);
    map_init(&core->twins);
    map_init(&core->uploads);
    map_init(&core->totals);
    map_init(&core->users);
    notify_init(&core->notify, config);
    core->config.hook_schedule = NULL;
    money_init(core, config);
    heap_init(&core->timers);
    arena_init(&core->arena);
    list_init(&core->waiters);
    list_init(&core->loaded);
    list_init(&core->dirty);
    list_init(&core->flushed);
    list_init(&core->ended);
    list_init(&core->late_wants);
    return core;
}

void core_free(struct core *core)
{
    if (!core)
        return;
    size_t cursor = 0;
    for (struct job *job; (job = map_next(&core->jobs, &cursor));)
        job_free(job);
    cursor = 0;
    for (void *pace; (pace = map_next(&core->paces, &cursor));)
        memory_free(pace);
    for (struct list *link; (link = list_take(&core->waiters));)
        memory_free(LIST_OWNER(link, struct waiter, link));
    notify_done(&core->notify);
    money_done(core);
    queue_done(&core->queue);
    limit_done(&core->limits);
    map_done(&core->paces);
    health_done(&core->health);
    map_done(&core->jobs);
    remote_id_done(core);
    map_done(&core->keys);
    map_done(&core->twins);
    map_done(&core->uploads);
    map_done(&core->totals);
    map_done(&core->users);
    heap_done(&core->timers);
    arena_done(&core->arena);
    memory_free(core);
}

void core_needs(const struct core *core, const struct event *event, struct needs *ret_needs)
{
    ret_needs->count = 0;
    switch (event->kind) {
    case EVENT_ASKED:
        ask_needs(&event->asked, ret_needs);
        break;
    case EVENT_CANCEL_ASKED:
        ret_needs->list[ret_needs->count++] =
            (struct need){.kind = NEED_JOB, .job = event->cancel_asked.job};
        break;
    case EVENT_CHANGE_ASKED:
        ret_needs->list[ret_needs->count++] =
            (struct need){.kind = NEED_JOB, .job = event->change_asked.job};
        break;
    case EVENT_UPLOADED:
        upload_needs(&event->uploaded, ret_needs);
        break;
    case EVENT_REMOVE_ASKED:
        remove_needs(&event->remove_asked, ret_needs);
        break;
    case EVENT_HOOK_ASKED:
        ret_needs->list[ret_needs->count++] =
            (struct need){.kind = NEED_JOB, .job = event->hook_asked.job};
        ret_needs->list[ret_needs->count++] = (struct need){.kind = NEED_DELIVERY,
                                                            .job = event->hook_asked.job,
                                                            .number = event->hook_asked.number};
        break;
    case EVENT_SECRET_ASKED:
        ret_needs->list[ret_needs->count++] =
            (struct need){.kind = NEED_SECRET, .tenant = event->secret_asked.tenant};
        break;
    case EVENT_RESOLVE_ASKED:
        ret_needs->list[ret_needs->count++] =
            (struct need){.kind = NEED_JOB, .job = event->resolve_asked.job};
        break;
    case EVENT_HINTED:
        late_needs(core, event->hinted.job, ret_needs);
        break;
    case EVENT_TOLD:
        if (event->heard.told->kind == TOLD_ACCEPTED)
            late_needs(core, event->heard.job, ret_needs);
        break;
    case EVENT_STREAMED:
    case EVENT_VENDOR_ASKED:
    case EVENT_CLOSING:
    case EVENT_API_KEY_ASKED:
    case EVENT_TENANT_ASKED:
    case EVENT_HOOKED: /* what is in flight is in memory too */
    case EVENT_WORKED: /* jobs in flight are in memory; word about others counts for nothing */
    case EVENT_GOT:
    case EVENT_RECOVERED:
    case EVENT_DUE:
        break;
    }
}

void core_give_job(struct core *core, struct job *job)
{
    if (life_find_any(core, job->key)) {
        job_free(job);
        return;
    }
    money_loaded(job);
    map_set(&core->jobs, job_key_span(job), job);
    list_add(&core->loaded, &job->link);
}

/* What a client wants of a job of its own. */
struct wish {
    uint64_t token;
    const char *tenant;
    int64_t job;
    enum happening happening;
};

static void step_on_job(struct core *core, struct output *output, const struct event *event,
                        struct wish wish)
{
    struct job *job = life_find(core, wish.job);
    if (job && span_is(span_of(job->tenant), wish.tenant)) {
        table_run(core, output, job, wish.happening, event);
        return;
    }
    struct reply *reply = &output_effect(output, EFFECT_REPLY)->reply;
    reply->token = wish.token;
    reply->error = ERROR_NOT_FOUND;
    (void)span_copy(SPAN("There is no such job."), reply->text, sizeof reply->text);
}

static void step_worked(struct core *core, struct output *output, const struct event *event)
{
    static const enum happening happenings[] = {
        [WORKED_RUNNING] = HAPPENS_RUNNING, [WORKED_MADE] = HAPPENS_WORKED,
        [WORKED_KEPT] = HAPPENS_KEPT,       [WORKED_FAILED] = HAPPENS_FAILED,
        [WORKED_STOPPED] = HAPPENS_STOPPED,
    };
    struct job *job = life_find(core, event->worked.job);
    if (job && job->attempt.number == event->worked.attempt)
        table_run(core, output, job, happenings[event->worked.kind], event);
}

/* What a provider's word to a submission comes to. */
static enum happening submitted(const struct heard *heard)
{
    if (heard->told->kind == TOLD_ACCEPTED)
        return HAPPENS_ACCEPTED;
    if (heard->told->kind == TOLD_REFUSED)
        return HAPPENS_REFUSED;
    return heard->told->kind == TOLD_LATER || !heard->sent ? HAPPENS_LATER : HAPPENS_UNSURE;
}

static void step_told(struct core *core, struct output *output, const struct event *event)
{
    const struct heard *heard = &event->heard;
    struct job *job = life_find(core, heard->job);
    if (!job || !remote_health(core, job))
        return;
    if (job->attempt.number != heard->attempt) {
        if (heard->call == PROVIDER_CALL_SUBMIT && heard->told->kind == TOLD_ACCEPTED)
            (void)late_word(core, output, job, heard->attempt, heard->told->remote_id);
        return;
    }
    switch (heard->call) {
    case PROVIDER_CALL_SUBMIT:
        table_run(core, output, job, submitted(heard), event);
        break;
    case PROVIDER_CALL_POLL:
    case PROVIDER_CALL_RESULT:
        table_run(core, output, job, HAPPENS_READ, event);
        break;
    case PROVIDER_CALL_CANCEL:
        table_run(core, output, job, HAPPENS_CANCELED, event);
        break;
    case PROVIDER_CALL_FIND:
        table_run(core, output, job, HAPPENS_SOUGHT, event);
        break;
    case PROVIDER_CALL_HEALTH:
        break;
    }
}

/* Word that comes from a provider unasked. */
static void step_unasked(struct core *core, struct output *output, const struct event *event,
                         int64_t key, enum happening happening)
{
    struct job *job = life_find(core, key);
    if (job && remote_health(core, job))
        table_run(core, output, job, happening, event);
}

static void step_vendor_asked(struct core *core, struct output *output,
                              const struct vendor_asked *asked)
{
    struct health *health = health_of(&core->health, asked->provider);
    struct reply *reply = &output_effect(output, EFFECT_REPLY)->reply;
    reply->token = asked->token;
    if (health) {
        if (health->is_paused != asked->pause) {
            struct pause_row *row = &output_change(output, CHANGE_PAUSE)->pause;
            *row = (struct pause_row){.since = asked->pause ? core->now : 0};
            (void)span_copy(span_of(health->name), row->provider, sizeof row->provider);
        }
        health_pauses(health, &core->limits, asked->pause);
        return;
    }
    reply->error = ERROR_NOT_FOUND;
    (void)span_copy(SPAN("There is no such provider."), reply->text, sizeof reply->text);
}

/* Hands each row to the identity map and gives the row that counts. */
static struct job *take_row(struct core *core, struct job *row)
{
    int64_t key = row->key;
    core_give_job(core, row);
    return life_find_any(core, key);
}

static void step_got(struct core *core, struct output *output, const struct event *event)
{
    const struct got *got = &event->got;
    struct ended *ended = NULL;
    if (got->want.kind == WANT_LANES || got->want.kind == WANT_DELIVERIES) {
        notify_got(core, output, got);
        return;
    }
    if (got->want.kind == WANT_ATTEMPT) {
        late_got(core, output, got);
        return;
    }
    if (got->want.kind == WANT_DEPENDENTS) {
        ended = LIST_OWNER(core->ended.next, struct ended, link);
        assert(!list_empty(&core->ended) && ended->job == got->want.job);
    }
    if (got->want.kind == WANT_DUE)
        core->next_due = got->next_due; /* before the rows are stepped: they may bring it nearer */
    unsigned left = 0;
    for (unsigned n = 0; n < got->row_count; n++) {
        struct job *job = take_row(core, got->rows[n]);
        if (got->want.kind == WANT_CLAIM) {
            /* Where one has to stay, those behind it do too: it may have taken the room away. */
            if (left == 0)
                table_run(core, output, job, HAPPENS_CLAIMED, NULL);
            left += job->state == STATE_QUEUED;
        } else if (got->want.kind == WANT_DUE)
            table_run(core, output, job, HAPPENS_DUE, NULL);
        else
            wait_release(core, output, ended, job);
    }
    if (got->want.kind == WANT_CLAIM)
        queue_got(&core->queue, &got->want, got->row_count - left, left, got->head_at);
    else if (ended && got->row_count < got->want.limit)
        list_remove(&ended->link); /* those were all */
}

static void step_due(struct core *core, struct output *output)
{
    struct heap_node *node;
    while ((node = heap_first(&core->timers)) && node->at <= core->now) {
        struct job *job = HEAP_OWNER(node, struct job, timer);
        heap_remove(&core->timers, node);
        table_run(core, output, job, HAPPENS_DUE, NULL);
        /* A woken job changes its state or its wake time (reliability I2). */
        assert((!state_is_in_flight(job->state) && !job->following) || job->timer.at > core->now);
    }
}

/* Time goes on, and never back. */
static void take_time(struct core *core, ms_t now)
{
    ms_t before = core->now;
    if (now <= before)
        return;
    core->now = now;
    money_turn(core, before);
    health_turn(&core->health, &core->limits, core->now);
}

static struct wish wish_of(const struct event *event)
{
    if (event->kind == EVENT_CANCEL_ASKED)
        return (struct wish){event->cancel_asked.token, event->cancel_asked.tenant,
                             event->cancel_asked.job, HAPPENS_CANCEL};
    if (event->kind == EVENT_CHANGE_ASKED)
        return (struct wish){event->change_asked.token, event->change_asked.tenant,
                             event->change_asked.job, HAPPENS_CHANGE};
    return (struct wish){event->resolve_asked.token, event->resolve_asked.tenant,
                         event->resolve_asked.job, HAPPENS_RESOLVED};
}

void core_step(struct core *core, const struct event *event, struct output *output)
{
    take_time(core, event->now);
    switch (event->kind) {
    case EVENT_ASKED:
        ask_step(core, output, event);
        break;
    case EVENT_CANCEL_ASKED:
    case EVENT_CHANGE_ASKED:
    case EVENT_RESOLVE_ASKED:
        step_on_job(core, output, event, wish_of(event));
        break;
    case EVENT_API_KEY_ASKED:
        api_key_step(core, output, event);
        break;
    case EVENT_TENANT_ASKED:
        tenant_step(core, output, event);
        break;
    case EVENT_UPLOADED:
        upload_step(core, output, event);
        break;
    case EVENT_REMOVE_ASKED:
        remove_step(core, output, event);
        break;
    case EVENT_WORKED:
        step_worked(core, output, event);
        break;
    case EVENT_GOT:
        step_got(core, output, event);
        break;
    case EVENT_RECOVERED:
        table_run(core, output, take_row(core, event->recovered), HAPPENS_RECOVERED, event);
        break;
    case EVENT_TOLD:
        step_told(core, output, event);
        break;
    case EVENT_HINTED:
        step_unasked(core, output, event, event->hinted.job, HAPPENS_HINTED);
        break;
    case EVENT_STREAMED:
        step_unasked(core, output, event, event->streamed.job, HAPPENS_STREAMED);
        break;
    case EVENT_VENDOR_ASKED:
        step_vendor_asked(core, output, &event->vendor_asked);
        break;
    case EVENT_DUE:
        step_due(core, output);
        break;
    case EVENT_CLOSING:
        core->is_closing = true;
        break;
    case EVENT_HOOKED:
        notify_hooked(core, output, &event->hooked);
        break;
    case EVENT_HOOK_ASKED:
        notify_asked(core, output, &event->hook_asked);
        break;
    case EVENT_SECRET_ASKED:
        notify_secret_asked(core, output, &event->secret_asked);
        break;
    }
}

void core_flush(struct core *core, struct output *output)
{
    while (!list_empty(&core->dirty))
        life_write(core, output, LIST_OWNER(core->dirty.next, struct job, dirty_link));
    queue_flush(&core->queue, output);
    limit_flush(&core->limits, output);
    money_flush(core, output);
    health_flush(&core->health, output);
}

bool core_want(struct core *core, struct want *ret_want)
{
    if (!list_empty(&core->ended)) {
        const struct ended *ended = LIST_OWNER(core->ended.next, struct ended, link);
        *ret_want =
            (struct want){.kind = WANT_DEPENDENTS, .job = ended->job, .limit = WANT_ROWS_MAX};
        return true;
    }
    if (late_want(core, ret_want))
        return true;
    if (core->next_due <= core->now) {
        *ret_want = (struct want){.kind = WANT_DUE, .before = core->now, .limit = WANT_ROWS_MAX};
        return true;
    }
    return (!core->is_closing && queue_want(&core->queue, core->now, ret_want)) ||
           notify_want(core, ret_want);
}

void core_end_turn(struct core *core)
{
    for (struct list *link; (link = list_take(&core->flushed));) {
        struct job *job = LIST_OWNER(link, struct job, dirty_link);
        job->attempt_changed = job->outputs_changed = job->progress_only = false;
    }
    for (struct list *link; (link = list_take(&core->loaded));) {
        struct job *job = LIST_OWNER(link, struct job, link);
        assert(!job->is_dirty);
        map_remove(&core->jobs, job_key_span(job));
        job_free(job);
    }
    map_done(&core->keys);
    map_done(&core->twins);
    map_done(&core->uploads);
    map_done(&core->totals);
    map_done(&core->users);
    notify_end_turn(core);
    money_end_turn(core);
    arena_clear(&core->arena);
}

ms_t core_wake_at(const struct core *core)
{
    const struct heap_node *node = heap_first(&core->timers);
    ms_t at = node ? node->at : MS_NEVER, hooks = notify_wake_at(core);
    ms_t blocks = health_wake_at(&core->health), budgets = money_wake_at(core);
    at = hooks < at ? hooks : at;
    at = blocks < at ? blocks : at;
    at = budgets < at ? budgets : at;
    return core->next_due < at ? core->next_due : at;
}

ms_t core_now(const struct core *core)
{
    return core->now;
}

void core_set_last_key(struct core *core, int64_t key)
{
    core->last_key = key;
}

void core_set_now(struct core *core, ms_t now)
{
    core->now = now;
}

void core_set_next_due(struct core *core, ms_t at)
{
    core->next_due = at;
}

void core_set_bucket(struct core *core, const struct bucket_change *totals, ms_t head_at)
{
    queue_set(&core->queue, totals, head_at);
}

void core_set_pace(struct core *core, const struct pace *pace)
{
    struct pace_entry *copy = memory_new(struct pace_entry);
    copy->row = *pace;
    map_set(&core->paces, span_of(copy->row.model), copy);
}

void core_set_pause(struct core *core, const struct pause_row *row)
{
    struct health *health = health_of(&core->health, row->provider);
    if (health)
        health_pauses(health, &core->limits, true);
}

ms_t core_pace(const struct core *core, const char *model)
{
    const struct pace_entry *pace = map_get(&core->paces, span_of(model));
    return pace ? pace->row.mean : 0;
}

void core_gauges(const struct core *core, struct core_gauges *ret_gauges)
{
    *ret_gauges = (struct core_gauges){
        .in_flight = core->limits.in_flight,
        .limit = core->limits.limit,
        .queued = core->limits.queued,
        .waiting = core->limits.waiting,
        .hooks_in_flight = core->notify.in_flight,
    };
}

bool core_gauge_next(const struct core *core, enum core_gauge_kind kind, size_t *cursor,
                     struct core_gauge *ret_gauge)
{
    const struct gauge *gauge = map_next(&core->limits.gauges[kind], cursor);
    if (!gauge)
        return false;
    *ret_gauge = (struct core_gauge){
        .name = gauge->name,
        .in_flight = gauge->in_flight,
        .limit = gauge->limit,
        .queued = gauge->queued,
        .waiting = gauge->waiting,
        .weight = gauge->weight,
        .budget = TENANT_NO_BUDGET,
        .is_broke = gauge->is_broke,
    };
    if (kind != CORE_GAUGE_MODEL)
        money_show(core, kind == CORE_GAUGE_TENANT ? MONEY_TENANT : MONEY_PROVIDER, ret_gauge);
    const struct health *health =
        kind == CORE_GAUGE_PROVIDER ? health_of(&core->health, gauge->name) : NULL;
    if (health)
        ret_gauge->health = (struct core_health){.is_paused = health->is_paused,
                                                 .half_open = health->half_open,
                                                 .blocked_until = health->blocked_until,
                                                 .why = health->why,
                                                 .failures = health->failures,
                                                 .is_throttled = gauge->window &&
                                                                 gauge->submitting >= gauge->window,
                                                 .reads = health->reads};
    return true;
}

bool core_flight_next(const struct core *core, size_t *cursor, const struct job **ret_job)
{
    const struct job *job = map_next(&core->jobs, cursor);
    if (job)
        *ret_job = job;
    return job != NULL;
}
