#include "provider/provider_test_rig.h"

#include "base/golden_test_rig.h"

#include <string.h>

struct rig {
    const struct provider *provider;
    const struct offer *offer;
    struct arena arena;
};

static const char hook[] = "https://gw.example.com/hooks/fgk2?a=1&b=2";

static void show_request(const struct http_request *request, struct buffer *target)
{
    buffer_print(target, "%s %.*s", http_method_name(request->method), SPAN_PRINT(request->target));
    for (unsigned n = 0; n < request->header_count; n++)
        buffer_print(target, "\n%.*s: %.*s", SPAN_PRINT(request->headers[n].name),
                     SPAN_PRINT(request->headers[n].value));
    for (unsigned n = 0; n < request->part_count; n++)
        buffer_print(target, "\n\n%.*s", SPAN_PRINT(request->parts[n].bytes));
}

static void show_text(struct buffer *target, const char *name, struct span text)
{
    if (text.size)
        buffer_print(target, "\n%s %.*s", name, SPAN_PRINT(text));
}

static void show_number(struct buffer *target, const char *name, int64_t number, int64_t none)
{
    if (number != none)
        buffer_print(target, "\n%s %lld", name, (long long)number);
}

void rig_show_told(const struct told *told, struct buffer *target)
{
    buffer_print(target, "%s%s%s", told_name(told->kind), told->remote_id[0] ? " " : "",
                 told->remote_id);
    show_text(target, "handle", span_of(told->handle));
    show_number(target, "progress", told->progress, -1);
    show_text(target, "stage", span_of(told->stage));
    show_number(target, "position", told->position, -1);
    if (told->error != ERROR_NONE)
        show_text(target, "error", span_of(error_name(told->error)));
    show_text(target, "text", span_of(told->text));
    if (told->again)
        buffer_add_text(target, "\nagain");
    if (told->billed)
        buffer_add_text(target, "\nbilled");
    show_number(target, "after", told->after, 0);
    show_number(target, "ran", told->ran, 0);
    for (unsigned n = 0; n < told->file_count; n++) {
        const struct told_file *file = &told->files[n];
        show_text(target, "file", file->url);
        show_text(target, "base64", file->base64);
    }
    for (unsigned n = 0; n < told->found_count; n++)
        buffer_print(target, "\nfound %s%s", told->found[n].remote_id,
                     told->found[n].exact ? " exactly" : "");
}

static enum provider_call call_of(struct span name)
{
    static const char *const names[] = {"submit", "poll", "result", "cancel", "find", "health"};
    for (unsigned n = 0; n < sizeof names / sizeof names[0]; n++) {
        if (span_is(name, names[n]))
            return (enum provider_call)n;
    }
    fail_msg("no call is named %.*s", SPAN_PRINT(name));
    return PROVIDER_CALL_SUBMIT;
}

static struct span next_word(struct span *rest)
{
    struct span word = SPAN("");
    (void)span_take(rest, ' ', &word);
    return word;
}

static void read_answer(struct rig *rig, const struct ask *ask, struct span words, struct span rest,
                        struct buffer *outcome)
{
    struct http_response answer = {.status = 0};
    struct told told;
    struct span line;
    int64_t status = 0;
    enum provider_call call = call_of(next_word(&words));
    assert_true(span_integer(next_word(&words), 100, 599, &status));
    answer.status = (int)status;
    while (span_take(&rest, '\n', &line) && line.size > 0) {
        struct http_header *header = &answer.headers[answer.header_count++];
        assert_true(span_take(&line, ':', &header->name));
        header->value = span_trim(line);
    }
    answer.body = rest.data ? rest : SPAN("");
    rig->provider->read(call, ask, &answer, &told);
    rig_show_told(&told, outcome);
}

static void read_event(struct rig *rig, struct span text, struct buffer *outcome)
{
    struct told told;
    bool is_word = rig->provider->read_stream(text, &told);
    assert_int_equal(is_word, told.kind != TOLD_NOTHING);
    rig_show_told(&told, outcome);
}

static void make_request(struct rig *rig, const struct ask *ask, struct span words,
                         struct buffer *outcome)
{
    struct http_request request;
    const struct provider *provider = rig->provider;
    struct span name = next_word(&words);
    bool is_stream = span_is(name, "stream");
    enum provider_call call = is_stream ? PROVIDER_CALL_POLL : call_of(name);
    const char *first = arena_copy(&rig->arena, next_word(&words));
    const char *second = arena_copy(&rig->arena, next_word(&words));
    struct remote remote = {.ask = ask, .id = first, .handle = second};
    if (is_stream)
        provider->stream(&remote, &request);
    else if (call == PROVIDER_CALL_SUBMIT)
        provider->submit(ask, &request);
    else if (call == PROVIDER_CALL_FIND)
        provider->find(ask, first, &request);
    else if (call == PROVIDER_CALL_HEALTH)
        provider->health(ask, &request);
    else if (call == PROVIDER_CALL_CANCEL)
        provider->cancel(&remote, &request);
    else if (call == PROVIDER_CALL_RESULT)
        provider->result(&remote, &request);
    else
        provider->poll(&remote, &request);
    show_request(&request, outcome);
}

static void translate(void *context, const char *name, struct span sent, struct buffer *outcome)
{
    struct rig *rig = context;
    struct offer offer = *rig->offer;
    struct span line = SPAN(""), rest = sent, input = SPAN("{\"prompt\":\"a paper boat\"}");
    char fault[JSON_FAULT_SIZE];
    assert_non_null(name);
    (void)span_take(&rest, '\n', &line);
    if (span_is(line, "event")) {
        read_event(rig, rest.data ? rest : SPAN(""), outcome);
        return;
    }
    if (rest.data && span_starts(rest, "{"))
        (void)span_take(&rest, '\n', &input);
    struct span words = line, verb = next_word(&words);
    bool submits = span_is(verb, "submit");
    if (submits && !offer.slug[0])
        offer.slug = arena_copy(&rig->arena, next_word(&words));
    json_t *value = json_read(input, fault);
    assert_non_null(value);
    struct ask ask = {
        .offer = &offer,
        .base_url = offer.provider->base_url,
        .endpoint = "abc123",
        .job_id = "gen_000000000000100aywaheppjw7",
        .mark = "fgk2",
        .input = value,
        .hook_url = span_ends(line, " hook") || span_is(verb, "read") ? hook : NULL,
        .run_limit = 15 * MS_MINUTE,
        .arena = &rig->arena,
    };
    assert_true(time_read_iso(SPAN("2026-11-01T10:01:00Z"), &ask.sent_at));
    assert_true(time_read_iso(SPAN("2026-11-01T10:02:00Z"), &ask.asked_at));
    if (!ask.offer->slug[0])
        offer.slug = "fal-ai/veo3.1/fast";
    if (span_is(verb, "read"))
        read_answer(rig, &ask, words, rest, outcome);
    else
        make_request(rig, &ask, line, outcome);
    json_decref(value);
    arena_clear(&rig->arena);
}

void rig_exchanges(const struct provider *provider, const struct offer *offer, const char *path)
{
    struct rig rig = {.provider = provider, .offer = offer};
    arena_init(&rig.arena);
    golden_run(path, translate, &rig);
    arena_done(&rig.arena);
}
