/* The asking side of a provider, for the test that puts it face to face with the side that answers
 * (face_test.c). A file of its own because the core and the adapters each have a `struct told`. */
#ifndef SIM_FACE_H
#define SIM_FACE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/http.h"
#include "catalog/catalog.h"

struct face {
    const struct offer *offer;
    const char *base_url;  /* where the other side is */
    const char *endpoint;  /* RunPod's */
    const char *remote_id; /* once it is known, else "" */
    struct arena *arena;
};

/* Our request of that call ("submit", "poll", "result", "cancel"), for an input in our words. */
void face_ask(const struct face *face, const char *call, const json_t *input,
              struct http_request *ret_request);
/* What the answer tells us, as provider_test_rig.h shows it. */
void face_hear(const struct face *face, const char *call, const struct http_response *answer,
               struct buffer *target);

#endif
