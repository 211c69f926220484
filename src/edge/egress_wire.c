#include "edge/egress_wire.h"

#include "base/memory.h"
#include "edge/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

enum { CREDENTIAL_MAX = 16 * 1024, HEADER_MAX = 32 * 1024, CHUNK_SIZE = 64 * 1024 };

/* Ours, because a second one of them would make two readings of one request. */
static const char *const reserved[] = {"host",       "content-length", "transfer-encoding",
                                       "connection", "upgrade",        "expect",
                                       "te",         "trailer",        "proxy-connection"};

/* libcurl dials only through here, so that no way around the judgement is left. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct egress_transfer *transfer = context;
    char why[GUARD_WHY_SIZE], place[300];
    if (!transfer->at_trusted && !guard_address(transfer->guard, &address->addr, why)) {
        egress_transfer_end(transfer, EGRESS_REFUSED_BY_GUARD,
                            "%s may not be fetched from: its address %s.",
                            egress_transfer_place(transfer, place), why);
        return CURL_SOCKET_BAD;
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0)
        transfer->sockets[transfer->socket_count++ % EGRESS_SOCKETS_MAX] = fd;
    return fd;
}

static bool judge_text(const struct egress_transfer *transfer, const char *text)
{
    char why[GUARD_WHY_SIZE];
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (text && inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return guard_address(transfer->guard, (const struct sockaddr *)&four, why);
    if (text && inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
        return guard_address(transfer->guard, (const struct sockaddr *)&six, why);
    return false;
}

/* Called when the connection stands and the request is about to be written; a connection that was
 * used before for a trusted call is judged here for the first time. */
static int before_request(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct egress_transfer *transfer = context;
    char place[300];
    if (!transfer->at_trusted && !judge_text(transfer, remote)) {
        egress_transfer_end(transfer, EGRESS_REFUSED_BY_GUARD,
                            "%s may not be fetched from: its address is forbidden.",
                            egress_transfer_place(transfer, place));
        return CURL_PREREQFUNC_ABORT;
    }
    if (++transfer->written_times > 1 && transfer->call.paid) {
        egress_transfer_end(transfer, EGRESS_BROKEN,
                            "The connection to %s broke, and a paid request is not repeated.",
                            egress_transfer_place(transfer, place));
        return CURL_PREREQFUNC_ABORT;
    }
    transfer->sent = true;
    transfer->written_at = transfer->pace_at = clock_monotonic();
    return CURL_PREREQFUNC_OK;
}

static size_t read_body(char *target, size_t size, size_t count, void *context)
{
    struct egress_transfer *transfer = context;
    ptrdiff_t got = egress_body_read(transfer->body, target, size * count);
    if (got < 0) {
        egress_transfer_end(transfer, EGRESS_BROKEN,
                            "A file that was being sent could not be read to its end.");
        return CURL_READFUNC_ABORT;
    }
    transfer->written_at = clock_monotonic();
    transfer->moved += (size_t)got;
    if (got == 0)
        transfer->body_written = true;
    return (size_t)got;
}

/* libcurl asks for this when it writes a request again after a reused connection died. */
static int seek_body(void *context, curl_off_t offset, int origin)
{
    struct egress_transfer *transfer = context;
    if (transfer->call.paid || offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_FAIL;
    egress_body_rewind(transfer->body);
    transfer->body_written = false;
    return CURL_SEEKFUNC_OK;
}

static size_t take_header(char *data, size_t size, size_t count, void *context)
{
    struct egress_transfer *transfer = context;
    if (transfer->first_byte_at == 0)
        transfer->first_byte_at = transfer->pace_at = clock_monotonic();
    transfer->last_byte_at = clock_monotonic();
    bool taken = egress_intake_header(&transfer->intake, span_make(data, size * count));
    return taken ? size * count : 0;
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct egress_transfer *transfer = context;
    transfer->moved += size * count;
    transfer->last_byte_at = clock_monotonic();
    bool taken = egress_intake_body(&transfer->intake, span_make(data, size * count));
    return taken ? size * count : 0;
}

/* Puts credentials into the slots of a header's value. */
static bool fill_slots(const struct egress_transfer *transfer, struct span value,
                       struct buffer *target)
{
    while (value.size) {
        const char *slot = memmem(value.data, value.size, "{key:", 5);
        struct span plain = {value.data, slot ? (size_t)(slot - value.data) : value.size};
        buffer_add(target, plain);
        if (!slot)
            break;
        struct span name = {slot + 5, value.size - plain.size - 5};
        ptrdiff_t end = span_find(name, '}');
        if (end < 0)
            return false;
        value = (struct span){name.data + end + 1, name.size - (size_t)end - 1};
        name.size = (size_t)end;
        if (!transfer->config->credential ||
            !transfer->config->credential(transfer->config->credential_context, name, target))
            return false;
    }
    return !target->failed;
}

static bool is_header_text(struct span text)
{
    for (size_t n = 0; n < text.size; n++) {
        unsigned char byte = (unsigned char)text.data[n];
        if ((byte < ' ' && byte != '\t') || byte == 0x7F)
            return false;
    }
    return true;
}

static bool is_header_name(struct span name)
{
    for (size_t n = 0; n < name.size; n++) {
        char byte = name.data[n];
        bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                     (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
        if (!plain)
            return false;
    }
    for (size_t n = 0; n < sizeof reserved / sizeof reserved[0]; n++) {
        if (span_is_nocase(name, reserved[n]))
            return false;
    }
    return name.size > 0 && name.size <= 128;
}

static void wipe(struct buffer *buffer)
{
    if (buffer->data)
        explicit_bzero(buffer->data, buffer->capacity);
    buffer_done(buffer);
}

static bool has_slot(struct span value)
{
    return value.size && memmem(value.data, value.size, "{key:", 5);
}

static bool add_line(struct egress_transfer *transfer, const char *line)
{
    struct curl_slist *list = curl_slist_append(transfer->headers, line);
    if (list)
        transfer->headers = list;
    return list;
}

static bool invalid(struct egress_transfer *transfer, struct span name, const char *what)
{
    int shown = name.size < 60 ? (int)name.size : 60;
    egress_transfer_end(transfer, EGRESS_INVALID, "The header \"%.*s\" %s.", shown,
                        name.size ? name.data : "", what);
    return false;
}

static bool add_header(struct egress_transfer *transfer, const struct http_header *header)
{
    bool secret = has_slot(header->value);
    bool private = secret || span_is_nocase(header->name, "authorization") ||
                   span_is_nocase(header->name, "cookie");
    if (!is_header_name(header->name) || !is_header_text(header->value))
        return invalid(transfer, header->name, "can't be sent");
    if (transfer->redirects > 0 && private && !transfer->at_trusted)
        return true; /* stays behind */
    if (secret && !transfer->at_trusted)
        return invalid(transfer, header->name, "holds a credential, which goes to its owner only");
    struct buffer line;
    buffer_init(&line, HEADER_MAX);
    buffer_add(&line, header->name);
    buffer_add_text(&line, ": ");
    size_t before = line.size;
    /* Grown once, so that no copy of a credential stays behind in freed memory. */
    bool filled = buffer_room(&line, header->value.size + (secret ? CREDENTIAL_MAX : 0)) &&
                  fill_slots(transfer, header->value, &line) && is_header_text(buffer_span(&line));
    if (filled && line.size == before) { /* libcurl's way to write an empty one */
        line.size -= 2;
        buffer_add_byte(&line, ';');
    }
    filled = filled && add_line(transfer, line.data);
    wipe(&line);
    return filled || invalid(transfer, header->name, "needs a credential that is not there");
}

static bool add_headers(struct egress_transfer *transfer)
{
    const struct http_request *request = &transfer->request;
    for (unsigned n = 0; n < request->header_count; n++) {
        if (!add_header(transfer, &request->headers[n]))
            return false;
    }
    /* What libcurl would add by itself: waiting for a 100, and a form's type. */
    struct span type;
    bool typed = http_find(request->headers, request->header_count, "content-type", &type);
    return add_line(transfer, "Expect:") && (typed || add_line(transfer, "Content-Type:"));
}

/* "+host:port:address,address": libcurl dials these and asks no resolver; the entry ages. */
static bool set_addresses(struct egress_transfer *transfer)
{
    struct buffer text;
    buffer_init(&text, GUARD_HOST_SIZE + 64 * EGRESS_ADDRESSES_MAX);
    buffer_print(&text, "+%s:%u:", transfer->url.host, transfer->url.port);
    for (unsigned n = 0; n < transfer->address_count; n++) {
        char address[INET6_ADDRSTRLEN] = "";
        const struct sockaddr_storage *from = &transfer->addresses[n];
        bool six = from->ss_family == AF_INET6;
        const void *bytes = (const char *)from + (six ? offsetof(struct sockaddr_in6, sin6_addr)
                                                      : offsetof(struct sockaddr_in, sin_addr));
        (void)inet_ntop(from->ss_family, bytes, address, sizeof address);
        buffer_print(&text, "%s%s%s%s", n ? "," : "", six ? "[" : "", address, six ? "]" : "");
    }
    if (!text.failed)
        transfer->resolved = curl_slist_append(NULL, text.data);
    buffer_done(&text);
    return transfer->resolved &&
           curl_easy_setopt(transfer->easy, CURLOPT_RESOLVE, transfer->resolved) == CURLE_OK;
}

/* Every option must take: one that is silently missing would be a hole. */
#define SET(option, value) (curl_easy_setopt(easy, (option), (value)) == CURLE_OK)

static bool set_rules(const struct egress_transfer *transfer, CURL *easy)
{
    const struct egress_deadlines *deadlines = &transfer->call.deadlines;
    long connect_ms = (long)(deadlines->connect + deadlines->secure);
    long once = transfer->call.paid ? 1L : 0L;
    long version = transfer->may_two ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
    const char *authorities = transfer->config->authorities;
    return SET(CURLOPT_NOSIGNAL, 1L) && SET(CURLOPT_PROTOCOLS_STR, "http,https") &&
           SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
           SET(CURLOPT_PROXY, "") && SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
           SET(CURLOPT_HTTP_VERSION, version) && SET(CURLOPT_HTTP09_ALLOWED, 0L) &&
           SET(CURLOPT_UNRESTRICTED_AUTH, 0L) && SET(CURLOPT_SSL_VERIFYPEER, 1L) &&
           SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           (!authorities ||
            (SET(CURLOPT_CAINFO, authorities) && SET(CURLOPT_CAPATH, (char *)NULL))) &&
           SET(CURLOPT_PATH_AS_IS, 1L) && SET(CURLOPT_QUICK_EXIT, 1L) &&
           SET(CURLOPT_TCP_KEEPALIVE, 1L) && SET(CURLOPT_MAXAGE_CONN, 55L) &&
           SET(CURLOPT_BUFFERSIZE, (long)CHUNK_SIZE) &&
           SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)CHUNK_SIZE) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, connect_ms) && SET(CURLOPT_FRESH_CONNECT, once) &&
           SET(CURLOPT_FORBID_REUSE, once) && SET(CURLOPT_USERAGENT, "reel/" REEL_VERSION);
}

static bool set_callbacks(struct egress_transfer *transfer, CURL *easy)
{
    return SET(CURLOPT_PRIVATE, transfer) && SET(CURLOPT_ERRORBUFFER, transfer->curl_error) &&
           SET(CURLOPT_OPENSOCKETFUNCTION, open_socket) && SET(CURLOPT_OPENSOCKETDATA, transfer) &&
           SET(CURLOPT_PREREQFUNCTION, before_request) && SET(CURLOPT_PREREQDATA, transfer) &&
           SET(CURLOPT_READFUNCTION, read_body) && SET(CURLOPT_READDATA, transfer) &&
           SET(CURLOPT_SEEKFUNCTION, seek_body) && SET(CURLOPT_SEEKDATA, transfer) &&
           SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, transfer) &&
           SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, transfer);
}

static bool set_method(struct egress_transfer *transfer, CURL *easy)
{
    enum http_method method = transfer->request.method;
    uint64_t size = egress_body_size(transfer->body);
    if (method == HTTP_HEAD)
        return SET(CURLOPT_NOBODY, 1L);
    if (method == HTTP_GET && size == 0)
        return SET(CURLOPT_HTTPGET, 1L);
    /* POST is libcurl's word for "with a body"; the name is set beside it. */
    bool empty = size == 0 && method != HTTP_POST && method != HTTP_PUT && method != HTTP_PATCH;
    return (empty ? SET(CURLOPT_HTTPGET, 1L)
                  : SET(CURLOPT_POST, 1L) && SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size)) &&
           SET(CURLOPT_CUSTOMREQUEST, http_method_name(method));
}

bool egress_wire_make(struct egress_transfer *transfer)
{
    CURL *easy = transfer->easy = curl_easy_init();
    transfer->body = egress_body_make(transfer->request.parts, transfer->request.part_count);
    if (!transfer->body) {
        egress_transfer_end(transfer, EGRESS_INVALID,
                            "A file that was to be sent is missing or too short.");
        return false;
    }
    transfer->body_written = egress_body_size(transfer->body) == 0;
    const struct egress_answer *answer = &transfer->call.answer;
    const char *encodings = answer->plain || answer->path ? NULL : "gzip, deflate";
    if (!add_headers(transfer))
        return false;
    bool set = easy && set_rules(transfer, easy) && set_callbacks(transfer, easy) &&
               set_method(transfer, easy) && SET(CURLOPT_URL, transfer->url_text.data) &&
               SET(CURLOPT_ACCEPT_ENCODING, encodings) &&
               SET(CURLOPT_HTTPHEADER, transfer->headers) &&
               (transfer->url.is_address || set_addresses(transfer));
    if (!set)
        egress_transfer_end(transfer, EGRESS_BROKEN, "The request could not be prepared.");
    return set;
}

void egress_wire_free(struct egress_transfer *transfer)
{
    if (transfer->easy)
        curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
    for (struct curl_slist *line = transfer->headers; line; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(transfer->headers);
    curl_slist_free_all(transfer->resolved);
    transfer->headers = transfer->resolved = NULL;
    egress_body_free(transfer->body);
    transfer->body = NULL;
}

bool egress_wire_connected(const struct egress_transfer *transfer)
{
    /* libcurl tells of TCP only once TLS is through as well, so the sockets are asked. One that it
     * closed meanwhile is asked in vain, or, when its number was given out again, gives the TLS
     * deadline instead of the shorter one. */
    for (unsigned n = 0; n < transfer->socket_count && n < EGRESS_SOCKETS_MAX; n++) {
        struct sockaddr_storage peer;
        socklen_t size = sizeof peer;
        if (getpeername(transfer->sockets[n], (struct sockaddr *)&peer, &size) == 0)
            return true;
    }
    return false;
}

void egress_wire_times(const struct egress_transfer *transfer, ms_t *ret_connected,
                       ms_t *ret_secured)
{
    curl_off_t connected = 0, secured = 0;
    if (transfer->easy) {
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_CONNECT_TIME_T, &connected);
        (void)curl_easy_getinfo(transfer->easy, CURLINFO_APPCONNECT_TIME_T, &secured);
    }
    /* Whatever is measured in microseconds took at least a millisecond, so that 0 means no. */
    *ret_connected = connected > 0 ? (connected + 999) / 1000 : 0;
    *ret_secured = secured > 0 ? (secured + 999) / 1000 : 0;
}
