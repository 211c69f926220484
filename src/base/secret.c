#include "base/secret.h"

#include "base/memory.h"

#include <string.h>

struct secret secret_make(struct span bytes)
{
    return (struct secret){memory_copy(bytes), bytes.size};
}

void secret_done(struct secret *secret)
{
    if (secret->bytes)
        explicit_bzero(secret->bytes, secret->size);
    memory_free(secret->bytes);
    *secret = (struct secret){0};
}

/* Takes as long whatever is offered, but for its size, which is the offerer's own. */
bool secret_equal(struct secret secret, struct span offered)
{
    unsigned difference = secret.size != offered.size || secret.size == 0;
    for (size_t n = 0; n < offered.size; n++) {
        unsigned char ours = n < secret.size ? (unsigned char)secret.bytes[n] : 0;
        difference |= ours ^ (unsigned)(unsigned char)offered.data[n];
    }
    return difference == 0;
}
