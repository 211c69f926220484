/* What the files of caller.h share. */
#ifndef APP_CALLER_PRIVATE_H
#define APP_CALLER_PRIVATE_H

#include "app/caller.h"
#include "core/route.h"
#include "provider/question.h"

#include <pthread.h>

struct caller {
    struct caller_config config;
    const char *hook_base; /* NULL: publicUrl */
    pthread_t thread;
    bool running;
    struct mailbox *box;
};

/* One effect on its way: a copy of what it needs of the job, and then of the adapter's. */
struct errand {
    struct caller *caller;
    struct arena arena; /* of all its texts */
    enum effect_kind kind;
    int64_t job;
    unsigned attempt;
    const char *job_id, *tenant, *model, *provider_name, *slug, *input;
    bool is_named;    /* a call back named the remote id … */
    unsigned claimed; /* … and it is another attempt's: as in struct heard */
    ms_t intent_at, asked_at;
    struct question question; /* its provider and ask are filled by caller_ask_fill, as … */
    const struct offer *offer;
    json_t *mapped; /* owned */
};

/* caller_ask.c: finds the adapter and the offer, and puts the input into the provider's words.
 * False with a word for the core in *told, when nothing can be asked. */
bool caller_ask_fill(struct errand *errand, struct told *told);

#endif
