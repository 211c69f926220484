#include "core/progress.h"

enum {
    PROGRESS_MAX = 99,
    PROGRESS_WHOLE = 1000,
    PROGRESS_IN_TIME = 900, /* of the whole, when the time is over … */
    PROGRESS_LATE = 95,     /* … and what more comes after it, at most */
    PROGRESS_LATE_PART = 10 /* of the time: what is left once it is over */
};

bool progress_is_estimated(const struct job *job)
{
    return job->attempt.expected > 0 && job->attempt.state == ATTEMPT_ACCEPTED &&
           state_is_in_flight(job->state);
}

static ms_t since(const struct job *job, ms_t now)
{
    return now > job->attempt.accepted_at ? now - job->attempt.accepted_at : 0;
}

int progress_of(const struct job *job, ms_t now)
{
    if (!progress_is_estimated(job))
        return job->progress;
    ms_t expected = job->attempt.expected, spent = since(job, now), share;
    if (spent <= expected) {
        share = PROGRESS_IN_TIME * spent / expected;
    } else {
        ms_t over = spent - expected;
        share = PROGRESS_IN_TIME + PROGRESS_LATE * over / (over + expected);
    }
    /* From what an earlier attempt came to. */
    return job->progress + (int)((PROGRESS_MAX - job->progress) * share / PROGRESS_WHOLE);
}

const char *progress_words(int progress)
{
    return progress < 10   ? "Analyzing prompt"
           : progress < 20 ? "Initializing model"
           : progress < 70 ? "Generating frames"
           : progress < 90 ? "Encoding video"
                           : "Finalizing";
}

ms_t progress_left(const struct job *job, ms_t now)
{
    ms_t expected = job->attempt.expected, spent = since(job, now);
    ms_t least = expected / PROGRESS_LATE_PART;
    return expected - spent > least ? expected - spent : least;
}
