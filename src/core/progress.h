/* How far a job is where its provider does not say: a function of the time and of what was written
 * when the provider accepted it, so that it never falls, whatever dies in between (SPEC 2). */
#ifndef CORE_PROGRESS_H
#define CORE_PROGRESS_H

#include "core/job.h"
#include "core/state.h"

/* Whether the job's progress is a guess: it is with a provider that has said nothing of it yet. */
bool progress_is_estimated(const struct job *job);
/* 0 … 100: what was said, or the guess, at that time; below 100 until the job has ended well. Nine
 * tenths come with the time that it was thought to take, and the rest ever more slowly. */
int progress_of(const struct job *job, ms_t now);
/* What a video's maker is about by then: "Generating frames"; for jobs without a stage of their
 * own. */
const char *progress_words(int progress);
/* Milliseconds until the end, by the same guess. Only where it is one. */
ms_t progress_left(const struct job *job, ms_t now);

#endif
