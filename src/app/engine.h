/* The core's thread: waits for events, runs the turn, then its effects. There is one. */
#ifndef APP_ENGINE_H
#define APP_ENGINE_H

#include "app/board.h"
#include "app/message.h"
#include "core/core.h"
#include "depot/depot.h"
#include "edge/mailbox.h"
#include "store/store.h"

enum {
    ENGINE_MAILBOX = 65536,      /* messages */
    ENGINE_MAILBOX_SPARE = 4096, /* kept for word from workers; clients get 503 before */
    EXIT_STORE_BROKEN = 74       /* nobody knows what is true: recovery reads it */
};

/* Where effects go. All are called on the core's thread, after the commit; jobs are borrowed for
 * the time of the call. */
struct engine_effects {
    void *context;
    void (*reply)(void *context, const struct reply *reply);
    void (*publish)(void *context, const struct job *job);
    void (*work)(void *context, const struct job *job);
    void (*stop)(void *context, const struct job *job, unsigned attempt);
    void (*keep)(void *context, const struct job *job, unsigned attempt);
    void (*drop)(void *context, const struct job *job, unsigned attempt);
    /* SUBMIT, POLL, FIND, CANCEL and FETCH: a provider is asked; TOLD or WORKED follows. STREAM:
     * it is listened to, perhaps, until the DROP of a job with a route. */
    void (*remote)(void *context, const struct effect *effect);
    void (*remove_files)(void *context, const struct job *job);
    void (*remove_upload)(void *context, const char *id);
    void (*hook)(void *context, int64_t job, unsigned number, unsigned tries, bool is_last);
    /* Before the commit: the bytes of a new delivery (see turn.h). */
    void (*write_body)(void *context, const struct hook_insert *hook, struct buffer *target);
    void (*full)(void *context); /* a commit found the disk full: make room if you can */
    /* May be NULL. */
    void (*api_key)(void *context, const struct api_key_change *change);
    void (*tenant)(void *context, const struct tenant_row *row);
    void (*budget)(void *context, const struct budget_notice *notice);
    void (*unwell)(void *context, const struct unwell_notice *notice);
};

struct engine;

/* Recovers from the store before it returns; effects of the recovery run on the new thread. All
 * pointers are borrowed. NULL when the store can't be read. */
struct engine *engine_make(const struct core_config *config, struct store *store,
                           struct depot *depot, struct board *board,
                           const struct engine_effects *effects);
void engine_start(struct engine *engine);
/* Any thread: other limits and times within a second. Takes `config` and its lists over (all from
 * memory_make); their names are borrowed for the engine's life. */
void engine_configure(struct engine *engine, struct core_config *config);
/* Frees such a config. Accepts NULL. */
void engine_config_free(struct core_config *config);
/* Ends after the turn under way; messages that are left are freed. */
void engine_stop(struct engine *engine);
void engine_free(struct engine *engine); /* accepts NULL */

/* Any thread. False when it is full: the message is still the caller's. `from_client` messages are
 * refused earlier than word from our own workers. */
bool engine_post(struct engine *engine, struct message *message, bool from_client);
/* Not the engine's own thread. From now on no attempt begins; what was posted before is done when
 * this returns true. False when that was not so by `until` (monotonic). */
bool engine_close(struct engine *engine, ms_t until);

#endif
