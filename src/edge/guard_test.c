#include "edge/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

static bool judge_address(const struct guard *guard, const char *text, char *why)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return guard_address(guard, (const struct sockaddr *)&four, why);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return guard_address(guard, (const struct sockaddr *)&six, why);
}

static struct guard *closed_guard(void)
{
    char fault[GUARD_WHY_SIZE] = "";
    struct guard *guard = guard_make(NULL, "", fault);
    assert_non_null(guard);
    return guard;
}

/* --- The table. --- */

enum { TABLE_MAX = 256 * 1024, ROWS_MIN = 300 };

struct row {
    unsigned line;
    struct span verdict, spelling, words;
    char bytes[GUARD_URL_MAX]; /* the spelling, its escapes undone */
    size_t size;
};

static const char *table_path;

static struct span next_column(struct span *rest)
{
    *rest = span_trim(*rest);
    struct span column = *rest;
    ptrdiff_t blank = span_find(column, ' ');
    if (blank >= 0)
        column.size = (size_t)blank;
    *rest = (struct span){rest->data + column.size, rest->size - column.size};
    return column;
}

/* \xHH is a byte and \\ a backslash. */
static void undo_escapes(struct row *row)
{
    struct span rest = row->spelling;
    row->size = 0;
    while (rest.size > 0) {
        size_t taken = 1;
        char byte = rest.data[0];
        if (byte == '\\' && rest.size > 1 && rest.data[1] == '\\') {
            taken = 2;
        } else if (byte == '\\') {
            char digits[3] = {0};
            taken = 4;
            if (rest.size < taken || rest.data[1] != 'x')
                fail_msg("line %u: an escape that is none", row->line);
            memcpy(digits, rest.data + 2, 2);
            byte = (char)strtoul(digits, NULL, 16);
        }
        assert_true(row->size < sizeof row->bytes);
        row->bytes[row->size++] = byte;
        rest = (struct span){rest.data + taken, rest.size - taken};
    }
}

/* False for blank lines and comments. */
static bool read_row(struct span line, unsigned number, struct row *ret_row)
{
    struct row *row = ret_row;
    row->line = number;
    row->verdict = next_column(&line);
    row->spelling = next_column(&line);
    row->words = span_trim(line);
    if (row->verdict.size == 0 || row->verdict.data[0] == '#')
        return false;
    undo_escapes(row);
    return true;
}

static bool has_words(const char *sentence, struct span words)
{
    return words.size > 0 && memmem(sentence, strlen(sentence), words.data, words.size);
}

static bool becomes(const struct guard *guard, const struct guard_url *url, struct span canonical)
{
    struct buffer text, again;
    struct guard_url second;
    char why[GUARD_WHY_SIZE];
    buffer_init(&text, 3 * GUARD_URL_MAX);
    buffer_init(&again, 3 * GUARD_URL_MAX);
    guard_url_write(url, &text);
    /* What is canonical stays as it is. */
    bool good = span_equal(buffer_span(&text), canonical) &&
                guard_url(guard, buffer_span(&text), &second, why);
    if (good) {
        guard_url_write(&second, &again);
        good = span_equal(buffer_span(&text), buffer_span(&again));
    }
    if (!good)
        print_message("it becomes %s\n", text.data);
    buffer_done(&text);
    buffer_done(&again);
    return good;
}

static bool holds_for_url(const struct guard *guard, const struct row *row, char *why)
{
    struct guard_url url = {.port = 7};
    bool taken = guard_url(guard, (struct span){row->bytes, row->size}, &url, why);
    if (taken != (why[0] == '\0') || taken == span_is(row->verdict, "shut"))
        return false;
    if (!taken)
        return url.port == 7 && has_words(why, row->words); /* untouched */
    return url.is_address == span_is(row->verdict, "open") && becomes(guard, &url, row->words);
}

static bool holds_for_address(const struct guard *guard, const struct row *row, char *why)
{
    char text[64];
    assert_true(span_copy(row->spelling, text, sizeof text));
    bool allowed = judge_address(guard, text, why);
    if (allowed != (why[0] == '\0') || allowed != span_is(row->verdict, "dial"))
        return false;
    return allowed ? row->words.size == 0 : has_words(why, row->words);
}

static bool holds(const struct guard *guard, const struct row *row, char *why)
{
    if (span_is(row->verdict, "dial") || span_is(row->verdict, "deny"))
        return holds_for_address(guard, row, why);
    if (span_is(row->verdict, "open") || span_is(row->verdict, "name") ||
        span_is(row->verdict, "shut"))
        return holds_for_url(guard, row, why);
    return false;
}

/* Every row is tried, so that one run shows all that do not hold. */
static void judges_as_the_table_says(void **state)
{
    static char text[TABLE_MAX];
    static struct row row;
    struct guard *guard = closed_guard();
    FILE *file = fopen(table_path, "re");
    assert_non_null(file);
    struct span rest = {text, fread(text, 1, sizeof text, file)}, line;
    assert_true(feof(file) && !ferror(file));
    (void)fclose(file);
    unsigned wrong = 0, rows = 0;
    for (unsigned number = 1; span_take(&rest, '\n', &line); number++) {
        char why[GUARD_WHY_SIZE] = "";
        if (!read_row(line, number, &row))
            continue;
        rows++;
        if (holds(guard, &row, why))
            continue;
        wrong++;
        print_message("line %u does not hold: %.*s (%s)\n", number, SPAN_PRINT(line), why);
    }
    assert_int_equal(wrong, 0);
    assert_true(rows >= ROWS_MIN);
    guard_free(guard);
}

static void knows_internet_addresses_only(void **state)
{
    struct guard *guard = closed_guard();
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    char why[GUARD_WHY_SIZE];
    assert_false(guard_address(guard, (const struct sockaddr *)(const void *)&local, why));
    guard_free(guard);
}

static void bounds_lengths(void **state)
{
    struct guard *guard = closed_guard();
    struct guard_url url;
    char why[GUARD_WHY_SIZE], text[GUARD_URL_MAX + 2];
    memset(text, 'a', sizeof text);
    memcpy(text, "https://example.com/", 20);
    assert_true(guard_url(guard, span_make(text, GUARD_URL_MAX), &url, why));
    assert_false(guard_url(guard, span_make(text, GUARD_URL_MAX + 1), &url, why));
    /* Labels of 63 characters, a host of 253. */
    for (size_t n = 8; n < 8 + 253; n++)
        text[n] = (n - 8) % 64 == 63 ? '.' : 'a';
    assert_true(guard_url(guard, span_make(text, 8 + 253), &url, why));
    assert_int_equal(strlen(url.host), 253);
    text[8 + 253] = 'a';
    assert_false(guard_url(guard, span_make(text, 8 + 254), &url, why));
    text[8 + 63] = 'a';
    assert_false(guard_url(guard, span_make(text, 8 + 253), &url, why));
    /* NUL ends nothing. */
    assert_false(guard_url(guard, SPAN("https://example.com\0.evil.example/"), &url, why));
    guard_free(guard);
}

static void is_opened_by_configuration(void **state)
{
    char why[GUARD_WHY_SIZE] = "";
    struct guard_url url;
    struct guard *guard = guard_make("127.0.0.0/8, fd00:1::/32\t192.168.7.9 ::ffff:10.0.0.0/104",
                                     "8000-8099,9000", why);
    assert_non_null(guard);
    assert_true(judge_address(guard, "127.0.0.1", why));
    assert_true(judge_address(guard, "fd00:1:ffff::1", why));
    assert_true(judge_address(guard, "192.168.7.9", why));
    assert_true(judge_address(guard, "::ffff:10.9.9.9", why));
    assert_true(judge_address(guard, "8.8.8.8", why));
    assert_false(judge_address(guard, "fd00:2::1", why));
    assert_false(judge_address(guard, "192.168.7.8", why));
    assert_false(judge_address(guard, "::ffff:127.0.0.1", why));
    assert_string_equal(why, "is an IPv4 address inside an IPv6 address");
    assert_true(guard_port(guard, 8000) && guard_port(guard, 8099) && guard_port(guard, 9000));
    assert_true(guard_port(guard, 443) && guard_port(guard, 80) && guard_port(guard, 8443));
    assert_false(guard_port(guard, 7999) || guard_port(guard, 8100) || guard_port(guard, 22));
    assert_true(guard_url(guard, SPAN("http://127.0.0.1:8080/x"), &url, why));
    assert_true(url.is_address);
    assert_false(guard_url(guard, SPAN("http://127.1:8080/x"), &url, why));
    assert_false(guard_url(guard, SPAN("http://10.0.0.1:8080/"), &url, why));
    assert_string_equal(why, "10.0.0.1 is a private address, which must not be fetched.");
    guard_free(guard);
    guard = guard_make("0.0.0.0/0", "*", why);
    assert_true(judge_address(guard, "169.254.169.254", why));
    assert_true(guard_port(guard, 22) && guard_port(guard, 65535));
    assert_false(guard_port(guard, 0));
    guard_free(guard);
}

static void names_what_it_cannot_read(void **state)
{
    static const char *const networks[] = {"10.0.0.0/33", "10.0.0/8",    "fd00::/129",  "x",
                                           "10.0.0.0/",   "10.0.0.0/-1", "1.2.3.4/8/8", "/8"};
    static const char *const ports[] = {"0", "65536", "9-8", "1-", "-1", "a", "1-2-3", "**"};
    char why[GUARD_WHY_SIZE] = "";
    for (size_t n = 0; n < 8; n++) {
        assert_null(guard_make(networks[n], NULL, why));
        assert_non_null(strstr(why, networks[n]));
        assert_null(guard_make(NULL, ports[n], why));
        assert_non_null(strstr(why, ports[n]));
    }
    guard_free(NULL);
}

static void joins_redirects(void **state)
{
    static const struct {
        const char *base, *location, *joined;
    } rows[] = {
        {"https://a.example/x/y?q", "z", "https://a.example/x/z"},
        {"https://a.example/x/y?q", "/z", "https://a.example/z"},
        {"https://a.example/x/y?q", "?r", "https://a.example/x/y?r"},
        {"https://a.example/x/y?q", "#f", "https://a.example/x/y?q"},
        {"https://a.example/x/y?q", "", "https://a.example/x/y?q"},
        {"https://a.example", "z", "https://a.example/z"},
        {"https://a.example", "?r", "https://a.example/?r"},
        {"https://a.example:8443/", "//b.example/c", "https://b.example/c"},
        {"https://a.example:8443/", " /c d ", "https://a.example:8443/c%20d"},
        {"http://[2606:4700::1]/", "c", "http://[2606:4700::1]/c"},
        {"https://a.example/", "http://127.0.0.1/", "http://127.0.0.1/"},
        {"https://a.example/", "javascript:x", "javascript:x"},
        {"https://a.example/x/", "y:80/z", "y:80/z"},
        {"https://a.example/x/", "./y:80", "https://a.example/x/./y:80"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct guard_url base;
        char why[GUARD_WHY_SIZE];
        assert_true(guard_url_read(span_of(rows[n].base), &base, why));
        struct buffer joined;
        buffer_init(&joined, GUARD_URL_MAX);
        guard_url_join(&base, span_of(rows[n].location), &joined);
        assert_string_equal(joined.data, rows[n].joined);
        buffer_done(&joined);
    }
}

static void compares_origins(void **state)
{
    struct guard_url a, b;
    char why[GUARD_WHY_SIZE];
    assert_true(guard_url_read(SPAN("https://A.example/x"), &a, why));
    assert_true(guard_url_read(SPAN("https://a.example.:443/y"), &b, why));
    assert_true(guard_url_same_origin(&a, &b));
    static const char *const others[] = {"http://a.example:443/", "https://a.example:8443/",
                                         "https://b.a.example/", "https://a.example.evil.example/"};
    for (size_t n = 0; n < 4; n++) {
        assert_true(guard_url_read(span_of(others[n]), &b, why));
        assert_false(guard_url_same_origin(&a, &b));
    }
}

/* The first argument names the table. */
int main(int argc, char **argv)
{
    table_path = argc > 1 ? argv[1] : "guard_table.txt";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_as_the_table_says),
        cmocka_unit_test(knows_internet_addresses_only),
        cmocka_unit_test(bounds_lengths),
        cmocka_unit_test(is_opened_by_configuration),
        cmocka_unit_test(names_what_it_cannot_read),
        cmocka_unit_test(joins_redirects),
        cmocka_unit_test(compares_origins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
