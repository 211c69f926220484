/* A dialect: how one kind of client speaks. Pure translation in two directions, nothing else. */
#ifndef DIALECT_DIALECT_H
#define DIALECT_DIALECT_H

#include "base/http.h"
#include "catalog/route.h"
#include "dialect/answer.h"
#include "dialect/call.h"

struct vendor_job;

struct dialect_scene {
    const struct catalog *catalog;
    ms_t now;
    struct arena *arena;
    /* What a variable of the environment holds, for endpoints that are named there; gives NULL when
     * it is not set. May be NULL itself. */
    const char *(*variable)(const char *name);
};

/* Schemes of the header Authorization that are taken beside Bearer. */
enum dialect_scheme {
    DIALECT_TOKEN = 1 << 0, /* "Token KEY" */
    DIALECT_KEY = 1 << 1,   /* "Key KEY" */
    DIALECT_BARE = 1 << 2   /* the key alone */
};

struct dialect {
    const char *name;
    unsigned schemes; /* bits of enum dialect_scheme */
    bool resends;     /* its clients send a create again without a key: see app/resend.h */
    /* What the request wants. On a fault it is in *faults and ret_call may be half filled;
     * call_done is due in both cases. */
    void (*read)(const struct dialect_scene *scene, const struct http_request *request,
                 const struct route_match *match, struct faults *faults, struct call *ret_call);
    /* The response; its texts live in the scene's arena or in `body`, which the caller frees. */
    void (*write)(const struct dialect_scene *scene, const struct call *call,
                  const struct answer *answer, struct buffer *body,
                  struct http_response *ret_response);
    /* STREAM: adds what is told of the job as it is now, as server-sent events. Nothing, or the
     * same as before, is not sent. */
    void (*event)(const struct dialect_scene *scene, const struct call *call,
                  const struct answer *answer, struct buffer *target);
    /* The body of a webhook that a job of this dialect asked for: all of it, into told->writer. */
    void (*hook)(const struct vendor_job *told, const struct hook_insert *hook);
};

/* NULL when there is none of that name. */
const struct dialect *dialect_find(struct span name);

extern const struct dialect native_dialect, relay_dialect;
extern const struct dialect replicate_dialect, fal_dialect, runpod_dialect;

#endif
