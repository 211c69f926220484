/* The seccomp layer of cage.h. */
#ifndef MEDIA_CAGE_SECCOMP_H
#define MEDIA_CAGE_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>

/* False, with a reason, when the filter can not be put on; no_new_privs is set before. */
bool cage_seccomp(char *note, size_t note_size);

#endif
