/* The faked workers and the faked depot: they start late, report, finish, fail, die, hang, say
 * things twice, do not hear that they shall stop, and go on talking about attempts that are over.
 */
#ifndef SIM_WORKER_H
#define SIM_WORKER_H

#include "world.h"

/* The effects WORK, STOP and KEEP. */
void worker_start(struct world *world, const struct job *job, unsigned attempt);
void worker_stop(struct world *world, const struct job *job, unsigned attempt);
void worker_keep(struct world *world, const struct job *job, unsigned attempt);
/* A planned word goes into the batch, and the worker plans its next. */
void worker_say(struct world *world, struct item *item);
/* The size of the file that the depot holds for an attempt. */
int64_t worker_file_size(int64_t job, unsigned attempt);
/* What it says when it has kept the attempt's one file. */
void worker_fill_outputs(struct worked *told);

#endif
