/* Streams of server-sent events about one job, in a dialect's words: an event whenever the job
 * changed and there is something new to say, a comment when nothing was said for a while, and the
 * end with the job's. */
#include "app/ingress_private.h"
#include "base/crypto.h"

#include <string.h>

enum { STREAM_BEAT_MS = 10000, STREAM_EVENT_MAX = 1 << 20 };

/* Whether it was not sent already. */
static bool is_news(struct request *request, struct span event)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    if (event.size == 0)
        return false;
    crypto_sha256(event, digest);
    if (memcmp(digest, request->last_event, sizeof digest) == 0)
        return false;
    memcpy(request->last_event, digest, sizeof digest);
    return true;
}

/* False when the client is gone: the request is dead then. */
static bool tell(struct request *request, const struct job *job, bool is_beat)
{
    const struct job *const jobs[] = {job};
    struct answer answer = {.jobs = jobs, .job_count = 1};
    struct buffer event;
    buffer_init(&event, STREAM_EVENT_MAX);
    ingress_write_event(request, &answer, &event);
    bool good = true;
    if (!event.failed && is_news(request, buffer_span(&event)))
        good = exchange_write(request->exchange, buffer_span(&event));
    else if (is_beat)
        good = exchange_write(request->exchange, SPAN(": waiting\n\n"));
    buffer_done(&event);
    return good;
}

/* It was counted when it began. */
static void gone(void *context)
{
    struct request *request = context;
    watch_remove(request);
    call_done(&request->call);
}

static void finish(struct request *request)
{
    exchange_on_gone(request->exchange, NULL, NULL);
    call_done(&request->call);
    exchange_end(request->exchange);
}

void stream_step(struct request *request, bool is_beat)
{
    struct ingress *ingress = request->ingress;
    struct job job;
    if (reader_job(ingress->reader, request->call.job, &job, NULL) != STORE_OK) {
        finish(request); /* it was removed, or can't be read: the client comes again */
        return;
    }
    bool is_over = state_is_terminal(job.state) || ingress->draining;
    if (tell(request, &job, is_beat)) {
        if (is_over)
            finish(request);
        else
            watch_add(request, STREAM_BEAT_MS);
    }
    reader_job_done(&job);
}

void stream_run(struct request *request)
{
    struct http_response response = {.status = 200};
    struct ingress *ingress = request->ingress;
    struct job job;
    if (!call_read_job(request, request->call.job, &job))
        return;
    int64_t key = job.key;
    reader_job_done(&job);
    (void)http_response_add(&response, "Content-Type", SPAN("text/event-stream"));
    (void)http_response_add(&response, "Cache-Control", SPAN("no-cache"));
    (void)http_response_add(&response, "X-Accel-Buffering", SPAN("no"));
    exchange_on_gone(request->exchange, gone, request);
    if (!ingress_begin(request, &response))
        return;
    watch_add(request, 0); /* the first word, from the timer */
    watch_changed(ingress, key);
}
