/* One track of a stranger's film or sound, decoded frame by frame: the demuxer comes from the
 * file's own bytes, the decoder from a short list, and nothing that the file names is ever opened.
 * Playlists, lists of files and everything else that leads elsewhere is refused.
 *
 * Films: MP4 and QuickTime, WebM and Matroska. Sounds: those, and WAV, MP3, FLAC, Ogg, AAC. */
#ifndef MEDIA_TRACK_H
#define MEDIA_TRACK_H

#include "media/failure.h"

#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <stdbool.h>

enum {
    TRACK_SIDE_MAX = 8192,
    TRACK_PIXELS_MAX = 8192 * 4352,
    TRACK_SECONDS_MAX = 12 * 3600,
};

struct track;

struct track_wish {
    int fd;            /* borrowed until track_free; several tracks may share it */
    const char *field; /* the request's parameter, borrowed, for the failures */
    enum AVMediaType type;
    int threads;   /* of the decoder; 0 reads packets only */
    bool may_lack; /* a file without such a track is no failure: *ret_track becomes NULL */
    /* What an earlier track of the same file came to know, so that it need not be found out again;
     * NULL: nothing. Borrowed. */
    const AVCodecParameters *known;
};

bool track_open(const struct track_wish *wish, struct failure *failure, struct track **ret_track);
/* Accepts NULL. */
void track_free(struct track *track);

/* The next frame in *frame, which the caller unreferences; *ret_end instead when there is none any
 * more. A damaged place is passed over; a file that is mostly damage, or ends before it should, is
 * a failure. Times are best_effort_timestamp in `track_stream()->time_base`. */
bool track_next(struct track *track, struct failure *failure, AVFrame *frame, bool *ret_end);

/* Reads the packets of the whole track, without decoding: when the first is shown, and when the
 * last ends, in seconds. Only on a track with threads 0. */
bool track_scan(struct track *track, struct failure *failure, double *ret_start, double *ret_end);

const AVStream *track_stream(const struct track *track);
/* Whether the file has a track of this type, too. */
bool track_has(const struct track *track, enum AVMediaType type);
/* The length that the file claims for the track, in seconds; 0 when it says nothing to rely on. */
double track_claim(const struct track *track);

#endif
