/* Where the server is root its workers are another user: this gives them a work folder. Only for
 * depot.c. */
#ifndef DEPOT_DEPOT_GIVE_H
#define DEPOT_DEPOT_GIVE_H

#include <stdbool.h>

/* Lets `user` (also as group) pass through the folder without listing it. False with errno. */
bool depot_give_passage(int folder, unsigned user);
/* The folder `name` below `parent` and the plain files in it become `user`'s. A file with a second
 * name is an output of another job, which stays ours and is read-only for all. The folder goes
 * last, so that nobody can exchange a file before its turn. False with errno. */
bool depot_give_folder(int parent, const char *name, unsigned user);
/* Makes a finished file ours and read-only, whoever made it. False with errno; EBUSY when a process
 * still has it open for writing, since it could change what others take for finished. */
bool depot_give_back(int fd);

#endif
