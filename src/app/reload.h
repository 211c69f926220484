/* The configuration and the catalogue in force, which SIGHUP changes without a restart. They are
 * snapshots that nobody changes: a reload makes new ones and puts their pointers in place of the
 * old, which stay until the end, so a thread that holds one goes on safely. A reload that changes
 * nothing keeps nothing; the number of the others is bounded.
 *
 * Some keys can't change while the server runs (reload_is_live says which can): of those the values
 * in force stay, and the log names them. What is wrong in a file leaves all as it is, and the log
 * says why. */
#ifndef APP_RELOAD_H
#define APP_RELOAD_H

#include "app/config.h"
#include "base/crypto.h"
#include "catalog/catalog.h"

enum { RELOAD_SNAPSHOTS_MAX = 200 };

/* Reads the configuration as at the start; see config_load. */
struct reload_source {
    bool (*load)(void *context, struct config *ret_config, struct buffer *faults);
    void *context;
};

struct reload {
    const struct config *config;   /* in force; the first is borrowed */
    const struct catalog *catalog; /* in force; NULL until reload_open */
    const struct reload_source *source;
    unsigned char digest[CRYPTO_SHA256_SIZE];     /* of the user's catalogue */
    struct config *configs[RELOAD_SNAPSHOTS_MAX]; /* owned */
    struct catalog *catalogs[RELOAD_SNAPSHOTS_MAX];
    unsigned config_count, catalog_count;
};

/* `source` may be NULL: then nothing is ever reloaded. All is borrowed. */
void reload_init(struct reload *reload, const struct config *config,
                 const struct reload_source *source);
/* Reads the first catalogue; false with a sentence. */
bool reload_open(struct reload *reload, char ret_fault[static CATALOG_FAULT_SIZE]);
/* Frees all but the first configuration; nobody may use any of it any more. */
void reload_done(struct reload *reload);
/* Reads both again, and logs what came of it. True when reload->config or reload->catalog is
 * another one now. */
bool reload_again(struct reload *reload);

/* Whether a running server takes up another value of this key. */
bool reload_is_live(const struct config_key *key);
/* Gives `next` the values of `now` for all keys that are not live; these values stay `now`'s.
 * Calls `note` for each key whose value differs. Gives the number of live ones among them. */
unsigned reload_merge(const struct config *now, struct config *next,
                      void (*note)(void *context, const struct config_key *key, bool is_live),
                      void *context);

#endif
