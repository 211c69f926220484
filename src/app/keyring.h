/* Who may come in: all keys and tenants, in memory, shared by the loops that answer requests. It is
 * filled from the store at the start and told of each change by the engine after its commit, before
 * the client that asked for the change is answered; so a key works, and stops to work, everywhere
 * at once. With several nodes on one database each calls keyring_load again when it is told to, or
 * now and then: what is known already is brought up to date, nothing is forgotten.
 *
 * Any thread may call anything. Names that are handed out live as long as the keyring. */
#ifndef APP_KEYRING_H
#define APP_KEYRING_H

#include "app/rate.h"
#include "base/scope.h"
#include "store/store.h"

enum {
    KEYRING_KEYS_MAX = 100000, /* revoked ones too */
    KEYRING_TENANTS_MAX = 10000,
    KEYRING_TEXT_MAX = 200 /* bytes of a key as it is sent; ours have 69 */
};

/* The tenant that the operator's own key belongs to, and which is always there. */
#define KEYRING_DEFAULT_TENANT "default"

struct keyring;
struct keyring_key;
struct keyring_tenant;

/* `tenant_rate`: requests a minute of a tenant that has no limit of its own; 0: none. */
struct keyring *keyring_make(int64_t tenant_rate);
void keyring_free(struct keyring *keyring);                           /* accepts NULL */
void keyring_configure(struct keyring *keyring, int64_t tenant_rate); /* from now on */
enum store_result keyring_load(struct keyring *keyring, struct reader *reader);
void keyring_take_key(struct keyring *keyring, const struct api_key_change *change);
void keyring_take_tenant(struct keyring *keyring, const struct tenant_row *row);

/* ---------------------------------------------------------------- the way in */

enum keyring_verdict { KEYRING_GOOD, KEYRING_UNKNOWN, KEYRING_REVOKED, KEYRING_EXPIRED };

/* Whose request it is, and what it may do. */
struct keyring_pass {
    const char *tenant;
    unsigned scopes;         /* bits of base/scope.h */
    struct keyring_key *key; /* NULL: the operator's own, which nothing limits */
    const char *spender;     /* the key's id, when it has a spend limit; else NULL */
    bool is_limited;         /* `rate` is filled */
    struct rate_state rate;  /* of the key or the tenant, whichever has less left */
};

/* One digest and one look into a map; the key itself is compared nowhere, its digest in constant
 * time. `now` is wall time. */
enum keyring_verdict keyring_find(struct keyring *keyring, struct span text, ms_t now,
                                  struct keyring_pass *ret_pass);
/* Takes a token of the key's and of its tenant's bucket, or of neither: false, and pass->rate says
 * when there will be one. `monotonic` as rate_take wants it. */
bool keyring_admit(struct keyring *keyring, struct keyring_pass *pass, ms_t monotonic);
/* Fills pass->rate without taking a token: for a request that was admitted before. */
void keyring_look(struct keyring *keyring, struct keyring_pass *pass, ms_t monotonic);
/* Notes that the key is used. True, with its id, when that should be written down: the first time,
 * and then no more than once in KEYRING_USED_EVERY. */
#define KEYRING_USED_EVERY (15 * MS_MINUTE)
bool keyring_used(struct keyring_pass *pass, ms_t now, const char **ret_id);

/* ---------------------------------------------------------------- looking at it */

/* Copies. False when there is none. */
bool keyring_key(struct keyring *keyring, struct span id, struct api_key_row *ret_row);
/* The name as the keyring keeps it, NULL when nobody knows the tenant: it has no row and no key. */
const char *keyring_tenant(struct keyring *keyring, struct span name, struct tenant_row *ret_row);
/* Keys of the tenant (NULL: all), newest first, whose ids come after `before` in this order (empty:
 * from the newest). At most `limit`; *ret_more tells whether there are others. */
unsigned keyring_keys(struct keyring *keyring, const char *tenant, struct span before,
                      unsigned limit, struct api_key_row *ret_rows, bool *ret_more);
/* Tenants by name, after `after`. */
unsigned keyring_tenants(struct keyring *keyring, struct span after, unsigned limit,
                         struct tenant_row *ret_rows, bool *ret_more);
/* Whether there is room for another key, another tenant of this name. */
bool keyring_has_room(struct keyring *keyring, const char *tenant, bool for_key);

#endif
