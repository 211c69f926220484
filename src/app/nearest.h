/* "Did you mean …?": of many candidates the one most like a mistyped word. */
#ifndef APP_NEAREST_H
#define APP_NEAREST_H

#include "base/span.h"

enum { NEAREST_WORD_MAX = 64 };

struct nearest {
    struct span word;
    const char *best; /* borrowed; NULL when nothing is like it */
    unsigned distance;
};

void nearest_init(struct nearest *nearest, struct span word);
/* The candidate is borrowed. The first of equally near ones wins. */
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
