/* Between the core, which wants a webhook called, and the office that calls it: in a sandbox some
 * calls are late, come twice, never, or behind a forged one, as its script says. A thread of its
 * own, for what is late. */
#ifndef APP_SANDBOX_CALLBACK_H
#define APP_SANDBOX_CALLBACK_H

#include "app/hook.h"
#include "app/sandbox_script.h"

enum { SANDBOX_CALLBACK_MAX = 65536 /* that wait for their time; more are not held back */ };

struct sandbox_callback;

struct sandbox_callback_config {
    struct sandbox_script *script;
    struct hook_office *office;
    struct store *store; /* read by this thread */
    /* Takes the message over; false when it could not. */
    bool (*post)(void *context, struct message *message);
    void *context;
};

/* All pointers are borrowed. NULL when the thread, or a reader, can't be had. */
struct sandbox_callback *sandbox_callback_make(const struct sandbox_callback_config *config);
/* What is late is called after the next start. Accepts NULL. */
void sandbox_callback_free(struct sandbox_callback *callback);
/* Any thread: as hook_deliver. */
void sandbox_callback_deliver(struct sandbox_callback *callback, int64_t job, unsigned number,
                              unsigned tries, bool is_last);

#endif
