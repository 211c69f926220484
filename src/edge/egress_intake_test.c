#include "edge/egress_intake.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static bool lines(struct egress_intake *intake, const char *const *texts)
{
    bool taken = true;
    for (; *texts && taken; texts++)
        taken = egress_intake_header(intake, span_of(*texts));
    return taken;
}

static void reads_heads(void **state)
{
    const struct egress_answer plan = {.max = 100};
    struct egress_intake intake;
    egress_intake_init(&intake, &plan, NULL);
    assert_true(lines(&intake, (const char *const[]){"HTTP/1.1 103 Early Hints\r\n", "Link: x\r\n",
                                                     "\r\n", "HTTP/1.1 404\r\n", "A:  b \r\n",
                                                     "no colon\r\n", ": no name\r\n", "C:\r\n",
                                                     "\r\n", "Trailer: late\r\n", NULL}));
    assert_int_equal(intake.response.status, 404);
    assert_int_equal(intake.response.header_count, 2);
    assert_true(span_is(intake.response.headers[0].value, "b"));
    assert_true(egress_intake_body(&intake, SPAN("gone")));
    egress_intake_reset(&intake);
    assert_int_equal(intake.response.status, 0);
    assert_int_equal(intake.body.size, 0);
    /* More headers than there is room for are dropped; more bytes than that end it. */
    assert_true(lines(&intake, (const char *const[]){"HTTP/1.1 200 OK\r\n", NULL}));
    int taken = 0;
    while (egress_intake_header(&intake, SPAN("Name: value\r\n")))
        taken++;
    assert_in_range(taken, 4000, 6000);
    assert_int_equal(intake.response.header_count, HTTP_HEADERS_MAX);
    assert_int_equal(intake.outcome, EGRESS_TOO_LARGE);
    egress_intake_done(&intake);
}

static void counts_to_the_byte(void **state)
{
    const struct egress_answer plan = {.max = 10};
    struct egress_intake intake;
    static const struct {
        const char *length;
        bool head, body;
    } rows[] = {{"Content-Length: 10\r\n", true, true},
                {"Content-Length: 11\r\n", false, true},
                {"Content-Length: 99999999999999999999\r\n", true, true},
                {"X: y\r\n", true, true}};
    for (size_t n = 0; n < 4; n++) {
        egress_intake_init(&intake, &plan, NULL);
        assert_int_equal(lines(&intake, (const char *const[]){"HTTP/1.1 200 OK\r\n", rows[n].length,
                                                              "\r\n", NULL}),
                         rows[n].head);
        assert_true(egress_intake_body(&intake, SPAN("12345")));
        assert_true(egress_intake_body(&intake, SPAN("67890")));
        assert_false(egress_intake_body(&intake, SPAN("1")));
        assert_int_equal(intake.outcome, EGRESS_TOO_LARGE);
        assert_int_equal(intake.body.size, 10);
        egress_intake_done(&intake);
    }
}

static void tells_a_full_disk(void **state)
{
    const struct egress_answer plan = {.max = 100, .path = "/tmp/reel-never-made", .sha256 = true};
    struct egress_intake intake;
    egress_intake_init(&intake, &plan, NULL);
    intake.response.status = 200;
    intake.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(intake.fd >= 0);
    assert_false(egress_intake_body(&intake, SPAN("hello")));
    assert_int_equal(intake.outcome, EGRESS_DISK_FULL);
    egress_intake_done(&intake);
}

static void keeps_a_file_only_when_it_is_whole(void **state)
{
    char folder[] = "/tmp/reel-intake-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/file", folder);
    const struct egress_answer plan = {.max = 100, .path = path, .sha256 = true};
    for (int whole = 0; whole < 2; whole++) {
        struct egress_intake intake;
        egress_intake_init(&intake, &plan, NULL);
        assert_true(lines(&intake, (const char *const[]){"HTTP/1.1 200 OK\r\n", "\r\n", NULL}));
        assert_int_equal(access(path, F_OK), 0);
        assert_true(egress_intake_body(&intake, SPAN("hello")));
        if (whole)
            assert_true(egress_intake_close(&intake));
        egress_intake_done(&intake);
        assert_int_equal(access(path, F_OK), whole ? 0 : -1);
    }
    assert_int_equal(unlink(path), 0);
    /* A refusal stays in memory, its beginning at least. */
    static char block[40000];
    struct egress_intake intake;
    egress_intake_init(&intake, &plan, NULL);
    assert_true(lines(&intake, (const char *const[]){"HTTP/1.1 500 No\r\n", "\r\n", NULL}));
    int taken = 0;
    while (egress_intake_body(&intake, span_make(block, sizeof block)))
        taken++;
    assert_int_equal(taken, 26); /* 1 MiB is read at most, to use the connection again */
    assert_int_equal(intake.body.size, 65536);
    assert_int_equal(access(path, F_OK), -1);
    egress_intake_done(&intake);
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_heads),
        cmocka_unit_test(counts_to_the_byte),
        cmocka_unit_test(tells_a_full_disk),
        cmocka_unit_test(keeps_a_file_only_when_it_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
