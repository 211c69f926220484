/* `reel usage` */
#include "app/command.h"
#include "app/job_view.h"
#include "app/table.h"
#include "core/account.h"
#include "core/spend.h"

#include <math.h>
#include <stdio.h>

enum { PATH_SIZE = 2048 };

enum {
    COLUMN_NAME,
    COLUMN_JOBS,
    COLUMN_SUCCEEDED,
    COLUMN_FAILED,
    COLUMN_SPENT,
    COLUMN_RESERVED,
    COLUMNS
};

const struct arguments_option command_usage_options[] = {
    {"--from", 0, "DATE", "The first day, as 2026-11-01 (else the first of this month)."},
    {"--to", 0, "DATE", "The last day (else today)."},
    {"--by", 'b', "WHAT", "tenant, model, provider or day (else day)."},
    {"--tenant", 't', "NAME", "Whose, for operators; * is everybody's."},
    {"--csv", 0, NULL, "Comma-separated values."},
    {0},
};

static void write_figure(struct arena *arena, struct table_cell *cell, const json_t *item,
                         const char *name)
{
    const json_t *value = json_object_get(item, name);
    char amount[ACCOUNT_TEXT_SIZE];
    if (json_is_integer(value)) {
        cell->text = arena_print(arena, "%lld", (long long)json_integer_value(value));
    } else if (json_is_object(value)) {
        account_write(llround(json_number_value(json_object_get(value, "amount")) * 1e6), amount);
        cell->text = arena_copy(arena, span_of(amount));
    }
}

static void add_row(struct table *table, struct arena *arena, const json_t *item, const char *name)
{
    static const char *const figures[COLUMNS] = {NULL,     "jobs",  "succeeded",
                                                 "failed", "spent", "reserved"};
    struct table_cell cells[COLUMNS] = {{0}};
    cells[COLUMN_NAME].text = name;
    for (int n = COLUMN_JOBS; n < COLUMNS; n++)
        write_figure(arena, &cells[n], item, figures[n]);
    table_add(table, cells);
}

static void write_table(const json_t *answer)
{
    static const char *const titles[SPEND_BY_COUNT] = {"TENANT", "MODEL", "PROVIDER", "DAY"};
    const char *by = job_view_text(answer, "groupBy");
    enum spend_by number = SPEND_BY_DAY;
    (void)spend_by_find(span_of(by), &number);
    const struct table_column columns[COLUMNS] = {
        [COLUMN_NAME] = {titles[number], false, true, 8},
        [COLUMN_JOBS] = {"JOBS", true, false, 0},
        [COLUMN_SUCCEEDED] = {"SUCCEEDED", true, false, 0},
        [COLUMN_FAILED] = {"FAILED", true, false, 0},
        [COLUMN_SPENT] = {"SPENT", true, false, 0},
        [COLUMN_RESERVED] = {"RESERVED", true, false, 0},
    };
    struct table table;
    struct arena arena;
    json_t *item;
    size_t index;
    arena_init(&arena);
    table_init(&table, columns, COLUMNS);
    json_array_foreach(json_object_get(answer, "items"), index, item) {
        add_row(&table, &arena, item, job_view_text(item, by));
    }
    add_row(&table, &arena, json_object_get(answer, "total"), "all");
    table_print(&table);
    if (json_is_true(json_object_get(answer, "more")))
        fprintf(stderr, "There are more; \"all\" has them too.\n");
    arena_done(&arena);
}

static void make_path(const struct command_call *call, bool as_csv, struct buffer *path)
{
    static const char *const names[][2] = {
        {"--from", "from"}, {"--to", "to"}, {"--by", "groupBy"}, {"--tenant", "tenant"}};
    buffer_print(path, "/api/v1/usage?format=%s", as_csv ? "csv" : "json");
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        const char *value = arguments_value(&call->arguments, names[n][0]);
        if (!value)
            continue;
        buffer_print(path, "&%s=", names[n][1]);
        client_escape(value, false, path);
    }
}

int command_usage_run(struct command_call *call)
{
    struct client_answer answer;
    struct buffer path;
    bool as_csv = arguments_count(&call->arguments, "--csv") > 0;
    int status = COMMAND_SUCCEEDED;
    if (as_csv && call->as_json)
        return command_refuse(call, "--csv and --json exclude each other");
    buffer_init(&path, PATH_SIZE);
    make_path(call, as_csv, &path);
    const struct client_request request = {.method = "GET", .path = path.failed ? "/" : path.data};
    if (client_ask(&call->client, &request, &answer) != CLIENT_OK)
        status = client_complain(&call->client, &answer, call->as_json);
    else if (as_csv)
        printf("%.*s", SPAN_PRINT(buffer_span(&answer.body)));
    else if (call->as_json)
        command_print_json(&answer);
    else
        write_table(answer.json);
    buffer_done(&path);
    client_answer_done(&answer);
    return status;
}
