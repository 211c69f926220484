/* The addresses at which clients and receivers get a job's files. */
#ifndef APP_LINK_H
#define APP_LINK_H

#include "app/config.h"
#include "core/job.h"

struct link_rule {
    const char *base; /* before the path, where publicUrl is not set; may be empty */
    struct secret secret;
    ms_t expires; /* wall time */
};

/* "https://reel.example/outputs/gen_…/output.mp4?expires=…&signature=…"; without a signature where
 * output.signed is off. */
void link_write(const struct config *config, const struct link_rule *rule, const struct job *job,
                const char *name, struct buffer *target);
/* Where this server can be reached, as far as it knows without being asked: publicUrl, else the
 * address it listens on, or loopback when that is every address. */
void link_base(const struct config *config, uint16_t port, struct buffer *target);

#endif
