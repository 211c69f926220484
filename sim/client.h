/* The faked clients: they submit, send again, cancel, change, and remember what they were told. */
#ifndef SIM_CLIENT_H
#define SIM_CLIENT_H

#include "world.h"

enum { CLIENT_BURST_MAX = 10 };

/* One act, and the plan of the next. */
void client_act(struct world *world);
/* A planned request goes in. */
void client_send(struct world *world, struct request *request);
/* The effect REPLY. */
void client_reply(struct world *world, const struct reply *reply);
/* The gateway died: the connection is gone; who has a key sends again. */
void client_lost(struct world *world, struct request *request);
/* One of the jobs that this tenant was told of, rather a late one; 0 when there is none. */
int64_t client_some_job(struct world *world, unsigned *ret_tenant);
/* Whether all submissions have been made and the clients had their say. */
bool client_is_done(const struct world *world);

#endif
