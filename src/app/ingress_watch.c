/* Long polls: requests that wait until the native status of a job changes or until it ends, or
 * until their time is up; and streams, to which every change is told. */
#include "app/ingress_private.h"
#include "base/memory.h"
#include "dialect/native_write.h"
#include "edge/clock.h"

#include <string.h>

struct watched {
    int64_t job;
    struct list requests;
};

static void set_timer(struct ingress *ingress)
{
    const struct heap_node *first = heap_first(&ingress->timers);
    if (!first) {
        (void)uv_timer_stop(&ingress->timer);
        return;
    }
    ms_t left = first->at - clock_monotonic();
    (void)uv_timer_start(&ingress->timer, watch_timer, left > 0 ? (uint64_t)left : 0, 0);
}

void watch_add(struct request *request, ms_t wait)
{
    struct ingress *ingress = request->ingress;
    struct span key = span_make(&request->call.job, sizeof request->call.job);
    struct watched *watched = map_get(&ingress->watched, key);
    if (!watched) {
        watched = memory_new(struct watched);
        watched->job = request->call.job;
        list_init(&watched->requests);
        map_set(&ingress->watched, span_make(&watched->job, sizeof watched->job), watched);
    }
    list_add(&watched->requests, &request->watch_link);
    heap_set(&ingress->timers, &request->timer, clock_monotonic() + wait);
    atomic_fetch_add(&ingress->watchers, 1);
    set_timer(ingress);
}

void watch_remove(struct request *request)
{
    struct ingress *ingress = request->ingress;
    if (list_empty(&request->watch_link))
        return;
    struct span key = span_make(&request->call.job, sizeof request->call.job);
    struct watched *watched = map_get(&ingress->watched, key);
    list_remove(&request->watch_link);
    heap_remove(&ingress->timers, &request->timer);
    atomic_fetch_sub(&ingress->watchers, 1);
    if (watched && list_empty(&watched->requests)) {
        map_remove(&ingress->watched, key);
        memory_free(watched);
    }
}

static void unpark(struct request *request)
{
    if (request->resume)
        heap_remove(&request->ingress->timers, &request->timer);
    request->resume = NULL;
}

static void parked_gone(void *context)
{
    unpark(context);
    call_gone(context);
}

void watch_park(struct request *request, ms_t wait, void (*resume)(struct request *request))
{
    request->resume = resume;
    exchange_on_gone(request->exchange, parked_gone, request);
    heap_set(&request->ingress->timers, &request->timer, clock_monotonic() + wait);
    set_timer(request->ingress);
}

static void answer(struct request *request, bool is_late)
{
    void (*resume)(struct request *) = request->resume;
    if (resume) {
        unpark(request);
        resume(request);
        return;
    }
    watch_remove(request);
    if (request->call.kind == CALL_STREAM)
        stream_step(request, is_late);
    else
        call_answer_job(request, request->call.job);
}

/* Whether what it waits for has come. */
static bool is_due(const struct request *request, enum state state)
{
    if (request->call.kind == CALL_STREAM)
        return true;
    return request->call.until_end ? state_is_terminal(state)
                                   : strcmp(request->watched_from, native_status(state)) != 0;
}

void watch_changed(struct ingress *ingress, int64_t job)
{
    struct watched *watched = map_get(&ingress->watched, span_make(&job, sizeof job));
    struct job row;
    if (!watched || reader_job(ingress->reader, job, &row, NULL) != STORE_OK)
        return;
    enum state state = row.state;
    reader_job_done(&row);
    /* Answering the last one frees `watched`: the list is emptied into one of ours first. */
    struct list ready;
    list_init(&ready);
    LIST_EACH(&watched->requests, link) {
        struct request *request = LIST_OWNER(link, struct request, watch_link);
        if (!is_due(request, state))
            continue;
        list_remove(link);
        list_add(&ready, link);
    }
    while (!list_empty(&ready))
        answer(LIST_OWNER(ready.next, struct request, watch_link), false);
    set_timer(ingress);
}

void watch_timer(uv_timer_t *timer)
{
    struct ingress *ingress = timer->data;
    ms_t now = clock_monotonic();
    struct heap_node *first;
    while ((first = heap_first(&ingress->timers)) && first->at <= now)
        answer(HEAP_OWNER(first, struct request, timer), true);
    set_timer(ingress);
}

void watch_drain(struct ingress *ingress)
{
    struct heap_node *first;
    while ((first = heap_first(&ingress->timers)))
        answer(HEAP_OWNER(first, struct request, timer), false);
    set_timer(ingress);
}
