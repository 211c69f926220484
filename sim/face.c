#include "face.h"

#include "dialect/vendor.h"

#include <string.h>

static const char origin[] = "http://r.ex";

const char *face_base_url(const char *provider)
{
    static const struct {
        const char *provider, *url;
    } sides[] = {
        {"replicate", "http://r.ex/replicate/v1"},
        {"fal", "http://r.ex/fal"},
        {"runpod", "http://r.ex/runpod/v2"},
    };
    for (size_t n = 0; n < sizeof sides / sizeof sides[0]; n++) {
        if (strcmp(sides[n].provider, provider) == 0)
            return sides[n].url;
    }
    return NULL;
}

static void link_to(void *context, const struct job *job, const char *name, struct buffer *target)
{
    (void)context;
    buffer_print(target, "%s/outputs/%s/%s", origin, job->id, name);
}

static void address(void *context, struct span path, struct buffer *target)
{
    (void)context;
    buffer_print(target, "%s%.*s", origin, SPAN_PRINT(path));
}

/* As it comes out of the server: path and query apart, the body in one piece. */
static bool receive(struct face *face, struct http_request *request)
{
    size_t size = strlen(origin), body_size = 0;
    struct span rest = request->target;
    if (!span_starts(rest, origin))
        return false;
    rest = (struct span){rest.data + size, rest.size - size};
    request->target = rest;
    (void)span_take(&rest, '?', &request->path);
    request->query = rest.data ? rest : SPAN("");
    for (unsigned n = 0; n < request->part_count; n++)
        body_size += request->parts[n].bytes.size;
    char *body = arena_make(face->scene.arena, body_size + 1);
    request->body = span_make(body, body_size);
    for (unsigned n = 0; n < request->part_count; n++) {
        struct span bytes = request->parts[n].bytes;
        memcpy(body, bytes.data, bytes.size);
        body += bytes.size;
    }
    return true;
}

bool face_read(struct face *face, struct http_request *request)
{
    face->call = (struct call){.kind = CALL_NONE};
    faults_init(&face->faults, face->scene.arena);
    if (!receive(face, request) ||
        route_find(face->scene.catalog, span_of(http_method_name(request->method)), request->path,
                   &face->match) != ROUTE_FOUND)
        return false;
    face->dialect = dialect_find(span_of(face->match.route->dialect));
    face->dialect->read(&face->scene, request, &face->match, &face->faults, &face->call);
    return true;
}

void face_write(struct face *face, struct answer *answer, struct buffer *body,
                struct http_response *ret_response)
{
    answer->now = face->scene.now;
    answer->link = link_to;
    answer->address = address;
    ret_response->header_count = 0;
    face->dialect->write(&face->scene, &face->call, answer, body, ret_response);
}

void face_done(struct face *face)
{
    call_done(&face->call);
}

void face_call_back(const struct face *face, const char *provider, const struct job *job,
                    struct buffer *body)
{
    struct json_writer writer;
    json_writer_init(&writer, body);
    const struct vendor_job told = {
        .catalog = face->scene.catalog,
        .arena = face->scene.arena,
        .job = job,
        .now = face->scene.now,
        .link = link_to,
        .address = address,
        .writer = &writer,
    };
    const struct hook_insert hook = {.job = job, .progress = job->progress};
    dialect_find(span_of(provider))->hook(&told, &hook);
}
