#include "core/job.h"

#include "base/memory.h"

static const char *const receipt_names[RECEIPT_COUNT] = {
#define RECEIPT_NAME(upper, lower) #lower,
    RECEIPT_LIST(RECEIPT_NAME)
#undef RECEIPT_NAME
};

static const char *const attempt_names[ATTEMPT_COUNT] = {
#define ATTEMPT_NAME(upper, lower) #lower,
    ATTEMPT_LIST(ATTEMPT_NAME)
#undef ATTEMPT_NAME
};

const char *receipt_name(enum receipt receipt)
{
    return receipt_names[receipt];
}

const char *attempt_name(enum attempt_state state)
{
    return attempt_names[state];
}

struct job *job_make(void)
{
    struct job *job = memory_new(struct job);
    list_init(&job->link);
    list_init(&job->dirty_link);
    return job;
}

void job_free(struct job *job)
{
    if (!job)
        return;
    memory_free(job->input);
    memory_free(job->metadata);
    memory_free(job->options);
    memory_free(job->warnings);
    memory_free(job->words);
    memory_free(job->route);
    memory_free(job);
}

unsigned job_results(const struct job *job)
{
    unsigned count = 0;
    while (count < job->output_count && !job->outputs[count].is_late)
        count++;
    return count;
}

struct span job_key_span(const struct job *job)
{
    return span_make(&job->key, sizeof job->key);
}
