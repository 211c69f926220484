/* Links to outputs that can be handed on and expire: the path and the time are signed with
 * HMAC-SHA256 under the server's secret. */
#ifndef DEPOT_SIGN_H
#define DEPOT_SIGN_H

#include "base/buffer.h"
#include "base/secret.h"
#include "base/time.h"

/* Adds "?expires=SECONDS&signature=HEX" for a path ("/outputs/gen_…/output.mp4", as it stands in
 * the URL); `expires` is wall time and rounded up to whole seconds. The secret must not be empty.
 */
void sign_path(struct secret secret, struct span path, ms_t expires, struct buffer *target);
/* Whether `query` (without '?') carries a valid signature of exactly this path that has not
 * expired. Each parameter must come once; others may stand beside them. In constant time. */
bool sign_check(struct secret secret, struct span path, struct span query, ms_t now);

#endif
