/* How loud the sound of a file is, heard at places spread over its length. */
#ifndef MEDIA_LISTEN_H
#define MEDIA_LISTEN_H

#include <stdbool.h>

enum { LISTEN_PLACES = 24 };

struct listen {
    bool decodes; /* anything of the sound could be read */
    double peak;  /* of what was heard, 0 … 1 */
};

/* Hears the first track of sound in a file of the demuxer's kind. */
struct listen listen_file(int fd, const char *demuxer);
/* Below −60 dBFS everywhere. */
bool listen_is_silent(const struct listen *heard);

#endif
