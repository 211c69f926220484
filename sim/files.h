/* Files in the faked world: what clients upload, delete and let jobs read, the sweeper that removes
 * what is old, and what the depot holds of it all. */
#ifndef SIM_FILES_H
#define SIM_FILES_H

#include "world.h"

/* Acts of clients and of the sweeper. */
void files_act(struct world *world);
void files_send(struct world *world, struct request *request);
/* Which uploads a new submission reads. */
void files_draw(struct world *world, struct submission *submission);
/* The effects REMOVE_FILES and REMOVE_UPLOAD. */
void files_effect(struct world *world, const struct effect *effect);
/* The depot at a start: files that no row names go. */
void files_sweep(struct world *world);

/* -- for the oracle */

/* Before such an effect: the row must have said so first. */
void files_check_effect(struct world *world, const struct effect *effect);
/* An attempt starts: what it reads is there. */
void files_check_work(struct world *world, const struct ledger_job *job);
/* Every row against the depot. */
void files_audit(struct world *world);
void files_check_reply(struct world *world, const struct request *request,
                       const struct reply *reply);
/* Whether a request to make jobs may be refused for what it reads. */
bool files_may_refuse(const struct world *world, const struct submission *submission,
                      enum error_code error);

#endif
