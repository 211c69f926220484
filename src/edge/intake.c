/* From bytes to requests: heads, bodies, the gate, and whose request it is. */
#include "edge/connection.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

/* Replies to pipelined requests are gathered up to this size before they are sent. */
enum { GATHER_MAX = 64 * 1024 };

void intake_refuse(struct connection *connection, int status, enum error_code code,
                   const char *sentence)
{
    struct exchange *exchange = connection->exchange;
    if (!exchange)
        exchange = connection->exchange = exchange_make(connection);
    struct exchange_sink sink = exchange->sink;
    exchange->sink = (struct exchange_sink){0};
    connection->keep = false;
    connection->lingers = true;
    connection->server->numbers.refused++;
    exchange_refuse(exchange, status, code, sentence);
    if (sink.gone)
        sink.gone(sink.context);
}

static enum error_code code_of(int status)
{
    switch (status) {
    case 413:
    case 414:
    case 431:
        return ERROR_TOO_LARGE;
    default:
        return ERROR_VALIDATION;
    }
}

/* --- Whose request it is. --- */

/* An entry of X-Forwarded-For: an address, perhaps with a port, an IPv6 one then in brackets. */
static bool read_forwarded(struct span entry, struct network_address *ret_address)
{
    entry = span_trim(entry);
    if (entry.size > 0 && entry.data[0] == '[') {
        ptrdiff_t end = span_find(entry, ']');
        if (end < 0)
            return false;
        return network_address_read((struct span){entry.data + 1, (size_t)end - 1}, ret_address);
    }
    ptrdiff_t colon = span_find(entry, ':');
    if (colon >= 0 && memchr(entry.data, '.', (size_t)colon))
        entry.size = (size_t)colon;
    return network_address_read(entry, ret_address);
}

/* Walks one header's list from its end. True when the client was found, or when an entry can't be
 * read: what stands before that was written by nobody whom we trust. */
static bool walk_forwarded(const struct server *server, struct span list,
                           struct network_address *client)
{
    while (list.size > 0) {
        size_t start = list.size;
        while (start > 0 && list.data[start - 1] != ',')
            start--;
        struct network_address address;
        if (!read_forwarded((struct span){list.data + start, list.size - start}, &address))
            return true;
        *client = address;
        if (!server_trusts(server, client))
            return true;
        list.size = start > 0 ? start - 1 : 0;
    }
    return false;
}

/* False when the client behind the proxy has too many requests under way. */
static bool take_peer(struct connection *connection, struct exchange *exchange)
{
    struct server *server = connection->server;
    struct network_address client = connection->peer;
    bool trusted = server->config.trusted_proxy_count > 0 && server_trusts(server, &client);
    for (unsigned n = exchange->head.header_count; trusted && n-- > 0;) {
        const struct head_header *header = &exchange->head.headers[n];
        struct span name = head_span(exchange->text.data, header->name);
        if (span_is_nocase(name, "x-forwarded-for") &&
            walk_forwarded(server, head_span(exchange->text.data, header->value), &client))
            break;
    }
    exchange->peer_is_loopback = network_address_is_loopback(&client);
    if (memcmp(&client, &connection->peer, sizeof client) == 0) {
        memcpy(exchange->peer, connection->peer_text, sizeof exchange->peer);
        return true;
    }
    network_address_write(&client, exchange->peer);
    exchange->forwarded =
        address_take(&server->addresses, &client, server_address_max(server, &client));
    return exchange->forwarded != NULL;
}

/* --- Bodies. --- */

/* During a call of the gate or the handler the request is shown in the server's one struct, or,
 * under the sanitizers, in one of its own: there, whoever looks at it later is caught. */
static struct http_request *begin_call(struct exchange *exchange)
{
#ifdef REEL_SANITIZED
    exchange->request = memory_new(struct http_request);
#else
    exchange->request = &exchange->server->request;
#endif
    exchange_fill_request(exchange);
    return exchange->request;
}

static void end_call(struct exchange *exchange, struct http_request *request)
{
#ifdef REEL_SANITIZED
    memory_free(request);
#else
    (void)request;
#endif
    if (exchange)
        exchange->request = NULL;
}

static void call_handler(struct connection *connection)
{
    struct server *server = connection->server;
    struct exchange *exchange = connection->exchange;
    exchange->sink.gone = NULL; /* from now on exchange_on_gone holds */
    connection_set_state(connection, CONNECTION_WAITING);
    struct http_request *request = begin_call(exchange);
    server->handler(server->context, exchange);
    /* It may have been ended, and is then no more to be touched. */
    end_call(connection->exchange == exchange ? exchange : NULL, request);
}

/* Most bodies are small and came with their heads: nothing is gained by asking about them twice,
 * and the gate costs as much as a handler. */
static bool is_gated(const struct connection *connection)
{
    const struct exchange *exchange = connection->exchange;
    const struct head *head = &exchange->head;
    const char *path = connection->server->config.gate_path;
    bool is_here = head->body == HEAD_LENGTH && head->length <= connection->view.size;
    return !path || !is_here || span_is(head_span(exchange->text.data, head->path), path);
}

/* The gate's word on how the body is taken. */
static bool ask_gate(struct connection *connection, struct exchange *exchange)
{
    struct server *server = connection->server;
    struct server_gate gate = {.kind = SERVER_BUFFER, .body_max = server->config.body_max};
    if (server->config.gate && is_gated(connection)) {
        exchange->gated = true;
        struct http_request *request = begin_call(exchange);
        server->config.gate(server->context, exchange, &gate);
        end_call(exchange, request);
    }
    if (gate.kind == SERVER_REFUSE) {
        connection->keep = false;
        connection->lingers = true;
        exchange_reply(exchange, gate.response);
        return false;
    }
    exchange->body_max = gate.body_max;
    if (gate.kind == SERVER_STREAM) {
        assert(gate.sink.write);
        exchange->sink = gate.sink;
        exchange->sink_context = gate.sink.context;
    }
    return true;
}

static void start_body(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    const struct head *head = &exchange->head;
    connection_set_state(connection, CONNECTION_BODY);
    if (!ask_gate(connection, exchange))
        return;
    if (head->body == HEAD_LENGTH && head->length > exchange->body_max) {
        intake_refuse(connection, 413, ERROR_TOO_LARGE, "The request's body is too large.");
        return;
    }
    chunked_init(&exchange->chunked);
    if (head->expects_continue && connection->view.size == 0)
        buffer_add(connection_out(connection), SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* Takes a run of the body, unless it is where the body ends for the server. */
static void take_run(struct connection *connection, struct span run)
{
    struct exchange *exchange = connection->exchange;
    struct server *server = connection->server;
    bool claims = exchange->head.body == HEAD_CHUNKED && exchange->chunked.place == CHUNKED_DATA;
    uint64_t claimed = claims ? exchange->chunked.left : 0;
    exchange->body_seen += run.size;
    if (claimed > exchange->body_max || exchange->body_seen > exchange->body_max - claimed) {
        intake_refuse(connection, 413, ERROR_TOO_LARGE, "The request's body is too large.");
        return;
    }
    if (run.size == 0)
        return;
    if (!exchange->sink.write) {
        if (server->numbers.body_bytes + run.size > server->config.bodies_max) {
            intake_refuse(connection, 503, ERROR_RATE_LIMITED,
                          "The server holds too many requests; try again soon.");
            return;
        }
        server->numbers.body_bytes += run.size;
        buffer_add(&exchange->body, run);
        assert(!exchange->body.failed);
        return;
    }
    enum exchange_want want = exchange->sink.write(exchange->sink.context, run);
    connection->sink_waits = want == EXCHANGE_WAIT;
    if (want != EXCHANGE_STOP)
        return;
    connection->keep = false;
    connection->lingers = true;
    call_handler(connection);
}

static bool body_is_whole(const struct exchange *exchange)
{
    return exchange->head.body == HEAD_CHUNKED ? exchange->chunked.place == CHUNKED_DONE
                                               : exchange->body_seen == exchange->head.length;
}

/* True while there is more to do with what is here. */
static bool take_body(struct connection *connection)
{
    struct exchange *exchange = connection->exchange;
    struct span *view = &connection->view;
    bool chunked = exchange->head.body == HEAD_CHUNKED;
    if (body_is_whole(exchange)) {
        call_handler(connection);
        return true;
    }
    if (view->size == 0)
        return false;
    struct span run;
    if (chunked) {
        run = chunked_read(&exchange->chunked, view);
        if (exchange->chunked.place == CHUNKED_BROKEN) {
            intake_refuse(connection, 400, ERROR_VALIDATION,
                          "The body's chunked coding is not valid.");
            return true;
        }
    } else {
        uint64_t left = exchange->head.length - exchange->body_seen;
        run = (struct span){view->data, view->size < left ? view->size : (size_t)left};
        view->data += run.size;
        view->size -= run.size;
    }
    take_run(connection, run);
    return true;
}

/* --- Heads. --- */

static void start_request(struct connection *connection)
{
    struct server *server = connection->server;
    struct exchange *exchange = connection->exchange;
    const struct head *head = &exchange->head;
    server->numbers.requests++;
    connection->keep = head->keep_alive;
    if (!take_peer(connection, exchange)) {
        intake_refuse(connection, 429, ERROR_RATE_LIMITED,
                      "This address has too many requests under way.");
        return;
    }
    if (head->body == HEAD_NO_BODY)
        call_handler(connection);
    else
        start_body(connection);
}

/* False when more bytes are needed. */
static bool take_head(struct connection *connection)
{
    struct server *server = connection->server;
    const struct head_limits limits = {server->config.head_max, server->config.target_max};
    struct head_fault fault;
    size_t size = 0;
    if (connection->view.size == 0)
        return false;
    switch (head_look(&connection->scan, connection->view, &limits, &size, &fault)) {
    case HEAD_PART:
        if (connection->state == CONNECTION_IDLE)
            connection_set_state(connection, CONNECTION_HEAD);
        return false;
    case HEAD_BROKEN:
        intake_refuse(connection, fault.status, code_of(fault.status), fault.sentence);
        return true;
    case HEAD_WHOLE:
        break;
    }
    struct exchange *exchange = connection->exchange = exchange_make(connection);
    size_t start = connection->scan.start;
    buffer_add(&exchange->text, (struct span){connection->view.data + start, size - start});
    connection->view.data += size;
    connection->view.size -= size;
    connection->scan = (struct head_scan){0};
    if (!head_read(buffer_span(&exchange->text), &limits, &exchange->head, &fault)) {
        intake_refuse(connection, fault.status, code_of(fault.status), fault.sentence);
        return true;
    }
    start_request(connection);
    return true;
}

/* --- The run. --- */

/* Keeps what was not used, in the connection's own memory. */
static void keep_rest(struct connection *connection, bool kept)
{
    struct span rest = connection->view;
    connection->view = (struct span){"", 0};
    if (connection->state == CONNECTION_LAST || connection->state == CONNECTION_CLOSED) {
        connection->lingers |= rest.size > 0;
        rest.size = 0;
    }
    if (!kept && rest.size > 0)
        buffer_add(&connection->in, rest);
    else if (kept && rest.size < connection->in.size)
        buffer_drop(&connection->in, connection->in.size - rest.size);
    if (connection->in.size == 0 && connection->in.capacity > 0)
        buffer_done(&connection->in);
}

static bool step(struct connection *connection)
{
    switch (connection->state) {
    case CONNECTION_IDLE:
    case CONNECTION_HEAD:
        return take_head(connection);
    case CONNECTION_BODY:
        return !connection->sink_waits && take_body(connection);
    case CONNECTION_WAITING:
    case CONNECTION_STREAMING:
    case CONNECTION_FILES:
    case CONNECTION_LAST:
    case CONNECTION_LINGER:
    case CONNECTION_CLOSED:
        break;
    }
    return false;
}

void intake_run(struct connection *connection, struct span fresh)
{
    assert(!connection->running);
    connection->running = true;
    bool kept = connection->in.size > 0 || fresh.size == 0;
    if (kept && fresh.size > 0)
        buffer_add(&connection->in, fresh);
    connection->view = kept ? buffer_span(&connection->in) : fresh;
    /* A peer that does not take its replies gets no further ones. */
    unsigned answered = 0;
    while (answered < INTAKE_TURN && connection->out.size == 0 && step(connection)) {
        answered += connection->state == CONNECTION_IDLE;
        if (connection_unsent(connection) > GATHER_MAX && !connection_flush(connection)) {
            connection_close(connection);
            break;
        }
    }
    connection->running = false;
    keep_rest(connection, kept);
    if (answered == INTAKE_TURN && connection->in.size > 0)
        server_add_ready(connection->server, connection);
    connection_settle(connection);
}
