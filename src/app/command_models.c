/* `reel models [MODEL]` */
#include "app/command.h"
#include "app/glyph.h"
#include "app/human.h"
#include "app/job_view.h"
#include "app/parameters.h"
#include "app/table.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 1024 };
enum { COLUMN_ID, COLUMN_TASK, COLUMN_PROVIDERS, COLUMN_READY, COLUMN_PRICE, COLUMN_TIME, COLUMNS };

static const struct table_column columns[COLUMNS] = {
    [COLUMN_ID] = {"MODEL", false, false, 0},           [COLUMN_TASK] = {"TASK", false, true, 8},
    [COLUMN_PROVIDERS] = {"PROVIDERS", false, true, 8}, [COLUMN_READY] = {"", false, false, 0},
    [COLUMN_PRICE] = {"PRICE", true, false, 0},         [COLUMN_TIME] = {"TIME", true, false, 0},
};

static const char *price_text(const json_t *model, struct arena *arena)
{
    const json_t *price = json_object_get(model, "price");
    double least = json_number_value(json_object_get(price, "min"));
    double most = json_number_value(json_object_get(price, "max"));
    if (!json_is_object(price))
        return "?";
    if (most == 0)
        return "free";
    if (least == most)
        return arena_print(arena, "$%.4g", most);
    return arena_print(arena, "$%.4g-%.4g", least, most);
}

static const char *names(const json_t *list, struct arena *arena)
{
    const char *text = "";
    json_t *item;
    size_t index;
    json_array_foreach((json_t *)(uintptr_t)list, index, item)
        text = arena_print(arena, "%s%s%.*s", text, index ? ", " : "", SPAN_PRINT(json_span(item)));
    return text;
}

static void add_row(struct table *table, const json_t *model, ms_t now, struct arena *arena)
{
    (void)now;
    char time[HUMAN_SIZE];
    struct table_cell cells[COLUMNS] = {{0}};
    bool ready = json_is_true(json_object_get(model, "configured"));
    human_span(job_view_number(model, "estimatedTimeSeconds", 0) * MS_SECOND, time);
    cells[COLUMN_ID].text = job_view_text(model, "id");
    cells[COLUMN_TASK].text = job_view_text(model, "task");
    cells[COLUMN_PROVIDERS].text = names(json_object_get(model, "providers"), arena);
    cells[COLUMN_READY] = (struct table_cell){ready ? "ready" : "not configured",
                                              ready ? TERMINAL_GREEN : TERMINAL_DIM};
    if (json_is_true(json_object_get(model, "retired")))
        cells[COLUMN_READY] = (struct table_cell){"retired", TERMINAL_DIM};
    cells[COLUMN_PRICE].text = price_text(model, arena);
    cells[COLUMN_TIME].text = arena_print(arena, "~%s", time);
    table_add(table, cells);
}

static void write_list(const json_t *answer)
{
    command_write_table(columns, COLUMNS, json_object_get(answer, "items"), add_row);
}

static void write_offers(const json_t *offers, struct buffer *text)
{
    json_t *offer, *need;
    size_t index, place;
    json_array_foreach((json_t *)(uintptr_t)offers, index, offer) {
        bool ready = json_is_true(json_object_get(offer, "configured"));
        buffer_add_text(text, index ? "" : "\nOffers:\n");
        buffer_add_text(text, "  ");
        glyph_add(text, span_of(job_view_text(offer, "provider")));
        buffer_add_text(text, "  ");
        glyph_add(text, span_of(job_view_text(offer, "slug")));
        buffer_add_text(text, ready ? "  ready" : "  needs");
        json_array_foreach(json_object_get(offer, "needs"), place, need) {
            if (ready)
                break;
            buffer_add_byte(text, ' ');
            glyph_add(text, json_span(need));
        }
        buffer_add_byte(text, '\n');
    }
}

static void write_model(const json_t *model)
{
    struct arena arena;
    struct buffer text;
    struct parameters parameters;
    arena_init(&arena);
    buffer_init(&text, 1 << 20);
    glyph_add(&text, span_of(job_view_text(model, "id")));
    buffer_add_text(&text, "  ");
    glyph_add(&text, span_of(job_view_text(model, "task")));
    buffer_print(&text, "  %s", price_text(model, &arena));
    buffer_add_byte(&text, '\n');
    glyph_add(&text, span_of(job_view_text(model, "summary")));
    buffer_add_text(&text, "\n\nParameters:\n");
    printf("%.*s", SPAN_PRINT(buffer_span(&text)));
    parameters_init(&parameters, json_object_get(model, "parameters"), &arena);
    command_write_options(parameters.options, stdout);
    buffer_clear(&text);
    write_offers(json_object_get(model, "offers"), &text);
    printf("%.*s", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
    arena_done(&arena);
}

int command_models_run(struct command_call *call)
{
    struct buffer path;
    const char *id = call->arguments.word_count > 0 ? call->arguments.words[0] : NULL;
    buffer_init(&path, PATH_SIZE * 3);
    buffer_add_text(&path, "/api/v1/models");
    if (id) {
        buffer_add_byte(&path, '/');
        client_escape(id, true, &path);
    }
    const struct client_request request = {.method = "GET", .path = path.failed ? "/" : path.data};
    int status = command_ask(call, &request, id ? write_model : write_list);
    buffer_done(&path);
    return status;
}
