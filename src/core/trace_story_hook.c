#include "core/trace_story_private.h"

#include <string.h>

static void read_hooked(struct trace_story *story, const struct words *words, struct hooked *hooked)
{
    static const char *const kinds[] = {[HOOKED_DELIVERED] = "delivered",
                                        [HOOKED_FAILED] = "failed",
                                        [HOOKED_GONE] = "gone",
                                        [HOOKED_UNSENT] = "unsent"};
    const char *after = trace_story_option(words, "after"),
               *status = trace_story_option(words, "status");
    int kind = 0;
    while (kind <= HOOKED_UNSENT && strcmp(kinds[kind], trace_story_word(words, 2)) != 0)
        kind++;
    if (kind > HOOKED_UNSENT)
        story->fault = "delivered, failed, gone or unsent was expected";
    *hooked = (struct hooked){.kind = (enum hooked_kind)kind,
                              .took = 10,
                              .status = status ? (int)trace_story_number(story, status) : 0,
                              .retry_after = after ? trace_story_number(story, after) : 0,
                              .error = kind == HOOKED_FAILED ? "It answered 500." : NULL};
    hooked->job = trace_story_job(story, trace_story_word(words, 1), &hooked->number);
}

/* hooked j1.1 failed after=5000 · redeliver t1 alice j1.1 · secret t1 alice TEXT · rotate … */
bool trace_story_hook_event(struct trace_story *story, const struct words *words,
                            struct event *event)
{
    bool rotates = strcmp(trace_story_word(words, 0), "rotate") == 0;
    if (strcmp(trace_story_word(words, 0), "hooked") == 0) {
        event->kind = EVENT_HOOKED;
        read_hooked(story, words, &event->hooked);
    } else if (strcmp(trace_story_word(words, 0), "redeliver") == 0) {
        event->kind = EVENT_HOOK_ASKED;
        event->hook_asked =
            (struct hook_asked){.token = trace_story_token(story, trace_story_word(words, 1)),
                                .tenant = trace_story_word(words, 2)};
        event->hook_asked.job =
            trace_story_job(story, trace_story_word(words, 3), &event->hook_asked.number);
    } else if (rotates || strcmp(trace_story_word(words, 0), "secret") == 0) {
        event->kind = EVENT_SECRET_ASKED;
        event->secret_asked =
            (struct secret_asked){.token = trace_story_token(story, trace_story_word(words, 1)),
                                  .tenant = trace_story_word(words, 2),
                                  .text = trace_story_word(words, 3),
                                  .rotate = rotates};
    } else {
        return false;
    }
    return true;
}
