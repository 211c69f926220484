/* What is answered without a dialect: files, health, metrics, calls back, preflights. */
#include "app/ingress_private.h"

enum {
    PLAIN_BODY_MAX = 4096, /* of a request that is answered whatever its body */
    PLAIN_CALLBACK_MAX = 1 << 20
};

static void send_text(struct request *request, int status, const char *type, struct span body)
{
    struct http_response response = {.status = status, .body = body};
    (void)http_response_add(&response, "Content-Type", span_of(type));
    (void)http_response_add(&response, "Cache-Control", SPAN("no-store"));
    ingress_send(request, &response);
}

static void send_metrics(struct request *request)
{
    struct buffer text;
    struct server_numbers numbers;
    buffer_init(&text, INGRESS_BODY_MAX);
    board_write(request->ingress->shared->board, &text);
    server_count(request->ingress->server, &numbers);
    buffer_print(&text,
                 "# HELP reel_http_connections Connections of this loop.\n"
                 "# TYPE reel_http_connections gauge\nreel_http_connections{loop=\"%u\"} %u\n",
                 request->ingress->number, numbers.connections);
    send_text(request, 200, "text/plain; version=0.0.4; charset=utf-8", buffer_span(&text));
    buffer_done(&text);
}

static void send_ready(struct request *request)
{
    struct board *board = request->ingress->shared->board;
    if (request->ingress->draining)
        send_text(request, 503, "application/json", SPAN("{\"status\":\"draining\"}"));
    else if (board_full(board))
        send_text(request, 503, "application/json",
                  SPAN("{\"status\":\"the store takes no writes\"}"));
    else if (board_ready(board))
        send_text(request, 200, "application/json", SPAN("{\"status\":\"ready\"}"));
    else
        send_text(request, 503, "application/json", SPAN("{\"status\":\"starting\"}"));
}

static void send_preflight(struct request *request)
{
    struct http_response response = {.status = 204};
    (void)http_response_add(&response, "Access-Control-Allow-Methods",
                            SPAN("GET, POST, PUT, PATCH, DELETE, OPTIONS"));
    (void)http_response_add(&response, "Access-Control-Allow-Headers",
                            SPAN("Authorization, Cancel-After, Content-Type, Idempotency-Key, "
                                 "If-None-Match, Prefer, X-Fal-Object-Lifecycle-Preference, "
                                 "X-Fal-Queue-Priority, X-Fal-Request-Timeout, X-Fal-Runner-Hint, "
                                 "X-Fal-Target-Url, X-Request-Id"));
    (void)http_response_add(&response, "Access-Control-Max-Age", SPAN("600"));
    ingress_send(request, &response);
}

/* A file is for who has the key of its tenant or a signed link. A key that is not valid is as good
 * as none: the link may do without. */
static void run_file(struct request *request)
{
    const struct http_request *http = exchange_request(request->exchange);
    if (!sandbox_admits_file(request, http, run_file))
        return;
    request->has_key = pass_find(request, http) == KEYRING_GOOD;
    if (request->has_key && !(pass_admit(request) && pass_choose(request, http)))
        return;
    file_run(request, http, request->has_key && pass_allows(request, SCOPE_READ));
}

/* Whoever asks from this machine needs no key; but not the world behind a proxy here of which
 * nobody told us. */
static bool is_local(const struct request *request, const struct http_request *http)
{
    struct span value;
    bool is_told = request->ingress->shared->config->server.trusted_proxies.count > 0;
    return http->peer_is_loopback &&
           (is_told || !(http_request_header(http, "x-forwarded-for", &value) ||
                         http_request_header(http, "forwarded", &value)));
}

bool plain_is(const struct http_request *http)
{
    bool reads = http->method == HTTP_GET || http->method == HTTP_HEAD;
    return http->method == HTTP_OPTIONS || span_starts(http->path, "/outputs/") ||
           span_starts(http->path, "/callbacks/") ||
           (reads && (span_is(http->path, "/healthz") || span_is(http->path, "/readyz") ||
                      span_is(http->path, "/metrics") || span_is(http->path, "/sandbox/ledger")));
}

size_t plain_body_max(const struct http_request *http)
{
    /* Of a provider that calls back with what it made in the call itself. */
    return span_starts(http->path, "/callbacks/") ? PLAIN_CALLBACK_MAX : PLAIN_BODY_MAX;
}

void plain_run(struct request *request, const struct http_request *http)
{
    if (http->method == HTTP_OPTIONS)
        send_preflight(request);
    else if (span_starts(http->path, "/outputs/"))
        run_file(request);
    else if (span_starts(http->path, "/callbacks/"))
        callback_run(request, http);
    else if (span_is(http->path, "/healthz"))
        send_text(request, 200, "application/json", SPAN("{\"status\":\"ok\"}"));
    else if (span_is(http->path, "/readyz"))
        send_ready(request);
    else if (span_is(http->path, "/sandbox/ledger"))
        sandbox_show(request, http);
    else if (is_local(request, http) || pass_open(request, http, SCOPE_METRICS))
        send_metrics(request);
}
