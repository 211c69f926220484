#include "purse.h"

#include <string.h>

static const char *const ids[SWARM_TENANTS_MAX] = {"key_0", "key_1", "key_2",
                                                   "key_3", "key_4", "key_5"};

const char *purse_id(unsigned tenant)
{
    return ids[tenant];
}

static bool is_asked(const struct world *world, unsigned tenant)
{
    for (unsigned n = 0; n < world->batch_count; n++) {
        const struct api_key_asked *asked = &world->batch[n]->api_key_asked;
        if (world->batch[n]->kind == EVENT_API_KEY_ASKED &&
            strcmp(asked->change.row.id, ids[tenant]) == 0)
            return true;
    }
    return false;
}

void purse_open(struct world *world)
{
    for (unsigned tenant = 0; tenant < world->swarm.tenant_count; tenant++) {
        if (world->ledger.has_purse[tenant] || !world_has(world, SWARM_PURSES) ||
            is_asked(world, tenant) || world->batch_count == WORLD_BATCH_MAX)
            continue;
        struct api_key_asked *asked = &world_event(world, EVENT_API_KEY_ASKED)->api_key_asked;
        *asked = (struct api_key_asked){
            .change = {.act = API_KEY_MADE,
                       .row = {.spend_limit = world->swarm.purses[tenant], .created_at = 1}}};
        struct api_key_row *row = &asked->change.row;
        (void)span_copy(span_of(ids[tenant]), row->id, sizeof row->id);
        (void)span_copy(span_of(world->swarm.tenant_names[tenant]), row->tenant,
                        sizeof row->tenant);
    }
}

void purse_take(struct world *world, const struct api_key_change *change)
{
    for (unsigned tenant = 0; tenant < world->swarm.tenant_count; tenant++) {
        if (change->act == API_KEY_MADE && strcmp(change->row.id, ids[tenant]) == 0)
            world->ledger.has_purse[tenant] = true;
    }
}
