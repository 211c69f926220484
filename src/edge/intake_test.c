/* The smuggling table, intake_table.txt: bytes, and the answers that must come to them. */
#include "edge/server_test_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST "Host: a\r\n"
#define GET  "GET /hello HTTP/1.1\r\n" HOST
#define POST "POST /echo HTTP/1.1\r\n" HOST
/* What an attacker would like to be read as a second request. */
#define SECOND GET "\r\n"

enum { TABLE_MAX = 128 * 1024, ROWS_MIN = 200, STATUSES_MAX = 4 };

struct row {
    char name[80];
    struct buffer bytes;
    int statuses[STATUSES_MAX]; /* 0 ends the list; one of 400 and more means: then it is closed */
};

static const char *table_path;

/* One letter, escape or word in angle brackets of the table's bytes; gives how long it was. */
static size_t undo(struct span text, struct buffer *target)
{
    static const struct {
        const char *written, *meant;
    } words[] = {{"<HOST>", HOST}, {"<GET>", GET}, {"<POST>", POST}, {"<SECOND>", SECOND},
                 {"\\r", "\r"},    {"\\n", "\n"},  {"\\t", "\t"},    {"\\\\", "\\"}};
    for (size_t n = 0; n < sizeof words / sizeof words[0]; n++) {
        if (span_starts(text, words[n].written)) {
            buffer_add_text(target, words[n].meant);
            return strlen(words[n].written);
        }
    }
    if (!span_starts(text, "\\x") || text.size < 4) {
        buffer_add_byte(target, text.data[0]);
        return 1;
    }
    const char digits[3] = {text.data[2], text.data[3]};
    buffer_add_byte(target, (char)strtoul(digits, NULL, 16));
    return 4;
}

/* False for blank lines and comments. */
static bool read_row(struct span line, struct row *ret_row)
{
    struct span statuses, name, status;
    struct row *row = ret_row;
    if (line.size == 0 || line.data[0] == '#')
        return false;
    assert_true(span_take(&line, '|', &statuses) && span_take(&line, '|', &name) && line.data);
    assert_true(span_copy(span_trim(name), row->name, sizeof row->name));
    memset(row->statuses, 0, sizeof row->statuses);
    statuses = span_trim(statuses);
    for (size_t n = 0; span_take(&statuses, ' ', &status); n++) {
        int64_t number;
        assert_true(n < STATUSES_MAX && span_integer(status, 200, 599, &number));
        row->statuses[n] = (int)number;
    }
    buffer_init(&row->bytes, TABLE_MAX);
    for (line = span_trim(line); line.size > 0;) {
        size_t size = undo(line, &row->bytes);
        line = (struct span){line.data + size, line.size - size};
    }
    assert_false(row->bytes.failed);
    return true;
}

static void check_row(struct rig *rig, const struct row *row, size_t step)
{
    struct rig_peer peer = rig_connect(rig);
    struct span rest = buffer_span(&row->bytes);
    while (rest.size > 0) {
        size_t size = rest.size < step ? rest.size : step;
        rig_send(&peer, (struct span){rest.data, size});
        rest = (struct span){rest.data + size, rest.size - size};
    }
    int status = 0;
    for (size_t n = 0; n < STATUSES_MAX && row->statuses[n]; n++) {
        struct rig_reply reply = rig_read(&peer, false);
        status = row->statuses[n];
        if (reply.status != status || reply.ended)
            fail_msg("%s: %d instead of %d", row->name, reply.status, status);
        if (status >= 400) {
            assert_true(span_is(rig_header(&reply, "Connection"), "close"));
            assert_true(span_starts(reply.body, "{\"success\":false,\"error\":\""));
        }
    }
    if (status >= 400)
        assert_int_equal(rig_read(&peer, false).status, 0);
    rig_hang_up(&peer);
}

static void configure(struct server_config *config)
{
    config->gate = rig_gate;
}

static void test_table(void **state)
{
    static char text[TABLE_MAX];
    struct rig rig;
    struct row row;
    unsigned rows = 0;
    FILE *file = fopen(table_path, "re");
    assert_non_null(file);
    struct span rest = {text, fread(text, 1, sizeof text, file)}, line;
    assert_true(feof(file) && !ferror(file));
    (void)fclose(file);
    rig_start(&rig, configure);
    while (span_take(&rest, '\n', &line)) {
        if (!read_row(line, &row))
            continue;
        check_row(&rig, &row, SIZE_MAX);
        check_row(&rig, &row, 7);
        buffer_done(&row.bytes);
        rows++;
    }
    assert_true(rows >= ROWS_MIN);
    rig_stop(&rig);
}

/* The second request of an accepted row is the one that was sent, not what a body held. */
static void test_bodies_are_not_requests(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    struct rig_peer peer = rig_connect(&rig);
    rig_say(&peer, POST "Content-Length: 32\r\n\r\n" SECOND POST
                        "Transfer-Encoding: chunked\r\n\r\n20\r\n" SECOND "\r\n0\r\n\r\n");
    for (int n = 0; n < 2; n++) {
        struct rig_reply reply = rig_read(&peer, false);
        assert_int_equal(reply.status, 200);
        assert_true(span_starts(reply.body, "POST POST /echo ? 127.0.0.1 1 32 GET /hello"));
    }
    rig_expect_silence(&peer, 30);
    rig_hang_up(&peer);
    rig_stop(&rig);
}

/* The first argument names the table. */
int main(int argc, char **argv)
{
    table_path = argc > 1 ? argv[1] : "intake_table.txt";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_bodies_are_not_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
