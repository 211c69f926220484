#include "app/config_value.h"

#include "catalog/price.h"
#include "edge/guard.h"
#include "edge/network.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { ITEMS_MAX = 256, TEXT_MAX = 4096, PATH_ROOM = 4096 };

struct unit {
    const char *name;
    int64_t size;
};

/* Within each list a unit that divides the value best comes first for printing. */
static const struct unit byte_units[] = {
    {"TiB", 1LL << 40}, {"GiB", 1LL << 30},      {"MiB", 1LL << 20},
    {"KiB", 1LL << 10}, {"TB", 1000000000000LL}, {"GB", 1000000000LL},
    {"MB", 1000000LL},  {"KB", 1000LL},          {"B", 1},
};
static const struct unit time_units[] = {
    {"d", MS_DAY}, {"h", MS_HOUR}, {"m", MS_MINUTE}, {"s", MS_SECOND}, {"ms", 1},
};
enum {
    BYTE_UNITS = sizeof byte_units / sizeof byte_units[0],
    TIME_UNITS = sizeof time_units / sizeof time_units[0]
};

/* A whole number and, after blanks if any, the rest. */
static bool split_number(struct span text, int64_t *ret_number, struct span *ret_rest)
{
    size_t digits = 0;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    if (!span_integer(span_make(text.data, digits), 0, INT64_MAX, ret_number))
        return false;
    *ret_rest = span_trim(span_make(text.data + digits, text.size - digits));
    return true;
}

static bool read_units(struct span text, const struct unit *units, size_t count, int64_t *ret)
{
    int64_t number;
    struct span rest;
    if (!split_number(text, &number, &rest))
        return false;
    for (size_t n = 0; n < count; n++) {
        if (span_is_nocase(rest, units[n].name) && number <= INT64_MAX / units[n].size) {
            *ret = number * units[n].size;
            return true;
        }
    }
    return false;
}

static void print_units(int64_t value, const struct unit *units, size_t count,
                        struct buffer *target)
{
    size_t n = 0;
    while (n + 1 < count && (value == 0 || value % units[n].size != 0))
        n++;
    buffer_print(target, "%" PRId64 "%s", value / units[n].size, units[n].name);
}

bool config_value_bytes(struct span text, uint64_t *ret_bytes)
{
    int64_t bytes;
    if (!span_integer(text, 0, INT64_MAX, &bytes) &&
        !read_units(text, byte_units, BYTE_UNITS, &bytes))
        return false;
    *ret_bytes = (uint64_t)bytes;
    return true;
}

bool config_value_duration(struct span text, ms_t *ret_ms)
{
    /* A bare number would leave open whether it means seconds; only nothing is nothing. */
    return span_integer(text, 0, 0, ret_ms) || read_units(text, time_units, TIME_UNITS, ret_ms);
}

void config_value_print_bytes(uint64_t bytes, struct buffer *target)
{
    print_units((int64_t)bytes, byte_units, BYTE_UNITS, target);
}

void config_value_print_duration(ms_t duration, struct buffer *target)
{
    print_units(duration, time_units, TIME_UNITS, target);
}

bool config_value_boolean(struct span text, bool *ret_value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t n = 0; n < sizeof words / sizeof words[0]; n++) {
        if (span_is_nocase(text, words[n])) {
            *ret_value = n % 2 == 1;
            return true;
        }
    }
    return false;
}

bool config_value_address(struct span text, struct config_address *ret_address)
{
    size_t colon = text.size;
    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    struct span host = span_make(text.data, colon - 1);
    struct span port = span_make(text.data + colon, text.size - colon);
    bool bracketed = host.size >= 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';
    if (bracketed)
        host = span_make(host.data + 1, host.size - 2);
    /* Without brackets the last group of an IPv6 address would pass for a port. */
    if (bracketed != (span_find(host, ':') >= 0))
        return false;
    if (span_is_nocase(host, "localhost"))
        host = SPAN("127.0.0.1");
    struct config_address address = {.port = 0};
    struct network_address judged;
    int64_t number;
    if (!span_integer(port, 0, 65535, &number) || !network_address_read(host, &judged) ||
        !span_copy(host, address.host, sizeof address.host))
        return false;
    address.port = (uint16_t)number;
    address.is_loopback = network_address_is_loopback(&judged);
    *ret_address = address;
    return true;
}

static bool set_choice(struct config *config, const struct config_key *key, struct span text,
                       const char **ret_text)
{
    struct span rest = span_of(key->choices), choice;
    while (span_take(&rest, '|', &choice)) {
        if (span_equal(choice, text)) {
            *ret_text = arena_copy(&config->arena, text);
            return true;
        }
    }
    return false;
}

static bool set_path(struct config *config, struct span text, const char *user_home,
                     const char **ret_text)
{
    char folder[PATH_ROOM];
    struct arena *arena = &config->arena;
    while (text.size > 1 && text.data[text.size - 1] == '/')
        text.size--;
    if (text.size == 0 || text.size >= TEXT_MAX)
        return false;
    if (text.data[0] == '/')
        *ret_text = arena_copy(arena, text);
    else if (span_is(text, "~") && user_home)
        *ret_text = arena_copy(arena, span_of(user_home));
    else if (span_starts(text, "~/") && user_home)
        *ret_text = arena_print(arena, "%s%.*s", user_home, (int)text.size - 1, text.data + 1);
    else if (text.data[0] != '~' && getcwd(folder, sizeof folder))
        *ret_text = arena_print(arena, "%s/%.*s", folder, SPAN_PRINT(text));
    else
        return false;
    return true;
}

static bool set_url(struct config *config, struct span text, const char **ret_text)
{
    struct guard_url url;
    char why[GUARD_WHY_SIZE];
    while (span_ends(text, "/"))
        text.size--;
    if (!guard_url_read(text, &url, why) || url.has_query || span_find(text, '#') >= 0)
        return false;
    *ret_text = arena_copy(&config->arena, text);
    return true;
}

static bool set_list(struct config *config, struct span text, struct config_list *ret_list)
{
    const char *items[ITEMS_MAX];
    struct config_list list = {.text = ""};
    struct span rest = text, part;
    while (span_take(&rest, ',', &part)) {
        part = span_trim(part);
        if (part.size == 0)
            continue;
        if (list.count == ITEMS_MAX || span_find(part, ' ') >= 0)
            return false;
        items[list.count] = arena_copy(&config->arena, part);
        list.text = list.count == 0
                        ? items[0]
                        : arena_print(&config->arena, "%s, %s", list.text, items[list.count]);
        list.count++;
    }
    const char **kept = arena_array(&config->arena, const char *, list.count + 1);
    for (unsigned n = 0; n < list.count; n++)
        kept[n] = items[n];
    list.items = kept;
    *ret_list = list;
    return true;
}

static bool set_secret(struct span text, struct secret *secret)
{
    if (text.size == 0 || text.size >= TEXT_MAX)
        return false;
    /* What can't stand in a header line could never be sent. */
    for (size_t n = 0; n < text.size; n++) {
        if (text.data[n] <= ' ' || text.data[n] >= 0x7f)
            return false;
    }
    secret_done(secret);
    *secret = secret_make(text);
    return true;
}

static bool in_range(const struct config_key *key, int64_t value)
{
    return value >= key->min && value <= key->max;
}

static bool set_money(struct span text, int64_t *ret_micros)
{
    if (!span_is(text, "none"))
        return budget_amount(text, ret_micros);
    *ret_micros = -1;
    return true;
}

bool config_value_set(struct config *config, const struct config_key *key, struct span text,
                      const char *user_home)
{
    void *target = (char *)config + key->offset;
    uint64_t bytes;
    ms_t duration;
    if (!span_is_utf8(text))
        return false;
    switch (key->type) {
    case CONFIG_TEXT:
        if (text.size == 0 || text.size >= TEXT_MAX)
            return false;
        *(const char **)target = arena_copy(&config->arena, text);
        return true;
    case CONFIG_CHOICE:
        return set_choice(config, key, text, target);
    case CONFIG_PATH:
        return set_path(config, text, user_home, target);
    case CONFIG_URL:
        return set_url(config, text, target);
    case CONFIG_SECRET:
        return set_secret(text, target);
    case CONFIG_INTEGER:
        return span_integer(text, key->min, key->max, target);
    case CONFIG_BYTES:
        if (!config_value_bytes(text, &bytes) || !in_range(key, (int64_t)bytes))
            return false;
        *(uint64_t *)target = bytes;
        return true;
    case CONFIG_DURATION:
        if (!config_value_duration(text, &duration) || !in_range(key, duration))
            return false;
        *(ms_t *)target = duration;
        return true;
    case CONFIG_MONEY:
        return set_money(text, target);
    case CONFIG_BOOLEAN:
        return config_value_boolean(text, target);
    case CONFIG_LIST:
        return set_list(config, text, target);
    case CONFIG_ADDRESS:
        return config_value_address(text, target);
    }
    return false;
}

static void print_choices(const char *choices, struct buffer *target)
{
    struct span rest = span_of(choices), choice;
    const char *before = "";
    while (span_take(&rest, '|', &choice)) {
        buffer_print(target, "%s%.*s", before, SPAN_PRINT(choice));
        before = rest.data && span_find(rest, '|') < 0 ? " or " : ", ";
    }
}

void config_value_allowed(const struct config_key *key, struct buffer *target)
{
    switch (key->type) {
    case CONFIG_TEXT:
        buffer_add_text(target, "a text");
        break;
    case CONFIG_CHOICE:
        print_choices(key->choices, target);
        break;
    case CONFIG_PATH:
        buffer_add_text(target, "a path");
        break;
    case CONFIG_URL:
        buffer_add_text(target, "a URL as https://reel.example, without query");
        break;
    case CONFIG_SECRET:
        buffer_add_text(target, "a text without blanks, of ASCII characters");
        break;
    case CONFIG_INTEGER:
        buffer_print(target, "a whole number from %" PRId64 " to %" PRId64, key->min, key->max);
        break;
    case CONFIG_BYTES:
        buffer_add_text(target, "a size from ");
        config_value_print_bytes((uint64_t)key->min, target);
        buffer_add_text(target, " to ");
        config_value_print_bytes((uint64_t)key->max, target);
        buffer_add_text(target, ", as 4096, 64KiB, 256MiB or 5GB");
        break;
    case CONFIG_DURATION:
        buffer_add_text(target, "a duration from ");
        config_value_print_duration(key->min, target);
        buffer_add_text(target, " to ");
        config_value_print_duration(key->max, target);
        buffer_add_text(target, ", as 500ms, 10s, 15m, 24h or 7d");
        break;
    case CONFIG_MONEY:
        buffer_add_text(target, "dollars as 0.05, to a millionth, or none");
        break;
    case CONFIG_BOOLEAN:
        buffer_add_text(target, "true or false");
        break;
    case CONFIG_LIST:
        buffer_add_text(target, "a list, or a text with commas");
        break;
    case CONFIG_ADDRESS:
        buffer_add_text(target, "ADDRESS:PORT, as 127.0.0.1:8080, 0.0.0.0:8080 or [::]:8080");
        break;
    }
}

static void write_money(int64_t micros, struct buffer *target)
{
    char amount[PRICE_TEXT_SIZE];
    price_write(micros, amount);
    buffer_add_text(target, micros < 0 ? "none" : amount);
}

void config_value_write(const struct config *config, const struct config_key *key,
                        struct buffer *target)
{
    const void *value = (const char *)config + key->offset;
    const struct config_address *address = value;
    const char *const *text = value;
    switch (key->type) {
    case CONFIG_TEXT:
    case CONFIG_CHOICE:
    case CONFIG_PATH:
    case CONFIG_URL:
        buffer_add_text(target, *text ? *text : "");
        break;
    case CONFIG_SECRET:
        buffer_add_text(target, ((const struct secret *)value)->size ? "(set)" : "");
        break;
    case CONFIG_INTEGER:
        buffer_print(target, "%" PRId64, *(const int64_t *)value);
        break;
    case CONFIG_BYTES:
        config_value_print_bytes(*(const uint64_t *)value, target);
        break;
    case CONFIG_DURATION:
        config_value_print_duration(*(const ms_t *)value, target);
        break;
    case CONFIG_MONEY:
        write_money(*(const int64_t *)value, target);
        break;
    case CONFIG_BOOLEAN:
        buffer_add_text(target, *(const bool *)value ? "true" : "false");
        break;
    case CONFIG_LIST:
        buffer_add_text(target, ((const struct config_list *)value)->text);
        break;
    case CONFIG_ADDRESS:
        buffer_print(target, strchr(address->host, ':') ? "[%s]:%u" : "%s:%u", address->host,
                     address->port);
        break;
    }
}
