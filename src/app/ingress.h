/* The side towards clients: a loop with a server of its own on a thread of its own. Requests become
 * calls by their dialect; point reads are answered straight from the store, everything that changes
 * something goes to the engine and comes back as a reply.
 *
 * Several may share the port. Each is used from its own thread only, except where it says so. */
#ifndef APP_INGRESS_H
#define APP_INGRESS_H

#include "app/config.h"
#include "app/engine.h"
#include "app/keyring.h"
#include "app/tier.h"
#include "depot/depot.h"
#include "edge/guard.h"
#include "edge/server.h"

#include <stdatomic.h>

struct upload_desk;
struct resend;
struct sandbox;

/* What all of them share; everything is borrowed and outlives them. Configuration and catalogue are
 * replaced by others when they are reloaded: whoever needs two values of one takes the pointer
 * once.
 */
struct ingress_shared {
    _Atomic(const struct config *) config;
    _Atomic(const struct catalog *) catalog;
    struct engine *engine;
    struct store *store;
    struct depot *depot;
    struct board *board;
    struct keyring *keyring;
    struct tier tiers[TIER_MAX];
    unsigned tier_count;
    struct secret url_secret;
    const unsigned char *hook_key; /* of fal's webhooks: the public half, 32 bytes */
    struct upload_desk *uploads;
    struct resend *resend;
    const struct guard *guard; /* of webhooks' addresses */
    struct sandbox *sandbox;   /* we are one; NULL: a gateway */
    /* A test call of a webhook; its outcome comes by ingress_tested. False: too many already. */
    bool (*test_hook)(void *context, const char *tenant, const char *url, uint64_t token);
    void *test_context;
};

/* The uploads that are being received, over all of them. */
struct upload_desk {
    atomic_uint in_flight;
    atomic_int_fast64_t last_key;
    atomic_int_fast64_t announced; /* bytes that are still to come */
};

struct ingress;

/* Binds the port (the config's, or `port` when that is not 0) and starts the thread. NULL with a
 * sentence when it can't. `number` is its own, below 256. */
struct ingress *ingress_make(const struct ingress_shared *shared, unsigned number, uint16_t port,
                             char ret_fault[static SERVER_FAULT_SIZE]);
uint16_t ingress_port(const struct ingress *ingress);
/* Any thread: a reply whose token is this ingress's. */
void ingress_reply(struct ingress *ingress, const struct reply *reply);
/* Any thread: how the test call with this token went. */
void ingress_tested(struct ingress *ingress, uint64_t token,
                    const struct answer_hook_test *outcome);
unsigned ingress_of_token(uint64_t token);
/* Any thread: the job changed. Costs nothing when nobody here watches. */
void ingress_publish(struct ingress *ingress, int64_t job);
/* Any thread: takes no more connections, answers what waits; then ingress_idle. */
void ingress_drain(struct ingress *ingress);
bool ingress_idle(const struct ingress *ingress);
/* Closes everything, ends the thread. Accepts NULL. */
void ingress_free(struct ingress *ingress);

#endif
