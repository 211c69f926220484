/* `reel jobs` */
#include "app/command.h"
#include "app/human.h"
#include "app/job_view.h"
#include "app/table.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 200, LIMIT_DEFAULT = 20, LIMIT_MAX = TABLE_ROWS_MAX, PATH_SIZE = 2048 };

const struct arguments_option command_jobs_options[] = {
    {"--status", 0, "STATUS",
     "queued, processing, completed, failed or canceled; or some, by commas."},
    {"--model", 'm', "MODEL", "Of that model."},
    {"--provider", 0, "NAME", "At that provider."},
    {"--metadata", 0, "KEY=VALUE", "With that in their metadata."},
    {"--since", 0, "TIME", "Made at or after that ISO time."},
    {"--limit", 'n', "N", "So many at most (20)."},
    {0},
};

enum { COLUMN_ID, COLUMN_STATUS, COLUMN_MODEL, COLUMN_PROGRESS, COLUMN_AGE, COLUMN_NOTE, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [COLUMN_ID] = {"JOB", false, false, 0},     [COLUMN_STATUS] = {"STATUS", false, false, 0},
    [COLUMN_MODEL] = {"MODEL", false, true, 8}, [COLUMN_PROGRESS] = {"", true, false, 0},
    [COLUMN_AGE] = {"AGE", true, false, 0},     [COLUMN_NOTE] = {"", false, true, 0},
};

static void add_filter(struct buffer *path, const char *name, const char *value)
{
    if (!value)
        return;
    buffer_print(path, "&%s=", name);
    client_escape(value, false, path);
}

static void make_path(const struct command_call *call, int64_t limit, const char *cursor,
                      struct buffer *path)
{
    const struct arguments *arguments = &call->arguments;
    struct span metadata = span_of(arguments_value(arguments, "--metadata")), key;
    buffer_print(path, "/api/v1/jobs?limit=%d", (int)limit);
    add_filter(path, "status", arguments_value(arguments, "--status"));
    add_filter(path, "model", arguments_value(arguments, "--model"));
    add_filter(path, "provider", arguments_value(arguments, "--provider"));
    add_filter(path, "since", arguments_value(arguments, "--since"));
    add_filter(path, "cursor", cursor);
    if (metadata.size > 0 && span_take(&metadata, '=', &key)) {
        char name[256];
        if (span_copy(key, name, sizeof name)) {
            buffer_add_text(path, "&metadata.");
            client_escape(name, false, path);
            buffer_add_byte(path, '=');
            client_escape(metadata.data ? metadata.data : "", false, path);
        }
    }
}

static const char *note(const json_t *item, struct arena *arena)
{
    const char *receipt = job_view_text(item, "receipt");
    const json_t *result = json_object_get(item, "result");
    if (job_view_exit(item) == COMMAND_CANCELED)
        return receipt;
    if (job_view_exit(item) != COMMAND_SUCCEEDED)
        return job_view_fault(item, arena);
    if (result) {
        char size[HUMAN_SIZE], time[HUMAN_SIZE];
        human_size((uint64_t)job_view_number(result, "fileSizeBytes", 0), size);
        human_duration(job_view_number(item, "processingTimeMs", 0), time);
        return arena_print(arena, "%s in %s", size, time);
    }
    return job_view_text(item, "stage");
}

static void add_row(struct table *table, const json_t *item, ms_t now, struct arena *arena)
{
    struct table_cell cells[COLUMNS] = {{0}};
    char age[HUMAN_SIZE];
    ms_t created = job_view_time(item, "createdAt");
    int64_t progress = job_view_number(item, "progress", -1);
    human_span(now > created ? now - created : 0, age);
    cells[COLUMN_ID].text = job_view_text(item, "jobId");
    cells[COLUMN_STATUS] = (struct table_cell){job_view_word(item), job_view_ink(item)};
    cells[COLUMN_MODEL].text = job_view_text(item, "model");
    if (progress >= 0)
        cells[COLUMN_PROGRESS].text = arena_print(
            arena, "%s%d %%", json_is_true(json_object_get(item, "progressEstimated")) ? "~" : "",
            (int)progress);
    cells[COLUMN_AGE].text = arena_copy(arena, span_of(age));
    cells[COLUMN_NOTE] = (struct table_cell){note(item, arena), TERMINAL_DIM};
    table_add(table, cells);
}

void command_write_jobs(const json_t *items, bool more)
{
    if (json_array_size(items) == 0) {
        fprintf(stderr, "No jobs.\n");
        return;
    }
    command_write_table(columns, COLUMNS, items, add_row);
    if (more)
        fprintf(stderr, "There are more; --limit shows them.\n");
}

/* Page after page until there are enough. A page may be short of items and yet not the last. */
static int collect(struct command_call *call, int64_t limit, json_t *items, bool *ret_more)
{
    char cursor[128] = "";
    do {
        struct client_answer answer;
        struct buffer path;
        int64_t left = limit - (int64_t)json_array_size(items);
        buffer_init(&path, PATH_SIZE * 3);
        make_path(call, left < PAGE ? left : PAGE, cursor[0] ? cursor : NULL, &path);
        struct client_request request = {.method = "GET", .path = path.failed ? "/" : path.data};
        enum client_result result = client_ask(&call->client, &request, &answer);
        buffer_done(&path);
        int status = result == CLIENT_OK ? COMMAND_SUCCEEDED
                                         : client_complain(&call->client, &answer, call->as_json);
        (void)json_array_extend(items, json_object_get(answer.json, "items"));
        (void)span_copy(json_span(json_object_get(answer.json, "nextCursor")), cursor,
                        sizeof cursor);
        client_answer_done(&answer);
        if (status != COMMAND_SUCCEEDED)
            return status;
    } while (cursor[0] && (int64_t)json_array_size(items) < limit);
    *ret_more = cursor[0] != '\0';
    return COMMAND_SUCCEEDED;
}

int command_jobs_run(struct command_call *call)
{
    const char *text = arguments_value(&call->arguments, "--limit");
    int64_t limit = LIMIT_DEFAULT;
    bool more = false;
    if (text && !span_integer(span_of(text), 1, LIMIT_MAX, &limit))
        return command_refuse(call, "--limit is \"%s\"; allowed: 1 to %d", text, LIMIT_MAX);
    json_t *items = json_array();
    int status = collect(call, limit, items, &more);
    if (status == COMMAND_SUCCEEDED && call->as_json) {
        struct buffer json;
        buffer_init(&json, CLIENT_ANSWER_MAX);
        json_canonical(items, &json);
        printf("{\"items\":%.*s}\n", SPAN_PRINT(buffer_span(&json)));
        buffer_done(&json);
    } else if (status == COMMAND_SUCCEEDED) {
        command_write_jobs(items, more);
    }
    json_decref(items);
    return status;
}
