#include "app/offers.h"

#include "catalog/input.h"
#include "catalog/price.h"
#include "core/route.h"
#include "provider/provider.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Providers that this version speaks to. */
static bool is_spoken(const struct offer *offer)
{
    return offers_is_ours(offer) || provider_find(span_of(offer->provider->name));
}

bool offers_is_command(const struct offer *offer)
{
    return strcmp(offer->provider->name, CATALOG_COMMAND) == 0;
}

bool offers_is_ours(const struct offer *offer)
{
    return strcmp(offer->provider->name, "local") == 0 || offers_is_command(offer);
}

/* NULL, or why not. */
static const char *why_not_run(const struct offer *offer)
{
    struct stat found;
    if (!offers_is_command(offer))
        return NULL;
    if (stat(offer->command.items[0], &found) != 0)
        return strerror(errno);
    if (!S_ISREG(found.st_mode))
        return "it is no file";
    return access(offer->command.items[0], X_OK) == 0 ? NULL : strerror(errno);
}

const struct offer *offers_command(const struct model *model, const json_t *input)
{
    const struct offer *first = NULL;
    for (unsigned n = 0; n < model->offer_count; n++) {
        const struct offer *offer = model->offers[n];
        if (!offers_is_command(offer) || !input_fits(offer, input, NULL))
            continue;
        if (offers_configured(NULL, offer))
            return offer;
        first = first ? first : offer;
    }
    return first;
}

struct span offers_write(const struct offer *const *offers, unsigned count, const json_t *input,
                         struct arena *arena, struct offers_bill *bill)
{
    struct buffer text;
    buffer_init(&text, JOB_ROUTE_MAX);
    bill->max = 0;
    bill->is_unknown = false;
    for (unsigned n = 0; n < count && n < ROUTE_OFFERS_MAX; n++) {
        int64_t min = 0, max = 0;
        if (offers_is_ours(offers[n]) || !offers_configured(NULL, offers[n]))
            continue;
        if (!price_of(offers[n], input, &min, &max))
            max = bill->assume;
        bill->is_unknown |= max < 0;
        bill->max = max > bill->max ? max : bill->max;
        buffer_print(&text, "%s\t%lld\t%s\n", offers[n]->provider->name, (long long)max,
                     offers[n]->slug);
    }
    struct span copy =
        text.size ? span_make(arena_copy(arena, buffer_span(&text)), text.size) : SPAN("");
    buffer_done(&text);
    return copy;
}

static const char *first_unset(const struct offer *offer)
{
    for (unsigned n = 0; n < offer->needs.count; n++) {
        const char *value = getenv(offer->needs.items[n]);
        if (!value || !*value)
            return offer->needs.items[n];
    }
    return NULL;
}

bool offers_configured(void *context, const struct offer *offer)
{
    (void)context;
    return is_spoken(offer) && !first_unset(offer) && !why_not_run(offer);
}

const char *offers_missing(const struct offer *offer, struct arena *arena)
{
    const char *variable = first_unset(offer);
    if (variable)
        return arena_print(arena, "%s runs on %s, which is not configured: set %s.",
                           offer->model->id, offer->provider->title, variable);
    if (offers_is_command(offer) && why_not_run(offer))
        return arena_print(arena, "%s runs a program that can't be run: %s: %s.", offer->model->id,
                           offer->command.items[0], why_not_run(offer));
    return arena_print(arena, "%s runs on %s, which this version of reel does not speak to yet.",
                       offer->model->id, offer->provider->title);
}

/* 0: the named provider and configured, then configured, then named, then the rest. */
static int rank(const struct offer *offer, const struct offers_wish *wish)
{
    bool named = wish->provider.size && span_is(wish->provider, offer->provider->name);
    return (offers_configured(NULL, offer) ? 0 : 2) + (named ? 0 : 1);
}

unsigned offers_route(const struct model *model, const json_t *input,
                      const struct offers_wish *wish, const struct offer **ret_offers,
                      unsigned capacity)
{
    unsigned count = 0;
    for (int wanted = 0; wanted < 4; wanted++) {
        for (unsigned n = 0; n < model->offer_count && count < capacity; n++) {
            const struct offer *offer = model->offers[n];
            bool named = wish->provider.size && span_is(wish->provider, offer->provider->name);
            if (rank(offer, wish) == wanted && (named || !wish->only_provider) &&
                input_fits(offer, input, NULL))
                ret_offers[count++] = offer;
        }
    }
    return count;
}
