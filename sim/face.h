/* The side that answers of the providers' protocols, as our dialects play it: what an adapter asks
 * is read as our server would read it, and written back as bytes. The adapters' own side is
 * provider/question.h. Used face to face by the simulator (wire.h) and by face_test.c. */
#ifndef SIM_FACE_H
#define SIM_FACE_H

#include "base/fault.h"
#include "dialect/dialect.h"

/* One request, from its bytes to the answer's. */
struct face {
    struct dialect_scene scene;
    struct route_match match;
    const struct dialect *dialect;
    struct call call;
    struct faults faults; /* what the dialect says against it */
};

/* Where the side that answers is: replicate's, fal's or RunPod's base URL there; NULL for others.
 */
const char *face_base_url(const char *provider);
/* Turns the request that an adapter made into what our server would hand on, and reads it. False:
 * there is no such route. face_done is due in any case. */
bool face_read(struct face *face, struct http_request *request);
/* The answer; its texts lie in the scene's arena and in `body`. Links to files are http://r.ex/
 * outputs/ID/NAME. */
void face_write(struct face *face, struct answer *answer, struct buffer *body,
                struct http_response *ret_response);
void face_done(struct face *face);
/* The call back of a job, as its dialect words it, all of it into `body`. */
void face_call_back(const struct face *face, const char *provider, const struct job *job,
                    struct buffer *body);

#endif
