#include "store/reading.h"

#include "base/json.h"

#include <string.h>

bool reading_has_text(struct span metadata, struct span key, struct span text)
{
    char fault[JSON_FAULT_SIZE];
    if (!metadata.size)
        return false;
    json_t *object = json_read(metadata, fault);
    const json_t *value = json_object_getn(object, key.data, key.size);
    bool equal = json_is_string(value) && span_equal(json_span(value), text);
    json_decref(object);
    return equal;
}

bool reading_matches(const struct reader_filter *filter, const struct job *job)
{
    if (filter->states && !(filter->states & 1u << job->state))
        return false;
    if (filter->tenant && strcmp(filter->tenant, job->tenant) != 0)
        return false;
    if (filter->model && strcmp(filter->model, job->model) != 0)
        return false;
    if (filter->provider && strcmp(filter->provider, job->provider) != 0)
        return false;
    if (job->created_at < filter->since)
        return false;
    return !filter->metadata_key.size ||
           reading_has_text(span_of(job->metadata), filter->metadata_key, filter->metadata_text);
}

int64_t reading_place(int64_t count, int64_t arrived, int64_t ticket)
{
    int64_t place = count - (arrived - ticket);
    return place < 1 ? 1 : place;
}

void reading_name_usage(enum spend_by by, const char *name, struct spend_row *row)
{
    if (by == SPEND_BY_TENANT)
        (void)span_copy(span_of(name), row->tenant, sizeof row->tenant);
    else if (by == SPEND_BY_MODEL)
        (void)span_copy(span_of(name), row->model, sizeof row->model);
    else if (by == SPEND_BY_PROVIDER)
        (void)span_copy(span_of(name), row->provider, sizeof row->provider);
}

void reading_add_usage(enum spend_by by, const struct spend_row *row, struct reader_usage *usage)
{
    spend_add(&usage->total, row);
    if (by == SPEND_BY_DAY && row->day == MONEY_NOW)
        return;
    if (usage->count == READER_USAGE_MAX)
        usage->more = true;
    else
        usage->rows[usage->count++] = *row;
}
