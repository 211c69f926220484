#include "dialect/native_usage.h"

#include "catalog/price.h"
#include "dialect/native_ask.h"

#include <inttypes.h>

enum { DATE_SIZE = 11, DATE_LENGTH = DATE_SIZE - 1 };

/* ---------------------------------------------------------------- the question */

/* "2026-11-30", or a time on that day. */
static bool read_day(struct span text, struct arena *arena, int64_t *ret_day)
{
    ms_t at;
    if (text.size == DATE_LENGTH)
        text = span_of(arena_print(arena, "%.*sT00:00:00Z", SPAN_PRINT(text)));
    if (!time_read_iso(text, &at) || at < MS_DAY)
        return false;
    *ret_day = at / MS_DAY;
    return true;
}

static void read_bound(const struct dialect_scene *scene, const struct http_request *request,
                       const char *name, struct faults *faults, int64_t *day)
{
    struct span text;
    if (http_query(request->query, name, scene->arena, &text) && !read_day(text, scene->arena, day))
        faults_add(faults, name, "a date as 2026-11-30, or an ISO time", "is \"%s\"",
                   native_ask_cut(scene->arena, text, 40));
}

static bool wants_csv(const struct dialect_scene *scene, const struct http_request *request,
                      struct faults *faults)
{
    struct span text, part;
    if (http_query(request->query, "format", scene->arena, &text)) {
        if (!span_is(text, "csv") && !span_is(text, "json"))
            faults_add(faults, "format", "json or csv", "is \"%s\"",
                       native_ask_cut(scene->arena, text, 20));
        return span_is(text, "csv");
    }
    if (!http_request_header(request, "accept", &text))
        return false;
    /* The first of the two that is named. */
    while (span_take(&text, ',', &part)) {
        struct span type = SPAN("");
        (void)span_take(&part, ';', &type);
        type = span_trim(type);
        if (span_is_nocase(type, "text/csv"))
            return true;
        if (span_is_nocase(type, "application/json"))
            return false;
    }
    return false;
}

void native_usage_read(const struct dialect_scene *scene, const struct http_request *request,
                       struct faults *faults, struct call *call)
{
    struct span text;
    int64_t today = scene->now / MS_DAY;
    call->usage.to = today;
    call->usage.from = time_month_begins(time_month(today));
    call->usage.by = SPEND_BY_DAY;
    read_bound(scene, request, "from", faults, &call->usage.from);
    read_bound(scene, request, "to", faults, &call->usage.to);
    if (http_query(request->query, "groupBy", scene->arena, &text) &&
        !spend_by_find(text, &call->usage.by))
        faults_add(faults, "groupBy", "tenant, model, provider or day", "is \"%s\"",
                   native_ask_cut(scene->arena, text, 20));
    call->usage.as_csv = wants_csv(scene, request, faults);
    if (faults_any(faults))
        return;
    if (call->usage.from > call->usage.to)
        faults_add(faults, "from", "a day that is not after `to`", "is after it");
    else if (call->usage.to - call->usage.from >= SPEND_DAYS_MAX)
        faults_add(faults, "from",
                   arena_print(scene->arena, "at most %d days up to `to`", SPEND_DAYS_MAX),
                   "is %" PRId64 " days before it", call->usage.to - call->usage.from);
}

/* ---------------------------------------------------------------- the answer */

static void write_date(int64_t day, char target[static DATE_SIZE])
{
    char iso[TIME_ISO_SIZE];
    time_write_iso(day * MS_DAY, iso);
    (void)span_copy(span_make(iso, DATE_LENGTH), target, DATE_SIZE);
}

/* What the row is grouped by. */
static const char *name_of(enum spend_by by, const struct spend_row *row,
                           char date[static DATE_SIZE])
{
    write_date(row->day, date);
    return by == SPEND_BY_TENANT     ? row->tenant
           : by == SPEND_BY_MODEL    ? row->model
           : by == SPEND_BY_PROVIDER ? row->provider
                                     : date;
}

static void write_money(struct json_writer *writer, const char *name, int64_t micros)
{
    char amount[PRICE_TEXT_SIZE];
    price_write(micros, amount);
    json_open_object(writer, name);
    json_raw(writer, "amount", span_of(amount));
    json_text(writer, "currency", SPAN("USD"));
    json_close_object(writer);
}

static void write_figures(struct json_writer *writer, const struct spend_row *row, bool is_day)
{
    json_number(writer, "jobs", row->jobs);
    json_number(writer, "succeeded", row->succeeded);
    json_number(writer, "failed", row->failed);
    write_money(writer, "spent", row->spent);
    if (!is_day)
        write_money(writer, "reserved", row->reserved);
}

static void write_json(const struct call *call, const struct answer_usage *usage,
                       struct buffer *body)
{
    struct json_writer writer;
    char date[DATE_SIZE];
    enum spend_by by = call->usage.by;
    json_writer_init(&writer, body);
    json_open_object(&writer, NULL);
    write_date(call->usage.from, date);
    json_text(&writer, "from", span_of(date));
    write_date(call->usage.to, date);
    json_text(&writer, "to", span_of(date));
    json_text(&writer, "groupBy", span_of(spend_by_name(by)));
    json_open_array(&writer, "items");
    for (unsigned n = 0; n < usage->count; n++) {
        json_open_object(&writer, NULL);
        json_text(&writer, spend_by_name(by), span_of(name_of(by, &usage->rows[n], date)));
        write_figures(&writer, &usage->rows[n], by == SPEND_BY_DAY);
        json_close_object(&writer);
    }
    json_close_array(&writer);
    json_bool(&writer, "more", usage->more);
    json_open_object(&writer, "total");
    write_figures(&writer, &usage->total, false);
    json_close_object(&writer);
    json_close_object(&writer);
}

/* Names of tenants, models and providers have no commas, quotes or line ends; a catalogue of
 * somebody's own might. */
static void write_field(const char *text, struct buffer *body)
{
    struct span rest = span_of(text);
    if (span_find(rest, ',') < 0 && span_find(rest, '"') < 0 && span_find(rest, '\n') < 0) {
        buffer_add_text(body, text);
        return;
    }
    buffer_add_byte(body, '"');
    for (size_t n = 0; n < rest.size; n++) {
        if (rest.data[n] == '"')
            buffer_add_byte(body, '"');
        buffer_add_byte(body, rest.data[n]);
    }
    buffer_add_byte(body, '"');
}

static void write_csv(const struct call *call, const struct answer_usage *usage,
                      struct buffer *body)
{
    enum spend_by by = call->usage.by;
    buffer_print(body, "%s,jobs,succeeded,failed,spent,reserved,currency\r\n", spend_by_name(by));
    for (unsigned n = 0; n < usage->count; n++) {
        const struct spend_row *row = &usage->rows[n];
        char date[DATE_SIZE], spent[PRICE_TEXT_SIZE], reserved[PRICE_TEXT_SIZE];
        price_write(row->spent, spent);
        price_write(row->reserved, reserved);
        write_field(name_of(by, row, date), body);
        buffer_print(body, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,%s,USD\r\n", row->jobs,
                     row->succeeded, row->failed, spent, by == SPEND_BY_DAY ? "" : reserved);
    }
}

struct span native_usage_write(const struct call *call, const struct answer_usage *usage,
                               struct buffer *body)
{
    if (!call->usage.as_csv) {
        write_json(call, usage, body);
        return SPAN("application/json");
    }
    write_csv(call, usage, body);
    return SPAN("text/csv; charset=utf-8");
}

void native_usage_write_budget(const struct answer_budget *budget, struct json_writer *writer)
{
    char amount[PRICE_TEXT_SIZE];
    if (!budget->exists)
        return;
    int64_t left = budget->amount - budget->spent - budget->reserved;
    price_write(budget->amount, amount);
    json_open_object(writer, "budget");
    json_raw(writer, "amount", span_of(amount));
    json_text(writer, "currency", SPAN("USD"));
    json_text(writer, "period", span_of(tenant_period_name(budget->period)));
    write_money(writer, "spent", budget->spent);
    write_money(writer, "reserved", budget->reserved);
    write_money(writer, "left", left > 0 ? left : 0);
    if (budget->renews_at)
        json_time(writer, "renewsAt", budget->renews_at);
    json_close_object(writer);
}
