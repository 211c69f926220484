/* The native dialect's providers: GET /api/v1/providers, and POST /api/v1/providers/{id}/pause and
 * resume, with which an operator keeps new submissions from one. */
#ifndef DIALECT_NATIVE_PROVIDER_H
#define DIALECT_NATIVE_PROVIDER_H

#include "dialect/dialect.h"

/* The name of a provider of the catalogue into call->name; there is a fault when it has none. */
void native_provider_read(const struct route_match *match, const struct dialect_scene *scene,
                          struct faults *faults, struct call *call);
/* All of them, or the one. */
void native_provider_write(const struct call *call, const struct answer *answer,
                           struct json_writer *writer);

#endif
