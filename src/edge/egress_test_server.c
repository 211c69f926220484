#include "edge/egress_test_server.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

enum { CONNECTIONS_MAX = 256, HEAD_MAX = 64 * 1024, BODY_MAX = 8 * 1024 * 1024 };

struct egress_test_server {
    pthread_mutex_t mutex;
    pthread_t acceptor, threads[CONNECTIONS_MAX];
    int listener, fds[CONNECTIONS_MAX];
    unsigned port, count, requests;
    bool closing;
    struct buffer last;
    SSL_CTX *tls;
};

struct connection {
    struct egress_test_server *server;
    int fd;
    SSL *tls;
    unsigned served;
    struct buffer input;
    char path[2048];
};

static bool put(struct connection *connection, const void *data, size_t size)
{
    const char *at = data;
    while (size) {
        int part = size > 65536 ? 65536 : (int)size;
        ssize_t sent = connection->tls ? SSL_write(connection->tls, at, part)
                                       : send(connection->fd, at, (size_t)part, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool say(struct connection *connection, const char *text)
{
    return put(connection, text, strlen(text));
}

static bool get_more(struct connection *connection)
{
    char bytes[16384];
    ssize_t got = connection->tls ? SSL_read(connection->tls, bytes, sizeof bytes)
                                  : recv(connection->fd, bytes, sizeof bytes, 0);
    if (got <= 0)
        return false;
    buffer_add(&connection->input, span_make(bytes, (size_t)got));
    return !connection->input.failed;
}

/* Until the other side goes or the server closes. */
static void wait_for_end(struct connection *connection)
{
    struct pollfd poller = {.fd = connection->fd, .events = POLLRDHUP};
    (void)poll(&poller, 1, 20000);
}

static bool ok(struct connection *connection, const char *more, const void *body, size_t size)
{
    char head[256];
    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n", more,
                   size);
    return say(connection, head) && put(connection, body, size);
}

static bool send_bomb(struct connection *connection)
{
    static unsigned char packed[256 * 1024], zeros[1024 * 1024];
    z_stream stream = {.next_out = packed, .avail_out = sizeof packed};
    int made = deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
    for (int n = 0; n < 64; n++) {
        stream.next_in = zeros;
        stream.avail_in = sizeof zeros;
        made |= deflate(&stream, n == 63 ? Z_FINISH : Z_NO_FLUSH) < 0;
    }
    assert(made == Z_OK);
    bool sent = ok(connection, "Content-Encoding: gzip\r\n", packed, stream.total_out);
    (void)deflateEnd(&stream);
    return sent;
}

static bool send_endless(struct connection *connection)
{
    static const char block[8192];
    if (!say(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"))
        return false;
    while (put(connection, block, sizeof block))
        ;
    return false;
}

static bool send_headers(struct connection *connection)
{
    if (!say(connection, "HTTP/1.1 200 OK\r\n"))
        return false;
    for (int n = 0; n < 100000; n++) {
        if (!say(connection, "X-More: and more, and more, and more\r\n"))
            return false;
    }
    return false;
}

static bool redirect(struct connection *connection, const char *location)
{
    char head[2600];
    (void)snprintf(head, sizeof head,
                   "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 4\r\n\r\nover", location);
    return say(connection, head);
}

static bool reset(struct connection *connection)
{
    const struct linger now = {.l_onoff = 1};
    (void)say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome");
    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return false;
}

/* Answers what the path asks for; false: the connection is over. */
static bool answer(struct connection *connection, size_t request_size)
{
    const char *path = connection->path;
    if (strcmp(path, "/echo") == 0)
        return ok(connection, "X-Test: yes\r\n", connection->input.data, request_size);
    if (strncmp(path, "/to?", 4) == 0)
        return redirect(connection, path + 4);
    if (strcmp(path, "/loop") == 0)
        return redirect(connection, "/loop");
    if (strcmp(path, "/bomb") == 0)
        return send_bomb(connection);
    if (strcmp(path, "/endless") == 0)
        return send_endless(connection);
    if (strcmp(path, "/headers") == 0)
        return send_headers(connection);
    if (strcmp(path, "/reset") == 0)
        return reset(connection);
    if (strcmp(path, "/die") == 0 && connection->served > 0)
        return false;
    if (strcmp(path, "/vanish") == 0)
        return false;
    if (strcmp(path, "/short") == 0)
        return say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789") && false;
    if (strcmp(path, "/declared") == 0) {
        (void)say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        if (connection->input.data[0] == 'H')
            return true;
        wait_for_end(connection);
        return false;
    }
    if (strcmp(path, "/drip") == 0 || strcmp(path, "/silent") == 0) {
        if (path[1] == 'd')
            (void)say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
        wait_for_end(connection);
        return false;
    }
    if (strcmp(path, "/garbage") == 0)
        return say(connection, "this is no HTTP at all\r\n\r\n") && false;
    if (strcmp(path, "/missing") == 0)
        return say(connection, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
    if (strcmp(path, "/continue") == 0)
        return say(connection, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                               "HTTP/1.1 200 OK\r\nX-Final: 1\r\nContent-Length: 0\r\n\r\n");
    return ok(connection, "X-Test: yes\r\n", "hello", 5);
}

/* Reads one request; gives its size, 0 at the end of the connection. */
static size_t read_request(struct connection *connection)
{
    char *end;
    while (!connection->input.data || !(end = strstr(connection->input.data, "\r\n\r\n"))) {
        if (!get_more(connection) || connection->input.data[0] == 0x16 /* TLS */)
            return 0;
    }
    size_t head = (size_t)(end - connection->input.data) + 4, length = 0;
    const char *field = strcasestr(connection->input.data, "\r\ncontent-length:");
    if (field && field < end)
        length = (size_t)strtoul(field + 17, NULL, 10);
    while (connection->input.size < head + length) {
        if (!get_more(connection))
            return 0;
    }
    const char *start = strchr(connection->input.data, ' ');
    const char *stop = start ? strchr(start + 1, ' ') : NULL;
    bool copied = stop && span_copy(span_make(start + 1, (size_t)(stop - start - 1)),
                                    connection->path, sizeof connection->path);
    return copied ? head + length : 0;
}

static void serve(struct connection *connection)
{
    struct egress_test_server *server = connection->server;
    for (size_t size; (size = read_request(connection)) > 0; connection->served++) {
        (void)pthread_mutex_lock(&server->mutex);
        server->requests++;
        buffer_clear(&server->last);
        buffer_add(&server->last, span_make(connection->input.data, size));
        (void)pthread_mutex_unlock(&server->mutex);
        if (!answer(connection, size))
            return;
        buffer_drop(&connection->input, size);
        if (connection->input.data)
            connection->input.data[connection->input.size] = '\0';
    }
}

static void *run_connection(void *context)
{
    struct connection *connection = context;
    struct egress_test_server *server = connection->server;
    buffer_init(&connection->input, HEAD_MAX + BODY_MAX);
    bool ready = true;
    if (server->tls) {
        connection->tls = SSL_new(server->tls);
        ready =
            SSL_set_fd(connection->tls, connection->fd) == 1 && SSL_accept(connection->tls) == 1;
    }
    if (ready)
        serve(connection);
    if (connection->tls) {
        (void)SSL_shutdown(connection->tls);
        SSL_free(connection->tls);
    }
    buffer_done(&connection->input);
    (void)pthread_mutex_lock(&server->mutex);
    for (unsigned n = 0; n < server->count; n++) {
        if (server->fds[n] == connection->fd)
            server->fds[n] = -1;
    }
    (void)close(connection->fd);
    (void)pthread_mutex_unlock(&server->mutex);
    memory_free(connection);
    return NULL;
}

static void *run_acceptor(void *context)
{
    struct egress_test_server *server = context;
    for (int fd; (fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        const int on = 1; /* else head and body, written one by one, wait for each other's ACK */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct connection *connection = memory_new(struct connection);
        connection->server = server;
        connection->fd = fd;
        (void)pthread_mutex_lock(&server->mutex);
        assert(server->count < CONNECTIONS_MAX);
        server->fds[server->count] = fd;
        int failed =
            pthread_create(&server->threads[server->count++], NULL, run_connection, connection);
        assert(failed == 0);
        (void)pthread_mutex_unlock(&server->mutex);
    }
    return NULL;
}

static SSL_CTX *make_tls(const char *authorities)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    (void)X509_set_version(certificate, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    (void)X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    (void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"one.test",
                                     -1, -1, 0);
    (void)X509_set_issuer_name(certificate, name);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:one.test");
    X509_EXTENSION *owner = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "CA:TRUE");
    (void)X509_add_ext(certificate, names, -1);
    (void)X509_add_ext(certificate, owner, -1);
    X509_EXTENSION_free(names);
    X509_EXTENSION_free(owner);
    int size = X509_sign(certificate, key, EVP_sha256());
    FILE *file = fopen(authorities, "we");
    assert(file && size > 0 && PEM_write_X509(file, certificate) == 1);
    (void)fclose(file);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    assert(SSL_CTX_use_certificate(tls, certificate) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
}

struct egress_test_server *egress_test_server_make(const char *authorities)
{
    struct egress_test_server *server = memory_new(struct egress_test_server);
    (void)pthread_mutex_init(&server->mutex, NULL);
    buffer_init(&server->last, HEAD_MAX + BODY_MAX);
    server->tls = authorities ? make_tls(authorities) : NULL;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = bind(server->listener, (struct sockaddr *)&address, sizeof address);
    failed |= listen(server->listener, 128);
    failed |= getsockname(server->listener, (struct sockaddr *)&address, &size);
    failed |= pthread_create(&server->acceptor, NULL, run_acceptor, server);
    assert(failed == 0);
    server->port = ntohs(address.sin_port);
    return server;
}

void egress_test_server_free(struct egress_test_server *server)
{
    (void)shutdown(server->listener, SHUT_RDWR);
    (void)pthread_join(server->acceptor, NULL);
    (void)close(server->listener);
    (void)pthread_mutex_lock(&server->mutex);
    for (unsigned n = 0; n < server->count; n++) {
        if (server->fds[n] >= 0)
            (void)shutdown(server->fds[n], SHUT_RDWR);
    }
    (void)pthread_mutex_unlock(&server->mutex);
    for (unsigned n = 0; n < server->count; n++)
        (void)pthread_join(server->threads[n], NULL);
    SSL_CTX_free(server->tls);
    buffer_done(&server->last);
    (void)pthread_mutex_destroy(&server->mutex);
    memory_free(server);
}

unsigned egress_test_server_port(const struct egress_test_server *server)
{
    return server->port;
}

unsigned egress_test_server_connections(struct egress_test_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    unsigned count = server->count;
    (void)pthread_mutex_unlock(&server->mutex);
    return count;
}

unsigned egress_test_server_requests(struct egress_test_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    unsigned count = server->requests;
    (void)pthread_mutex_unlock(&server->mutex);
    return count;
}

char *egress_test_server_last(struct egress_test_server *server)
{
    (void)pthread_mutex_lock(&server->mutex);
    char *last = memory_copy(buffer_span(&server->last));
    (void)pthread_mutex_unlock(&server->mutex);
    return last;
}
