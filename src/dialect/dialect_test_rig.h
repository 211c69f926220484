/* What the tests of this room share: a catalogue, a moment, and golden exchanges
 * (base/golden_test_rig.h). */
#ifndef DIALECT_DIALECT_TEST_RIG_H
#define DIALECT_DIALECT_TEST_RIG_H

#include "dialect/dialect.h"

struct rig {
    struct catalog *catalog; /* the built-in one with acme/clip and acme/old */
    struct arena arena;
    struct dialect_scene scene; /* at 2026-01-21T21:00:00Z */
};

void rig_make(struct rig *rig);
void rig_free(struct rig *rig);

/* Adds what comes out of `sent` to `outcome`. */
typedef void rig_translate_f(struct rig *rig, const char *name, struct span sent,
                             struct buffer *outcome);
/* Holds every exchange of the file against `translate`; fails the test after the last one. */
void rig_exchanges(struct rig *rig, const char *path, rig_translate_f *translate);

/* "METHOD /path?query", header lines, an empty line and the body. Texts live in the arena. */
struct http_request *rig_request(struct rig *rig, struct span sent);
/* Finds the request's route and reads it with its dialect; call_done is due. */
void rig_read(struct rig *rig, const struct http_request *request, struct faults *faults,
              struct call *ret_call);
/* What is wanted, or what is wrong with it, a line for each thing that is not as usual. */
void rig_write_call(const struct call *call, struct buffer *target);
void rig_write_faults(const struct faults *faults, struct buffer *target);
/* Status, headers, and the body's JSON laid out for reading. */
void rig_write_response(const struct http_response *response, struct buffer *target);
/* For rig_exchanges: from a request to one of the two. */
rig_translate_f rig_translate_read;
/* The body's JSON, which must be good; the caller frees. */
json_t *rig_json(struct span text);

#endif
