#include "app/work.h"

#include "app/work_private.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* What other threads tell this one. */
struct order {
    enum {
        ORDER_START,
        ORDER_STOP,
        ORDER_KEEP,
        ORDER_DROP,
        ORDER_FETCHED,
        ORDER_LINE,
        ORDER_ENDED,
        ORDER_QUIT
    } kind;
    struct work *work; /* START: taken over; FETCHED, LINE, ENDED: it waits for them */
    char name[64];     /* STOP, KEEP, DROP */
    int64_t job;
    unsigned attempt;
    unsigned input;              /* FETCHED */
    struct egress_result result; /* FETCHED: its spans are gone */
    enum worker_event event;     /* LINE */
    char *line;                  /* LINE: owned */
    struct worker_end end;       /* ENDED */
};

static void order_free(struct order *order)
{
    memory_free(order->line);
    memory_free(order);
}

static void post_order(struct works *works, struct order *order)
{
    if (mailbox_post(works->box, order))
        return;
    log_error("the works' mailbox is full; an order is lost");
    order_free(order);
}

static void work_free(struct work *work)
{
    for (unsigned n = 0; n < work->input_count; n++)
        memory_free(work->inputs[n].url);
    json_decref(work->input);
    memory_free(work->warnings);
    memory_free(work->words);
    memory_free(work->trusted);
    work_script_free(work);
    work_command_free(work);
    if (work->next)
        work_free(work->next);
    memory_free(work);
}

struct message *work_message(const struct work *work, enum worked_kind kind)
{
    struct message *message = message_make(EVENT_WORKED);
    message->event.worked.kind = kind;
    message->event.worked.job = work->job;
    message->event.worked.attempt = work->attempt;
    return message;
}

void work_post(struct works *works, struct message *message)
{
    if (works->config.post(works->config.context, message))
        return;
    message_free(message);
    log_warn("the core takes no more word; the job's time-out will see to it");
}

void work_in_pool(struct work *work, uv_work_cb step, uv_after_work_cb after)
{
    work->request.data = work;
    work->in_pool = true;
    int result = uv_queue_work(&work->works->loop, &work->request, step, after);
    assert(result == 0);
    (void)result;
}

static void remove_folder(uv_work_t *request)
{
    struct work *work = request->data;
    struct depot *depot = work->works->config.depot;
    (void)depot_remove_work(depot, span_of(work->job_id), work->attempt);
    /* What was kept of an attempt that failed after all has no row, and never will. */
    if (work->stage == WORK_KEEPING && work->error != ERROR_NONE)
        (void)depot_remove_outputs(depot, span_of(work->job_id), work->files_before);
}

static void start(struct works *works, struct work *work);

static void after_remove(uv_work_t *request, int status)
{
    (void)status;
    struct work *work = request->data, *next = work->next;
    struct works *works = work->works;
    work->next = NULL;
    work_fetch_leave(work);
    map_remove(&works->all, span_of(work->name));
    work_free(work);
    if (next)
        start(works, next);
}

/* What a fetch that was dropped came to nobody waits for. */
static void tell_over(const struct work *work)
{
    struct message *message;
    if (work->is_fetch && work->dropped)
        return;
    if (work->stopped) {
        message = work_message(work, WORKED_STOPPED);
    } else {
        assert(work->error != ERROR_NONE);
        message = work_message(work, WORKED_FAILED);
        message->event.worked.error = work->error;
        message->event.worked.again = work->again;
        message->event.worked.passing = work->passing;
        message->event.worked.text = arena_copy(&message->arena, span_of(work->text));
    }
    work_post(work->works, message);
}

void work_over(struct work *work)
{
    tell_over(work);
    work->is_over = true;
    work_in_pool(work, remove_folder, after_remove);
}

/* Only a handle that is closed may be begun anew, or freed. */
static void pause_closed(uv_handle_t *timer)
{
    struct work *work = timer->data;
    if (!work->works->ending)
        work->resume(work);
}

static void pause_over(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, pause_closed);
}

void work_pause(struct work *work, ms_t pause, void (*resume)(struct work *work))
{
    work->resume = resume;
    work->timer.data = work;
    (void)uv_timer_init(&work->works->loop, &work->timer);
    (void)uv_timer_start(&work->timer, pause_over, (uint64_t)pause, 0);
}

/* ---------------------------------------------------------------- word from others */

void work_post_line(void *context, enum worker_event event, struct span line)
{
    struct work *work = context;
    struct order *order = memory_new(struct order);
    order->kind = ORDER_LINE;
    order->work = work;
    order->event = event;
    order->line = memory_copy(line);
    post_order(work->works, order);
}

void work_post_ended(void *context, const struct worker_end *end)
{
    struct work *work = context;
    struct order *order = memory_new(struct order);
    order->kind = ORDER_ENDED;
    order->work = work;
    order->end = *end;
    post_order(work->works, order);
}

void work_post_fetched(struct work *work, unsigned input, const struct egress_result *result)
{
    struct order *order = memory_new(struct order);
    order->kind = ORDER_FETCHED;
    order->work = work;
    order->input = input;
    order->result = *result;
    post_order(work->works, order);
}

/* ---------------------------------------------------------------- the inputs */

static void go_on(struct work *work)
{
    if (work->stopped || work->error != ERROR_NONE)
        work_over(work);
    else
        work_run(work);
}

static void after_prepare(uv_work_t *request, int status)
{
    (void)status;
    struct work *work = request->data;
    work->in_pool = false;
    work->stage = WORK_FETCHING;
    if (work->stopped || work->error != ERROR_NONE || !work_fetch(work)) {
        if (work->fetching == 0)
            work_over(work);
        return;
    }
    if (work->fetching == 0)
        work_run(work);
}

/* The core asks again after it was told that the last time failed, when that one's folder may still
 * be going; or because it missed a word. */
static void start_again(struct work *old, struct work *work)
{
    if ((old->is_over || old->dropped) && !old->next) {
        old->next = work;
        return;
    }
    if (old->stage == WORK_KEEPING && !old->in_pool && !old->disk_full)
        work_tell_kept(old);
    work_free(work);
}

static void start(struct works *works, struct work *work)
{
    struct work *old = map_get(&works->all, span_of(work->name));
    if (old) {
        start_again(old, work);
        return;
    }
    map_set(&works->all, span_of(work->name), work);
    work->stage = WORK_PREPARING;
    if (work->is_fetch)
        work_fetch_start(work);
    else if (work->script)
        work_script_start(work);
    else if (work->error == ERROR_NONE && work_find_inputs(work))
        work_in_pool(work, work_prepare, after_prepare);
    else
        work_over(work);
}

static void fetched(struct work *work, const struct order *order)
{
    if (work->is_fetch) {
        work_fetch_got(work, order->input, &order->result);
        return;
    }
    work_fetched(work, order->input, &order->result);
    if (--work->fetching == 0)
        go_on(work);
}

/* ---------------------------------------------------------------- the end */

static void after_store(uv_work_t *request, int status);

static void store_again(struct work *work)
{
    if (work->dropped) {
        work_in_pool(work, remove_folder, after_remove);
        return;
    }
    work->disk_full = false;
    work_in_pool(work, work_store, after_store);
}

static void after_store(uv_work_t *request, int status)
{
    (void)status;
    struct work *work = request->data;
    work->in_pool = false;
    if (work->dropped) {
        work_in_pool(work, remove_folder, after_remove);
    } else if (work->disk_full) {
        /* What was made is not thrown away for want of room: room may come back. */
        work_pause(work, WORK_FULL_PAUSE_MS, store_again);
    } else if (work->error != ERROR_NONE) {
        work_over(work);
    } else {
        work_tell_kept(work);
    }
}

void work_keep(struct work *work)
{
    work->stage = WORK_KEEPING;
    work_in_pool(work, work_store, after_store);
}

static void keep(struct work *work)
{
    if (work->stage == WORK_WORKED && !work->in_pool)
        work_keep(work);
}

/* Its pause ends now. */
static void hurry(struct work *work)
{
    if (uv_is_active((uv_handle_t *)&work->timer))
        (void)uv_timer_start(&work->timer, pause_over, 0, 0);
}

void work_halt(struct work *work)
{
    if (work_fetch_leave_line(work))
        return;
    if (work->stage == WORK_WORKING)
        work_stop_running(work);
    if (work->script)
        hurry(work);
    for (unsigned n = 0; work->stage == WORK_FETCHING && n < work->input_count; n++) {
        if (work->inputs[n].call)
            egress_cancel(work->works->config.egress, work->inputs[n].call);
    }
}

static void stop(struct works *works, const struct order *order)
{
    struct work *work = map_get(&works->all, span_of(order->name));
    if (!work) {
        struct message *message = message_make(EVENT_WORKED);
        message->event.worked.kind = WORKED_STOPPED;
        message->event.worked.job = order->job;
        message->event.worked.attempt = order->attempt;
        work_post(works, message);
        return;
    }
    if (work->stage >= WORK_WORKED)
        return; /* WORKED is on its way: the core will see that it came too late */
    work->stopped = true;
    work_halt(work);
}

static void drop(struct works *works, const struct order *order)
{
    struct work *work = map_get(&works->all, span_of(order->name));
    if (!work)
        return;
    if (work->next)
        work_free(work->next);
    work->next = NULL;
    if (work->stage == WORK_WORKED ||
        (work->stage == WORK_KEEPING && !work->in_pool && !work->disk_full)) {
        work_in_pool(work, remove_folder, after_remove);
        return;
    }
    work->dropped = true; /* whoever has it now ends it */
    if (work->is_fetch && !work->is_over)
        work_halt(work);
}

static void obey(struct works *works, struct order *order)
{
    struct work *work = NULL;
    size_t cursor = 0;
    switch (order->kind) {
    case ORDER_START:
        start(works, order->work);
        break;
    case ORDER_STOP:
        stop(works, order);
        break;
    case ORDER_KEEP:
        work = map_get(&works->all, span_of(order->name));
        if (work)
            keep(work);
        break;
    case ORDER_DROP:
        drop(works, order);
        break;
    case ORDER_FETCHED:
        fetched(order->work, order);
        break;
    case ORDER_LINE:
        work_take_line(order->work, order->event, span_of(order->line));
        break;
    case ORDER_ENDED:
        work_ended(order->work, &order->end);
        break;
    case ORDER_QUIT:
        works->ending = true;
        while ((work = map_next(&works->all, &cursor)))
            hurry(work);
        uv_close((uv_handle_t *)&works->wake, NULL);
        uv_close((uv_handle_t *)&works->watch, NULL);
        break;
    }
}

static void on_wake(uv_async_t *wake)
{
    struct works *works = wake->data;
    void *orders[64];
    size_t count;
    while ((count = mailbox_take_all(works->box, orders, 64)) > 0) {
        for (size_t n = 0; n < count; n++) {
            obey(works, orders[n]);
            order_free(orders[n]);
        }
    }
}

static void notify(void *context)
{
    struct works *works = context;
    (void)uv_async_send(&works->wake);
}

static void run(void *context)
{
    struct works *works = context;
    (void)uv_run(&works->loop, UV_RUN_DEFAULT);
}

struct works *works_make(const struct works_config *config)
{
    struct works *works = memory_new(struct works);
    works->config = *config;
    map_init(&works->all);
    map_init(&works->lines);
    works->box = mailbox_make(WORK_MAILBOX, notify, works);
    if (uv_loop_init(&works->loop) != 0 || uv_async_init(&works->loop, &works->wake, on_wake) != 0)
        goto failed;
    works->programs = config->children ? programs_make(config->children, NULL) : NULL;
    (void)uv_timer_init(&works->loop, &works->watch);
    works->wake.data = works->watch.data = works;
    if (uv_thread_create(&works->thread, run, works) == 0)
        return works;
failed:
    programs_free(works->programs);
    mailbox_free(works->box);
    memory_free(works);
    return NULL;
}

void works_configure(struct works *works, const struct catalog *catalog, uint64_t fetch_max,
                     ms_t fetch_timeout)
{
    works->config.catalog = catalog;
    works->config.fetch_max = fetch_max;
    works->config.fetch_timeout = fetch_timeout;
}

void works_free(struct works *works)
{
    if (!works)
        return;
    programs_end(works->programs); /* their ends are told here */
    struct order *order = memory_new(struct order);
    order->kind = ORDER_QUIT;
    post_order(works, order);
    (void)uv_thread_join(&works->thread);
    (void)uv_run(&works->loop, UV_RUN_NOWAIT);
    (void)uv_loop_close(&works->loop);
    size_t cursor = 0;
    for (struct work *work; (work = map_next(&works->all, &cursor));)
        work_free(work);
    programs_free(works->programs);
    map_done(&works->all);
    place_done(&works->lines);
    void *orders[64];
    size_t count;
    while ((count = mailbox_take_all(works->box, orders, 64)) > 0) {
        for (size_t n = 0; n < count; n++) {
            struct order *left = orders[n];
            if (left->kind == ORDER_START)
                work_free(left->work);
            order_free(left);
        }
    }
    mailbox_free(works->box);
    memory_free(works);
}

static void give_name(char name[static 64], const char *job_id, unsigned attempt)
{
    (void)snprintf(name, 64, "%s.%u", job_id, attempt);
}

struct work *work_make(struct works *works, const struct job *job, unsigned attempt)
{
    struct work *work = memory_new(struct work);
    work->works = works;
    work->job = job->key;
    work->attempt = attempt;
    (void)span_copy(span_of(job->id), work->job_id, sizeof work->job_id);
    (void)span_copy(span_of(job->tenant), work->tenant, sizeof work->tenant);
    give_name(work->name, job->id, work->attempt);
    work->model = catalog_find(works->config.catalog, span_of(job->model));
    char fault[JSON_FAULT_SIZE];
    work->input = json_read(span_of(job->input), fault);
    return work;
}

void work_begin(struct work *work)
{
    struct order *order = memory_new(struct order);
    order->kind = ORDER_START;
    order->work = work;
    post_order(work->works, order);
}

void works_start(struct works *works, const struct job *job)
{
    const struct model *model = catalog_find(works->config.catalog, span_of(job->model));
    if (model && model->output == MEDIA_NONE) {
        work_tell_nothing_made(works, job);
        return;
    }
    struct work *work = work_make(works, job, job->attempt.number);
    if (works->config.is_sandbox)
        work_script_take(work, job);
    else if (strcmp(job->provider, CATALOG_COMMAND) == 0)
        work->command = work_command_make();
    work_begin(work);
}

static void order_on(struct works *works, int kind, const struct job *job, unsigned attempt)
{
    struct order *order = memory_new(struct order);
    order->kind = kind;
    order->job = job->key;
    order->attempt = attempt;
    give_name(order->name, job->id, attempt);
    post_order(works, order);
}

void works_stop(struct works *works, const struct job *job, unsigned attempt)
{
    order_on(works, ORDER_STOP, job, attempt);
}

void works_keep(struct works *works, const struct job *job, unsigned attempt)
{
    if (!state_is_terminal(job->state)) /* else it was told KEPT in the same turn */
        order_on(works, ORDER_KEEP, job, attempt);
}

void works_drop(struct works *works, const struct job *job, unsigned attempt)
{
    order_on(works, ORDER_DROP, job, attempt);
}
