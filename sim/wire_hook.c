/* Calls back, as bytes: the dialect words them, the vendor signs them, the adapter reads them. */
#include "app/hook_sign.h"
#include "provider/signature.h"
#include "vendor_private.h"
#include "wire_book.h"
#include "wire_private.h"

#include <string.h>

enum { HOOK_BODY_MAX = 1 << 20, HOOK_SKEW_MS = SIGNATURE_TOLERANCE_MS - 2000 };

/* Texts that the headers borrow. */
struct signature {
    char timestamp[SPAN_NUMBER_SIZE + 1];
    char fal[2 * CRYPTO_ED25519_SIGNATURE + 1];
    struct buffer standard;
};

static void add(struct http_request *request, const char *name, const char *value)
{
    request->headers[request->header_count++] = (struct http_header){span_of(name), span_of(value)};
}

static void sign(const struct world *world, const char *provider, const char *id, bool is_wrong,
                 struct signature *signature, struct http_request *request)
{
    int64_t seconds = (WORLD_EPOCH + world->time) / MS_SECOND;
    size_t size = span_write_number(seconds, signature->timestamp);
    signature->timestamp[size] = '\0';
    buffer_init(&signature->standard, 1024);
    struct span body = is_wrong ? SPAN("something else") : request->body;
    if (strcmp(provider, "replicate") == 0) {
        (void)hook_sign(wire_book_whsec, "msg_1", seconds, body, &signature->standard);
        buffer_add_byte(&signature->standard, '\0');
        add(request, "webhook-id", "msg_1");
        add(request, "webhook-timestamp", signature->timestamp);
        add(request, "webhook-signature", signature->standard.data);
    } else if (strcmp(provider, "fal") == 0) {
        struct buffer head;
        buffer_init(&head, 512);
        buffer_print(&head, "%s\nuser\n%s\n", id, signature->timestamp);
        hook_sign_fal(world->book->fal_seed, buffer_span(&head), body, signature->fal);
        buffer_done(&head);
        add(request, "x-fal-webhook-request-id", id);
        add(request, "x-fal-webhook-user-id", "user");
        add(request, "x-fal-webhook-timestamp", signature->timestamp);
        add(request, "x-fal-webhook-signature", signature->fal);
    }
}

/* As somebody words it who knows the path and the protocol, and has no key. */
static void forge(const char *provider, const char *id, struct buffer *body)
{
    buffer_print(body, "{\"%s\":\"%s\",\"status\":\"%s\"}",
                 strcmp(provider, "fal") == 0 ? "request_id" : "id", id,
                 strcmp(provider, "replicate") == 0 ? "succeeded" : "COMPLETED");
}

static void check(struct world *world, const struct vendor_call *call, bool is_signed,
                  bool is_heard, const struct told *told)
{
    const struct ledger_entry *entry = call->id ? world->ledger.entries[call->id - 1] : NULL;
    ms_t skew = world_wall(world) - (WORLD_EPOCH + world->time);
    bool is_late = skew < -HOOK_SKEW_MS || skew > HOOK_SKEW_MS;
    if (call->is_forged) {
        if (is_signed && is_heard)
            world_fail(world, "L3", call->job, "a call back without a good signature is believed");
    } else if (!is_heard && !is_late) {
        world_fail(world, "L3", call->job, "a good call back is refused");
    } else if (is_heard && !span_is(span_of(told->remote_id), entry->name)) {
        world_fail(world, "L3", call->job, "a call back of %s is heard as of %s", entry->name,
                   told->remote_id);
    }
}

bool wire_hint(struct world *world, const struct vendor_call *call, struct told *ret_told)
{
    const struct ledger_entry *entry = call->id ? world->ledger.entries[call->id - 1] : NULL;
    const char *id = entry ? entry->name : rng_below(&world->rng, 2) ? "nobody" : "";
    unsigned vendor = call->is_forged ? call->vendor : entry->vendor;
    const char *name = vendor_traits(world, vendor)->name;
    const struct provider *provider = provider_find(span_of(name));
    struct secret secret =
        world->swarm.signs[vendor] ? wire_book_secret(world->book, name) : (struct secret){NULL, 0};
    bool is_signed = secret.size > 0;
    if (plant_forgets_key(world))
        secret = (struct secret){NULL, 0};
    struct http_request request = {.method = HTTP_POST};
    struct signature signature;
    struct buffer body;
    struct arena arena;
    arena_init(&arena);
    buffer_init(&body, HOOK_BODY_MAX);
    if (call->is_forged) {
        forge(name, id, &body);
    } else {
        struct job *job = arena_new(&arena, struct job);
        const struct face face = {.scene = {.catalog = world->book->catalog,
                                            .now = WORLD_EPOCH + world->time,
                                            .arena = &arena}};
        wire_fill_job(world, entry, -1, job);
        face_call_back(&face, name, job, &body);
    }
    request.body = buffer_span(&body);
    sign(world, name, id, call->is_forged, &signature, &request);
    bool is_heard = provider->read_hook(&request, secret, world_wall(world), &arena, ret_told);
    check(world, call, is_signed, is_heard, ret_told);
    buffer_done(&signature.standard);
    buffer_done(&body);
    arena_done(&arena);
    return is_heard;
}
