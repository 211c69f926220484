#include "app/alert.h"

#include "base/json.h"
#include "core/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

static void begin(struct alert *alert, enum alert_kind kind, ms_t at, ms_t wall)
{
    alert->raised_at = wall;
    alert->next_at = at;
    alert->again_at = at + ALERT_EVERY_MS;
    alert->tries = 0;
    (void)snprintf(alert->id, sizeof alert->id, "msg_alert_%s_%" PRId64, names[kind], wall);
}

/* As much as there is room for. */
static void add(char target[static ALERT_TEXT_SIZE], const char *text)
{
    size_t size = strlen(target);
    (void)snprintf(target + size, ALERT_TEXT_SIZE - size, "%s%s", size ? " " : "", text);
}

/* What was kept is told when the ten minutes are over. */
static void begin_later(struct alert *alert, enum alert_kind kind, ms_t now)
{
    if (!alert->later[0])
        return;
    memcpy(alert->text, alert->later, sizeof alert->text);
    alert->later[0] = '\0';
    begin(alert, kind, alert->again_at > now ? alert->again_at : now, alert->later_at);
}

static void keep(struct alert *alert, enum alert_kind kind, const char *text, ms_t now, ms_t wall)
{
    bool is_unsent = !alert->in_flight && alert->tries == 0 && alert->next_at != MS_NEVER;
    add(is_unsent ? alert->text : alert->later, text);
    alert->later_at = wall;
    if (!alert->in_flight && alert->next_at == MS_NEVER)
        begin_later(alert, kind, now);
}

/* Each of its kind is news of its own. */
static bool says_all(enum alert_kind kind)
{
    return kind == ALERT_BUDGET || kind == ALERT_ACCOUNT || kind == ALERT_BREAKER;
}

bool alert_raise(struct alerts *alerts, enum alert_kind kind, const char *text, ms_t now, ms_t wall)
{
    struct alert *alert = &alerts->list[kind];
    bool is_soon =
        alert->raised_at && wall >= alert->raised_at && wall - alert->raised_at < ALERT_EVERY_MS;
    if (says_all(kind) && (is_soon || alert->in_flight || alert->next_at != MS_NEVER)) {
        keep(alert, kind, text, now, wall);
        return true;
    }
    if (is_soon || alert->in_flight)
        return false;
    *alert = (struct alert){.raised_at = wall};
    begin(alert, kind, now, wall);
    (void)snprintf(alert->text, sizeof alert->text, "%s", text);
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
    if (delivered || ++alert->tries >= ALERT_TRIES) {
        begin_later(alert, kind, now);
        return delivered;
    }
    alert->next_at = now + waits[alert->tries];
    return true;
}

void alert_budget(const struct budget_notice *notice, char ret_text[static ALERT_TEXT_SIZE])
{
    char budget[ACCOUNT_BUDGET_SIZE], spent[ACCOUNT_TEXT_SIZE], reserved[ACCOUNT_TEXT_SIZE];
    account_write_budget(&notice->account, budget);
    account_write(notice->spent, spent);
    account_write(notice->account.reserved, reserved);
    (void)snprintf(ret_text, ALERT_TEXT_SIZE,
                   "The budget of %s %s, %s, is used up%s: %s is spent and %s reserved.",
                   notice->is_provider ? "provider" : "tenant", notice->account.name, budget,
                   notice->percent < 100 ? " to 80 %" : "", spent, reserved);
}

bool alert_is_account(const struct unwell_notice *notice)
{
    return notice->why == ERROR_BAD_KEY || notice->why == ERROR_OUT_OF_CREDIT;
}

void alert_unwell(const struct unwell_notice *notice, char ret_text[static ALERT_TEXT_SIZE])
{
    const char *why = notice->why == ERROR_BAD_KEY         ? "refuses our key"
                      : notice->why == ERROR_OUT_OF_CREDIT ? "has no credit for us"
                                                           : "failed several times in a row";
    (void)snprintf(ret_text, ALERT_TEXT_SIZE,
                   "The provider %s %s: no job is sent to it for %d s, then one may try. Jobs for "
                   "it wait, or take their next offer; what it has accepted is followed.",
                   notice->provider, why,
                   (alert_is_account(notice) ? HEALTH_ACCOUNT_MS : HEALTH_OPEN_MS) / 1000);
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
