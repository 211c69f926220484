/* What several entries of a catalogue file have in common is written once, under the file's
 * "shared", and named where it is wanted: a text in place of a parameter, a time, a price or a
 * mapping. Private to the room. */
#ifndef CATALOG_SHARED_H
#define CATALOG_SHARED_H

#include "catalog/reader.h"

/* Puts what is shared where it is named; both places then hold the same value. A name that "shared"
 * does not have is a fault. `root` is the file's JSON and has not been read yet. */
void shared_expand(struct reader *reader, json_t *root);

#endif
