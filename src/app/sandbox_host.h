/* The sandbox beside a gateway, `reel serve --sandbox`: a child process of the same program that
 * dies with us, at a free port of the loopback address, its home inside of ours. Every provider's
 * adapter is led there by the environment (sandbox_environment). */
#ifndef APP_SANDBOX_HOST_H
#define APP_SANDBOX_HOST_H

#include "app/config.h"
#include "app/sandbox_script.h"
#include "catalog/catalog.h"
#include "edge/child.h"

struct sandbox_host;

/* Starts it, waits until it listens, and sets the environment; so before threads are about that
 * read that. With a sentence in ret_fault, which is empty otherwise, it came to nothing; what the
 * sandbox itself said is in the log. To be freed either way. */
struct sandbox_host *sandbox_host_make(struct children *children, const struct config *config,
                                       const struct catalog *catalog,
                                       char ret_fault[static SANDBOX_FAULT_SIZE]);
/* After children_free. Accepts NULL. */
void sandbox_host_free(struct sandbox_host *host);
/* "http://127.0.0.1:40123" */
const char *sandbox_host_url(const struct sandbox_host *host);

/* Where the sandbox can call a server that listens at this address. */
enum { SANDBOX_HOST_URL_SIZE = 80 };
void sandbox_host_back(const struct config_address *listen, uint16_t port,
                       char ret_url[static SANDBOX_HOST_URL_SIZE]);

#endif
