/* What calls need that come in a provider's own protocol: keys for creates that are sent again, and
 * answers that are held until the job has ended. */
#include "app/ingress_private.h"
#include "edge/clock.h"

void vendor_close(struct request *request, enum resend_end end)
{
    resend_close(request->ingress->shared->resend, &request->resend, end, clock_monotonic());
}

bool vendor_name(struct request *request)
{
    struct ingress *ingress = request->ingress;
    struct call_ask *ask = &request->call.ask;
    const struct http_request *http = exchange_request(request->exchange);
    if (!request->dialect->resends || ask->key.size > 0 || request->call.kind != CALL_ASK ||
        ingress->draining || sandbox_is_here(request)) /* providers don't collapse them either */
        return true;
    if (!resend_open(ingress->shared->resend, http, request->tenant, clock_monotonic(),
                     &request->resend)) {
        watch_park(request, RESEND_AGAIN_MS, call_run);
        return false;
    }
    ask->key = span_of(request->resend.key);
    ask->hash_of = span_make(request->resend.digest, sizeof request->resend.digest);
    return true;
}

/* Holds the answer until the job has ended. */
void vendor_hold(struct request *request, const struct reply *reply)
{
    struct arena *arena = exchange_arena(request->exchange);
    request->call.job = reply->jobs[0];
    request->call.job_id = span_of(arena_copy(arena, span_of(reply->ids[0])));
    exchange_on_gone(request->exchange, call_gone, request);
    watch_add(request, request->call.wait);
    watch_changed(request->ingress, request->call.job);
}

void vendor_account(struct request *request)
{
    struct answer answer = {.account = request->tenant};
    ingress_answer(request, &answer);
}

void vendor_hook_key(struct request *request)
{
    struct answer answer = {.hook_key = request->ingress->shared->hook_key};
    ingress_answer(request, &answer);
}
