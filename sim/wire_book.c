#include "wire_book.h"

#include "app/hook_sign.h"
#include "base/memory.h"
#include "catalog/input.h"
#include "provider/provider.h"

#include <stdio.h>
#include <string.h>

enum { PRICE_SPREAD = 500000 };

const char wire_book_whsec[] = "whsec_c2ltdWxhdG9yIHNpbXVsYXRvciBzaW11bGF0b3I=";

/* The user's file beside the built-in catalogue (offers.json). */
extern const struct embedded sim_offers[];

/* Each has a prompt, by which one input differs from the others. */
static const struct {
    const char *id, *input;
} models[WIRE_MODELS] = {
    {"ltx2",
     "{\"prompt\":\"@\",\"imageUrl\":\"https://e.ex/a.png\",\"guidanceScale\":7.5,\"fps\":24}"},
    {"zimage", "{\"prompt\":\"@\",\"width\":1024,\"height\":768}"},
    {"longcat",
     "{\"prompt\":\"@\",\"audioUrl\":\"https://e.ex/a.mp3\",\"imageUrl\":\"https://e.ex/a.png\"}"},
    {"wan2.5/text-to-video", "{\"prompt\":\"@\",\"aspectRatio\":\"9:16\"}"},
    {"seedance1/lite/image-to-video",
     "{\"prompt\":\"@\",\"imageUrl\":\"https://e.ex/a.png\",\"duration\":7}"},
    {"kling2.6/image-to-video", "{\"prompt\":\"@\",\"imageUrl\":\"https://e.ex/a.png\"}"},
    {"kling2.6/text-to-video", "{\"prompt\":\"@\",\"generateAudio\":false}"},
    {"veo3.1/fast/text-to-video", "{\"prompt\":\"@\",\"duration\":6,\"aspectRatio\":\"9:16\"}"},
    {"veo3.1/reference-to-video",
     "{\"prompt\":\"@\",\"imageUrls\":[\"https://e.ex/a.png\",\"https://e.ex/b.png\"]}"},
    {"sora2/text-to-video", "{\"prompt\":\"@\",\"duration\":12}"},
    {"kling-o1/pro/first-last-frame-to-video",
     "{\"prompt\":\"@\",\"imageUrl\":\"https://e.ex/a.png\",\"lastImageUrl\":\"https://e.ex/"
     "b.png\"}"},
    {"pixverse5/text-to-video", "{\"prompt\":\"@\",\"seed\":7}"},
};

static bool make_model(struct wire_book *book, unsigned number, struct arena *arena,
                       char ret_fault[static CATALOG_FAULT_SIZE])
{
    struct wire_model *made = &book->models[number];
    char json_fault[JSON_FAULT_SIZE];
    struct faults faults;
    struct buffer text;
    json_t *input = NULL, *given = json_read(span_of(models[number].input), json_fault);
    faults_init(&faults, arena);
    made->model = catalog_find(book->catalog, span_of(models[number].id));
    bool good = made->model && given && input_check(made->model, given, &faults, &input);
    if (good) {
        buffer_init(&text, CATALOG_FAULT_SIZE);
        json_canonical(input, &text);
        made->input = memory_copy(buffer_span(&text));
        buffer_done(&text);
    } else {
        (void)snprintf(ret_fault, CATALOG_FAULT_SIZE, "%s: %s", models[number].id,
                       made->model ? faults.sentence : "there is no such model");
    }
    json_decref(input);
    json_decref(given);
    return good;
}

struct wire_book *wire_book_make(char ret_fault[static CATALOG_FAULT_SIZE])
{
    const struct catalog_file file = {.name = SPAN("offers.json"),
                                      .text = span_make(sim_offers[0].data, sim_offers[0].size)};
    char seed[] = "simulator";
    struct wire_book *book = memory_new(struct wire_book);
    struct arena arena;
    arena_init(&arena);
    book->catalog = catalog_make(catalog_builtin, &file, 1, ret_fault);
    bool good = book->catalog != NULL;
    for (unsigned n = 0; good && n < WIRE_MODELS; n++)
        good = make_model(book, n, &arena, ret_fault);
    hook_sign_fal_seed((struct secret){seed, sizeof seed - 1}, book->fal_seed, book->fal_key);
    arena_done(&arena);
    if (good)
        return book;
    wire_book_free(book);
    return NULL;
}

void wire_book_free(struct wire_book *book)
{
    if (!book)
        return;
    for (unsigned n = 0; n < WIRE_MODELS; n++)
        memory_free(book->models[n].input);
    catalog_free(book->catalog);
    memory_free(book);
}

struct secret wire_book_secret(const struct wire_book *book, const char *provider)
{
    if (strcmp(provider, "replicate") == 0)
        return (struct secret){(char *)(uintptr_t)wire_book_whsec, strlen(wire_book_whsec)};
    if (strcmp(provider, "fal") == 0)
        return (struct secret){(char *)(uintptr_t)book->fal_key, sizeof book->fal_key};
    return (struct secret){NULL, 0};
}

/* ---------------------------------------------------------------- the swarm */

static const char *const providers[] = {"replicate", "fal", "runpod"};
enum { PROVIDERS = sizeof providers / sizeof providers[0] };

static void set_provider(struct swarm *swarm, unsigned number, const char *name, bool calls_back)
{
    char *place = swarm->provider_names[swarm->local_count + number];
    (void)span_copy(span_of(name), place, SWARM_NAME_SIZE);
    swarm->providers[swarm->local_count + number].name = place;
    swarm->vendors[number].traits = provider_find(span_of(name))->traits;
    swarm->vendors[number].traits.name = place;
    swarm->vendors[number].calls_back = calls_back;
    swarm->says_cost[number] = false; /* none of them does */
}

static void draw_providers(struct swarm *swarm, struct rng *rng)
{
    unsigned first = (unsigned)rng_below(rng, PROVIDERS);
    swarm->vendor_count = 1 + (unsigned)rng_below(rng, PROVIDERS);
    swarm->provider_count = swarm->local_count + swarm->vendor_count;
    for (unsigned n = 0; n < swarm->vendor_count; n++) {
        set_provider(swarm, n, providers[(first + n) % PROVIDERS], rng_below(rng, 2));
        swarm->signs[n] = rng_below(rng, 2);
    }
}

/* The swarm's number of the offer's provider; vendor_count: it is not among them. */
static unsigned vendor_of(const struct swarm *swarm, const struct offer *offer)
{
    unsigned n = 0;
    while (n < swarm->vendor_count &&
           strcmp(swarm->vendors[n].traits.name, offer->provider->name) != 0)
        n++;
    return n;
}

/* Its offers at the swarm's vendors, from any of them on, and not always all. False: it has none.
 */
static bool draw_route(struct swarm *swarm, unsigned number, const struct model *model,
                       struct rng *rng)
{
    struct swarm_route route = {.count = 0};
    unsigned size = 0, first = (unsigned)rng_below(rng, model->offer_count);
    unsigned most = 1 + (unsigned)rng_below(rng, SWARM_OFFERS_MAX);
    for (unsigned n = 0; n < model->offer_count && route.count < most; n++) {
        const struct offer *offer = model->offers[(first + n) % model->offer_count];
        unsigned vendor = vendor_of(swarm, offer);
        if (vendor == swarm->vendor_count)
            continue;
        unsigned at = route.count++;
        route.vendors[at] = vendor;
        route.prices[at] = rng_below(rng, 5) == 0   ? -1
                           : rng_below(rng, 8) == 0 ? 0
                                                    : 1000 + (int64_t)rng_below(rng, PRICE_SPREAD);
        int written = snprintf(route.text + size, sizeof route.text - size, "%s\t%lld\t%s\n",
                               offer->provider->name, (long long)route.prices[at], offer->slug);
        size += (unsigned)written;
        swarm->models[number].providers[at] = swarm->vendors[vendor].traits.name;
    }
    swarm->routes[number] = route;
    return route.count > 0;
}

static void set_model(struct swarm *swarm, unsigned number, const struct wire_model *model)
{
    (void)span_copy(span_of(model->model->id), swarm->model_names[number], SWARM_NAME_SIZE);
    swarm->inputs[number] = model->input;
    swarm->model_provider[number] = swarm->local_count + swarm->routes[number].vendors[0];
}

static void draw_models(const struct wire_book *book, struct swarm *swarm, struct rng *rng)
{
    unsigned count = 0, wanted = swarm->model_count, first = (unsigned)rng_below(rng, WIRE_MODELS);
    for (unsigned n = 0; n < WIRE_MODELS && count < wanted; n++) {
        /* Five is prime to their number: from any of them on it comes to all. */
        const struct wire_model *drawn = &book->models[(first + 5 * n) % WIRE_MODELS];
        memset(swarm->models[count].providers, 0, sizeof swarm->models[count].providers);
        if (!draw_route(swarm, count, drawn->model, rng))
            continue;
        set_model(swarm, count++, drawn);
    }
    swarm->model_count = count;
}

void wire_book_draw(const struct wire_book *book, struct swarm *swarm)
{
    struct rng rng;
    rng_init(&rng, swarm->seed ^ UINT64_C(0xFACEFACEFACE));
    draw_providers(swarm, &rng);
    draw_models(book, swarm, &rng);
    swarm_draw_limits(swarm, &rng);
    swarm->config.vendor_count = swarm->vendor_count;
    swarm->config.provider_count = swarm->provider_count;
    swarm->config.model_count = swarm->model_count;
}

void wire_book_corner(const struct wire_book *book, unsigned class, struct swarm *swarm)
{
    struct rng rng;
    rng_init(&rng, class);
    set_provider(swarm, 0, providers[class / 2 % PROVIDERS], class % 2);
    swarm->signs[0] = true;
    (void)draw_route(swarm, 0, book->models[0].model, &rng); /* all of them offer it */
    set_model(swarm, 0, &book->models[0]);
}
