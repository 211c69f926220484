/* Limits, whose connections are counted, starting and ending. */
#include "edge/server_test_rig.h"

#include "edge/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define GET "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

/* The deadlines of these tests, and how late the server may be (sanitizers, a busy machine). */
enum { SHORT_MS = 300, LATE_MS = 400 };

static void assert_error(const struct rig_reply *reply, const char *code)
{
    char expected[64];
    (void)snprintf(expected, sizeof expected, "\"errorCode\":\"%s\"", code);
    assert_true(memmem(reply->body.data, reply->body.size, expected, strlen(expected)) != NULL);
    assert_true(span_is(rig_header(reply, "Content-Type"), "application/json"));
    assert_true(span_is(rig_header(reply, "Connection"), "close"));
}

/* --- Sizes. --- */

/* A request whose head has exactly `size` bytes. */
static struct span head_of(struct buffer *text, size_t size)
{
    buffer_clear(text);
    buffer_add_text(text, "GET /hello HTTP/1.1\r\nHost: a\r\nX-Fill: ");
    while (text->size < size - 4)
        buffer_add_byte(text, 'x');
    buffer_add_text(text, "\r\n\r\n");
    return buffer_span(text);
}

static void test_head_size(void **state)
{
    struct rig rig;
    struct buffer text;
    buffer_init(&text, 100000);
    rig_start(&rig, NULL);
    for (size_t size = 8191; size <= 8192; size++) {
        struct rig_peer peer = rig_connect(&rig);
        (void)rig_ask(&peer, head_of(&text, size), 200);
        rig_hang_up(&peer);
    }
    for (size_t size = 8193; size < 80000; size = size * 2) {
        struct rig_peer peer = rig_connect(&rig);
        struct rig_reply reply = rig_ask(&peer, head_of(&text, size), 431);
        assert_error(&reply, "too_large");
        (void)rig_expect_end(&peer, LATE_MS);
        rig_hang_up(&peer);
    }
    rig_stop(&rig);
    buffer_done(&text);
}

static void test_target_size(void **state)
{
    static const int statuses[] = {200, 414, 414};
    static const size_t sizes[] = {4096, 4097, 70000};
    struct rig rig;
    struct buffer text;
    buffer_init(&text, 100000);
    rig_start(&rig, NULL);
    for (size_t n = 0; n < 3; n++) {
        buffer_clear(&text);
        buffer_add_text(&text, "GET /hello?");
        while (text.size < sizes[n] + 4)
            buffer_add_byte(&text, 'x');
        buffer_add_text(&text, " HTTP/1.1\r\nHost: a\r\n\r\n");
        struct rig_peer peer = rig_connect(&rig);
        (void)rig_ask(&peer, buffer_span(&text), statuses[n]);
        rig_hang_up(&peer);
    }
    rig_stop(&rig);
    buffer_done(&text);
}

static void test_header_count(void **state)
{
    struct rig rig;
    struct buffer text;
    buffer_init(&text, 100000);
    rig_start(&rig, NULL);
    for (int count = 64; count <= 65; count++) {
        buffer_clear(&text);
        buffer_add_text(&text, "GET /hello HTTP/1.1\r\nHost: a\r\n");
        for (int n = 1; n < count; n++)
            buffer_print(&text, "X-%d: y\r\n", n);
        buffer_add_text(&text, "\r\n");
        struct rig_peer peer = rig_connect(&rig);
        (void)rig_ask(&peer, buffer_span(&text), count == 64 ? 200 : 431);
        rig_hang_up(&peer);
    }
    rig_stop(&rig);
    buffer_done(&text);
}

static void body_100(struct server_config *config)
{
    config->body_max = 100;
    config->bodies_max = 150;
}

static void test_body_size(void **state)
{
    const struct {
        struct span bytes;
        int status;
    } rows[] = {
        /* Known from the length alone: nothing of the body is sent here. */
        {SPAN("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n"), 413},
        {SPAN("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n"), 413},
        {SPAN("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n"), 413},
        {SPAN("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
              "32\r\n01234567890123456789012345678901234567890123456789\r\n33\r\n"),
         413},
    };
    struct rig rig;
    rig_start(&rig, body_100);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct rig_peer peer = rig_connect(&rig);
        struct rig_reply reply = rig_ask(&peer, rows[n].bytes, rows[n].status);
        assert_error(&reply, "too_large");
        (void)rig_expect_end(&peer, LATE_MS);
        rig_hang_up(&peer);
    }
    struct rig_peer peer = rig_connect(&rig), other = rig_connect(&rig), third = rig_connect(&rig);
    char exact[101];
    memset(exact, 'x', 100);
    rig_say(&peer, "POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n");
    rig_send(&peer, (struct span){exact, 100});
    (void)rig_await(&rig.waiting, 1);
    /* One body is held: there is room for half of another. */
    rig_say(&other, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n");
    (void)rig_ask(&other, (struct span){exact, 50}, 200);
    rig_say(&third, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 51\r\n\r\n");
    struct rig_reply reply = rig_ask(&third, (struct span){exact, 51}, 503);
    assert_error(&reply, "rate_limited");
    assert_int_equal(rig_count(&rig).body_bytes, 100);
    rig_release(&rig);
    assert_int_equal(rig_read(&peer, false).status, 200);
    assert_int_equal(rig_count(&rig).body_bytes, 0);
    rig_hang_up(&peer);
    rig_hang_up(&other);
    rig_hang_up(&third);
    rig_stop(&rig);
}

/* --- Connections. --- */

static void few_connections(struct server_config *config)
{
    config->connections_max = 4;
    config->address_open_max = 3;
}

static void none_left(struct rig *rig, unsigned count)
{
    for (int n = 0; n < 200 && rig_count(rig).connections != count; n++)
        rig_sleep(5);
    assert_int_equal(rig_count(rig).connections, count);
}

static void test_connection_limits(void **state)
{
    struct rig rig;
    struct rig_peer peers[3];
    rig_start(&rig, few_connections);
    for (int n = 0; n < 3; n++) {
        peers[n] = rig_connect(&rig);
        (void)rig_ask(&peers[n], SPAN(GET), 200);
    }
    struct rig_peer extra = rig_connect(&rig);
    struct rig_reply reply = rig_read(&extra, false);
    assert_int_equal(reply.status, 429);
    assert_error(&reply, "rate_limited");
    assert_true(rig_header(&reply, "X-Request-Id").size > 0);
    (void)rig_expect_end(&extra, LATE_MS);
    rig_hang_up(&extra);
    for (int n = 0; n < 3; n++) {
        (void)rig_ask(&peers[n], SPAN(GET), 200);
        rig_hang_up(&peers[n]);
    }
    none_left(&rig, 0);
    struct rig_peer again = rig_connect(&rig);
    (void)rig_ask(&again, SPAN(GET), 200);
    rig_hang_up(&again);
    rig_stop(&rig);
}

static void two_connections(struct server_config *config)
{
    config->connections_max = 2;
}

static void test_connection_limit_in_all(void **state)
{
    struct rig rig;
    rig_start(&rig, two_connections);
    struct rig_peer first = rig_connect(&rig), second = rig_connect(&rig);
    (void)rig_ask(&first, SPAN(GET), 200);
    (void)rig_ask(&second, SPAN(GET), 200);
    struct rig_peer third = rig_connect(&rig);
    assert_int_equal(rig_read(&third, false).status, 503);
    rig_hang_up(&first);
    none_left(&rig, 1);
    struct rig_peer fourth = rig_connect(&rig);
    (void)rig_ask(&fourth, SPAN(GET), 200);
    rig_hang_up(&second);
    rig_hang_up(&third);
    rig_hang_up(&fourth);
    rig_stop(&rig);
}

static void behind_proxies(struct server_config *config)
{
    static const char *const proxies[] = {"127.0.0.0/8", "10.0.0.0/8"};
    config->trusted_proxies = proxies;
    config->trusted_proxy_count = 2;
    config->address_max = 2;
}

static void test_forwarded(void **state)
{
    static const struct {
        const char *headers, *peer;
    } rows[] = {
        {"", "127.0.0.1 1"},
        {"X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7 0"},
        {"X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n", "192.0.2.7 0"},
        {"X-Forwarded-For: 192.0.2.7, 10.1.2.3\r\n", "192.0.2.7 0"},
        {"X-Forwarded-For: 192.0.2.7:1234\r\n", "192.0.2.7 0"},
        {"X-Forwarded-For: [2001:db8::7]:1234\r\n", "2001:db8::7 0"},
        {"X-Forwarded-For: 2001:db8::7\r\n", "2001:db8::7 0"},
        {"X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7 0"},
        {"X-Forwarded-For: 192.0.2.7, nonsense, 10.1.2.3\r\n", "10.1.2.3 0"},
        {"X-Forwarded-For: \r\n", "127.0.0.1 1"},
        {"X-Forwarded-For: ,,\r\n", "127.0.0.1 1"},
        {"X-Forwarded-For: [\r\n", "127.0.0.1 1"},
    };
    struct rig rig;
    rig_start(&rig, behind_proxies);
    struct rig_peer peer = rig_connect(&rig);
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char request[256], expected[64];
        (void)snprintf(request, sizeof request, "GET /echo HTTP/1.1\r\nHost: a\r\n%s\r\n",
                       rows[n].headers);
        (void)snprintf(expected, sizeof expected, "GET GET /echo ? %s 0 ", rows[n].peer);
        struct rig_reply reply = rig_ask(&peer, span_of(request), 200);
        if (!span_is(reply.body, expected))
            fail_msg("%.*s instead of %s", SPAN_PRINT(reply.body), expected);
    }
    /* A client's requests under way are counted, through whichever connection they come. */
    struct rig_peer more[3];
    for (unsigned n = 0; n < 3; n++) {
        more[n] = rig_connect(&rig);
        rig_say(&more[n], "GET /wait HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n");
        if (n < 2)
            (void)rig_await(&rig.waiting, n + 1);
    }
    assert_int_equal(rig_read(&more[2], false).status, 429);
    rig_release(&rig);
    for (int n = 0; n < 3; n++) {
        if (n < 2)
            assert_int_equal(rig_read(&more[n], false).status, 200);
        rig_hang_up(&more[n]);
    }
    rig_hang_up(&peer);
    rig_stop(&rig);
}

/* --- Starting and ending. --- */

static void test_start_faults(void **state)
{
    struct rig rig;
    struct server_config config;
    struct server *server = NULL;
    char fault[SERVER_FAULT_SIZE];
    rig_start(&rig, NULL);
    server_config_init(&config);
    config.port = server_port(rig.server);
    assert_false(server_start(&rig.loop, &config, NULL, NULL, &server, fault));
    assert_non_null(strstr(fault, "the port is in use"));
    config.address = "localhost";
    assert_false(server_start(&rig.loop, &config, NULL, NULL, &server, fault));
    assert_string_equal(fault, "\"localhost\" is not an address to listen at.");
    config.address = "192.0.2.7";
    assert_false(server_start(&rig.loop, &config, NULL, NULL, &server, fault));
    assert_non_null(strstr(fault, "this machine has no such address"));
    server_config_init(&config);
    config.open_networks = (const char *const[]){"10.0.0.1/8"};
    config.open_network_count = 1;
    assert_false(server_start(&rig.loop, &config, NULL, NULL, &server, fault));
    assert_string_equal(fault, "\"10.0.0.1/8\" is not a network.");
    server_config_init(&config);
    config.idle_timeout = 0;
    assert_false(server_start(&rig.loop, &config, NULL, NULL, &server, fault));
    assert_null(server);
    server_stop(NULL, NULL, NULL);
    rig_stop(&rig);
}

static void drain(struct rig *rig)
{
    server_drain(rig->server);
    assert_false(server_idle(rig->server));
}

static void is_idle(struct rig *rig)
{
    assert_true(server_idle(rig->server));
}

static void test_drain(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    struct rig_peer idle = rig_connect(&rig), waiting = rig_connect(&rig);
    struct rig_peer partial = rig_connect(&rig), fresh = rig_connect(&rig);
    (void)rig_ask(&idle, SPAN(GET), 200);
    rig_say(&waiting, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    (void)rig_await(&rig.waiting, 1);
    rig_say(&partial, "GET /hello HTTP/1.1\r\n");
    rig_sleep(20);
    rig_call(&rig, drain);
    (void)rig_expect_end(&idle, LATE_MS);
    (void)rig_expect_end(&fresh, LATE_MS);
    struct rig_reply reply = rig_ask(&partial, SPAN("Host: a\r\n\r\n"), 200);
    assert_true(span_is(rig_header(&reply, "Connection"), "close"));
    (void)rig_expect_end(&partial, LATE_MS);
    rig_release(&rig);
    reply = rig_read(&waiting, false);
    assert_int_equal(reply.status, 200);
    assert_true(span_is(rig_header(&reply, "Connection"), "close"));
    (void)rig_expect_end(&waiting, LATE_MS);
    rig_sleep(20);
    rig_call(&rig, is_idle);
    rig_hang_up(&idle);
    rig_hang_up(&waiting);
    rig_hang_up(&partial);
    rig_hang_up(&fresh);
    rig_stop(&rig);
}

static void test_stop(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    struct rig_peer peers[4];
    for (unsigned n = 0; n < 4; n++)
        peers[n] = rig_connect(&rig);
    rig_say(&peers[0], "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_say(&peers[1], "GET /bare HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_say(&peers[2], "GET /open HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_say(&peers[3], "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
    (void)rig_await(&rig.waiting, 3);
    rig_stop(&rig);
    assert_int_equal(atomic_load(&rig.gone), 2);
    for (unsigned n = 0; n < 4; n++)
        rig_hang_up(&peers[n]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_size),
        cmocka_unit_test(test_target_size),
        cmocka_unit_test(test_header_count),
        cmocka_unit_test(test_body_size),
        cmocka_unit_test(test_connection_limits),
        cmocka_unit_test(test_connection_limit_in_all),
        cmocka_unit_test(test_forwarded),
        cmocka_unit_test(test_start_faults),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
