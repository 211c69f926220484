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

static void write_operations(const json_t *operations)
{
    struct table table;
    struct arena arena;
    json_t *item;
    size_t index;
    if (json_array_size(operations) == 0)
        return;
    arena_init(&arena);
    table_init(&table, columns, COLUMNS);
    json_array_foreach((json_t *)(uintptr_t)operations, index, item) {
        struct table_cell cells[COLUMNS] = {{0}};
        char elapsed[HUMAN_SIZE];
        human_duration(job_view_number(item, "elapsed", 0), elapsed);
        cells[COLUMN_OPERATION].text = job_view_text(item, "operation");
        cells[COLUMN_ELAPSED].text = arena_copy(&arena, span_of(elapsed));
        table_add(&table, cells);
    }
    printf("\n");
    table_print(&table);
    arena_done(&arena);
}

int command_stats_run(struct command_call *call)
{
    struct client_answer answer;
    const struct client_request request = {.method = "GET", .path = "/api/v1/stats"};
    int status = COMMAND_SUCCEEDED;
    if (client_ask(&call->client, &request, &answer) != CLIENT_OK) {
        status = client_complain(&call->client, &answer, call->as_json);
    } else if (call->as_json) {
        command_print_json(&answer);
    } else {
        const json_t *workers = json_object_get(answer.json, "workers");
        printf("%lld in flight; %lld of %lld workers busy; %lld queued\n",
               (long long)job_view_number(answer.json, "activeOperations", 0),
               (long long)job_view_number(workers, "activeJobs", 0),
               (long long)job_view_number(workers, "maxWorkers", 0),
               (long long)job_view_number(workers, "queuedJobs", 0));
        write_operations(json_object_get(answer.json, "operations"));
    }
    client_answer_done(&answer);
    return status;
}
