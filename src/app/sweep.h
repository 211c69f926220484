/* What removes files: those that the core let go of, uploads whose time is over, and outputs beyond
 * outputs.maxAge and outputs.maxSize. One thread, because removing a large file blocks.
 *
 * It decides nothing: what is old it tells the core, whose turn takes the row away (or marks it)
 * and then orders the file's removal here. So a row never names a file that is gone. Files that
 * nobody names, for a crash came in between, go at the start. */
#ifndef APP_SWEEP_H
#define APP_SWEEP_H

#include "app/message.h"
#include "depot/depot.h"
#include "store/store.h"

struct sweep;

struct sweep_config {
    struct depot *depot;
    struct reader *reader;     /* used by this thread alone, once it runs */
    _Atomic ms_t max_age;      /* of outputs; 0: for ever */
    _Atomic uint64_t max_size; /* of all outputs; 0: no limit */
    /* Takes the message over; false when it could not. */
    bool (*post)(void *context, struct message *message);
    void *context;
};

/* Sweeps the uploads before it returns: call it before any is taken. Pointers are borrowed. NULL
 * when there is no thread to be had. */
struct sweep *sweep_make(const struct sweep_config *config);
/* Ends the thread; orders that are left are carried out. Accepts NULL. */
void sweep_free(struct sweep *sweep);

/* Any thread: from the next look on. */
void sweep_configure(struct sweep *sweep, ms_t max_age, uint64_t max_size);

/* Any thread; both return at once. */
void sweep_files(struct sweep *sweep, const char *job_id);
void sweep_upload(struct sweep *sweep, const char *id);

#endif
