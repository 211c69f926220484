/* Requests and their replies: order, presence of the peer, streams, the gate. */
#include "edge/server_test_rig.h"

#include <stdio.h>
#include <sys/socket.h>

#define GET  "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
#define WAIT "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"

enum { SHORT_MS = 300, LATE_MS = 400, BODY_SIZE = 5000000 };

static void test_pipelining(void **state)
{
    struct rig rig;
    struct buffer text;
    buffer_init(&text, 1000000);
    rig_start(&rig, NULL);
    for (int n = 0; n < 1000; n++)
        buffer_print(&text, "GET /echo?%d HTTP/1.1\r\nHost: a\r\n\r\n", n);
    struct rig_peer peer = rig_connect(&rig);
    rig_send(&peer, buffer_span(&text));
    for (int n = 0; n < 1000; n++) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "GET GET /echo ?%d ", n);
        assert_true(span_starts(rig_read(&peer, false).body, expected));
    }
    /* The order holds when the first is answered late. */
    rig_say(&peer, WAIT GET "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
    (void)rig_await(&rig.waiting, 1);
    rig_expect_silence(&peer, 50);
    rig_release(&rig);
    assert_true(span_is(rig_read(&peer, false).body, "released"));
    assert_true(span_is(rig_read(&peer, false).body, "hello"));
    assert_true(span_ends(rig_read(&peer, false).body, " 3 abc"));
    rig_hang_up(&peer);
    rig_stop(&rig);
    buffer_done(&text);
}

/* More than the server keeps is left in the socket, comes in its turn, and hides no leaving. */
static void test_pipelining_is_bounded(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    for (int leaves = 0; leaves < 2; leaves++) {
        struct rig_peer peer = rig_connect(&rig);
        rig_say(&peer, WAIT);
        (void)rig_await(&rig.waiting, (unsigned)leaves + 1);
        enum { COUNT = 4000 };
        for (int n = 0; n < COUNT; n++)
            rig_say(&peer, GET);
        rig_sleep(50);
        if (leaves) {
            rig_hang_up(&peer);
            assert_true(rig_await(&rig.gone, 1) < LATE_MS);
            break;
        }
        rig_release(&rig);
        assert_true(span_is(rig_read(&peer, false).body, "released"));
        for (int n = 0; n < COUNT; n++)
            assert_int_equal(rig_read(&peer, false).status, 200);
        rig_hang_up(&peer);
    }
    rig_stop(&rig);
}

/* Both requests are in their sockets before the loop looks at either. */
static struct rig_peer burst, other;

static void send_burst(const char *last)
{
    struct buffer text;
    buffer_init(&text, 10000);
    for (int n = 0; n < 100; n++)
        buffer_add_text(&text, GET);
    buffer_add_text(&text, last);
    rig_send(&burst, buffer_span(&text));
    buffer_done(&text);
}

static void send_both(struct rig *rig)
{
    (void)rig;
    send_burst("GET /wait?burst HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_say(&other, "GET /wait?other HTTP/1.1\r\nHost: a\r\n\r\n");
}

static bool other_was_first;

static void look_who_was_first(struct rig *rig)
{
    other_was_first = span_is(exchange_request(rig->held[0])->query, "other");
}

static void test_a_burst_leaves_others_their_turn(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    burst = rig_connect(&rig);
    other = rig_connect(&rig);
    (void)rig_ask(&burst, SPAN(GET), 200);
    (void)rig_ask(&other, SPAN(GET), 200);
    rig_call(&rig, send_both);
    for (int n = 0; n < 100; n++)
        assert_int_equal(rig_read(&burst, false).status, 200);
    (void)rig_await(&rig.waiting, 2);
    rig_call(&rig, look_who_was_first);
    assert_true(other_was_first);
    rig_release(&rig);
    assert_true(span_is(rig_read(&other, false).body, "released"));
    assert_true(span_is(rig_read(&burst, false).body, "released"));
    /* Who asks much and then says that this is all has all of its answers. */
    send_burst("");
    (void)shutdown(burst.fd, SHUT_WR);
    for (int n = 0; n < 100; n++)
        assert_int_equal(rig_read(&burst, false).status, 200);
    (void)rig_expect_end(&burst, LATE_MS);
    rig_hang_up(&burst);
    rig_hang_up(&other);
    rig_stop(&rig);
}

static void gated(struct server_config *config)
{
    config->gate = rig_gate;
}

static void test_continue(void **state)
{
    struct rig rig;
    rig_start(&rig, gated);
    struct rig_peer peer = rig_connect(&rig);
    rig_say(&peer, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                   "Expect: 100-Continue\r\n\r\n");
    assert_int_equal(rig_read(&peer, false).status, 100);
    assert_true(span_ends(rig_ask(&peer, SPAN("abc"), 200).body, " 3 abc"));
    /* Whoever did not wait is not told to go on. */
    struct rig_reply reply = rig_ask(&peer,
                                     SPAN("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                                          "Expect: 100-continue\r\n\r\nabc"),
                                     200);
    assert_true(span_ends(reply.body, " 3 abc"));
    /* Without a body there is nothing to continue. */
    (void)rig_ask(&peer, SPAN("GET /hello HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"),
                  200);
    /* The gate's refusal comes instead of 100, and the body is never read. */
    (void)rig_ask(&peer,
                  SPAN("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                       "Expect: 100-continue\r\n\r\n"),
                  403);
    (void)rig_expect_end(&peer, LATE_MS);
    rig_hang_up(&peer);
    rig_stop(&rig);
}

static void test_versions_and_methods(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    struct rig_peer peer = rig_connect(&rig);
    rig_say(&peer, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    struct rig_reply reply = rig_read(&peer, true);
    assert_int_equal(reply.status, 200);
    assert_true(span_is(rig_header(&reply, "Content-Length"), "5"));
    /* Nothing of the body may stand before the next reply. */
    reply = rig_ask(&peer, SPAN("BREW /echo?a=b HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_true(span_starts(reply.body, "OTHER BREW /echo ?a=b 127.0.0.1 1 0 "));
    reply = rig_ask(&peer, SPAN("GET http://a/echo?a=b HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_true(span_starts(reply.body, "GET GET /echo ?a=b 127.0.0.1 1 0 "));
    reply = rig_ask(&peer, SPAN("GET /none HTTP/1.1\r\nHost: a\r\n\r\n"), 204);
    assert_int_equal(rig_header(&reply, "Content-Length").size, 0);
    reply = rig_ask(&peer, SPAN("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), 200);
    assert_true(span_is(rig_header(&reply, "Connection"), "keep-alive"));
    reply = rig_ask(&peer, SPAN("GET /hello HTTP/1.0\r\n\r\n"), 200);
    assert_true(span_is(rig_header(&reply, "Connection"), "close"));
    (void)rig_expect_end(&peer, LATE_MS);
    rig_hang_up(&peer);
    const struct span closing[] = {
        SPAN("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n"),
        SPAN("GET /close HTTP/1.1\r\nHost: a\r\n\r\n"),
    };
    for (int n = 0; n < 2; n++) {
        peer = rig_connect(&rig);
        reply = rig_ask(&peer, closing[n], 200);
        assert_true(span_is(rig_header(&reply, "Connection"), "close"));
        (void)rig_expect_end(&peer, LATE_MS);
        rig_hang_up(&peer);
    }
    rig_stop(&rig);
}

static void test_headers(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    struct rig_peer peer = rig_connect(&rig);
    struct rig_reply reply = rig_ask(&peer, SPAN(GET), 200);
    assert_int_equal(rig_header(&reply, "Date").size, TIME_HTTP_SIZE - 1);
    assert_int_equal(rig_header(&reply, "Server").size, 0);
    assert_true(span_is(rig_header(&reply, "Content-Type"), "text/plain"));
    assert_int_equal(rig_header(&reply, "X-Request-Id").size, 20);
    reply = rig_ask(&peer, SPAN("GET /nowhere HTTP/1.1\r\nHost: a\r\nx-request-ID: a.B_-9\r\n\r\n"),
                    404);
    assert_true(span_is(rig_header(&reply, "X-Request-Id"), "a.B_-9"));
    assert_true(span_is(reply.body,
                        "{\"success\":false,\"error\":\"There is no such thing here.\","
                        "\"errorCode\":\"not_found\",\"details\":[],\"requestId\":\"a.B_-9\"}"));
    reply =
        rig_ask(&peer, SPAN("GET /hello HTTP/1.1\r\nHost: a\r\nX-Request-Id: a\"b\r\n\r\n"), 200);
    assert_int_equal(rig_header(&reply, "X-Request-Id").size, 20);
    reply = rig_ask(&peer,
                    SPAN("GET /hello HTTP/1.1\r\nHost: a\r\nX-Request-Id: "
                         "0123456789012345678901234567890123456789012345678901234567890123"
                         "4\r\n\r\n"),
                    200);
    assert_int_equal(rig_header(&reply, "X-Request-Id").size, 20);
    /* A handler's mistake splits no response. */
    reply = rig_ask(&peer, SPAN("GET /evil HTTP/1.1\r\nHost: a\r\n\r\n"), 500);
    assert_int_equal(rig_header(&reply, "Set-Cookie").size, 0);
    assert_int_equal(rig_header(&reply, "X-Note").size, 0);
    (void)rig_ask(&peer, SPAN(GET), 200);
    rig_hang_up(&peer);
    rig_stop(&rig);
}

/* --- Peers that leave. --- */

static void test_early_close(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    struct rig_peer peers[4];
    for (unsigned n = 0; n < 4; n++) {
        peers[n] = rig_connect(&rig);
        if (n == 3)
            rig_say(&peers[n], "GET /bare HTTP/1.1\r\nHost: a\r\n\r\n");
        else
            rig_say(&peers[n], WAIT);
        (void)rig_await(&rig.waiting, n + 1);
    }
    rig_hang_up(&peers[0]);
    assert_true(rig_await(&rig.gone, 1) < LATE_MS);
    rig_reset(&peers[1]);
    assert_true(rig_await(&rig.gone, 2) < LATE_MS);
    /* The end of the input counts as leaving while an answer is awaited. */
    assert_int_equal(shutdown(peers[2].fd, SHUT_WR), 0);
    assert_true(rig_await(&rig.gone, 3) < LATE_MS);
    (void)rig_expect_end(&peers[2], LATE_MS);
    /* Who did not ask to be told may still reply. */
    rig_hang_up(&peers[3]);
    rig_sleep(30);
    assert_int_equal(rig_count(&rig).connections, 0);
    rig_release(&rig);
    rig_hang_up(&peers[2]);
    rig_stop(&rig);
}

/* What came before it is answered, what came behind it is not. */
static void test_drop(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    struct rig_peer peer = rig_connect(&rig);
    rig_say(&peer, "GET /drop HTTP/1.1\r\nHost: a\r\n\r\n" GET);
    assert_true(rig_expect_end(&peer, LATE_MS) < LATE_MS);
    rig_hang_up(&peer);
    struct rig_peer other_peer = rig_connect(&rig);
    rig_say(&other_peer, GET);
    assert_int_equal(rig_read(&other_peer, false).status, 200);
    rig_hang_up(&other_peer);
    rig_stop(&rig);
}

static void test_half_close(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    struct rig_peer peer = rig_connect(&rig);
    rig_say(&peer, GET GET "GET /size?n=3000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(shutdown(peer.fd, SHUT_WR), 0);
    assert_true(span_is(rig_read(&peer, false).body, "hello"));
    assert_true(span_is(rig_read(&peer, false).body, "hello"));
    struct rig_reply reply = rig_read(&peer, false);
    assert_int_equal(reply.body.size, 3000000);
    (void)rig_expect_end(&peer, LATE_MS);
    rig_hang_up(&peer);
    /* Half a request is no request. */
    peer = rig_connect(&rig);
    rig_say(&peer, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    assert_int_equal(shutdown(peer.fd, SHUT_WR), 0);
    (void)rig_expect_end(&peer, LATE_MS);
    rig_hang_up(&peer);
    rig_stop(&rig);
}

static void short_stall(struct server_config *config)
{
    config->stall_timeout = SHORT_MS;
}

static char content[BODY_SIZE];

/* --- Streams. --- */

static void test_streams(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    struct rig_peer peer = rig_connect(&rig);
    struct rig_reply reply =
        rig_ask(&peer, SPAN("GET /stream?n=3 HTTP/1.1\r\nHost: a\r\n\r\n" GET), 200);
    assert_true(reply.chunked);
    assert_true(span_is(reply.body, "012345678901234567890123456789"));
    assert_true(span_is(rig_read(&peer, false).body, "hello"));
    reply = rig_ask(&peer, SPAN("GET /stream?n=10000 HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_int_equal(reply.body.size, 100000);
    rig_say(&peer, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" GET);
    assert_true(rig_read(&peer, true).status == 200);
    assert_true(span_is(rig_read(&peer, false).body, "hello"));
    reply = rig_ask(&peer, SPAN("GET /stream?n=2 HTTP/1.0\r\n\r\n"), 200);
    assert_false(reply.chunked);
    assert_true(span_is(reply.body, "01234567890123456789"));
    rig_hang_up(&peer);
    rig_stop(&rig);
}

static void write_more(struct rig *rig)
{
    assert_true(exchange_write(rig->stream, SPAN("second")));
    assert_int_equal(exchange_unsent(rig->stream), 0);
}

static void end_stream(struct rig *rig)
{
    exchange_end(rig->stream);
}

static void test_open_streams(void **state)
{
    struct rig rig;
    rig_start(&rig, short_stall);
    struct rig_peer peer = rig_connect(&rig);
    rig_say(&peer, "GET /open HTTP/1.1\r\nHost: a\r\n\r\n" GET);
    (void)rig_await(&rig.waiting, 1);
    rig_sleep(2 * SHORT_MS); /* a stream with nothing to say is not a stalled one */
    rig_call(&rig, write_more);
    rig_call(&rig, end_stream);
    assert_true(span_is(rig_read(&peer, false).body, "firstsecond"));
    assert_true(span_is(rig_read(&peer, false).body, "hello"));
    rig_say(&peer, "GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
    (void)rig_await(&rig.waiting, 2);
    rig_hang_up(&peer);
    assert_true(rig_await(&rig.gone, 1) < LATE_MS);
    rig_stop(&rig);
}

static void test_flooded_stream(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    struct rig_peer peer = rig_connect(&rig);
    rig_say(&peer, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
    (void)rig_await(&rig.streams_over, 1);
    /* Ended by the bound, not by the end of the flood; the kernel's buffers hold the most. */
    assert_true(atomic_load(&rig.streamed) < 50u * 1000 * 1000);
    rig_sleep(20);
    assert_int_equal(rig_count(&rig).connections, 0);
    assert_int_equal(atomic_load(&rig.gone), 0);
    assert_true(rig_read(&peer, false).ended);
    rig_hang_up(&peer);
    rig_stop(&rig);
}

/* --- The gate. --- */

static void test_sinks(void **state)
{
    struct rig rig;
    rig_start(&rig, gated);
    struct rig_peer peer = rig_connect(&rig);
    rig_say(&peer, "POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n");
    rig_send(&peer, (struct span){content, BODY_SIZE});
    assert_true(span_ends(rig_read(&peer, false).body, " 0 "));
    assert_int_equal(atomic_load(&rig.sunk), BODY_SIZE);
    rig_say(&peer, "POST /pause HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n" GET);
    assert_true(span_starts(rig_read(&peer, false).body, "POST POST /pause"));
    assert_true(span_is(rig_read(&peer, false).body, "hello"));
    assert_int_equal(atomic_load(&rig.sunk), BODY_SIZE + 6);
    /* Paused at its last byte, the handler is called after the pause. */
    (void)rig_ask(&peer, SPAN("POST /pause HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
                  200);
    struct rig_reply reply = rig_ask(
        &peer, SPAN("POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 100000001\r\n\r\n"), 413);
    assert_true(span_is(rig_header(&reply, "Connection"), "close"));
    rig_hang_up(&peer);
    assert_int_equal(atomic_load(&rig.sink_gone), 1);
    peer = rig_connect(&rig);
    rig_say(&peer, "POST /stop HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n");
    rig_send(&peer, (struct span){content, 2000});
    reply = rig_read(&peer, false);
    assert_int_equal(reply.status, 200);
    assert_true(span_is(rig_header(&reply, "Connection"), "close"));
    rig_hang_up(&peer);
    for (int n = 0; n < 2; n++) {
        peer = rig_connect(&rig);
        rig_say(&peer,
                "POST /sink HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc");
        rig_sleep(20);
        if (n == 0)
            rig_hang_up(&peer);
        else
            (void)rig_ask(&peer, SPAN("de\nnonsense"), 400);
        (void)rig_await(&rig.sink_gone, (unsigned)n + 2);
    }
    rig_hang_up(&peer);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_pipelining_is_bounded),
        cmocka_unit_test(test_a_burst_leaves_others_their_turn),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_versions_and_methods),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_early_close),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_open_streams),
        cmocka_unit_test(test_flooded_stream),
        cmocka_unit_test(test_sinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
