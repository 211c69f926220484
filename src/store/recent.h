/* Rows that were read lately. A client that polls asks again and again for a job that has not
 * changed: such a read is answered from memory. It is exact, not merely fresh enough: before a
 * commit that changes a job its mark is set, so a kept row is used only when no commit has touched
 * the job since the view that it was read in.
 *
 * The marks are the writer's and shared by all threads; a `recent` belongs to one reader. */
#ifndef STORE_RECENT_H
#define STORE_RECENT_H

#include "core/job.h"

#include <stdatomic.h>

enum {
    RECENT_MARKS = 4096,
    RECENT_SETS = 128,
    RECENT_WAYS = 8,       /* rows of a set: of one reader 1,024, three to seven KiB each */
    RECENT_TEXT_MAX = 4096 /* rows whose texts are longer are not kept */
};

struct recent_marks {
    /* Grows with every commit, before anyone is told of it. */
    atomic_uint_fast64_t commits;
    /* By hash of the job: the number of the newest commit that changed one, or was meant to. */
    atomic_uint_fast64_t changed[RECENT_MARKS];
};

/* The writer's transaction changes this job: to be said before it commits. */
void recent_mark(struct recent_marks *marks, int64_t key);

struct recent;

/* The marks are borrowed. */
struct recent *recent_make(const struct recent_marks *marks);
void recent_free(struct recent *recent); /* accepts NULL */
/* NULL when the row was not kept or may have changed. Borrowed until the next call of
 * recent_keep. */
const struct job *recent_look(const struct recent *recent, int64_t key);
/* The same as a copy, whose texts the caller frees; false for NULL. */
bool recent_find(const struct recent *recent, int64_t key, struct job *ret_job);
/* Keeps a copy of a row; `view` is a number of commits that what was read includes for sure. */
void recent_keep(struct recent *recent, uint64_t view, const struct job *job);
/* The place in the queue moves with other jobs, so it holds until the next commit of any. */
bool recent_find_place(const struct recent *recent, int64_t key, int64_t *ret_position);
void recent_keep_place(struct recent *recent, uint64_t view, int64_t key, int64_t position);

#endif
