#include "edge/egress_test_rig.h"

#include "base/memory.h"
#include "edge/clock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void answers(void **state)
{
    struct egress_test_rig_call asked;
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/hello#part", false);
    egress_test_rig_add_header(&asked, "X-Empty", "");
    egress_test_rig_add_header(&asked, "X-Tab", "a\tb");
    const struct egress_test_rig_end *waited = egress_test_rig_get(egress_test_rig_loose, call);
    egress_test_rig_expect(waited, EGRESS_ANSWERED, true);
    assert_int_equal(waited->result.response.status, 200);
    assert_string_equal(waited->body, "hello");
    assert_string_equal(waited->header, "yes");
    assert_int_equal(waited->result.bytes, 5);
    assert_true(waited->result.times.total < 5000 && waited->result.times.first_byte > 0);
    assert_null(strchr(waited->url, '#'));
    char *last = egress_test_server_last(egress_test_rig_server);
    assert_non_null(strstr(last, "GET /hello HTTP/1.1\r\n"));
    assert_non_null(strstr(last, "User-Agent: reel/"));
    assert_non_null(strstr(last, "Host: one.test:"));
    assert_non_null(strstr(last, "Accept-Encoding: gzip, deflate\r\n"));
    assert_non_null(strstr(last, "X-Empty:\r\n"));
    memory_free(last);
    waited = egress_test_rig_get(egress_test_rig_loose,
                                 egress_test_rig_ask(&asked, "127.0.0.1", "/continue", false));
    egress_test_rig_expect(waited, EGRESS_ANSWERED, true);
    assert_int_equal(waited->result.response.status, 200);
    assert_int_equal(waited->result.response.header_count, 2);
    call = egress_test_rig_ask(&asked, "one.test", "/declared", false);
    asked.request.method = HTTP_HEAD;
    waited = egress_test_rig_get(egress_test_rig_loose, call);
    egress_test_rig_expect(waited, EGRESS_ANSWERED, true);
    assert_int_equal(waited->result.bytes, 0);
}

static void sends_parts(void **state)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/part", egress_test_rig_folder);
    FILE *file = fopen(path, "we");
    static char content[100000];
    for (size_t n = 0; n < sizeof content; n++)
        content[n] = (char)(n * 7 + n / 251);
    assert_int_equal(fwrite(content, 1, sizeof content, file), sizeof content);
    (void)fclose(file);
    static const enum http_method methods[] = {HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE};
    for (size_t n = 0; n < 4; n++) {
        struct egress_test_rig_call asked;
        struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/echo", false);
        asked.call.answer.max = 1000000;
        asked.request.method = methods[n];
        asked.request.part_count = 4;
        asked.request.parts[0] = (struct http_part){.bytes = SPAN("<")};
        asked.request.parts[1] =
            (struct http_part){.kind = HTTP_PART_FILE, .path = path, .offset = 10, .size = 30000};
        asked.request.parts[2] = (struct http_part){
            .kind = HTTP_PART_FILE_BASE64, .path = path, .offset = 1, .size = 24001};
        asked.request.parts[3] = (struct http_part){.bytes = SPAN(">")};
        struct buffer expected;
        buffer_init(&expected, 100000);
        buffer_add_text(&expected, "<");
        buffer_add(&expected, span_make(content + 10, 30000));
        crypto_base64(span_make(content + 1, 24001), &expected);
        buffer_add_text(&expected, ">");
        const struct egress_test_rig_end *waited = egress_test_rig_get(egress_test_rig_loose, call);
        egress_test_rig_expect(waited, EGRESS_ANSWERED, true);
        size_t got = waited->result.response.body.size;
        assert_true(got > expected.size);
        assert_memory_equal(waited->body + got - expected.size, expected.data, expected.size);
        assert_memory_equal(waited->body, http_method_name(methods[n]), 3);
        assert_non_null(strstr(waited->body, "Content-Length: 62006\r\n"));
        assert_null(strstr(waited->body, "Expect"));
        assert_null(strstr(waited->body, "Content-Type"));
        buffer_done(&expected);
    }
    struct egress_test_rig_call asked;
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/echo", false);
    egress_test_rig_set_body(&asked, HTTP_POST, "");
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_ANSWERED, true);
    asked.request.parts[0] =
        (struct http_part){.kind = HTTP_PART_FILE, .path = path, .offset = 1, .size = 100000};
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_INVALID, false);
    asked.request.parts[0].path = "/tmp";
    asked.request.parts[0].size = 0;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_INVALID, false);
}

static void bounds_what_it_takes(void **state)
{
    static const char *const paths[] = {"/bomb", "/endless", "/declared", "/headers"};
    struct egress_test_rig_call asked;
    for (size_t n = 0; n < 4; n++) {
        const struct egress_test_rig_end *waited = egress_test_rig_get(
            egress_test_rig_loose, egress_test_rig_ask(&asked, "one.test", paths[n], false));
        egress_test_rig_expect(waited, EGRESS_TOO_LARGE, true);
        assert_true(waited->result.bytes <= 65536 + 65536);
    }
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/hello", false);
    call->answer.max = 5;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_ANSWERED, true);
    call->answer.max = 4;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_TOO_LARGE,
                           true);
    call->answer.max = 0;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_INVALID, false);
}

static bool take_chunk(void *context, struct span bytes)
{
    return bytes.size > 100;
}

static void writes_files(void **state)
{
    struct egress_test_rig_call asked;
    char path[128], body[16] = "";
    (void)snprintf(path, sizeof path, "%s/answer", egress_test_rig_folder);
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/hello", false);
    call->answer.path = path;
    call->answer.sha256 = true;
    const struct egress_test_rig_end *waited = egress_test_rig_get(egress_test_rig_loose, call);
    egress_test_rig_expect(waited, EGRESS_ANSWERED, true);
    assert_true(waited->result.in_file);
    assert_int_equal(waited->result.bytes, 5);
    assert_string_equal(waited->result.sha256, /* of "hello" */
                        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, body, sizeof body), 5);
    (void)close(fd);
    /* What is there already is neither written nor removed. */
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_DISK_BROKEN,
                           true);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
    static const char *const failing[] = {"/endless", "/short", "/reset", "/declared"};
    for (size_t n = 0; n < 4; n++) {
        call = egress_test_rig_ask(&asked, "one.test", failing[n], false);
        call->answer.path = path;
        call->answer.sha256 = true;
        waited = egress_test_rig_get(egress_test_rig_loose, call);
        egress_test_rig_expect(waited, n == 0 || n == 3 ? EGRESS_TOO_LARGE : EGRESS_BROKEN, true);
        assert_false(waited->result.in_file);
        assert_int_equal(access(path, F_OK), -1);
    }
    call = egress_test_rig_ask(&asked, "one.test", "/missing", false);
    call->answer.path = path;
    waited = egress_test_rig_get(egress_test_rig_loose, call);
    egress_test_rig_expect(waited, EGRESS_ANSWERED, true);
    assert_int_equal(waited->result.response.status, 404);
    assert_string_equal(waited->body, "gone");
    assert_false(waited->result.in_file);
    assert_int_equal(access(path, F_OK), -1);
    call = egress_test_rig_ask(&asked, "one.test", "/hello", false);
    call->answer.chunk = take_chunk;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_CANCELED, true);
}

static void cancels_and_bounds_the_queue(void **state)
{
    const struct egress_config config = {
        .in_flight_max = 4, .per_host_max = 1, .queue_max = 2, .resolve = egress_test_rig_resolve};
    struct egress *egress = egress_make(&config, egress_test_rig_open);
    assert_non_null(egress);
    struct egress_test_rig_end *first = egress_test_rig_end_make(),
                               *second = egress_test_rig_end_make(),
                               *third = egress_test_rig_end_make();
    struct egress_test_rig_call asked;
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/silent", false);
    call->done = egress_test_rig_note;
    call->id = egress_id(egress);
    call->context = first;
    uint64_t first_id = call->id;
    unsigned before = egress_test_server_requests(egress_test_rig_server);
    assert_true(egress_send(egress, call));
    while (egress_test_server_requests(egress_test_rig_server) == before)
        (void)usleep(1000);
    call->id = egress_id(egress);
    uint64_t second_id = call->id;
    call->context = second;
    assert_true(egress_send(egress, call));
    call->id = 0;
    call->context = third;
    assert_true(egress_send(egress, call));
    assert_false(egress_send(egress, call));
    assert_int_equal(egress_load(egress).waiting, 2);
    assert_int_equal(egress_load(egress).in_flight, 1);
    egress_cancel(egress, second_id);
    egress_test_rig_wait(second);
    egress_test_rig_expect(second, EGRESS_CANCELED, false);
    egress_cancel(egress, first_id);
    egress_test_rig_wait(first);
    egress_test_rig_expect(first, EGRESS_CANCELED, true);
    egress_cancel(egress, first_id);
    egress_cancel(egress, 12345);
    while (egress_test_server_requests(egress_test_rig_server) < before + 2)
        (void)usleep(1000);
    ms_t start = clock_monotonic();
    egress_free(egress, 100);
    assert_true(clock_monotonic() - start < 3000);
    assert_int_equal(third->count, 1);
    egress_test_rig_expect(third, EGRESS_CANCELED, true);
    memory_free(first);
    memory_free(second);
    memory_free(third);
    egress_free(NULL, 0);
}

struct flow {
    atomic_uint bytes, ends;
    _Atomic enum egress_outcome outcome;
};

static bool take_flow(void *context, struct span bytes)
{
    struct flow *flow = context;
    atomic_fetch_add(&flow->bytes, (unsigned)bytes.size);
    return true;
}

static void end_flow(void *context, const struct egress_result *result)
{
    struct flow *flow = context;
    atomic_store(&flow->outcome, result->outcome);
    atomic_fetch_add(&flow->ends, 1);
}

/* Two that stay are beside the one that may be at the host, and the one that may be in flight. */
static void what_stays_takes_no_place(void **state)
{
    const struct egress_config config = {
        .in_flight_max = 1, .per_host_max = 1, .resolve = egress_test_rig_resolve};
    struct egress *egress = egress_make(&config, egress_test_rig_open);
    struct egress_test_rig_call asked;
    struct flow flow = {.bytes = 0};
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/drip", true);
    call->stays = true;
    call->answer.chunk = take_flow;
    call->deadlines.slow = MS_NEVER;
    call->deadlines.silent = 700;
    call->done = end_flow;
    call->context = &flow;
    assert_true(egress_send(egress, call));
    assert_true(egress_send(egress, call));
    while (atomic_load(&flow.bytes) < 20)
        (void)usleep(1000);
    call = egress_test_rig_ask(&asked, "one.test", "/hello", false);
    egress_test_rig_expect(egress_test_rig_get(egress, call), EGRESS_ANSWERED, true);
    assert_int_equal(atomic_load(&flow.ends), 0);
    /* Bytes came, and then none any more. */
    while (atomic_load(&flow.ends) < 2)
        (void)usleep(1000);
    assert_int_equal(atomic_load(&flow.outcome), EGRESS_TIMED_OUT);
    assert_int_equal(egress_load(egress).in_flight, 0);
    call = egress_test_rig_ask(&asked, "one.test", "/hello", false);
    egress_test_rig_expect(egress_test_rig_get(egress, call), EGRESS_ANSWERED, true);
    egress_free(egress, 0);
}

static void note_only(void *context, const struct egress_result *result)
{
    atomic_uint *answered = context;
    atomic_fetch_add(answered, result->outcome == EGRESS_ANSWERED);
}

static void drains_many(void **state)
{
    const struct egress_config config = {.per_host_max = 8, .resolve = egress_test_rig_resolve};
    struct egress *egress = egress_make(&config, egress_test_rig_open);
    atomic_uint answered = 0;
    struct egress_test_rig_call asked;
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/hello", false);
    call->done = note_only;
    call->context = &answered;
    unsigned before = egress_test_server_connections(egress_test_rig_server);
    for (int n = 0; n < 2000; n++)
        assert_true(egress_send(egress, call));
    egress_free(egress, 20 * MS_SECOND);
    assert_int_equal(atomic_load(&answered), 2000);
    assert_true(egress_test_server_connections(egress_test_rig_server) <= before + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),
        cmocka_unit_test(sends_parts),
        cmocka_unit_test(bounds_what_it_takes),
        cmocka_unit_test(writes_files),
        cmocka_unit_test(cancels_and_bounds_the_queue),
        cmocka_unit_test(what_stays_takes_no_place),
        cmocka_unit_test(drains_many),
    };
    return cmocka_run_group_tests(tests, egress_test_rig_begin, egress_test_rig_finish);
}
