#include "media/clip.h"

#include "media/orient.h"
#include "media/track.h"

#include <errno.h>
#include <libavutil/display.h>
#include <math.h>
#include <stdlib.h>

/* A frame is shown from so much of a frame's length before its time: whoever wrote the file may
 * have rounded to milliseconds. Less than a half, so that of twice as many frames always the same
 * one of two is taken. */
static const double early = 0.45;

struct clip {
    struct track *track;
    AVFrame *now, *next;
    double start;
    int fps;
    bool has_now, has_next, ended;
};

/* The matrix that a player applies, as one of the eight orientations: where it takes the right and
 * the lower edge of the stored picture. */
static int orientation_of(const AVStream *stream)
{
    const int32_t *matrix = (const int32_t *)(const void *)av_stream_get_side_data(
        stream, AV_PKT_DATA_DISPLAYMATRIX, NULL);
    if (!matrix)
        return ORIENT_UPRIGHT;
    /* (x, y) goes to (a x + c y, b x + d y). */
    double a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
    if (fabs(a) >= fabs(b))
        return a >= 0 ? (d >= 0 ? 1 : 4) : d >= 0 ? 2 : 3;
    return b >= 0 ? (c >= 0 ? 5 : 6) : c >= 0 ? 8 : 7;
}

static bool is_wide_gamut(const AVCodecParameters *codec)
{
    return codec->color_trc == AVCOL_TRC_SMPTE2084 || codec->color_trc == AVCOL_TRC_ARIB_STD_B67;
}

static void read_facts(const struct track *track, struct clip_facts *facts)
{
    const AVStream *stream = track_stream(track);
    AVRational pixel = stream->sample_aspect_ratio;
    if (pixel.num <= 0)
        pixel = stream->codecpar->sample_aspect_ratio;
    double shape = pixel.num > 0 && pixel.den > 0 ? av_q2d(pixel) : 0;
    facts->width = stream->codecpar->width;
    facts->height = stream->codecpar->height;
    facts->pixel = shape >= 0.1 && shape <= 10 ? pixel : (AVRational){1, 1};
    facts->orientation = orientation_of(stream);
    facts->fps =
        av_q2d(stream->avg_frame_rate.num > 0 ? stream->avg_frame_rate : stream->r_frame_rate);
    facts->wide_gamut = is_wide_gamut(stream->codecpar);
}

static bool find_length(struct track *track, struct failure *failure, struct clip_facts *facts)
{
    const AVStream *stream = track_stream(track);
    double first, last;
    facts->seconds = track_claim(track);
    if (facts->seconds > 0 && stream->start_time != AV_NOPTS_VALUE) {
        facts->start = (double)stream->start_time * av_q2d(stream->time_base);
        return true;
    }
    if (!track_scan(track, failure, &first, &last))
        return false;
    facts->start = first;
    facts->seconds = last - first;
    return true;
}

static bool check_length(const struct clip_facts *facts, const char *field, struct failure *failure)
{
    if (facts->seconds > 0 && facts->seconds <= TRACK_SECONDS_MAX)
        return true;
    return failure_set(failure, ERROR_VALIDATION, field,
                       "The video of %s is %.0f seconds long; at most %d hours are allowed.", field,
                       facts->seconds, TRACK_SECONDS_MAX / 3600);
}

bool clip_measure(int fd, const char *field, struct failure *failure, struct clip_facts *ret_facts)
{
    struct clip_facts facts = {0};
    struct track *track;
    struct track_wish wish = {.fd = fd, .field = field, .type = AVMEDIA_TYPE_VIDEO};
    if (!track_open(&wish, failure, &track))
        return false;
    read_facts(track, &facts);
    facts.has_sound = track_has(track, AVMEDIA_TYPE_AUDIO);
    facts.codec = avcodec_parameters_alloc();
    bool done =
        facts.codec && avcodec_parameters_copy(facts.codec, track_stream(track)->codecpar) >= 0;
    if (!done)
        failure_note_av(failure, ERROR_INTERNAL, "opening a video", AVERROR(ENOMEM));
    done = done && find_length(track, failure, &facts) && check_length(&facts, field, failure);
    track_free(track);
    if (done)
        *ret_facts = facts;
    else
        clip_facts_free(&facts);
    return done;
}

void clip_facts_free(struct clip_facts *facts)
{
    avcodec_parameters_free(&facts->codec);
}

bool clip_open(const struct clip_source *source, int fps, int threads, struct failure *failure,
               struct clip **ret_clip)
{
    struct clip *clip = calloc(1, sizeof *clip);
    struct track_wish wish = {.fd = source->fd,
                              .field = source->field,
                              .type = AVMEDIA_TYPE_VIDEO,
                              .threads = threads,
                              .known = source->facts.codec};
    if (!clip || !(clip->now = av_frame_alloc()) || !(clip->next = av_frame_alloc())) {
        clip_free(clip);
        return failure_set_av(failure, ERROR_INTERNAL, "opening a video", AVERROR(ENOMEM));
    }
    if (!track_open(&wish, failure, &clip->track)) {
        clip_free(clip);
        return false;
    }
    clip->start = source->facts.start;
    clip->fps = fps;
    *ret_clip = clip;
    return true;
}

void clip_free(struct clip *clip)
{
    if (!clip)
        return;
    track_free(clip->track);
    av_frame_free(&clip->now);
    av_frame_free(&clip->next);
    free(clip);
}

/* When a frame is due, in frames of the row. One without a time comes at once. */
static double due(const struct clip *clip, const AVFrame *frame)
{
    if (frame->best_effort_timestamp == AV_NOPTS_VALUE)
        return 0;
    double at = (double)frame->best_effort_timestamp * av_q2d(track_stream(clip->track)->time_base);
    return (at - clip->start) * clip->fps - early;
}

static void advance(struct clip *clip)
{
    AVFrame *old = clip->now;
    av_frame_unref(old);
    clip->now = clip->next;
    clip->next = old;
    clip->has_now = true;
    clip->has_next = false;
}

bool clip_frame(struct clip *clip, int index, struct failure *failure, const AVFrame **ret_frame)
{
    while (!clip->ended) {
        if (clip->has_next) {
            if (clip->has_now && due(clip, clip->next) > index)
                break;
            advance(clip);
        }
        bool end;
        if (!track_next(clip->track, failure, clip->next, &end))
            return false;
        clip->ended = end;
        clip->has_next = !end;
    }
    *ret_frame = clip->now;
    return true;
}
