#include "dialect/dialect_test_rig.h"

#include "base/golden_test_rig.h"
#include "catalog/fixture.h"

#include <stdlib.h>

/* A provider that needs a key, a model that takes all kinds of URLs, and a retired one. */
static const char acme[] =
    "{'provider':{'name':'acme','title':'Acme','needs':['ACME_KEY']},'models':["
    "{'id':'acme/clip','family':'clip','title':'Clip','summary':'Makes clips.',"
    "'task':'text-to-video','output':'video','extensions':['mp4'],'time':{'baseSeconds':10},"
    "'parameters':{'prompt':{'type':'text','required':true,'maxLength':20},"
    "'duration':{'type':'number','default':5,'min':1,'max':60},"
    "'fps':{'type':'integer','default':24,'min':12,'max':60},"
    "'imageUrls':{'type':'list','maxItems':40,'items':{'type':'url','media':['image']}}},"
    "'offers':[{'slug':'clip-1','price':{'unit':'second','amount':'0.05',"
    "'quantity':['duration']}}]},"
    "{'id':'acme/old','family':'clip','title':'Old','summary':'Made clips.',"
    "'task':'text-to-video','output':'video','extensions':['mp4'],'time':{'baseSeconds':10},"
    "'parameters':{},'retired':{'successor':'acme/clip'}}]}";

void rig_make(struct rig *rig)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    *rig = (struct rig){.catalog = fixture_with(acme, fault)};
    if (!rig->catalog)
        fail_msg("%s", fault);
    arena_init(&rig->arena);
    rig->scene.catalog = rig->catalog;
    rig->scene.arena = &rig->arena;
    assert_true(time_read_iso(SPAN("2026-01-21T21:00:00Z"), &rig->scene.now));
}

void rig_free(struct rig *rig)
{
    arena_done(&rig->arena);
    catalog_free(rig->catalog);
}

json_t *rig_json(struct span text)
{
    char fault[JSON_FAULT_SIZE];
    json_t *value = json_read(text, fault);
    if (!value)
        fail_msg("%s in %.*s", fault, SPAN_PRINT(text));
    return value;
}

struct http_request *rig_request(struct rig *rig, struct span sent)
{
    struct http_request *request = arena_new(&rig->arena, struct http_request);
    struct span rest = sent, line = SPAN(""), method = SPAN("");
    assert_true(span_take(&rest, '\n', &line));
    assert_true(span_take(&line, ' ', &method));
    request->method = http_method_find(method);
    request->method_name = method;
    request->target = line;
    assert_true(span_take(&line, '?', &request->path));
    request->query = line;
    while (span_take(&rest, '\n', &line) && line.size > 0) {
        struct http_header *header = &request->headers[request->header_count++];
        assert_true(request->header_count <= HTTP_HEADERS_MAX);
        header->value = line;
        assert_true(span_take(&header->value, ':', &header->name));
        header->value = span_trim(header->value);
    }
    if (rest.data)
        request->body = rest;
    return request;
}

void rig_read(struct rig *rig, const struct http_request *request, struct faults *faults,
              struct call *ret_call)
{
    struct route_match match;
    faults_init(faults, &rig->arena);
    if (route_find(rig->catalog, span_of(http_method_name(request->method)), request->path,
                   &match) != ROUTE_FOUND)
        fail_msg("no route for %.*s", SPAN_PRINT(request->target));
    const struct dialect *dialect = dialect_find(span_of(match.route->dialect));
    assert_non_null(dialect);
    dialect->read(&rig->scene, request, &match, faults, ret_call);
}

/* ---------------------------------------------------------------- calls as text */

static void line(struct buffer *target, const char *name, struct span value)
{
    if (value.size > 0)
        buffer_print(target, "\n%s %.*s", name, SPAN_PRINT(value));
}

static void time_line(struct buffer *target, const char *name, ms_t at)
{
    char text[TIME_ISO_SIZE] = "";
    if (at)
        time_write_iso(at, text);
    line(target, name, span_of(text));
}

static void write_ask(const struct call_ask *ask, struct buffer *target)
{
    buffer_print(target, "ask %s", ask->model->id);
    if (ask->count != 1)
        buffer_print(target, "\ncount %u", ask->count);
    buffer_add_text(target, "\ninput ");
    json_canonical(ask->input, target);
    line(target, "metadata", ask->metadata);
    line(target, "options", ask->options);
    if (ask->priority)
        buffer_print(target, "\npriority %d", ask->priority);
    time_line(target, "startAt", ask->start_at);
    time_line(target, "deadline", ask->deadline);
    for (unsigned n = 0; n < ask->dependency_count; n++)
        buffer_print(target, "\n%s %lld", ask->reads[n] ? "reads" : "waits for",
                     (long long)ask->depends_on[n]);
    for (unsigned n = 0; n < ask->upload_count; n++)
        buffer_print(target, "\n%s is %s, %lld", ask->uploads[n].field, ask->uploads[n].id,
                     (long long)ask->uploads[n].key);
    line(target, "key", ask->key);
    line(target, "provider", ask->provider);
    if (ask->only_provider)
        buffer_add_text(target, "\nno other provider");
    if (ask->join)
        buffer_add_text(target, "\njoin");
    if (ask->dry_run)
        buffer_add_text(target, "\ndry run");
}

static void write_list(const struct call *call, struct buffer *target)
{
    buffer_print(target, "list\nlimit %u", call->limit);
    for (int state = 0; state < STATE_COUNT; state++)
        if (call->states & 1u << state)
            line(target, "state", span_of(state_name((enum state)state)));
    line(target, "model", call->filter_model);
    line(target, "provider", call->filter_provider);
    line(target, "tenant", call->filter_tenant);
    line(target, "metadata key", call->metadata_key);
    if (call->metadata_key.size)
        buffer_print(target, " is \"%.*s\"", SPAN_PRINT(call->metadata_text));
    time_line(target, "since", call->since);
    if (call->before)
        buffer_print(target, "\nbefore %lld", (long long)call->before);
}

static void write_change(const struct change_asked *change, struct buffer *target)
{
    if (change->has_priority)
        buffer_print(target, "\npriority %d", change->priority);
    if (change->has_start_at && !change->start_at)
        buffer_add_text(target, "\nno startAt");
    if (change->has_deadline && !change->deadline)
        buffer_add_text(target, "\nno deadline");
    time_line(target, "startAt", change->start_at);
    time_line(target, "deadline", change->deadline);
}

static void write_wait(const struct call *call, struct buffer *target)
{
    if (call->wait)
        buffer_print(target, "\nwait %lld ms%s", (long long)call->wait,
                     call->until_end ? " for the end" : "");
    if (call->shows_logs)
        buffer_add_text(target, "\nwith logs");
}

void rig_write_call(const struct call *call, struct buffer *target)
{
    static const char *const kinds[] = {
        [CALL_NONE] = "nothing",
        [CALL_STATUS] = "status",
        [CALL_CANCEL] = "cancel",
        [CALL_CHANGE] = "change",
        [CALL_RETRY] = "retry",
        [CALL_RESOLVE] = "resolve",
        [CALL_TIMELINE] = "timeline",
        [CALL_MODELS] = "models",
        [CALL_MODEL] = "model",
        [CALL_DELETE] = "delete",
        [CALL_UPLOAD] = "upload",
        [CALL_UPLOAD_STATUS] = "upload status",
        [CALL_UPLOAD_DELETE] = "upload delete",
        [CALL_SECRET] = "secret",
        [CALL_STREAM] = "stream",
        [CALL_ACCOUNT] = "account",
        [CALL_UPLOAD_BEGIN] = "upload begin",
        [CALL_PURGE] = "purge",
        [CALL_LOAD] = "load",
        [CALL_HOOK_KEY] = "hook key",
        [CALL_PROVIDERS] = "providers",
        [CALL_PROVIDER_PAUSE] = "provider",
    };
    if (call->kind == CALL_ASK) {
        write_ask(&call->ask, target);
        write_wait(call, target);
        return;
    }
    if (call->kind == CALL_LIST) {
        write_list(call, target);
        return;
    }
    buffer_add_text(target, kinds[call->kind]);
    if (call->job)
        buffer_print(target, " %lld %.*s", (long long)call->job, SPAN_PRINT(call->job_id));
    if (call->upload)
        buffer_print(target, " %lld %.*s", (long long)call->upload, SPAN_PRINT(call->upload_id));
    if (call->model)
        buffer_print(target, " %s", call->model->id);
    if (call->kind == CALL_PROVIDER_PAUSE)
        buffer_print(target, " %s %.*s", call->pause ? "pause" : "resume", SPAN_PRINT(call->name));
    if (call->accept_double_charge)
        buffer_add_text(target, "\n  accepts a double charge");
    write_wait(call, target);
    line(target, "if-none-match", call->if_none_match);
    if (call->kind == CALL_CHANGE)
        write_change(&call->change, target);
}

void rig_write_faults(const struct faults *faults, struct buffer *target)
{
    buffer_print(target, "%d %s: %s", error_status(faults->code), error_name(faults->code),
                 faults->sentence);
    for (unsigned n = 0; n < faults->count; n++) {
        const struct fault *fault = &faults->list[n];
        buffer_print(target, "\n  %s | %s | %s", fault->field ? fault->field : "-", fault->problem,
                     fault->allowed ? fault->allowed : "-");
    }
}

void rig_translate_read(struct rig *rig, const char *name, struct span sent, struct buffer *outcome)
{
    (void)name;
    struct faults faults;
    struct call call;
    rig_read(rig, rig_request(rig, sent), &faults, &call);
    if (faults_any(&faults))
        rig_write_faults(&faults, outcome);
    else
        rig_write_call(&call, outcome);
    call_done(&call);
}

/* ---------------------------------------------------------------- responses as text */

void rig_write_response(const struct http_response *response, struct buffer *target)
{
    buffer_print(target, "%d", response->status);
    for (unsigned n = 0; n < response->header_count; n++)
        buffer_print(target, "\n%.*s: %.*s", SPAN_PRINT(response->headers[n].name),
                     SPAN_PRINT(response->headers[n].value));
    if (response->body.size == 0)
        return;
    json_t *value = rig_json(response->body);
    char *text = json_dumps(value, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
    buffer_print(target, "\n\n%s", text);
    free(text); /* jansson's own memory */
    json_decref(value);
}

/* ---------------------------------------------------------------- golden files */

struct exchange {
    struct rig *rig;
    rig_translate_f *translate;
};

static void translate(void *context, const char *name, struct span sent, struct buffer *outcome)
{
    const struct exchange *exchange = context;
    exchange->translate(exchange->rig, name, sent, outcome);
    arena_clear(&exchange->rig->arena);
}

void rig_exchanges(struct rig *rig, const char *path, rig_translate_f *translate_one)
{
    struct exchange exchange = {rig, translate_one};
    golden_run(path, translate, &exchange);
}
