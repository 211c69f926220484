#include "edge/egress_test_rig.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void refuses_what_is_inside(void **state)
{
    static const char *const hosts[] = {"one.test",  "inside.test", "dual.test",
                                        "127.0.0.1", "[::1]",       "2130706433"};
    unsigned before = egress_test_server_connections(egress_test_rig_server);
    struct egress_test_rig_call asked;
    for (size_t n = 0; n < sizeof hosts / sizeof hosts[0]; n++) {
        const struct egress_test_rig_end *waited = egress_test_rig_get(
            egress_test_rig_strict, egress_test_rig_ask(&asked, hosts[n], "/", false));
        egress_test_rig_expect(waited, EGRESS_REFUSED_BY_GUARD, false);
        assert_null(strstr(waited->result.sentence, "10.0.0.1"));
        assert_null(strstr(waited->result.sentence, "192.168"));
    }
    /* Open for one origin, and for that one only. */
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/", true);
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_strict, call), EGRESS_ANSWERED,
                           true);
    call = egress_test_rig_ask(&asked, "127.0.0.1", "/", true);
    (void)snprintf(asked.trusted, sizeof asked.trusted, "http://127.0.0.1:%u",
                   egress_test_server_port(egress_test_rig_other));
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_strict, call),
                           EGRESS_REFUSED_BY_GUARD, false);
    assert_int_equal(egress_test_server_connections(egress_test_rig_server), before + 1);
}

static void judges_a_connection_before_it_is_used_again(void **state)
{
    struct egress_test_rig_call asked;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_strict,
                                               egress_test_rig_ask(&asked, "flip.test", "/", true)),
                           EGRESS_ANSWERED, true);
    (void)usleep(5000);
    /* The name leads outside now, and its old connection inside still stands. */
    unsigned before = egress_test_server_requests(egress_test_rig_server);
    struct egress_call *call = egress_test_rig_ask(&asked, "flip.test", "/", false);
    const struct egress_test_rig_end *waited = egress_test_rig_get(egress_test_rig_strict, call);
    egress_test_rig_expect(waited, EGRESS_REFUSED_BY_GUARD, false);
    assert_int_equal(egress_test_rig_flips(), 2);
    assert_int_equal(egress_test_server_requests(egress_test_rig_server), before);
}

static void follows_redirects_by_the_guard(void **state)
{
    struct egress_test_rig_call asked;
    char path[300];
    const struct egress_test_rig_end *waited = egress_test_rig_get(
        egress_test_rig_strict, egress_test_rig_ask(&asked, "one.test", "/to?/hello", true));
    egress_test_rig_expect(waited, EGRESS_ANSWERED, true);
    assert_string_equal(waited->body, "hello");
    assert_int_equal(waited->result.redirects, 1);
    assert_non_null(strstr(waited->url, "/hello"));
    unsigned before = egress_test_server_connections(egress_test_rig_other);
    (void)snprintf(path, sizeof path, "/to?http://127.0.0.1:%u/",
                   egress_test_server_port(egress_test_rig_other));
    const char *const forbidden[] = {path, "/to?http://169.254.169.254/latest/",
                                     "/to?//inside.test/", "/to?file:///etc/passwd",
                                     "/to?http://x@y/"};
    for (size_t n = 0; n < sizeof forbidden / sizeof forbidden[0]; n++) {
        waited = egress_test_rig_get(egress_test_rig_strict,
                                     egress_test_rig_ask(&asked, "one.test", forbidden[n], true));
        egress_test_rig_expect(waited, EGRESS_REFUSED_BY_GUARD, true);
        assert_null(strstr(waited->result.sentence, "169.254"));
        assert_null(strstr(waited->result.sentence, "127.0.0.1"));
    }
    assert_int_equal(egress_test_server_connections(egress_test_rig_other), before);
    waited = egress_test_rig_get(egress_test_rig_loose,
                                 egress_test_rig_ask(&asked, "one.test", path, false));
    egress_test_rig_expect(waited, EGRESS_ANSWERED, true);
    assert_int_equal(egress_test_server_connections(egress_test_rig_other), before + 1);
    before = egress_test_server_requests(egress_test_rig_server);
    waited = egress_test_rig_get(egress_test_rig_loose,
                                 egress_test_rig_ask(&asked, "one.test", "/loop", false));
    egress_test_rig_expect(waited, EGRESS_ANSWERED, true);
    assert_int_equal(waited->result.response.status, 302);
    assert_int_equal(waited->result.redirects, 3);
    assert_int_equal(egress_test_server_requests(egress_test_rig_server), before + 4);
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/loop", false);
    call->redirects_max = 0;
    assert_int_equal(egress_test_rig_get(egress_test_rig_loose, call)->result.redirects, 0);
    egress_test_rig_set_body(&asked, HTTP_POST, "x");
    call->redirects_max = 3;
    waited = egress_test_rig_get(egress_test_rig_loose, call);
    assert_int_equal(waited->result.response.status, 302);
    assert_int_equal(waited->result.redirects, 0);
}

static void keeps_credentials_at_home(void **state)
{
    struct egress_test_rig_call asked;
    char path[300];
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/hello", true);
    egress_test_rig_add_header(&asked, "Authorization", "Key {key:fal}!");
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_strict, call), EGRESS_ANSWERED,
                           true);
    char *last = egress_test_server_last(egress_test_rig_server);
    assert_non_null(strstr(last, "Authorization: Key id:secret!\r\n"));
    memory_free(last);
    call->trusted = NULL;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_INVALID, false);
    (void)snprintf(path, sizeof path, "/to?http://two.test:%u/",
                   egress_test_server_port(egress_test_rig_other));
    call = egress_test_rig_ask(&asked, "one.test", path, true);
    egress_test_rig_add_header(&asked, "X-Key", "{key:fal}");
    egress_test_rig_add_header(&asked, "Authorization", "plain");
    egress_test_rig_add_header(&asked, "X-Other", "stays");
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_ANSWERED, true);
    last = egress_test_server_last(egress_test_rig_other);
    assert_null(strstr(last, "secret"));
    assert_null(strstr(last, "Authorization"));
    assert_non_null(strstr(last, "X-Other: stays\r\n"));
    memory_free(last);
    static const struct {
        const char *name, *value;
    } wrong[] = {{"X-Key", "{key:none}"},
                 {"X-Key", "{key:fal"},
                 {"X-A", "b\r\nX-C: d"},
                 {"X-A", "b\n"},
                 {"X A", "b"},
                 {"", "b"},
                 {"X-A:", "b"},
                 {"Content-Length", "5"},
                 {"host", "other"},
                 {"X\r\nY", "b"},
                 {"Transfer-Encoding", "chunked"}};
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        call = egress_test_rig_ask(&asked, "one.test", "/hello", true);
        egress_test_rig_add_header(&asked, wrong[n].name, wrong[n].value);
        egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_INVALID,
                               false);
    }
}

static void says_how_it_failed(void **state)
{
    struct egress_test_rig_call asked;
    static const char *const broken[] = {"/short", "/reset", "/garbage", "/vanish"};
    for (size_t n = 0; n < 4; n++)
        egress_test_rig_expect(
            egress_test_rig_get(egress_test_rig_loose,
                                egress_test_rig_ask(&asked, "one.test", broken[n], false)),
            EGRESS_BROKEN, true);
    egress_test_rig_expect(
        egress_test_rig_get(egress_test_rig_loose,
                            egress_test_rig_ask(&asked, "none.test", "/", false)),
        EGRESS_NOT_RESOLVED, false);
    struct egress_call *call = egress_test_rig_ask(&asked, "stuck.test", "/", false);
    call->deadlines.resolve = 150;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_NOT_RESOLVED,
                           false);
    egress_test_rig_set_url(&asked, "https://one.test:%u/",
                            egress_test_server_port(egress_test_rig_server));
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_TLS_FAILED,
                           false);
    egress_test_rig_set_url(&asked, "http://127.0.0.1:1/");
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_NOT_CONNECTED,
                           false);
    call = egress_test_rig_ask(&asked, "one.test", "/silent", false);
    call->deadlines.first_byte = 200;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_TIMED_OUT,
                           true);
    call->deadlines.first_byte = 0;
    call->deadlines.total = 200;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_TIMED_OUT,
                           true);
    call = egress_test_rig_ask(&asked, "one.test", "/drip", false);
    call->deadlines.slow = 300;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_TIMED_OUT,
                           true);
}

/* A listener that never accepts: a few connections fit its queue, the rest hang. */
static void tells_no_connection_from_no_answer(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fillers[8];
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    struct egress_test_rig_call asked;
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/", false);
    egress_test_rig_set_url(&asked, "https://one.test:%u/", ntohs(address.sin_port));
    call->deadlines.secure = 200;
    call->deadlines.connect = 3000;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_TLS_FAILED,
                           false);
    for (size_t n = 0; n < 8; n++) {
        fillers[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(fillers[n], (struct sockaddr *)&address, sizeof address);
    }
    call->deadlines.secure = 3000;
    call->deadlines.connect = 200;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_NOT_CONNECTED,
                           false);
    for (size_t n = 0; n < 8; n++)
        (void)close(fillers[n]);
    (void)close(listener);
}

static void sends_a_paid_request_once(void **state)
{
    struct egress_test_rig_call asked;
    for (int n = 0; n < 20; n++) {
        /* Leave a connection that will die when it is used again. */
        egress_test_rig_expect(
            egress_test_rig_get(egress_test_rig_loose,
                                egress_test_rig_ask(&asked, "one.test", "/die", false)),
            EGRESS_ANSWERED, true);
        struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/vanish", false);
        egress_test_rig_set_body(&asked, HTTP_POST, "a job");
        call->paid = true;
        unsigned requests = egress_test_server_requests(egress_test_rig_server);
        unsigned connections = egress_test_server_connections(egress_test_rig_server);
        egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_BROKEN,
                               true);
        assert_int_equal(egress_test_server_requests(egress_test_rig_server), requests + 1);
        assert_int_equal(egress_test_server_connections(egress_test_rig_server), connections + 1);
    }
    /* For contrast: a call that may be repeated is, by libcurl, when a used connection dies. */
    egress_test_rig_expect(
        egress_test_rig_get(egress_test_rig_loose,
                            egress_test_rig_ask(&asked, "one.test", "/hello", false)),
        EGRESS_ANSWERED, true);
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/die", false);
    egress_test_rig_set_body(&asked, HTTP_POST, "again");
    unsigned requests = egress_test_server_requests(egress_test_rig_server);
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_ANSWERED, true);
    assert_int_equal(egress_test_server_requests(egress_test_rig_server), requests + 2);
    /* A paid connection is left to nobody, and redirects are not followed. */
    call = egress_test_rig_ask(&asked, "one.test", "/hello", false);
    call->paid = true;
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_ANSWERED, true);
    unsigned connections = egress_test_server_connections(egress_test_rig_server);
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_ANSWERED, true);
    assert_int_equal(egress_test_server_connections(egress_test_rig_server), connections + 1);
    call = egress_test_rig_ask(&asked, "one.test", "/to?/hello", false);
    call->paid = true;
    const struct egress_test_rig_end *waited = egress_test_rig_get(egress_test_rig_loose, call);
    assert_int_equal(waited->result.response.status, 302);
}

static void speaks_tls(void **state)
{
    struct egress_test_rig_call asked;
    struct egress_call *call = egress_test_rig_ask(&asked, "one.test", "/", false);
    unsigned port = egress_test_server_port(egress_test_rig_secure);
    egress_test_rig_set_url(&asked, "https://one.test:%u/hello", port);
    const struct egress_test_rig_end *waited = egress_test_rig_get(egress_test_rig_loose, call);
    egress_test_rig_expect(waited, EGRESS_ANSWERED, true);
    assert_string_equal(waited->body, "hello");
    assert_true(waited->result.times.secured > 0);
    /* Never from https to http, wherever it leads. */
    egress_test_rig_set_url(&asked, "https://one.test:%u/to?http://one.test:%u/", port,
                            egress_test_server_port(egress_test_rig_server));
    unsigned before = egress_test_server_connections(egress_test_rig_server);
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call),
                           EGRESS_REFUSED_BY_GUARD, true);
    assert_int_equal(egress_test_server_connections(egress_test_rig_server), before);
    /* From https to https it is followed, however that is spelled. */
    egress_test_rig_set_url(&asked, "https://one.test:%u/to?HTTPS://one.test:%u/hello", port, port);
    waited = egress_test_rig_get(egress_test_rig_loose, call);
    egress_test_rig_expect(waited, EGRESS_ANSWERED, true);
    assert_string_equal(waited->body, "hello");
    /* The certificate is another's, or nobody's that is known. */
    egress_test_rig_set_url(&asked, "https://two.test:%u/hello", port);
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_loose, call), EGRESS_TLS_FAILED,
                           false);
    egress_test_rig_set_url(&asked, "https://one.test:%u/hello", port);
    (void)snprintf(asked.trusted, sizeof asked.trusted, "https://one.test:%u", port);
    call->trusted = asked.trusted;
    before = egress_test_server_requests(egress_test_rig_secure);
    egress_test_rig_expect(egress_test_rig_get(egress_test_rig_strict, call), EGRESS_TLS_FAILED,
                           false);
    assert_int_equal(egress_test_server_requests(egress_test_rig_secure), before);
}

static void knows_authorities(void **state)
{
    char path[80];
    (void)snprintf(path, sizeof path, "%s/ca.pem", egress_test_rig_folder);
    assert_true(egress_can_trust(path));
    assert_true(egress_can_trust(NULL));
    assert_false(egress_can_trust(egress_test_rig_folder));
    assert_false(egress_can_trust("/nowhere/ca.pem"));
    assert_false(egress_can_trust("/dev/null"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_is_inside),
        cmocka_unit_test(judges_a_connection_before_it_is_used_again),
        cmocka_unit_test(follows_redirects_by_the_guard),
        cmocka_unit_test(keeps_credentials_at_home),
        cmocka_unit_test(says_how_it_failed),
        cmocka_unit_test(tells_no_connection_from_no_answer),
        cmocka_unit_test(sends_a_paid_request_once),
        cmocka_unit_test(speaks_tls),
        cmocka_unit_test(knows_authorities),
    };
    return cmocka_run_group_tests(tests, egress_test_rig_begin, egress_test_rig_finish);
}
