#include "edge/connection.h"

#include "base/crypto.h"
#include "base/log.h"
#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum {
    SPARE_MAX = 64,       /* exchanges kept for the next requests … */
    SPARE_BUFFER = 16384, /* … with buffers up to this size */
    COPY_MAX = 16384,     /* bodies up to this size are copied beside their head */
    ERROR_MAX = 65536,
};

/* --- Making and freeing. --- */

struct exchange *exchange_make(struct connection *connection)
{
    struct server *server = connection->server;
    struct list *link = list_take(&server->spare);
    struct exchange *exchange;
    if (link) {
        exchange = LIST_OWNER(link, struct exchange, link);
        server->spare_count--;
    } else {
        exchange = memory_new(struct exchange);
        list_init(&exchange->link);
        buffer_init(&exchange->text, SIZE_MAX / 4);
        buffer_init(&exchange->body, SIZE_MAX / 4);
        arena_init(&exchange->arena);
        exchange->server = server;
    }
    server->exchanges++;
    exchange->connection = connection;
    exchange->head.request_id = -1;
    exchange->head.header_count = 0;
    exchange->head.method.size = 0;
    return exchange;
}

static void trim(struct buffer *buffer)
{
    if (buffer->capacity > SPARE_BUFFER)
        buffer_done(buffer);
    else
        buffer_clear(buffer);
}

void exchange_free(struct exchange *exchange)
{
    struct server *server = exchange->server;
    server->numbers.body_bytes -= exchange->body.size;
    address_release(&server->addresses, exchange->forwarded);
    sender_free(exchange->sender);
    if (server->spare_count >= SPARE_MAX || server->stopping) {
        buffer_done(&exchange->text);
        buffer_done(&exchange->body);
        arena_done(&exchange->arena);
        memory_free(exchange);
        server_exchange_freed(server);
        return;
    }
    trim(&exchange->text);
    trim(&exchange->body);
    arena_clear(&exchange->arena);
    exchange->connection = NULL;
    exchange->request = NULL;
    exchange->body_max = exchange->body_seen = 0;
    exchange->sink = (struct exchange_sink){0};
    exchange->sink_context = exchange->gone_context = NULL;
    exchange->gone = NULL;
    exchange->forwarded = NULL;
    exchange->sender = NULL;
    exchange->segments = NULL;
    exchange->segment_count = exchange->segment = 0;
    exchange->segment_open = exchange->sender_works = false;
    exchange->chunks = exchange->bodiless = exchange->gated = false;
    exchange->peer[0] = exchange->id[0] = '\0';
    list_add(&server->spare, &exchange->link);
    server->spare_count++;
    server_exchange_freed(server);
}

void exchange_abandon(struct exchange *exchange, enum connection_state state)
{
    exchange->connection = NULL;
    if (state == CONNECTION_WAITING || state == CONNECTION_STREAMING) {
        /* Without `gone`, the owner does not know yet and still holds the pointer. */
        if (!exchange->gone)
            return;
        exchange->gone(exchange->gone_context);
    } else if (exchange->sink.gone) {
        exchange->sink.gone(exchange->sink.context);
    }
    exchange_free(exchange);
}

/* --- What is asked of it. --- */

void exchange_fill_request(struct exchange *exchange)
{
    struct http_request *request = exchange->request;
    const struct head *head = &exchange->head;
    const char *text = exchange->text.data;
    request->method_name = head_span(text, head->method);
    request->method = http_method_find(request->method_name);
    request->target = head_span(text, head->target);
    request->path = head_span(text, head->path);
    request->query = head_span(text, head->query);
    for (unsigned n = 0; n < head->header_count; n++)
        request->headers[n] = (struct http_header){head_span(text, head->headers[n].name),
                                                   head_span(text, head->headers[n].value)};
    request->header_count = head->header_count;
    request->body = buffer_span(&exchange->body);
    request->part_count = 0;
    request->peer = span_of(exchange->peer);
    request->peer_is_loopback = exchange->peer_is_loopback;
}

const struct http_request *exchange_request(struct exchange *exchange)
{
    if (!exchange->request) {
        exchange->request = arena_new(&exchange->arena, struct http_request);
        exchange_fill_request(exchange);
    }
    return exchange->request;
}

struct arena *exchange_arena(struct exchange *exchange)
{
    return &exchange->arena;
}

static bool is_safe_id(struct span id)
{
    for (size_t n = 0; n < id.size; n++) {
        char byte = id.data[n];
        if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
              (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-'))
            return false;
    }
    return id.size > 0 && id.size < EXCHANGE_ID_SIZE;
}

void exchange_make_id(struct server *server, char target[static EXCHANGE_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t counter = ++server->id_counter;
    memcpy(target, server->id_prefix, 8);
    for (size_t n = 0; n < 12; n++)
        target[8 + n] = digits[counter >> (44 - 4 * n) & 15u];
    target[20] = '\0';
}

static const char *id_of(struct exchange *exchange)
{
    const struct head *head = &exchange->head;
    if (exchange->id[0])
        return exchange->id;
    struct span offered = {"", 0};
    if (head->request_id >= 0 && (unsigned)head->request_id < head->header_count)
        offered = head_span(exchange->text.data, head->headers[head->request_id].value);
    if (!is_safe_id(offered) || !span_copy(offered, exchange->id, sizeof exchange->id))
        exchange_make_id(exchange->server, exchange->id);
    return exchange->id;
}

const char *exchange_request_id(const struct exchange *exchange)
{
    /* The id is made when it is first asked for, which changes nothing that anyone can see. */
    return id_of((struct exchange *)(uintptr_t)exchange);
}

bool exchange_was_gated(const struct exchange *exchange)
{
    return exchange->gated;
}

void *exchange_sink_context(const struct exchange *exchange)
{
    return exchange->sink_context;
}

void exchange_resume(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    if (!connection || !connection->sink_waits)
        return;
    connection->sink_waits = false;
    if (connection->state == CONNECTION_BODY) {
        /* The time that the sink took is not the sender's. */
        connection_set_state(connection, CONNECTION_BODY);
        connection_wake(connection);
    }
}

void exchange_on_gone(struct exchange *exchange, void (*gone)(void *context), void *context)
{
    exchange->gone = gone;
    exchange->gone_context = context;
}

bool exchange_peer_left(const struct exchange *exchange)
{
    char byte;
    if (!exchange->connection)
        return true;
    ssize_t got = recv(exchange->connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* --- Whole replies. --- */

static bool is_head_request(const struct exchange *exchange)
{
    return exchange->text.data && exchange->head.method.size == 4 &&
           span_is(head_span(exchange->text.data, exchange->head.method), "HEAD");
}

/* The reply is in the output: ends the exchange and lets the connection go on. */
static void finish(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    exchange_free(exchange);
    connection_replied(connection);
}

static struct reply reply_of(struct exchange *exchange, const struct http_response *response)
{
    struct connection *connection = exchange->connection;
    if (exchange->server->draining || connection->ended || reply_wants_close(response))
        connection->keep = false;
    return (struct reply){
        .response = response,
        .id = id_of(exchange),
        .date = server_date(exchange->server),
        .close = !connection->keep,
        .says_keep_alive = connection->keep && exchange->head.minor == 0,
    };
}

static uint64_t length_of(const struct http_response *response)
{
    uint64_t length = response->body.size;
    for (unsigned n = 0; n < response->part_count; n++) {
        const struct http_part *part = &response->parts[n];
        length += part->kind == HTTP_PART_BYTES ? part->bytes.size : part->size;
    }
    return length;
}

static bool has_files(const struct http_response *response)
{
    for (unsigned n = 0; n < response->part_count; n++) {
        if (response->parts[n].kind == HTTP_PART_FILE)
            return true;
    }
    return false;
}

/* False when the peer is gone. */
static bool add_bytes(struct connection *connection, struct span bytes)
{
    if (bytes.size > COPY_MAX)
        return connection_send_large(connection, bytes);
    buffer_add(connection_out(connection), bytes);
    return true;
}

static void close_over(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    connection->exchange = NULL;
    exchange_free(exchange);
    connection_close(connection);
}

void exchange_drop(struct exchange *exchange)
{
    if (exchange->connection)
        close_over(exchange);
    else
        exchange_free(exchange);
}

static void start_files(struct exchange *exchange, const struct http_response *response);

void exchange_reply(struct exchange *exchange, const struct http_response *response)
{
    struct connection *connection = exchange->connection;
    if (!connection) {
        exchange_free(exchange);
        return;
    }
    assert(connection->state != CONNECTION_STREAMING && connection->state != CONNECTION_FILES);
    if (!reply_is_valid(response)) {
        log_error("a handler's response is not valid HTTP", log_number("status", response->status),
                  log_text("request", id_of(exchange)));
        exchange_refuse(exchange, 0, ERROR_INTERNAL, NULL);
        return;
    }
    bool sends = reply_has_body(response->status) && !is_head_request(exchange);
    if (sends && has_files(response)) {
        start_files(exchange, response);
        return;
    }
    struct reply reply = reply_of(exchange, response);
    reply.framing = reply_has_body(response->status) ? REPLY_LENGTH : REPLY_NO_BODY;
    reply.length = length_of(response);
    reply_add(connection_out(connection), &reply);
    bool here = !sends || add_bytes(connection, response->body);
    for (unsigned n = 0; sends && here && n < response->part_count; n++)
        here = add_bytes(connection, response->parts[n].bytes);
    if (here)
        finish(exchange);
    else
        close_over(exchange);
}

void exchange_refuse(struct exchange *exchange, int status, enum error_code code,
                     const char *sentence)
{
    struct buffer body;
    buffer_init(&body, ERROR_MAX);
    reply_add_error(&body, code, sentence ? sentence : error_sentence(code), id_of(exchange));
    struct http_response response = {.status = status ? status : error_status(code),
                                     .body = buffer_span(&body)};
    (void)http_response_add(&response, "Content-Type", SPAN("application/json"));
    exchange_reply(exchange, &response);
    buffer_done(&body);
}

/* --- Replies with files. --- */

static void on_sent(void *context, enum sender_event event, size_t moved)
{
    struct exchange *exchange = context;
    struct connection *connection = exchange->connection;
    exchange->sender_works = false;
    connection_note_written(connection, moved);
    switch (event) {
    case SENDER_OPENED:
        exchange->segment_open = true;
        break;
    case SENDER_DONE:
        exchange->segment_open = false;
        exchange->segment++;
        break;
    case SENDER_BLOCKED:
        connection->blocked = true;
        connection_settle(connection);
        return;
    case SENDER_MOVED:
        break;
    case SENDER_FAILED:
        log_error("a file of a reply could not be read", log_text("request", id_of(exchange)),
                  log_text("path", exchange->segments[exchange->segment].path));
        if (exchange->text.size > 0) {
            /* Nothing was sent yet, so there still is a way to say it. */
            connection_set_state(connection, CONNECTION_WAITING);
            sender_free(exchange->sender);
            exchange->sender = NULL;
            exchange_refuse(exchange, 0, ERROR_INTERNAL, NULL);
            return;
        }
        connection_close(connection);
        return;
    case SENDER_BROKEN:
        connection_close(connection);
        return;
    }
    exchange_advance(exchange);
}

void exchange_advance(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    if (exchange->sender_works)
        return;
    if (exchange->text.size > 0) {
        buffer_add(connection_out(connection), buffer_span(&exchange->text));
        buffer_clear(&exchange->text);
        connection_note_blocked(connection);
    }
    while (exchange->segment < exchange->segment_count) {
        const struct exchange_segment *segment = &exchange->segments[exchange->segment];
        if (!segment->path) {
            buffer_add(connection_out(connection), segment->bytes);
            exchange->segment++;
            continue;
        }
        /* sendfile goes around the output, which therefore has to be empty. */
        if (!connection_flush(connection)) {
            connection_close(connection);
            return;
        }
        if (connection->out.size > 0) {
            connection_settle(connection);
            return;
        }
        exchange->sender_works = true;
        if (exchange->segment_open)
            sender_step(exchange->sender);
        else
            sender_open(exchange->sender, segment->path, segment->offset, segment->size);
        connection_settle(connection);
        return;
    }
    finish(exchange);
}

static void add_segment(struct exchange *exchange, const struct http_part *part)
{
    struct arena *arena = &exchange->arena;
    struct exchange_segment *segment = &exchange->segments[exchange->segment_count++];
    if (part->kind == HTTP_PART_FILE) {
        segment->path = arena_copy(arena, span_of(part->path));
        segment->offset = part->offset;
        segment->size = part->size;
    } else {
        segment->bytes = (struct span){arena_copy(arena, part->bytes), part->bytes.size};
    }
}

static void start_files(struct exchange *exchange, const struct http_response *response)
{
    struct connection *connection = exchange->connection;
    struct reply reply = reply_of(exchange, response);
    reply.framing = REPLY_LENGTH;
    reply.length = length_of(response);
    exchange->sender = sender_make(exchange->server->loop, connection->fd, on_sent, exchange);
    if (!exchange->sender) {
        exchange_refuse(exchange, 0, ERROR_INTERNAL, "The server has no descriptor left.");
        return;
    }
    exchange->segments =
        arena_array(&exchange->arena, struct exchange_segment, response->part_count + 1u);
    if (response->body.size > 0)
        add_segment(exchange,
                    &(struct http_part){.kind = HTTP_PART_BYTES, .bytes = response->body});
    for (unsigned n = 0; n < response->part_count; n++)
        add_segment(exchange, &response->parts[n]);
    /* The head waits until the first file is known to be there. The request's own text is not
     * needed any more, and neither is what the handler's spans pointed to. */
    buffer_clear(&exchange->text);
    reply_add(&exchange->text, &reply);
    connection_set_state(connection, CONNECTION_FILES);
    unsigned first = 0;
    while (!exchange->segments[first].path)
        first++;
    const struct exchange_segment *segment = &exchange->segments[first];
    exchange->sender_works = true;
    sender_open(exchange->sender, segment->path, segment->offset, segment->size);
    connection_settle(connection);
}

/* --- Streams. --- */

/* Ends an exchange whose owner learns by a return value that it is over. */
static bool drop(struct exchange *exchange)
{
    if (exchange->connection)
        close_over(exchange);
    else
        exchange_free(exchange);
    return false;
}

/* Sends what was added; false when the peer is gone or too far behind. */
static bool push(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    /* While intake runs it gathers replies and sends them itself, unless this is getting much. */
    if (connection->running && connection_unsent(connection) < EXCHANGE_STREAM_MAX / 4)
        return true;
    if (!connection_flush(connection) || connection_unsent(connection) > EXCHANGE_STREAM_MAX)
        return drop(exchange);
    connection_settle(connection);
    return true;
}

bool exchange_begin(struct exchange *exchange, const struct http_response *response)
{
    struct connection *connection = exchange->connection;
    if (!connection)
        return drop(exchange);
    assert(connection->state == CONNECTION_WAITING);
    assert(response->body.size == 0 && response->part_count == 0);
    if (!reply_is_valid(response) || !reply_has_body(response->status)) {
        log_error("a handler's stream is not valid HTTP", log_number("status", response->status),
                  log_text("request", id_of(exchange)));
        return drop(exchange);
    }
    exchange->chunks = exchange->head.minor == 1;
    exchange->bodiless = is_head_request(exchange);
    if (!exchange->chunks && !exchange->bodiless)
        connection->keep = false;
    struct reply reply = reply_of(exchange, response);
    reply.framing = exchange->chunks ? REPLY_CHUNKED : REPLY_UNTIL_CLOSE;
    reply_add(connection_out(connection), &reply);
    connection_set_state(connection, CONNECTION_STREAMING);
    return push(exchange);
}

bool exchange_write(struct exchange *exchange, struct span bytes)
{
    struct connection *connection = exchange->connection;
    if (!connection)
        return drop(exchange);
    assert(connection->state == CONNECTION_STREAMING);
    if (bytes.size == 0 || exchange->bodiless)
        return true;
    if (bytes.size > EXCHANGE_STREAM_MAX)
        return drop(exchange);
    struct buffer *out = connection_out(connection);
    if (exchange->chunks)
        reply_add_chunk_size(out, bytes.size);
    buffer_add(out, bytes);
    if (exchange->chunks)
        buffer_add(out, SPAN("\r\n"));
    return push(exchange);
}

size_t exchange_unsent(const struct exchange *exchange)
{
    return exchange->connection ? connection_unsent(exchange->connection) : 0;
}

void exchange_end(struct exchange *exchange)
{
    struct connection *connection = exchange->connection;
    if (!connection) {
        exchange_free(exchange);
        return;
    }
    assert(connection->state == CONNECTION_STREAMING);
    if (exchange->chunks && !exchange->bodiless)
        buffer_add(connection_out(connection), SPAN("0\r\n\r\n"));
    finish(exchange);
}
