#include "edge/worker.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/clock.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { WATCH_MS = 100, USUAL_JOBS = 50, USUAL_QUEUE = 64 };

struct job {
    struct list link; /* in the queue */
    char id[WORKER_ID_SIZE];
    struct buffer request; /* with its line's end */
    struct worker_calls calls;
    void *context;
};

/* A place for a process. */
struct member {
    struct worker_pool *pool;
    uint64_t child;  /* 0: none runs */
    struct job *job; /* NULL: free */
    unsigned served; /* jobs that this process has ended */
    ms_t heard_at;
    bool leaving;         /* it was killed and takes no job any more */
    enum worker_how doom; /* what its job is told then */
};

struct worker_pool {
    struct children *children;
    struct worker_config config;
    struct arena arena; /* of the config's texts */
    struct child_plan plan;
    pthread_mutex_t mutex; /* of the next three, which other threads see too */
    pthread_cond_t over;
    unsigned accepted; /* jobs without an end */
    bool ending, ended;
    /* The children's thread's own. */
    struct list queue;
    uv_timer_t watchdog;
    bool released; /* worker_free has come */
    struct member members[];
};

struct order {
    struct worker_pool *pool;
    struct job *job;         /* to run */
    char id[WORKER_ID_SIZE]; /* to stop */
};

const char *worker_how_name(enum worker_how how)
{
    static const char *const names[] = {
#define WORKER_HOW_NAME(name, text) #text,
        WORKER_HOW_LIST(WORKER_HOW_NAME)
#undef WORKER_HOW_NAME
    };
    return names[how];
}

/* --- the end of a job ------------------------------------------------------------------------- */

static void describe(struct worker_end *end)
{
    static const char *const fixed[WORKER_HOW_COUNT] = {
        [WORKER_DONE] = "",
        [WORKER_FAILED] = "The media worker could not do it.",
        [WORKER_STOPPED] = "The media worker was stopped.",
        [WORKER_HUNG] = "The media worker said nothing for too long.",
        [WORKER_NONSENSE] = "The media worker said something that can't be read.",
    };
    char *target = end->sentence;
    size_t size = sizeof end->sentence;
    if (end->how == WORKER_NOT_STARTED)
        (void)snprintf(target, size, "The media worker could not be started: %s.",
                       strerrordesc_np(end->error) ? strerrordesc_np(end->error) : "no idea why");
    else if (end->how == WORKER_DIED && end->signal)
        (void)snprintf(target, size, "The media worker died of signal %d.", end->signal);
    else if (end->how == WORKER_DIED)
        (void)snprintf(target, size, "The media worker ended by itself with status %d.",
                       end->status);
    else
        (void)snprintf(target, size, "%s", fixed[end->how]);
}

static void job_free(struct job *job)
{
    buffer_done(&job->request);
    memory_free(job);
}

static void end_job(struct worker_pool *pool, struct job *job, struct worker_end end)
{
    describe(&end);
    job->calls.ended(job->context, &end);
    job_free(job);
    (void)pthread_mutex_lock(&pool->mutex);
    pool->accepted--;
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void dismiss(struct member *member, enum worker_how doom)
{
    if (member->leaving || member->child == 0)
        return;
    member->leaving = true;
    member->doom = doom;
    child_kill(member->pool->children, member->child);
}

/* --- lines ------------------------------------------------------------------------------------ */

static bool find_event(struct span name, enum worker_event *ret_event)
{
    static const char *const names[] = {"started", "progress", "done", "failed"};
    for (int n = 0; n < 4; n++) {
        if (span_is(name, names[n])) {
            *ret_event = (enum worker_event)n;
            return true;
        }
    }
    return false;
}

static void pass_line(struct member *member, enum worker_event event, struct span line, bool last)
{
    struct job *job = member->job;
    if (job->calls.line)
        job->calls.line(job->context, event, line);
    if (event != WORKER_EVENT_DONE && event != WORKER_EVENT_FAILED)
        return;
    member->job = NULL;
    member->served++;
    /* An idle process has nothing to lose, so it is simply killed when its time is over. */
    if (last || member->served >= member->pool->config.jobs_max)
        dismiss(member, WORKER_STOPPED);
    end_job(member->pool, job,
            (struct worker_end){.how = event == WORKER_EVENT_DONE ? WORKER_DONE : WORKER_FAILED});
}

static void assign(struct worker_pool *pool);

static void on_line(void *context, uint64_t child, struct span line)
{
    struct member *member = context;
    char fault[JSON_FAULT_SIZE] = "";
    member->heard_at = clock_monotonic();
    json_t *read = json_read(line, fault);
    if (!json_is_object(read)) {
        log_warn("a worker said what is no JSON object", log_text("fault", fault));
        dismiss(member, WORKER_NONSENSE);
        json_decref(read);
        return;
    }
    struct span id = json_span(json_object_get(read, "id"));
    enum worker_event event = WORKER_EVENT_STARTED;
    bool known = find_event(json_span(json_object_get(read, "event")), &event);
    if (id.size && member->job && !span_is(id, member->job->id))
        dismiss(member, WORKER_NONSENSE);
    else if (id.size && member->job && known)
        pass_line(member, event, line, json_is_true(json_object_get(read, "last")));
    /* Lines without an id, as a greeting, and events that are new to us only show that it lives. */
    json_decref(read);
    assign(member->pool);
}

static void finish_release(struct worker_pool *pool);

static void on_ended(void *context, uint64_t child, const struct child_end *end)
{
    struct member *member = context;
    struct worker_pool *pool = member->pool;
    struct job *job = member->job;
    struct worker_end told = {.how = member->leaving ? member->doom : WORKER_DIED};
    if (end->line_too_long)
        told.how = WORKER_NONSENSE;
    if (told.how == WORKER_DIED && end->how == CHILD_NOT_STARTED)
        told.how = WORKER_NOT_STARTED;
    if (told.how == WORKER_DIED || told.how == WORKER_NOT_STARTED) {
        told.status = end->status;
        told.signal = end->signal;
        told.error = end->error;
        log_warn("a worker ended", log_text("how", worker_how_name(told.how)),
                 log_number("status", end->status), log_number("signal", end->signal),
                 log_number("error", end->error));
    }
    *member = (struct member){.pool = pool};
    if (job)
        end_job(pool, job, told);
    assign(pool);
    finish_release(pool);
}

/* --- who works on what ------------------------------------------------------------------------ */

static bool any_busy(const struct worker_pool *pool)
{
    for (unsigned n = 0; n < pool->config.count; n++) {
        if (pool->members[n].job)
            return true;
    }
    return false;
}

static void on_watch(uv_timer_t *timer)
{
    struct worker_pool *pool = timer->data;
    ms_t now = clock_monotonic();
    for (unsigned n = 0; n < pool->config.count; n++) {
        struct member *member = &pool->members[n];
        if (member->job && now - member->heard_at >= pool->config.silence_ms)
            dismiss(member, WORKER_HUNG);
    }
    if (!any_busy(pool))
        (void)uv_timer_stop(timer);
}

/* A process that runs already is better than a new one. */
static struct member *find_free(struct worker_pool *pool)
{
    struct member *empty = NULL;
    for (unsigned n = 0; n < pool->config.count; n++) {
        struct member *member = &pool->members[n];
        if (member->job || member->leaving)
            continue;
        if (member->child)
            return member;
        if (!empty)
            empty = member;
    }
    return empty;
}

static bool give(struct member *member, struct job *job)
{
    static const struct child_calls calls = {.line = on_line, .ended = on_ended};
    struct worker_pool *pool = member->pool;
    if (member->child == 0)
        member->child = child_start(pool->children, &pool->plan, &calls, member);
    if (member->child == 0)
        return false;
    member->job = job;
    member->heard_at = clock_monotonic();
    if (!child_write(pool->children, member->child, buffer_span(&job->request)))
        dismiss(member, WORKER_NOT_STARTED);
    buffer_done(&job->request);
    if (!uv_is_active((uv_handle_t *)&pool->watchdog))
        (void)uv_timer_start(&pool->watchdog, on_watch, WATCH_MS, WATCH_MS);
    return true;
}

static void assign(struct worker_pool *pool)
{
    while (!pool->released && !list_empty(&pool->queue)) {
        struct member *member = find_free(pool);
        if (!member)
            return;
        struct job *job = LIST_OWNER(list_take(&pool->queue), struct job, link);
        if (!give(member, job))
            end_job(pool, job, (struct worker_end){.how = WORKER_NOT_STARTED, .error = EAGAIN});
    }
}

/* --- orders from other threads ---------------------------------------------------------------- */

static void run_order(void *context)
{
    struct order *order = context;
    list_add(&order->pool->queue, &order->job->link);
    if (order->pool->released) {
        list_remove(&order->job->link);
        end_job(order->pool, order->job, (struct worker_end){.how = WORKER_STOPPED});
    } else {
        assign(order->pool);
    }
    memory_free(order);
}

/* NULL: every job. */
static void stop_jobs(struct worker_pool *pool, const char *id)
{
    LIST_EACH(&pool->queue, link) {
        struct job *job = LIST_OWNER(link, struct job, link);
        if (id && strcmp(id, job->id) != 0)
            continue;
        list_remove(link);
        end_job(pool, job, (struct worker_end){.how = WORKER_STOPPED});
    }
    for (unsigned n = 0; n < pool->config.count; n++) {
        struct member *member = &pool->members[n];
        if (!id || (member->job && strcmp(id, member->job->id) == 0))
            dismiss(member, WORKER_STOPPED);
    }
}

static void stop_order(void *context)
{
    struct order *order = context;
    stop_jobs(order->pool, order->id);
    memory_free(order);
}

static void on_watchdog_closed(uv_handle_t *handle)
{
    struct worker_pool *pool = handle->data;
    (void)pthread_mutex_lock(&pool->mutex);
    pool->ended = true;
    (void)pthread_cond_signal(&pool->over);
    (void)pthread_mutex_unlock(&pool->mutex);
}

static void finish_release(struct worker_pool *pool)
{
    if (!pool->released || uv_is_closing((uv_handle_t *)&pool->watchdog))
        return;
    for (unsigned n = 0; n < pool->config.count; n++) {
        if (pool->members[n].child)
            return;
    }
    uv_close((uv_handle_t *)&pool->watchdog, on_watchdog_closed);
}

static void release_order(void *context)
{
    struct worker_pool *pool = context;
    pool->released = true;
    stop_jobs(pool, NULL);
    finish_release(pool);
}

static void begin_order(void *context)
{
    struct worker_pool *pool = context;
    (void)uv_timer_init(children_loop(pool->children), &pool->watchdog);
    pool->watchdog.data = pool;
}

/* --- the pool --------------------------------------------------------------------------------- */

static const char *const *copy_list(struct arena *arena, const char *first, const char *const *list)
{
    size_t count = 0, at = 0;
    while (list && list[count])
        count++;
    const char **copy = arena_array(arena, const char *, count + 2);
    if (first)
        copy[at++] = arena_copy(arena, span_of(first));
    for (size_t n = 0; n < count; n++)
        copy[at++] = arena_copy(arena, span_of(list[n]));
    return copy;
}

static void make_plan(struct worker_pool *pool)
{
    const struct worker_config *config = &pool->config;
    const char *slash = strrchr(config->program, '/');
    pool->plan = (struct child_plan){
        .name = arena_copy(&pool->arena, span_of(slash ? slash + 1 : config->program)),
        .argv = copy_list(&pool->arena, config->program, config->arguments),
        .envp = copy_list(&pool->arena, NULL, config->environment),
        .cwd = config->cwd ? arena_copy(&pool->arena, span_of(config->cwd)) : NULL,
        .limit_count = config->limit_count,
        .niceness = config->niceness,
    };
    memcpy(pool->plan.limits, config->limits, sizeof pool->plan.limits);
}

struct worker_pool *worker_make(struct children *children, const struct worker_config *config)
{
    assert(config->count > 0 && config->count <= WORKER_COUNT_MAX);
    struct worker_pool *pool = memory_make(sizeof *pool + config->count * sizeof pool->members[0]);
    pool->children = children;
    pool->config = *config;
    if (pool->config.jobs_max == 0)
        pool->config.jobs_max = USUAL_JOBS;
    if (pool->config.queue_max == 0)
        pool->config.queue_max = USUAL_QUEUE;
    if (pool->config.silence_ms <= 0)
        pool->config.silence_ms = MS_MINUTE;
    for (unsigned n = 0; n < config->count; n++)
        pool->members[n].pool = pool;
    arena_init(&pool->arena);
    make_plan(pool);
    list_init(&pool->queue);
    (void)pthread_mutex_init(&pool->mutex, NULL);
    (void)pthread_cond_init(&pool->over, NULL);
    if (children_call(children, begin_order, pool))
        return pool;
    pool->ended = true;
    worker_free(pool);
    return NULL;
}

void worker_free(struct worker_pool *pool)
{
    if (!pool)
        return;
    (void)pthread_mutex_lock(&pool->mutex);
    bool alive = !pool->ended;
    pool->ending = true;
    if (alive) {
        bool called = children_call(pool->children, release_order, pool);
        assert(called); /* the children outlive their pools */
    }
    while (!pool->ended)
        (void)pthread_cond_wait(&pool->over, &pool->mutex);
    (void)pthread_mutex_unlock(&pool->mutex);
    assert(pool->accepted == 0);
    (void)pthread_cond_destroy(&pool->over);
    (void)pthread_mutex_destroy(&pool->mutex);
    arena_done(&pool->arena);
    memory_free(pool);
}

static bool accept_job(struct worker_pool *pool)
{
    (void)pthread_mutex_lock(&pool->mutex);
    bool fits = !pool->ending && pool->accepted < pool->config.count + pool->config.queue_max;
    pool->accepted += fits;
    (void)pthread_mutex_unlock(&pool->mutex);
    return fits;
}

static void refuse_job(struct worker_pool *pool)
{
    (void)pthread_mutex_lock(&pool->mutex);
    pool->accepted--;
    (void)pthread_mutex_unlock(&pool->mutex);
}

bool worker_run(struct worker_pool *pool, struct span id, struct span request,
                const struct worker_calls *calls, void *context)
{
    struct job *job = memory_new(struct job);
    list_init(&job->link);
    buffer_init(&job->request, CHILD_WRITE_MAX);
    buffer_add(&job->request, request);
    buffer_add_byte(&job->request, '\n');
    job->calls = *calls;
    job->context = context;
    bool usable = id.size > 0 && span_copy(id, job->id, sizeof job->id) &&
                  span_find(request, '\n') < 0 && !job->request.failed;
    if (usable && accept_job(pool)) {
        struct order *order = memory_new(struct order);
        order->pool = pool;
        order->job = job;
        if (children_call(pool->children, run_order, order))
            return true;
        memory_free(order);
        refuse_job(pool);
    }
    job_free(job);
    return false;
}

void worker_stop(struct worker_pool *pool, struct span id)
{
    struct order *order = memory_new(struct order);
    order->pool = pool;
    if (span_copy(id, order->id, sizeof order->id) && id.size > 0 &&
        children_call(pool->children, stop_order, order))
        return;
    memory_free(order);
}
