/* For tests of the egress: two egresses (one whose guard has nothing opened, one whose guard allows
 * loopback), three misbehaving servers, names that resolve as the tests need, and a way to send a
 * call and wait for its end. */
#ifndef EDGE_EGRESS_TEST_RIG_H
#define EDGE_EGRESS_TEST_RIG_H

#include "edge/egress.h"
#include "edge/egress_test_server.h"

#include <pthread.h>

/* What the tests see of one call's end. */
struct egress_test_rig_end {
    pthread_mutex_t mutex;
    pthread_cond_t over;
    unsigned count;
    struct egress_result result;
    char body[70000];
    char url[256], header[256]; /* the header X-Test's value */
};

struct egress_test_rig_call {
    struct http_request request;
    struct egress_call call;
    char url[512], trusted[128];
};

extern struct egress_test_server *egress_test_rig_server, *egress_test_rig_other,
    *egress_test_rig_secure;
extern struct egress *egress_test_rig_strict, *egress_test_rig_loose;
extern struct guard *egress_test_rig_open; /* the loose one's */
extern char egress_test_rig_folder[];

/* Setup and teardown of a group. */
int egress_test_rig_begin(void **state);
int egress_test_rig_finish(void **state);

struct egress_test_rig_end *egress_test_rig_end_make(void);
void egress_test_rig_note(void *context, const struct egress_result *result);
void egress_test_rig_wait(struct egress_test_rig_end *end);

/* A GET of http://HOST:PORT/PATH at the server; `trusted`: that origin is a provider's. */
struct egress_call *egress_test_rig_ask(struct egress_test_rig_call *asked, const char *host,
                                        const char *path, bool trusted);
void egress_test_rig_set_url(struct egress_test_rig_call *asked, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull));
void egress_test_rig_add_header(struct egress_test_rig_call *asked, const char *name,
                                const char *value);
void egress_test_rig_set_body(struct egress_test_rig_call *asked, enum http_method method,
                              const char *body);
/* Sends it and waits; the end is valid until the next call. */
const struct egress_test_rig_end *egress_test_rig_get(struct egress *egress,
                                                      struct egress_call *call);
void egress_test_rig_expect(const struct egress_test_rig_end *end, enum egress_outcome outcome,
                            bool sent);

/* Knows one.test, two.test (loopback), inside.test, dual.test, flip.test (loopback when asked for
 * the first time, public afterwards), stuck.test; nothing else. */
unsigned egress_test_rig_resolve(void *context, const char *host,
                                 struct sockaddr_storage *addresses, unsigned capacity);
unsigned egress_test_rig_flips(void);

#endif
