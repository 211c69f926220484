#include "core/trace_story_private.h"

#include <stdio.h>
#include <string.h>

/* The bits of a comma-separated list of names. */
static unsigned bits_of(struct trace_story *story, const char *text, const char *const *names,
                        unsigned count)
{
    unsigned bits = 0;
    struct span rest = span_of(text), part;
    while (span_take(&rest, ',', &part)) {
        unsigned n = 0;
        while (n < count && !span_is(part, names[n]))
            n++;
        if (n == count)
            story->fault = "not a name of the list";
        bits |= n < count ? 1u << n : 0;
    }
    return bits;
}

static bool forget_vendor(struct trace_story *story, const char *name)
{
    for (unsigned n = 0; n < story->config.vendor_count; n++) {
        if (strcmp(story->vendors[n].traits.name, name) == 0) {
            story->vendors[n] = story->vendors[--story->config.vendor_count];
            return true;
        }
    }
    return false;
}

/* vendor NAME can=KEY,CANCEL [calls-back] [key-kept=MS] [list-kept=MS] [result-kept=MS]
 * [reads=N]
 * vendor NAME gone */
bool trace_story_vendor(struct trace_story *story, const struct words *words)
{
    static const char *const names[] = {
#define NAME(name) #name,
        CAN_LIST(NAME)
#undef NAME
    };
    if (strcmp(trace_story_word(words, 2), "gone") == 0)
        return forget_vendor(story, trace_story_word(words, 1));
    if (story->config.vendor_count == TRACE_STORY_LIMITS)
        return false;
    struct core_vendor *vendor = &story->vendors[story->config.vendor_count++];
    const char *can = trace_story_option(words, "can");
    const char *key = trace_story_option(words, "key-kept");
    const char *list = trace_story_option(words, "list-kept");
    const char *result = trace_story_option(words, "result-kept");
    const char *reads = trace_story_option(words, "reads");
    *vendor = (struct core_vendor){
        .traits = {.name = arena_copy(&story->limits, span_of(trace_story_word(words, 1))),
                   .can = can ? bits_of(story, can, names, CAN_BITS) : 0,
                   .key_kept = key ? trace_story_number(story, key) : MS_DAY,
                   .list_kept = list ? trace_story_number(story, list) : MS_HOUR,
                   .result_kept = result ? trace_story_number(story, result) : MS_HOUR,
                   .url_kept = MS_HOUR,
                   .poll_min = MS_SECOND,
                   .poll_first = 5 * MS_SECOND,
                   .poll_last = 30 * MS_SECOND},
        .reads_limit = reads ? (unsigned)trace_story_number(story, reads) : 0};
    for (unsigned n = 2; n < words->count; n++)
        vendor->calls_back |= strcmp(words->list[n], "calls-back") == 0;
    return true;
}

/* budget NAME MICROS PERIOD */
bool trace_story_budget(struct trace_story *story, const struct words *words)
{
    struct core_config *config = &story->config;
    struct core_budget *budget = &story->budgets[config->budget_count];
    if (config->budget_count == TRACE_STORY_LIMITS ||
        !tenant_period_find(span_of(trace_story_word(words, 3)), &budget->period))
        return false;
    budget->provider = arena_copy(&story->limits, span_of(trace_story_word(words, 1)));
    budget->amount = trace_story_number(story, trace_story_word(words, 2));
    config->budgets = story->budgets;
    config->budget_count++;
    return true;
}

/* route=fal:400000,replicate:-1 [flags=resubmit,retry-billed,no-fallback] [api-key=NAME] */
void trace_story_route(struct trace_story *story, const struct words *words, struct asked *asked)
{
    static const char *const flags[] = {"resubmit", "retry-billed", "no-fallback"};
    const char *text = trace_story_option(words, "route");
    const char *flag = trace_story_option(words, "flags");
    asked->api_key = trace_story_option(words, "api-key");
    asked->flags = flag ? bits_of(story, flag, flags, 3) : 0;
    if (!text)
        return;
    struct buffer route;
    buffer_init(&route, JOB_ROUTE_MAX);
    struct span rest = span_of(text), part;
    while (span_take(&rest, ',', &part)) {
        struct span price = part, name;
        if (!span_take(&price, ':', &name))
            story->fault = "it goes: route=NAME:PRICE";
        if (!asked->route.size && route.size == 0)
            asked->provider = arena_copy(&story->arena, name);
        int64_t micros = -1;
        (void)span_integer(price, -1, INT64_MAX, &micros);
        asked->price_unknown |= micros < 0;
        asked->price_max = micros > asked->price_max ? micros : asked->price_max;
        buffer_print(&route, "%.*s\t%.*s\tslug\n", SPAN_PRINT(name), SPAN_PRINT(price));
    }
    asked->route = span_of(arena_copy(&story->arena, buffer_span(&route)));
    buffer_done(&route);
}

static bool find_kind(const char *word, enum told_kind *ret_kind)
{
    for (int kind = 0; kind < TOLD_COUNT; kind++) {
        if (strcmp(told_name((enum told_kind)kind), word) == 0) {
            *ret_kind = (enum told_kind)kind;
            return true;
        }
    }
    return false;
}

static void add_found(struct told *told, const char *id, bool exact)
{
    struct told_found *found = &told->found[told->found_count++];
    (void)span_copy(span_of(id), found->remote_id, sizeof found->remote_id);
    found->exact = exact;
}

/* Words behind the kind: id=X progress=N stage=TEXT files=N cost=N after=MS text=TEXT again billed,
 * an error's name, and of a search exact=ID likely=ID. */
static void read_word(struct trace_story *story, struct told *told, const char *word)
{
    const char *value = strchr(word, '=');
    struct span name = value ? span_make(word, (size_t)(value - word)) : span_of(word);
    value = value ? value + 1 : "";
    if (span_is(name, "id"))
        (void)span_copy(span_of(value), told->remote_id, sizeof told->remote_id);
    else if (span_is(name, "progress"))
        told->progress = (int)trace_story_number(story, value);
    else if (span_is(name, "stage"))
        (void)span_copy(span_of(value), told->stage, sizeof told->stage);
    else if (span_is(name, "text"))
        told_say(told, span_of(value));
    else if (span_is(name, "files"))
        told->file_count = (unsigned)trace_story_number(story, value);
    else if (span_is(name, "cost"))
        told->cost = trace_story_number(story, value);
    else if (span_is(name, "after"))
        told->after = trace_story_number(story, value);
    else if (span_is(name, "exact") || span_is(name, "likely"))
        add_found(told, value, span_is(name, "exact"));
    else if (span_is(name, "again"))
        told->again = true;
    else if (span_is(name, "billed"))
        told->billed = true;
    else if (!error_find(name, &told->error))
        story->fault = "not a word about what a provider told";
}

/* told j1.1 CALL [unsent] KIND … [claimed] [asked=ID] */
static void read_heard(struct trace_story *story, const struct words *words, struct event *event)
{
    static const char *const calls[] = {"submit", "poll", "result", "cancel", "find", "health"};
    struct told *told = arena_new(&story->arena, struct told);
    struct heard *heard = &event->heard;
    event->kind = EVENT_TOLD;
    *heard = (struct heard){.sent = true, .told = told};
    heard->job = trace_story_job(story, trace_story_word(words, 1), &heard->attempt);
    told_init(told);
    while (heard->call < PROVIDER_CALL_HEALTH &&
           strcmp(calls[heard->call], trace_story_word(words, 2)) != 0)
        heard->call++;
    unsigned n = 3;
    if (strcmp(trace_story_word(words, n), "unsent") == 0) {
        heard->sent = false;
        n++;
    }
    if (!find_kind(trace_story_word(words, n), &told->kind))
        story->fault = "what was told?";
    for (n++; n < words->count; n++) {
        if (strcmp(words->list[n], "claimed") == 0)
            heard->claimed = 1;
        else if (strncmp(words->list[n], "asked=", 6) == 0)
            heard->remote_id = words->list[n] + 6;
        else
            read_word(story, told, words->list[n]);
    }
}

static void read_resolve(struct trace_story *story, const struct words *words, struct event *event)
{
    static const char *const acts[] = {"link", "resubmit", "give-up"};
    event->kind = EVENT_RESOLVE_ASKED;
    event->resolve_asked = (struct resolve_asked){
        .token = (uint64_t)trace_story_number(story, trace_story_word(words, 1) + 1),
        .tenant = trace_story_word(words, 2),
        .remote_id = trace_story_word(words, 5),
        .ended = ATTEMPT_UNKNOWN,
        .claimed = strcmp(trace_story_word(words, 6), "claimed") == 0,
    };
    event->resolve_asked.job =
        trace_story_job(story, trace_story_word(words, 3), &event->resolve_asked.attempt);
    if (strcmp(trace_story_word(words, 6), "done") == 0)
        event->resolve_asked.ended = ATTEMPT_DONE;
    int act = 0;
    while (act < 2 && strcmp(acts[act], trace_story_word(words, 4)) != 0)
        act++;
    event->resolve_asked.act = (enum resolve_act)act;
}

bool trace_story_vendor_event(struct trace_story *story, const struct words *words,
                              struct event *event)
{
    const char *first = trace_story_word(words, 0);
    if (strcmp(first, "told") == 0) {
        read_heard(story, words, event);
    } else if (strcmp(first, "hint") == 0) {
        event->kind = EVENT_HINTED;
        event->hinted = (struct hinted){.remote_id = trace_story_word(words, 2)};
        event->hinted.job =
            trace_story_job(story, trace_story_word(words, 1), &event->hinted.attempt);
    } else if (strcmp(first, "stream") == 0 || strcmp(first, "stream-ends") == 0) {
        event->kind = EVENT_STREAMED;
        event->streamed = (struct streamed){.is_open = strcmp(first, "stream") == 0};
        event->streamed.job =
            trace_story_job(story, trace_story_word(words, 1), &event->streamed.attempt);
    } else if (strcmp(first, "resolve") == 0) {
        read_resolve(story, words, event);
    } else if (strcmp(first, "pause") == 0 || strcmp(first, "go-on") == 0) {
        event->kind = EVENT_VENDOR_ASKED;
        event->vendor_asked = (struct vendor_asked){
            .token = (uint64_t)trace_story_number(story, trace_story_word(words, 1) + 1),
            .provider = trace_story_word(words, 2),
            .pause = strcmp(first, "pause") == 0,
        };
    } else {
        return false;
    }
    return true;
}
