#include "app/caller_stream.h"

#include "base/crypto.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/clock.h"
#include "edge/event_stream.h"

#include <string.h>

enum {
    STREAM_TRIES_MAX = 5,         /* after the first */
    STREAM_BACKOFF_MS = 1000,     /* doubles with each, and up to as much again by chance */
    STREAM_ANSWER_MS = 30000,     /* until its head comes */
    STREAM_SILENT_MS = 45000,     /* three of the comments that fal sends every 15 s */
    STREAM_EVENT_MAX = 64 * 1024, /* bytes kept of one event */
    STREAM_HINTS_MAX = 16,        /* of one job: stages that come and go mean nothing */
    STREAM_BYTES_MAX = 16 << 20   /* of one answer in all */
};
#define STREAM_LONGEST (6 * MS_HOUR) /* of one answer */

struct caller_stream {
    struct list link;      /* caller->streams */
    struct errand *errand; /* owned: the ask, and all its texts */
    uint64_t call;         /* at the egress; 0: none */
    ms_t retry_at;         /* monotonic, without a call */
    unsigned tries;        /* after the first */
    unsigned hints;        /* that it gave */
    enum told_kind stage;  /* as the core is believed to know it */
    bool is_open;          /* so the core was told */
    bool is_worn;          /* nothing more is to be learnt from it */
    bool is_dropped;
    /* The egress's thread writes these while there is a call: the newest word (TOLD_NOTHING: none
     * came), and at last that it is over. */
    _Atomic enum told_kind heard;
    atomic_int status;
    atomic_bool is_over;
    struct event_stream reader; /* its own until then */
};

/* ---------------------------------------------------------------- on the egress's thread */

static void on_event(void *context, struct span data)
{
    struct caller_stream *stream = context;
    const struct errand *errand = stream->errand;
    struct told told;
    bool is_others = !errand->question.provider->read_stream(data, &told) ||
                     (told.remote_id[0] && strcmp(told.remote_id, errand->question.remote_id) != 0);
    if (is_others || atomic_load(&stream->heard) == told.kind)
        return;
    atomic_store(&stream->heard, told.kind);
    caller_wake(errand->caller);
}

static bool on_bytes(void *context, struct span bytes)
{
    struct caller_stream *stream = context;
    return event_stream_add(&stream->reader, bytes);
}

static void on_over(void *context, const struct egress_result *result)
{
    struct caller_stream *stream = context;
    struct caller *caller = stream->errand->caller;
    log_debug("a stream is over", log_text("job", stream->errand->job_id),
              log_text("provider", stream->errand->provider_name),
              log_number("status", result->response.status),
              log_text("outcome", egress_outcome_name(result->outcome)),
              log_number("ms", result->times.total));
    atomic_store(&stream->status, result->response.status);
    atomic_store(&stream->is_over, true); /* from here on it is the caller's */
    caller_wake(caller);
}

/* ---------------------------------------------------------------- on the caller's thread */

static void stream_free(struct caller_stream *stream)
{
    list_remove(&stream->link);
    event_stream_done(&stream->reader);
    caller_errand_free(stream->errand);
    memory_free(stream);
}

static void plan_again(struct caller_stream *stream)
{
    ms_t pause = (ms_t)STREAM_BACKOFF_MS << stream->tries++;
    pause += (ms_t)(crypto_random_number() % (uint64_t)pause);
    stream->retry_at = clock_monotonic() + pause;
}

static void open_stream(struct caller_stream *stream)
{
    struct errand *errand = stream->errand;
    struct caller *caller = errand->caller;
    const struct remote remote = {&errand->question.ask, errand->question.remote_id,
                                  errand->question.handle};
    struct http_request request;
    errand->question.provider->stream(&remote, &request);
    event_stream_clear(&stream->reader);
    atomic_store(&stream->heard, TOLD_NOTHING);
    atomic_store(&stream->status, 0);
    atomic_store(&stream->is_over, false);
    stream->call = egress_id(caller->config.egress);
    const struct egress_call call = {
        .id = stream->call,
        .request = &request,
        .trusted = caller_origin(errand->question.ask.base_url, &errand->arena),
        .stays = true,
        .answer = {.max = STREAM_BYTES_MAX, .chunk = on_bytes, .plain = true},
        .deadlines = {.first_byte = STREAM_ANSWER_MS,
                      .total = STREAM_LONGEST,
                      .slow = MS_NEVER,
                      .silent = STREAM_SILENT_MS},
        .done = on_over,
        .context = stream,
    };
    if (caller_may_ask(caller, &request) && egress_send(caller->config.egress, &call))
        return;
    stream->call = 0;
    plan_again(stream);
}

static void hint(const struct caller_stream *stream)
{
    const struct errand *errand = stream->errand;
    struct message *message = message_make(EVENT_HINTED);
    message->event.hinted = (struct hinted){
        .job = errand->job,
        .attempt = errand->attempt,
        .remote_id = arena_copy(&message->arena, span_of(errand->question.remote_id)),
    };
    caller_tell(errand->caller, message);
}

static void turn_into(struct caller_stream *stream, bool is_open)
{
    const struct errand *errand = stream->errand;
    struct caller *caller = errand->caller;
    if (stream->is_open == is_open)
        return;
    struct message *message = message_make(EVENT_STREAMED);
    message->event.streamed =
        (struct streamed){.job = errand->job, .attempt = errand->attempt, .is_open = is_open};
    if (!is_open) {
        caller_tell(caller, message);
    } else if (!caller->config.post(caller->config.context, message)) {
        message_free(message); /* told later it might come behind the end's; the next look does */
        return;
    }
    stream->is_open = is_open;
    board_count_stream(caller->config.board, errand->provider_name, is_open ? 1 : -1);
}

/* The newest word. Until the first one comes the silence of a stream means nothing. */
static void take_word(struct caller_stream *stream, enum told_kind kind)
{
    bool is_going_on = kind == TOLD_WAITING || kind == TOLD_RUNNING;
    if (stream->is_worn)
        return;
    if (is_going_on)
        turn_into(stream, true);
    if (kind != stream->stage) {
        stream->hints++;
        hint(stream);
    }
    stream->stage = kind;
    if (is_going_on && stream->hints < STREAM_HINTS_MAX)
        return;
    stream->is_worn = true; /* whether it is true what it says, polls find out */
    egress_cancel(stream->errand->caller->config.egress, stream->call);
}

/* Whether another try may do better: a refusal stands, unless the job is not visible yet or they
 * have too much to do. */
static bool may_again(const struct caller_stream *stream)
{
    int status = atomic_load(&stream->status);
    bool is_refused = status / 100 == 4 && status != 404 && status != 408 && status != 429;
    return !is_refused && !stream->is_worn && !stream->is_dropped &&
           stream->tries < STREAM_TRIES_MAX;
}

static void look_at_call(struct caller_stream *stream)
{
    bool is_over = atomic_load(&stream->is_over); /* before the word, which is never newer */
    enum told_kind kind = atomic_load(&stream->heard);
    bool is_news = kind != TOLD_NOTHING && (kind != stream->stage || !stream->is_open);
    if (is_news && !stream->is_dropped)
        take_word(stream, kind);
    if (!is_over)
        return;
    stream->call = 0;
    turn_into(stream, false);
    if (may_again(stream))
        plan_again(stream);
    else
        stream_free(stream);
}

static void look_at(struct caller_stream *stream, ms_t now)
{
    bool is_given_up = stream->is_dropped || stream->tries > STREAM_TRIES_MAX;
    if (stream->call)
        look_at_call(stream);
    else if (is_given_up)
        stream_free(stream);
    else if (stream->retry_at <= now)
        open_stream(stream);
}

ms_t caller_stream_turn(struct caller *caller)
{
    ms_t now = clock_monotonic(), next = MS_NEVER;
    LIST_EACH(&caller->streams, link)
        look_at(LIST_OWNER(link, struct caller_stream, link), now);
    LIST_EACH(&caller->streams, link) {
        const struct caller_stream *stream = LIST_OWNER(link, struct caller_stream, link);
        if (stream->call == 0 && stream->retry_at < next)
            next = stream->retry_at;
    }
    return next;
}

void caller_stream_drop(struct caller *caller, int64_t job)
{
    LIST_EACH(&caller->streams, link) {
        struct caller_stream *stream = LIST_OWNER(link, struct caller_stream, link);
        if (stream->errand->job != job)
            continue;
        stream->is_dropped = true;
        egress_cancel(caller->config.egress, stream->call);
    }
}

static bool has_place(const struct caller *caller, const char *provider)
{
    unsigned count = 0;
    LIST_EACH(&caller->streams, link) {
        const struct caller_stream *stream = LIST_OWNER(link, struct caller_stream, link);
        count += !stream->is_dropped && strcmp(stream->errand->provider_name, provider) == 0;
    }
    return count < (unsigned)caller->config.config->streams.per_provider;
}

void caller_stream_begin(struct errand *errand)
{
    struct caller *caller = errand->caller;
    struct told told;
    caller_stream_drop(caller, errand->job); /* an older attempt's */
    if (!has_place(caller, errand->provider_name) || !caller_ask_fill(errand, &told) ||
        !errand->question.provider->stream) {
        caller_errand_free(errand);
        return;
    }
    struct caller_stream *stream = memory_new(struct caller_stream);
    *stream = (struct caller_stream){.errand = errand, .stage = TOLD_WAITING};
    list_init(&stream->link);
    event_stream_init(&stream->reader, STREAM_EVENT_MAX, on_event, stream);
    list_add(&caller->streams, &stream->link);
    open_stream(stream);
}

void caller_stream_stop(struct caller *caller)
{
    LIST_EACH(&caller->streams, link)
        egress_cancel(caller->config.egress, LIST_OWNER(link, struct caller_stream, link)->call);
}

void caller_stream_free(struct caller *caller)
{
    LIST_EACH(&caller->streams, link)
        stream_free(LIST_OWNER(link, struct caller_stream, link));
}
