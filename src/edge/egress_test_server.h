/* For tests: a tiny HTTP server on loopback that misbehaves as its paths say. It counts what it was
 * asked, and keeps the last head and body. */
#ifndef EDGE_EGRESS_TEST_SERVER_H
#define EDGE_EGRESS_TEST_SERVER_H

#include "base/buffer.h"

struct egress_test_server;

/* `authorities`: NULL for http; else https, and the certificate (for "one.test") is written there.
 */
struct egress_test_server *egress_test_server_make(const char *authorities);
/* Closes all connections and waits for its threads. */
void egress_test_server_free(struct egress_test_server *server);
unsigned egress_test_server_port(const struct egress_test_server *server);
unsigned egress_test_server_connections(struct egress_test_server *server);
/* Whole requests, bodies included, that arrived. */
unsigned egress_test_server_requests(struct egress_test_server *server);
/* The head of the last request, and after it its body; the caller's. */
char *egress_test_server_last(struct egress_test_server *server);

#endif
