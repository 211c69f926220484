/* `reel show ID`: the status, the outputs, the timeline. */
#include "app/command.h"
#include "app/glyph.h"
#include "app/human.h"
#include "app/job_view.h"
#include "base/id.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 128, LABEL = 12 };

struct showing {
    const struct client *client;
    struct terminal terminal;
    struct arena arena;
    struct buffer text;
};

static void line(struct showing *showing, const char *label, const char *value)
{
    if (!value || !value[0])
        return;
    bool colour = showing->terminal.has_colour;
    buffer_print(&showing->text, "%s%-*s%s", terminal_ink(colour, TERMINAL_DIM), LABEL, label,
                 terminal_ink(colour, TERMINAL_PLAIN));
    glyph_add(&showing->text, span_of(value));
    buffer_add_byte(&showing->text, '\n');
}

static void time_line(struct showing *showing, const json_t *status, const char *label,
                      const char *field)
{
    line(showing, label, job_view_clock(job_view_time(status, field), &showing->arena));
}

static void show_progress(struct showing *showing, const json_t *status)
{
    struct progress_bar bar = job_view_bar(status, &showing->arena);
    if (job_view_ended(status))
        return;
    bar.label = "";
    progress_bar_write(&bar, &showing->terminal, &showing->text);
    buffer_add_byte(&showing->text, '\n');
}

static const char *facts(struct showing *showing, const json_t *output)
{
    char size[HUMAN_SIZE];
    struct buffer text;
    int64_t width = job_view_number(output, "width", 0);
    int64_t duration = job_view_number(output, "durationMs", 0);
    const json_t *fps = json_object_get(output, "fps");
    buffer_init(&text, 500);
    human_size((uint64_t)job_view_number(output, "fileSizeBytes", 0), size);
    buffer_print(&text, "%s, %s", job_view_text(output, "contentType"), size);
    if (width > 0)
        buffer_print(&text, ", %d x %d", (int)width, (int)job_view_number(output, "height", 0));
    if (duration > 0)
        buffer_print(&text, ", %.3g s", (double)duration / 1000);
    if (json_is_number(fps))
        buffer_print(&text, ", %.4g fps", json_number_value(fps));
    const char *copy = arena_copy(&showing->arena, buffer_span(&text));
    buffer_done(&text);
    return copy;
}

static void show_outputs(struct showing *showing, const char *name, const json_t *outputs)
{
    json_t *output;
    size_t index;
    json_array_foreach((json_t *)(uintptr_t)outputs, index, output) {
        const char *url = job_view_text(output, "url");
        line(showing, name, facts(showing, output));
        line(showing, "",
             arena_print(&showing->arena, "%s%s", url[0] == '/' ? showing->client->base : "", url));
    }
}

static void show_cost(struct showing *showing, const json_t *status)
{
    const json_t *cost = json_object_get(status, "cost");
    const json_t *amount = json_object_get(cost, "amount");
    if (!json_is_number(amount))
        return;
    line(showing, "cost",
         arena_print(&showing->arena, "%.6g %s%s", json_number_value(amount),
                     job_view_text(cost, "currency"),
                     json_is_true(json_object_get(cost, "estimated")) ? " (estimated)" : ""));
}

static void show_status(struct showing *showing, const json_t *status)
{
    bool colour = showing->terminal.has_colour;
    struct arena *arena = &showing->arena;
    const json_t *metadata = json_object_get(status, "metadata");
    line(showing, "job", job_view_text(status, "jobId"));
    buffer_print(&showing->text, "%s%-*s%s%s%s%s\n", terminal_ink(colour, TERMINAL_DIM), LABEL,
                 "status", terminal_ink(colour, TERMINAL_PLAIN),
                 terminal_ink(colour, job_view_ink(status)), job_view_word(status),
                 terminal_ink(colour, TERMINAL_PLAIN));
    line(showing, "model", job_view_text(status, "model"));
    line(showing, "error", job_view_fault(status, arena));
    line(showing, "receipt", job_view_text(status, "receipt"));
    line(showing, "waiting for", job_view_text(json_object_get(status, "waitingFor"), "message"));
    time_line(showing, status, "created", "createdAt");
    time_line(showing, status, "started", "startedAt");
    time_line(showing, status, "deadline", "deadline");
    time_line(showing, status, "completed", "completedAt");
    time_line(showing, status, "failed", "failedAt");
    time_line(showing, status, "canceled", "canceledAt");
    if (json_object_get(status, "processingTimeMs")) {
        char time[HUMAN_SIZE];
        human_duration(job_view_number(status, "processingTimeMs", 0), time);
        line(showing, "took", arena_copy(arena, span_of(time)));
    }
    show_cost(showing, status);
    if (json_object_size(metadata) > 0) {
        struct buffer text;
        buffer_init(&text, 64 * 1024);
        json_canonical(metadata, &text);
        line(showing, "metadata", arena_copy(arena, buffer_span(&text)));
        buffer_done(&text);
    }
    show_outputs(showing, "output", json_object_get(json_object_get(status, "result"), "outputs"));
    show_outputs(showing, "late output", json_object_get(status, "lateOutputs"));
    size_t index;
    json_t *warning;
    json_array_foreach(json_object_get(status, "warnings"), index, warning)
        line(showing, "warning", json_string_value(warning));
    show_progress(showing, status);
}

enum { COLUMN_AT, COLUMN_AFTER, COLUMN_TO, COLUMN_NOTE, COLUMNS };

static void show_timeline(struct showing *showing, const json_t *timeline)
{
    static const struct table_column columns[COLUMNS] = {
        [COLUMN_AT] = {"TIMELINE", false, false, 0},
        [COLUMN_AFTER] = {"AFTER", true, false, 0},
        [COLUMN_TO] = {"STATE", false, false, 0},
        [COLUMN_NOTE] = {"", false, true, 10},
    };
    const json_t *items = json_object_get(timeline, "items");
    struct table table;
    json_t *item;
    size_t index;
    ms_t first = 0;
    if (json_array_size(items) == 0)
        return;
    table_init(&table, columns, COLUMNS);
    json_array_foreach((json_t *)(uintptr_t)items, index, item) {
        struct table_cell cells[COLUMNS] = {{0}};
        char after[HUMAN_SIZE];
        ms_t at = job_view_time(item, "at");
        int64_t attempt = job_view_number(item, "attempt", 0);
        const char *note = job_view_text(item, "note"), *code = job_view_text(item, "errorCode");
        first = first ? first : at;
        human_duration(at > first ? at - first : 0, after);
        cells[COLUMN_AT].text = job_view_clock(at, &showing->arena);
        cells[COLUMN_AFTER].text = arena_copy(&showing->arena, span_of(after));
        cells[COLUMN_TO].text = job_view_text(item, "to");
        if (attempt > 1)
            note = arena_print(&showing->arena, "attempt %d%s%s", (int)attempt, note[0] ? ": " : "",
                               note);
        cells[COLUMN_NOTE].text =
            code[0] ? arena_print(&showing->arena, "%s%s%s", note, note[0] ? " " : "", code) : note;
        table_add(&table, cells);
    }
    buffer_add_byte(&showing->text, '\n');
    table_write(&table, showing->terminal.width, showing->terminal.has_colour, &showing->text);
    table_done(&table);
}

static void show_people(const struct client *client, const json_t *status, const json_t *timeline)
{
    struct showing showing = {.client = client};
    terminal_init(&showing.terminal, stdout);
    arena_init(&showing.arena);
    buffer_init(&showing.text, 8 << 20);
    show_status(&showing, status);
    show_timeline(&showing, timeline);
    printf("%.*s", SPAN_PRINT(buffer_span(&showing.text)));
    buffer_done(&showing.text);
    arena_done(&showing.arena);
}

static void show_json(const struct client_answer *status, const struct client_answer *timeline)
{
    struct buffer text;
    json_t *whole = json_deep_copy(status->json);
    json_t *items = json_object_get(timeline->json, "items");
    if (json_is_object(whole) && items)
        (void)json_object_set(whole, "timeline", items);
    buffer_init(&text, CLIENT_ANSWER_MAX);
    json_canonical(whole, &text);
    printf("%.*s\n", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
    json_decref(whole);
}

int command_show_run(struct command_call *call)
{
    char path[PATH_SIZE];
    const char *id = call->arguments.words[0];
    struct client_answer status_answer, timeline = {0};
    int64_t key;
    if (!id_read(span_of(id), "gen_", &key))
        return command_refuse(call, "\"%s\" is no job's id; `reel jobs` lists them.", id);
    (void)snprintf(path, sizeof path, "/api/v1/generate/%s", id);
    struct client_request request = {.method = "GET", .path = path};
    int status = COMMAND_SUCCEEDED;
    if (client_ask(&call->client, &request, &status_answer) != CLIENT_OK) {
        status = client_complain(&call->client, &status_answer, call->as_json);
    } else {
        (void)snprintf(path, sizeof path, "/api/v1/jobs/%s/timeline", id);
        /* Without its timeline a job is still worth showing. */
        (void)client_ask(&call->client, &request, &timeline);
        if (call->as_json)
            show_json(&status_answer, &timeline);
        else
            show_people(&call->client, status_answer.json, timeline.json);
        client_answer_done(&timeline);
    }
    client_answer_done(&status_answer);
    return status;
}
