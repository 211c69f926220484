#include "core/trace_story_private.h"

#include <string.h>

static bool read_limit(struct trace_story *story, const struct words *words)
{
    struct core_config *config = &story->config;
    bool is_tenant = strcmp(trace_story_word(words, 1), "tenant") == 0;
    bool is_model = strcmp(trace_story_word(words, 1), "model") == 0;
    if (strcmp(trace_story_word(words, 1), "all") == 0) {
        config->limit_all = (unsigned)trace_story_number(story, trace_story_word(words, 2));
        return true;
    }
    if (strcmp(trace_story_word(words, 1), "submitting") == 0) {
        config->limit_submitting = (unsigned)trace_story_number(story, trace_story_word(words, 2));
        return true;
    }
    unsigned *count = is_tenant  ? &config->tenant_count
                      : is_model ? &config->model_count
                                 : &config->provider_count;
    struct core_limit *list = is_tenant  ? story->tenants
                              : is_model ? story->models
                                         : story->providers;
    if (*count == TRACE_STORY_LIMITS)
        return false;
    const char *weight = trace_story_option(words, "weight"),
               *timeout = trace_story_option(words, "timeout"),
               *typical = trace_story_option(words, "typical");
    struct span providers = span_of(trace_story_option(words, "provider")), provider;
    struct core_limit *row = &list[(*count)++];
    *row = (struct core_limit){
        .name = arena_copy(&story->limits, span_of(trace_story_word(words, 2))),
        .limit = (unsigned)trace_story_number(story, trace_story_word(words, 3)),
        .weight = weight ? (unsigned)trace_story_number(story, weight) : 0,
        .timeout = timeout ? trace_story_number(story, timeout) : 0,
        .typical = typical ? trace_story_number(story, typical) : 0,
    };
    for (int n = 0; n < CORE_PROVIDERS_MAX && span_take(&providers, ',', &provider); n++)
        row->providers[n] = arena_copy(&story->limits, provider);
    return true;
}

bool trace_story_setting(struct trace_story *story, const struct words *words)
{
    if (strcmp(trace_story_word(words, 0), "vendor") == 0)
        return trace_story_vendor(story, words);
    if (strcmp(trace_story_word(words, 0), "budget") == 0)
        return trace_story_budget(story, words);
    if (strcmp(trace_story_word(words, 0), "limit") == 0)
        return read_limit(story, words);
    if (strcmp(trace_story_word(words, 0), "queue-max") == 0) {
        const char *tenant = trace_story_option(words, "tenant");
        story->config.queue_max = trace_story_number(story, trace_story_word(words, 1));
        story->config.queue_tenant = tenant ? trace_story_number(story, tenant) : 0;
        return true;
    }
    if (strcmp(trace_story_word(words, 0), "tier") == 0 &&
        story->config.tier_count < TRACE_STORY_LIMITS) {
        story->tiers[story->config.tier_count++] =
            (struct core_tier){arena_copy(&story->limits, span_of(trace_story_word(words, 1))),
                               (unsigned)trace_story_number(story, trace_story_word(words, 2))};
        return true;
    }
    if (strcmp(trace_story_word(words, 0), "uploads") == 0) {
        story->config.upload_max = trace_story_number(story, trace_story_word(words, 1));
        story->config.upload_count_max =
            (unsigned)trace_story_number(story, trace_story_word(words, 2));
        return true;
    }
    if (strcmp(trace_story_word(words, 0), "hooks") == 0) {
        story->config.hooks_max = (unsigned)trace_story_number(story, trace_story_word(words, 1));
        story->config.hooks_lane_max =
            (unsigned)trace_story_number(story, trace_story_word(words, 2));
        const char *tries = trace_story_option(words, "tries");
        story->config.hook_tries = tries ? (unsigned)trace_story_number(story, tries) : 0;
        story->config.hook_schedule = notify_schedule;
        return true;
    }
    if (strcmp(trace_story_word(words, 0), "uncertain-hold") == 0) {
        story->config.uncertain_hold = trace_story_number(story, trace_story_word(words, 1));
        return true;
    }
    if (strcmp(trace_story_word(words, 0), "reload") == 0 && story->core) {
        core_configure(story->core, &story->config);
        return true;
    }
    bool is_disk = strcmp(trace_story_word(words, 0), "disk") == 0;
    if (is_disk)
        story->is_full = strcmp(trace_story_word(words, 1), "full") == 0;
    return is_disk;
}
