#include "edge/head.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include <llhttp.h>

/* --- Where a head ends. --- */

static enum head_progress refuse(struct head_fault *ret_fault, int status, const char *sentence)
{
    *ret_fault = (struct head_fault){status, sentence};
    return HEAD_BROKEN;
}

static enum head_progress refuse_size(const struct head_scan *scan, struct head_fault *ret_fault)
{
    if (scan->lines == 0)
        return refuse(ret_fault, 414, "The request's target is too long.");
    return refuse(ret_fault, 431, "The request's headers are too large.");
}

/* The set of bytes that may stand in a method or a header's name (RFC 9110, 5.6.2). */
static bool is_token_byte(unsigned char byte)
{
    static const uint64_t set[2] = {0x03ff6cfa00000000u, 0x57ffffffc7fffffeu};
    return byte < 128 && (set[byte / 64] >> (byte % 64) & 1u) != 0;
}

static bool is_token(struct span text)
{
    bool valid = text.size > 0;
    for (size_t n = 0; n < text.size; n++)
        valid &= is_token_byte((unsigned char)text.data[n]);
    return valid;
}

/* HTTP/0.9 and HTTP/2 are told apart from 1.x as soon as their first line is there; neither would
 * ever send the end for which an HTTP/1 head is read on. */
static enum head_progress look_at_version(struct span line, struct head_fault *ret_fault)
{
    static const size_t size = sizeof "HTTP/1.1" - 1;
    if (line.size <= size || line.data[line.size - size - 1] != ' ' ||
        !span_starts((struct span){line.data + line.size - size, size}, "HTTP/"))
        return refuse(ret_fault, 400, "The request's first line is not one of HTTP/1.1.");
    const char *version = line.data + line.size - 3;
    if (version[0] == '1' && version[1] == '.' && (version[2] == '0' || version[2] == '1'))
        return HEAD_PART;
    if (version[0] < '0' || version[0] > '9' || version[1] != '.' || version[2] < '0' ||
        version[2] > '9')
        return refuse(ret_fault, 400, "The request's first line is not one of HTTP/1.1.");
    return refuse(ret_fault, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.");
}

/* `line` is without its end. */
static enum head_progress look_at_line(const struct head_scan *scan, struct span line,
                                       struct head_fault *ret_fault)
{
    if (line.size > 0 && memchr(line.data, '\r', line.size))
        return refuse(ret_fault, 400, "A line of the head holds a bare CR.");
    if (line.size > 0 && memchr(line.data, '\0', line.size))
        return refuse(ret_fault, 400, "The head holds a NUL.");
    if (scan->lines == 0)
        return look_at_version(line, ret_fault);
    if (line.data[0] == ' ' || line.data[0] == '\t')
        return refuse(ret_fault, 400, "A header is folded over several lines.");
    if (scan->lines > HEAD_HEADERS_MAX)
        return refuse(ret_fault, 431, "The request has too many headers.");
    return HEAD_PART;
}

/* A line without an end is judged too, so that nobody waits for the rest of nonsense. */
static enum head_progress look_at_rest(const struct head_scan *scan, struct span bytes,
                                       const struct head_limits *limits,
                                       struct head_fault *ret_fault)
{
    if (bytes.size - scan->start > limits->head_max)
        return refuse_size(scan, ret_fault);
    if (scan->lines == 0 &&
        bytes.size - scan->start > limits->target_max + HEAD_METHOD_MAX + sizeof "  HTTP/1.1")
        return refuse_size(scan, ret_fault);
    return HEAD_PART;
}

enum head_progress head_look(struct head_scan *scan, struct span bytes,
                             const struct head_limits *limits, size_t *ret_size,
                             struct head_fault *ret_fault)
{
    assert(limits->head_max <= HEAD_SIZE_MAX);
    if (scan->seen == 0 && bytes.size > 0 && bytes.data[0] == '\r') {
        if (bytes.size == 1)
            return HEAD_PART;
        if (bytes.data[1] == '\n')
            scan->seen = scan->line = scan->start = 2;
    }
    if (scan->lines == 0 && bytes.size > scan->start &&
        !is_token_byte((unsigned char)bytes.data[scan->start]))
        return refuse(ret_fault, 400, "This is not HTTP/1.1 (and not a port for TLS).");
    while (scan->seen < bytes.size) {
        const char *feed = memchr(bytes.data + scan->seen, '\n', bytes.size - scan->seen);
        if (!feed) {
            scan->seen = (uint32_t)bytes.size;
            break;
        }
        struct span line = {bytes.data + scan->line, (size_t)(feed - bytes.data) - scan->line};
        scan->seen = (uint32_t)(feed + 1 - bytes.data);
        if (scan->seen - scan->start > limits->head_max)
            return refuse_size(scan, ret_fault);
        if (line.size == 0 || line.data[line.size - 1] != '\r')
            return refuse(ret_fault, 400, "A line of the head ends in a bare LF.");
        line.size--;
        if (line.size == 0 && scan->lines > 0) {
            *ret_size = scan->seen;
            return HEAD_WHOLE;
        }
        if (look_at_line(scan, line, ret_fault) == HEAD_BROKEN)
            return HEAD_BROKEN;
        scan->line = scan->seen;
        scan->lines++;
    }
    return look_at_rest(scan, bytes, limits, ret_fault);
}

/* --- What a head says. --- */

/* What is being read, and what is known of it so far. */
struct reading {
    struct span text;
    const struct head_limits *limits;
    struct head *head;
    struct head_fault *fault;
    struct span host;      /* of the Host header */
    struct span authority; /* of a target in absolute form; data NULL when it has another */
    bool has_host, has_length, has_coding, close, keep;
};

static bool fail(struct reading *reading, int status, const char *sentence)
{
    *reading->fault = (struct head_fault){status, sentence};
    return false;
}

static struct head_piece piece_of(const struct reading *reading, struct span part)
{
    return (struct head_piece){(uint16_t)(part.data - reading->text.data), (uint16_t)part.size};
}

static bool is_target(struct span target)
{
    bool valid = target.size > 0;
    for (size_t n = 0; n < target.size; n++) {
        unsigned char byte = (unsigned char)target.data[n];
        valid &= byte > 0x20 && byte < 0x7F && byte != '#';
    }
    return valid;
}

/* "http://host/path": the authority goes aside, the rest is the target. */
static bool read_absolute(struct reading *reading, struct span *target)
{
    size_t scheme = 0;
    if (target->size > 7 && span_is_nocase((struct span){target->data, 7}, "http://"))
        scheme = 7;
    else if (target->size > 8 && span_is_nocase((struct span){target->data, 8}, "https://"))
        scheme = 8;
    else
        return fail(reading, 400, "The request's target is neither a path nor a URL.");
    struct span rest = {target->data + scheme, target->size - scheme};
    ptrdiff_t slash = span_find(rest, '/');
    reading->authority = slash < 0 ? rest : (struct span){rest.data, (size_t)slash};
    if (reading->authority.size == 0 || span_find(reading->authority, '@') >= 0 ||
        span_find(reading->authority, '?') >= 0)
        return fail(reading, 400, "The URL in the request's first line has no plain host.");
    /* A URL without a path means "/"; the last slash of "http://" is one. */
    *target = slash < 0 ? (struct span){rest.data - 1, 1}
                        : (struct span){rest.data + slash, rest.size - (size_t)slash};
    return true;
}

static bool read_target(struct reading *reading, struct span target, struct span method)
{
    struct head *head = reading->head;
    if (!is_target(target))
        return fail(reading, 400, "The request's target holds bytes that must be escaped.");
    if (target.size > reading->limits->target_max)
        return fail(reading, 414, "The request's target is too long.");
    bool asterisk = span_is(target, "*") && span_is(method, "OPTIONS");
    if (target.data[0] != '/' && !asterisk && !read_absolute(reading, &target))
        return false;
    ptrdiff_t mark = span_find(target, '?');
    struct span path = mark < 0 ? target : (struct span){target.data, (size_t)mark};
    struct span query = {path.data + path.size, 0};
    if (mark >= 0)
        query = (struct span){target.data + mark + 1, target.size - (size_t)mark - 1};
    head->target = piece_of(reading, target);
    head->path = piece_of(reading, path);
    head->query = piece_of(reading, query);
    return true;
}

static bool read_first_line(struct reading *reading, struct span line)
{
    struct span rest = line, method, target;
    if (!span_take(&rest, ' ', &method) || !span_take(&rest, ' ', &target) || !rest.data)
        return fail(reading, 400, "The request's first line is not one of HTTP/1.1.");
    if (!is_token(method) || method.size > HEAD_METHOD_MAX)
        return fail(reading, 400, "The request's method is not a word.");
    if (!span_is(rest, "HTTP/1.1") && !span_is(rest, "HTTP/1.0"))
        return fail(reading, 400, "The request's first line is not one of HTTP/1.1.");
    reading->head->minor = rest.data[rest.size - 1] == '1';
    reading->head->method = piece_of(reading, method);
    return read_target(reading, target, method);
}

static bool read_host(struct reading *reading, struct span value)
{
    if (reading->has_host)
        return fail(reading, 400, "The Host header is there twice.");
    for (size_t n = 0; n < value.size; n++) {
        char byte = value.data[n];
        bool alphanumeric = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                            (byte >= 'A' && byte <= 'Z');
        if (!alphanumeric && !strchr("-._~%!$&'()*+;=:[]", byte))
            return fail(reading, 400, "The Host header is not a host.");
    }
    reading->has_host = true;
    reading->host = value;
    return true;
}

static bool read_length(struct reading *reading, struct span value)
{
    if (reading->has_length)
        return fail(reading, 400, "Content-Length is there twice.");
    reading->has_length = true;
    /* Eighteen digits fit 64 bits; a longer number has leading zeros or is beyond any limit. */
    bool valid = value.size > 0 && value.size <= 18;
    uint64_t length = 0;
    for (size_t n = 0; valid && n < value.size; n++) {
        valid = value.data[n] >= '0' && value.data[n] <= '9';
        length = length * 10 + (uint64_t)(value.data[n] - '0');
    }
    if (!valid)
        return fail(reading, 400, "Content-Length is not a number.");
    reading->head->length = length;
    reading->head->body = length > 0 ? HEAD_LENGTH : HEAD_NO_BODY;
    return true;
}

static bool read_coding(struct reading *reading, struct span value)
{
    if (reading->has_coding)
        return fail(reading, 400, "Transfer-Encoding is there twice.");
    if (!span_is_nocase(value, "chunked"))
        return fail(reading, 400, "The only Transfer-Encoding taken is chunked, once.");
    reading->has_coding = true;
    return true;
}

static void read_connection(struct reading *reading, struct span value)
{
    struct span rest = value, option;
    while (span_take(&rest, ',', &option)) {
        option = span_trim(option);
        reading->close |= span_is_nocase(option, "close");
        reading->keep |= span_is_nocase(option, "keep-alive");
    }
}

static bool read_known(struct reading *reading, struct span name, struct span value)
{
    struct head *head = reading->head;
    switch (name.size) {
    case sizeof "Host" - 1:
        return !span_is_nocase(name, "host") || read_host(reading, value);
    case sizeof "Expect" - 1:
        if (!span_is_nocase(name, "expect"))
            return true;
        if (!span_is_nocase(value, "100-continue"))
            return fail(reading, 417, "The only expectation that is met here is 100-continue.");
        head->expects_continue = true;
        return true;
    case sizeof "Connection" - 1:
        if (span_is_nocase(name, "connection"))
            read_connection(reading, value);
        return true;
    case sizeof "X-Request-Id" - 1:
        if (head->request_id < 0 && span_is_nocase(name, "x-request-id"))
            head->request_id = (int16_t)head->header_count;
        return true;
    case sizeof "Content-Length" - 1:
        return !span_is_nocase(name, "content-length") || read_length(reading, value);
    case sizeof "Transfer-Encoding" - 1:
        return !span_is_nocase(name, "transfer-encoding") || read_coding(reading, value);
    default:
        return true;
    }
}

static bool read_header(struct reading *reading, struct span line)
{
    ptrdiff_t colon = span_find(line, ':');
    struct span name = {line.data, colon < 0 ? 0 : (size_t)colon};
    if (!is_token(name))
        return fail(reading, 400, "A header's name is not a word followed by a colon.");
    struct span value =
        span_trim((struct span){line.data + colon + 1, line.size - (size_t)colon - 1});
    bool valid = true;
    for (size_t n = 0; n < value.size; n++) {
        unsigned char byte = (unsigned char)value.data[n];
        valid &= (byte >= 0x20 && byte != 0x7F) || byte == '\t';
    }
    if (!valid)
        return fail(reading, 400, "A header's value holds control characters.");
    if (reading->head->header_count == HEAD_HEADERS_MAX)
        return fail(reading, 431, "The request has too many headers.");
    if (!read_known(reading, name, value))
        return false;
    reading->head->headers[reading->head->header_count++] =
        (struct head_header){piece_of(reading, name), piece_of(reading, value)};
    return true;
}

/* What only the whole head can show. */
static bool check_whole(struct reading *reading)
{
    struct head *head = reading->head;
    if (!reading->has_host && head->minor == 1)
        return fail(reading, 400, "The Host header is missing.");
    if (reading->authority.data && reading->has_host &&
        (reading->authority.size != reading->host.size ||
         strncasecmp(reading->authority.data, reading->host.data, reading->host.size) != 0))
        return fail(reading, 400, "The Host header contradicts the URL in the first line.");
    if (reading->has_coding && reading->has_length)
        return fail(reading, 400, "Content-Length and Transfer-Encoding contradict each other.");
    if (reading->has_coding && head->minor == 0)
        return fail(reading, 400, "HTTP/1.0 knows no Transfer-Encoding.");
    if (reading->has_coding)
        head->body = HEAD_CHUNKED;
    /* HTTP/1.0 has no 100 Continue (RFC 9110, 10.1.1), and nothing to continue needs none. */
    head->expects_continue &= head->minor == 1 && head->body != HEAD_NO_BODY;
    head->keep_alive = !reading->close && (head->minor == 1 || reading->keep);
    return true;
}

/* --- The second reader. --- */

struct second {
    bool whole;
    uint64_t length;
    bool chunked;
    unsigned minor;
};

static int on_headers_complete(llhttp_t *parser)
{
    *(struct second *)parser->data = (struct second){
        .whole = true,
        .length = parser->content_length,
        .chunked = (parser->flags & F_CHUNKED) != 0,
        .minor = parser->http_minor,
    };
    return 1; /* there is no body in what it is given */
}

/* llhttp knows a fixed list of methods and gives some of them a meaning of their own (PRI, SOURCE).
 * Methods are words to us, so it always reads a POST. */
static bool second_agrees(struct span text, const struct head *head)
{
    static const llhttp_settings_t settings = {.on_headers_complete = on_headers_complete};
    struct second second = {0};
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = &second;
    llhttp_errno_t fault = llhttp_execute(&parser, "POST", 4);
    if (fault == HPE_OK)
        fault =
            llhttp_execute(&parser, text.data + head->method.size, text.size - head->method.size);
    return (fault == HPE_OK || fault == HPE_PAUSED_UPGRADE) && second.whole &&
           second.minor == head->minor && second.chunked == (head->body == HEAD_CHUNKED) &&
           second.length == head->length;
}

bool head_read(struct span text, const struct head_limits *limits, struct head *ret_head,
               struct head_fault *ret_fault)
{
    assert(text.size <= HEAD_SIZE_MAX);
    struct reading reading = {.text = text, .limits = limits, .head = ret_head, .fault = ret_fault};
    ret_head->body = HEAD_NO_BODY;
    ret_head->length = 0;
    ret_head->expects_continue = false;
    ret_head->request_id = -1;
    ret_head->header_count = 0;
    struct span rest = text, line;
    for (bool first = true; span_take(&rest, '\n', &line) && line.size > 1; first = false) {
        line.size--; /* the CR, which head_look has seen */
        if (!(first ? read_first_line(&reading, line) : read_header(&reading, line)))
            return false;
    }
    if (!check_whole(&reading))
        return false;
    if (!second_agrees(text, ret_head))
        return fail(&reading, 400, "The request's head is not valid HTTP/1.1.");
    return true;
}
