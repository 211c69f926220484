#include "app/human.h"

#include <inttypes.h>
#include <stdio.h>

static void two(char *target, ms_t big, const char *big_name, ms_t small, const char *small_name)
{
    if (small > 0)
        (void)snprintf(target, HUMAN_SIZE, "%" PRId64 " %s %" PRId64 " %s", big, big_name, small,
                       small_name);
    else
        (void)snprintf(target, HUMAN_SIZE, "%" PRId64 " %s", big, big_name);
}

void human_duration(ms_t duration, char target[static HUMAN_SIZE])
{
    if (duration < MS_SECOND)
        (void)snprintf(target, HUMAN_SIZE, "%" PRId64 " ms", duration);
    else if (duration < 10 * MS_SECOND)
        (void)snprintf(target, HUMAN_SIZE, "%.1f s", (double)duration / (double)MS_SECOND);
    else if (duration < MS_MINUTE)
        (void)snprintf(target, HUMAN_SIZE, "%" PRId64 " s", duration / MS_SECOND);
    else if (duration < MS_HOUR)
        two(target, duration / MS_MINUTE, "min", duration % MS_MINUTE / MS_SECOND, "s");
    else if (duration < MS_DAY)
        two(target, duration / MS_HOUR, "h", duration % MS_HOUR / MS_MINUTE, "min");
    else
        two(target, duration / MS_DAY, "d", duration % MS_DAY / MS_HOUR, "h");
}

void human_span(ms_t duration, char target[static HUMAN_SIZE])
{
    if (duration < MS_MINUTE)
        two(target, duration > 0 ? duration / MS_SECOND : 0, "s", 0, "");
    else if (duration < MS_HOUR)
        two(target, duration / MS_MINUTE, "min", 0, "");
    else if (duration < MS_DAY)
        two(target, duration / MS_HOUR, "h", duration % MS_HOUR / MS_MINUTE, "min");
    else
        two(target, duration / MS_DAY, "d", 0, "");
}

void human_size(uint64_t bytes, char target[static HUMAN_SIZE])
{
    static const char *const units[] = {"KB", "MB", "GB", "TB"};
    double amount = (double)bytes / 1000;
    size_t unit = 0;
    if (bytes < 1000) {
        (void)snprintf(target, HUMAN_SIZE, "%" PRIu64 " B", bytes);
        return;
    }
    for (; amount >= 999.5 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        amount /= 1000;
    (void)snprintf(target, HUMAN_SIZE, amount < 9.95 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}
