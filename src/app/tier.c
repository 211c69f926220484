#include "app/tier.h"

#include <string.h>

static bool read_one(struct span text, struct tier *ret_tier)
{
    struct span name;
    int64_t weight;
    if (!span_take(&text, '=', &name) || !text.data ||
        !span_integer(span_trim(text), 1, TIER_WEIGHT_MAX, &weight))
        return false;
    name = span_trim(name);
    ret_tier->weight = (unsigned)weight;
    return tenant_is_name(name) && span_copy(name, ret_tier->name, sizeof ret_tier->name);
}

bool tier_read(const struct config_list *list, struct tier ret_tiers[static TIER_MAX],
               unsigned *ret_count, struct buffer *faults)
{
    bool good = list->count <= TIER_MAX;
    unsigned count = 0;
    if (!good)
        buffer_print(faults, "tiers: there are %u; allowed are %d\n", list->count, TIER_MAX);
    for (unsigned n = 0; n < list->count && count < TIER_MAX; n++) {
        struct tier *tier = &ret_tiers[count];
        bool is_tier = read_one(span_of(list->items[n]), tier);
        for (unsigned earlier = 0; is_tier && earlier < count; earlier++)
            is_tier = strcmp(ret_tiers[earlier].name, tier->name) != 0;
        if (!is_tier)
            buffer_print(faults,
                         "tiers: \"%.60s\" is no tier, or the second of its name; allowed is "
                         "NAME=WEIGHT with a name of at most %d letters and digits, a weight from "
                         "1 to %d\n",
                         list->items[n], TENANT_TIER_SIZE - 1, TIER_WEIGHT_MAX);
        count += is_tier;
        good = good && is_tier;
    }
    *ret_count = count;
    return good;
}
