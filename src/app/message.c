#include "app/message.h"

#include "base/memory.h"

struct message *message_make(enum event_kind kind)
{
    struct message *message = memory_new(struct message);
    message->event.kind = kind;
    arena_init(&message->arena);
    return message;
}

void message_free(struct message *message)
{
    if (!message)
        return;
    arena_done(&message->arena);
    memory_free(message);
}
