#include "dialect/dialect.h"

static const struct dialect *const dialects[] = {&native_dialect, &relay_dialect,
                                                 &replicate_dialect, &fal_dialect, &runpod_dialect};

const struct dialect *dialect_find(struct span name)
{
    for (size_t n = 0; n < sizeof dialects / sizeof dialects[0]; n++) {
        if (span_is(name, dialects[n]->name))
            return dialects[n];
    }
    return NULL;
}
