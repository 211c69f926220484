/* What the files of caller.h share. */
#ifndef APP_CALLER_PRIVATE_H
#define APP_CALLER_PRIVATE_H

#include "app/caller.h"
#include "app/caller_health.h"
#include "core/route.h"
#include "provider/question.h"

#include <pthread.h>

struct caller {
    struct caller_config config;
    const char *hook_base; /* NULL: publicUrl */
    pthread_t thread;
    bool running;
    struct mailbox *box;
    struct list streams; /* struct caller_stream: see caller_stream.h */
    struct caller_health health;
    atomic_uint submissions; /* whose word has not been told */
};

/* One effect on its way: a copy of what it needs of the job, and then of the adapter's. */
struct errand {
    struct caller *caller;
    struct arena arena; /* of all its texts */
    enum effect_kind kind;
    int64_t job;
    unsigned attempt;
    const char *job_id, *tenant, *model, *provider_name, *slug, *input;
    bool is_named; /* a call back named the remote id */
    ms_t intent_at, asked_at;
    struct question question; /* its provider and ask are filled by caller_ask_fill, as … */
    const struct offer *offer;
    json_t *mapped; /* owned */
};

/* caller.c */
void caller_errand_free(struct errand *errand);
/* Takes the message over; what the core has no room for is told again. */
void caller_tell(struct caller *caller, struct message *message);
/* Any thread: there is something new about a stream. */
void caller_wake(struct caller *caller);
/* Beside a sandbox nothing leaves this machine, whatever a catalogue says. */
bool caller_may_ask(const struct caller *caller, const struct http_request *request);

/* caller_ask.c: finds the adapter and the offer, and puts the input into the provider's words.
 * False with a word for the core in *told, when nothing can be asked. */
bool caller_ask_fill(struct errand *errand, struct told *told);

#endif
