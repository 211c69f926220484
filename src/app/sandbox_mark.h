/* What the sandbox knows of a submission beside what its job says: under whose name it was
 * accepted, at which price, and how it is to end if a script wants it so. It lies in the job's
 * options, and so in its own commit: a death between commit and answer loses nothing of it. */
#ifndef APP_SANDBOX_MARK_H
#define APP_SANDBOX_MARK_H

#include "app/sandbox_script.h"
#include "base/arena.h"

struct sandbox_mark {
    const char *provider, *tag, *digest; /* as in struct sandbox_row */
    int64_t price;
    bool has_end; /* it is not rendered, but ends so: */
    enum sandbox_fault end;
    ms_t end_after;
    const char *file, *type; /* CANNED */
    const char *text;        /* FAIL, MODERATION; "" */
};

/* The options with the mark in them, in the arena. `options` is a JSON object, or empty. */
struct span sandbox_mark_add(struct span options, const struct sandbox_mark *mark,
                             struct arena *arena);
/* False when they have none; `options` may be NULL. */
bool sandbox_mark_read(const char *options, struct arena *arena, struct sandbox_mark *ret_mark);

#endif
