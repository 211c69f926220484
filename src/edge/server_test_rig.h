/* For the tests of the server: a real server on a thread of its own, and peers that speak raw bytes
 * to it over loopback, blocking, with a limit on every wait. */
#ifndef EDGE_SERVER_TEST_RIG_H
#define EDGE_SERVER_TEST_RIG_H

#include "base/buffer.h"
#include "edge/server.h"

#include <pthread.h>
#include <stdatomic.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { RIG_WAITING_MAX = 4096, RIG_WAIT_MS = 5000 };

struct rig {
    uv_loop_t loop;
    uv_async_t wake;
    struct server_config config;
    struct server *server;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t done;
    void (*call)(struct rig *rig); /* to run on the loop's thread */
    bool stopping;
    const char *folder; /* of the files under /file */
    /* What the handler saw, written on the loop's thread. */
    atomic_uint waiting, gone, streams_over, sink_gone, stopped;
    atomic_size_t streamed, sunk;
    struct exchange *held[RIG_WAITING_MAX]; /* by /wait and /bare, in order; NULL once gone */
    unsigned held_count;
    struct exchange *stream;
};

/* `configure` may be NULL. The handler of the rig knows:
 *   /hello            "hello"
 *   /echo             "METHOD name path ?query peer loopback body-size body"
 *   /wait, /bare      held until rig_release; /bare without exchange_on_gone
 *   /size?n=N         N bytes
 *   /stream?n=N       N chunks of 10 bytes, at once
 *   /flood            a stream that is written until it fails
 *   /open             a stream that stays open, in rig->stream
 *   /file?name=…&offset=…&size=…   with a part of bytes before and after when &framed=1
 *   /evil             a header with a line end in it
 *   /close            says Connection: close
 *   /drop             ends the connection without an answer
 *   /none             204
 *   /sunk             what has been counted in `sunk` so far
 *   anything else     404 by exchange_refuse
 * and its gate, when `configure` sets it to rig_gate:
 *   /refused 403 at once; /sink a streamed body, counted in `sunk`; /pause the same, pausing 20 ms
 *   after each run; /stop stops after 1000 bytes. */
void rig_start(struct rig *rig, void (*configure)(struct server_config *config));
void rig_gate(void *context, struct exchange *exchange, struct server_gate *gate);
void rig_stop(struct rig *rig);
/* Runs `call` on the loop's thread and waits for it. */
void rig_call(struct rig *rig, void (*call)(struct rig *rig));
/* Answers all that are held. */
void rig_release(struct rig *rig);
/* Waits until the counter has reached `value`; fails the test when it does not. Gives the time that
 * it took. */
ms_t rig_await(const atomic_uint *counter, unsigned value);
struct server_numbers rig_count(struct rig *rig);

/* One end of a connection. */
struct rig_peer {
    int fd;
    struct buffer in;
    size_t used; /* of the reply before, which stays readable until the next */
};

struct rig_peer rig_connect(const struct rig *rig);
void rig_send(struct rig_peer *peer, struct span bytes);
#define rig_say(peer, literal) rig_send((peer), SPAN(literal))
void rig_hang_up(struct rig_peer *peer);
/* With a reset instead of an end. */
void rig_reset(struct rig_peer *peer);

struct rig_reply {
    int status; /* 0: the connection ended before a reply */
    char head[4096];
    struct span body;    /* borrowed from the peer until the next reply; chunks are put together */
    bool chunked, ended; /* ended: it was cut short */
};

/* The next reply; `bodiless` when it answers a HEAD. */
struct rig_reply rig_read(struct rig_peer *peer, bool bodiless);
/* The server closes within `wait_ms`, and sends nothing before; gives the time that it took. */
ms_t rig_expect_end(struct rig_peer *peer, ms_t wait_ms);
/* Nothing comes for a while. */
void rig_expect_silence(struct rig_peer *peer, ms_t wait_ms);
/* "Content-Length" → its value; empty when absent. */
struct span rig_header(const struct rig_reply *reply, const char *name);
/* Sends and reads one reply, and fails the test on another status. */
struct rig_reply rig_ask(struct rig_peer *peer, struct span bytes, int status);
void rig_sleep(ms_t wait_ms);

#endif
