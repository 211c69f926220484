/* What the reading sides of all stores share. */
#ifndef STORE_READING_H
#define STORE_READING_H

#include "store/store.h"

/* Whether the job passes the filter; the cursor and the limit are the caller's business. */
bool reading_matches(const struct reader_filter *filter, const struct job *job);
/* Whether the JSON object has exactly this string under this key. */
bool reading_has_text(struct span metadata, struct span key, struct span text);
/* The place of a job in its bucket: those that came before it and are not gone yet, plus one. Jobs
 * that left from the middle make it too large, never smaller than 1. */
int64_t reading_place(int64_t count, int64_t arrived, int64_t ticket);

/* Puts the group's name where it belongs; a day has none. */
void reading_name_usage(enum spend_by by, const char *name, struct spend_row *row);
/* The next group. */
void reading_add_usage(enum spend_by by, const struct spend_row *row, struct reader_usage *usage);

#endif
