/* An event on its way to the core's thread, with the memory that its texts need. Whoever made it
 * frees it if it can't be posted; once posted, the engine frees it after the turn. */
#ifndef APP_MESSAGE_H
#define APP_MESSAGE_H

#include "base/arena.h"
#include "core/event.h"

struct message {
    struct event event;
    struct arena arena;
};

struct message *message_make(enum event_kind kind);
/* Accepts NULL. */
void message_free(struct message *message);

#endif
