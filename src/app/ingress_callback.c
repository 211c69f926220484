/* POST /callbacks/{provider}/{job}.{attempt}.{mark}: a provider calls back. The path can't be
 * guessed, and what the call says is a hint all the same: it causes a poll of ours, nothing else.
 */
#include "app/caller.h"
#include "app/ingress_private.h"
#include "edge/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "REPLICATE_WEBHOOK_SECRET": where it is set, calls without a good signature are refused. */
static struct secret secret_of(const struct provider *provider)
{
    char name[JOB_PROVIDER_SIZE + 24];
    (void)snprintf(name, sizeof name, "%s_WEBHOOK_SECRET", provider->traits.name);
    for (char *byte = name; *byte; byte++) {
        if (*byte >= 'a' && *byte <= 'z')
            *byte = (char)(*byte - 'a' + 'A');
    }
    char *value = getenv(name);
    return (struct secret){value, value ? strlen(value) : 0};
}

/* Too much on the way already is no harm: the provider is polled all the same. */
static void hint(struct request *request, int64_t job, unsigned attempt, const char *remote_id)
{
    struct message *message = message_make(EVENT_HINTED);
    message->event.hinted = (struct hinted){
        .job = job,
        .attempt = attempt,
        .remote_id = arena_copy(&message->arena, span_of(remote_id)),
    };
    if (!engine_post(request->ingress->shared->engine, message, true))
        message_free(message);
}

void callback_run(struct request *request, const struct http_request *http)
{
    struct span name;
    int64_t job = 0;
    unsigned attempt = 0;
    struct told told;
    bool is_ours =
        caller_read_path(request->ingress->shared->url_secret, http->path, &name, &job, &attempt);
    const struct provider *provider = is_ours ? provider_find(name) : NULL;
    if (!provider || !(provider->traits.can & CAN_HOOK)) {
        ingress_refuse(request, ERROR_NOT_FOUND, "Nobody is called back here.");
    } else if (http->method != HTTP_POST) {
        ingress_refuse(request, ERROR_METHOD_NOT_ALLOWED, "Providers call back with POST.");
    } else if (!provider->read_hook(http, secret_of(provider), clock_wall(),
                                    exchange_arena(request->exchange), &told)) {
        ingress_refuse(request, ERROR_VALIDATION,
                       "The call has no good signature, or names no job.");
    } else {
        struct http_response response = {.status = 200, .body = SPAN("{\"success\":true}")};
        (void)http_response_add(&response, "Content-Type", SPAN("application/json"));
        hint(request, job, attempt, told.remote_id);
        ingress_send(request, &response);
    }
}
