#include "provider/response.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- requests */

void request_header(struct http_request *request, const char *name, const char *value)
{
    request->headers[request->header_count++] = (struct http_header){span_of(name), span_of(value)};
}

void request_start(const struct ask *ask, enum http_method method, const char *path,
                   const char *credential, struct http_request *ret_request)
{
    *ret_request = (struct http_request){.method = method};
    ret_request->target = span_of(arena_print(ask->arena, "%s%s", ask->base_url, path));
    request_header(ret_request, "Authorization", credential);
    request_header(ret_request, "Accept", "application/json");
}

void request_accept_events(struct http_request *request)
{
    for (unsigned n = 0; n < request->header_count; n++) {
        if (span_is(request->headers[n].name, "Accept"))
            request->headers[n].value = SPAN("application/json, text/event-stream");
    }
}

void request_json(const struct ask *ask, json_t *value, struct http_request *request)
{
    struct buffer text;
    buffer_init(&text, SIZE_MAX / 4);
    json_canonical(value, &text);
    json_decref(value);
    request_header(request, "Content-Type", "application/json");
    request->parts[request->part_count++] = (struct http_part){
        .kind = HTTP_PART_BYTES,
        .bytes = {arena_copy(ask->arena, buffer_span(&text)), text.size},
    };
    buffer_done(&text);
}

const char *request_escape(struct arena *arena, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *escaped = arena_make(arena, 3 * strlen(text) + 1), *at = escaped;
    for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
        bool plain = (*byte >= 'a' && *byte <= 'z') || (*byte >= 'A' && *byte <= 'Z') ||
                     (*byte >= '0' && *byte <= '9') || strchr("-._~", *byte);
        if (plain) {
            *at++ = (char)*byte;
            continue;
        }
        *at++ = '%';
        *at++ = digits[*byte >> 4];
        *at++ = digits[*byte & 15];
    }
    return escaped;
}

/* ---------------------------------------------------------------- answers */

json_t *response_json(const struct http_response *response)
{
    char fault[JSON_FAULT_SIZE];
    return json_read(response->body, fault);
}

bool response_is_good(const struct http_response *response)
{
    return response->status >= 200 && response->status < 300;
}

static enum error_code error_of(int status)
{
    switch (status) {
    case 401:
    case 403:
        return ERROR_BAD_KEY;
    case 402:
        return ERROR_OUT_OF_CREDIT;
    case 408:
    case 504:
        return ERROR_TIMEOUT;
    case 429:
        return ERROR_RATE_LIMITED;
    default:
        return status >= 400 && status < 500 ? ERROR_PROVIDER_REJECTED : ERROR_PROVIDER_FAILED;
    }
}

/* Refused for certain: nothing was queued, nothing is owed. 408, 409 and 425 are none of them. */
static bool is_refusal(int status)
{
    return status == 400 || status == 401 || status == 402 || status == 403 || status == 404 ||
           status == 405 || status == 413 || status == 415 || status == 422;
}

void response_status(enum provider_call call, const struct http_response *response,
                     struct told *ret_told)
{
    ret_told->error = response_is_good(response) ? ERROR_NONE : error_of(response->status);
    ret_told->after = http_retry_after(response, 0);
    if (call == PROVIDER_CALL_SUBMIT && response->status == 429)
        ret_told->kind = TOLD_LATER;
    else if (call == PROVIDER_CALL_SUBMIT && is_refusal(response->status))
        ret_told->kind = TOLD_REFUSED;
    else if ((call == PROVIDER_CALL_POLL || call == PROVIDER_CALL_RESULT) &&
             (response->status == 404 || response->status == 410))
        ret_told->kind = TOLD_GONE;
    else
        ret_told->kind = TOLD_NOTHING;
}

void response_add_file(struct told *told, struct arena *arena, struct span url, struct span type)
{
    if (told->file_count == TOLD_FILES_MAX)
        return;
    struct told_file *file = &told->files[told->file_count++];
    file->url = span_make(arena_copy(arena, url), url.size);
    file->type = span_make(arena_copy(arena, type), type.size);
}

static bool is_url(struct span text)
{
    return span_starts(text, "https://") || span_starts(text, "http://") ||
           span_starts(text, "data:");
}

/* The depth is bounded by the reader of JSON. */
void response_files(const json_t *value, struct arena *arena, struct told *told)
{
    const char *key;
    json_t *item;
    size_t index;
    if (json_is_string(value)) {
        if (is_url(json_span(value)))
            response_add_file(told, arena, json_span(value), SPAN(""));
    } else if (json_is_array(value)) {
        json_array_foreach(value, index, item)
            response_files(item, arena, told);
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key, item)
            response_files(item, arena, told);
    }
}

static bool same_object(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *item;
    if (json_object_size(a) != json_object_size(b))
        return false;
    json_object_foreach((json_t *)(uintptr_t)a, key, item) {
        const json_t *other = json_object_get(b, key);
        if (!other || !response_same(item, other))
            return false;
    }
    return true;
}

bool response_same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        if (json_is_integer(a) && json_is_integer(b))
            return json_integer_value(a) == json_integer_value(b);
        return fabs(json_number_value(a) - json_number_value(b)) <=
               1e-9 * fabs(json_number_value(a));
    }
    if (json_is_object(a) && json_is_object(b))
        return same_object(a, b);
    if (json_is_array(a) && json_is_array(b)) {
        bool same = json_array_size(a) == json_array_size(b);
        for (size_t n = 0; same && n < json_array_size(a); n++)
            same = response_same(json_array_get(a, n), json_array_get(b, n));
        return same;
    }
    return json_equal(a, b) != 0;
}

/* "  35%|…|  7/20": the number before the sign, when a bar and a count follow. */
static int read_bar(struct span line)
{
    int64_t percent = 0;
    struct span head, rest = span_trim(line), bar, count;
    if (!span_take(&rest, '%', &head) || !rest.data || !span_integer(head, 0, 100, &percent))
        return -1;
    rest = span_trim(rest);
    if (!span_starts(rest, "|"))
        return -1;
    rest = (struct span){rest.data + 1, rest.size - 1};
    if (!span_take(&rest, '|', &bar) || !rest.data)
        return -1;
    count = span_trim(rest);
    size_t digits = 0;
    while (digits < count.size && count.data[digits] >= '0' && count.data[digits] <= '9')
        digits++;
    return digits > 0 && digits < count.size && count.data[digits] == '/' ? (int)percent : -1;
}

int response_progress(struct span logs)
{
    int progress = -1;
    struct span line, piece;
    while (span_take(&logs, '\n', &line)) {
        /* A bar that is drawn over itself ends its turns with a carriage return. */
        while (span_take(&line, '\r', &piece)) {
            int found = read_bar(piece);
            progress = found >= 0 ? found : progress;
        }
    }
    return progress;
}

void response_text(const json_t *value, char *target, size_t capacity)
{
    (void)span_copy(json_span(value), target, capacity);
}
