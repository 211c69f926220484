/* What the files that read a trace share. */
#ifndef CORE_TRACE_STORY_PRIVATE_H
#define CORE_TRACE_STORY_PRIVATE_H

#include "core/trace_story.h"

struct words {
    const char *list[TRACE_STORY_WORDS];
    unsigned count;
};

/* "" behind the last. */
const char *trace_story_word(const struct words *words, unsigned n);
/* The text behind "NAME="; NULL when no word begins so. */
const char *trace_story_option(const struct words *words, const char *name);
int64_t trace_story_number(struct trace_story *story, const char *word);
/* "j7", or "j7.2" with an attempt. */
int64_t trace_story_job(struct trace_story *story, const char *text, unsigned *ret_attempt);

/* "t7" */
uint64_t trace_story_token(struct trace_story *story, const char *text);

/* -- trace_story_setting.c: limits, and what else is configured. False when it is no setting. */

bool trace_story_setting(struct trace_story *story, const struct words *words);

/* -- trace_story_hook.c: webhooks. False when it is no event about them. */

bool trace_story_hook_event(struct trace_story *story, const struct words *words,
                            struct event *event);

/* -- trace_story_vendor.c: providers */

bool trace_story_vendor(struct trace_story *story, const struct words *words);
bool trace_story_budget(struct trace_story *story, const struct words *words);
/* The route and flags of an ask. */
void trace_story_route(struct trace_story *story, const struct words *words, struct asked *asked);
/* False when it is no event about a provider. */
bool trace_story_vendor_event(struct trace_story *story, const struct words *words,
                              struct event *event);

#endif
