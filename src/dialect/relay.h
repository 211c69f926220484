/* Routes of an application's backend that are named after a provider, and answer in its words:
 * POST /api/fal/veo3/text-to-video/submit gives fal's queue object at once, and beside it are
 * …/status/{id}, …/result/{id} and …/cancel/{id}. The name says what they do: they pass an
 * application's request on. They are not the providers' own protocols, which have addresses of
 * their own.
 *
 * All of it is data: a route's entry has the model, the variants and the provider; what differs by
 * provider is how an answer is worded, which is a struct relay_words in a file of its own
 * (relay_fal.c, relay_replicate.c). A further provider is such a file and a line in relay.c.
 *
 * The actions: "submit" makes a job; "status" is its state in the provider's words; "result" is
 * what it made, or a refusal: 409 while it is not over, 422 when it failed, 410 when it expired,
 * 499 when it was canceled; "cancel" cancels it. Errors are the native ones (native_write.h). */
#ifndef DIALECT_RELAY_H
#define DIALECT_RELAY_H

#include "dialect/dialect.h"

/* What is being written, and into what. */
struct relay {
    const struct dialect_scene *scene;
    const struct call *call;
    const struct answer *answer;
    const struct job *job;
    struct json_writer *writer; /* inside of the object */
    struct http_response *response;
};

struct relay_words {
    const char *provider;
    void (*submitted)(const struct relay *relay);
    void (*status)(const struct relay *relay);
    void (*result)(const struct relay *relay); /* of a job that succeeded */
    void (*canceled)(const struct relay *relay);
};

extern const struct relay_words relay_fal, relay_replicate;

/* The body of a submit: canonical names or the provider's own, the native API's common fields, and
 * `variant`. Faults name fields as the client did. */
void relay_ask_read(const struct dialect_scene *scene, const struct http_request *request,
                    const struct route *route, struct faults *faults, struct call_ask *ret_ask);
/* The model's offer by the route's provider, else its first; NULL when it has none. */
const struct offer *relay_offer(const struct model *model, const struct provider_entry *provider);

/* The path of another action on the same job. */
const char *relay_path(const struct relay *relay, const char *action);

#endif
