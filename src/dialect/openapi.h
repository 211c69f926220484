/* The OpenAPI 3.1 document of GET /openapi.json, put together from the catalogue's routes and
 * models and from openapi.json beside this, which says of each dialect's actions what they take and
 * answer. A route of the user's own, and a model of theirs, are in it like all others.
 *
 * A path of the catalogue is a path here, `{name*}` written as `{name}`. A model's body is the
 * schema "model.ID" with "/" written as "."; `POST /api/v1/generate` takes any of them and the
 * schema "Common". */
#ifndef DIALECT_OPENAPI_H
#define DIALECT_OPENAPI_H

#include "catalog/catalog.h"

enum { OPENAPI_MAX = 16 << 20 };

void openapi_write(const struct catalog *catalog, struct buffer *target);

#endif
