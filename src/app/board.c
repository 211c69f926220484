#include "app/board.h"

#include "base/map.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct board_gauge {
    char name[JOB_MODEL_SIZE];
    unsigned in_flight, limit;
    int streams; /* of providers: open */
    int64_t queued, waiting;
    ms_t pace;
    bool is_broke;
    struct answer_budget budget;
    struct core_health health;
};

enum { BOARD_KINDS = 3, BOARD_OPERATIONS = 256 };

struct board {
    pthread_mutex_t lock;
    struct map gauges[BOARD_KINDS]; /* struct board_gauge by name, owned */
    struct core_gauges all;
    struct answer_operation operations[BOARD_OPERATIONS]; /* by age */
    unsigned operation_count;
    int64_t local_queued;
    uint64_t disk_free;
    atomic_bool ready, full;
    atomic_int_fast64_t hooks_pending;
    struct board_counters counters;
};

static const ms_t board_limits[BOARD_BUCKETS] = {1,    5,    10,    50,     100,    500,
                                                 1000, 5000, 30000, 120000, 600000, 3600000};

struct board *board_make(void)
{
    struct board *board = memory_new(struct board);
    (void)pthread_mutex_init(&board->lock, NULL);
    for (int kind = 0; kind < BOARD_KINDS; kind++)
        map_init(&board->gauges[kind]);
    return board;
}

void board_free(struct board *board)
{
    if (!board)
        return;
    for (int kind = 0; kind < BOARD_KINDS; kind++) {
        size_t cursor = 0;
        for (void *gauge; (gauge = map_next(&board->gauges[kind], &cursor));)
            memory_free(gauge);
        map_done(&board->gauges[kind]);
    }
    (void)pthread_mutex_destroy(&board->lock);
    memory_free(board);
}

struct board_counters *board_counters(struct board *board)
{
    return &board->counters;
}

void board_observe(struct board_histogram *histogram, ms_t took)
{
    int bucket = 0;
    while (bucket < BOARD_BUCKETS && took > board_limits[bucket])
        bucket++;
    atomic_fetch_add(&histogram->counts[bucket], 1);
    atomic_fetch_add(&histogram->sum, (uint64_t)(took > 0 ? took : 0));
    atomic_fetch_add(&histogram->count, 1);
}

/* Makes it if need be. */
static struct board_gauge *find_gauge(struct board *board, enum core_gauge_kind kind,
                                      const char *name)
{
    struct board_gauge *gauge = map_get(&board->gauges[kind], span_of(name));
    if (gauge)
        return gauge;
    gauge = memory_new(struct board_gauge);
    (void)span_copy(span_of(name), gauge->name, sizeof gauge->name);
    map_set(&board->gauges[kind], span_of(gauge->name), gauge);
    return gauge;
}

static void show_gauge(struct board *board, const struct core *core, enum core_gauge_kind kind,
                       const struct core_gauge *seen)
{
    struct board_gauge *gauge = find_gauge(board, kind, seen->name);
    gauge->in_flight = seen->in_flight;
    gauge->limit = seen->limit;
    gauge->queued = seen->queued;
    gauge->waiting = seen->waiting;
    gauge->is_broke = seen->is_broke;
    gauge->budget = (struct answer_budget){seen->budget != TENANT_NO_BUDGET,
                                           seen->budget,
                                           seen->period,
                                           seen->spent,
                                           seen->reserved,
                                           seen->renews_at};
    gauge->health = seen->health;
    if (kind == CORE_GAUGE_MODEL)
        gauge->pace = core_pace(core, seen->name);
    /* The models of this machine are named after it. */
    if (kind == CORE_GAUGE_MODEL && span_starts(span_of(seen->name), "local/"))
        board->local_queued += seen->queued;
}

static int compare_age(const void *a, const void *b)
{
    const struct answer_operation *first = a, *second = b;
    return (first->since > second->since) - (first->since < second->since);
}

/* Jobs in flight are few (limits say how many); the map gives them in the order of their starts. */
static void show_operations(struct board *board, const struct core *core)
{
    size_t cursor = 0;
    const struct job *job;
    board->operation_count = 0;
    while (board->operation_count < BOARD_OPERATIONS && core_flight_next(core, &cursor, &job)) {
        struct answer_operation *operation = &board->operations[board->operation_count++];
        (void)span_copy(span_of(job->model), operation->model, sizeof operation->model);
        (void)span_copy(span_of(job->tenant), operation->tenant, sizeof operation->tenant);
        operation->since = job->started_at ? job->started_at : job->attempt.intent_at;
    }
    qsort(board->operations, board->operation_count, sizeof board->operations[0], compare_age);
}

void board_show(struct board *board, const struct core *core, uint64_t disk_free)
{
    (void)pthread_mutex_lock(&board->lock);
    core_gauges(core, &board->all);
    show_operations(board, core);
    board->local_queued = 0;
    board->disk_free = disk_free;
    for (int kind = 0; kind < BOARD_KINDS; kind++) {
        struct core_gauge gauge;
        size_t cursor = 0;
        while (core_gauge_next(core, (enum core_gauge_kind)kind, &cursor, &gauge))
            show_gauge(board, core, (enum core_gauge_kind)kind, &gauge);
    }
    (void)pthread_mutex_unlock(&board->lock);
}

void board_stats(struct board *board, const char *tenant, struct answer_operation *operations,
                 unsigned capacity, struct answer_stats *ret_stats)
{
    (void)pthread_mutex_lock(&board->lock);
    const struct board_gauge *local = map_get(&board->gauges[CORE_GAUGE_PROVIDER], SPAN("local"));
    const struct board_gauge *own =
        tenant ? map_get(&board->gauges[CORE_GAUGE_TENANT], span_of(tenant)) : NULL;
    unsigned count = 0;
    for (unsigned n = 0; n < board->operation_count && count < capacity; n++) {
        if (!tenant || strcmp(board->operations[n].tenant, tenant) == 0)
            operations[count++] = board->operations[n];
    }
    *ret_stats = (struct answer_stats){
        .operations = operations,
        .operation_count = count,
        .active = !tenant ? board->all.in_flight
                  : own   ? own->in_flight
                          : 0,
        .workers = local ? local->limit : 0,
        .workers_active = local ? local->in_flight : 0,
        .workers_queued = board->local_queued,
    };
    (void)pthread_mutex_unlock(&board->lock);
}

void board_tenant(struct board *board, struct answer_tenant *tenant)
{
    (void)pthread_mutex_lock(&board->lock);
    const struct board_gauge *gauge =
        map_get(&board->gauges[CORE_GAUGE_TENANT], span_of(tenant->row.tenant));
    tenant->in_flight = gauge ? gauge->in_flight : 0;
    tenant->queued = gauge ? gauge->queued : 0;
    tenant->waiting = gauge ? gauge->waiting : 0;
    tenant->budget = gauge ? gauge->budget : (struct answer_budget){0};
    (void)pthread_mutex_unlock(&board->lock);
}

void board_budget(struct board *board, const char *tenant, struct answer_budget *ret_budget)
{
    (void)pthread_mutex_lock(&board->lock);
    const struct board_gauge *gauge = map_get(&board->gauges[CORE_GAUGE_TENANT], span_of(tenant));
    *ret_budget = gauge ? gauge->budget : (struct answer_budget){0};
    (void)pthread_mutex_unlock(&board->lock);
}

void board_provider(struct board *board, struct answer_provider *provider)
{
    (void)pthread_mutex_lock(&board->lock);
    const struct board_gauge *gauge =
        map_get(&board->gauges[CORE_GAUGE_PROVIDER], span_of(provider->name));
    provider->in_flight = gauge ? gauge->in_flight : 0;
    provider->limit = gauge ? gauge->limit : 0;
    provider->health = gauge ? gauge->health : (struct core_health){.is_paused = false};
    (void)pthread_mutex_unlock(&board->lock);
}

void board_set_ready(struct board *board, bool ready)
{
    atomic_store(&board->ready, ready);
}

void board_set_full(struct board *board, bool full)
{
    atomic_store(&board->full, full);
}

void board_set_hooks(struct board *board, int64_t pending)
{
    atomic_store(&board->hooks_pending, pending);
}

void board_count_stream(struct board *board, const char *provider, int by)
{
    (void)pthread_mutex_lock(&board->lock);
    find_gauge(board, CORE_GAUGE_PROVIDER, provider)->streams += by;
    (void)pthread_mutex_unlock(&board->lock);
}

bool board_ready(struct board *board)
{
    return atomic_load(&board->ready);
}

bool board_full(struct board *board)
{
    return atomic_load(&board->full);
}

ms_t board_pace(struct board *board, const char *model)
{
    (void)pthread_mutex_lock(&board->lock);
    const struct board_gauge *gauge = map_get(&board->gauges[CORE_GAUGE_MODEL], span_of(model));
    ms_t pace = gauge ? gauge->pace : 0;
    (void)pthread_mutex_unlock(&board->lock);
    return pace;
}

/* The provider has too little left of its budget for the next job. */
static bool waits_for_budget(struct board *board, const struct job *job, struct arena *arena,
                             struct answer_waiting *ret_waiting)
{
    static const char *const words[TENANT_PERIOD_COUNT] = {
        [TENANT_DAY] = " of today", [TENANT_MONTH] = " of this month", [TENANT_TOTAL] = ""};
    const struct board_gauge *gauge =
        map_get(&board->gauges[CORE_GAUGE_PROVIDER], span_of(job->provider));
    if (!gauge || !gauge->is_broke)
        return false;
    ret_waiting->code = "budget";
    ret_waiting->message =
        arena_print(arena, "The budget%s for %s leaves too little for the next job there.",
                    words[gauge->budget.period], gauge->name);
    ret_waiting->until = gauge->budget.renews_at;
    return true;
}

/* The first limit that is reached: overall, tenant's, model's, provider's; NULL when none is. */
static const char *reached_limit(struct board *board, const struct job *job,
                                 const char **ret_sentence)
{
    const struct {
        enum core_gauge_kind kind;
        const char *name, *code, *sentence;
    } rows[] = {
        {CORE_GAUGE_TENANT, job->tenant, "tenant_limit",
         "As many jobs of this tenant are running as its limit allows."},
        {CORE_GAUGE_MODEL, job->model, "model_limit",
         "As many jobs of this model are running as its limit allows."},
        {CORE_GAUGE_PROVIDER, job->provider, "provider_limit",
         "As many jobs are running at the provider as its limit allows."},
    };
    if (board->all.limit && board->all.in_flight >= board->all.limit) {
        *ret_sentence = "As many jobs are running as the server's limit allows.";
        return "limit";
    }
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        const struct board_gauge *gauge =
            map_get(&board->gauges[rows[n].kind], span_of(rows[n].name));
        if (gauge && gauge->limit && gauge->in_flight >= gauge->limit) {
            *ret_sentence = rows[n].sentence;
            return rows[n].code;
        }
    }
    return NULL;
}

/* Why the provider takes nothing now; NULL: it does. */
static const char *closed_provider(struct board *board, const struct job *job,
                                   struct answer_waiting *waiting)
{
    const struct board_gauge *gauge =
        map_get(&board->gauges[CORE_GAUGE_PROVIDER], span_of(job->provider));
    const struct core_health *health = gauge ? &gauge->health : NULL;
    if (!health || (!health->is_paused && !health->blocked_until && !health->is_throttled))
        return NULL;
    if (health->is_paused) {
        waiting->message = "An operator has paused the provider.";
        return "provider_paused";
    }
    waiting->until = health->blocked_until;
    if (health->why == ERROR_RATE_LIMITED || !health->blocked_until) {
        waiting->message = health->blocked_until
                               ? "The provider takes no more for a while."
                               : "The provider took no more, and is sent fewer jobs at once.";
        return "rate_limit";
    }
    if (health->why == ERROR_OUT_OF_CREDIT || health->why == ERROR_BAD_KEY) {
        waiting->message = error_sentence(health->why);
        return error_name(health->why);
    }
    waiting->message = "The provider failed several times in a row; it is left alone.";
    return "breaker";
}

void board_why(struct board *board, const struct job *job, int64_t position, struct arena *arena,
               struct answer_waiting *ret_waiting)
{
    *ret_waiting = (struct answer_waiting){.code = NULL};
    if (job->state == STATE_WAITING && job->waits_for > 0) {
        ret_waiting->code = "dependency";
        ret_waiting->message = arena_print(arena, "Waits for %u other job%s to succeed.",
                                           job->waits_for, job->waits_for == 1 ? "" : "s");
    } else if (job->state == STATE_WAITING) {
        ret_waiting->code = "start_time";
        ret_waiting->message = "Waits for its start time.";
        ret_waiting->until = job->start_at;
    } else if (job->state == STATE_SUBMITTING && job->attempt.state == ATTEMPT_REFUSED) {
        /* Put off, or refused for our account: it is tried again once the provider takes jobs. */
        (void)pthread_mutex_lock(&board->lock);
        ret_waiting->code = closed_provider(board, job, ret_waiting);
        (void)pthread_mutex_unlock(&board->lock);
    } else if (job->state == STATE_QUEUED) {
        (void)pthread_mutex_lock(&board->lock);
        ret_waiting->code = closed_provider(board, job, ret_waiting);
        if (!ret_waiting->code && !waits_for_budget(board, job, arena, ret_waiting))
            ret_waiting->code = reached_limit(board, job, &ret_waiting->message);
        (void)pthread_mutex_unlock(&board->lock);
        ret_waiting->position = position;
        if (!ret_waiting->code) {
            ret_waiting->code = "position";
            ret_waiting->message = "Waits for its turn in the queue.";
        }
    }
}

static void write_histogram(struct buffer *target, const char *name, const char *help,
                            struct board_histogram *histogram)
{
    uint64_t sum = 0;
    buffer_print(target, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
    for (int n = 0; n < BOARD_BUCKETS; n++) {
        sum += atomic_load(&histogram->counts[n]);
        buffer_print(target, "%s_bucket{le=\"%g\"} %llu\n", name, (double)board_limits[n] / 1000,
                     (unsigned long long)sum);
    }
    buffer_print(target, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.3f\n%s_count %llu\n", name,
                 (unsigned long long)atomic_load(&histogram->count), name,
                 (double)atomic_load(&histogram->sum) / 1000, name,
                 (unsigned long long)atomic_load(&histogram->count));
}

static void write_counter(struct buffer *target, const char *name, const char *help,
                          atomic_uint_fast64_t *value)
{
    buffer_print(target, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", name, help, name, name,
                 (unsigned long long)atomic_load(value));
}

static void write_streams(struct board *board, struct buffer *target)
{
    size_t cursor = 0;
    buffer_print(target, "# HELP reel_provider_streams Jobs that are followed by a stream which is "
                         "open, by provider.\n# TYPE reel_provider_streams gauge\n");
    for (struct board_gauge *gauge;
         (gauge = map_next(&board->gauges[CORE_GAUGE_PROVIDER], &cursor));)
        buffer_print(target, "reel_provider_streams{provider=\"%s\"} %d\n", gauge->name,
                     gauge->streams);
}

static void write_gauges(struct board *board, struct buffer *target)
{
    static const char *const kinds[BOARD_KINDS] = {"provider", "model", "tenant"};
    buffer_print(target,
                 "# HELP reel_jobs_queued Jobs that wait for their turn.\n"
                 "# TYPE reel_jobs_queued gauge\nreel_jobs_queued %lld\n"
                 "# HELP reel_jobs_waiting Jobs that wait for a time or for other jobs.\n"
                 "# TYPE reel_jobs_waiting gauge\nreel_jobs_waiting %lld\n"
                 "# HELP reel_jobs_in_flight Jobs from submission to storing.\n"
                 "# TYPE reel_jobs_in_flight gauge\nreel_jobs_in_flight %u\n"
                 "# HELP reel_disk_free_bytes Room for outputs.\n"
                 "# TYPE reel_disk_free_bytes gauge\nreel_disk_free_bytes %llu\n",
                 (long long)board->all.queued, (long long)board->all.waiting, board->all.in_flight,
                 (unsigned long long)board->disk_free);
    buffer_print(target,
                 "# HELP reel_webhook_pending Webhooks that have not been delivered yet.\n"
                 "# TYPE reel_webhook_pending gauge\nreel_webhook_pending %lld\n"
                 "# HELP reel_webhook_in_flight Those of them that are being sent.\n"
                 "# TYPE reel_webhook_in_flight gauge\nreel_webhook_in_flight %u\n",
                 (long long)atomic_load(&board->hooks_pending), board->all.hooks_in_flight);
    for (int kind = 0; kind < BOARD_KINDS; kind++) {
        buffer_print(target,
                     "# HELP reel_%s_in_flight Jobs in flight, by %s.\n"
                     "# TYPE reel_%s_in_flight gauge\n",
                     kinds[kind], kinds[kind], kinds[kind]);
        size_t cursor = 0;
        for (struct board_gauge *gauge; (gauge = map_next(&board->gauges[kind], &cursor));)
            buffer_print(target, "reel_%s_in_flight{%s=\"%s\"} %u\n", kinds[kind], kinds[kind],
                         gauge->name, gauge->in_flight);
        if (kind == CORE_GAUGE_PROVIDER) {
            write_streams(board, target);
            continue;
        }
        buffer_print(target,
                     "# HELP reel_%s_queued Jobs queued, by %s.\n"
                     "# TYPE reel_%s_queued gauge\n",
                     kinds[kind], kinds[kind], kinds[kind]);
        cursor = 0;
        for (struct board_gauge *gauge; (gauge = map_next(&board->gauges[kind], &cursor));)
            buffer_print(target, "reel_%s_queued{%s=\"%s\"} %lld\n", kinds[kind], kinds[kind],
                         gauge->name, (long long)gauge->queued);
    }
}

void board_write(struct board *board, struct buffer *target)
{
    struct board_counters *counters = &board->counters;
    buffer_print(target, "# HELP reel_build_info The version that runs.\n"
                         "# TYPE reel_build_info gauge\n"
                         "reel_build_info{version=\"" REEL_VERSION "\"} 1\n");
    buffer_print(target, "# HELP reel_http_requests_total Requests answered, by class of status.\n"
                         "# TYPE reel_http_requests_total counter\n");
    for (int n = 1; n < 6; n++)
        buffer_print(target, "reel_http_requests_total{status=\"%dxx\"} %llu\n", n,
                     (unsigned long long)atomic_load(&counters->requests[n]));
    buffer_print(target, "# HELP reel_jobs_ended_total Jobs that ended, by state.\n"
                         "# TYPE reel_jobs_ended_total counter\n");
    for (int state = STATE_SUCCEEDED; state < STATE_COUNT; state++)
        buffer_print(target, "reel_jobs_ended_total{state=\"%s\"} %llu\n",
                     state_name((enum state)state),
                     (unsigned long long)atomic_load(&counters->ended[state]));
    static const char *const results[BOARD_HOOK_COUNT] = {
#define BOARD_HOOK_NAME(upper, lower) #lower,
        BOARD_HOOK_LIST(BOARD_HOOK_NAME)
#undef BOARD_HOOK_NAME
    };
    buffer_print(target, "# HELP reel_webhook_deliveries_total Tries to deliver webhooks, by "
                         "result.\n# TYPE reel_webhook_deliveries_total counter\n");
    for (int n = 0; n < BOARD_HOOK_COUNT; n++)
        buffer_print(target, "reel_webhook_deliveries_total{result=\"%s\"} %llu\n", results[n],
                     (unsigned long long)atomic_load(&counters->hooks[n]));
    write_counter(target, "reel_jobs_asked_total", "Jobs accepted.", &counters->asked);
    write_counter(target, "reel_replays_total", "Requests answered from an idempotency key.",
                  &counters->replayed);
    write_counter(target, "reel_joins_total", "Requests that joined a job in flight.",
                  &counters->joined);
    write_counter(target, "reel_refusals_total", "Valid requests refused by the core.",
                  &counters->refused);
    write_counter(target, "reel_attempts_total", "Attempts begun.", &counters->attempts);
    write_counter(target, "reel_turns_total", "Turns committed.", &counters->turns);
    write_counter(target, "reel_events_total", "Events in them.", &counters->events);
    write_histogram(target, "reel_commit_seconds", "Time of a turn with its commit.",
                    &counters->commit);
    write_histogram(target, "reel_job_wait_seconds", "From queued to started.", &counters->wait);
    write_histogram(target, "reel_job_run_seconds", "From started to ended.", &counters->run);
    (void)pthread_mutex_lock(&board->lock);
    write_gauges(board, target);
    (void)pthread_mutex_unlock(&board->lock);
}
