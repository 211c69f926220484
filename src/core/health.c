#include "core/health.h"

#include "base/memory.h"

#include <assert.h>

void health_change(struct map *providers, const struct core_config *config)
{
    for (unsigned n = 0; n < config->vendor_count; n++) {
        const struct core_vendor *row = &config->vendors[n];
        struct health *health = map_get(providers, span_of(row->traits.name));
        if (!health) {
            health = memory_new(struct health);
            bool fits = span_copy(span_of(row->traits.name), health->name, sizeof health->name);
            assert(fits);
            health->tenths = 10 * HEALTH_RETRIES_FIRST;
            map_set(providers, span_of(health->name), health);
        }
        health->traits = row->traits;
        health->traits.name = health->name;
        health->calls_back = row->calls_back;
        health->reads_limit = row->reads_limit;
    }
}

void health_done(struct map *providers)
{
    size_t cursor = 0;
    for (void *health; (health = map_next(providers, &cursor));)
        memory_free(health);
    map_done(providers);
}

struct health *health_of(const struct map *providers, const char *name)
{
    return map_get(providers, span_of(name));
}

bool health_is_blocked(const struct health *health)
{
    return health->is_paused || health->blocked_until || (health->half_open && health->probing);
}

static void show(const struct health *health, struct limits *limits)
{
    struct gauge *gauge = limit_gauge(limits, LIMIT_PROVIDER, health->name);
    gauge->is_blocked = health_is_blocked(health);
    gauge->only_one = health->half_open;
    gauge->window = health->window;
}

void health_begins(struct health *health, struct limits *limits)
{
    health->probing = health->half_open;
    show(health, limits);
}

void health_works(struct health *health, struct limits *limits)
{
    health->failures = 0;
    health->half_open = health->probing = false;
    show(health, limits);
}

static void block(struct health *health, struct limits *limits, ms_t until, enum error_code why)
{
    if (until > health->blocked_until)
        health->blocked_until = until;
    health->why = why;
    health->probing = false;
    show(health, limits);
}

void health_fails(struct health *health, struct limits *limits, ms_t now, enum error_code why)
{
    health->failures++;
    if (health->failures < HEALTH_FAILURES_MAX && !health->half_open)
        return;
    health->is_news |= !health->half_open;
    health->half_open = true;
    block(health, limits, now + HEALTH_OPEN_MS, why);
}

void health_blocks(struct health *health, struct limits *limits, ms_t until, enum error_code why)
{
    /* Of our account one job finds out whether it is well again; "not now" needs no such care. */
    if (why == ERROR_BAD_KEY || why == ERROR_OUT_OF_CREDIT) {
        health->is_news |= !health->half_open || health->why != why;
        health->half_open = true;
    }
    block(health, limits, until, why);
}

void health_slows(struct health *health, struct limits *limits, ms_t asked_at, ms_t now)
{
    unsigned out = limit_gauge(limits, LIMIT_PROVIDER, health->name)->submitting;
    if (asked_at <= health->slowed_at)
        return;
    unsigned most = health->window ? health->window : out;
    health->window = most > 1 ? most / 2 : 1;
    health->credit = 0;
    health->slowed_at = now;
    show(health, limits);
}

void health_speeds(struct health *health, struct limits *limits)
{
    if (health->window == 0 || ++health->credit < health->window)
        return;
    health->credit = 0;
    health->window = health->window < HEALTH_WINDOW_MAX ? health->window + 1 : 0;
    show(health, limits);
}

void health_pauses(struct health *health, struct limits *limits, bool pause)
{
    health->is_paused = pause;
    if (!pause) {
        health->blocked_until = 0;
        health->failures = 0;
        health->half_open = health->probing = false;
        health->window = health->credit = 0;
    }
    show(health, limits);
}

void health_flush(struct map *providers, struct output *output)
{
    size_t cursor = 0;
    for (struct health *health; (health = map_next(providers, &cursor));) {
        if (!health->is_news)
            continue;
        health->is_news = false;
        struct unwell_notice *notice = &output_effect(output, EFFECT_UNWELL)->unwell;
        *notice = (struct unwell_notice){.why = health->why, .until = health->blocked_until};
        (void)span_copy(span_of(health->name), notice->provider, sizeof notice->provider);
    }
}

void health_turn(struct map *providers, struct limits *limits, ms_t now)
{
    size_t cursor = 0;
    for (struct health *health; (health = map_next(providers, &cursor));) {
        if (!health->blocked_until || health->blocked_until > now)
            continue;
        health->blocked_until = 0;
        show(health, limits);
    }
}

ms_t health_wake_at(const struct map *providers)
{
    ms_t at = MS_NEVER;
    size_t cursor = 0;
    for (const struct health *health; (health = map_next(providers, &cursor));) {
        if (health->blocked_until && health->blocked_until < at)
            at = health->blocked_until;
    }
    return at;
}

ms_t health_read_at(struct health *health, ms_t now)
{
    if (health->reads_limit == 0)
        return now;
    /* What goes in a row is within the minute's limit too. */
    int64_t step = (int64_t)1000 * (MS_MINUTE + MS_SECOND) / health->reads_limit;
    int64_t first = step < 1000 * MS_SECOND ? 1000 * (now - MS_SECOND) + step : 1000 * now;
    int64_t place = health->next_read > first ? health->next_read : first;
    health->next_read = place + step;
    ms_t at = (place + 999) / 1000;
    return at > now ? at : now;
}

void health_reads(struct health *health)
{
    health->reads++;
    if (health->tenths < 10 * HEALTH_RETRIES_MAX)
        health->tenths++;
}

bool health_repeats(struct health *health)
{
    if (health->tenths < 10)
        return false;
    health->tenths -= 10;
    return true;
}
