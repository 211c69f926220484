/* The vendor's half of a wire: its books in the words of a dialect, and what befalls an answer on
 * its way. */
#include "vendor_private.h"
#include "wire_private.h"

#include <string.h>

enum { HARM_BYTES = 64 };

/* ---------------------------------------------------------------- its books */

/* What each takes money for, as its protocol tells it: replicate and RunPod for time on a machine,
 * fal for what its type of error says. */
void wire_settle(const struct world *world, struct ledger_entry *entry)
{
    if (!world->book || entry->outcome == TOLD_DONE)
        return;
    const char *name = vendor_traits(world, entry->vendor)->name;
    bool is_fal = strcmp(name, "fal") == 0;
    if (entry->outcome == TOLD_FAILED && strcmp(name, "runpod") == 0)
        entry->error = ERROR_PROVIDER_FAILED; /* it has a text for it, and no more */
    if (is_fal)
        entry->billed = entry->outcome == TOLD_FAILED && !entry->again;
    else if (entry->outcome == TOLD_STOPPED)
        entry->billed = entry->runs_at < entry->ends_at;
    else if (!entry->billed || entry->ends_at - entry->runs_at < 1)
        entry->runs_at = entry->ends_at; /* it never came to a machine */
    if (!is_fal)
        entry->billed = entry->runs_at < entry->ends_at;
}

void wire_accept(struct world *world, struct vendor_call *call, struct ledger_entry *entry)
{
    struct ledger *ledger = &world->ledger;
    if (!call->wire)
        return;
    const struct ledger_entry *last =
        ledger->entry_count > 1 ? ledger->entries[ledger->entry_count - 2] : NULL;
    entry->key = id_next_key(last ? last->key : 0, WORLD_EPOCH + world->time);
    id_write("gen_", entry->key, rng_next(&world->rng), entry->name);
    struct span options = call->wire->face.call.ask.options;
    entry->options = options.size ? arena_copy(&ledger->arena, options) : NULL;
    wire_settle(world, entry);
}

static enum state state_of(const struct world *world, const struct ledger_entry *entry)
{
    if (!vendor_is_over(world, entry))
        return world->time < entry->runs_at ? STATE_QUEUED : STATE_RUNNING;
    return entry->outcome == TOLD_DONE     ? STATE_SUCCEEDED
           : entry->outcome == TOLD_FAILED ? STATE_FAILED
                                           : STATE_CANCELED;
}

void wire_fill_job(const struct world *world, const struct ledger_entry *entry, int progress,
                   struct job *ret_job)
{
    const struct ledger_job *job = ledger_find_job(&world->ledger, entry->job);
    *ret_job = (struct job){.key = entry->key, .state = state_of(world, entry)};
    (void)span_copy(span_of(entry->name), ret_job->id, sizeof ret_job->id);
    (void)span_copy(span_of(world->swarm.model_names[job->model]), ret_job->model,
                    sizeof ret_job->model);
    ret_job->created_at = WORLD_EPOCH + entry->at;
    ret_job->input = (char *)(uintptr_t)job->submission->input;
    ret_job->options = (char *)(uintptr_t)entry->options;
    if (entry->runs_at < entry->ends_at && entry->runs_at <= world->time)
        ret_job->started_at = WORLD_EPOCH + entry->runs_at;
    if (ret_job->state == STATE_RUNNING)
        ret_job->progress = progress > 0 ? progress : 0;
    if (!state_is_terminal(ret_job->state))
        return;
    ret_job->ended_at = WORLD_EPOCH + entry->ends_at;
    ret_job->error = entry->error;
    if (ret_job->state != STATE_SUCCEEDED || entry->is_empty)
        return;
    ret_job->output_count = 1;
    (void)span_copy(SPAN("output.mp4"), ret_job->outputs[0].name, JOB_NAME_SIZE);
    (void)span_copy(SPAN("video/mp4"), ret_job->outputs[0].content_type, JOB_TYPE_SIZE);
}

/* ---------------------------------------------------------------- a search */

static bool is_listed(const struct world *world, const struct vendor_call *call,
                      const struct ledger_entry *entry)
{
    const struct call *asked = &call->wire->face.call;
    const struct ledger_job *job = ledger_find_job(&world->ledger, entry->job);
    bool is_page =
        (!asked->before || entry->key < asked->before) && WORLD_EPOCH + entry->at >= asked->since;
    bool is_of = asked->filter_model.size == 0 ||
                 span_is(asked->filter_model, world->swarm.model_names[job->model]);
    /* What ended and is shown, where the list shows no others. */
    bool is_shown =
        vendor_traits(world, call->vendor)->can & CAN_FIND_ABSENCE || vendor_is_over(world, entry);
    return entry->vendor == call->vendor && !entry->is_forgotten && is_page && is_of && is_shown;
}

/* Newest first, a page of it. */
void wire_list(struct world *world, struct vendor_call *call)
{
    struct wire *wire = call->wire;
    const struct can_vendor *traits = vendor_traits(world, call->vendor);
    unsigned limit =
        wire->face.call.limit < REPLICATE_PAGE ? wire->face.call.limit : (unsigned)REPLICATE_PAGE;
    wire->listed_count = 0;
    wire->next = 0;
    for (size_t n = world->ledger.entry_count; n > 0; n--) {
        struct ledger_entry *entry = world->ledger.entries[n - 1];
        if (WORLD_EPOCH + entry->at < wire->face.call.since)
            break;
        if (!is_listed(world, call, entry))
            continue;
        if (wire->listed_count == limit) {
            wire->next = wire->listed[limit - 1]->key;
            break;
        }
        wire->shows_inputs[wire->listed_count] = world->time - entry->at < traits->list_kept;
        wire->listed[wire->listed_count++] = entry;
    }
    call->kind = wire->listed_count ? TOLD_FOUND : TOLD_ABSENT;
}

static void answer_list(const struct world *world, struct wire *wire, struct answer *answer)
{
    struct arena *arena = &wire->arena;
    const struct job **jobs = arena_make(arena, (wire->listed_count + 1) * sizeof(struct job *));
    for (unsigned n = 0; n < wire->listed_count; n++) {
        struct job *job = arena_new(arena, struct job);
        wire_fill_job(world, wire->listed[n], -1, job);
        if (!wire->shows_inputs[n])
            job->input = job->options = NULL;
        jobs[n] = job;
    }
    answer->jobs = jobs;
    answer->job_count = wire->listed_count;
    answer->next = wire->next;
}

/* ---------------------------------------------------------------- the answer as it is meant */

static enum error_code refusal_of(const struct vendor_call *call)
{
    if (call->kind == TOLD_LATER)
        return ERROR_RATE_LIMITED;
    if (call->kind == TOLD_GONE)
        return ERROR_NOT_FOUND;
    return call->error == ERROR_BAD_KEY         ? ERROR_NOT_AUTHORIZED
           : call->error == ERROR_OUT_OF_CREDIT ? ERROR_OVER_BUDGET
                                                : ERROR_VALIDATION;
}

static void write_meant(struct world *world, struct vendor_call *call,
                        const struct ledger_entry *entry)
{
    struct wire *wire = call->wire;
    struct job *job = arena_new(&wire->arena, struct job);
    const struct job *const jobs[] = {job};
    struct answer answer = {.retry_seconds = call->after / MS_SECOND};
    bool is_refusal =
        call->kind == TOLD_LATER || call->kind == TOLD_GONE || call->kind == TOLD_REFUSED;
    if (wire->face.call.kind == CALL_LIST && !is_refusal) {
        answer_list(world, wire, &answer);
    } else if (entry) {
        wire_fill_job(world, entry, call->progress, job);
        answer.jobs = jobs;
        answer.job_count = 1;
    }
    if (is_refusal) {
        faults_init(&wire->face.faults, &wire->arena);
        faults_refuse(&wire->face.faults, refusal_of(call), "It is refused.");
        answer.refusal = &wire->face.faults;
    }
    face_write(&wire->face, &answer, &wire->body, &wire->response);
    char date[TIME_HTTP_SIZE];
    time_write_http(WORLD_EPOCH + world->time, date);
    (void)http_response_add(&wire->response, "Date",
                            span_of(arena_copy(&wire->arena, span_of(date))));
    wire->how = WIRE_WHOLE;
}

/* ---------------------------------------------------------------- … and what becomes of it */

/* A gateway of theirs that stumbles, in all the ways that it can. */
static void write_rubbish(struct world *world, struct wire *wire)
{
    static const int statuses[] = {200, 500, 502, 503, 504, 408, 425};
    static const char *const bodies[] = {
        "",
        "<html><head><title>502 Bad Gateway</title></head><body></body></html>",
        "upstream connect error or disconnect/reset before headers",
        "[]",
        "null",
        "\"ok\"",
        "{\"message\":\"Internal Server Error\"}",
        "{\"status\":",
        "{\"id\":\"x\",\"id\":\"y\",\"status\":\"starting\",\"request_id\":\"z\"}",
    };
    enum {
        STATUSES = sizeof statuses / sizeof statuses[0],
        BODIES = sizeof bodies / sizeof *bodies
    };
    uint64_t body = rng_below(&world->rng, BODIES + 1);
    wire->response = (struct http_response){
        .status = statuses[rng_below(&world->rng, STATUSES)],
        .body = SPAN(""),
    };
    if (body < BODIES) {
        wire->response.body = span_of(bodies[body]);
    } else {
        char *bytes = arena_make(&wire->arena, HARM_BYTES);
        for (unsigned n = 0; n < HARM_BYTES; n++)
            bytes[n] = (char)rng_below(&world->rng, 256);
        wire->response.body = span_make(bytes, HARM_BYTES);
    }
    /* Files without a word of them are what a model makes of nothing: no harm that can be seen. */
    if (wire->question.call == PROVIDER_CALL_RESULT && wire->response.status == 200 && body == 6)
        wire->response.status = 500;
    static const char *const types[] = {"application/json", "text/html", "text/plain"};
    (void)http_response_add(&wire->response, "Content-Type",
                            span_of(types[rng_below(&world->rng, 3)]));
    if (rng_below(&world->rng, 4) == 0)
        (void)http_response_add(&wire->response, "Retry-After", SPAN("3"));
    wire->how = WIRE_HARMED;
}

/* The body ends before its end. */
static void cut(struct world *world, struct wire *wire)
{
    wire->response.body.size = (size_t)rng_below(&world->rng, wire->response.body.size);
    wire->how = WIRE_HARMED;
}

void wire_answer(struct world *world, struct vendor_call *call, bool is_lost)
{
    struct wire *wire = call->wire;
    wire->how = WIRE_SILENT;
    if (is_lost)
        return;
    wire->body.size = 0;
    wire->response = (struct http_response){.status = 0};
    if (call->kind != TOLD_NOTHING) {
        write_meant(world, call, call->entry);
        /* Whatever it is called, it is what it is. */
        if (world_has(world, SWARM_VENDOR_STUMBLES) && rng_below(&world->rng, 8) == 0)
            wire->response.headers[0].value = SPAN("text/html");
    } else if (call->lost && rng_below(&world->rng, 2)) {
        write_meant(world, call, call->lost);
        cut(world, wire);
    } else {
        write_rubbish(world, wire);
    }
}
