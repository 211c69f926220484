#include "app/sandbox_callback.h"

#include "app/sandbox_mark.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/clock.h"
#include "edge/mailbox.h"

#include <pthread.h>

enum { BATCH = 64 };

struct order {
    struct heap_node timer; /* while it is late */
    int64_t job;
    unsigned number, tries;
    bool is_last;
};

struct sandbox_callback {
    struct sandbox_callback_config config;
    struct reader *reader;
    pthread_t thread;
    bool running;
    struct mailbox *box;
    struct heap late;
};

/* As if the receiver had answered 200. */
static void drop(struct sandbox_callback *callback, const struct order *order)
{
    struct message *message = message_make(EVENT_HOOKED);
    message->event.hooked = (struct hooked){
        .job = order->job, .number = order->number, .kind = HOOKED_DELIVERED, .status = 200};
    if (!callback->config.post(callback->config.context, message)) {
        message_free(message);
        log_warn("the outcome of a webhook could not be told");
    }
}

static void deliver(struct sandbox_callback *callback, const struct order *order)
{
    hook_deliver(callback->config.office, order->job, order->number, order->tries, order->is_last);
}

/* False: nobody knows the job any more. */
static bool plan(struct sandbox_callback *callback, const struct order *order,
                 struct sandbox_plan *ret_plan)
{
    struct job job;
    struct arena arena;
    struct sandbox_mark mark;
    *ret_plan = (struct sandbox_plan){.text = ""};
    if (reader_job(callback->reader, order->job, &job, NULL) != STORE_OK)
        return false;
    arena_init(&arena);
    if (sandbox_mark_read(job.options, &arena, &mark))
        sandbox_script_plan(callback->config.script, SANDBOX_CALLBACK, span_of(mark.provider),
                            span_of(job.model), ret_plan);
    arena_done(&arena);
    reader_job_done(&job);
    return true;
}

/* Takes the order over. */
static void take(struct sandbox_callback *callback, struct order *order)
{
    struct sandbox_plan wanted;
    struct hook_office *office = callback->config.office;
    bool known = plan(callback, order, &wanted);
    if (known && sandbox_plan_has(&wanted, SANDBOX_FAULT_FORGED))
        hook_echo(office, order->job, order->number, true);
    if (known && sandbox_plan_has(&wanted, SANDBOX_FAULT_DUPLICATE))
        hook_echo(office, order->job, order->number, false);
    if (known && sandbox_plan_has(&wanted, SANDBOX_FAULT_DROPPED)) {
        drop(callback, order);
    } else if (known && sandbox_plan_has(&wanted, SANDBOX_FAULT_LATE) &&
               callback->late.size < SANDBOX_CALLBACK_MAX) {
        heap_set(&callback->late, &order->timer, clock_monotonic() + wanted.late);
        return;
    } else {
        deliver(callback, order);
    }
    memory_free(order);
}

static ms_t next_at(const struct sandbox_callback *callback)
{
    const struct heap_node *first = heap_first(&callback->late);
    return first ? first->at : MS_NEVER;
}

static struct order *take_late(struct sandbox_callback *callback, ms_t now)
{
    struct heap_node *first = heap_first(&callback->late);
    if (!first || first->at > now)
        return NULL;
    heap_remove(&callback->late, first);
    return HEAP_OWNER(first, struct order, timer);
}

static void *run(void *context)
{
    struct sandbox_callback *callback = context;
    void *orders[BATCH];
    while (!mailbox_closed(callback->box)) {
        (void)mailbox_wait(callback->box, next_at(callback));
        size_t count = mailbox_take_all(callback->box, orders, BATCH);
        for (size_t n = 0; n < count; n++)
            take(callback, orders[n]);
        for (struct order *order; (order = take_late(callback, clock_monotonic()));) {
            deliver(callback, order);
            memory_free(order);
        }
        reader_rest(callback->reader);
    }
    return NULL;
}

struct sandbox_callback *sandbox_callback_make(const struct sandbox_callback_config *config)
{
    char fault[STORE_FAULT_SIZE];
    struct sandbox_callback *callback = memory_new(struct sandbox_callback);
    callback->config = *config;
    callback->box = mailbox_make(SANDBOX_CALLBACK_MAX, NULL, NULL);
    heap_init(&callback->late);
    callback->reader = store_open_reader(config->store, fault);
    callback->running =
        callback->reader && pthread_create(&callback->thread, NULL, run, callback) == 0;
    if (callback->running)
        return callback;
    sandbox_callback_free(callback);
    return NULL;
}

void sandbox_callback_free(struct sandbox_callback *callback)
{
    void *orders[BATCH];
    size_t count;
    if (!callback)
        return;
    mailbox_close(callback->box);
    if (callback->running)
        (void)pthread_join(callback->thread, NULL);
    while ((count = mailbox_take_all(callback->box, orders, BATCH)) > 0) {
        for (size_t n = 0; n < count; n++)
            memory_free(orders[n]);
    }
    for (struct order *order; (order = take_late(callback, MS_NEVER));)
        memory_free(order);
    heap_done(&callback->late);
    reader_close(callback->reader);
    mailbox_free(callback->box);
    memory_free(callback);
}

void sandbox_callback_deliver(struct sandbox_callback *callback, int64_t job, unsigned number,
                              unsigned tries, bool is_last)
{
    struct order *order = memory_new(struct order);
    *order = (struct order){.job = job, .number = number, .tries = tries, .is_last = is_last};
    if (mailbox_post(callback->box, order))
        return;
    log_warn("a webhook could not be sent; it is sent again after a restart");
    memory_free(order);
}
