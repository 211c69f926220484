#include "edge/connection.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What is read at most after the last reply, and what the scratch buffer may keep. */
/* A client that sends while it is refused may have a quick line: what it sends until it sees the
 * answer costs a copy in the kernel, and the time of lingering is short. */
enum { LINGER_MAX = 256 * 1024 * 1024, SCRATCH_KEPT = 256 * 1024, CORK_MAX = 16 * 1024 };

static void on_poll(uv_poll_t *poll, int status, int events);

void connection_set_state(struct connection *connection, enum connection_state state)
{
    assert(connection->state != CONNECTION_CLOSED);
    bool was = connection->state == CONNECTION_WAITING || connection->state == CONNECTION_STREAMING;
    bool is = state == CONNECTION_WAITING || state == CONNECTION_STREAMING;
    connection->server->numbers.waiting += (unsigned)is - (unsigned)was;
    connection->state = state;
    connection->since = server_now(connection->server);
}

void connection_make(struct server *server, int fd, const struct network_address *peer,
                     struct address *address)
{
    struct connection *connection = memory_new(struct connection);
    connection->server = server;
    connection->fd = fd;
    connection->address = address;
    connection->peer = *peer;
    network_address_write(peer, connection->peer_text);
    /* Both are bounded by those who add to them. */
    buffer_init(&connection->in, SIZE_MAX / 4);
    buffer_init(&connection->out, SIZE_MAX / 4);
    if (uv_poll_init(server->loop, &connection->poll, fd) != 0) {
        (void)close(fd);
        address_release(&server->addresses, address);
        memory_free(connection);
        return;
    }
    server->handles++;
    server->numbers.accepted++;
    server->numbers.connections++;
    connection->poll.data = connection;
    list_init(&connection->ready);
    list_init(&connection->corked);
    list_init(&connection->behind);
    list_add(&server->connections, &connection->link);
    connection_set_state(connection, CONNECTION_HEAD);
    connection_settle(connection);
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    struct server *server = connection->server;
    memory_free(connection);
    server_handle_closed(server);
}

void connection_close(struct connection *connection)
{
    if (connection->state == CONNECTION_CLOSED)
        return;
    struct server *server = connection->server;
    enum connection_state state = connection->state;
    connection_set_state(connection, CONNECTION_CLOSED);
    list_remove(&connection->link);
    list_remove(&connection->ready);
    list_remove(&connection->corked);
    list_remove(&connection->behind);
    heap_remove(&server->deadlines, &connection->deadline);
    address_release(&server->addresses, connection->address);
    connection->address = NULL;
    server->numbers.connections--;
    if (server->scratch_owner == connection) {
        buffer_clear(&server->scratch);
        server->scratch_owner = NULL;
    }
    buffer_done(&connection->in);
    buffer_done(&connection->out);
    connection->view = (struct span){"", 0};
    uv_close((uv_handle_t *)&connection->poll, on_closed);
    /* A step of a file may still be under way on a copy of the descriptor. */
    if (state == CONNECTION_FILES)
        (void)shutdown(connection->fd, SHUT_RDWR);
    (void)close(connection->fd);
    struct exchange *exchange = connection->exchange;
    connection->exchange = NULL;
    if (exchange)
        exchange_abandon(exchange, state);
}

/* --- Output. --- */

struct buffer *connection_out(struct connection *connection)
{
    struct server *server = connection->server;
    if (connection->out.size > 0)
        return &connection->out;
    if (server->scratch_owner && server->scratch_owner != connection)
        return &connection->out;
    server->scratch_owner = connection;
    return &server->scratch;
}

size_t connection_unsent(const struct connection *connection)
{
    const struct server *server = connection->server;
    return connection->out.size + (server->scratch_owner == connection ? server->scratch.size : 0);
}

/* What is in the kernel and was not acknowledged by the peer. */
static uint64_t queued_of(const struct connection *connection)
{
    int size = 0;
    return ioctl(connection->fd, SIOCOUTQ, &size) == 0 && size > 0 ? (uint64_t)size : 0;
}

void connection_note_written(struct connection *connection, size_t size)
{
    if (size == 0)
        return;
    connection->out_moved = server_now(connection->server);
    connection->out_written += size;
}

void connection_note_blocked(struct connection *connection)
{
    connection->out_since = connection->out_moved = server_now(connection->server);
    connection->out_written = connection->out_taken = 0;
    connection->out_queued = queued_of(connection);
}

/* A socket becomes writable only once a third of its buffer, which may be megabytes, is free: a
 * slow reader can be at work for long before that shows. Its acknowledgements tell. */
static void note_taken(struct connection *connection)
{
    uint64_t in = connection->out_queued + connection->out_written, left = queued_of(connection);
    uint64_t taken = in > left ? in - left : 0;
    if (taken <= connection->out_taken)
        return;
    connection->out_taken = taken;
    connection->out_moved = server_now(connection->server);
}

static void release_scratch(struct server *server)
{
    server->scratch_owner = NULL;
    if (server->scratch.capacity > SCRATCH_KEPT)
        buffer_done(&server->scratch);
    else
        buffer_clear(&server->scratch);
}

/* Sends both runs with one call; false when the peer is gone. */
static bool send_some(struct connection *connection, struct span first, struct span second,
                      size_t *ret_sent)
{
    struct iovec parts[2] = {
        {.iov_base = (void *)(uintptr_t)first.data, .iov_len = first.size},
        {.iov_base = (void *)(uintptr_t)second.data, .iov_len = second.size},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent;
    do {
        sent = second.size ? sendmsg(connection->fd, &message, MSG_NOSIGNAL)
                           : send(connection->fd, first.data, first.size, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
        return false;
    *ret_sent = sent > 0 ? (size_t)sent : 0;
    return true;
}

static struct span rest_of(struct span bytes, size_t done)
{
    return (struct span){bytes.data + done, bytes.size - done};
}

bool connection_send_large(struct connection *connection, struct span body)
{
    struct server *server = connection->server;
    bool own = connection->out.size > 0;
    struct span head = {"", 0};
    if (own)
        head = buffer_span(&connection->out);
    else if (server->scratch_owner == connection)
        head = buffer_span(&server->scratch);
    size_t sent = 0;
    if (head.size + body.size == 0) {
        if (server->scratch_owner == connection)
            release_scratch(server);
        return true;
    }
    if (!send_some(connection, head, body, &sent))
        return false;
    size_t of_head = sent < head.size ? sent : head.size;
    if (own) {
        connection_note_written(connection, sent);
        buffer_drop(&connection->out, of_head);
    } else if (sent < head.size + body.size) {
        connection_note_blocked(connection);
        buffer_add(&connection->out, rest_of(head, of_head));
    }
    if (sent - of_head < body.size)
        buffer_add(&connection->out, rest_of(body, sent - of_head));
    if (!own && server->scratch_owner == connection)
        release_scratch(server);
    if (connection->out.size == 0 && connection->out.capacity > 0)
        buffer_done(&connection->out);
    return true;
}

bool connection_flush(struct connection *connection)
{
    return connection_send_large(connection, (struct span){"", 0});
}

/* --- Deadlines. --- */

static ms_t earlier(ms_t a, ms_t b)
{
    return a < b ? a : b;
}

/* A sender (of a body, or a reader of replies) that keeps at least the rate is never late. */
static ms_t rate_deadline(const struct server_config *config, ms_t since, ms_t grace,
                          uint64_t bytes)
{
    uint64_t seconds = bytes / config->body_rate_min;
    return since + grace +
           (ms_t)(seconds * 1000 + bytes % config->body_rate_min * 1000 / config->body_rate_min);
}

static ms_t deadline_of(const struct connection *connection)
{
    const struct server_config *config = &connection->server->config;
    const struct exchange *exchange = connection->exchange;
    ms_t at = MS_NEVER;
    switch (connection->state) {
    case CONNECTION_IDLE:
        at = connection->since + config->idle_timeout;
        break;
    case CONNECTION_HEAD:
        at = connection->since + config->head_timeout;
        break;
    case CONNECTION_BODY:
        if (connection->sink_waits)
            break;
        at = rate_deadline(config, connection->since, config->body_grace, exchange->body_seen);
        if (!exchange->sink.write)
            at = earlier(at, connection->since + config->body_timeout);
        break;
    case CONNECTION_LINGER:
        at = connection->since + config->linger_timeout;
        break;
    case CONNECTION_WAITING:
    case CONNECTION_STREAMING:
    case CONNECTION_FILES:
    case CONNECTION_LAST:
    case CONNECTION_CLOSED:
        break;
    }
    if (connection->out.size > 0 || connection->blocked) {
        at = earlier(at, connection->out_moved + config->stall_timeout);
        at = earlier(at, rate_deadline(config, connection->out_since, config->stall_timeout,
                                       connection->out_taken));
    }
    return at;
}

/* Deadlines move later all the time and are rarely reached: the heap learns of a later one only
 * when the earlier one comes up. */
static void set_deadline(struct connection *connection)
{
    struct server *server = connection->server;
    ms_t at = deadline_of(connection);
    if (at == MS_NEVER || (connection->deadline.place && connection->deadline.at <= at))
        return;
    heap_set(&server->deadlines, &connection->deadline, at);
    server_arm(server);
}

/* What such a peer has not read would stay in the kernel, megabytes of it, long after the close. */
static void reset_on_close(const struct connection *connection)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

void connection_due(struct connection *connection, ms_t now)
{
    struct server *server = connection->server;
    bool unread = connection->out.size > 0 || connection->blocked;
    if (unread)
        note_taken(connection);
    ms_t at = deadline_of(connection);
    if (at == MS_NEVER) {
        heap_remove(&server->deadlines, &connection->deadline);
        return;
    }
    if (at > now) {
        heap_set(&server->deadlines, &connection->deadline, at);
        return;
    }
    heap_remove(&server->deadlines, &connection->deadline);
    if (unread)
        reset_on_close(connection);
    if (!unread && connection->state == CONNECTION_HEAD && connection->in.size > 0)
        intake_refuse(connection, 408, ERROR_TIMEOUT, "The request's head came too slowly.");
    else if (!unread && connection->state == CONNECTION_BODY)
        intake_refuse(connection, 408, ERROR_TIMEOUT, "The request's body came too slowly.");
    else
        connection_close(connection);
}

/* --- What is waited for. --- */

static bool wants_input(const struct connection *connection)
{
    switch (connection->state) {
    case CONNECTION_IDLE:
    case CONNECTION_HEAD:
    case CONNECTION_WAITING:
    case CONNECTION_STREAMING:
    case CONNECTION_FILES:
        return !connection->ended && connection->in.size < connection->server->config.pipeline_max;
    case CONNECTION_BODY:
        return !connection->sink_waits && connection->in.size == 0;
    case CONNECTION_LINGER:
        return true;
    case CONNECTION_LAST:
    case CONNECTION_CLOSED:
        break;
    }
    return false;
}

static void watch(struct connection *connection)
{
    int events = 0;
    if (wants_input(connection))
        events |= UV_READABLE;
    else if (connection->state == CONNECTION_WAITING || connection->state == CONNECTION_STREAMING)
        events |= UV_DISCONNECT; /* enough is kept; only the peer's leaving is of interest */
    if (connection->out.size > 0 || connection->blocked)
        events |= UV_WRITABLE;
    if (events == connection->events)
        return;
    connection->events = events;
    int fault = uv_poll_start(&connection->poll, events, on_poll);
    assert(fault == 0);
}

/* The last reply is out. */
static void end_last(struct connection *connection)
{
    if (!connection->lingers || connection->ended) {
        connection_close(connection);
        return;
    }
    (void)shutdown(connection->fd, SHUT_WR);
    connection_set_state(connection, CONNECTION_LINGER);
}

/* Replies of one round of the loop go out together at its end: a client on another processor is
 * then woken once for many of them, not once for each, and waking it costs more than sending. */
static bool cork(struct connection *connection)
{
    struct server *server = connection->server;
    size_t unsent = connection_unsent(connection);
    if (!server->in_poll || connection->state != CONNECTION_IDLE || unsent == 0 ||
        unsent > CORK_MAX || connection->blocked || connection->events & UV_WRITABLE)
        return false;
    if (server->scratch_owner == connection) {
        buffer_add(&connection->out, buffer_span(&server->scratch));
        release_scratch(server);
    }
    list_remove(&connection->corked);
    list_add(&server->corked, &connection->corked);
    return true;
}

void connection_uncork(struct connection *connection)
{
    /* Nothing of it has been in the socket yet, so the peer is not slow so far. */
    connection->out_since = connection->out_moved = server_now(connection->server);
    connection->out_written = connection->out_taken = connection->out_queued = 0;
    connection_settle(connection);
}

void connection_settle(struct connection *connection)
{
    if (connection->state == CONNECTION_CLOSED || connection->running || cork(connection))
        return;
    if (!connection_flush(connection)) {
        connection_close(connection);
        return;
    }
    bool empty = connection->out.size == 0;
    bool over = connection->ended || (connection->server->draining && connection->in.size == 0);
    if (empty && connection->state == CONNECTION_LAST)
        end_last(connection);
    else if (empty && connection->state == CONNECTION_IDLE && over)
        connection_close(connection);
    if (connection->state == CONNECTION_CLOSED)
        return;
    watch(connection);
    set_deadline(connection);
}

void connection_replied(struct connection *connection)
{
    connection->exchange = NULL;
    connection->sink_waits = connection->blocked = false;
    bool last = !connection->keep || connection->ended;
    connection_set_state(connection, last ? CONNECTION_LAST : CONNECTION_IDLE);
    connection_wake(connection);
}

void connection_wake(struct connection *connection)
{
    if (connection->running)
        return;
    if (connection->state == CONNECTION_BODY || connection->in.size > 0)
        server_add_ready(connection->server, connection);
    connection_settle(connection);
}

void connection_drain(struct connection *connection)
{
    char byte;
    bool fresh = connection->state == CONNECTION_IDLE ||
                 (connection->state == CONNECTION_HEAD && connection->in.size == 0);
    if (!fresh || connection->running || connection_unsent(connection) > 0)
        return;
    /* A request that is already in the socket is still answered. */
    if (recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)
        connection_close(connection);
}

/* --- Input. --- */

static void on_end(struct connection *connection)
{
    connection->ended = true;
    switch (connection->state) {
    case CONNECTION_IDLE:
    case CONNECTION_HEAD:
    case CONNECTION_BODY:
        if (connection->out.size == 0) {
            connection_close(connection);
            return;
        }
        /* It has asked before and still wants to read; what it had begun is given up. */
        if (connection->exchange)
            exchange_abandon(connection->exchange, connection->state);
        connection->exchange = NULL;
        connection_set_state(connection, CONNECTION_LAST);
        break;
    case CONNECTION_WAITING:
    case CONNECTION_STREAMING:
    case CONNECTION_LINGER:
        connection_close(connection);
        return;
    case CONNECTION_FILES:
    case CONNECTION_LAST:
    case CONNECTION_CLOSED:
        break;
    }
    connection_settle(connection);
}

/* How much may be read of it in this round. */
static size_t turn_of(const struct connection *connection)
{
    if (connection->server->round_read < CONNECTION_ROUND_MAX)
        return CONNECTION_READ_MAX;
    bool is_bulk = connection->state == CONNECTION_BODY || connection->state == CONNECTION_LINGER;
    return is_bulk ? 0 : CONNECTION_READ_SMALL;
}

static void on_readable(struct connection *connection)
{
    struct server *server = connection->server;
    size_t turn = turn_of(connection);
    ssize_t size;
    if (!list_empty(&connection->ready))
        return; /* first comes what is here */
    if (turn == 0) {
        if (list_empty(&connection->behind)) /* who is behind already keeps its place */
            list_add(&server->behind, &connection->behind);
        return;
    }
    list_remove(&connection->behind);
    /* What is dropped need not be copied out of the kernel: see tcp(7). */
    int flags = connection->state == CONNECTION_LINGER ? MSG_TRUNC : 0;
    do {
        size = recv(connection->fd, server->input, turn, flags);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            connection_close(connection);
        return;
    }
    if (size == 0) {
        on_end(connection);
        return;
    }
    server->round_read += (size_t)size;
    if (connection->state != CONNECTION_LINGER) {
        intake_run(connection, (struct span){server->input, (size_t)size});
        return;
    }
    connection->dropped += (uint64_t)size;
    if (connection->dropped > LINGER_MAX)
        connection_close(connection);
}

void connection_read_behind(struct server *server)
{
    struct list *link;
    while (server->round_read < CONNECTION_ROUND_MAX && (link = list_take(&server->behind))) {
        struct connection *connection = LIST_OWNER(link, struct connection, behind);
        if (connection->events & UV_READABLE)
            on_readable(connection);
    }
}

static void on_writable(struct connection *connection)
{
    if (!connection_flush(connection)) {
        connection_close(connection);
        return;
    }
    if (connection->out.size > 0)
        return;
    connection->blocked = false;
    if (connection->state == CONNECTION_FILES)
        exchange_advance(connection->exchange);
    else
        intake_run(connection, (struct span){"", 0});
    connection_settle(connection);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct connection *connection = poll->data;
    if (status < 0) {
        connection_close(connection);
        return;
    }
    if (events & UV_WRITABLE)
        on_writable(connection);
    if (connection->state != CONNECTION_CLOSED && (events & UV_READABLE) &&
        (connection->events & UV_READABLE))
        on_readable(connection);
    else if (connection->state != CONNECTION_CLOSED && (events & UV_DISCONNECT) &&
             (connection->events & UV_DISCONNECT))
        on_end(connection);
}
