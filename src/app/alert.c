#include "app/alert.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const names[ALERT_KINDS] = {
#define ALERT_NAME(upper, lower) #lower,
    ALERT_LIST(ALERT_NAME)
#undef ALERT_NAME
};

/* Before each further try. */
static const ms_t waits[ALERT_TRIES] = {0, 10 * MS_SECOND, MS_MINUTE};

const char *alert_name(enum alert_kind kind)
{
    return names[kind];
}

void alert_init(struct alerts *alerts)
{
    *alerts = (struct alerts){0};
    for (int kind = 0; kind < ALERT_KINDS; kind++)
        alerts->list[kind].next_at = MS_NEVER;
}

bool alert_raise(struct alerts *alerts, enum alert_kind kind, const char *text, ms_t now, ms_t wall)
{
    struct alert *alert = &alerts->list[kind];
    if (alert->raised_at && wall >= alert->raised_at && wall - alert->raised_at < ALERT_EVERY_MS)
        return false;
    if (alert->in_flight)
        return false;
    *alert = (struct alert){.raised_at = wall, .next_at = now};
    (void)snprintf(alert->text, sizeof alert->text, "%s", text);
    (void)snprintf(alert->id, sizeof alert->id, "msg_alert_%s_%" PRId64, names[kind], wall);
    return true;
}

ms_t alert_next_at(const struct alerts *alerts)
{
    ms_t at = MS_NEVER;
    for (int kind = 0; kind < ALERT_KINDS; kind++) {
        if (alerts->list[kind].next_at < at)
            at = alerts->list[kind].next_at;
    }
    return at;
}

bool alert_take(struct alerts *alerts, ms_t now, enum alert_kind *ret_kind)
{
    for (int kind = 0; kind < ALERT_KINDS; kind++) {
        struct alert *alert = &alerts->list[kind];
        if (alert->next_at > now)
            continue;
        alert->next_at = MS_NEVER;
        alert->in_flight = true;
        *ret_kind = (enum alert_kind)kind;
        return true;
    }
    return false;
}

bool alert_tried(struct alerts *alerts, enum alert_kind kind, bool delivered, ms_t now)
{
    struct alert *alert = &alerts->list[kind];
    alert->in_flight = false;
    if (delivered)
        return true;
    if (++alert->tries >= ALERT_TRIES)
        return false;
    alert->next_at = now + waits[alert->tries];
    return true;
}

void alert_write(const struct alert *alert, enum alert_kind kind, struct buffer *target)
{
    struct json_writer writer;
    json_writer_init(&writer, target);
    json_open_object(&writer, NULL);
    json_text(&writer, "event", SPAN("alert"));
    json_text(&writer, "kind", span_of(names[kind]));
    json_text(&writer, "message", span_of(alert->text));
    json_time(&writer, "at", alert->raised_at);
    json_close_object(&writer);
}
