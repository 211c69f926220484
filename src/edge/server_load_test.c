/* Many connections, and too few descriptors. */
#include "edge/server_test_rig.h"

#include "edge/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GET "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

/* The sanitizers have memory of their own, so the bound holds without them. */
#ifdef REEL_SANITIZED
enum { COUNT = 1000, GROWTH_KIB = 0 };
#else
enum { COUNT = 10000, GROWTH_KIB = 40 * 1024 };
#endif

static long resident_kib(void)
{
    char line[200];
    long kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    }
    (void)fclose(file);
    return kib;
}

/* A process of its own, since both ends of 10,000 connections are more descriptors than one has:
 * connects, says `text` on each, reads until every one has an answer when it has to, and stays
 * until it is told to go. */
static void be_the_peers(uint16_t port, struct span text, bool answered, int ready, int leave)
{
    static int fds[COUNT];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct rlimit limit;
    char byte = 'x', block[4096];
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    for (int n = 0; n < COUNT; n++) {
        fds[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fds[n] < 0 || connect(fds[n], (struct sockaddr *)&to, sizeof to) != 0 ||
            send(fds[n], text.data, text.size, MSG_NOSIGNAL) != (ssize_t)text.size ||
            (answered && recv(fds[n], block, sizeof block, 0) <= 0))
            _exit(1);
    }
    ssize_t size = write(ready, &byte, 1);
    size = read(leave, &byte, 1);
    _exit(size < 0);
}

static pid_t start_peers(struct rig *rig, struct span text, bool answered, int *ret_leave)
{
    int ready[2], leave[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(leave), 0);
    pid_t peers = fork();
    assert_true(peers >= 0);
    if (peers == 0) {
        (void)close(leave[1]);
        be_the_peers(server_port(rig->server), text, answered, ready[1], leave[0]);
    }
    (void)close(ready[1]);
    (void)close(leave[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    *ret_leave = leave[1];
    return peers;
}

static void end_peers(pid_t peers, int leave)
{
    int status = 0;
    (void)close(leave);
    assert_int_equal(waitpid(peers, &status, 0), peers);
    assert_int_equal(status, 0);
}

static void skip_without_descriptors(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max < COUNT + 100)
        skip();
}

static void test_idle_connections_are_small(void **state)
{
    struct rig rig;
    int leave;
    skip_without_descriptors();
    rig_start(&rig, NULL);
    long before = resident_kib();
    pid_t peers = start_peers(&rig, SPAN(GET), true, &leave);
    assert_int_equal(rig_count(&rig).connections, COUNT);
    long growth = resident_kib() - before;
    print_message("%d idle connections: %ld KiB more\n", COUNT, growth);
    assert_true(GROWTH_KIB == 0 || growth < GROWTH_KIB);
    end_peers(peers, leave);
    rig_stop(&rig);
}

/* Each has its exchange, a buffer for its head, and what has come of its body. */
static void test_requests_under_way_are_small(void **state)
{
    struct rig rig;
    int leave;
    skip_without_descriptors();
    rig_start(&rig, NULL);
    long before = resident_kib();
    pid_t peers = start_peers(&rig,
                              SPAN("POST /echo HTTP/1.1\r\nHost: a\r\n"
                                   "Content-Length: 1000\r\n\r\nabc"),
                              false, &leave);
    for (int n = 0; n < 1000 && rig_count(&rig).body_bytes < 3u * COUNT; n++)
        rig_sleep(5);
    long growth = resident_kib() - before;
    print_message("%d requests under way: %ld KiB more\n", COUNT, growth);
    assert_int_equal(rig_count(&rig).body_bytes, 3u * COUNT);
    assert_true(GROWTH_KIB == 0 || growth < GROWTH_KIB);
    end_peers(peers, leave);
    for (int n = 0; n < 1000 && rig_count(&rig).connections > 0; n++)
        rig_sleep(5);
    assert_int_equal(rig_count(&rig).body_bytes, 0);
    rig_stop(&rig);
}

static int highest_descriptor(void)
{
    int fd = dup(0);
    assert_true(fd >= 0);
    (void)close(fd);
    return fd;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Out of descriptors: the newcomers are closed, the others are served, nothing spins. */
static void test_no_descriptors(void **state)
{
    enum { PEERS = 20, ROOM = 5 };
    struct rig rig;
    struct rlimit before, limit;
    int fds[PEERS], served = 0;
    struct rig_peer peers[PEERS];
    rig_start(&rig, NULL);
    struct rig_peer old = rig_connect(&rig);
    (void)rig_ask(&old, SPAN(GET), 200);
    for (int n = 0; n < PEERS; n++) {
        fds[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fds[n] >= 0);
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)highest_descriptor() + ROOM;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(server_port(rig.server))};
    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &to.sin_addr), 1);
    for (int n = 0; n < PEERS; n++) {
        assert_int_equal(connect(fds[n], (struct sockaddr *)&to, sizeof to), 0);
        peers[n] = (struct rig_peer){.fd = fds[n]};
        buffer_init(&peers[n].in, 100000);
    }
    double start = cpu_seconds();
    rig_sleep(200);
    assert_true(cpu_seconds() - start < 0.1);
    for (int n = 0; n < PEERS; n++) {
        rig_say(&peers[n], GET);
        served += rig_read(&peers[n], false).status == 200;
    }
    assert_int_equal(served, ROOM);
    (void)rig_ask(&old, SPAN(GET), 200);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    struct rig_peer late = rig_connect(&rig);
    (void)rig_ask(&late, SPAN(GET), 200);
    for (int n = 0; n < PEERS; n++)
        rig_hang_up(&peers[n]);
    rig_hang_up(&old);
    rig_hang_up(&late);
    rig_stop(&rig);
}

/* Two loops on one port. */
static void shared_port(struct server_config *config)
{
    config->reuse_port = true;
}

static uint16_t port_of_first;

static void same_port(struct server_config *config)
{
    config->reuse_port = true;
    config->port = port_of_first;
}

static void test_two_loops(void **state)
{
    enum { PEERS = 64 };
    struct rig first, second;
    struct rig_peer peers[PEERS];
    rig_start(&first, shared_port);
    port_of_first = server_port(first.server);
    rig_start(&second, same_port);
    for (int n = 0; n < PEERS; n++) {
        peers[n] = rig_connect(&first);
        (void)rig_ask(&peers[n], SPAN(GET), 200);
    }
    struct server_numbers one = rig_count(&first), other = rig_count(&second);
    assert_int_equal(one.requests + other.requests, PEERS);
    assert_true(one.requests > 0 && other.requests > 0);
    for (int n = 0; n < PEERS; n++)
        rig_hang_up(&peers[n]);
    rig_stop(&first);
    rig_stop(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle_connections_are_small),
        cmocka_unit_test(test_requests_under_way_are_small),
        cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_two_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
