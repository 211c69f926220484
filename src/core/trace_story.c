#include "core/trace_story_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define TRACE_STORY_EPOCH ((ms_t)1790000000000)
enum { TRACE_STORY_TEXT_MAX = 1024 * 1024, TRACE_STORY_ROUNDS = 1000 };

static void name(void *context, int64_t key, char ret_name[static TRACE_NAME_SIZE])
{
    struct trace_story *story = context;
    size_t place = 0;
    while (place < story->name_count && story->names[place] != key)
        place++;
    assert(place < TRACE_STORE_MAX);
    if (place == story->name_count)
        story->names[story->name_count++] = key;
    (void)snprintf(ret_name, TRACE_NAME_SIZE, "j%zu", place + 1);
}

void trace_story_init(struct trace_story *story)
{
    *story = (struct trace_story){.now = TRACE_STORY_EPOCH, .steady = 1};
    trace_store_init(&story->store);
    trace_init(&story->trace, TRACE_STORY_EPOCH);
    story->trace.name = name;
    story->trace.context = story;
    buffer_init(&story->text, TRACE_STORY_TEXT_MAX);
    arena_init(&story->arena);
    arena_init(&story->limits);
    output_init(&story->output);
    story->config = (struct core_config){
        .timeout = 60 * MS_SECOND,
        .submit_timeout = 30 * MS_SECOND,
        .disk_reserve = 1000000,
        .upload_kept = 1000,
        .seed = 1,
        .providers = story->providers,
        .models = story->models,
        .tenants = story->tenants,
        .tiers = story->tiers,
        .vendors = story->vendors,
    };
}

void trace_story_done(struct trace_story *story)
{
    core_free(story->core);
    trace_store_done(&story->store);
    trace_done(&story->trace);
    buffer_done(&story->text);
    arena_done(&story->arena);
    arena_done(&story->limits);
    output_done(&story->output);
}

/* ---------------------------------------------------------------- living a turn */

static void write_line(struct trace_story *story, const char *line)
{
    buffer_print(&story->text, "| %s\n", line);
}

/* Applies what the last step changed. */
static void flush(struct trace_story *story, size_t *applied)
{
    core_flush(story->core, &story->output);
    for (; *applied < story->output.changes.count; (*applied)++) {
        const struct change *change = &story->output.changes.list[*applied];
        write_line(story, trace_change(&story->trace, change));
        trace_store_apply(&story->store, change);
    }
}

static void settle(struct trace_story *story)
{
    size_t applied = 0, rounds = 0;
    struct event got = {.kind = EVENT_GOT, .now = story->now};
    struct want want;
    flush(story, &applied);
    while (core_want(story->core, &want)) {
        assert(++rounds < TRACE_STORY_ROUNDS);
        trace_store_get(&story->store, &want, &got.got);
        core_step(story->core, &got, &story->output);
        flush(story, &applied);
    }
    for (size_t n = 0; n < story->output.effects.count; n++)
        write_line(story, trace_effect(&story->trace, &story->output.effects.list[n]));
    output_clear_changes(&story->output);
    output_clear_effects(&story->output);
    core_end_turn(story->core);
    core_check(story->core);
    ms_t wake = core_wake_at(story->core);
    if (wake != MS_NEVER)
        buffer_print(&story->text, "| wake at %+lld\n", (long long)(wake - TRACE_STORY_EPOCH));
}

static void run_turn(struct trace_story *story)
{
    uint64_t free = story->is_full ? 0 : UINT64_MAX;
    if (core_wake_at(story->core) <= story->now) {
        const struct event due = {.kind = EVENT_DUE, .now = story->now, .disk_free = free};
        core_step(story->core, &due, &story->output);
    }
    for (size_t n = 0; n < story->event_count; n++) {
        struct event *event = &story->events[n];
        event->now = story->now;
        event->steady = story->steady;
        event->disk_free = free;
        trace_store_load(&story->store, story->core, event);
        core_step(story->core, event, &story->output);
    }
    settle(story);
    story->event_count = 0;
}

static void close_turn(struct trace_story *story)
{
    if (story->is_open)
        run_turn(story);
    story->is_open = false;
    arena_clear(&story->arena);
}

static void restart(struct trace_story *story)
{
    struct job *jobs[TRACE_STORE_MAX];
    core_free(story->core);
    story->core = core_make(&story->config);
    size_t count = trace_store_start(&story->store, story->core, story->now, jobs);
    for (size_t n = 0; n < count; n++) {
        const struct event event = {
            .kind = EVENT_RECOVERED, .now = story->now, .recovered = jobs[n]};
        core_step(story->core, &event, &story->output);
    }
    settle(story);
}

/* ---------------------------------------------------------------- words */

/* Blanks inside double quotes do not part words: "two words", text="two words". */
static void split(struct trace_story *story, struct span line, struct words *ret_words)
{
    *ret_words = (struct words){0};
    char *text = arena_copy(&story->arena, line);
    while (*text && ret_words->count < TRACE_STORY_WORDS) {
        while (*text == ' ')
            text++;
        if (!*text)
            return;
        char end = *text == '"' ? '"' : ' ';
        text += end == '"';
        ret_words->list[ret_words->count++] = text;
        for (; *text && *text != end; text++) {
            if (*text == '"' && end == ' ') {
                memmove(text, text + 1, strlen(text));
                end = '"';
            }
        }
        if (*text)
            *text++ = '\0';
    }
}

int64_t trace_story_number(struct trace_story *story, const char *word)
{
    int64_t number = 0;
    struct span text = span_of(word);
    if (text.size > 1 && text.data[0] == '+')
        text = (struct span){text.data + 1, text.size - 1};
    if (!span_integer(text, INT32_MIN, INT32_MAX, &number))
        story->fault = "a number was expected";
    return number;
}

/* The text behind "NAME="; NULL when no word begins so. */
const char *trace_story_option(const struct words *words, const char *name)
{
    size_t size = strlen(name);
    for (unsigned n = 0; n < words->count; n++) {
        if (strncmp(words->list[n], name, size) == 0 && words->list[n][size] == '=')
            return words->list[n] + size + 1;
    }
    return NULL;
}

static ms_t time_option(struct trace_story *story, const struct words *words, const char *name)
{
    const char *word = trace_story_option(words, name);
    int64_t at = word ? trace_story_number(story, word) : 0;
    return at ? TRACE_STORY_EPOCH + at : 0;
}

const char *trace_story_word(const struct words *words, unsigned n)
{
    return n < words->count ? words->list[n] : "";
}

/* "t7" */
uint64_t trace_story_token(struct trace_story *story, const char *text)
{
    if (text[0] != 't')
        story->fault = "a token like t1 was expected";
    return (uint64_t)trace_story_number(story, text + (text[0] == 't'));
}

/* "j7", or "j7.2" with an attempt; "guess": the key that the next job will have. A job that nobody
 * has met has no key, and 1 is nobody's. */
int64_t trace_story_job(struct trace_story *story, const char *text, unsigned *ret_attempt)
{
    if (strcmp(text, "guess") == 0) {
        size_t count = story->store.job_count;
        return id_next_key(count ? story->store.jobs[count - 1]->key : 0, story->now);
    }
    struct span rest = span_of(text), part = rest;
    int64_t index = 0, attempt = 0;
    if (!span_take(&rest, '.', &part) || part.size < 2 || part.data[0] != 'j' ||
        !span_integer((struct span){part.data + 1, part.size - 1}, 1, TRACE_STORE_MAX, &index))
        story->fault = "a job like j1 was expected";
    if (ret_attempt && span_integer(rest, 1, 1000, &attempt))
        *ret_attempt = (unsigned)attempt;
    return index >= 1 && (size_t)index <= story->name_count ? story->names[index - 1] : 1;
}

/* ---------------------------------------------------------------- events */

static struct span hash_of(struct trace_story *story, const char *text)
{
    char *hash = arena_make(&story->arena, KEY_HASH_SIZE);
    unsigned high = 0, low = 0;
    if (sscanf(text, "%2x%2x", &high, &low) != 2)
        story->fault = "four hexadecimal digits were expected";
    hash[0] = (char)high;
    hash[1] = (char)low;
    return span_make(hash, KEY_HASH_SIZE);
}

/* "u7" */
static int64_t upload_of(struct trace_story *story, const char *text)
{
    if (text[0] != 'u')
        story->fault = "an upload like u1 was expected";
    return trace_story_number(story, text + (text[0] == 'u'));
}

/* "u7", or "u7!": its key with an id that is not its own. */
static void read_upload_wish(struct trace_story *story, struct asked *asked, const char *text)
{
    struct asked_upload *list =
        arena_array(&story->arena, struct asked_upload, asked->upload_count + 1);
    for (unsigned n = 0; n < asked->upload_count; n++)
        list[n] = asked->uploads[n];
    const char *id = arena_print(&story->arena, "upl_%s", text);
    struct span key = span_of(text);
    key.size -= span_ends(key, "!");
    list[asked->upload_count++] = (struct asked_upload){
        .key = upload_of(story, arena_copy(&story->arena, key)), .id = id, .field = "imageUrl"};
    asked->uploads = list;
}

static void read_upload(struct trace_story *story, const struct words *words, struct event *event)
{
    event->kind = EVENT_UPLOADED;
    event->uploaded =
        (struct uploaded){.token = trace_story_token(story, trace_story_word(words, 1))};
    struct upload *upload = &event->uploaded.upload;
    upload->key = upload_of(story, trace_story_word(words, 3));
    upload->size = trace_story_number(story, trace_story_word(words, 4));
    (void)span_copy(span_of(trace_story_word(words, 2)), upload->tenant, sizeof upload->tenant);
    (void)span_copy(SPAN("image/png"), upload->content_type, sizeof upload->content_type);
    (void)snprintf(upload->id, sizeof upload->id, "upl_%s", trace_story_word(words, 3));
}

/* "delete t1 alice j1", "delete-upload t1 alice u1", and of the sweeper "sweep j1", "expire u1". */
static bool read_remove(struct trace_story *story, const struct words *words, struct event *event)
{
    static const char *const names[] = {
        [REMOVE_JOB] = "delete",
        [REMOVE_FILES] = "sweep",
        [REMOVE_UPLOAD] = "delete-upload",
        [REMOVE_EXPIRED] = "expire",
    };
    int what = 0;
    while (what <= REMOVE_EXPIRED && strcmp(names[what], trace_story_word(words, 0)) != 0)
        what++;
    if (what > REMOVE_EXPIRED)
        return false;
    bool is_client = what == REMOVE_JOB || what == REMOVE_UPLOAD;
    bool is_job = what == REMOVE_JOB || what == REMOVE_FILES;
    const char *name = trace_story_word(words, is_client ? 3 : 1);
    event->kind = EVENT_REMOVE_ASKED;
    event->remove_asked = (struct remove_asked){
        .what = (enum remove_what)what,
        .key = is_job ? trace_story_job(story, name, NULL) : upload_of(story, name),
        .why = "Its files were removed.",
    };
    if (is_client) {
        event->remove_asked.token = trace_story_token(story, trace_story_word(words, 1));
        event->remove_asked.tenant = trace_story_word(words, 2);
    }
    return true;
}

static void read_ask(struct trace_story *story, const struct words *words, struct event *event)
{
    event->kind = EVENT_ASKED;
    struct asked *asked = &event->asked;
    *asked = (struct asked){.token = trace_story_token(story, trace_story_word(words, 1)),
                            .tenant = trace_story_word(words, 2),
                            .model = trace_story_word(words, 3),
                            .provider = "local",
                            .count = 1,
                            .start_at = time_option(story, words, "start"),
                            .deadline = time_option(story, words, "deadline")};
    const char *text = trace_story_option(words, "count");
    asked->count = text ? (unsigned)trace_story_number(story, text) : 1;
    text = trace_story_option(words, "priority");
    asked->priority = text ? (int)trace_story_number(story, text) : 0;
    text = trace_story_option(words, "print");
    asked->fingerprint = text ? (uint64_t)trace_story_number(story, text) : asked->token + 1000;
    text = trace_story_option(words, "key");
    if (text) {
        asked->key_hash = hash_of(story, text);
        text = trace_story_option(words, "body");
        asked->body_hash = hash_of(story, text ? text : "0000");
    }
    text = trace_story_option(words, "hook");
    asked->hook_lane = text ? trace_story_number(story, text) : 0;
    text = trace_story_option(words, "events");
    asked->hook_events = text ? (unsigned)trace_story_number(story, text) : 1u << NOTIFY_COMPLETED;
    asked->secret = trace_story_option(words, "secret");
    for (unsigned n = 4; n < words->count; n++) {
        asked->join |= strcmp(words->list[n], "join") == 0;
        bool reads = strcmp(words->list[n], "reads") == 0;
        if (!reads && strcmp(words->list[n], "on") != 0)
            continue;
        if (reads && trace_story_word(words, n + 1)[0] == 'u') {
            read_upload_wish(story, asked, trace_story_word(words, n + 1));
            continue;
        }
        asked->reads[asked->dependency_count] = reads;
        asked->depends_on[asked->dependency_count++] =
            trace_story_job(story, trace_story_word(words, n + 1), NULL);
    }
    trace_story_route(story, words, asked);
    if (asked->count < 1 || asked->count > JOB_COUNT_MAX)
        story->fault = "count is from 1 to 8";
    for (unsigned n = 0; n < JOB_COUNT_MAX; n++)
        asked->inputs[n] = SPAN("{}");
}

static void read_patch(struct trace_story *story, const struct words *words, struct event *event)
{
    event->kind = EVENT_CHANGE_ASKED;
    struct change_asked *asked = &event->change_asked;
    const char *priority = trace_story_option(words, "priority");
    *asked = (struct change_asked){.token = trace_story_token(story, trace_story_word(words, 1)),
                                   .tenant = trace_story_word(words, 2),
                                   .job = trace_story_job(story, trace_story_word(words, 3), NULL),
                                   .has_priority = priority,
                                   .has_start_at = trace_story_option(words, "start"),
                                   .has_deadline = trace_story_option(words, "deadline"),
                                   .start_at = time_option(story, words, "start"),
                                   .deadline = time_option(story, words, "deadline")};
    if (priority)
        asked->priority = (int)trace_story_number(story, priority);
}

static void read_told(struct trace_story *story, const struct words *words, enum worked_kind kind,
                      struct worked *told)
{
    *told = (struct worked){.kind = kind};
    told->job = trace_story_job(story, trace_story_word(words, 1), &told->attempt);
    if (kind == WORKED_RUNNING) {
        told->progress =
            words->count > 2 ? (int)trace_story_number(story, trace_story_word(words, 2)) : 0;
        told->stage = words->count > 3 ? trace_story_word(words, 3) : NULL;
    } else if (kind == WORKED_KEPT) {
        const char *files = trace_story_option(words, "files");
        told->output_count = files ? (unsigned)trace_story_number(story, files) : 1;
        if (told->output_count > JOB_OUTPUTS_MAX)
            story->fault = "too many files";
        told->words = span_of(trace_story_option(words, "words"));
        told->warnings = span_of(trace_story_option(words, "warnings"));
    } else if (kind == WORKED_FAILED) {
        told->again = strcmp(trace_story_word(words, 3), "again") == 0;
        told->passing = strcmp(trace_story_word(words, 4), "passing") == 0;
        told->text = trace_story_option(words, "text");
        if (!error_find(span_of(trace_story_word(words, 2)), &told->error))
            story->fault = "an error was expected";
    }
}

static void read_tenant(struct trace_story *story, const struct words *words, struct event *event)
{
    event->kind = EVENT_TENANT_ASKED;
    event->tenant_asked.token = trace_story_token(story, trace_story_word(words, 1));
    struct tenant_row *row = &event->tenant_asked.row;
    const char *in_flight = trace_story_option(words, "in-flight"),
               *queued = trace_story_option(words, "queued");
    const char *tier = trace_story_option(words, "tier");
    *row = tenant_row_make(trace_story_word(words, 2));
    if (in_flight)
        row->in_flight = trace_story_number(story, in_flight);
    if (queued)
        row->queued = trace_story_number(story, queued);
    const char *budget = trace_story_option(words, "budget"),
               *period = trace_story_option(words, "period");
    if (budget)
        row->budget = trace_story_number(story, budget);
    if (period && !tenant_period_find(span_of(period), &row->period))
        story->fault = "the period is day, month or total";
    if (tier && !span_copy(span_of(tier), row->tier, sizeof row->tier))
        story->fault = "the tier's name is too long";
}

static void read_api_key(struct trace_story *story, const struct words *words, struct event *event)
{
    event->kind = EVENT_API_KEY_ASKED;
    event->api_key_asked =
        (struct api_key_asked){.token = trace_story_token(story, trace_story_word(words, 1))};
    struct api_key_change *change = &event->api_key_asked.change;
    while (change->act < API_KEY_USED &&
           strcmp(api_key_act_name(change->act), trace_story_word(words, 2)) != 0)
        change->act++;
    if (!span_copy(span_of(trace_story_word(words, 3)), change->row.id, sizeof change->row.id))
        story->fault = "the key's id is too long";
    const char *limit = trace_story_option(words, "limit");
    change->row.spend_limit = limit ? trace_story_number(story, limit) : API_KEY_NO_LIMIT;
}

static bool read_event(struct trace_story *story, const struct words *words)
{
    static const char *const told[] = {[WORKED_RUNNING] = "running",
                                       [WORKED_MADE] = "worked",
                                       [WORKED_KEPT] = "kept",
                                       [WORKED_FAILED] = "failed",
                                       [WORKED_STOPPED] = "stopped"};
    if (!story->is_open || story->event_count == TRACE_STORY_EVENTS)
        return false;
    struct event *event = &story->events[story->event_count];
    if (strcmp(trace_story_word(words, 0), "ask") == 0) {
        read_ask(story, words, event);
    } else if (strcmp(trace_story_word(words, 0), "patch") == 0) {
        read_patch(story, words, event);
    } else if (strcmp(trace_story_word(words, 0), "tenant") == 0) {
        read_tenant(story, words, event);
    } else if (strcmp(trace_story_word(words, 0), "api-key") == 0) {
        read_api_key(story, words, event);
    } else if (strcmp(trace_story_word(words, 0), "upload") == 0) {
        read_upload(story, words, event);
    } else if (strcmp(trace_story_word(words, 0), "closing") == 0) {
        event->kind = EVENT_CLOSING;
    } else if (read_remove(story, words, event)) {
        /* it was one */
    } else if (strcmp(trace_story_word(words, 0), "cancel") == 0) {
        event->kind = EVENT_CANCEL_ASKED;
        event->cancel_asked =
            (struct cancel_asked){.token = trace_story_token(story, trace_story_word(words, 1)),
                                  .tenant = trace_story_word(words, 2),
                                  .job = trace_story_job(story, trace_story_word(words, 3), NULL)};
    } else if (trace_story_vendor_event(story, words, event)) {
        /* likewise */
    } else if (!trace_story_hook_event(story, words, event)) {
        int kind = 0;
        while (kind <= WORKED_STOPPED && strcmp(told[kind], trace_story_word(words, 0)) != 0)
            kind++;
        if (kind > WORKED_STOPPED)
            return false;
        event->kind = EVENT_WORKED;
        read_told(story, words, (enum worked_kind)kind, &event->worked);
    }
    story->event_count++;
    return true;
}

/* ---------------------------------------------------------------- lines */

static bool read_time(struct trace_story *story, const struct words *words)
{
    bool jumps = words->count == 4 && strcmp(trace_story_word(words, 3), "jumped") == 0;
    if ((words->count != 3 && !jumps) || strcmp(trace_story_word(words, 1), "at") != 0)
        return false;
    ms_t at = TRACE_STORY_EPOCH + trace_story_number(story, trace_story_word(words, 2));
    if (at < story->now)
        story->fault = "time goes on";
    story->steady += jumps ? 0 : at - story->now;
    story->now = at;
    return true;
}

void trace_story_line(struct trace_story *story, struct span line)
{
    if (span_starts(line, "|"))
        return; /* what came out another time */
    struct words words;
    split(story, line, &words);
    bool is_turn = strcmp(trace_story_word(&words, 0), "turn") == 0;
    bool is_restart = strcmp(trace_story_word(&words, 0), "restart") == 0;
    bool is_empty = words.count == 0 || words.list[0][0] == '#';
    if (is_turn || is_restart || is_empty || !story->is_open) {
        close_turn(story);
        split(story, line, &words);
    }
    buffer_print(&story->text, "%.*s\n", SPAN_PRINT(line));
    if (is_empty || story->fault)
        return;
    if (is_turn || is_restart) {
        if (!read_time(story, &words))
            story->fault = "it goes: turn at +5";
        if (!story->core)
            story->core = core_make(&story->config);
        story->is_open = is_turn;
        if (is_restart)
            restart(story);
    } else if (!read_event(story, &words) && !trace_story_setting(story, &words))
        story->fault = "not a line of the language, or not here";
}

void trace_story_end(struct trace_story *story)
{
    close_turn(story);
}
