/* What jobs came to: a year's sums may be many rows, so they are read on libuv's pool, as lists
 * are. */
#include "app/ingress_private.h"
#include "base/memory.h"

struct usage_work {
    uv_work_t work;
    struct ingress *ingress;
    struct request *request; /* NULL once the client left */
    char tenant[JOB_TENANT_SIZE];
    struct reader_usage_filter filter;
    struct spend_row *rows; /* owned */
    struct reader_usage usage;
    enum store_result result;
};

static void read_usage(uv_work_t *work)
{
    struct usage_work *usage = work->data;
    (void)pthread_mutex_lock(&usage->ingress->list_lock);
    usage->result = reader_usage(usage->ingress->list_reader, &usage->filter, &usage->usage);
    (void)pthread_mutex_unlock(&usage->ingress->list_lock);
}

static void after_usage(uv_work_t *work, int status)
{
    (void)status;
    struct usage_work *usage = work->data;
    struct request *request = usage->request;
    const struct answer_usage shown = {usage->usage.rows, usage->usage.count, usage->usage.more,
                                       usage->usage.total};
    if (request)
        request->usage = NULL;
    if (request && usage->result == STORE_OK) {
        struct answer answer = {.usage = &shown};
        ingress_answer(request, &answer);
    } else if (request && usage->result == STORE_BUSY) {
        ingress_refuse(request, ERROR_TIMEOUT,
                       "There is too much to sum up at once; ask for fewer days.");
    } else if (request) {
        ingress_refuse(request, ERROR_INTERNAL, "The usage could not be read; try again.");
    }
    memory_free(usage->rows);
    memory_free(usage);
}

static void usage_gone(void *context)
{
    struct request *request = context;
    request->usage->request = NULL;
    call_done(&request->call);
}

void usage_run(struct request *request)
{
    struct usage_work *usage = memory_new(struct usage_work);
    usage->work.data = usage;
    usage->ingress = request->ingress;
    usage->request = request;
    (void)span_copy(span_of(request->tenant), usage->tenant, sizeof usage->tenant);
    usage->filter = (struct reader_usage_filter){
        .tenant = request->all_tenants ? NULL : usage->tenant,
        .from = request->call.usage.from,
        .to = request->call.usage.to,
        .by = request->call.usage.by,
    };
    usage->rows = memory_make(READER_USAGE_MAX * sizeof *usage->rows);
    usage->usage.rows = usage->rows;
    request->usage = usage;
    exchange_on_gone(request->exchange, usage_gone, request);
    (void)uv_queue_work(&request->ingress->loop, &usage->work, read_usage, after_usage);
}
