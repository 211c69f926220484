#include "app/credential.h"

#include <stdlib.h>

bool credential_write(void *context, struct span name, struct buffer *target)
{
    const struct reload *reload = context;
    const struct provider_entry *provider = catalog_find_provider(reload->catalog, name);
    if (!provider || provider->needs.count == 0)
        return false;
    const char *value = getenv(provider->needs.items[0]);
    buffer_add_text(target, value ? value : "");
    return value && *value && !target->failed;
}
