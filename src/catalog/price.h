/* What a run costs before it has run. Money is integer micro-dollars outside this room and integer
 * billionths inside: amounts are read from decimal text and never pass through floating point. */
#ifndef CATALOG_PRICE_H
#define CATALOG_PRICE_H

#include "catalog/catalog.h"

enum { PRICE_TEXT_SIZE = 32 };

/* The least and the most that a checked input can cost at this offer, in micro-dollars, rounded
 * down and up; NULL stands for the defaults. They differ where the price depends on what is not
 * known yet: how long a GPU will be busy (least: a typical run on a warm machine; most: a slow run
 * after the longest cold start), or a length that the provider chooses. False when the price is not
 * known; the pointers are untouched then. */
bool price_of(const struct offer *offer, const json_t *input, int64_t *ret_min_micros,
              int64_t *ret_max_micros);

/* The cheapest and the dearest unit that the offer's data know, in micro-dollars: what a price list
 * shows. False when unknown. */
bool price_per_unit(const struct offer *offer, int64_t *ret_min_micros, int64_t *ret_max_micros);

/* Micro-dollars as a decimal number of dollars, "0.86", which is also a JSON number. */
void price_write(int64_t micros, char target[static PRICE_TEXT_SIZE]);

/* Dollars given as text ("0.86") or as a JSON number, into billionths. False when negative, over a
 * million, or finer than a billionth. */
bool price_read(const json_t *value, nano_t *ret_amount);

#endif
