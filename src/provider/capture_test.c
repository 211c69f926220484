/* Our requests beside those that the vendors' own clients send for the same job
 * (golden/capture.txt, recorded by tests/e2e/sdk_capture.test.mjs): method, address, query, headers
 * and body must be equal, but for what golden/capture_exceptions.txt says of ours. On the way an
 * input in the provider's words is read back, and must be the same job. */
#include "base/golden_test_rig.h"
#include "catalog/fixture.h"
#include "catalog/input.h"
#include "catalog/mapping.h"
#include "catalog/reverse.h"
#include "provider/provider.h"

enum { EXCEPTIONS_MAX = 32, LINES_MAX = 64 };

static const char hook[] = "https://gw.example.com/hooks/fgk2?a=1&b=2";
static const char *golden, *exceptions_path;

struct exception {
    const char *provider, *kind, *name;
};

struct rig {
    struct catalog *catalog;
    struct arena arena, text; /* of one exchange; of the exceptions */
    struct exception exceptions[EXCEPTIONS_MAX];
    unsigned exception_count;
};

/* ---------------------------------------------------------------- exceptions */

/* "ours PROVIDER KIND NAME: reason" */
static void read_exception(struct rig *rig, struct span line)
{
    struct span word[4], name;
    for (unsigned n = 0; n < 3; n++)
        if (!span_take(&line, ' ', &word[n]) || !line.data)
            return;
    if (!span_is(word[0], "ours") || !span_take(&line, ':', &name))
        return;
    if (!line.data || span_trim(line).size == 0)
        fail_msg("%.*s: no reason is given", SPAN_PRINT(name));
    assert_true(rig->exception_count < EXCEPTIONS_MAX);
    rig->exceptions[rig->exception_count++] =
        (struct exception){arena_copy(&rig->text, word[1]), arena_copy(&rig->text, word[2]),
                           arena_copy(&rig->text, name)};
}

static void read_exceptions(struct rig *rig)
{
    static char text[16384];
    FILE *file = fopen(exceptions_path, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text, file);
    assert_int_equal(fclose(file), 0);
    assert_true(size < sizeof text);
    struct span rest = {text, size}, line;
    while (span_take(&rest, '\n', &line))
        read_exception(rig, line);
    assert_true(rig->exception_count > 0);
}

static bool is_left(const struct rig *rig, const char *provider, const char *kind, struct span name)
{
    for (unsigned n = 0; n < rig->exception_count; n++) {
        const struct exception *exception = &rig->exceptions[n];
        if (strcmp(exception->provider, provider) == 0 && strcmp(exception->kind, kind) == 0 &&
            span_is(name, exception->name))
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- a request as text */

struct lines {
    const char *list[LINES_MAX];
    unsigned count;
};

static int compare(const void *a, const void *b)
{
    const char *const *first = a, *const *second = b;
    return strcmp(*first, *second);
}

static void show_lines(struct lines *lines, struct buffer *target)
{
    qsort(lines->list, lines->count, sizeof lines->list[0], compare);
    for (unsigned n = 0; n < lines->count; n++)
        buffer_print(target, "\n%s", lines->list[n]);
    lines->count = 0;
}

static void show_query(struct rig *rig, const char *provider, struct span query,
                       struct buffer *target)
{
    struct lines lines = {.count = 0};
    struct span pair, name, value;
    while (query.size > 0 && span_take(&query, '&', &pair)) {
        assert_true(span_take(&pair, '=', &name));
        assert_true(http_decode(pair, true, &rig->arena, &value));
        if (!is_left(rig, provider, "query", name))
            lines.list[lines.count++] =
                arena_print(&rig->arena, "query %.*s: %.*s", SPAN_PRINT(name), SPAN_PRINT(value));
    }
    show_lines(&lines, target);
}

static void show_headers(struct rig *rig, const char *provider, const struct http_request *request,
                         struct buffer *target)
{
    struct lines lines = {.count = 0};
    for (unsigned n = 0; n < request->header_count; n++) {
        char *name = arena_copy(&rig->arena, request->headers[n].name);
        for (char *at = name; *at; at++)
            *at = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
        if (!is_left(rig, provider, "header", span_of(name)))
            lines.list[lines.count++] =
                arena_print(&rig->arena, "%s: %.*s", name, SPAN_PRINT(request->headers[n].value));
    }
    show_lines(&lines, target);
}

static void show_body(const struct rig *rig, const char *provider,
                      const struct http_request *request, struct buffer *target)
{
    char fault[JSON_FAULT_SIZE];
    if (request->part_count == 0)
        return;
    json_t *body = json_read(request->parts[0].bytes, fault);
    assert_true(json_is_object(body));
    for (unsigned n = 0; n < rig->exception_count; n++)
        if (strcmp(rig->exceptions[n].provider, provider) == 0 &&
            strcmp(rig->exceptions[n].kind, "body") == 0)
            (void)json_object_del(body, rig->exceptions[n].name);
    buffer_add_text(target, "\n\n");
    json_canonical(body, target);
    json_decref(body);
}

static void show(struct rig *rig, const char *provider, const struct http_request *request,
                 struct buffer *target)
{
    struct span query = request->target, address;
    (void)span_take(&query, '?', &address);
    buffer_print(target, "%s %.*s", http_method_name(request->method), SPAN_PRINT(address));
    show_query(rig, provider, query, target);
    show_headers(rig, provider, request, target);
    show_body(rig, provider, request, target);
}

/* ---------------------------------------------------------------- our request */

static json_t *check(struct rig *rig, const struct model *model, const json_t *body)
{
    struct faults faults;
    json_t *input = NULL;
    faults_init(&faults, &rig->arena);
    if (!input_check(model, body, &faults, &input))
        fail_msg("%s: %s", model->id, faults.sentence);
    return input;
}

static json_t *take_json(struct span *rest)
{
    char fault[JSON_FAULT_SIZE];
    struct span line = SPAN("");
    if (!rest->data || !span_take(rest, '\n', &line))
        return NULL;
    json_t *value = json_read(line, fault);
    if (!value)
        fail_msg("%s", fault);
    return value;
}

/* Their words mean the same job as ours; constants of the mapping are dropped by who reads them. */
static void check_back(struct rig *rig, const struct offer *offer, const json_t *theirs,
                       const json_t *ours)
{
    struct reverse names;
    struct faults faults;
    const char *path;
    json_t *value;
    faults_init(&faults, &rig->arena);
    json_t *body = reverse_apply(offer, theirs, &faults, &names);
    assert_false(faults_any(&faults));
    json_object_foreach((json_t *)(uintptr_t)offer->mapping.set, path, value)
        (void)json_object_del(body, path);
    json_t *input = check(rig, offer->model, body);
    assert_true(json_equal(input, (json_t *)(uintptr_t)ours));
    json_decref(input);
    json_decref(body);
}

static void make(const struct provider *provider, struct span call, const struct remote *remote,
                 struct http_request *request)
{
    if (span_is(call, "submit"))
        provider->submit(remote->ask, request);
    else if (span_is(call, "poll"))
        provider->poll(remote, request);
    else if (span_is(call, "result"))
        provider->result(remote, request);
    else if (span_is(call, "stream"))
        provider->stream(remote, request);
    else if (span_is(call, "cancel"))
        provider->cancel(remote, request);
    else if (span_is(call, "find"))
        provider->find(remote->ask, "", request);
    else
        provider->health(remote->ask, request);
}

/* "PROVIDER CALL MODEL [ID] [hook]", our input, theirs. */
static void translate(void *context, const char *name, struct span sent, struct buffer *outcome)
{
    struct rig *rig = context;
    struct span rest = sent, line, words[4] = {SPAN(""), SPAN(""), SPAN(""), SPAN("")};
    struct http_request request;
    (void)name;
    (void)span_take(&rest, '\n', &line);
    bool hooks = span_ends(line, " hook");
    for (unsigned n = 0; n < 4 && line.data; n++)
        (void)span_take(&line, ' ', &words[n]);
    const struct provider *provider = provider_find(words[0]);
    const struct model *model = catalog_find(rig->catalog, words[2]);
    assert_true(provider && model && model->offer_count > 0);
    const struct offer *offer = model->offers[0];
    json_t *ours = take_json(&rest), *theirs = take_json(&rest);
    json_t *input = ours ? check(rig, model, ours) : json_object();
    if (theirs)
        check_back(rig, offer, theirs, input);
    const struct ask ask = {
        .offer = offer,
        .base_url = offer->provider->base_url,
        .endpoint = "abc123",
        .job_id = "gen_000000000000100aywaheppjw7",
        .mark = "fgk2",
        .input = mapping_apply(offer, input, SPAN("gen_000000000000100aywaheppjw7")),
        .hook_url = hooks ? hook : NULL,
        .run_limit = 15 * MS_MINUTE,
        .arena = &rig->arena,
    };
    const struct remote remote = {
        .ask = &ask, .id = arena_copy(&rig->arena, words[3]), .handle = ""};
    make(provider, words[1], &remote, &request);
    show(rig, provider->traits.name, &request, outcome);
    json_decref((json_t *)(uintptr_t)ask.input);
    json_decref(input);
    json_decref(ours);
    json_decref(theirs);
    arena_clear(&rig->arena);
}

static void we_send_what_their_clients_send(void **state)
{
    struct rig rig = {.catalog = fixture_catalog()};
    (void)state;
    arena_init(&rig.arena);
    arena_init(&rig.text);
    read_exceptions(&rig);
    golden_run(golden, translate, &rig);
    arena_done(&rig.arena);
    arena_done(&rig.text);
    catalog_free(rig.catalog);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(we_send_what_their_clients_send),
    };
    if (count < 3)
        return 2;
    golden = arguments[1];
    exceptions_path = arguments[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
