/* What all worlds have in common in which adapters and dialects meet: the catalogue, the models
 * that are asked for, and the keys with which call backs are signed. Made once, changed by nobody.
 */
#ifndef SIM_WIRE_BOOK_H
#define SIM_WIRE_BOOK_H

#include "base/crypto.h"
#include "catalog/catalog.h"
#include "swarm.h"

enum { WIRE_MODELS = 12 };

struct wire_book {
    struct catalog *catalog;
    struct wire_model {
        const struct model *model;
        char *input; /* canonical; the prompt is "@" */
    } models[WIRE_MODELS];
    unsigned char fal_seed[CRYPTO_ED25519_SIZE], fal_key[CRYPTO_ED25519_SIZE];
};

/* NULL, with a sentence, when the catalogue has not what is asked for. */
struct wire_book *wire_book_make(char ret_fault[static CATALOG_FAULT_SIZE]);
void wire_book_free(struct wire_book *book); /* accepts NULL */
/* Gives the swarm real providers with what they can, and real models at them, in place of those it
 * has. Every model is run by providers. */
void wire_book_draw(const struct wire_book *book, struct swarm *swarm);
/* For a corner: one model, at one of the providers, that calls back or does not. */
void wire_book_corner(const struct wire_book *book, unsigned class, struct swarm *swarm);
/* The key of a webhook's signature that the gateway was told; empty: the provider has none. */
struct secret wire_book_secret(const struct wire_book *book, const char *provider);
/* Standard Webhooks' secret, as replicate's. */
extern const char wire_book_whsec[];

#endif
