/* `reel providers` and `reel providers pause|resume NAME` */
#include "app/command.h"
#include "app/human.h"
#include "app/job_view.h"
#include "app/table.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { PATH_SIZE = 600 };
enum {
    COLUMN_NAME,
    COLUMN_STATUS,
    COLUMN_FLIGHT,
    COLUMN_POLLS,
    COLUMN_MODELS,
    COLUMN_NOTE,
    COLUMNS
};

static const struct table_column columns[COLUMNS] = {
    [COLUMN_NAME] = {"PROVIDER", false, false, 0},   [COLUMN_STATUS] = {"STATUS", false, false, 0},
    [COLUMN_FLIGHT] = {"IN FLIGHT", true, false, 0}, [COLUMN_POLLS] = {"POLLS", true, false, 0},
    [COLUMN_MODELS] = {"MODELS", true, false, 0},    [COLUMN_NOTE] = {"", false, true, 0},
};

static enum terminal_ink ink_of(const char *status)
{
    if (strcmp(status, "ok") == 0)
        return TERMINAL_GREEN;
    return strcmp(status, "not_configured") == 0 ? TERMINAL_DIM : TERMINAL_RED;
}

static const char *note_of(const json_t *item, ms_t now, struct arena *arena)
{
    char span[HUMAN_SIZE];
    ms_t until = job_view_time(item, "until");
    if (!until)
        return job_view_text(item, "missing");
    human_span(until > now ? until - now : 0, span);
    return arena_print(arena, "for another %s", span);
}

static void add_row(struct table *table, const json_t *item, ms_t now, struct arena *arena)
{
    const char *status = job_view_text(item, "status");
    int64_t limit = job_view_number(item, "limit", 0);
    struct table_cell cells[COLUMNS] = {{0}};
    cells[COLUMN_NAME].text = job_view_text(item, "provider");
    cells[COLUMN_STATUS] = (struct table_cell){status, ink_of(status)};
    cells[COLUMN_FLIGHT].text =
        arena_print(arena, limit ? "%lld/%lld" : "%lld",
                    (long long)job_view_number(item, "inFlight", 0), (long long)limit);
    cells[COLUMN_POLLS].text =
        arena_print(arena, "%lld", (long long)job_view_number(item, "polls", 0));
    cells[COLUMN_MODELS].text =
        arena_print(arena, "%lld", (long long)job_view_number(item, "models", 0));
    cells[COLUMN_NOTE] = (struct table_cell){note_of(item, now, arena), TERMINAL_DIM};
    table_add(table, cells);
}

static void write_items(const json_t *items)
{
    struct table table;
    struct arena arena;
    size_t index;
    json_t *item;
    arena_init(&arena);
    table_init(&table, columns, COLUMNS);
    ms_t now = (ms_t)time(NULL) * MS_SECOND;
    json_array_foreach((json_t *)(uintptr_t)items, index, item)
        add_row(&table, item, now, &arena);
    table_print(&table);
    arena_done(&arena);
}

static int ask(struct command_call *call, const struct client_request *request)
{
    struct client_answer answer;
    int status = COMMAND_SUCCEEDED;
    if (client_ask(&call->client, request, &answer) != CLIENT_OK) {
        status = client_complain(&call->client, &answer, call->as_json);
    } else if (call->as_json) {
        command_print_json(&answer);
    } else if (json_object_get(answer.json, "items")) {
        write_items(json_object_get(answer.json, "items"));
    } else {
        printf("%s  %s\n", job_view_text(answer.json, "provider"),
               job_view_text(answer.json, "status"));
    }
    client_answer_done(&answer);
    return status;
}

int command_providers_run(struct command_call *call)
{
    const struct arguments *arguments = &call->arguments;
    if (arguments->word_count == 0)
        return ask(call, &(struct client_request){.method = "GET", .path = "/api/v1/providers"});
    bool is_known =
        strcmp(arguments->words[0], "pause") == 0 || strcmp(arguments->words[0], "resume") == 0;
    if (!is_known || arguments->word_count != 2)
        return command_refuse(call, "Give pause or resume, and the name of a provider.");
    struct buffer path;
    buffer_init(&path, PATH_SIZE);
    buffer_add_text(&path, "/api/v1/providers/");
    client_escape(arguments->words[1], false, &path);
    buffer_print(&path, "/%s", arguments->words[0]);
    int status = path.failed
                     ? command_refuse(call, "That name is too long.")
                     : ask(call, &(struct client_request){.method = "POST", .path = path.data});
    buffer_done(&path);
    return status;
}
