/* One question to a provider with all the requests that it takes: what a job made may be told by a
 * call of its own after the poll, as why it waits may be, and a search has pages. Who asks sends
 * what question_request makes and reads what comes with question_read, for as long as that says so;
 * the gateway does it over the network (app/caller.h), the simulator without one.
 *
 * Pure, as the adapters are. What a question keeps lies in the arena of its ask. */
#ifndef PROVIDER_QUESTION_H
#define PROVIDER_QUESTION_H

#include "provider/provider.h"

enum { QUESTION_PAGES_MAX = 5 /* of a search */ };

struct question {
    const struct provider *provider;
    struct ask ask;
    enum provider_call call;
    const char *remote_id, *handle; /* as in struct remote; "" where there is none */
    const char *page;               /* of a search; "": the first */
    unsigned pages;                 /* … that were read */
    bool explains;                  /* of a poll: asks why it waits too, where the provider says */
    struct told *waiting;           /* … while that is asked: what the poll said; else NULL */
};

void question_request(const struct question *question, struct http_request *ret_request);
/* What the answer says. True: another request is due, and *ret_told is nobody's business yet. */
bool question_read(struct question *question, const struct http_response *answer,
                   struct told *ret_told);
/* No answer came. `is_ours`: nothing was sent, for a fault of ours. */
void question_silence(const struct question *question, bool is_ours, struct span sentence,
                      struct told *ret_told);
/* The call that the word is about: what is told by a call of its own after a poll is a poll's. */
enum provider_call question_call(const struct question *question);

#endif
