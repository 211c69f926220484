#include "base/time.h"

#include <stdio.h>
#include <string.h>

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct date {
    int year, month, day, hour, minute, second, ms, weekday;
};

static struct date date_of(ms_t at)
{
    int64_t days = at >= 0 ? at / MS_DAY : -((MS_DAY - 1 - at) / MS_DAY);
    int64_t rest = at - days * MS_DAY;
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
    return (struct date){
        .year = (int)(year_of_era + era * 400 + (month <= 2)),
        .month = (int)month,
        .day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1),
        .hour = (int)(rest / MS_HOUR),
        .minute = (int)(rest / MS_MINUTE % 60),
        .second = (int)(rest / MS_SECOND % 60),
        .ms = (int)(rest % MS_SECOND),
        .weekday = (int)(((days + 4) % 7 + 7) % 7),
    };
}

int64_t time_month(int64_t day)
{
    struct date date = date_of(day * MS_DAY);
    return ((int64_t)date.year - 1970) * 12 + date.month - 1;
}

int64_t time_month_begins(int64_t month)
{
    int64_t year = month >= 0 ? month / 12 : -((11 - month) / 12);
    return days_of(1970 + year, month - year * 12 + 1, 1);
}

/* Every answer holds several times; printf would be most of their cost. */
static void put_digits(char *target, int value, int count)
{
    for (int n = count - 1; n >= 0; n--) {
        target[n] = (char)('0' + value % 10);
        value /= 10;
    }
}

void time_write_iso(ms_t at, char target[static TIME_ISO_SIZE])
{
    /* Years outside 0…9999 have no such form; the nearest that has is shown. */
    const ms_t min = -62167219200000, max = 253402300799999;
    struct date d = date_of(at < min ? min : at > max ? max : at);
    static const char shape[TIME_ISO_SIZE] = "0000-00-00T00:00:00.000Z";
    memcpy(target, shape, TIME_ISO_SIZE);
    put_digits(target, d.year, 4);
    put_digits(target + 5, d.month, 2);
    put_digits(target + 8, d.day, 2);
    put_digits(target + 11, d.hour, 2);
    put_digits(target + 14, d.minute, 2);
    put_digits(target + 17, d.second, 2);
    put_digits(target + 20, d.ms, 3);
}

static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void time_write_http(ms_t at, char target[static TIME_HTTP_SIZE])
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const ms_t max = 253402300799999;
    struct date d = date_of(at < 0 ? 0 : at > max ? max : at);
    char text[96];
    (void)snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[d.weekday], d.day,
                   month_names[d.month - 1], d.year, d.hour, d.minute, d.second);
    (void)span_copy((struct span){text, TIME_HTTP_SIZE - 1}, target, TIME_HTTP_SIZE);
}

/* Reads `size` digits at `at`; -1 when there is anything else. */
static int digits(struct span text, size_t at, size_t size)
{
    int value = 0;
    if (at + size > text.size)
        return -1;
    for (size_t n = at; n < at + size; n++) {
        if (text.data[n] < '0' || text.data[n] > '9')
            return -1;
        value = value * 10 + (text.data[n] - '0');
    }
    return value;
}

/* "Z", "+02:00" or "-0530" from `at` to the end. */
static bool read_offset(struct span text, size_t at, ms_t *ret_offset)
{
    if (at + 1 == text.size && (text.data[at] == 'Z' || text.data[at] == 'z')) {
        *ret_offset = 0;
        return true;
    }
    if (at >= text.size || (text.data[at] != '+' && text.data[at] != '-'))
        return false;
    bool colon = at + 6 == text.size && text.data[at + 3] == ':';
    if (!colon && at + 5 != text.size)
        return false;
    int hours = digits(text, at + 1, 2), minutes = digits(text, at + (colon ? 4 : 3), 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    ms_t offset = hours * MS_HOUR + minutes * MS_MINUTE;
    *ret_offset = text.data[at] == '-' ? -offset : offset;
    return true;
}

bool time_read_iso(struct span text, ms_t *ret_at)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
    int hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > month_days[month - 1] || hour < 0 ||
        hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2 && day == 29 && !leap)
        return false;
    if (text.data[4] != '-' || text.data[7] != '-' || text.data[13] != ':' ||
        text.data[16] != ':' || !(text.data[10] == 'T' || text.data[10] == 't'))
        return false;
    size_t at = 19;
    int ms = 0, scale = 100;
    if (at < text.size && text.data[at] == '.') {
        size_t first = ++at;
        for (; at < text.size && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
            ms += (text.data[at] - '0') * scale;
            scale /= 10;
        }
        if (at == first || at - first > 9)
            return false;
    }
    ms_t offset = 0;
    if (!read_offset(text, at, &offset))
        return false;
    *ret_at = days_of(year, month, day) * MS_DAY + hour * MS_HOUR + minute * MS_MINUTE +
              second * MS_SECOND + ms - offset;
    return true;
}

bool time_read_http(struct span text, ms_t *ret_at)
{
    char iso[] = "0000-00-00T00:00:00Z";
    int month = 0;
    bool has_form = text.size == TIME_HTTP_SIZE - 1 && memcmp(text.data + 3, ", ", 2) == 0 &&
                    text.data[7] == ' ' && text.data[11] == ' ' && text.data[16] == ' ' &&
                    memcmp(text.data + 25, " GMT", 4) == 0;
    while (has_form && month < 12 && memcmp(text.data + 8, month_names[month], 3) != 0)
        month++;
    if (!has_form || month == 12)
        return false;
    memcpy(iso, text.data + 12, 4);
    put_digits(iso + 5, month + 1, 2);
    memcpy(iso + 8, text.data + 5, 2);
    memcpy(iso + 11, text.data + 17, 8);
    return time_read_iso(span_of(iso), ret_at);
}
