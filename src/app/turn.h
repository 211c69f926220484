/* The turn: the one way in which anything ever changes. Used by the server's core thread, and by
 * the simulator in virtual time: it touches only the core and the store. */
#ifndef APP_TURN_H
#define APP_TURN_H

#include "base/arena.h"
#include "base/buffer.h"
#include "core/core.h"
#include "store/store.h"

enum {
    TURN_EVENTS_MAX = 4096,  /* in one commit */
    TURN_BODY_MAX = 1 << 20, /* bytes of a delivery */
    TURN_SPARED_MS = 1000    /* for so long turns that change no row are not committed */
};

struct turn {
    struct core *core;    /* borrowed */
    struct store *store;  /* borrowed */
    struct output output; /* after turn_run: the effects, to be run by the caller */
    size_t applied;       /* changes of this turn that the store has */
    bool stepped;         /* the core has had this turn's events */
    ms_t now;             /* of the open turn, however often it is tried */
    /* Writes the body of a new delivery: see struct hook_insert. Called once for each; what it
     * gives is kept with the row and sent at every try. NULL: "{}". */
    void (*write_body)(void *context, const struct hook_insert *hook, struct buffer *target);
    void *body_context;
    struct arena bodies;
    int64_t number;                   /* turns committed by this process … */
    ms_t committed_at;                /* … the last of them, in the core's time */
    ms_t steady_at, steady_monotonic; /* see turn_time */
};

void turn_init(struct turn *turn, struct core *core, struct store *store);
void turn_done(struct turn *turn);

/* Fills the core from the store; then every row that was in flight comes back as an event, in a
 * turn of its own. The caller runs the effects. On STORE_FULL or STORE_BUSY: call it again. */
enum store_result turn_recover(struct turn *turn, ms_t now);

/* The core's time, from the machine's two clocks: wall time, but when somebody sets the wall clock
 * back (or it was back already at the start) time goes on from where it was, as fast as the
 * monotonic clock: waits neither stand still nor start anew. To be used for `now` below and
 * wherever core_wake_at is compared; after turn_recover. */
ms_t turn_time(struct turn *turn, ms_t wall, ms_t monotonic);

/* Steps DUE if it is time, then the events, in order, each with `now` and the free space set;
 * commits; a turn that changed no row only now and then. On STORE_OK turn->output.effects may run,
 * then turn_end must be called. On STORE_FULL or STORE_BUSY nothing is visible: call it again with
 * the same events, until it succeeds. STORE_BROKEN: leave the process. */
enum store_result turn_run(struct turn *turn, struct event *const *events, size_t count, ms_t now,
                           uint64_t disk_free);
void turn_end(struct turn *turn);

#endif
