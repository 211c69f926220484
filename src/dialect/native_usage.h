/* GET /api/v1/usage: what jobs came to, in groups, as JSON or CSV; and budgets in answers. */
#ifndef DIALECT_NATIVE_USAGE_H
#define DIALECT_NATIVE_USAGE_H

#include "dialect/dialect.h"

/* ?from=2026-11-01&to=2026-11-30&groupBy=tenant&format=csv; without them this month until today,
 * by day, as JSON unless Accept wants CSV. */
void native_usage_read(const struct dialect_scene *scene, const struct http_request *request,
                       struct faults *faults, struct call *call);
/* Gives the type of the body. */
struct span native_usage_write(const struct call *call, const struct answer_usage *usage,
                               struct buffer *body);
/* "budget": {amount, currency, period, spent, reserved, left, renewsAt}, or nothing. */
void native_usage_write_budget(const struct answer_budget *budget, struct json_writer *writer);

#endif
