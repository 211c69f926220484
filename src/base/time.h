/* Milliseconds, in a type of their own. Wall times count from 1970 UTC. Nothing here reads a clock:
 * `now` is handed in (edge/clock asks the system). */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/span.h"

typedef int64_t ms_t;

#define MS_SECOND ((ms_t)1000)
#define MS_MINUTE (60 * MS_SECOND)
#define MS_HOUR   (60 * MS_MINUTE)
#define MS_DAY    (24 * MS_HOUR)
#define MS_NEVER  INT64_MAX

enum { TIME_ISO_SIZE = 25 };

/* "2026-01-21T21:00:00.000Z" */
void time_write_iso(ms_t at, char target[static TIME_ISO_SIZE]);
/* RFC 3339 with "Z" or an offset and up to nine digits of a second; false on anything else. */
bool time_read_iso(struct span text, ms_t *ret_at);
/* Months since January 1970 of a day since 1970-01-01, and the first day of such a month. */
int64_t time_month(int64_t day);
int64_t time_month_begins(int64_t month);
/* RFC 9110's IMF-fixdate, "Wed, 21 Jan 2026 21:00:00 GMT" */
enum { TIME_HTTP_SIZE = 30 };
void time_write_http(ms_t at, char target[static TIME_HTTP_SIZE]);
/* False on anything else than that form; the day of the week is not looked at. */
bool time_read_http(struct span text, ms_t *ret_at);

#endif
