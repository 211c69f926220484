/* POST /api/v1/jobs/{id}/resolve: somebody knows what came of an uncertain submission. */
#include "app/ingress_private.h"

/* Whether the id is another attempt's already: what is open in memory the core sees by itself. */
static bool is_claimed(struct request *request)
{
    const char *id = request->call.resolve.remote_id;
    int64_t job = 0;
    return id && reader_remote_id(request->ingress->reader, id, &job) != STORE_NONE;
}

void resolve_run(struct request *request)
{
    struct message *message = message_make(EVENT_RESOLVE_ASKED);
    struct resolve_asked *asked = &message->event.resolve_asked;
    struct arena *arena = &message->arena;
    *asked = (struct resolve_asked){
        .tenant = arena_copy(arena, span_of(request->tenant)),
        .job = request->call.job,
        .act = request->call.resolve.act,
        .claimed = is_claimed(request),
        .remote_id = arena_copy(arena, span_of(request->call.resolve.remote_id)),
    };
    (void)call_send(request, message, &asked->token);
}
