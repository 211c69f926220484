#include "edge/server_test_rig.h"

#include "base/memory.h"
#include "edge/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* --- The handler. --- */

static int64_t number_of(struct exchange *exchange, const char *name, int64_t otherwise)
{
    struct span text;
    int64_t value = otherwise;
    if (http_query(exchange_request(exchange)->query, name, exchange_arena(exchange), &text))
        (void)span_integer(text, 0, INT64_MAX, &value);
    return value;
}

static void reply_text(struct exchange *exchange, struct span body)
{
    struct http_response response = {.status = 200, .body = body};
    (void)http_response_add(&response, "Content-Type", SPAN("text/plain"));
    exchange_reply(exchange, &response);
}

static void echo(struct exchange *exchange)
{
    const struct http_request *request = exchange_request(exchange);
    char *text =
        arena_print(exchange_arena(exchange), "%s %.*s %.*s ?%.*s %.*s %d %zu ",
                    http_method_name(request->method), SPAN_PRINT(request->method_name),
                    SPAN_PRINT(request->path), SPAN_PRINT(request->query),
                    SPAN_PRINT(request->peer), request->peer_is_loopback, request->body.size);
    struct http_response response = {.status = 200, .part_count = 2};
    response.parts[0] = (struct http_part){.kind = HTTP_PART_BYTES, .bytes = span_of(text)};
    response.parts[1] = (struct http_part){.kind = HTTP_PART_BYTES, .bytes = request->body};
    exchange_reply(exchange, &response);
}

struct held {
    struct rig *rig;
    unsigned index;
};

static void on_gone(void *context)
{
    struct held *held = context;
    held->rig->held[held->index] = NULL;
    atomic_fetch_add(&held->rig->gone, 1);
}

static void hold(struct rig *rig, struct exchange *exchange, bool bare)
{
    struct held *held = arena_new(exchange_arena(exchange), struct held);
    assert_true(rig->held_count < RIG_WAITING_MAX);
    *held = (struct held){rig, rig->held_count};
    rig->held[rig->held_count++] = exchange;
    if (!bare)
        exchange_on_gone(exchange, on_gone, held);
    atomic_fetch_add(&rig->waiting, 1);
}

static void reply_size(struct exchange *exchange)
{
    size_t size = (size_t)number_of(exchange, "n", 0);
    char *bytes = arena_make(exchange_arena(exchange), size + 1);
    for (size_t n = 0; n < size; n++)
        bytes[n] = (char)('a' + n % 23);
    reply_text(exchange, (struct span){bytes, size});
}

static void stream(struct rig *rig, struct exchange *exchange)
{
    struct http_response response = {.status = 200};
    int64_t count = number_of(exchange, "n", 3);
    bool here = exchange_begin(exchange, &response);
    for (int64_t n = 0; here && n < count; n++)
        here = exchange_write(exchange, SPAN("0123456789"));
    if (here)
        exchange_end(exchange);
    atomic_fetch_add(&rig->streams_over, 1);
}

static void flood(struct rig *rig, struct exchange *exchange)
{
    static const char block[1000];
    struct http_response response = {.status = 200};
    bool here = exchange_begin(exchange, &response);
    while (here && atomic_fetch_add(&rig->streamed, sizeof block) < 1000u * 1000 * 1000)
        here = exchange_write(exchange, (struct span){block, sizeof block});
    atomic_fetch_add(&rig->streams_over, 1);
}

static void on_stream_gone(void *context)
{
    struct rig *rig = context;
    rig->stream = NULL;
    atomic_fetch_add(&rig->gone, 1);
}

static void open_stream(struct rig *rig, struct exchange *exchange)
{
    struct http_response response = {.status = 200};
    exchange_on_gone(exchange, on_stream_gone, rig);
    if (exchange_begin(exchange, &response) && exchange_write(exchange, SPAN("first")))
        rig->stream = exchange;
    atomic_fetch_add(&rig->waiting, 1);
}

static void send_file(struct rig *rig, struct exchange *exchange)
{
    struct span name;
    struct http_response response = {.status = 200};
    struct arena *arena = exchange_arena(exchange);
    assert_true(http_query(exchange_request(exchange)->query, "name", arena, &name));
    struct http_part file = {
        .kind = HTTP_PART_FILE,
        .path = arena_print(arena, "%s/%.*s", rig->folder, SPAN_PRINT(name)),
        .offset = (uint64_t)number_of(exchange, "offset", 0),
        .size = (uint64_t)number_of(exchange, "size", 0),
    };
    struct http_part bytes = {.kind = HTTP_PART_BYTES, .bytes = SPAN("<edge>")};
    bool framed = number_of(exchange, "framed", 0) > 0;
    if (framed)
        response.parts[response.part_count++] = bytes;
    response.parts[response.part_count++] = file;
    if (framed) {
        response.parts[response.part_count++] = bytes;
        response.parts[response.part_count++] = file;
    }
    exchange_reply(exchange, &response);
}

static void reply_headers(struct exchange *exchange, const char *name, struct span value)
{
    struct http_response response = {.status = 200, .body = SPAN("x")};
    (void)http_response_add(&response, name, value);
    /* These are the server's, and dropped. */
    (void)http_response_add(&response, "Content-Length", SPAN("77"));
    (void)http_response_add(&response, "Transfer-Encoding", SPAN("chunked"));
    exchange_reply(exchange, &response);
}

static void handle(void *context, struct exchange *exchange)
{
    struct rig *rig = context;
    struct span path = exchange_request(exchange)->path;
    if (span_is(path, "/hello"))
        reply_text(exchange, SPAN("hello"));
    else if (span_is(path, "/echo") || span_is(path, "/sink") || span_is(path, "/pause") ||
             span_is(path, "/stop") || span_is(path, "*") || span_is(path, "/"))
        echo(exchange);
    else if (span_is(path, "/wait") || span_is(path, "/bare"))
        hold(rig, exchange, span_is(path, "/bare"));
    else if (span_is(path, "/size"))
        reply_size(exchange);
    else if (span_is(path, "/stream"))
        stream(rig, exchange);
    else if (span_is(path, "/flood"))
        flood(rig, exchange);
    else if (span_is(path, "/open"))
        open_stream(rig, exchange);
    else if (span_is(path, "/file"))
        send_file(rig, exchange);
    else if (span_is(path, "/evil"))
        reply_headers(exchange, "X-Note", SPAN("a\r\nSet-Cookie: b"));
    else if (span_is(path, "/close"))
        reply_headers(exchange, "Connection", SPAN("close"));
    else if (span_is(path, "/drop"))
        exchange_drop(exchange);
    else if (span_is(path, "/sunk"))
        reply_text(exchange,
                   span_of(arena_print(exchange_arena(exchange), "%zu", atomic_load(&rig->sunk))));
    else if (span_is(path, "/none"))
        exchange_reply(exchange, &(struct http_response){.status = 204, .body = SPAN("dropped")});
    else
        exchange_refuse(exchange, 0, ERROR_NOT_FOUND, NULL);
}

/* --- The gate and its sinks. --- */

struct sink {
    struct rig *rig;
    struct exchange *exchange;
    uv_timer_t timer;
    size_t stop_at, size;
    bool pauses;
};

static void on_sink_timer_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

static void on_sink_timer(uv_timer_t *timer)
{
    struct sink *sink = timer->data;
    exchange_resume(sink->exchange);
}

static void end_sink(struct sink *sink)
{
    sink->exchange = NULL;
    uv_close((uv_handle_t *)&sink->timer, on_sink_timer_closed);
}

static enum exchange_want sink_write(void *context, struct span bytes)
{
    struct sink *sink = context;
    atomic_fetch_add(&sink->rig->sunk, bytes.size);
    sink->size += bytes.size;
    if (sink->pauses) {
        (void)uv_timer_start(&sink->timer, on_sink_timer, 20, 0);
        return EXCHANGE_WAIT;
    }
    return sink->stop_at && sink->size >= sink->stop_at ? EXCHANGE_STOP : EXCHANGE_MORE;
}

static void sink_gone(void *context)
{
    struct sink *sink = context;
    atomic_fetch_add(&sink->rig->sink_gone, 1);
    end_sink(sink);
}

static void handle_gated(void *context, struct exchange *exchange)
{
    struct sink *sink = exchange_sink_context(exchange);
    if (sink)
        end_sink(sink);
    handle(context, exchange);
}

void rig_gate(void *context, struct exchange *exchange, struct server_gate *gate)
{
    static struct http_response refusal = {.status = 403};
    struct rig *rig = context;
    struct span path = exchange_request(exchange)->path;
    if (span_is(path, "/refused")) {
        gate->kind = SERVER_REFUSE;
        gate->response = &refusal;
        return;
    }
    if (!span_is(path, "/sink") && !span_is(path, "/pause") && !span_is(path, "/stop"))
        return;
    struct sink *sink = memory_new(struct sink);
    sink->rig = rig;
    sink->exchange = exchange;
    sink->pauses = span_is(path, "/pause");
    sink->stop_at = span_is(path, "/stop") ? 1000 : 0;
    (void)uv_timer_init(&rig->loop, &sink->timer);
    sink->timer.data = sink;
    gate->kind = SERVER_STREAM;
    gate->body_max = 100u * 1000 * 1000;
    gate->sink = (struct exchange_sink){sink_write, sink_gone, sink};
}

/* --- The thread. --- */

static void on_stopped(void *context)
{
    struct rig *rig = context;
    atomic_fetch_add(&rig->stopped, 1);
}

static void on_wake(uv_async_t *wake)
{
    struct rig *rig = wake->data;
    pthread_mutex_lock(&rig->lock);
    if (rig->call)
        rig->call(rig);
    rig->call = NULL;
    if (rig->stopping) {
        server_stop(rig->server, on_stopped, rig);
        uv_close((uv_handle_t *)&rig->wake, NULL);
    }
    pthread_cond_broadcast(&rig->done);
    pthread_mutex_unlock(&rig->lock);
}

static void *run(void *context)
{
    struct rig *rig = context;
    (void)uv_run(&rig->loop, UV_RUN_DEFAULT);
    return NULL;
}

void rig_start(struct rig *rig, void (*configure)(struct server_config *config))
{
    char fault[SERVER_FAULT_SIZE] = "";
    *rig = (struct rig){0};
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    assert_int_equal(uv_async_init(&rig->loop, &rig->wake, on_wake), 0);
    rig->wake.data = rig;
    pthread_mutex_init(&rig->lock, NULL);
    pthread_cond_init(&rig->done, NULL);
    server_config_init(&rig->config);
    if (configure)
        configure(&rig->config);
    bool started = server_start(&rig->loop, &rig->config, handle_gated, rig, &rig->server, fault);
    if (!started)
        print_error("%s\n", fault);
    assert_true(started);
    assert_int_equal(pthread_create(&rig->thread, NULL, run, rig), 0);
}

void rig_call(struct rig *rig, void (*call)(struct rig *rig))
{
    pthread_mutex_lock(&rig->lock);
    rig->call = call;
    (void)uv_async_send(&rig->wake);
    while (rig->call)
        pthread_cond_wait(&rig->done, &rig->lock);
    pthread_mutex_unlock(&rig->lock);
}

void rig_stop(struct rig *rig)
{
    pthread_mutex_lock(&rig->lock);
    rig->stopping = true;
    (void)uv_async_send(&rig->wake);
    pthread_mutex_unlock(&rig->lock);
    pthread_join(rig->thread, NULL);
    assert_int_equal(atomic_load(&rig->stopped), 1);
    /* What was held without `gone` is still ours. */
    for (unsigned n = 0; n < rig->held_count; n++) {
        if (rig->held[n])
            exchange_refuse(rig->held[n], 0, ERROR_INTERNAL, NULL);
    }
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    pthread_mutex_destroy(&rig->lock);
    pthread_cond_destroy(&rig->done);
}

static void release(struct rig *rig)
{
    for (unsigned n = 0; n < rig->held_count; n++) {
        struct exchange *exchange = rig->held[n];
        rig->held[n] = NULL;
        if (!exchange)
            continue;
        /* Asked for again: it is built anew, and must say the same. */
        assert_true(span_starts(exchange_request(exchange)->path, "/"));
        reply_text(exchange, SPAN("released"));
    }
    rig->held_count = 0;
}

void rig_release(struct rig *rig)
{
    rig_call(rig, release);
}

ms_t rig_await(const atomic_uint *counter, unsigned value)
{
    ms_t start = clock_monotonic();
    while (atomic_load(counter) < value && clock_monotonic() - start < RIG_WAIT_MS)
        rig_sleep(1);
    assert_int_equal(atomic_load(counter), value);
    return clock_monotonic() - start;
}

static struct server_numbers counted;

static void count(struct rig *rig)
{
    server_count(rig->server, &counted);
}

struct server_numbers rig_count(struct rig *rig)
{
    rig_call(rig, count);
    return counted;
}

/* --- Peers. --- */

void rig_sleep(ms_t wait_ms)
{
    struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};
    (void)nanosleep(&wait, NULL);
}

struct rig_peer rig_connect(const struct rig *rig)
{
    struct rig_peer peer = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(server_port(rig->server))};
    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
    assert_true(peer.fd >= 0);
    assert_int_equal(connect(peer.fd, (struct sockaddr *)&to, sizeof to), 0);
    buffer_init(&peer.in, 64u * 1024 * 1024);
    return peer;
}

void rig_send(struct rig_peer *peer, struct span bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = send(peer->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the server closed already; what it said is read all the same */
        bytes.data += sent;
        bytes.size -= (size_t)sent;
    }
}

void rig_hang_up(struct rig_peer *peer)
{
    (void)close(peer->fd);
    buffer_done(&peer->in);
}

void rig_reset(struct rig_peer *peer)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    rig_hang_up(peer);
}

/* Reads some more; false at the end. Fails the test after RIG_WAIT_MS. */
static bool more(struct rig_peer *peer)
{
    struct pollfd wait = {.fd = peer->fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, RIG_WAIT_MS), 1);
    char *room = buffer_room(&peer->in, 65536);
    assert_non_null(room);
    ssize_t size = recv(peer->fd, room, 65536, 0);
    if (size <= 0)
        return false;
    peer->in.size += (size_t)size;
    return true;
}

/* Where the text is in the peer's input from `from` on, reading until it is there; -1 at the end.
 */
static ptrdiff_t find(struct rig_peer *peer, size_t from, const char *text)
{
    for (;;) {
        if (peer->in.size > from) {
            const char *at = memmem(peer->in.data + from, peer->in.size - from, text, strlen(text));
            if (at)
                return at - peer->in.data;
        }
        if (!more(peer))
            return -1;
    }
}

static bool need(struct rig_peer *peer, size_t size)
{
    while (peer->in.size < size) {
        if (!more(peer))
            return false;
    }
    return true;
}

/* Puts the chunks from `at` on together in place; gives the body's end, and drops the framing. */
static bool join_chunks(struct rig_peer *peer, size_t at, size_t *ret_end)
{
    size_t end = at;
    for (;;) {
        ptrdiff_t line = find(peer, at, "\r\n");
        if (line < 0)
            return false;
        size_t size = strtoul(peer->in.data + at, NULL, 16);
        at = (size_t)line + 2;
        if (!need(peer, at + size + 2))
            return false;
        memmove(peer->in.data + end, peer->in.data + at, size);
        end += size;
        at += size + 2;
        if (size == 0)
            break;
    }
    memmove(peer->in.data + end, peer->in.data + at, peer->in.size - at);
    peer->in.size -= at - end;
    *ret_end = end;
    return true;
}

struct rig_reply rig_read(struct rig_peer *peer, bool bodiless)
{
    buffer_drop(&peer->in, peer->used);
    peer->used = 0;
    struct rig_reply reply = {0};
    ptrdiff_t blank = find(peer, 0, "\r\n\r\n");
    if (blank < 0)
        return reply;
    size_t head = (size_t)blank + 4, end = head;
    assert_true(span_copy((struct span){peer->in.data, head}, reply.head, sizeof reply.head));
    assert_true(strncmp(reply.head, "HTTP/1.1 ", 9) == 0);
    reply.status = (int)strtol(reply.head + 9, NULL, 10);
    struct span length = rig_header(&reply, "Content-Length");
    reply.chunked = span_is(rig_header(&reply, "Transfer-Encoding"), "chunked");
    if (bodiless || reply.status < 200 || reply.status == 204 || reply.status == 304) {
        reply.chunked = false;
    } else if (reply.chunked) {
        reply.ended = !join_chunks(peer, head, &end);
    } else if (length.size > 0) {
        end = head + strtoul(length.data, NULL, 10);
        reply.ended = !need(peer, end);
    } else {
        while (more(peer))
            ;
        end = peer->in.size;
    }
    if (reply.ended)
        end = peer->in.size;
    reply.body = (struct span){peer->in.data + head, end - head};
    peer->used = end;
    return reply;
}

ms_t rig_expect_end(struct rig_peer *peer, ms_t wait_ms)
{
    char byte;
    ms_t start = clock_monotonic();
    struct pollfd wait = {.fd = peer->fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, (int)wait_ms), 1);
    assert_true(recv(peer->fd, &byte, 1, 0) <= 0);
    return clock_monotonic() - start;
}

void rig_expect_silence(struct rig_peer *peer, ms_t wait_ms)
{
    struct pollfd wait = {.fd = peer->fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, (int)wait_ms), 0);
}

struct span rig_header(const struct rig_reply *reply, const char *name)
{
    struct span rest = span_of(reply->head), line;
    while (span_take(&rest, '\n', &line)) {
        ptrdiff_t colon = span_find(line, ':');
        if (colon < 0 || !span_is_nocase((struct span){line.data, (size_t)colon}, name))
            continue;
        line.size--; /* the CR */
        return span_trim((struct span){line.data + colon + 1, line.size - (size_t)colon - 1});
    }
    return (struct span){"", 0};
}

struct rig_reply rig_ask(struct rig_peer *peer, struct span bytes, int status)
{
    rig_send(peer, bytes);
    struct rig_reply reply = rig_read(peer, false);
    assert_int_equal(reply.status, status);
    return reply;
}
