#include "dialect/openapi.h"

#include "base/embedded.h"
#include "catalog/schema.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX = 200, REFERENCE_MAX = NAME_MAX + 40 };

/* openapi.json, in the program. */
extern const struct embedded openapi_builtin[];

static void write_reference(struct json_writer *writer, const char *name, const char *kind,
                            const char *what)
{
    char text[REFERENCE_MAX];
    (void)snprintf(text, sizeof text, "#/components/%s/%s", kind, what);
    json_open_object(writer, name);
    json_text(writer, "$ref", span_of(text));
    json_close_object(writer);
}

static void write_content(struct json_writer *writer, const char *type, const char *schema)
{
    json_open_object(writer, "content");
    json_open_object(writer, type);
    write_reference(writer, "schema", "schemas", schema);
    json_close_object(writer);
    json_close_object(writer);
}

/* ---------------------------------------------------------------- models */

static void name_model(const struct model *model, char name[static NAME_MAX])
{
    (void)snprintf(name, NAME_MAX, "model.%s", model->id);
    for (char *at = name; *at; at++)
        *at = *at == '/' ? '.' : *at;
}

static void write_models(const struct catalog *catalog, struct json_writer *writer)
{
    char name[NAME_MAX], reference[REFERENCE_MAX];
    json_open_object(writer, "Generate");
    json_open_array(writer, "allOf");
    write_reference(writer, NULL, "schemas", "Common");
    json_close_array(writer);
    json_open_array(writer, "oneOf");
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        name_model(catalog_model_at(catalog, n), name);
        write_reference(writer, NULL, "schemas", name);
    }
    json_close_array(writer);
    json_open_object(writer, "discriminator");
    json_text(writer, "propertyName", SPAN("model"));
    json_open_object(writer, "mapping");
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        const struct model *model = catalog_model_at(catalog, n);
        name_model(model, name);
        (void)snprintf(reference, sizeof reference, "#/components/schemas/%s", name);
        json_text(writer, model->id, span_of(reference));
    }
    json_close_object(writer);
    json_close_object(writer);
    json_close_object(writer);
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        name_model(catalog_model_at(catalog, n), name);
        schema_write_asked(catalog_model_at(catalog, n), name, writer);
    }
}

/* ---------------------------------------------------------------- routes */

/* "/a/{id*}" → "/a/{id}" */
static void name_path(const struct route *route, char path[static NAME_MAX])
{
    size_t size = 0;
    for (const char *at = route->path; *at && size + 1 < NAME_MAX; at++) {
        if (*at != '*')
            path[size++] = *at;
    }
    path[size] = '\0';
}

/* "post_api_v1_generate" */
static void write_id(const struct route *route, struct json_writer *writer)
{
    char text[NAME_MAX];
    (void)snprintf(text, sizeof text, "%s%s", route->method, route->path);
    size_t size = 0;
    for (const char *at = text; *at; at++) {
        bool good = isalnum((unsigned char)*at);
        if (good || (size > 0 && text[size - 1] != '_'))
            text[size++] = good ? (char)tolower((unsigned char)*at) : '_';
    }
    while (size > 0 && text[size - 1] == '_')
        size--;
    json_text(writer, "operationId", span_make(text, size));
}

static void write_path_parameters(const struct route *route, struct json_writer *writer)
{
    struct span rest = span_of(route->path), before, name;
    while (span_take(&rest, '{', &before) && rest.data && span_take(&rest, '}', &name)) {
        if (span_ends(name, "*"))
            name.size--;
        json_open_object(writer, NULL);
        json_text(writer, "name", name);
        json_text(writer, "in", SPAN("path"));
        json_bool(writer, "required", true);
        json_open_object(writer, "schema");
        json_text(writer, "type", SPAN("string"));
        json_close_object(writer);
        json_close_object(writer);
    }
}

static void write_parameters(const struct route *route, const json_t *action,
                             struct json_writer *writer)
{
    const json_t *query = json_object_get(action, "query");
    const char *header = json_string_value(json_object_get(action, "header"));
    json_open_array(writer, "parameters");
    write_path_parameters(route, writer);
    for (size_t n = 0; n < json_array_size(query); n++)
        write_reference(writer, NULL, "parameters", json_string_value(json_array_get(query, n)));
    if (header)
        write_reference(writer, NULL, "parameters", header);
    json_close_array(writer);
}

/* The bytes alone, or a form with the one field `file`. */
static void write_upload(struct json_writer *writer)
{
    static const char form[] = "{\"schema\":{\"type\":\"object\",\"required\":[\"file\"],"
                               "\"properties\":{\"file\":{\"type\":\"string\"}}}}";
    json_open_object(writer, "content");
    json_raw(writer, "multipart/form-data", span_of(form));
    json_raw(writer, "application/octet-stream", SPAN("{}"));
    json_close_object(writer);
}

static void write_body(const struct route *route, const json_t *action, struct json_writer *writer)
{
    const char *body = json_string_value(json_object_get(action, "body"));
    bool is_upload = json_is_true(json_object_get(action, "upload"));
    if (!body && !is_upload)
        return;
    json_open_object(writer, "requestBody");
    json_bool(writer, "required", !json_is_true(json_object_get(action, "mayBeEmpty")));
    if (route->model) {
        char name[NAME_MAX], text[2 * REFERENCE_MAX];
        name_model(route->model, name);
        (void)snprintf(text, sizeof text, "The parameters of #/components/schemas/%s.", name);
        json_text(writer, "description", span_of(text));
    }
    if (is_upload)
        write_upload(writer);
    else
        write_content(writer, "application/json", body);
    json_close_object(writer);
}

static void write_answers(const json_t *action, struct json_writer *writer)
{
    const json_t *faults = json_object_get(action, "faults");
    const char *status;
    json_t *answer;
    json_open_object(writer, "responses");
    json_object_foreach(json_object_get(action, "answers"), status, answer) {
        const char *schema = json_string_value(json_array_get(answer, 0));
        json_open_object(writer, status);
        json_text(writer, "description", json_span(json_array_get(answer, 1)));
        if (schema)
            write_content(writer, "application/json", schema);
        json_close_object(writer);
    }
    for (size_t n = 0; n < json_array_size(faults); n++)
        write_reference(writer, json_string_value(json_array_get(faults, n)), "responses", "Error");
    write_reference(writer, "401", "responses", "Error");
    write_reference(writer, "403", "responses", "Error");
    write_reference(writer, "default", "responses", "Error");
    json_close_object(writer);
}

static void write_operation(const struct route *route, const json_t *actions,
                            struct json_writer *writer)
{
    char name[NAME_MAX], method[16];
    size_t size = 0;
    (void)snprintf(name, sizeof name, "%s %s", route->dialect, route->action);
    const json_t *action = json_object_get(actions, name);
    while (route->method[size] && size + 1 < sizeof method) {
        method[size] = (char)tolower((unsigned char)route->method[size]);
        size++;
    }
    method[size] = '\0';
    json_open_object(writer, method);
    write_id(route, writer);
    json_text_if(writer, "summary", json_string_value(json_object_get(action, "summary")));
    json_open_array(writer, "tags");
    json_text(writer, NULL, span_of(route->provider ? route->provider->name : route->dialect));
    json_close_array(writer);
    json_text(writer, "x-scope", span_of(scope_name(route->scope)));
    write_parameters(route, action, writer);
    write_body(route, action, writer);
    write_answers(action, writer);
    json_close_object(writer);
}

/* Whether an earlier route has the same path; its methods stand together. */
static bool came_before(const struct catalog *catalog, size_t index)
{
    const char *path = catalog_route_at(catalog, index)->path;
    for (size_t n = 0; n < index; n++) {
        if (strcmp(catalog_route_at(catalog, n)->path, path) == 0)
            return true;
    }
    return false;
}

static void write_paths(const struct catalog *catalog, const json_t *actions,
                        struct json_writer *writer)
{
    json_open_object(writer, "paths");
    for (size_t n = 0; n < catalog_route_count(catalog); n++) {
        char path[NAME_MAX];
        const struct route *route = catalog_route_at(catalog, n);
        if (came_before(catalog, n))
            continue;
        name_path(route, path);
        json_open_object(writer, path);
        for (size_t same = n; same < catalog_route_count(catalog); same++) {
            const struct route *other = catalog_route_at(catalog, same);
            if (strcmp(other->path, route->path) == 0)
                write_operation(other, actions, writer);
        }
        json_close_object(writer);
    }
    json_close_object(writer);
}

/* ---------------------------------------------------------------- the whole */

static void write_components(const struct catalog *catalog, const json_t *components,
                             struct json_writer *writer)
{
    const char *kind, *name;
    json_t *list, *value;
    json_open_object(writer, "components");
    json_object_foreach((json_t *)(uintptr_t)components, kind, list) {
        json_open_object(writer, kind);
        json_object_foreach(list, name, value)
            json_value(writer, name, value);
        if (strcmp(kind, "schemas") == 0)
            write_models(catalog, writer);
        json_close_object(writer);
    }
    json_close_object(writer);
}

void openapi_write(const struct catalog *catalog, struct buffer *target)
{
    char fault[JSON_FAULT_SIZE];
    struct json_writer writer;
    json_t *parts = json_read(span_make(openapi_builtin->data, openapi_builtin->size), fault);
    assert(parts); /* the build put it there, and a test reads it */
    json_writer_init(&writer, target);
    json_open_object(&writer, NULL);
    json_text(&writer, "openapi", SPAN("3.1.0"));
    json_open_object(&writer, "info");
    json_text(&writer, "title", SPAN("reel"));
    json_text(&writer, "version", SPAN(REEL_VERSION));
    json_text(&writer, "description",
              SPAN("A gateway for AI video, image and voice generation. docs/api.md says more."));
    json_close_object(&writer);
    json_open_array(&writer, "security");
    json_raw(&writer, NULL, SPAN("{\"key\":[]}"));
    json_close_array(&writer);
    write_paths(catalog, json_object_get(parts, "actions"), &writer);
    write_components(catalog, json_object_get(parts, "components"), &writer);
    json_close_object(&writer);
    json_decref(parts);
}
