/* How long a model's jobs take: a moving mean, for estimates, and what polls are planned by. */
#include "core/core_private.h"

#include "base/memory.h"

enum {
    PACE_MEMORY = 20,   /* jobs over which an old duration fades */
    PACE_PLAN_PART = 4, /* a plan holds until the history has grown by this part … */
    PACE_PLAN_MAX = 20  /* … or by so many ends */
};

static struct pace_entry *entry_of(struct core *core, const char *model)
{
    struct pace_entry *entry = map_get(&core->paces, span_of(model));
    if (entry)
        return entry;
    entry = memory_new(struct pace_entry);
    (void)span_copy(span_of(model), entry->row.model, sizeof entry->row.model);
    map_set(&core->paces, span_of(entry->row.model), entry);
    return entry;
}

void pace_add(struct core *core, struct output *output, const struct job *job)
{
    assert(job->started_at > 0);
    ms_t took = job->ended_at - job->started_at;
    struct pace *pace = &entry_of(core, job->model)->row;
    int64_t weight = pace->count < PACE_MEMORY ? pace->count : PACE_MEMORY;
    pace->mean = (pace->mean * weight + took) / (weight + 1);
    pace->count++;
    output_change(output, CHANGE_PACE)->pace = *pace;
}

ms_t pace_expected(struct core *core, const char *model)
{
    ms_t seen = core_pace(core, model);
    return seen ? seen : limit_gauge(&core->limits, LIMIT_MODEL, model)->typical;
}

/* It ended somewhere between the last poll and this one; what a hint told of, when it was told. */
void pace_learn(struct core *core, struct output *output, const struct job *job)
{
    struct pace_entry *entry = entry_of(core, job->model);
    ms_t since = job->flight.heard_at > job->attempt.accepted_at ? job->flight.heard_at
                                                                 : job->attempt.accepted_at;
    if (job->flight.hinted_at > since)
        since = job->flight.hinted_at;
    poll_learn(&entry->row.history, (since + core->now) / 2 - job->attempt.accepted_at);
    int64_t step = entry->planned_count / PACE_PLAN_PART;
    if (entry->row.history.count >
        entry->planned_count + (step < PACE_PLAN_MAX ? step : PACE_PLAN_MAX))
        entry->planned_for = NULL;
    output_change(output, CHANGE_PACE)->pace = entry->row;
}

ms_t pace_longest(const struct core *core, const struct job *job)
{
    const struct can_vendor *traits = &remote_health(core, job)->traits;
    return (traits->url_kept < traits->result_kept ? traits->url_kept : traits->result_kept) / 3;
}

ms_t pace_planned(struct core *core, const struct job *job)
{
    const struct health *health = remote_health(core, job);
    struct pace_entry *entry = entry_of(core, job->model);
    const struct can_vendor *traits = &health->traits;
    struct poll_rule rule = {traits->poll_min, traits->poll_first, traits->poll_last,
                             pace_longest(core, job)};
    if (entry->planned_for != health) {
        poll_plan_make(&entry->plan, &rule, &entry->row.history);
        entry->planned_for = health;
        entry->planned_count = entry->row.history.count;
    }
    return poll_next(&entry->plan, core->now - job->attempt.accepted_at, job->flight.polls);
}

/* Who calls back, or is listened to, is asked only lest the word is lost. */
ms_t pace_interval(struct core *core, const struct job *job)
{
    bool is_told = remote_health(core, job)->calls_back || job->flight.is_streaming;
    return is_told ? pace_longest(core, job) : pace_planned(core, job);
}
