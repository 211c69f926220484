/* The one folder that a worker may touch. Names in requests are paths inside it; every step of a
 * path is opened by itself and without following links, so no name leads outside. */
#ifndef MEDIA_FOLDER_H
#define MEDIA_FOLDER_H

#include "media/failure.h"

struct folder {
    int fd;
};

bool folder_open(const char *path, struct folder *ret_folder);
void folder_close(struct folder *folder);
/* Relative, not empty, at most 512 bytes, no empty, "." or ".." step, no control characters. */
bool folder_path_ok(const char *path);
/* A regular file for reading; `field` is the request's parameter that named it. The caller closes
 * *ret_fd. */
bool folder_read(const struct folder *folder, const char *path, const char *field,
                 struct failure *failure, int *ret_fd);
/* A new file, or an old one emptied, for reading and writing; missing folders are made. */
bool folder_create(const struct folder *folder, const char *path, struct failure *failure,
                   int *ret_fd);
/* Best effort, for what a failed job leaves. */
void folder_remove(const struct folder *folder, const char *path);

#endif
