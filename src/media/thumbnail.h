/* A small JPEG of an image or of a video's best frame (sharp, well exposed: sample.h): at most 480
 * pixels on the long side. Making it also proves that the file decodes. */
#ifndef MEDIA_THUMBNAIL_H
#define MEDIA_THUMBNAIL_H

#include <stdbool.h>

struct job;
struct picture;

enum { THUMBNAIL_SIDE = 480 };

/* Reads the open file (`field` is for the failure) and writes `path` in the job's folder. */
bool thumbnail_make(struct job *job, int fd, const char *field, const char *path);

/* The same of a picture that was read already. */
bool thumbnail_write(struct job *job, const struct picture *picture, const char *path);

#endif
