/* POST /api/v1/jobs/{id}/resolve: somebody knows what came of an uncertain submission. */
#include "app/ingress_private.h"

#include "base/memory.h"

#include <string.h>

/* Whether the id is another attempt's already: what is open in memory the core sees by itself. */
static bool is_claimed(struct request *request)
{
    const char *id = request->call.resolve.remote_id;
    int64_t job = 0;
    return id && reader_remote_id(request->ingress->reader, id, &job) != STORE_NONE;
}

/* How the attempt has ended, and whether the id is its own: it was accepted, and its end not found
 * out. */
static void look_at_attempt(struct request *request, struct resolve_asked *asked)
{
    struct attempt *attempts = memory_make(READER_TIMELINE_MAX * sizeof(struct attempt));
    unsigned count = 0;
    if (reader_attempts(request->ingress->reader, asked->job, attempts, &count) != STORE_OK)
        count = 0;
    for (unsigned n = 0; n < count; n++) {
        if (attempts[n].number != asked->attempt)
            continue;
        asked->ended = attempts[n].state;
        if (strcmp(attempts[n].remote_id, asked->remote_id) == 0)
            asked->claimed = false;
    }
    memory_free(attempts);
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
        .attempt = request->call.resolve.attempt,
        .claimed = is_claimed(request),
        .remote_id = arena_copy(arena, span_of(request->call.resolve.remote_id)),
    };
    if (asked->attempt)
        look_at_attempt(request, asked);
    (void)call_send(request, message, &asked->token);
}
