/* Replies with files: ranges, what is missing, and peers that leave or are slow. */
#include "edge/server_test_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

enum { SHORT_MS = 300, FILE_SIZE = 5000000 };

static char folder[] = "/tmp/sender_test_XXXXXX";
static char *content;

static struct rig_reply ask_file(struct rig_peer *peer, const char *query, int status)
{
    char request[200];
    (void)snprintf(request, sizeof request, "GET /file?%s HTTP/1.1\r\nHost: a\r\n\r\n", query);
    return rig_ask(peer, span_of(request), status);
}

static void test_files(void **state)
{
    struct rig rig;
    rig_start(&rig, NULL);
    rig.folder = folder;
    struct rig_peer peer = rig_connect(&rig);
    struct rig_reply reply = ask_file(&peer, "name=big&size=5000000", 200);
    assert_true(span_equal(reply.body, (struct span){content, FILE_SIZE}));
    reply = ask_file(&peer, "name=big&offset=4999990&size=10", 200);
    assert_true(span_equal(reply.body, (struct span){content + 4999990, 10}));
    reply = ask_file(&peer, "name=big&offset=5000000&size=0", 200);
    assert_int_equal(reply.body.size, 0);
    reply = ask_file(&peer, "name=big&offset=1000&size=2000000&framed=1", 200);
    assert_int_equal(reply.body.size, 2 * (6 + 2000000));
    assert_true(span_starts(reply.body, "<edge>"));
    assert_memory_equal(reply.body.data + 6, content + 1000, 2000000);
    assert_memory_equal(reply.body.data + 6 + 2000000, "<edge>", 6);
    assert_memory_equal(reply.body.data + 12 + 2000000, content + 1000, 2000000);
    /* What is not there, or not as long, is an error and no broken reply. */
    (void)ask_file(&peer, "name=none&size=10", 500);
    (void)ask_file(&peer, "name=big&offset=4999991&size=10", 500);
    (void)ask_file(&peer, "name=big&offset=5000001&size=0", 500);
    (void)ask_file(&peer, "name=big&size=18446744073709551615", 200); /* read as 0 by the rig */
    (void)ask_file(&peer, "name=&size=1", 500);
    rig_say(&peer, "HEAD /file?name=big&size=5000000 HTTP/1.1\r\nHost: a\r\n\r\n" GET);
    reply = rig_read(&peer, true);
    assert_true(span_is(rig_header(&reply, "Content-Length"), "5000000"));
    assert_true(span_is(rig_read(&peer, false).body, "hello"));
    /* Pipelined around small replies. */
    rig_say(&peer, GET "GET /file?name=big&size=3000000 HTTP/1.1\r\nHost: a\r\n\r\n" GET);
    assert_true(span_is(rig_read(&peer, false).body, "hello"));
    assert_int_equal(rig_read(&peer, false).body.size, 3000000);
    assert_true(span_is(rig_read(&peer, false).body, "hello"));
    rig_hang_up(&peer);
    rig_stop(&rig);
}

static void short_stall(struct server_config *config)
{
    config->stall_timeout = SHORT_MS;
}

/* Takes half a megabyte now and then: the kernel tells the sender of room only in such steps. */
static void read_slowly(struct rig_peer *peer)
{
    static char block[500000];
    for (int n = 0; n < 8; n++) {
        rig_sleep(SHORT_MS / 3);
        ssize_t size = recv(peer->fd, block, sizeof block, MSG_WAITALL);
        assert_true(size > 0);
        buffer_add(&peer->in, (struct span){block, (size_t)size});
    }
}

static void test_files_and_bad_peers(void **state)
{
    struct rig rig;
    rig_start(&rig, short_stall);
    rig.folder = folder;
    for (int n = 0; n < 20; n++) {
        struct rig_peer peer = rig_connect(&rig);
        rig_say(&peer, "GET /file?name=big&size=5000000&framed=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        rig_sleep(n % 3);
        if (n % 2)
            rig_reset(&peer);
        else
            rig_hang_up(&peer);
    }
    struct rig_peer deaf = rig_connect(&rig), slow = rig_connect(&rig), half = rig_connect(&rig);
    rig_say(&deaf, "GET /file?name=big&size=5000000&framed=1 HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_say(&slow, "GET /file?name=big&size=5000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_say(&half, "GET /file?name=big&size=5000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(shutdown(half.fd, SHUT_WR), 0);
    read_slowly(&slow);
    struct rig_reply reply = rig_read(&slow, false);
    assert_true(span_equal(reply.body, (struct span){content, FILE_SIZE}));
    assert_true(rig_read(&deaf, false).ended);
    rig_hang_up(&deaf);
    rig_hang_up(&slow);
    rig_hang_up(&half);
    /* One that is stopped in the middle of its reply. */
    struct rig_peer last = rig_connect(&rig);
    rig_say(&last, "GET /file?name=big&size=5000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_sleep(5);
    rig_stop(&rig);
    rig_hang_up(&last);
}

static int set_up(void **state)
{
    char path[64];
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof path, "%s/big", folder);
    content = malloc(FILE_SIZE);
    if (!content)
        return 1;
    for (size_t n = 0; n < FILE_SIZE; n++)
        content[n] = (char)(n * 2654435761u >> 13);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool written = write(fd, content, FILE_SIZE) == FILE_SIZE;
    (void)close(fd);
    return !written;
}

static int tear_down(void **state)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/big", folder);
    (void)unlink(path);
    (void)rmdir(folder);
    free(content);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_files_and_bad_peers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
