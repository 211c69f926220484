/* `reel stats` */
#include "app/command.h"
#include "app/human.h"
#include "app/job_view.h"
#include "app/table.h"

#include <stdio.h>

enum { COLUMN_OPERATION, COLUMN_ELAPSED, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [COLUMN_OPERATION] = {"UNDER WAY", false, true, 8},
    [COLUMN_ELAPSED] = {"FOR", true, false, 0},
};

static void add_row(struct table *table, const json_t *item, ms_t now, struct arena *arena)
{
    struct table_cell cells[COLUMNS] = {{0}};
    char elapsed[HUMAN_SIZE];
    (void)now;
    human_duration(job_view_number(item, "elapsed", 0), elapsed);
    cells[COLUMN_OPERATION].text = job_view_text(item, "operation");
    cells[COLUMN_ELAPSED].text = arena_copy(arena, span_of(elapsed));
    table_add(table, cells);
}

static void show(const json_t *answer)
{
    const json_t *workers = json_object_get(answer, "workers");
    const json_t *operations = json_object_get(answer, "operations");
    printf("%lld in flight; %lld of %lld workers busy; %lld queued\n",
           (long long)job_view_number(answer, "activeOperations", 0),
           (long long)job_view_number(workers, "activeJobs", 0),
           (long long)job_view_number(workers, "maxWorkers", 0),
           (long long)job_view_number(workers, "queuedJobs", 0));
    if (json_array_size(operations) == 0)
        return;
    printf("\n");
    command_write_table(columns, COLUMNS, operations, add_row);
}

int command_stats_run(struct command_call *call)
{
    const struct client_request request = {.method = "GET", .path = "/api/v1/stats"};
    return command_ask(call, &request, show);
}
