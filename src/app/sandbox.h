/* The provider side alone, `reel sandbox`: a server that answers as every provider does, in their
 * own protocols, renders what is asked for itself, and counts in a ledger what it accepted. It is
 * the gateway's own server with a few doors: what a script wants to go wrong is done where answers
 * leave (ingress_sandbox.c) and where webhooks are called (sandbox_callback.c); what is rendered is
 * a stand-in (stand_in.c), or nothing (work_script.c). The core knows of none of it.
 *
 * And the other side, a gateway beside such a sandbox: sandbox_host.h. */
#ifndef APP_SANDBOX_H
#define APP_SANDBOX_H

#include "app/config.h"
#include "app/sandbox_ledger.h"
#include "app/sandbox_script.h"
#include "catalog/catalog.h"
#include "core/output.h"
#include "store/store.h"

/* Waits, for some seconds, until an earlier sandbox of this home, whose gateway was killed, is gone
 * too. */
void sandbox_await_home(const char *home);

struct sandbox {
    struct sandbox_script *script;
    struct sandbox_ledger *ledger;
};

/* Reads the script and the home's ledger, and brings into that what the store knows and it does
 * not: what a death came in between. NULL with a sentence. */
struct sandbox *sandbox_open(const struct config *config, struct store *store,
                             char ret_fault[static SANDBOX_FAULT_SIZE]);
void sandbox_close(struct sandbox *sandbox); /* accepts NULL */

/* The jobs of a reply that are new are in the ledger, durably, when this is true. On the thread of
 * the reader. */
bool sandbox_note(struct sandbox *sandbox, struct reader *reader, const struct reply *reply);
/* Any thread: the job has changed. */
void sandbox_changed(struct sandbox *sandbox, const struct job *job);

/* Sets this process's environment as if every provider of the catalogue were configured: a key that
 * is none, an endpoint that is the model's own id with "-" for "/", and, where `origin` is given, a
 * base URL there. Only before threads are about that read it. False, with a sentence, when a
 * provider that is spoken to can't be led there. */
bool sandbox_environment(const struct catalog *catalog, const char *origin,
                         char ret_fault[static SANDBOX_FAULT_SIZE]);

#endif
