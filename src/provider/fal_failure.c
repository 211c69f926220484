#include "provider/fal_failure.h"

/* Types of errors, in the body, the status or a header. 5xx are not billed; 4xx of a model are,
 * for it has looked at the input. */
static const struct {
    const char *type;
    enum error_code error;
    bool again;
} types[] = {
    {"content_policy_violation", ERROR_CONTENT_POLICY, false},
    {"no_media_generated", ERROR_PROVIDER_FAILED, false},
    {"generation_timeout", ERROR_TIMEOUT, true},
    {"startup_timeout", ERROR_TIMEOUT, true},
    {"request_timeout", ERROR_TIMEOUT, true},
    {"internal_server_error", ERROR_PROVIDER_FAILED, true},
    {"internal_error", ERROR_PROVIDER_FAILED, true},
    {"downstream_service_unavailable", ERROR_PROVIDER_UNAVAILABLE, true},
    {"downstream_service_error", ERROR_PROVIDER_FAILED, false},
    {"runner_server_error", ERROR_PROVIDER_FAILED, true},
    {"runner_incomplete_response", ERROR_PROVIDER_FAILED, true},
    {"runner_scheduling_failure", ERROR_PROVIDER_UNAVAILABLE, true},
    {"runner_connection_timeout", ERROR_PROVIDER_UNAVAILABLE, true},
    {"runner_disconnected", ERROR_PROVIDER_UNAVAILABLE, true},
    {"runner_connection_refused", ERROR_PROVIDER_UNAVAILABLE, true},
    {"runner_connection_error", ERROR_PROVIDER_UNAVAILABLE, true},
    {"client_cancelled", ERROR_CANCELED, false},
    {"client_disconnected", ERROR_CANCELED, false},
};

void fal_failure_read(const json_t *body, struct told *told, struct span *ret_type)
{
    const json_t *detail = json_object_get(body, "detail");
    const json_t *first = json_is_array(detail) ? json_array_get(detail, 0) : detail;
    struct span text = json_span(first), type = json_span(json_object_get(body, "error_type"));
    if (json_is_object(first)) {
        text = json_span(json_object_get(first, "msg"));
        type = type.size ? type : json_span(json_object_get(first, "type"));
    }
    if (!text.size)
        text = json_span(json_object_get(body, "error"));
    if (text.size)
        told_say(told, text);
    if (type.size)
        *ret_type = type;
}

void fal_failure_say(struct span type, int status, struct told *told)
{
    told->error = status >= 500 ? ERROR_PROVIDER_FAILED : ERROR_PROVIDER_REJECTED;
    told->again = status >= 500;
    told->billed = status < 500;
    for (size_t n = 0; n < sizeof types / sizeof types[0]; n++) {
        if (!span_is(type, types[n].type))
            continue;
        told->error = types[n].error;
        told->again = types[n].again;
        told->billed = !types[n].again && types[n].error != ERROR_CANCELED;
    }
    if (told->error == ERROR_CANCELED)
        told->kind = TOLD_STOPPED;
}
