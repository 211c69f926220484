/* The ledger: what is in the file, and what a death leaves of it. */
#include "app/sandbox_ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT ((ms_t)1790000000000)

static char home[] = "/tmp/reel-ledger-XXXXXX", path[100];

static int begin(void **state)
{
    (void)state;
    if (!mkdtemp(home))
        return -1;
    (void)snprintf(path, sizeof path, "%s/ledger.jsonl", home);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    (void)unlink(path);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return rmdir(home);
}

static struct sandbox_ledger *open_good(void)
{
    char fault[SANDBOX_LEDGER_FAULT_SIZE] = "";
    struct sandbox_ledger *ledger = sandbox_ledger_open(home, fault);
    if (!ledger)
        fail_msg("%s", fault);
    return ledger;
}

static struct sandbox_row row_of(const char *id, const char *provider, int64_t price)
{
    return (struct sandbox_row){.at = AT,
                                .provider = provider,
                                .model = "m",
                                .remote_id = id,
                                .tag = "http://127.0.0.1/callbacks/\"x\"",
                                .digest = "d",
                                .price = price};
}

static void expect(struct sandbox_ledger *ledger, int64_t from, int64_t limit, const char *expected)
{
    struct buffer text;
    buffer_init(&text, 100000);
    sandbox_ledger_write(ledger, from, limit, &text);
    assert_string_equal(text.data, expected);
    buffer_done(&text);
}

#define ROW(id, provider, price, became)                                                           \
    "{\"event\":\"accepted\",\"at\":\"2026-09-21T14:13:20.000Z\",\"provider\":\"" provider         \
    "\",\"model\":\"m\",\"remoteId\":\"" id                                                        \
    "\",\"tag\":\"http://127.0.0.1/callbacks/\\\"x\\\"\",\"digest\":\"d\",\"priceMicros\":" price  \
    ",\"became\":" became "}"
#define ENDED "\"succeeded\",\"endedAt\":\"2026-09-21T14:13:21.000Z\""
#define TOTALS                                                                                     \
    "{\"totals\":{\"fal\":{\"accepted\":2,\"unpriced\":0,\"priceMicros\":600007},"                 \
    "\"replicate\":{\"accepted\":1,\"unpriced\":1,\"priceMicros\":0}},\"rows\":["

static const char whole[] = TOTALS ROW("a", "fal", "600000", ENDED) "," ROW(
    "b", "replicate", "null", "null") "," ROW("c", "fal", "7", "null") "],\"next\":null}";

static void rows_are_kept(void **state)
{
    struct sandbox_ledger *ledger = open_good();
    const struct sandbox_row rows[] = {row_of("a", "fal", 600000), row_of("b", "replicate", -1),
                                       row_of("c", "fal", 7)};
    bool ended = true;
    (void)state;
    assert_false(sandbox_ledger_has(ledger, "a", &ended));
    assert_false(ended);
    for (unsigned n = 0; n < 3; n++)
        assert_true(sandbox_ledger_accept(ledger, &rows[n]));
    assert_true(sandbox_ledger_accept(ledger, &rows[0])); /* known */
    sandbox_ledger_end(ledger, "a", AT + 1000, "succeeded");
    sandbox_ledger_end(ledger, "a", AT + 2000, "failed"); /* it has ended */
    sandbox_ledger_end(ledger, "z", AT + 2000, "failed"); /* nobody's */
    assert_true(sandbox_ledger_has(ledger, "a", &ended));
    assert_true(ended);
    expect(ledger, 0, 10, whole);
    expect(ledger, 1, 1, TOTALS ROW("b", "replicate", "null", "null") "],\"next\":2}");
    expect(ledger, 9, 1, TOTALS "],\"next\":null}");
    assert_false(sandbox_ledger_is_full(ledger));
    sandbox_ledger_close(ledger);
    ledger = open_good();
    expect(ledger, 0, 10, whole);
    sandbox_ledger_close(ledger);
}

static void add_text(const char *text)
{
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void what_a_death_left_is_taken_away(void **state)
{
    struct sandbox_ledger *ledger = open_good();
    const struct sandbox_row a = row_of("a", "fal", 600000), b = row_of("b", "replicate", -1),
                             c = row_of("c", "fal", 7);
    (void)state;
    assert_true(sandbox_ledger_accept(ledger, &a));
    sandbox_ledger_end(ledger, "a", AT + 1000, "succeeded");
    sandbox_ledger_close(ledger);
    add_text("{\"event\":\"accepted\",\"at\":\"2026-");
    ledger = open_good();
    assert_true(sandbox_ledger_accept(ledger, &b));
    assert_true(sandbox_ledger_accept(ledger, &c));
    sandbox_ledger_close(ledger);
    ledger = open_good();
    expect(ledger, 0, 10, whole);
    sandbox_ledger_close(ledger);
}

static void a_long_one_is_read(void **state)
{
    enum { ROWS = 1500 };
    char id[20], fault[SANDBOX_LEDGER_FAULT_SIZE];
    bool ended;
    (void)state;
    struct sandbox_ledger *ledger = open_good();
    for (int n = 0; n < ROWS; n++) {
        (void)snprintf(id, sizeof id, "id-%d", n);
        const struct sandbox_row row = row_of(id, "fal", 1);
        assert_true(sandbox_ledger_accept(ledger, &row));
    }
    sandbox_ledger_close(ledger);
    ledger = open_good();
    for (int n = 0; n < ROWS; n++) {
        (void)snprintf(id, sizeof id, "id-%d", n);
        assert_true(sandbox_ledger_has(ledger, id, &ended));
    }
    sandbox_ledger_close(ledger);
    add_text("}{\n");
    assert_null(sandbox_ledger_open(home, fault));
    assert_non_null(strstr(fault, "ledger.jsonl:1501 is no line of a ledger"));
    assert_null(sandbox_ledger_open("/tmp/reel-nowhere", fault));
    assert_non_null(strstr(fault, "No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_are_kept, clear),
        cmocka_unit_test_teardown(what_a_death_left_is_taken_away, clear),
        cmocka_unit_test_teardown(a_long_one_is_read, clear),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
