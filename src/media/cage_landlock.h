/* The Landlock layer of cage.h. */
#ifndef MEDIA_CAGE_LANDLOCK_H
#define MEDIA_CAGE_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* False, with a reason, when the kernel has no Landlock or refuses; no_new_privs is set before. */
bool cage_landlock(int folder_fd, char *note, size_t note_size);

#endif
