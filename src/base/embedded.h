/* Files that the build has put into the program (tools/embed.py). A list ends with a NULL name. */
#ifndef BASE_EMBEDDED_H
#define BASE_EMBEDDED_H

#include <stddef.h>

struct embedded {
    const char *name; /* the file's name without its folder */
    const char *data;
    size_t size;
};

#endif
