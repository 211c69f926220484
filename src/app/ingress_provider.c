/* GET /api/v1/providers, and POST …/pause and …/resume: how well providers are. */
#include "app/ingress_private.h"
#include "app/offers.h"

#include <string.h>

/* Configured when any of its models is; else what its first model misses. */
static void count_models(const struct catalog *catalog, struct answer_provider *provider,
                         struct arena *arena)
{
    const struct offer *first = NULL;
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        const struct model *model = catalog_model_at(catalog, n);
        bool has_it = false;
        for (unsigned k = 0; k < model->offer_count; k++) {
            const struct offer *offer = model->offers[k];
            if (strcmp(offer->provider->name, provider->name) != 0)
                continue;
            has_it = true;
            first = first ? first : offer;
            provider->configured |= offers_configured(NULL, offer);
        }
        provider->model_count += has_it;
    }
    if (!provider->configured)
        provider->missing = first ? offers_missing(first, arena) : "It has no models.";
}

static struct answer_provider describe(struct request *request, const char *name)
{
    const struct ingress_shared *shared = request->ingress->shared;
    struct answer_provider provider = {.name = name};
    count_models(shared->catalog, &provider, exchange_arena(request->exchange));
    board_provider(shared->board, &provider);
    return provider;
}

void provider_list(struct request *request)
{
    const struct catalog *catalog = request->ingress->shared->catalog;
    size_t count = catalog_provider_count(catalog);
    struct answer_provider *providers =
        arena_array(exchange_arena(request->exchange), struct answer_provider, count);
    for (size_t n = 0; n < count; n++)
        providers[n] = describe(request, catalog_provider_at(catalog, n)->name);
    struct answer answer = {.providers = providers, .provider_count = (unsigned)count};
    ingress_answer(request, &answer);
}

void provider_pause(struct request *request)
{
    struct message *message = message_make(EVENT_VENDOR_ASKED);
    struct vendor_asked *asked = &message->event.vendor_asked;
    asked->provider = arena_copy(&message->arena, request->call.name);
    asked->pause = request->call.pause;
    (void)call_send(request, message, &asked->token);
}

void provider_paused(struct request *request)
{
    struct arena *arena = exchange_arena(request->exchange);
    struct answer_provider provider = describe(request, arena_copy(arena, request->call.name));
    provider.health.is_paused = request->call.pause; /* the board may not show it yet */
    struct answer answer = {.providers = &provider, .provider_count = 1};
    ingress_answer(request, &answer);
}
