#include "app/home.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_ROOM = 4096 };

bool home_make(const struct config *config, struct buffer *faults)
{
    char path[PATH_ROOM];
    if (config->home_is_default && span_copy(span_of(config->home), path, sizeof path)) {
        for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
            *at = '\0';
            (void)mkdir(path, 0755);
            *at = '/';
        }
    }
    if (mkdir(config->home, 0700) == 0 || errno == EEXIST)
        return true;
    buffer_print(faults, "%s: the home can't be made: %s\n", config->home, strerror(errno));
    return false;
}
