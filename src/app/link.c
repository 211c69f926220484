#include "app/link.h"

#include "depot/sign.h"

#include <stdio.h>
#include <string.h>

void link_write(const struct config *config, const struct link_rule *rule, const struct job *job,
                const char *name, struct buffer *target)
{
    char path[ID_SIZE + JOB_NAME_SIZE + 16];
    int size = snprintf(path, sizeof path, "/outputs/%s/%s", job->id, name);
    buffer_add_text(target, config->public_url ? config->public_url : rule->base);
    buffer_add(target, (struct span){path, (size_t)size});
    if (config->output.is_signed)
        sign_path(rule->secret, (struct span){path, (size_t)size}, rule->expires, target);
}

void link_base(const struct config *config, uint16_t port, struct buffer *target)
{
    const char *host = config->listen.host;
    if (config->public_url) {
        buffer_add_text(target, config->public_url);
        return;
    }
    if (strcmp(host, "0.0.0.0") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "::") == 0)
        host = "::1";
    bool is_v6 = strchr(host, ':') != NULL;
    buffer_print(target, "http://%s%s%s:%u", is_v6 ? "[" : "", host, is_v6 ? "]" : "", port);
}
