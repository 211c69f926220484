#include "base/http.h"

static const char *const method_names[] = {"GET",   "HEAD",   "POST",    "PUT",
                                           "PATCH", "DELETE", "OPTIONS", "OTHER"};

const char *http_method_name(enum http_method method)
{
    return method_names[method];
}

enum http_method http_method_find(struct span name)
{
    for (int method = HTTP_GET; method < HTTP_OTHER; method++) {
        if (span_is(name, method_names[method]))
            return (enum http_method)method;
    }
    return HTTP_OTHER;
}

const char *http_status_name(int status)
{
    static const struct {
        int status;
        const char *name;
    } names[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {402, "Payment Required"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {499, "Client Closed Request"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        if (names[n].status == status)
            return names[n].name;
    }
    return "Unknown";
}

bool http_find(const struct http_header *headers, unsigned count, const char *name,
               struct span *ret_value)
{
    for (unsigned n = 0; n < count; n++) {
        if (span_is_nocase(headers[n].name, name)) {
            *ret_value = headers[n].value;
            return true;
        }
    }
    return false;
}

static bool is_number(struct span text)
{
    bool good = text.size > 0;
    for (size_t n = 0; good && n < text.size; n++)
        good = text.data[n] >= '0' && text.data[n] <= '9';
    return good;
}

ms_t http_retry_after(const struct http_response *response, ms_t now)
{
    struct span value, date;
    int64_t seconds = INT32_MAX;
    ms_t until = 0;
    if (!http_find(response->headers, response->header_count, "retry-after", &value))
        return 0;
    if (is_number(value)) {
        (void)span_integer(value, 0, INT32_MAX, &seconds);
        return seconds * MS_SECOND;
    }
    if (http_find(response->headers, response->header_count, "date", &date))
        (void)time_read_http(date, &now);
    return time_read_http(value, &until) && now > 0 && until > now ? until - now : 0;
}

bool http_request_header(const struct http_request *request, const char *name,
                         struct span *ret_value)
{
    return http_find(request->headers, request->header_count, name, ret_value);
}

bool http_response_add(struct http_response *response, const char *name, struct span value)
{
    if (response->header_count == HTTP_HEADERS_MAX)
        return false;
    response->headers[response->header_count++] = (struct http_header){span_of(name), value};
    return true;
}

static int hex_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

bool http_decode(struct span text, bool plus_is_space, struct arena *arena, struct span *ret_text)
{
    char *target = arena_make(arena, text.size + 1);
    size_t size = 0;
    for (size_t n = 0; n < text.size; n++) {
        char byte = text.data[n];
        if (byte == '+' && plus_is_space) {
            byte = ' ';
        } else if (byte == '%') {
            bool whole = n + 2 < text.size;
            int high = whole ? hex_value(text.data[n + 1]) : -1;
            int low = whole ? hex_value(text.data[n + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            byte = (char)(high * 16 + low);
            n += 2;
        }
        target[size++] = byte;
    }
    struct span decoded = {target, size};
    if (!span_is_utf8(decoded))
        return false;
    *ret_text = decoded;
    return true;
}

bool http_query(struct span query, const char *name, struct arena *arena, struct span *ret_value)
{
    struct span rest = query, pair;
    while (span_take(&rest, '&', &pair)) {
        ptrdiff_t at = span_find(pair, '=');
        struct span key = at < 0 ? pair : (struct span){pair.data, (size_t)at};
        struct span value =
            at < 0 ? SPAN("") : (struct span){pair.data + at + 1, pair.size - (size_t)at - 1};
        struct span decoded;
        if (http_decode(key, true, arena, &decoded) && span_is(decoded, name))
            return http_decode(value, true, arena, ret_value);
    }
    return false;
}
