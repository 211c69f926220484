/* `reel providers` and `reel providers pause|resume NAME` */
#include "app/command.h"
#include "app/human.h"
#include "app/job_view.h"
#include "app/table.h"

#include <stdio.h>
#include <string.h>

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

static void show(const json_t *answer)
{
    const json_t *items = json_object_get(answer, "items");
    if (items)
        command_write_table(columns, COLUMNS, items, add_row);
    else
        printf("%s  %s\n", job_view_text(answer, "provider"), job_view_text(answer, "status"));
}

int command_providers_run(struct command_call *call)
{
    const struct arguments *arguments = &call->arguments;
    const struct client_request list = {.method = "GET", .path = "/api/v1/providers"};
    if (arguments->word_count == 0)
        return command_ask(call, &list, show);
    bool is_known =
        strcmp(arguments->words[0], "pause") == 0 || strcmp(arguments->words[0], "resume") == 0;
    if (!is_known || arguments->word_count != 2)
        return command_refuse(call, "Give pause or resume, and the name of a provider.");
    struct buffer path;
    buffer_init(&path, PATH_SIZE);
    buffer_add_text(&path, "/api/v1/providers/");
    client_escape(arguments->words[1], false, &path);
    buffer_print(&path, "/%s", arguments->words[0]);
    const struct client_request request = {.method = "POST", .path = path.data};
    int status = path.failed ? command_refuse(call, "That name is too long.")
                             : command_ask(call, &request, show);
    buffer_done(&path);
    return status;
}
