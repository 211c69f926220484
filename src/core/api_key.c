#include "core/api_key.h"

#include "core/core_private.h"

const char *api_key_act_name(enum api_key_act act)
{
    static const char *const names[] = {[API_KEY_MADE] = "made",
                                        [API_KEY_REVOKED] = "revoked",
                                        [API_KEY_USED] = "used",
                                        [API_KEY_CHARGED] = "charged"};
    return names[act];
}

void api_key_step(struct core *core, struct output *output, const struct event *event)
{
    struct api_key_change change = event->api_key_asked.change;
    ms_t *times[] = {[API_KEY_MADE] = &change.row.created_at,
                     [API_KEY_REVOKED] = &change.row.revoked_at,
                     [API_KEY_USED] = &change.row.used_at};
    assert(change.act != API_KEY_CHARGED); /* that is money.c's */
    *times[change.act] = core->now;
    if (change.act == API_KEY_MADE)
        core_set_key(core, &change.row);
    output_change(output, CHANGE_API_KEY)->api_key = change;
    /* Before the reply: who is answered may use the key at once. */
    output_effect(output, EFFECT_API_KEY)->api_key = change;
    if (event->api_key_asked.token)
        output_effect(output, EFFECT_REPLY)->reply.token = event->api_key_asked.token;
}
