/* Deadlines: whoever is too slow, or silent, is gone in time. And turns: whoever sends much waits
 * for those who send little. */
#include "edge/server_test_rig.h"

#include "edge/clock.h"

#include <string.h>
#include <sys/socket.h>

#define GET "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

/* The deadlines of these tests, and how late the server may be (sanitizers, a busy machine). */
enum {
    SHORT_MS = 300,
    LATE_MS = 400,
    STALL_MS = 1500 /* long enough for whoever shares the processor with a server and a reader */
};

static void short_times(struct server_config *config)
{
    config->head_timeout = config->idle_timeout = config->stall_timeout = SHORT_MS;
    config->body_grace = SHORT_MS;
    config->body_timeout = 2 * SHORT_MS;
    config->body_rate_min = 10000;
    config->linger_timeout = SHORT_MS;
}

static void assert_between(ms_t value, ms_t low, ms_t high)
{
    if (value < low || value > high)
        fail_msg("%lld ms instead of %lld to %lld", (long long)value, (long long)low,
                 (long long)high);
}

/* Sends a byte every 20 ms until the server answers; gives the time. */
static ms_t trickle(struct rig_peer *peer, struct span bytes, struct rig_reply *ret_reply)
{
    ms_t start = clock_monotonic();
    char byte;
    for (size_t n = 0; n < bytes.size; n++) {
        rig_send(peer, (struct span){bytes.data + n, 1});
        rig_sleep(20);
        if (recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
            break;
    }
    *ret_reply = rig_read(peer, false);
    return clock_monotonic() - start;
}

static void test_slow_head(void **state)
{
    struct rig rig;
    struct rig_reply reply;
    rig_start(&rig, short_times);
    struct rig_peer silent = rig_connect(&rig);
    struct rig_peer peer = rig_connect(&rig);
    ms_t took =
        trickle(&peer, SPAN("GET /hello HTTP/1.1\r\nHost: a\r\nX-Slow: yes\r\n\r\n"), &reply);
    assert_int_equal(reply.status, 408);
    assert_non_null(memmem(reply.body.data, reply.body.size, "\"timeout\"", 9));
    assert_between(took, SHORT_MS - 20, SHORT_MS + LATE_MS);
    (void)rig_expect_end(&peer, LATE_MS);
    /* Who says nothing at all is told nothing. */
    (void)rig_expect_end(&silent, LATE_MS);
    /* A second head is timed from its own first byte. */
    struct rig_peer second = rig_connect(&rig);
    (void)rig_ask(&second, SPAN(GET), 200);
    rig_sleep(SHORT_MS / 2);
    took = trickle(&second, SPAN("GET /hello HTTP/1.1\r\nHost: a\r\nX-Slow: yes\r\n\r\n"), &reply);
    assert_int_equal(reply.status, 408);
    assert_between(took, SHORT_MS - 20, SHORT_MS + LATE_MS);
    rig_hang_up(&peer);
    rig_hang_up(&silent);
    rig_hang_up(&second);
    rig_stop(&rig);
}

static void test_slow_body(void **state)
{
    struct rig rig;
    struct rig_reply reply;
    rig_start(&rig, short_times);
    struct rig_peer peer = rig_connect(&rig);
    rig_say(&peer, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n");
    ms_t took = trickle(&peer, SPAN("01234567890123456789012345678901234567890123456789"), &reply);
    assert_int_equal(reply.status, 408);
    assert_non_null(memmem(reply.body.data, reply.body.size, "\"timeout\"", 9));
    assert_between(took, SHORT_MS - 20, SHORT_MS + LATE_MS);
    rig_hang_up(&peer);
    /* Fast enough, and for ever: ends at the absolute limit. */
    struct rig_peer endless = rig_connect(&rig);
    char block[1000];
    memset(block, 'x', sizeof block);
    rig_say(&endless, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    ms_t start = clock_monotonic();
    while (recv(endless.fd, block, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           clock_monotonic() - start < 3000) {
        rig_send(&endless, (struct span){block, sizeof block});
        rig_sleep(20);
    }
    assert_between(clock_monotonic() - start, 2 * SHORT_MS - 20, 2 * SHORT_MS + LATE_MS);
    assert_int_equal(rig_read(&endless, false).status, 408);
    rig_hang_up(&endless);
    rig_stop(&rig);
}

static void test_idle(void **state)
{
    struct rig rig;
    rig_start(&rig, short_times);
    struct rig_peer peer = rig_connect(&rig);
    for (int n = 0; n < 3; n++) {
        (void)rig_ask(&peer, SPAN(GET), 200);
        rig_sleep(SHORT_MS / 2);
    }
    assert_between(rig_expect_end(&peer, RIG_WAIT_MS), SHORT_MS / 2 - 60, SHORT_MS + LATE_MS);
    /* A reply that is not asked for yet has no deadline. */
    struct rig_peer waiting = rig_connect(&rig);
    rig_say(&waiting, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    (void)rig_await(&rig.waiting, 1);
    rig_expect_silence(&waiting, 2 * SHORT_MS);
    rig_release(&rig);
    assert_int_equal(rig_read(&waiting, false).status, 200);
    rig_hang_up(&peer);
    rig_hang_up(&waiting);
    rig_stop(&rig);
}

/* Takes half a megabyte now and then: the kernel tells the sender of room only in such steps. */
static void read_slowly(struct rig_peer *peer)
{
    static char block[500000];
    for (int n = 0; n < 8; n++) {
        rig_sleep(STALL_MS / 4);
        ssize_t size = recv(peer->fd, block, sizeof block, MSG_WAITALL);
        assert_true(size > 0);
        buffer_add(&peer->in, (struct span){block, (size_t)size});
    }
}

static void short_stall(struct server_config *config)
{
    config->stall_timeout = STALL_MS;
}

static void test_peers_that_never_read(void **state)
{
    struct rig rig;
    rig_start(&rig, short_stall);
    struct rig_peer peer = rig_connect(&rig), slow = rig_connect(&rig);
    rig_say(&peer, "GET /size?n=20000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_say(&slow, "GET /size?n=8000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    /* The slow one takes something now and then, and gets all of it. */
    read_slowly(&slow);
    assert_int_equal(rig_count(&rig).connections, 1);
    struct rig_reply reply = rig_read(&slow, false);
    assert_int_equal(reply.body.size, 8000000);
    assert_false(reply.ended);
    assert_true(rig_read(&peer, false).ended);
    rig_hang_up(&peer);
    rig_hang_up(&slow);
    rig_stop(&rig);
}

/* --- Bulk. --- */

enum { BULKS = 40, BULK_SIZE = 40000 };

static struct rig_peer bulks[BULKS], asking;

static void gated(struct server_config *config)
{
    config->gate = rig_gate;
}

/* On the server's own thread, so that it finds all of it at once, and the question last. */
static void send_all_at_once(struct rig *rig)
{
    static char bytes[BULK_SIZE];
    for (int n = 0; n < BULKS; n++)
        rig_send(&bulks[n], (struct span){bytes, sizeof bytes});
    rig_say(&asking, "GET /sunk HTTP/1.1\r\nHost: a\r\n\r\n");
}

static void test_bodies_leave_others_their_turn(void **state)
{
    struct rig rig;
    int64_t sunk = 0;
    rig_start(&rig, gated);
    asking = rig_connect(&rig);
    for (int n = 0; n < BULKS; n++) {
        bulks[n] = rig_connect(&rig);
        rig_say(&bulks[n], "POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 40001\r\n\r\n1");
        while (atomic_load(&rig.sunk) <= (size_t)n)
            rig_sleep(1);
    }
    rig_call(&rig, send_all_at_once);
    struct rig_reply reply = rig_read(&asking, false);
    assert_true(span_integer(reply.body, 0, INT64_MAX, &sunk));
    if (sunk > BULKS * BULK_SIZE / 2)
        fail_msg("an answer waited for %lld bytes of others", (long long)sunk);
    /* They are only put off. */
    for (int n = 0; n < BULKS; n++) {
        assert_int_equal(rig_read(&bulks[n], false).status, 200);
        rig_hang_up(&bulks[n]);
    }
    assert_int_equal(atomic_load(&rig.sunk), BULKS * (BULK_SIZE + 1));
    rig_hang_up(&asking);
    rig_stop(&rig);
}

/* Who was put off is answered when its body is there: nobody else need say anything for that. */
static void test_who_was_put_off_is_answered(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    asking = rig_connect(&rig);
    for (int n = 0; n < BULKS; n++) {
        bulks[n] = rig_connect(&rig);
        rig_say(&bulks[n], "POST /sunk HTTP/1.1\r\nHost: a\r\nContent-Length: 40001\r\n\r\n1");
    }
    rig_sleep(50);
    ms_t start = clock_monotonic();
    rig_call(&rig, send_all_at_once);
    for (int n = BULKS - 1; n >= 0; n--)
        assert_int_equal(rig_read(&bulks[n], false).status, 200);
    assert_between(clock_monotonic() - start, 0, LATE_MS);
    for (int n = 0; n < BULKS; n++)
        rig_hang_up(&bulks[n]);
    rig_hang_up(&asking);
    rig_stop(&rig);
}

enum { HOGS = 12, HOG_SIZE = 3000000 };

/* As much as the kernel takes, so that there is more of each whenever the server looks. */
static void send_without_end(struct rig *rig)
{
    static char bytes[HOG_SIZE];
    for (int n = 0; n < HOGS; n++) {
        int size = HOG_SIZE;
        (void)setsockopt(bulks[n].fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        assert_true(send(bulks[n].fd, bytes, sizeof bytes, MSG_DONTWAIT) > BULK_SIZE);
    }
    rig_say(&asking, "2");
}

static void test_bodies_take_turns(void **state)
{
    struct rig rig;
    int64_t sunk = 0;
    rig_start(&rig, gated);
    for (int n = 0; n < HOGS; n++) {
        bulks[n] = rig_connect(&rig);
        rig_say(&bulks[n], "POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n1");
        while (atomic_load(&rig.sunk) <= (size_t)n)
            rig_sleep(1);
    }
    asking = rig_connect(&rig);
    rig_say(&asking, "POST /sunk HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n1");
    rig_sleep(20);
    rig_call(&rig, send_without_end);
    struct rig_reply reply = rig_read(&asking, false);
    assert_true(span_integer(reply.body, 0, INT64_MAX, &sunk));
    if (sunk > HOGS * 65536 * 2)
        fail_msg("a body waited for %lld bytes of others", (long long)sunk);
    for (int n = 0; n < HOGS; n++)
        rig_hang_up(&bulks[n]);
    rig_hang_up(&asking);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_head),
        cmocka_unit_test(test_slow_body),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_peers_that_never_read),
        cmocka_unit_test(test_bodies_leave_others_their_turn),
        cmocka_unit_test(test_who_was_put_off_is_answered),
        cmocka_unit_test(test_bodies_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
