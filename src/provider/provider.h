/* How we ask a provider. An adapter is pure translation in a file of its own: from our nouns to the
 * requests that the provider understands, and from its answers to what it told us. It opens no
 * connection, knows no clock and holds no key: a credential is a slot, "Bearer {key:replicate}",
 * that the egress fills on the way out.
 *
 * Every function is pure; requests are made in the arena that comes with the ask, whose texts they
 * borrow. `read` never fails: what it cannot read is TOLD_NOTHING. */
#ifndef PROVIDER_PROVIDER_H
#define PROVIDER_PROVIDER_H

#include "base/arena.h"
#include "base/can.h"
#include "base/http.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/told.h"
#include "catalog/catalog.h"

/* One attempt of a job at an offer, as the provider needs to know it. */
struct ask {
    const struct offer *offer;
    const char *base_url; /* without a slash at its end */
    const char *endpoint; /* what the offer's endpoint variable holds, or "" */
    const char *job_id;   /* "gen_…" */
    const char *mark;     /* of this attempt, unguessable; never changes */
    const json_t *input;  /* in the provider's words, see catalog/mapping.h */
    const char *hook_url; /* where to call back, mark and all; NULL: nowhere */
    ms_t sent_at;         /* wall time of the intent … */
    ms_t asked_at;        /* … and of this question, by the same clock */
    ms_t run_limit;       /* our own time-out of a run; theirs is set above it */
    struct arena *arena;
};

/* What is with the provider. */
struct remote {
    const struct ask *ask;
    const char *id;
    const char *handle; /* what ACCEPTED gave with the id; "" when the id was found or linked */
};

struct provider {
    struct can_vendor traits;
    void (*submit)(const struct ask *ask, struct http_request *ret_request);
    void (*poll)(const struct remote *remote, struct http_request *ret_request);
    void (*result)(const struct remote *remote, struct http_request *ret_request);
    void (*cancel)(const struct remote *remote, struct http_request *ret_request);
    /* `page` is "" or the handle of an answer that said MORE. */
    void (*find)(const struct ask *ask, const char *page, struct http_request *ret_request);
    void (*health)(const struct ask *ask, struct http_request *ret_request);
    void (*read)(enum provider_call call, const struct ask *ask, const struct http_response *answer,
                 struct told *ret_told);
    /* STREAM: where the job's stream is. How it stands by one event of it, the text of its `data`;
     * false when it says nothing of that. What is read there is a hint as well. */
    void (*stream)(const struct remote *remote, struct http_request *ret_request);
    bool (*read_stream)(struct span event, struct told *ret_told);
    /* A call back is a hint: what it says of the id causes a poll and nothing else. False when it
     * is none, or when a signature is asked for and not right. `now` is wall time. */
    bool (*read_hook)(const struct http_request *request, struct secret secret, ms_t now,
                      struct arena *arena, struct told *ret_told);
};

/* NULL when there is no adapter of that name. */
const struct provider *provider_find(struct span name);

extern const struct provider provider_replicate;
extern const struct provider provider_fal;
extern const struct provider provider_runpod;

#endif
