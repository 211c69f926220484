/* What the dialects share that are providers' own protocols (replicate.h, fal.h, runpod.h): how a
 * client's input becomes an ask, and how a job is told. An application that speaks to the provider
 * changes its base URL and keeps its SDK; what it asks for becomes a job as any other.
 *
 * Ids: all three hand out opaque texts and their SDKs only put them back into paths, so that a
 * job's own id (gen_…) stands for itself and nothing is kept for it.
 *
 * An input may be in the provider's words (catalog/reverse.h), in ours, or in ours in snake_case;
 * beside the model's parameters it may have the native API's common fields (priority, metadata,
 * startAt, …) in camelCase. */
#ifndef DIALECT_VENDOR_H
#define DIALECT_VENDOR_H

#include "dialect/dialect.h"

enum {
    VENDOR_MODELS_MAX = 8,   /* of ours under one of the provider's names */
    VENDOR_STATUS_GONE = 499 /* the result of what the client canceled */
};

/* Whom a client asks for: the models of ours that its name may mean. */
struct vendor_models {
    const struct provider_entry *provider; /* in whose words; tried first */
    const struct model *list[VENDOR_MODELS_MAX];
    unsigned count;
};

/* By the provider's own name of them, else by our id; count 0 when there is none. */
void vendor_find(const struct catalog *catalog, const char *provider, struct span name,
                 struct vendor_models *ret_models);

/* A webhook as the vendor's request has it. */
struct vendor_hook {
    struct span url;     /* empty: none */
    const char *field;   /* how the client called it, for faults */
    unsigned events;     /* bits 1 << enum notify_event */
    const char *dialect; /* who words it */
};

/* Reads an input for the model that takes it: of several the first that finds nothing wrong with
 * it, else the one that finds least. `body` is changed by nobody. */
void vendor_ask(const struct dialect_scene *scene, const struct http_request *request,
                const struct vendor_models *models, const json_t *body, struct faults *faults,
                struct call_ask *ret_ask);
/* Adds the webhook to an ask that was read well. */
void vendor_hook_add(const struct dialect_scene *scene, const struct vendor_hook *hook,
                     struct faults *faults, struct call_ask *ask);
/* Beside these, of one text: what this dialect words, in the job's options; NULL: the native one.
 */
const char *vendor_hook_dialect(const struct job *job);

/* The id in the path; a fault when it is none. */
void vendor_read_id(const struct route_match *match, const struct dialect_scene *scene,
                    struct faults *faults, struct call *call);

/* ---------------------------------------------------------------- telling a job */

/* A job to be told, inside of an object of `writer`; made of an answer, or of a webhook's event. */
struct vendor_job {
    const struct catalog *catalog;
    struct arena *arena;
    const struct job *job;
    const json_t *input; /* of a job that was made just now; NULL: its row has it */
    int64_t position;    /* 1: next; 0: not known */
    ms_t now;
    void (*link)(void *context, const struct job *job, const char *name, struct buffer *target);
    void (*address)(void *context, struct span path, struct buffer *target);
    /* … and with a signature, for clients that bring no key; NULL: there is none. */
    void (*signed_address)(void *context, struct span path, struct buffer *target);
    void *link_context;
    struct json_writer *writer;
};

/* Of the answer's first job; NULL when it has none. */
struct vendor_job vendor_job_of(const struct dialect_scene *scene, const struct call *call,
                                const struct answer *answer, struct json_writer *writer);
/* A member with the address of a file, or of a path of ours. */
void vendor_write_file(const struct vendor_job *told, const char *name, const char *file);
void vendor_write_address(const struct vendor_job *told, const char *name, const char *path);
/* The input as a member: in the provider's words, where `theirs` is its offer, else in ours. What
 * is very long is left out. */
void vendor_write_input(const struct vendor_job *told, const char *name,
                        const struct offer *theirs);
/* How far it is, as the bar of tqdm: " 40%|████      | 40/100". Models print such bars, and clients
 * read their percentage from them. False, and nothing, when it has not begun. */
bool vendor_add_bar(const struct job *job, struct buffer *target);
/* Why it ended without a result. */
struct span vendor_error(const struct job *job);
/* Retry-After and the like, which go with a refusal in every language. */
void vendor_refusal_headers(const struct dialect_scene *scene, const struct answer *answer,
                            struct http_response *response);

#endif
