#include "edge/egress_transfer.h"

#include "base/memory.h"
#include "edge/clock.h"
#include "edge/egress_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { BODY_MAX = 256 * 1024 * 1024, PACE_PER_SECOND = 1024 };

#define ADDRESS(storage) ((const struct sockaddr *)(const void *)(storage))

static ms_t otherwise(ms_t given, ms_t usual)
{
    return given > 0 ? given : usual;
}

static void set_deadlines(struct egress_deadlines *deadlines)
{
    deadlines->resolve = otherwise(deadlines->resolve, 5 * MS_SECOND);
    deadlines->connect = otherwise(deadlines->connect, 5 * MS_SECOND);
    deadlines->secure = otherwise(deadlines->secure, 10 * MS_SECOND);
    deadlines->first_byte = otherwise(deadlines->first_byte, 60 * MS_SECOND);
    deadlines->total = otherwise(deadlines->total, 10 * MS_MINUTE);
    deadlines->slow = otherwise(deadlines->slow, 20 * MS_SECOND);
    deadlines->silent = otherwise(deadlines->silent, MS_NEVER);
}

static struct span copy_span(struct arena *arena, struct span text)
{
    return (struct span){arena_copy(arena, text), text.size};
}

static const char *copy_text(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, span_of(text)) : NULL;
}

static void copy_request(struct egress_transfer *transfer, const struct http_request *from)
{
    struct http_request *request = &transfer->request;
    *request = (struct http_request){.method = from->method,
                                     .method_name = copy_span(&transfer->arena, from->method_name),
                                     .target = copy_span(&transfer->arena, from->target),
                                     .header_count = from->header_count,
                                     .part_count = from->part_count};
    for (unsigned n = 0; n < from->header_count; n++) {
        request->headers[n].name = copy_span(&transfer->arena, from->headers[n].name);
        request->headers[n].value = copy_span(&transfer->arena, from->headers[n].value);
    }
    for (unsigned n = 0; n < from->part_count; n++) {
        request->parts[n] = from->parts[n];
        if (from->parts[n].kind == HTTP_PART_BYTES)
            request->parts[n].bytes = copy_span(&transfer->arena, from->parts[n].bytes);
        else
            request->parts[n].path = copy_text(&transfer->arena, from->parts[n].path);
    }
}

/* What can be said without the network; the outcome is reported when the egress comes to it. */
static void check_call(struct egress_transfer *transfer)
{
    char why[GUARD_WHY_SIZE];
    uint64_t size = 0;
    for (unsigned n = 0; n < transfer->request.part_count; n++)
        size += transfer->request.parts[n].kind == HTTP_PART_BYTES
                    ? transfer->request.parts[n].bytes.size
                    : 0;
    if (size > BODY_MAX)
        egress_transfer_end(transfer, EGRESS_INVALID, "The request's body is too large.");
    if (transfer->call.answer.max == 0)
        egress_transfer_end(transfer, EGRESS_INVALID, "The answer has no room.");
    if (transfer->request.method == HTTP_OTHER)
        egress_transfer_end(transfer, EGRESS_INVALID, "The method is unknown.");
    const char *trusted = transfer->call.trusted;
    if (trusted && !guard_url_read(span_of(trusted), &transfer->trusted, why))
        egress_transfer_end(transfer, EGRESS_INVALID, "The provider's configured address: %s", why);
}

struct egress_transfer *egress_transfer_make(const struct egress_config *config,
                                             const struct guard *guard,
                                             const struct egress_call *call)
{
    struct egress_transfer *transfer = memory_new(struct egress_transfer);
    list_init(&transfer->link);
    arena_init(&transfer->arena);
    transfer->config = config;
    transfer->guard = guard;
    transfer->call = *call;
    copy_request(transfer, call->request);
    transfer->call.request = &transfer->request;
    transfer->call.trusted = copy_text(&transfer->arena, call->trusted);
    transfer->call.answer.path = copy_text(&transfer->arena, call->answer.path);
    if (transfer->call.redirects_max > EGRESS_REDIRECTS_MAX)
        transfer->call.redirects_max = EGRESS_REDIRECTS_MAX;
    set_deadlines(&transfer->call.deadlines);
    transfer->asked_at = clock_monotonic();
    buffer_init(&transfer->url_text, 4 * GUARD_URL_MAX);
    buffer_add(&transfer->url_text, transfer->request.target);
    egress_intake_init(&transfer->intake, &transfer->call.answer, transfer->call.context);
    check_call(transfer);
    return transfer;
}

void egress_transfer_free(struct egress_transfer *transfer)
{
    egress_wire_free(transfer);
    egress_intake_done(&transfer->intake);
    buffer_done(&transfer->url_text);
    arena_done(&transfer->arena);
    memory_free(transfer);
}

void egress_transfer_end(struct egress_transfer *transfer, enum egress_outcome outcome,
                         const char *sentence, ...)
{
    if (transfer->ended)
        return;
    transfer->ended = true;
    transfer->outcome = outcome;
    va_list list;
    va_start(list, sentence);
    (void)vsnprintf(transfer->sentence, sizeof transfer->sentence, sentence, list);
    va_end(list);
}

/* A redirect's target is the other side's word, and may be an internal name: it is not repeated. */
const char *egress_transfer_place(struct egress_transfer *transfer, char target[static 300])
{
    (void)snprintf(target, 300, "%.200s",
                   transfer->redirects ? "The place that a redirect named" : transfer->url.host);
    return target;
}

bool egress_transfer_open(struct egress_transfer *transfer)
{
    if (transfer->ended)
        return false;
    char why[GUARD_WHY_SIZE];
    struct guard_url url;
    const char *redirected = transfer->redirects ? "A redirect can't be followed: " : "";
    struct span text = buffer_span(&transfer->url_text);
    if (transfer->url_text.failed || !guard_url_read(text, &url, why)) {
        egress_transfer_end(transfer, EGRESS_REFUSED_BY_GUARD, "%s%s", redirected,
                            transfer->url_text.failed ? "The URL is too long." : why);
        return false;
    }
    transfer->at_trusted =
        transfer->call.trusted && guard_url_same_origin(&url, &transfer->trusted);
    if (!transfer->at_trusted && !guard_url(transfer->guard, text, &url, why)) {
        egress_transfer_end(transfer, EGRESS_REFUSED_BY_GUARD, "%s%s", redirected,
                            transfer->redirects ? "it leads to an address that is forbidden."
                                                : why);
        return false;
    }
    /* From here on only the canonical text is used; read again, so that the spans point into it. */
    struct buffer canonical;
    buffer_init(&canonical, transfer->url_text.max);
    guard_url_write(&url, &canonical);
    buffer_done(&transfer->url_text);
    transfer->url_text = canonical;
    bool read =
        !canonical.failed && guard_url_read(buffer_span(&transfer->url_text), &transfer->url, why);
    if (!read)
        egress_transfer_end(transfer, EGRESS_REFUSED_BY_GUARD, "%sThe URL is too long.",
                            redirected);
    return read;
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
    in_port_t ordered = htons(port);
    size_t offset = address->ss_family == AF_INET6 ? offsetof(struct sockaddr_in6, sin6_port)
                                                   : offsetof(struct sockaddr_in, sin_port);
    memcpy((char *)address + offset, &ordered, sizeof ordered);
}

bool egress_transfer_judge(struct egress_transfer *transfer,
                           const struct sockaddr_storage *addresses, unsigned count)
{
    char why[GUARD_WHY_SIZE], place[300];
    if (count == 0) {
        egress_transfer_end(transfer, EGRESS_NOT_RESOLVED, "%s could not be found.",
                            egress_transfer_place(transfer, place));
        return false;
    }
    transfer->address_count = 0;
    for (unsigned n = 0; n < count && n < EGRESS_ADDRESSES_MAX; n++) {
        if (!transfer->at_trusted && !guard_address(transfer->guard, ADDRESS(&addresses[n]), why)) {
            egress_transfer_end(transfer, EGRESS_REFUSED_BY_GUARD,
                                "%s may not be fetched from: its address %s.",
                                egress_transfer_place(transfer, place), why);
            return false;
        }
        transfer->addresses[n] = addresses[n];
        set_port(&transfer->addresses[n], transfer->url.port);
        transfer->address_count++;
    }
    return true;
}

bool egress_transfer_dial(struct egress_transfer *transfer, ms_t now)
{
    transfer->written_times = 0;
    transfer->written_at = transfer->first_byte_at = transfer->connected_at = 0;
    transfer->socket_count = 0;
    transfer->moved = transfer->pace_moved = 0;
    transfer->dialled_at = transfer->pace_at = now;
    transfer->intake.bodyless = transfer->request.method == HTTP_HEAD;
    transfer->curl_error[0] = '\0';
    return egress_wire_make(transfer);
}

static bool too_slow(struct egress_transfer *transfer, ms_t now)
{
    ms_t slow = transfer->call.deadlines.slow;
    bool flowing = transfer->first_byte_at > 0 || !transfer->body_written;
    if (!flowing || slow == MS_NEVER) {
        transfer->pace_at = now;
        transfer->pace_moved = transfer->moved;
        return false;
    }
    if (now - transfer->pace_at < slow)
        return false;
    bool crawling = (transfer->moved - transfer->pace_moved) * 1000 <
                    (uint64_t)PACE_PER_SECOND * (uint64_t)slow;
    transfer->pace_at = now;
    transfer->pace_moved = transfer->moved;
    return crawling;
}

/* The steps before the request is written: nothing was sent yet. */
static void tick_connecting(struct egress_transfer *transfer, ms_t now, const char *place)
{
    const struct egress_deadlines *deadlines = &transfer->call.deadlines;
    if (transfer->connected_at == 0 && egress_wire_connected(transfer))
        transfer->connected_at = now;
    if (transfer->connected_at == 0 && now - transfer->dialled_at >= deadlines->connect)
        egress_transfer_end(transfer, EGRESS_NOT_CONNECTED, "%s took too long to connect.", place);
    else if (transfer->connected_at > 0 && now - transfer->connected_at >= deadlines->secure)
        egress_transfer_end(transfer, EGRESS_TLS_FAILED,
                            "%s took too long to make the connection secure.", place);
}

bool egress_transfer_tick(struct egress_transfer *transfer, ms_t now)
{
    const struct egress_deadlines *deadlines = &transfer->call.deadlines;
    char place[300];
    (void)egress_transfer_place(transfer, place);
    if (now - transfer->asked_at >= deadlines->total) {
        egress_transfer_end(transfer, EGRESS_TIMED_OUT, "%s took more than %lld s in all.",
                            transfer->state == EGRESS_WAITING ? "The request" : place,
                            (long long)(deadlines->total + 999) / 1000);
    } else if (transfer->state == EGRESS_RESOLVING) {
        if (now - transfer->hop_at >= deadlines->resolve)
            egress_transfer_end(transfer, EGRESS_NOT_RESOLVED, "%s could not be found in time.",
                                place);
    } else if (transfer->state == EGRESS_RUNNING) {
        if (transfer->written_at == 0)
            tick_connecting(transfer, now, place);
        else if (transfer->first_byte_at == 0 && transfer->body_written &&
                 now - transfer->written_at >= deadlines->first_byte)
            egress_transfer_end(transfer, EGRESS_TIMED_OUT, "%s did not answer in time.", place);
        else if (transfer->first_byte_at > 0 && now - transfer->last_byte_at >= deadlines->silent)
            egress_transfer_end(transfer, EGRESS_TIMED_OUT, "%s was silent for %lld s.", place,
                                (long long)(deadlines->silent + 999) / 1000);
        else if (too_slow(transfer, now))
            egress_transfer_end(transfer, EGRESS_TIMED_OUT,
                                "%s was too slow: less than 1 KiB a second.", place);
    }
    return !transfer->ended;
}

static bool is_tls_failure(CURLcode code)
{
    static const CURLcode codes[] = {
        CURLE_SSL_CONNECT_ERROR,   CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM,
        CURLE_SSL_CIPHER,          CURLE_SSL_CACERT_BADFILE,       CURLE_SSL_ISSUER_ERROR,
        CURLE_SSL_CRL_BADFILE,     CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS,
        CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED,     CURLE_SSL_CLIENTCERT,
    };
    for (size_t n = 0; n < sizeof codes / sizeof codes[0]; n++) {
        if (codes[n] == code)
            return true;
    }
    return false;
}

static void end_by_intake(struct egress_transfer *transfer, const char *place)
{
    enum egress_outcome outcome = transfer->intake.outcome;
    if (outcome == EGRESS_TOO_LARGE)
        egress_transfer_end(transfer, outcome, "%s sent more than the %llu bytes that are allowed.",
                            place, (unsigned long long)transfer->call.answer.max);
    else if (outcome == EGRESS_CANCELED)
        egress_transfer_end(transfer, outcome, "The request was canceled.");
    else if (outcome == EGRESS_DISK_FULL)
        egress_transfer_end(transfer, outcome, "The disk is full.");
    else if (outcome != EGRESS_ANSWERED)
        egress_transfer_end(transfer, outcome, "The answer could not be written to the disk.");
}

static void end_by_code(struct egress_transfer *transfer, CURLcode code, const char *place)
{
    if (code == CURLE_COULDNT_RESOLVE_HOST)
        egress_transfer_end(transfer, EGRESS_NOT_RESOLVED, "%s could not be found.", place);
    else if (code == CURLE_COULDNT_CONNECT)
        egress_transfer_end(transfer, EGRESS_NOT_CONNECTED, "%s could not be connected to.", place);
    else if (is_tls_failure(code))
        egress_transfer_end(transfer, EGRESS_TLS_FAILED,
                            "No secure connection to %s could be made.", place);
    else if (code == CURLE_OPERATION_TIMEDOUT && transfer->written_at == 0)
        egress_transfer_end(transfer, EGRESS_NOT_CONNECTED, "%s took too long to connect.", place);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        egress_transfer_end(transfer, EGRESS_TIMED_OUT, "%s took too long.", place);
    else if (code != CURLE_OK || transfer->intake.response.status < 200)
        egress_transfer_end(transfer, EGRESS_BROKEN,
                            "The connection to %s broke before its answer was complete.", place);
}

static bool is_redirect(const struct egress_transfer *transfer, struct span *ret_location)
{
    int status = transfer->intake.response.status;
    enum http_method method = transfer->request.method;
    bool moved = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    return moved && (method == HTTP_GET || method == HTTP_HEAD) && !transfer->call.paid &&
           transfer->redirects < transfer->call.redirects_max &&
           http_find(transfer->intake.response.headers, transfer->intake.response.header_count,
                     "location", ret_location) &&
           ret_location->size > 0;
}

/* Leaves the next hop's URL, not yet judged, in url_text. */
static void follow(struct egress_transfer *transfer, struct span location)
{
    struct buffer next;
    buffer_init(&next, transfer->url_text.max);
    guard_url_join(&transfer->url, location, &next);
    bool was_https = transfer->url.https;
    buffer_done(&transfer->url_text);
    transfer->url_text = next;
    transfer->redirects++;
    bool is_https = next.size >= 6 && span_is_nocase(span_make(next.data, 6), "https:");
    if (was_https && !is_https)
        egress_transfer_end(transfer, EGRESS_REFUSED_BY_GUARD,
                            "A redirect can't be followed: it leads from https to something else.");
}

bool egress_transfer_close(struct egress_transfer *transfer, CURLcode code)
{
    char place[300];
    (void)egress_transfer_place(transfer, place);
    struct span location;
    if (!transfer->ended)
        end_by_intake(transfer, place);
    if (!transfer->ended)
        end_by_code(transfer, code, place);
    if (!transfer->ended && is_redirect(transfer, &location)) {
        follow(transfer, location);
        egress_wire_free(transfer);
        egress_intake_reset(&transfer->intake);
        return !transfer->ended;
    }
    if (!transfer->ended && !egress_intake_close(&transfer->intake))
        end_by_intake(transfer, place);
    egress_transfer_end(transfer, EGRESS_ANSWERED, "%s", "");
    return false;
}

static ms_t since(ms_t start, ms_t at)
{
    return at > 0 ? at - start + (at == start) : 0;
}

void egress_transfer_report(struct egress_transfer *transfer)
{
    struct egress_intake *intake = &transfer->intake;
    struct egress_result result = {.outcome = transfer->outcome,
                                   .sent = transfer->sent,
                                   .response = intake->response,
                                   .bytes = intake->bytes,
                                   .redirects = transfer->redirects,
                                   .url = buffer_span(&transfer->url_text)};
    ms_t connected, secured, start = transfer->started_at;
    egress_wire_times(transfer, &connected, &secured);
    egress_wire_free(transfer);
    ms_t dialled = transfer->dialled_at;
    result.times = (struct egress_times){
        .resolved = since(start, dialled),
        .connected = connected ? dialled - start + connected : 0,
        .secured = secured ? dialled - start + secured : 0,
        .first_byte = since(start, transfer->first_byte_at),
        .total = clock_monotonic() - transfer->asked_at,
    };
    bool answered = transfer->outcome == EGRESS_ANSWERED;
    (void)snprintf(result.sentence, sizeof result.sentence, "%s", transfer->sentence);
    result.response.body = buffer_span(&intake->body);
    result.in_file = answered && transfer->call.answer.path && intake->response.status / 100 == 2;
    if (result.in_file)
        (void)snprintf(result.sha256, sizeof result.sha256, "%s", intake->sha256);
    else
        egress_intake_drop(intake);
    transfer->call.done(transfer->call.context, &result);
}
