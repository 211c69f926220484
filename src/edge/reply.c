#include "edge/reply.h"

#include "base/json.h"

#include <assert.h>
#include <string.h>

/* A token of RFC 9110, 5.6.2; a bit for each byte below 128. */
static bool is_name(struct span name)
{
    static const uint64_t set[2] = {0x03ff6cfa00000000u, 0x57ffffffc7fffffeu};
    bool valid = name.size > 0;
    for (size_t n = 0; n < name.size; n++) {
        unsigned char byte = (unsigned char)name.data[n];
        valid &= byte < 128 && (set[byte / 64] >> (byte % 64) & 1u) != 0;
    }
    return valid;
}

static bool is_value(struct span value)
{
    bool valid = true;
    for (size_t n = 0; n < value.size; n++) {
        unsigned char byte = (unsigned char)value.data[n];
        valid &= (byte >= 0x20 && byte != 0x7F) || byte == '\t';
    }
    return valid;
}

bool reply_is_valid(const struct http_response *response)
{
    if (response->status < 200 || response->status > 599 ||
        response->header_count > HTTP_HEADERS_MAX || response->part_count > HTTP_PARTS_MAX)
        return false;
    for (unsigned n = 0; n < response->header_count; n++) {
        if (!is_name(response->headers[n].name) || !is_value(response->headers[n].value))
            return false;
    }
    for (unsigned n = 0; n < response->part_count; n++) {
        const struct http_part *part = &response->parts[n];
        if (part->kind == HTTP_PART_FILE_BASE64 || (part->kind == HTTP_PART_FILE && !part->path))
            return false;
    }
    return true;
}

/* The headers that say how a message is framed and by whom it was sent are the server's. */
static bool is_ours(struct span name)
{
    switch (name.size) {
    case sizeof "Date" - 1:
        return span_is_nocase(name, "date");
    case sizeof "Connection" - 1: /* as long as Keep-Alive */
        return span_is_nocase(name, "connection") || span_is_nocase(name, "keep-alive");
    case sizeof "X-Request-Id" - 1:
        return span_is_nocase(name, "x-request-id");
    case sizeof "Content-Length" - 1:
        return span_is_nocase(name, "content-length");
    case sizeof "Transfer-Encoding" - 1:
        return span_is_nocase(name, "transfer-encoding");
    default:
        return false;
    }
}

bool reply_wants_close(const struct http_response *response)
{
    for (unsigned n = 0; n < response->header_count; n++) {
        const struct http_header *header = &response->headers[n];
        if (header->name.size == sizeof "Connection" - 1 &&
            span_is_nocase(header->name, "connection") && span_is_nocase(header->value, "close"))
            return true;
    }
    return false;
}

bool reply_has_body(int status)
{
    return status != 204 && status != 304;
}

static char *put(char *at, struct span text)
{
    if (text.size)
        memcpy(at, text.data, text.size);
    return at + text.size;
}

static char *put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t size = 0;
    do {
        digits[sizeof digits - ++size] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return put(at, (struct span){digits + sizeof digits - size, size});
}

static char *put_header(char *at, struct span name, struct span value)
{
    at = put(at, name);
    at = put(at, SPAN(": "));
    at = put(at, value);
    return put(at, SPAN("\r\n"));
}

static char *put_framing(char *at, const struct reply *reply)
{
    if (reply->framing == REPLY_LENGTH) {
        at = put(at, SPAN("Content-Length: "));
        at = put_number(at, reply->length);
        at = put(at, SPAN("\r\n"));
    } else if (reply->framing == REPLY_CHUNKED) {
        at = put(at, SPAN("Transfer-Encoding: chunked\r\n"));
    }
    if (reply->close)
        at = put(at, SPAN("Connection: close\r\n"));
    else if (reply->says_keep_alive)
        at = put(at, SPAN("Connection: keep-alive\r\n"));
    return at;
}

void reply_add(struct buffer *target, const struct reply *reply)
{
    const struct http_response *response = reply->response;
    struct span name = span_of(http_status_name(response->status)), id = span_of(reply->id);
    /* The server's own lines, with their longest numbers, take less than 256 bytes without id and
     * status; so one reservation is enough and everything below is plain copying. */
    size_t most = 256 + name.size + id.size;
    for (unsigned n = 0; n < response->header_count; n++)
        most += response->headers[n].name.size + response->headers[n].value.size + 4;
    char *start = buffer_room(target, most);
    if (!start)
        return;
    char *at = put(start, SPAN("HTTP/1.1 "));
    at = put_number(at, (uint64_t)response->status);
    *at++ = ' ';
    at = put(at, name);
    at = put(at, SPAN("\r\n"));
    at = put_header(at, SPAN("Date"), (struct span){reply->date, TIME_HTTP_SIZE - 1});
    at = put_header(at, SPAN("X-Request-Id"), id);
    for (unsigned n = 0; n < response->header_count; n++) {
        const struct http_header *header = &response->headers[n];
        if (!is_ours(header->name))
            at = put_header(at, header->name, header->value);
    }
    at = put_framing(at, reply);
    at = put(at, SPAN("\r\n"));
    assert((size_t)(at - start) <= most);
    target->size += (size_t)(at - start);
}

void reply_add_chunk_size(struct buffer *target, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char line[2 * sizeof size + 2];
    size_t at = sizeof line;
    line[--at] = '\n';
    line[--at] = '\r';
    do {
        line[--at] = digits[size % 16];
        size /= 16;
    } while (size > 0);
    buffer_add(target, (struct span){line + at, sizeof line - at});
}

void reply_add_error(struct buffer *target, enum error_code code, const char *sentence,
                     const char *id)
{
    struct json_writer writer;
    json_writer_init(&writer, target);
    json_open_object(&writer, NULL);
    json_bool(&writer, "success", false);
    json_text(&writer, "error", span_of(sentence));
    json_text(&writer, "errorCode", span_of(error_name(code)));
    json_open_array(&writer, "details");
    json_close_array(&writer);
    json_text(&writer, "requestId", span_of(id));
    json_close_object(&writer);
}
