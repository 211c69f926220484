/* A seeded generator (xoshiro256**): the same seed gives the same numbers on every machine. Not for
 * secrets; those come from crypto_random. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state[4];
};

void rng_init(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
/* 0 … limit − 1, without bias; limit > 0. */
uint64_t rng_below(struct rng *rng, uint64_t limit);
/* In [0, 1). */
double rng_unit(struct rng *rng);

#endif
