#include "store/ram_spend.h"

#include "base/memory.h"
#include "store/reading.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The row's first bytes, up to the figures. */
static struct span key_of(const struct spend_row *row)
{
    return span_make(row, offsetof(struct spend_row, jobs));
}

static struct ram_spend *find(struct ram *ram, const struct spend_row *like)
{
    struct spend_row key = {.day = like->day};
    (void)span_copy(span_of(like->tenant), key.tenant, sizeof key.tenant);
    (void)span_copy(span_of(like->model), key.model, sizeof key.model);
    (void)span_copy(span_of(like->provider), key.provider, sizeof key.provider);
    struct ram_spend *spend = map_get(&ram->spends, key_of(&key));
    if (spend)
        return spend;
    spend = memory_new(struct ram_spend);
    spend->row = spend->before = key;
    spend->is_new = true;
    map_set(&ram->spends, key_of(&spend->row), spend);
    return spend;
}

/* The rules are those of the other stores' schemas. */
const char *ram_spend_change(struct ram *ram, const struct spend_row *delta)
{
    struct spend_row *row = &find(ram, delta)->row;
    ram->spends_touched = true;
    spend_add(row, delta);
    if (row->day < 0 || !row->tenant[0] || row->jobs < 0 || row->succeeded < 0 || row->failed < 0 ||
        row->spent < 0 || row->reserved < 0)
        return "no sum is below nothing";
    return row->day != MONEY_NOW && row->reserved ? "what is reserved is of no day" : NULL;
}

void ram_spend_keep(struct ram *ram)
{
    size_t cursor = 0;
    if (!ram->spends_touched)
        return;
    for (struct ram_spend *spend; (spend = map_next(&ram->spends, &cursor));) {
        spend->before = spend->row;
        spend->is_new = false;
    }
    ram->spends_touched = false;
}

void ram_spend_undo(struct ram *ram)
{
    size_t cursor = 0;
    if (!ram->spends_touched)
        return;
    for (struct ram_spend *spend; (spend = map_next(&ram->spends, &cursor));) {
        if (spend->is_new)
            memory_free(map_remove(&ram->spends, key_of(&spend->row)));
        else
            spend->row = spend->before;
    }
    ram->spends_touched = false;
}

void ram_spend_start(const struct ram *ram, const struct store_sink *sink)
{
    size_t cursor = 0;
    if (!sink->spend)
        return;
    for (const struct ram_spend *spend; (spend = map_next(&ram->spends, &cursor));)
        sink->spend(sink->context, &spend->row);
}

static const char *name_of(enum spend_by by, const struct spend_row *row)
{
    return by == SPEND_BY_TENANT ? row->tenant : by == SPEND_BY_MODEL ? row->model : row->provider;
}

static int compare(const void *a, const void *b)
{
    const struct spend_row *first = a, *second = b;
    int order = strcmp(first->tenant, second->tenant);
    order = order ? order : strcmp(first->model, second->model);
    order = order ? order : strcmp(first->provider, second->provider);
    return order ? order : (first->day > second->day) - (first->day < second->day);
}

static bool matches(const struct reader_usage_filter *filter, const struct spend_row *row)
{
    bool is_now = row->day == MONEY_NOW && row->reserved > 0;
    return (is_now || (row->day >= filter->from && row->day <= filter->to)) &&
           (!filter->tenant || span_is(span_of(row->tenant), filter->tenant));
}

void ram_spend_read(const struct ram *ram, const struct reader_usage_filter *filter,
                    struct reader_usage *ret_usage)
{
    struct spend_row *groups = memory_make((ram->spends.live + 1) * sizeof(struct spend_row));
    size_t count = 0, cursor = 0;
    for (const struct ram_spend *spend; (spend = map_next(&ram->spends, &cursor));) {
        struct spend_row figures = spend->before, group = {.day = 0};
        if (spend->is_new || !matches(filter, &figures))
            continue;
        if (figures.day == MONEY_NOW)
            figures.spent = 0; /* of all times */
        group.day = filter->by == SPEND_BY_DAY ? figures.day : 0;
        reading_name_usage(filter->by, name_of(filter->by, &figures), &group);
        size_t n = 0;
        while (n < count && compare(&groups[n], &group) != 0)
            n++;
        if (n == count)
            groups[count++] = group;
        spend_add(&groups[n], &figures);
    }
    qsort(groups, count, sizeof *groups, compare);
    for (size_t n = 0; n < count; n++)
        reading_add_usage(filter->by, &groups[n], ret_usage);
    memory_free(groups);
}

void ram_spend_clone(struct ram *target, const struct ram *source)
{
    size_t cursor = 0;
    for (const struct ram_spend *spend; (spend = map_next(&source->spends, &cursor));)
        (void)ram_spend_change(target, &spend->row);
    ram_spend_keep(target);
}

void ram_spend_free(struct ram *ram)
{
    size_t cursor = 0;
    for (void *spend; (spend = map_next(&ram->spends, &cursor));)
        memory_free(spend);
    map_done(&ram->spends);
}
