/* What happened, line by line, in the mini-language of the golden traces; kept only when a failing
 * seed is lived again, so that it costs the others nothing. */
#ifndef SIM_JOURNAL_H
#define SIM_JOURNAL_H

#include "core/core.h"

#include <stdio.h>

struct journal;
struct ledger;

struct journal *journal_make(const struct ledger *ledger, ms_t epoch);
/* Accepts NULL, as all of these do. */
void journal_free(struct journal *journal);
void journal_note(struct journal *journal, const char *note);
void journal_turn(struct journal *journal, ms_t time, struct event *const *events, unsigned count);
void journal_changes(struct journal *journal, const struct changes *changes);
void journal_effect(struct journal *journal, const struct effect *effect);
/* The last `max` lines about the job, or about anything when it is 0. */
void journal_print(const struct journal *journal, int64_t job, size_t max, FILE *file);

#endif
