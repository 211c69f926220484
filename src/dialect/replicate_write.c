/* Replicate's protocol: the answers. */
#include "catalog/schema.h"
#include "dialect/native_write.h"
#include "dialect/replicate.h"
#include "dialect/replicate_job.h"

#include <string.h>

enum { STATUS_UNPROCESSABLE = 422 };

static void write_prediction(const struct dialect_scene *scene, struct span base,
                             const struct vendor_job *told, bool as_created)
{
    const char *id = told->job->id;
    const struct replicate_how how = {
        .provider = catalog_find_provider(scene->catalog, SPAN("replicate")),
        .get = arena_print(told->arena, "%.*s/predictions/%s", SPAN_PRINT(base), id),
        .cancel = arena_print(told->arena, "%.*s/predictions/%s/cancel", SPAN_PRINT(base), id),
        .stream = arena_print(told->arena, "/replicate/v1/stream/%s", id),
        .as_created = as_created,
    };
    json_open_object(told->writer, NULL);
    replicate_job_write(told, &how);
    json_close_object(told->writer);
}

static void write_job(const struct dialect_scene *scene, const struct call *call,
                      const struct answer *answer, struct json_writer *writer,
                      struct http_response *response)
{
    const struct vendor_job told = vendor_job_of(scene, call, answer, writer);
    bool is_new = call->kind == CALL_ASK;
    write_prediction(scene, call->base, &told, is_new);
    if (!is_new)
        return;
    response->status = 201;
    if (call->wait > 0)
        (void)http_response_add(
            response, "Preference-Applied",
            span_of(arena_print(scene->arena, "wait=%lld", (long long)(call->wait / MS_SECOND))));
}

static void write_next(const struct call *call, const struct answer *answer,
                       const struct vendor_job *told)
{
    char cursor[ID_SIZE], since[TIME_ISO_SIZE];
    if (!answer->next) {
        json_null_value(told->writer, "next");
        return;
    }
    id_write("cur_", answer->next, 0, cursor);
    const char *path =
        arena_print(told->arena, "%.*s/predictions?cursor=%s", SPAN_PRINT(call->base), cursor);
    if (call->since) {
        time_write_iso(call->since, since);
        path = arena_print(told->arena, "%s&created_after=%s", path, since);
    }
    vendor_write_address(told, "next", path);
}

static void write_list(const struct dialect_scene *scene, const struct call *call,
                       const struct answer *answer, struct json_writer *writer)
{
    struct vendor_job told = vendor_job_of(scene, call, answer, writer);
    json_open_object(writer, NULL);
    json_null_value(writer, "previous");
    write_next(call, answer, &told);
    json_open_array(writer, "results");
    for (unsigned n = 0; n < answer->job_count; n++) {
        told.job = answer->jobs[n];
        write_prediction(scene, call->base, &told, false);
    }
    json_close_array(writer);
    json_close_object(writer);
}

/* ---------------------------------------------------------------- models */

/* "owner/name" in two; what has more parts of ours keeps them in the name. */
static void write_name(const char *name, struct json_writer *writer)
{
    struct span rest = span_of(name), owner;
    (void)span_take(&rest, '/', &owner);
    json_text(writer, "owner", rest.data ? owner : SPAN("reel"));
    json_text(writer, "name", rest.data ? rest : owner);
}

/* The models of this server have one version each: as they are. */
static void write_version(const struct model *model, const char *name, struct json_writer *writer)
{
    json_open_object(writer, name);
    json_text(writer, "id", SPAN("hidden"));
    json_text(writer, "created_at", SPAN("2026-01-01T00:00:00.000Z"));
    json_null_value(writer, "cog_version");
    json_open_object(writer, "openapi_schema");
    json_text(writer, "openapi", SPAN("3.1.0"));
    json_open_object(writer, "components");
    json_open_object(writer, "schemas");
    schema_write(model, "Input", writer);
    json_close_object(writer);
    json_close_object(writer);
    json_close_object(writer);
    json_close_object(writer);
}

static void write_model(const struct model *model, const char *name, bool is_full,
                        struct json_writer *writer)
{
    json_open_object(writer, NULL);
    write_name(name, writer);
    json_text(writer, "description", span_of(model->summary));
    json_text(writer, "visibility", SPAN("public"));
    json_null_value(writer, "github_url");
    json_null_value(writer, "paper_url");
    json_null_value(writer, "license_url");
    json_null_value(writer, "cover_image_url");
    json_null_value(writer, "default_example");
    json_number(writer, "run_count", 0);
    if (is_full)
        write_version(model, "latest_version", writer);
    else
        json_null_value(writer, "latest_version");
    json_close_object(writer);
}

static const char *name_of(const struct catalog *catalog, const struct model *model)
{
    const struct provider_entry *provider = catalog_find_provider(catalog, SPAN("replicate"));
    for (unsigned n = 0; n < model->offer_count; n++)
        if (model->offers[n]->provider == provider && *model->offers[n]->slug)
            return model->offers[n]->slug;
    return model->id;
}

static void open_page(struct json_writer *writer)
{
    json_open_object(writer, NULL);
    json_null_value(writer, "previous");
    json_null_value(writer, "next");
    json_open_array(writer, "results");
}

static void close_page(struct json_writer *writer)
{
    json_close_array(writer);
    json_close_object(writer);
}

static void write_models(const struct catalog *catalog, struct json_writer *writer)
{
    open_page(writer);
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        const struct model *model = catalog_model_at(catalog, n);
        if (!model->retired)
            write_model(model, name_of(catalog, model), false, writer);
    }
    close_page(writer);
}

static void write_one_model(const struct call *call, const struct answer *answer,
                            struct json_writer *writer)
{
    if (strcmp(call->route->action, "versions") == 0) {
        open_page(writer);
        write_version(answer->model, NULL, writer);
        close_page(writer);
    } else if (strcmp(call->route->action, "version") == 0) {
        write_version(answer->model, NULL, writer);
    } else {
        write_model(answer->model, name_of(answer->catalog, answer->model), true, writer);
    }
}

/* ---------------------------------------------------------------- files and the account */

static void write_upload(struct arena *arena, const struct upload *upload,
                         struct json_writer *writer)
{
    json_open_object(writer, NULL);
    json_text(writer, "id", span_of(upload->id));
    json_text(writer, "name", span_of(upload->id));
    json_text(writer, "content_type", span_of(upload->content_type));
    json_number(writer, "size", upload->size);
    json_text(writer, "etag", span_of(upload->sha256));
    json_open_object(writer, "checksums");
    json_text(writer, "sha256", span_of(upload->sha256));
    json_close_object(writer);
    json_raw(writer, "metadata", SPAN("{}"));
    json_time(writer, "created_at", upload->created_at);
    json_time(writer, "expires_at", upload->expires_at);
    json_open_object(writer, "urls");
    json_text(writer, "get", span_of(arena_print(arena, "reel://%s", upload->id)));
    json_close_object(writer);
    json_close_object(writer);
}

static void write_account(const struct answer *answer, struct json_writer *writer)
{
    json_open_object(writer, NULL);
    json_text(writer, "type", SPAN("organization"));
    json_text(writer, "username", span_of(answer->account));
    json_text(writer, "name", span_of(answer->account));
    json_close_object(writer);
}

static void write_secret(const struct answer *answer, struct json_writer *writer,
                         struct http_response *response)
{
    (void)http_response_add(response, "Cache-Control", SPAN("no-store"));
    json_open_object(writer, NULL);
    json_text(writer, "key", span_of(answer->secret->text));
    json_close_object(writer);
}

/* ---------------------------------------------------------------- refusals */

static const char *title_of(const struct faults *faults)
{
    static const struct {
        enum error_code code;
        const char *title;
    } titles[] = {
        {ERROR_VALIDATION, "Input validation failed"},
        {ERROR_NOT_AUTHORIZED, "Unauthenticated"},
        {ERROR_FORBIDDEN, "Forbidden"},
        {ERROR_OVER_BUDGET, "Insufficient credit"},
        {ERROR_PRICE_UNKNOWN, "Insufficient credit"},
        {ERROR_NOT_FOUND, "Not found"},
        {ERROR_RATE_LIMITED, "Too many requests"},
    };
    for (size_t n = 0; n < sizeof titles / sizeof titles[0]; n++)
        if (titles[n].code == faults->code)
            return titles[n].title;
    return http_status_name(error_status(faults->code));
}

static void write_faults(const struct faults *faults, struct buffer *detail,
                         struct json_writer *writer)
{
    for (unsigned n = 0; n < faults->count; n++) {
        const struct fault *fault = &faults->list[n];
        buffer_print(detail, "- %s: %s%s%s\n", fault->field ? fault->field : "input",
                     fault->problem, fault->allowed ? "; allowed: " : "",
                     fault->allowed ? fault->allowed : "");
    }
    if (detail->size == 0)
        buffer_add_text(detail, faults->sentence);
    json_text(writer, "detail", buffer_span(detail));
    if (faults->count == 0)
        return;
    json_open_array(writer, "invalid_fields");
    for (unsigned n = 0; n < faults->count; n++) {
        const struct fault *fault = &faults->list[n];
        json_open_object(writer, NULL);
        json_text(writer, "type", SPAN("invalid"));
        json_text(writer, "field", span_of(fault->field ? fault->field : "input"));
        json_text(writer, "description", span_of(fault->problem));
        json_close_object(writer);
    }
    json_close_array(writer);
}

static void write_refusal(const struct dialect_scene *scene, const struct answer *answer,
                          struct json_writer *writer, struct http_response *response)
{
    const struct faults *faults = answer->refusal;
    struct buffer detail;
    buffer_init(&detail, 1 << 20);
    response->status =
        faults->code == ERROR_VALIDATION ? STATUS_UNPROCESSABLE : error_status(faults->code);
    json_open_object(writer, NULL);
    json_text(writer, "title", span_of(title_of(faults)));
    write_faults(faults, &detail, writer);
    json_number(writer, "status", response->status);
    if (answer->retry_seconds > 0)
        json_number(writer, "retry_after", answer->retry_seconds);
    json_close_object(writer);
    vendor_refusal_headers(scene, answer, response);
    buffer_done(&detail);
}

/* ---------------------------------------------------------------- all of it */

void replicate_write(const struct dialect_scene *scene, const struct call *call,
                     const struct answer *answer, struct buffer *body,
                     struct http_response *ret_response)
{
    struct json_writer writer;
    if (!answer->refusal && call->kind == CALL_ASK && call->ask.dry_run) {
        native_write(scene, call, answer, body, ret_response);
        return;
    }
    json_writer_init(&writer, body);
    ret_response->status = 200;
    (void)http_response_add(ret_response, "Content-Type",
                            answer->refusal ? SPAN("application/problem+json")
                                            : SPAN("application/json"));
    if (answer->refusal)
        write_refusal(scene, answer, &writer, ret_response);
    else if (call->kind == CALL_LIST)
        write_list(scene, call, answer, &writer);
    else if (call->kind == CALL_MODELS)
        write_models(scene->catalog, &writer);
    else if (call->kind == CALL_MODEL)
        write_one_model(call, answer, &writer);
    else if (call->kind == CALL_UPLOAD || call->kind == CALL_UPLOAD_STATUS)
        write_upload(scene->arena, answer->upload, &writer);
    else if (call->kind == CALL_SECRET)
        write_secret(answer, &writer, ret_response);
    else if (call->kind == CALL_ACCOUNT)
        write_account(answer, &writer);
    else if (call->kind != CALL_UPLOAD_DELETE)
        write_job(scene, call, answer, &writer, ret_response);
    if (call->kind == CALL_UPLOAD && !answer->refusal)
        ret_response->status = 201;
    if (call->kind == CALL_UPLOAD_DELETE && !answer->refusal)
        ret_response->status = 204;
    ret_response->body = buffer_span(body);
}

/* Files at once when they exist; text models are what this was made for. */
void replicate_event(const struct dialect_scene *scene, const struct call *call,
                     const struct answer *answer, struct buffer *target)
{
    const struct job *job = answer->jobs[0];
    (void)scene;
    (void)call;
    if (!state_is_terminal(job->state))
        return;
    for (unsigned n = 0; job->state == STATE_SUCCEEDED && n < job_results(job); n++) {
        buffer_print(target, "event: output\nid: %lld:%u\ndata: ", (long long)job->version, n);
        answer->link(answer->link_context, job, job->outputs[n].name, target);
        buffer_add_text(target, "\n\n");
    }
    if (job->state == STATE_FAILED || job->state == STATE_EXPIRED) {
        struct json_writer writer;
        buffer_add_text(target, "event: error\ndata: ");
        json_writer_init(&writer, target);
        json_open_object(&writer, NULL);
        json_text(&writer, "detail", vendor_error(job));
        json_close_object(&writer);
        buffer_add_text(target, "\n\n");
    }
    buffer_print(target, "event: done\ndata: %s\n\n",
                 job->state == STATE_SUCCEEDED  ? "{}"
                 : job->state == STATE_CANCELED ? "{\"reason\":\"canceled\"}"
                                                : "{\"reason\":\"error\"}");
}

void replicate_hook(const struct vendor_job *told, const struct hook_insert *hook)
{
    const struct dialect_scene scene = {.catalog = told->catalog, .arena = told->arena};
    (void)hook;
    write_prediction(&scene, SPAN("/replicate/v1"), told, false);
}
