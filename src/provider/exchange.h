/* One question to a provider with all the requests that it takes: what a job made may be told by a
 * call of its own after the poll, and a search has pages. Who asks sends what exchange_request
 * makes and reads what comes with exchange_read, for as long as that says so; the gateway does it
 * over the network (app/caller.h), the simulator without one.
 *
 * Pure, as the adapters are. What an exchange keeps lies in the arena of its ask. */
#ifndef PROVIDER_EXCHANGE_H
#define PROVIDER_EXCHANGE_H

#include "provider/provider.h"

enum { EXCHANGE_PAGES_MAX = 5 /* of a search */ };

struct exchange {
    const struct provider *provider;
    struct ask ask;
    enum provider_call call;
    const char *remote_id, *handle; /* as in struct remote; "" where there is none */
    const char *page;               /* of a search; "": the first */
    unsigned pages;                 /* … that were read */
};

void exchange_request(const struct exchange *exchange, struct http_request *ret_request);
/* What the answer says. True: another request is due, and *ret_told is nobody's business yet. */
bool exchange_read(struct exchange *exchange, const struct http_response *answer,
                   struct told *ret_told);
/* No answer came. `is_ours`: nothing was sent, for a fault of ours. */
void exchange_silence(const struct exchange *exchange, bool is_ours, struct span sentence,
                      struct told *ret_told);
/* The call that the word is about: files that are told by a call of their own are a poll's. */
enum provider_call exchange_call(const struct exchange *exchange);

#endif
