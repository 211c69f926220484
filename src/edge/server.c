#include "edge/connection.h"

#include "base/crypto.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel cuts the backlog to net.core.somaxconn; one wake-up accepts a bounded number, so that
 * a flood of connections can't starve those that are there. */
enum { BACKLOG = 4096, ACCEPTS_MAX = 128 };

void server_config_init(struct server_config *config)
{
    *config = (struct server_config){
        .address = "127.0.0.1",
        .head_max = 8192,
        .target_max = 4096,
        .body_max = 1024 * 1024,
        .bodies_max = 256 * 1024 * 1024,
        .pipeline_max = 64 * 1024,
        .head_timeout = 10 * MS_SECOND,
        .body_grace = 5 * MS_SECOND,
        .body_rate_min = 1024,
        .body_timeout = 120 * MS_SECOND,
        .idle_timeout = 75 * MS_SECOND,
        .stall_timeout = 30 * MS_SECOND,
        .linger_timeout = 2 * MS_SECOND,
        .connections_max = 10000,
        .address_max = 100,
        .address_open_max = 10000,
    };
}

/* --- Time. --- */

ms_t server_now(const struct server *server)
{
    return (ms_t)uv_now(server->loop);
}

const char *server_date(struct server *server)
{
    ms_t now = server_now(server);
    if (now >= server->date_until) {
        ms_t wall = clock_wall();
        time_write_http(wall, server->date);
        server->date_until = now + MS_SECOND - wall % MS_SECOND;
    }
    return server->date;
}

static void on_timer(uv_timer_t *timer)
{
    struct server *server = timer->data;
    server->timer_at = MS_NEVER;
    ms_t now = server_now(server);
    struct heap_node *node;
    while ((node = heap_first(&server->deadlines)) && node->at <= now)
        connection_due(HEAP_OWNER(node, struct connection, deadline), now);
    server_arm(server);
}

void server_arm(struct server *server)
{
    struct heap_node *node = heap_first(&server->deadlines);
    ms_t now = server_now(server), at = node ? node->at : MS_NEVER;
    if (server->stopping || at >= server->timer_at)
        return;
    server->timer_at = at;
    (void)uv_timer_start(&server->timer, on_timer, at > now ? (uint64_t)(at - now) : 0, 0);
}

static void on_turn(uv_idle_t *turn)
{
    struct server *server = turn->data;
    /* Only those that are ready now: what becomes ready meanwhile waits for the next round, after
     * the others' input. */
    struct list ready, *link;
    list_init(&ready);
    while ((link = list_take(&server->ready)))
        list_add(&ready, link);
    while ((link = list_take(&ready)))
        intake_run(LIST_OWNER(link, struct connection, ready), (struct span){"", 0});
    if (list_empty(&server->ready))
        (void)uv_idle_stop(turn);
}

void server_add_ready(struct server *server, struct connection *connection)
{
    list_remove(&connection->ready);
    list_add(&server->ready, &connection->ready);
    if (!server->stopping)
        (void)uv_idle_start(&server->turn, on_turn);
}

/* --- Who may connect. --- */

static bool any_holds(const struct network *networks, unsigned count,
                      const struct network_address *address)
{
    for (unsigned n = 0; n < count; n++) {
        if (network_holds(&networks[n], address))
            return true;
    }
    return false;
}

bool server_trusts(const struct server *server, const struct network_address *address)
{
    return any_holds(server->trusted_proxies, server->config.trusted_proxy_count, address);
}

unsigned server_address_max(const struct server *server, const struct network_address *address)
{
    bool open = network_address_is_loopback(address) || server_trusts(server, address) ||
                any_holds(server->open_networks, server->config.open_network_count, address);
    return open ? server->config.address_open_max : server->config.address_max;
}

/* There is no connection to speak through, so the sentence is sent without waiting for anything. */
static void turn_away(struct server *server, int fd, int status, const char *sentence)
{
    struct buffer text, body;
    char drop[1024];
    buffer_init(&text, 4096);
    buffer_init(&body, 1024);
    char id[EXCHANGE_ID_SIZE];
    exchange_make_id(server, id);
    reply_add_error(&body, ERROR_RATE_LIMITED, sentence, id);
    struct http_response response = {.status = status};
    (void)http_response_add(&response, "Content-Type", SPAN("application/json"));
    (void)http_response_add(&response, "Retry-After", SPAN("1"));
    reply_add(&text, &(struct reply){.response = &response,
                                     .id = id,
                                     .date = server_date(server),
                                     .framing = REPLY_LENGTH,
                                     .length = body.size,
                                     .close = true});
    buffer_add(&text, buffer_span(&body));
    server->numbers.refused++;
    /* What cannot be sent is lost; unread bytes would turn the closing into a reset. */
    ssize_t ignored = send(fd, text.data, text.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
    ignored = recv(fd, drop, sizeof drop, MSG_DONTWAIT);
    (void)ignored;
    (void)close(fd);
    buffer_done(&text);
    buffer_done(&body);
}

static void take_connection(struct server *server, int fd, const struct sockaddr *from)
{
    struct network_address peer;
    if (!network_address_of(from, &peer)) {
        (void)close(fd);
        return;
    }
    if (server->numbers.connections >= server->config.connections_max) {
        turn_away(server, fd, 503, "The server has too many connections; try again soon.");
        return;
    }
    struct address *address =
        address_take(&server->addresses, &peer, server_address_max(server, &peer));
    if (!address)
        turn_away(server, fd, 429, "This address has too many connections.");
    else
        connection_make(server, fd, &peer, address);
}

static int open_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Out of descriptors, a connection that nobody accepts would wake the loop for ever. The spare one
 * is given up to accept it and close it. False when not even that helps. */
static bool shed(struct server *server)
{
    if (server->spare_fd < 0)
        server->spare_fd = open_spare();
    if (server->spare_fd < 0)
        return false;
    (void)close(server->spare_fd);
    int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
        server->numbers.refused++;
        (void)close(fd);
    }
    server->spare_fd = open_spare();
    return fd >= 0;
}

static void on_listener(uv_poll_t *listener, int status, int events)
{
    struct server *server = listener->data;
    for (unsigned n = 0; n < ACCEPTS_MAX && server->fd >= 0; n++) {
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        int fd = accept4(server->fd, (struct sockaddr *)&from, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            take_connection(server, fd, (const struct sockaddr *)&from);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if ((errno != EMFILE && errno != ENFILE) || !shed(server))
            return;
    }
}

/* --- Starting. --- */

static bool read_networks(const char *const *texts, unsigned count, struct network *networks,
                          char *ret_fault)
{
    if (count > SERVER_NETWORKS_MAX) {
        (void)snprintf(ret_fault, SERVER_FAULT_SIZE, "At most %d networks can be given.",
                       SERVER_NETWORKS_MAX);
        return false;
    }
    for (unsigned n = 0; n < count; n++) {
        if (!network_read(span_of(texts[n]), &networks[n])) {
            (void)snprintf(ret_fault, SERVER_FAULT_SIZE, "\"%.60s\" is not a network.", texts[n]);
            return false;
        }
    }
    return true;
}

static bool check_config(const struct server_config *config, char *ret_fault)
{
    const char *fault = NULL;
    if (config->head_max < 256 || config->head_max > HEAD_SIZE_MAX)
        fault = "head_max must be from 256 to 65535.";
    else if (config->target_max == 0 || config->target_max > config->head_max)
        fault = "target_max must be from 1 to head_max.";
    else if (config->pipeline_max < config->head_max)
        fault = "pipeline_max must be at least head_max.";
    else if (config->body_rate_min == 0)
        fault = "body_rate_min must be at least 1.";
    else if (config->head_timeout <= 0 || config->idle_timeout <= 0 || config->body_timeout <= 0 ||
             config->body_grace <= 0 || config->stall_timeout <= 0 || config->linger_timeout <= 0)
        fault = "Every timeout must be longer than 0.";
    else if (config->connections_max == 0)
        fault = "connections_max must be at least 1.";
    if (fault)
        (void)snprintf(ret_fault, SERVER_FAULT_SIZE, "%s", fault);
    return fault == NULL;
}

/* Accepted sockets inherit these, which saves a few calls for each of them. */
static void set_options(int fd, bool reuse_port)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_REUSEADDR, 1},    {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_NODELAY, 1},    {IPPROTO_TCP, TCP_KEEPIDLE, 60},
        {IPPROTO_TCP, TCP_KEEPINTVL, 15}, {IPPROTO_TCP, TCP_KEEPCNT, 4},
    };
    for (size_t n = 0; n < sizeof options / sizeof options[0]; n++)
        (void)setsockopt(fd, options[n].level, options[n].name, &options[n].value,
                         sizeof options[n].value);
    int one = 1;
    if (reuse_port)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
}

static int listen_at(const struct server_config *config, char *ret_fault)
{
    char port[8];
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    (void)snprintf(port, sizeof port, "%u", (unsigned)config->port);
    if (!config->address || getaddrinfo(config->address, port, &hints, &found) != 0) {
        (void)snprintf(ret_fault, SERVER_FAULT_SIZE, "\"%.60s\" is not an address to listen at.",
                       config->address ? config->address : "");
        return -1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool ready = fd >= 0;
    if (ready)
        set_options(fd, config->reuse_port);
    ready = ready && bind(fd, found->ai_addr, found->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
    int fault = errno;
    freeaddrinfo(found);
    if (ready)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    const char *why = fault == EADDRINUSE      ? "the port is in use"
                      : fault == EACCES        ? "ports below 1024 are for root"
                      : fault == EADDRNOTAVAIL ? "this machine has no such address"
                                               : strerror(fault);
    (void)snprintf(ret_fault, SERVER_FAULT_SIZE, "Cannot listen at %.60s port %s: %s.",
                   config->address, port, why);
    return -1;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &size) != 0)
        return 0;
    if (bound.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&bound)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&bound)->sin_port);
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static struct server *make(uv_loop_t *loop, const struct server_config *config)
{
    struct server *server = memory_new(struct server);
    unsigned char random[4];
    server->loop = loop;
    server->config = *config;
    server->timer_at = MS_NEVER;
    server->fd = server->spare_fd = -1;
    list_init(&server->connections);
    list_init(&server->ready);
    list_init(&server->spare);
    heap_init(&server->deadlines);
    address_book_init(&server->addresses);
    buffer_init(&server->scratch, SIZE_MAX / 4);
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, server->id_prefix);
    return server;
}

static void destroy(struct server *server)
{
    if (server->fd >= 0)
        (void)close(server->fd);
    if (server->spare_fd >= 0)
        (void)close(server->spare_fd);
    heap_done(&server->deadlines);
    address_book_done(&server->addresses);
    buffer_done(&server->scratch);
    memory_free(server);
}

static void on_before_poll(uv_prepare_t *handle)
{
    struct server *server = handle->data;
    server->in_poll = true;
}

static void on_after_poll(uv_check_t *handle)
{
    struct server *server = handle->data;
    server->in_poll = false;
    for (struct list *link; (link = list_take(&server->corked));)
        connection_uncork(LIST_OWNER(link, struct connection, corked));
    /* Those answers did not wait for it, and the next ones will not wait for a wake-up. */
    server->round_read = 0;
    connection_read_behind(server);
}

/* Neither keeps the loop alive. */
static void start_corking(struct server *server)
{
    list_init(&server->corked);
    list_init(&server->behind);
    server->before_poll.data = server->after_poll.data = server;
    (void)uv_prepare_init(server->loop, &server->before_poll);
    (void)uv_check_init(server->loop, &server->after_poll);
    (void)uv_prepare_start(&server->before_poll, on_before_poll);
    (void)uv_check_start(&server->after_poll, on_after_poll);
    uv_unref((uv_handle_t *)&server->before_poll);
    uv_unref((uv_handle_t *)&server->after_poll);
}

bool server_start(uv_loop_t *loop, const struct server_config *config, server_handler *handler,
                  void *context, struct server **ret_server,
                  char ret_fault[static SERVER_FAULT_SIZE])
{
    if (!check_config(config, ret_fault))
        return false;
    struct server *server = make(loop, config);
    if (!read_networks(config->open_networks, config->open_network_count, server->open_networks,
                       ret_fault) ||
        !read_networks(config->trusted_proxies, config->trusted_proxy_count,
                       server->trusted_proxies, ret_fault) ||
        (server->fd = listen_at(config, ret_fault)) < 0) {
        destroy(server);
        return false;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* sendfile knows no MSG_NOSIGNAL */
    raise_descriptor_limit();
    server->spare_fd = open_spare();
    server->port = port_of(server->fd);
    server->handler = handler;
    server->context = context;
    uv_update_time(loop);
    if (uv_timer_init(loop, &server->timer) != 0 || uv_idle_init(loop, &server->turn) != 0 ||
        uv_poll_init(loop, &server->listener, server->fd) != 0 ||
        uv_poll_start(&server->listener, UV_READABLE, on_listener) != 0) {
        /* The kernel is out of room for watches: nothing of the process will work. */
        log_error("the loop takes no more handles");
        abort();
    }
    server->timer.data = server->turn.data = server->listener.data = server;
    server->handles = 5;
    start_corking(server);
    *ret_server = server;
    return true;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

/* --- Ending. --- */

static void on_listener_closed(uv_handle_t *handle)
{
    server_handle_closed(handle->data);
}

static void close_listener(struct server *server)
{
    if (server->fd < 0)
        return;
    uv_close((uv_handle_t *)&server->listener, on_listener_closed);
    (void)close(server->fd);
    server->fd = -1;
}

void server_drain(struct server *server)
{
    if (server->draining)
        return;
    server->draining = true;
    /* Whoever connected before now is still heard. */
    on_listener(&server->listener, 0, UV_READABLE);
    close_listener(server);
    LIST_EACH(&server->connections, link) {
        connection_drain(LIST_OWNER(link, struct connection, link));
    }
}

bool server_idle(const struct server *server)
{
    return list_empty(&server->connections);
}

static void free_if_over(struct server *server)
{
    if (!server->stopping || server->handles > 0)
        return;
    if (server->stopped) {
        void (*stopped)(void *context) = server->stopped;
        server->stopped = NULL;
        stopped(server->stopped_context);
    }
    if (server->exchanges == 0)
        destroy(server);
}

void server_handle_closed(struct server *server)
{
    server->handles--;
    free_if_over(server);
}

void server_exchange_freed(struct server *server)
{
    server->exchanges--;
    free_if_over(server);
}

void server_stop(struct server *server, void (*stopped)(void *context), void *context)
{
    if (!server)
        return;
    assert(!server->stopping);
    server->stopped = stopped;
    server->stopped_context = context;
    close_listener(server);
    while (!list_empty(&server->connections))
        connection_close(LIST_OWNER(server->connections.next, struct connection, link));
    struct list *link;
    server->exchanges += server->spare_count;
    server->stopping = true;
    while ((link = list_take(&server->spare)))
        exchange_free(LIST_OWNER(link, struct exchange, link));
    uv_close((uv_handle_t *)&server->timer, on_listener_closed);
    uv_close((uv_handle_t *)&server->turn, on_listener_closed);
    uv_close((uv_handle_t *)&server->before_poll, on_listener_closed);
    uv_close((uv_handle_t *)&server->after_poll, on_listener_closed);
}

void server_count(const struct server *server, struct server_numbers *ret_numbers)
{
    *ret_numbers = server->numbers;
}
