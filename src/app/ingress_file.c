/* GET /outputs/{id}/{name}: a job's file, with ranges, for who has the key or a signed link. */
#include "app/ingress_private.h"
#include "app/link.h"
#include "app/range.h"
#include "depot/sign.h"
#include "edge/clock.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Splits "/outputs/{id}/{name}". */
static bool read_path(struct span path, struct span *ret_id, struct span *ret_name)
{
    struct span rest = {path.data + strlen("/outputs/"), path.size - strlen("/outputs/")};
    return span_take(&rest, '/', ret_id) && rest.data && span_find(rest, '/') < 0 &&
           (*ret_name = rest).size > 0;
}

/* A job's file, as row and request tell of it. */
struct served {
    const char *type, *sha256; /* thumbnails are not hashed: "" */
    char path[DEPOT_PATH_SIZE];
    uint64_t size;
    struct span etag;
    int64_t link_seconds; /* that the request's link still holds; 0: a key opened it */
};

static bool find_output(const struct job *job, struct span name, struct served *served)
{
    for (unsigned n = 0; n < job->output_count; n++) {
        const struct job_output *output = &job->outputs[n];
        if (span_is(name, output->name)) {
            served->type = output->content_type;
            served->sha256 = output->sha256;
            return true;
        }
        if (output->thumbnail[0] && span_is(name, output->thumbnail)) {
            served->type = depot_type(name);
            served->sha256 = "";
            return true;
        }
    }
    return false;
}

static bool find_file(struct request *request, const struct job *job, struct span name,
                      struct served *served)
{
    const struct depot *depot = request->ingress->shared->depot;
    struct arena *arena = exchange_arena(request->exchange);
    int fd = -1;
    if (depot_path(depot, span_of(job->id), name, served->path) != DEPOT_OK ||
        depot_open(depot, span_of(job->id), name, &fd, &served->size) != DEPOT_OK)
        return false;
    (void)close(fd);
    served->etag = span_of(served->sha256[0] ? arena_print(arena, "\"%.32s\"", served->sha256)
                                             : arena_print(arena, "\"%s.%llu\"", job->id,
                                                           (unsigned long long)served->size));
    return true;
}

/* Of a signed link, which has been checked. */
static int64_t seconds_left(struct request *request, const struct http_request *http)
{
    struct span text;
    int64_t expires;
    if (!http_query(http->query, "expires", exchange_arena(request->exchange), &text) ||
        !span_integer(text, 0, INT64_MAX / MS_SECOND, &expires))
        return 0;
    int64_t left = expires - clock_wall() / MS_SECOND;
    return left > 0 ? left : 0;
}

/* A shared cache may keep what a link opens, as long as the link holds; not what a key opens. */
static struct span cache_rule(struct request *request, const struct served *served)
{
    if (served->link_seconds == 0)
        return SPAN("private, max-age=31536000, immutable");
    return span_of(arena_print(exchange_arena(request->exchange), "public, max-age=%lld, immutable",
                               (long long)served->link_seconds));
}

static bool is_unchanged(const struct http_request *http, const struct served *served)
{
    struct span value;
    return http_request_header(http, "if-none-match", &value) &&
           (span_is(value, "*") ||
            memmem(value.data, value.size, served->etag.data, served->etag.size));
}

/* Puts the range that was asked for into the response, or all. */
static void add_body(struct request *request, const struct http_request *http,
                     const struct served *served, struct http_response *response)
{
    struct arena *arena = exchange_arena(request->exchange);
    struct span value;
    uint64_t first = 0, last = 0;
    bool same = !http_request_header(http, "if-range", &value) || span_equal(value, served->etag);
    enum range range = same && http_request_header(http, "range", &value)
                           ? range_read(value, served->size, &first, &last)
                           : RANGE_WHOLE;
    unsigned long long size = served->size, from = first, to = last;
    if (range == RANGE_BAD) {
        response->status = 416;
        (void)http_response_add(response, "Content-Range",
                                span_of(arena_print(arena, "bytes */%llu", size)));
        return;
    }
    (void)http_response_add(response, "Content-Type", span_of(served->type));
    response->parts[0] = (struct http_part){
        .kind = HTTP_PART_FILE, .path = served->path, .offset = first, .size = served->size};
    response->part_count = 1;
    if (range == RANGE_PART) {
        response->status = 206;
        response->parts[0].size = last - first + 1;
        (void)http_response_add(
            response, "Content-Range",
            span_of(arena_print(arena, "bytes %llu-%llu/%llu", from, to, size)));
    }
}

static void send_file(struct request *request, const struct http_request *http,
                      const struct served *served)
{
    struct http_response response = {.status = 200};
    (void)http_response_add(&response, "ETag", served->etag);
    (void)http_response_add(&response, "Accept-Ranges", SPAN("bytes"));
    (void)http_response_add(&response, "Cache-Control", cache_rule(request, served));
    (void)http_response_add(&response, "X-Content-Type-Options", SPAN("nosniff"));
    if (is_unchanged(http, served))
        response.status = 304;
    else
        add_body(request, http, served, &response);
    ingress_send(request, &response);
}

/* Neither the key nor the link is good. */
static void refuse_stranger(struct request *request)
{
    if (request->has_key)
        (void)pass_need(request, SCOPE_READ);
    else if (request->ingress->shared->config->output.is_signed)
        ingress_refuse(request, ERROR_FORBIDDEN,
                       "The link is not valid or has expired; the job's status has a new one.");
    else
        ingress_refuse(request, ERROR_NOT_AUTHORIZED,
                       "Files need a key with the scope \"read\"; send it as \"Authorization: "
                       "Bearer …\".");
}

void file_run(struct request *request, const struct http_request *http, bool authorized)
{
    const struct ingress_shared *shared = request->ingress->shared;
    struct served served = {.size = 0};
    struct span id, name;
    int64_t key;
    struct job job;
    if (http->method != HTTP_GET && http->method != HTTP_HEAD) {
        ingress_refuse(request, ERROR_METHOD_NOT_ALLOWED, "Files can only be read.");
        return;
    }
    if (!read_path(http->path, &id, &name) || !id_read(id, "gen_", &key)) {
        ingress_refuse(request, ERROR_NOT_FOUND, "There is no such file.");
        return;
    }
    bool by_link = shared->config->output.is_signed &&
                   sign_check(shared->url_secret, http->path, http->query, clock_wall());
    if (!authorized && !by_link) {
        refuse_stranger(request);
        return;
    }
    served.link_seconds = by_link ? seconds_left(request, http) : 0;
    if (reader_job(request->ingress->reader, key, &job, NULL) != STORE_OK) {
        ingress_refuse(request, ERROR_NOT_FOUND, "There is no such file.");
        return;
    }
    bool may_see = by_link || strcmp(job.tenant, request->tenant) == 0;
    if (!may_see || !span_is(id, job.id) || !find_output(&job, name, &served))
        ingress_refuse(request, ERROR_NOT_FOUND, "There is no such file.");
    else if (job.removed_at)
        ingress_refuse(request, ERROR_EXPIRED,
                       "The file was removed: outputs are kept for a time, or up to a size.");
    else if (!find_file(request, &job, name, &served))
        ingress_refuse(request, ERROR_OUTPUT_LOST, "The file is not there any more.");
    else
        send_file(request, http, &served);
    reader_job_done(&job);
}

void file_address(void *context, struct span path, struct buffer *target)
{
    const struct request *request = context;
    const struct config *config = request->ingress->shared->config;
    if (config->public_url)
        buffer_add_text(target, config->public_url);
    else if (request->host.size)
        buffer_print(target, "http://%.*s", SPAN_PRINT(request->host));
    buffer_add(target, path);
}

void file_signed_address(void *context, struct span path, struct buffer *target)
{
    const struct request *request = context;
    const struct ingress_shared *shared = request->ingress->shared;
    ms_t ttl = shared->config->output.link_ttl;
    file_address(context, path, target);
    sign_path(shared->url_secret, path, clock_wall() + (ttl > 0 ? ttl : MS_HOUR), target);
}

void file_link(void *context, const struct job *job, const char *name, struct buffer *target)
{
    struct request *request = context;
    const struct ingress_shared *shared = request->ingress->shared;
    const struct config *config = shared->config;
    const char *base = "";
    if (request->host.size)
        base = arena_print(exchange_arena(request->exchange), "http://%.*s",
                           SPAN_PRINT(request->host));
    /* The same link for half its life, so that caches and ETags can rely on it. */
    ms_t window = config->output.link_ttl / 2 > 0 ? config->output.link_ttl / 2 : 1;
    ms_t expires = (clock_wall() / window + 2) * window;
    const struct link_rule rule = {base, shared->url_secret, expires};
    link_write(config, &rule, job, name, target);
}
