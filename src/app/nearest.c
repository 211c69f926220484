#include "app/nearest.h"

#include <ctype.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Letters to add, drop, change or swap with their neighbour, without regard to case; UINT32_MAX for
 * words that are too long to bother. */
static unsigned distance(struct span a, struct span b)
{
    unsigned rows[3][NEAREST_WORD_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    if (a.size > NEAREST_WORD_MAX || b.size > NEAREST_WORD_MAX)
        return UINT32_MAX;
    for (unsigned n = 0; n <= NEAREST_WORD_MAX; n++) {
        last[n] = n;
        before[n] = 0;
    }
    for (size_t i = 0; i < a.size; i++) {
        row[0] = (unsigned)i + 1;
        for (size_t j = 0; j < b.size; j++) {
            int x = tolower((unsigned char)a.data[i]), y = tolower((unsigned char)b.data[j]);
            row[j + 1] = least(least(row[j], last[j + 1]) + 1, last[j] + (x != y));
            if (i > 0 && j > 0 && x == tolower((unsigned char)b.data[j - 1]) &&
                y == tolower((unsigned char)a.data[i - 1]))
                row[j + 1] = least(row[j + 1], before[j - 1] + 1);
        }
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b.size];
}

void nearest_init(struct nearest *nearest, struct span word)
{
    /* Up to a third of the letters may be wrong. */
    *nearest = (struct nearest){.word = word, .distance = (unsigned)word.size / 3 + 2};
}

void nearest_offer(struct nearest *nearest, const char *candidate)
{
    struct span whole = span_of(candidate);
    unsigned found = distance(nearest->word, whole);
    /* The last part of a dotted name alone is a frequent slip: "inFlight" for "limits.inFlight". */
    const char *dot = strrchr(candidate, '.');
    if (dot && span_find(nearest->word, '.') < 0)
        found = least(found, distance(nearest->word, span_of(dot + 1)));
    if (found < nearest->distance) {
        nearest->distance = found;
        nearest->best = candidate;
    }
}
