#include "wire.h"

#include "base/memory.h"
#include "catalog/mapping.h"
#include "core/route.h"
#include "face.h"
#include "oracle.h"
#include "provider/question.h"
#include "vendor_private.h"
#include "wire_book.h"
#include "wire_private.h"

#include <string.h>

enum { WIRE_BODY_MAX = 4 << 20 };

static const char *const call_names[] = {
    [PROVIDER_CALL_SUBMIT] = "submission",     [PROVIDER_CALL_POLL] = "poll",
    [PROVIDER_CALL_RESULT] = "call for files", [PROVIDER_CALL_CANCEL] = "cancel",
    [PROVIDER_CALL_FIND] = "search",           [PROVIDER_CALL_HEALTH] = "look at health",
};

/* ---------------------------------------------------------------- the pool */

void wire_init(struct world *world)
{
    if (!world->book)
        return;
    world->wires = memory_new(struct wires);
    arena_init(&world->wires->said);
}

static void clear(struct wire *wire)
{
    face_done(&wire->face);
    json_decref(wire->mapped);
    wire->mapped = NULL;
    wire->face.call = (struct call){.kind = CALL_NONE};
    arena_clear(&wire->arena);
}

void wire_done(struct world *world)
{
    struct wires *wires = world->wires;
    if (!wires)
        return;
    while (wires->all) {
        struct wire *wire = wires->all;
        wires->all = wire->older;
        clear(wire);
        arena_done(&wire->arena);
        buffer_done(&wire->body);
        memory_free(wire);
    }
    arena_done(&wires->said);
    memory_free(wires);
}

bool wire_is_on(const struct world *world)
{
    return world->wires != NULL;
}

static struct wire *make(struct wires *wires)
{
    struct wire *wire = wires->free;
    if (wire) {
        wires->free = wire->next_free;
    } else {
        wire = memory_new(struct wire);
        arena_init(&wire->arena);
        buffer_init(&wire->body, WIRE_BODY_MAX);
        wire->older = wires->all;
        wires->all = wire;
    }
    return wire;
}

void wire_close(struct world *world, struct vendor_call *call)
{
    struct wire *wire = call->wire;
    if (!wire)
        return;
    clear(wire);
    wire->next_free = world->wires->free;
    world->wires->free = wire;
    call->wire = NULL;
}

void wire_turn(struct world *world)
{
    if (world->wires)
        arena_clear(&world->wires->said);
}

/* Which providers are told apart by what they take for equal, so is the prompt. */
void wire_write_input(struct world *world, struct submission *submission)
{
    struct ledger *ledger = &world->ledger;
    if (!world->book)
        return;
    const char *text = world->swarm.inputs[submission->model], *at = strchr(text, '@');
    submission->input = arena_print(&ledger->arena, "%.*sA boat, take %llu.%s", (int)(at - text),
                                    text, (unsigned long long)submission->fingerprint, at + 1);
}

/* ---------------------------------------------------------------- asking */

static const struct offer *find_offer(const struct world *world, const struct job *job)
{
    const struct model *model = catalog_find(world->book->catalog, span_of(job->model));
    struct route_offer wanted = {.price = 0};
    (void)route_read(job->route, job->attempt.offer, &wanted);
    for (unsigned n = 0; model && n < model->offer_count; n++) {
        const struct offer *offer = model->offers[n];
        if (strcmp(offer->provider->name, job->attempt.provider) == 0 &&
            span_is(wanted.slug, offer->slug))
            return offer;
    }
    return NULL;
}

/* An endpoint is called by the name of its variable. */
static const char *variable(const char *name)
{
    return name;
}

static const char *hook_url(const struct world *world, const struct vendor_call *call,
                            const struct job *job, struct arena *arena)
{
    const struct core_vendor *vendor = &world->swarm.vendors[call->vendor];
    return vendor->calls_back ? arena_print(arena, "https://me.ex/callbacks/%s/%s.%u.%s",
                                            vendor->traits.name, job->id, call->attempt, "mark")
                              : NULL;
}

static void prepare(struct wire *wire)
{
    question_request(&wire->question, &wire->request);
    wire->how = WIRE_SILENT;
    wire->is_told = false;
}

void wire_open(struct world *world, struct vendor_call *call, const struct effect *effect)
{
    const struct job *job = effect->on.job;
    char fault[JSON_FAULT_SIZE];
    if (!world->wires)
        return;
    const struct offer *offer = find_offer(world, job);
    if (!offer) {
        world_fail(world, "L3", job->key, "its offer is not in the catalogue");
        return;
    }
    struct wire *wire = call->wire = make(world->wires);
    struct arena *arena = &wire->arena;
    bool needs_input = call->call == PROVIDER_CALL_SUBMIT || call->call == PROVIDER_CALL_FIND;
    if (needs_input) {
        json_t *input = json_read(span_of(job->input), fault);
        wire->mapped = mapping_apply(offer, input, span_of(job->id));
        json_decref(input);
        plant_ask(world, wire);
    }
    const char *id = effect->on.remote_id ? effect->on.remote_id : job->attempt.remote_id;
    wire->question = (struct question){
        .provider = provider_find(span_of(job->attempt.provider)),
        .ask =
            {
                .offer = offer,
                .base_url = face_base_url(job->attempt.provider),
                .endpoint = offer->endpoint_variable ? offer->endpoint_variable : "",
                .job_id = arena_copy(arena, span_of(job->id)),
                .mark = "mark",
                .input = wire->mapped,
                .hook_url = hook_url(world, call, job, arena),
                .sent_at = job->attempt.intent_at,
                .asked_at = effect->on.asked_at,
                .run_limit = world->swarm.config.timeout,
                .arena = arena,
            },
        .call = call->call,
        .remote_id = arena_copy(arena, span_of(id)),
        .handle = arena_copy(arena, span_of(job->attempt.handle)),
        .page = "",
    };
    prepare(wire);
}

/* ---------------------------------------------------------------- what arrives */

static const char *check_ask(const struct world *world, const struct vendor_call *call)
{
    const struct wire *wire = call->wire;
    const struct call_ask *ask = &wire->face.call.ask;
    const struct ledger_job *job = ledger_find_job(&world->ledger, call->job);
    const char *url = wire->question.ask.hook_url;
    struct buffer text;
    if (wire->face.call.kind != CALL_ASK)
        return "is no submission";
    if (strcmp(ask->model->id, world->swarm.model_names[job->model]) != 0)
        return "is for another model";
    if (!span_is(ask->hook_url, url ? url : ""))
        return "has another webhook";
    buffer_init(&text, WIRE_BODY_MAX);
    json_canonical(ask->input, &text);
    bool is_same = span_is(buffer_span(&text), job->submission->input);
    buffer_done(&text);
    return is_same ? NULL : "has another input";
}

/* NULL: it means what is meant. */
static const char *check_call(const struct world *world, const struct vendor_call *call)
{
    const struct wire *wire = call->wire;
    const struct call *read = &wire->face.call;
    switch (wire->question.call) {
    case PROVIDER_CALL_SUBMIT:
        return check_ask(world, call);
    case PROVIDER_CALL_FIND:
        return read->kind == CALL_LIST ? NULL : "is no search";
    case PROVIDER_CALL_CANCEL:
        if (read->kind != CALL_CANCEL)
            return "is no cancel";
        break;
    case PROVIDER_CALL_POLL:
    case PROVIDER_CALL_RESULT:
        if (read->kind != CALL_STATUS)
            return "is no poll";
        break;
    case PROVIDER_CALL_HEALTH:
        return "is about nobody";
    }
    return span_is(read->job_id, wire->question.remote_id) ? NULL : "is about another";
}

bool wire_arrive(struct world *world, struct vendor_call *call)
{
    struct wire *wire = call->wire;
    const char *name = call_names[wire->question.call];
    wire->face.scene = (struct dialect_scene){.catalog = world->book->catalog,
                                              .now = WORLD_EPOCH + world->time,
                                              .arena = &wire->arena,
                                              .variable = variable};
    call_done(&wire->face.call);
    const char *problem = face_read(&wire->face, &wire->request) ? NULL : "has no route";
    /* An id that no vendor gave is none for the dialect, either. */
    bool is_unknown = !problem && wire->face.faults.code == ERROR_NOT_FOUND && call->id == 0 &&
                      wire->question.call != PROVIDER_CALL_SUBMIT;
    if (!problem && !is_unknown)
        problem =
            faults_any(&wire->face.faults) ? wire->face.faults.sentence : check_call(world, call);
    if (problem)
        world_fail(world, "L3", call->job, "%s's %s as the dialect reads it: %s",
                   wire->question.provider->traits.name, name, problem);
    return !problem;
}

/* ---------------------------------------------------------------- what comes back */

/* What both sides can say of it; NULL: they agree. */
static const char *check_same(const struct world *world, const struct vendor_call *call,
                              const struct told *told)
{
    const struct ledger_entry *entry = call->entry;
    bool is_end =
        told->kind == TOLD_DONE || told->kind == TOLD_FAILED || told->kind == TOLD_STOPPED;
    if (told->kind != call->kind)
        return "is of another kind";
    if (entry && !span_is(span_of(told->remote_id), entry->name))
        return "names another id";
    if (told->kind == TOLD_DONE && told->file_count != call->has_file)
        return "names other files";
    if (told->kind == TOLD_DONE && call->has_file &&
        wire_find_file(world, told->files[0].url) != entry->index + 1)
        return "names another's file";
    if (is_end && told->kind != TOLD_DONE && told->billed != call->billed)
        return "says otherwise what it costs";
    if (told->kind == TOLD_RUNNING && call->progress > 0 && told->progress != call->progress)
        return "says otherwise how far it is";
    if (told->kind == TOLD_FAILED && told->error != call->error)
        return "says otherwise why it failed";
    return NULL;
}

/* Of what a search lists, the adapter takes its own, or else those that look so. */
static const char *check_found(const struct world *world, const struct vendor_call *call,
                               const struct told *told)
{
    const struct ledger_entry *own = NULL;
    const struct wire *wire = call->wire;
    const struct ledger_job *job = ledger_find_job(&world->ledger, call->job);
    for (unsigned n = 0; n < wire->listed_count; n++) {
        const struct ledger_entry *entry = wire->listed[n];
        if (entry->job == call->job && entry->attempt == call->attempt && wire->shows_inputs[n])
            own = entry;
    }
    if (told->kind != TOLD_FOUND)
        return own ? "does not see its own" : NULL;
    for (unsigned n = 0; n < told->found_count; n++) {
        const struct ledger_entry *entry =
            ledger_find_entry(&world->ledger, told->found[n].remote_id);
        bool is_own = entry && entry->job == call->job && entry->attempt == call->attempt;
        if (!entry || entry->vendor != call->vendor)
            return "finds what is not there";
        if (told->found[n].exact && !is_own)
            return "takes another's for its own";
        if (entry->fingerprint != job->submission->fingerprint)
            return "finds what is not alike";
    }
    return NULL;
}

/* What an answer as it was meant may be taken for, beside its meaning. */
static bool may_say_nothing(const struct vendor_call *call)
{
    const struct wire *wire = call->wire;
    bool is_read = wire->question.call != PROVIDER_CALL_SUBMIT;
    bool is_cancel = wire->question.call == PROVIDER_CALL_CANCEL;
    return (call->kind == TOLD_LATER && is_read) || is_cancel;
}

static const char *check_told(const struct world *world, const struct vendor_call *call,
                              const struct told *told)
{
    const struct wire *wire = call->wire;
    bool is_harmed = wire->how != WIRE_WHOLE;
    if (is_harmed)
        return told->kind == TOLD_NOTHING ? NULL : "is taken for a word";
    if (wire->question.call == PROVIDER_CALL_FIND)
        return call->kind == TOLD_LATER ? NULL : check_found(world, call, told);
    if (told->kind == TOLD_NOTHING && may_say_nothing(call))
        return NULL;
    /* How it ended, and what it costs, is a poll's to tell. */
    if (wire->question.call == PROVIDER_CALL_CANCEL && told->kind == TOLD_RUNNING)
        return NULL;
    return check_same(world, call, told);
}

static struct span keep(struct arena *arena, struct span text)
{
    return text.size ? span_make(arena_copy(arena, text), text.size) : (struct span){0};
}

const struct told *wire_hear(struct world *world, struct vendor_call *call)
{
    struct wire *wire = call->wire;
    struct told *told = &wire->told;
    if (!wire->is_told) {
        bool goes_on = false;
        if (wire->how != WIRE_SILENT && plant_read(world, wire))
            goes_on = false;
        else if (wire->how == WIRE_SILENT)
            question_silence(&wire->question, false, SPAN("No answer came."), told);
        else
            goes_on = question_read(&wire->question, &wire->response, told);
        if (goes_on) {
            prepare(wire);
            return NULL;
        }
        wire->is_told = true;
        const char *problem = check_told(world, call, told);
        if (problem)
            world_fail(world, "L3", call->job, "%s's answer to %s, %s, was heard as %s: it %s",
                       wire->question.provider->traits.name, call_names[wire->question.call],
                       told_name(call->kind), told_name(told->kind), problem);
    }
    for (unsigned n = 0; n < told->file_count; n++)
        told->files[n].url = keep(&world->wires->said, told->files[n].url);
    return told;
}

unsigned wire_find_file(const struct world *world, struct span url)
{
    static const char start[] = "http://r.ex/outputs/";
    char name[ID_SIZE];
    size_t size = sizeof start - 1;
    if (!span_starts(url, start))
        return 0;
    struct span rest = {url.data + size, url.size - size}, id;
    if (!span_take(&rest, '/', &id) || !span_copy(id, name, sizeof name))
        return 0;
    const struct ledger_entry *entry = ledger_find_entry(&world->ledger, name);
    return entry ? entry->index + 1 : 0;
}
