#include "provider/provider.h"

static const struct provider *const providers[] = {
    &provider_replicate,
    &provider_fal,
    &provider_runpod,
};

const struct provider *provider_find(struct span name)
{
    for (size_t n = 0; n < sizeof providers / sizeof providers[0]; n++) {
        if (span_is(name, providers[n]->traits.name))
            return providers[n];
    }
    return NULL;
}
