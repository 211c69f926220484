/* A secret is a type of its own, so that no formatter takes it by accident. It is wiped when done.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/span.h"

struct secret {
    char *bytes; /* owned */
    size_t size;
};

struct secret secret_make(struct span bytes);
void secret_done(struct secret *secret);
/* In time that depends on the sizes only. An empty secret equals nothing. */
bool secret_equal(struct secret secret, struct span offered);

#endif
