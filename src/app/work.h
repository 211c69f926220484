/* Work of our own: attempts that run on this machine, in workers. One thread and loop of its own
 * follows each from its inputs to its files:
 *
 *     prepare (folder, inputs by reel:// and data:) → fetch (inputs by http) → worker → told WORKED
 *     keep (files into the depot) → told KEPT → drop
 *
 * And what providers made, from their links to the same place (work_fetch.c):
 *
 *     folder, files by data: and base64 → files by http → a worker inspects → depot → told KEPT or
 *     FAILED → drop
 *
 * And what programs of the user's make, who are given their inputs likewise (work_command.c):
 *
 *     prepare, fetch → a program → its files → a worker inspects → told WORKED → keep as above
 *
 * A model whose output is none makes no files, so there is nothing to prepare, to run or to keep:
 * such a work is WORKED and KEPT as soon as it starts, without folder and worker. It is for jobs
 * that are there for what surrounds them: their start time, what they depend on, their webhook.
 *
 * It decides nothing: whatever happens is told to the core, which says what comes next. */
#ifndef APP_WORK_H
#define APP_WORK_H

#include "app/config.h"
#include "app/message.h"
#include "catalog/catalog.h"
#include "depot/depot.h"
#include "edge/egress.h"
#include "edge/worker.h"
#include "store/store.h"

struct works;

struct works_config {
    _Atomic(const struct catalog *) catalog;
    struct depot *depot;
    struct egress *egress;
    struct worker_pool *pool;
    struct children *children; /* for programs of the user's; NULL: they are not run */
    const struct config_list *command_environment; /* command.environment; may be NULL */
    struct reader *reader;                         /* used by this thread alone */
    _Atomic uint64_t fetch_max;                    /* bytes of one input */
    uint64_t output_max; /* bytes that an attempt may write or fetch, besides WORK_EXTRAS_MAX */
    _Atomic ms_t fetch_timeout;
    bool is_sandbox; /* of `reel sandbox`: work_script.c */
    /* Takes the message over; false when it could not. */
    bool (*post)(void *context, struct message *message);
    void *context;
};

/* All pointers are borrowed. NULL when thread or loop can't be had. */
struct works *works_make(const struct works_config *config);
/* Nothing may be running in the pool or the egress any more; programs are ended. Accepts NULL. */
void works_free(struct works *works);

/* Any thread: for works that start, and inputs that are fetched, from now on. The catalogue is
 * borrowed as the first was, and so is that one still. */
void works_configure(struct works *works, const struct catalog *catalog, uint64_t fetch_max,
                     ms_t fetch_timeout);

/* Any thread; all return at once. `job` is borrowed for the call. */
void works_start(struct works *works, const struct job *job);
void works_stop(struct works *works, const struct job *job, unsigned attempt);
void works_keep(struct works *works, const struct job *job, unsigned attempt);
void works_drop(struct works *works, const struct job *job, unsigned attempt);
/* Brings the files that `told` names (http, data: or base64), at least one, into the depot. WORKED
 * follows: KEPT, with outputs and warnings, or FAILED; `again` where fresh links or a little time
 * may help. A full disk, and workers that are all busy, are waited for. The files' own words on
 * their type are not believed. `told` is borrowed for the call; `trusted` ("https://api.fal.ai", or
 * NULL) is the provider's origin, the only one that may lie in a private network (edge/egress.h).
 * The same attempt may be fetched again after a FAILED; before it, nothing more happens. */
void works_fetch(struct works *works, const struct job *job, unsigned attempt,
                 const struct told *told, const char *trusted);

#endif
