/* The native dialect's POST /api/v1/generate: the common fields of SPEC 3 beside the model's own.
 */
#ifndef DIALECT_NATIVE_ASK_H
#define DIALECT_NATIVE_ASK_H

#include "dialect/dialect.h"

enum {
    NATIVE_METADATA_MAX = 4096,
    NATIVE_METADATA_DEPTH = 16, /* levels: what shows it nests it deeper, and JSON has 32 */
    NATIVE_KEY_MAX = 255,
    NATIVE_VALUES_MAX = 8192, /* in a body: far more than any model takes */
    /* Bytes beside its long plain texts: a prompt of 20,000 characters takes 120,000 when each is
     * escaped, and jansson milliseconds for these. */
    NATIVE_JSON_MAX = 160 << 10,
    NATIVE_MEMBERS_MAX = 256, /* of a body: each one costs a search, and a fault */
    NATIVE_URL_MAX = 2048
};

void native_ask_read(const struct dialect_scene *scene, const struct http_request *request,
                     struct faults *faults, struct call_ask *ret_ask);
/* The same for a model that is known already and a body that was read by somebody else, who frees
 * it; the common fields are taken out of it. */
void native_ask_fill(const struct dialect_scene *scene, const struct http_request *request,
                     const struct model *model, json_t *body, struct faults *faults,
                     struct call_ask *ret_ask);
/* A JSON object as body; NULL with a fault otherwise. The caller frees it. */
json_t *native_ask_body(const struct http_request *request, struct faults *faults);
/* A time: ISO text, or a number of seconds from now. Null gives 0, which takes it away. */
bool native_ask_time(const json_t *value, const char *field, ms_t now, struct faults *faults,
                     ms_t *ret_at);
/* A terminated copy of what a client sent, for showing it: cut between letters after at most `max`
 * bytes. */
const char *native_ask_cut(struct arena *arena, struct span text, size_t max);
bool native_ask_priority(const json_t *value, struct faults *faults, int *ret_priority);

#endif
