/* Lists may look at thousands of rows: they are read on libuv's pool, beside the loop. A purge
 * reads one page after the other and asks the engine to cancel each job of it. */
#include "app/ingress_private.h"
#include "base/memory.h"

enum { QUEUED_STATES = 1u << STATE_WAITING | 1u << STATE_QUEUED };

struct list_work {
    uv_work_t work;
    struct ingress *ingress;
    struct request *request; /* NULL once the client left */
    struct reader_filter filter;
    struct arena arena; /* the filter's texts: the exchange may die before the work ends */
    struct job *jobs[READER_LIMIT_MAX];
    unsigned count;
    int64_t next;
    int64_t removed; /* PURGE */
    enum store_result result;
};

static void read_list(uv_work_t *work)
{
    struct list_work *list = work->data;
    (void)pthread_mutex_lock(&list->ingress->list_lock);
    list->result = reader_list(list->ingress->list_reader, &list->filter, list->jobs, &list->count,
                               &list->next);
    (void)pthread_mutex_unlock(&list->ingress->list_lock);
}

/* How many of them are in a state of the set. */
static int64_t count_states(const struct list_work *list, unsigned states)
{
    int64_t count = 0;
    for (unsigned n = 0; n < list->count; n++)
        count += states & 1u << list->jobs[n]->state ? 1 : 0;
    return count;
}

static void answer_load(struct list_work *list)
{
    struct answer_stats stats;
    struct answer_load load;
    struct request *request = list->request;
    struct answer answer = {.load = &load};
    board_stats(request->ingress->shared->board, request->tenant, NULL, 0, &stats);
    load = (struct answer_load){
        .queued = count_states(list, QUEUED_STATES),
        .in_flight = count_states(list, 1u << STATE_SUBMITTING | 1u << STATE_UNCERTAIN |
                                            1u << STATE_RUNNING | 1u << STATE_STORING),
        .succeeded = count_states(list, 1u << STATE_SUCCEEDED),
        .failed = count_states(list, 1u << STATE_FAILED | 1u << STATE_EXPIRED),
        .workers = stats.workers,
        .workers_active = stats.workers_active,
    };
    request->work = NULL;
    ingress_answer(request, &answer);
}

/* Nobody waits for the single outcomes. Counts those that the engine took. */
static void cancel_page(struct list_work *list)
{
    for (unsigned n = 0; n < list->count; n++) {
        struct message *message = message_make(EVENT_CANCEL_ASKED);
        message->event.cancel_asked.tenant =
            arena_copy(&message->arena, span_of(list->jobs[n]->tenant));
        message->event.cancel_asked.job = list->jobs[n]->key;
        if (engine_post(list->ingress->shared->engine, message, true))
            list->removed++;
        else
            message_free(message);
        job_free(list->jobs[n]);
    }
    list->count = 0;
}

static void after_list(uv_work_t *work, int status);

/* True when there is another page, which is being read. */
static bool purge_on(struct list_work *list)
{
    cancel_page(list);
    if (!list->next)
        return false;
    list->filter.before = list->next;
    list->next = 0;
    (void)uv_queue_work(&list->ingress->loop, &list->work, read_list, after_list);
    return true;
}

static void after_list(uv_work_t *work, int status)
{
    (void)status;
    struct list_work *list = work->data;
    struct request *request = list->request;
    bool good = request && list->result == STORE_OK;
    if (good && request->call.kind == CALL_PURGE && purge_on(list))
        return;
    if (good && request->call.kind == CALL_LOAD) {
        answer_load(list);
    } else if (good && request->call.kind == CALL_PURGE) {
        struct answer answer = {.removed = list->removed};
        request->work = NULL;
        ingress_answer(request, &answer);
    } else if (good) {
        struct answer answer = {.jobs = (const struct job *const *)list->jobs,
                                .job_count = list->count,
                                .next = list->next};
        answer.shows_tenant = request->all_tenants;
        request->work = NULL;
        ingress_answer(request, &answer);
    } else if (request) {
        request->work = NULL;
        ingress_refuse(request, list->result == STORE_BUSY ? ERROR_TIMEOUT : ERROR_INTERNAL,
                       "The list could not be read.");
    }
    for (unsigned n = 0; n < list->count; n++)
        job_free(list->jobs[n]);
    arena_done(&list->arena);
    memory_free(list);
}

static void list_gone(void *context)
{
    struct request *request = context;
    request->work->request = NULL;
    call_done(&request->call);
}

static const char *text_or_null(struct arena *arena, struct span text)
{
    return text.size ? arena_copy(arena, text) : NULL;
}

void list_run(struct request *request)
{
    const struct call *call = &request->call;
    const char *of_model = call->model ? call->model->id : NULL;
    struct list_work *list = memory_new(struct list_work);
    arena_init(&list->arena);
    list->work.data = list;
    list->ingress = request->ingress;
    list->request = request;
    list->filter = (struct reader_filter){
        .tenant = request->all_tenants ? NULL : arena_copy(&list->arena, span_of(request->tenant)),
        .model = of_model ? of_model : text_or_null(&list->arena, call->filter_model),
        .provider = text_or_null(&list->arena, call->filter_provider),
        .states = call->kind == CALL_PURGE ? QUEUED_STATES : call->states,
        .before = call->before,
        .since = call->since,
        .limit = of_model ? READER_LIMIT_MAX : call->limit,
    };
    if (call->metadata_key.size) {
        list->filter.metadata_key = span_of(arena_copy(&list->arena, call->metadata_key));
        list->filter.metadata_text = span_of(arena_copy(&list->arena, call->metadata_text));
    }
    request->work = list;
    exchange_on_gone(request->exchange, list_gone, request);
    (void)uv_queue_work(&request->ingress->loop, &list->work, read_list, after_list);
}
