/* A client's request, as text: "METHOD /path?query", header lines, an empty line, the body.
 * Whatever it is, it is read into a call or into faults, and either is answered in JSON; an input
 * that was taken is canonical. */
#include "base/memory.h"
#include "dialect/dialect.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For the whole run; the sanitizer finds it here at the end. */
static struct catalog *builtin;

static void read_request(struct span text, struct http_request *ret_request)
{
    struct http_request *request = ret_request;
    struct span rest = text, line = {"", 0}, name = {"", 0};
    *request = (struct http_request){.peer = SPAN("192.0.2.1")};
    (void)span_take(&rest, '\n', &line);
    (void)span_take(&line, ' ', &name);
    request->method = http_method_find(name);
    request->method_name = name;
    request->target = request->path = line.data ? line : (struct span){"", 0};
    ptrdiff_t mark = span_find(request->target, '?');
    request->query = (struct span){"", 0};
    if (mark >= 0) {
        request->path.size = (size_t)mark;
        request->query =
            (struct span){line.data + mark + 1, request->target.size - (size_t)mark - 1};
    }
    while (span_take(&rest, '\n', &line) && line.size > 0) {
        if (request->header_count == HTTP_HEADERS_MAX || !span_take(&line, ':', &name))
            continue;
        request->headers[request->header_count++] =
            (struct http_header){name, line.data ? span_trim(line) : (struct span){"", 0}};
    }
    request->body = rest.data ? rest : (struct span){"", 0};
}

static void check_json(struct span text)
{
    char fault[JSON_FAULT_SIZE];
    json_t *value = json_read(text, fault);
    assert(value);
    json_decref(value);
}

static void check_input(const json_t *input)
{
    struct buffer once, twice;
    char fault[JSON_FAULT_SIZE];
    buffer_init(&once, 16 << 20);
    buffer_init(&twice, 16 << 20);
    json_canonical(input, &once);
    json_t *again = json_read(buffer_span(&once), fault);
    assert(again);
    json_canonical(again, &twice);
    assert(span_equal(buffer_span(&once), buffer_span(&twice)));
    json_decref(again);
    buffer_done(&once);
    buffer_done(&twice);
}

static void check_refusal(const struct dialect *dialect, const struct dialect_scene *scene,
                          const struct call *call, const struct faults *faults)
{
    const struct answer answer = {.refusal = faults, .request_id = "fuzz", .now = scene->now};
    struct http_response response = {0};
    struct buffer body;
    int status = error_status(faults->code);
    assert(status >= 400 && status < 600 && faults->sentence && faults->sentence[0]);
    buffer_init(&body, 16 << 20);
    dialect->write(scene, call, &answer, &body, &response);
    /* fal and Replicate have a status of their own for what is not valid. */
    bool is_own = status == 400 && response.status == 422;
    assert((response.status == status || is_own) && !body.failed);
    check_json(response.body);
    buffer_done(&body);
}

static void check_call(const struct call *call)
{
    assert(call->kind != CALL_NONE && call->wait >= 0);
    if (call->kind == CALL_ASK) {
        const struct call_ask *ask = &call->ask;
        assert(ask->model && ask->count >= 1 && ask->count <= 8);
        assert(ask->dependency_count <= JOB_DEPENDENCIES_MAX);
        check_input(ask->input);
        if (ask->metadata.size > 0)
            check_json(ask->metadata);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char fault[CATALOG_FAULT_SIZE];
    if (!builtin)
        builtin = catalog_make(catalog_builtin, NULL, 0, fault);
    assert(builtin);
    char *text = memory_copy(span_make(data, size));
    static struct http_request request;
    static struct faults faults;
    struct arena arena;
    struct route_match match;
    arena_init(&arena);
    read_request((struct span){text, size}, &request);
    if (route_find(builtin, span_of(http_method_name(request.method)), request.path, &match) ==
        ROUTE_FOUND) {
        const struct dialect_scene scene = {
            .catalog = builtin, .now = 1769029200000, .arena = &arena};
        const struct dialect *dialect = dialect_find(span_of(match.route->dialect));
        struct call call = {0};
        assert(dialect);
        faults_init(&faults, &arena);
        dialect->read(&scene, &request, &match, &faults, &call);
        if (faults_any(&faults))
            check_refusal(dialect, &scene, &call, &faults);
        else
            check_call(&call);
        call_done(&call);
    }
    arena_done(&arena);
    memory_free(text);
    return 0;
}
