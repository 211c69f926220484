/* The bytes of a webhook: in the native words, or in those of the dialect in which the job was
 * asked for. Called in the turn that makes the delivery; what it gives is kept and sent at every
 * try. */
#ifndef APP_HOOK_BODY_H
#define APP_HOOK_BODY_H

#include "app/config.h"
#include "base/secret.h"
#include "catalog/catalog.h"
#include "core/output.h"

struct hook_body {
    const struct config *config;
    const struct catalog *catalog;
    struct secret url_secret;
    uint16_t port; /* on which we listen, for links where there is no public URL */
};

void hook_body_write(const struct hook_body *scene, const struct hook_insert *hook,
                     struct buffer *target);

#endif
