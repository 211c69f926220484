#include "media/track.h"

#include "base/bytes.h"
#include "base/sniff.h"
#include "media/stream.h"

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavutil/avstring.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEAD_SIZE = 4096,
    FAULTS_MIN = 8,  /* so many damaged places are always passed over … */
    FAULTS_PART = 8, /* … and of more, one in so many packets */
    CHUNKS_MAX = 64
};

static const int64_t unknown_length = 0x7fffff00;

/* Beside the usual ones of today, what cameras and editors wrote for the last twenty years. */
static const char decoders[] =
    "h264,hevc,vp8,vp9,libdav1d,av1,mpeg4,mjpeg,prores,theora,"
    "aac,mp3float,mp3,opus,vorbis,flac,alac,ac3,eac3,pcm_u8,pcm_s16le,pcm_s24le,pcm_s32le,"
    "pcm_f32le,pcm_f64le,pcm_s16be,pcm_s24be,pcm_mulaw,pcm_alaw";

/* A track may end so much before its file says so and still be whole. */
static const double end_slack = 0.5, end_slack_part = 0.02;

struct track {
    const char *field;
    struct stream stream;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVPacket *packet;
    AVStream *chosen;
    enum sniff_kind kind;
    int64_t packets, faults, frames;
    double seen_end; /* of the latest frame, in seconds */
    bool drained;    /* the decoder was told the end */
};

static const char *demuxer_of(enum sniff_kind kind, enum AVMediaType type)
{
    static const char *const films[SNIFF_KIND_COUNT] = {
        [SNIFF_MP4] = "mov", [SNIFF_MATROSKA] = "matroska"};
    static const char *const sounds[SNIFF_KIND_COUNT] = {
        [SNIFF_MP4] = "mov", [SNIFF_MATROSKA] = "matroska", [SNIFF_WAV] = "wav",
        [SNIFF_MP3] = "mp3", [SNIFF_FLAC] = "flac",         [SNIFF_OGG] = "ogg",
        [SNIFF_AAC] = "aac"};
    return type == AVMEDIA_TYPE_VIDEO ? films[kind] : sounds[kind];
}

static const char *word_of(enum AVMediaType type)
{
    return type == AVMEDIA_TYPE_VIDEO ? "video" : "sound";
}

/* Films and sounds hold everything in themselves here; who asks for another file gets none. */
static int open_nothing(AVFormatContext *format, AVIOContext **ret_io, const char *url, int flags,
                        AVDictionary **options)
{
    return AVERROR(EPERM);
}

static bool sniff(const struct track_wish *wish, struct failure *failure, struct track *track)
{
    uint8_t head[HEAD_SIZE];
    ssize_t size = pread(wish->fd, head, sizeof head, 0);
    if (size <= 0)
        return failure_set(failure, ERROR_VALIDATION, wish->field,
                           "The file of %s is empty; a %s is needed.", wish->field,
                           word_of(wish->type));
    track->kind = sniff_bytes(head, (size_t)size).kind;
    if (demuxer_of(track->kind, wish->type))
        return true;
    return failure_set(failure, ERROR_VALIDATION, wish->field,
                       wish->type == AVMEDIA_TYPE_VIDEO
                           ? "The file of %s is %s; MP4, QuickTime, WebM and Matroska videos are "
                             "allowed."
                           : "The file of %s is %s; WAV, MP3, FLAC, Ogg, AAC, M4A, MP4, WebM and "
                             "Matroska sounds are allowed.",
                       wish->field, sniff_word(track->kind));
}

static bool set_broken(const struct track *track, struct failure *failure, const char *how)
{
    return failure_set(failure, ERROR_VALIDATION, track->field,
                       "The %s file of %s is %s and can not be decoded.", sniff_word(track->kind),
                       track->field, how);
}

/* Whether the header alone tells how the track is to be decoded. To look for more would be to
 * decode pictures, which who wants the sound has no use for. */
static bool says_all(enum sniff_kind kind, enum AVMediaType type)
{
    return type == AVMEDIA_TYPE_AUDIO && (kind == SNIFF_MP4 || kind == SNIFF_MATROSKA);
}

static int open_demuxer(const struct track_wish *wish, struct track *track)
{
    track->packet = av_packet_alloc();
    track->format = avformat_alloc_context();
    if (!track->packet || !track->format || !stream_open(wish->fd, false, &track->stream))
        return AVERROR(ENOMEM);
    track->format->pb = track->stream.io;
    track->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    track->format->io_open = open_nothing;
    track->format->codec_whitelist = av_strdup(decoders);
    track->format->protocol_whitelist = av_strdup("none");
    if (!track->format->codec_whitelist || !track->format->protocol_whitelist)
        return AVERROR(ENOMEM);
    const AVInputFormat *input = av_find_input_format(demuxer_of(track->kind, wish->type));
    int result = avformat_open_input(&track->format, NULL, input, NULL);
    if (result < 0 || wish->known || says_all(track->kind, wish->type))
        return result;
    return avformat_find_stream_info(track->format, NULL);
}

/* The track, less cover pictures; libav's own choice counts those as films. */
static AVStream *choose(const AVFormatContext *format, enum AVMediaType type)
{
    AVStream *chosen = NULL;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        AVStream *stream = format->streams[i];
        bool fits = stream->codecpar->codec_type == type &&
                    !(stream->disposition & AV_DISPOSITION_ATTACHED_PIC);
        bool better = !chosen || (!(chosen->disposition & AV_DISPOSITION_DEFAULT) &&
                                  (stream->disposition & AV_DISPOSITION_DEFAULT));
        if (fits && better)
            chosen = stream;
    }
    for (unsigned i = 0; i < format->nb_streams; i++) {
        if (format->streams[i] != chosen)
            format->streams[i]->discard = AVDISCARD_ALL;
    }
    return chosen;
}

/* The samples that a WAV says it has must be there; who writes one as it comes says all ones. */
static bool is_whole_wave(int fd, int64_t size)
{
    uint8_t head[8];
    int64_t at = 12;
    for (int i = 0; i < CHUNKS_MAX && pread(fd, head, sizeof head, at) == sizeof head; i++) {
        struct bytes bytes = {head, sizeof head};
        int64_t length = bytes_le32(bytes, 4);
        at += 8;
        if (bytes_are(bytes, 0, "data", 4))
            return length >= unknown_length || at + length <= size;
        at += length + length % 2;
    }
    return true;
}

/* What the index of an MP4 points to must lie inside the file. */
static bool is_whole(const struct track *track, int fd)
{
    struct stat status;
    int count = avformat_index_get_entries_count(track->chosen);
    if (fstat(fd, &status) != 0)
        return true;
    if (track->kind == SNIFF_WAV)
        return is_whole_wave(fd, status.st_size);
    if (track->kind != SNIFF_MP4)
        return true;
    for (int i = 0; i < count; i++) {
        const AVIndexEntry *entry = avformat_index_get_entry(track->chosen, i);
        if (entry->pos + entry->size > status.st_size)
            return false;
    }
    return true;
}

static bool sizes_fit(const struct track *track, struct failure *failure)
{
    const AVCodecParameters *codec = track->chosen->codecpar;
    if (codec->codec_type != AVMEDIA_TYPE_VIDEO)
        return true;
    if (codec->width < 1 || codec->height < 1)
        return set_broken(track, failure, "broken");
    if (codec->width <= TRACK_SIDE_MAX && codec->height <= TRACK_SIDE_MAX &&
        (int64_t)codec->width * codec->height <= TRACK_PIXELS_MAX)
        return true;
    return failure_set(failure, ERROR_VALIDATION, track->field,
                       "The video of %s has %d × %d pixels; at most %d million in all and %d a "
                       "side are allowed.",
                       track->field, codec->width, codec->height, TRACK_PIXELS_MAX / 1000000,
                       TRACK_SIDE_MAX);
}

static bool open_decoder(const struct track_wish *wish, struct failure *failure,
                         struct track *track)
{
    const AVCodecParameters *parameters = wish->known ? wish->known : track->chosen->codecpar;
    const AVCodec *decoder = avcodec_find_decoder(parameters->codec_id);
    if (!decoder || !av_match_list(decoder->name, decoders, ','))
        return failure_set(failure, ERROR_VALIDATION, wish->field,
                           "The %s of %s is coded as %s, which is not allowed here; H.264, HEVC, "
                           "VP8, VP9 and AV1, AAC, MP3, Opus, Vorbis, FLAC and PCM are.",
                           word_of(wish->type), wish->field,
                           avcodec_get_name(parameters->codec_id));
    track->codec = avcodec_alloc_context3(decoder);
    if (!track->codec || avcodec_parameters_to_context(track->codec, parameters) < 0)
        return failure_set_av(failure, ERROR_INTERNAL, "starting a decoder", AVERROR(ENOMEM));
    track->codec->pkt_timebase = track->chosen->time_base;
    track->codec->max_pixels = TRACK_PIXELS_MAX + TRACK_PIXELS_MAX / 8;
    track->codec->thread_count = wish->threads;
    int result = avcodec_open2(track->codec, decoder, NULL);
    if (result == AVERROR(ENOMEM))
        return failure_set_av(failure, ERROR_INTERNAL, "starting a decoder", result);
    return result >= 0 || set_broken(track, failure, "broken");
}

static bool open_all(const struct track_wish *wish, struct failure *failure, struct track *track)
{
    track->field = wish->field;
    if (!sniff(wish, failure, track))
        return false;
    int result = open_demuxer(wish, track);
    if (result == AVERROR(ENOMEM))
        return failure_set_av(failure, ERROR_INTERNAL, "opening a file", result);
    if (result < 0)
        return set_broken(track, failure, "broken or cut off");
    track->chosen = choose(track->format, wish->type);
    if (!track->chosen)
        return wish->may_lack ||
               failure_set(failure, ERROR_VALIDATION, wish->field, "The file of %s holds no %s.",
                           wish->field, word_of(wish->type));
    if (!sizes_fit(track, failure))
        return false;
    if (!is_whole(track, wish->fd))
        return set_broken(track, failure, "cut off");
    return wish->threads == 0 || open_decoder(wish, failure, track);
}

bool track_open(const struct track_wish *wish, struct failure *failure, struct track **ret_track)
{
    struct track *track = calloc(1, sizeof *track);
    if (!track)
        return failure_set_av(failure, ERROR_INTERNAL, "opening a file", AVERROR(ENOMEM));
    bool done = open_all(wish, failure, track);
    if (done && track->chosen) {
        *ret_track = track;
        return true;
    }
    track_free(track);
    if (done)
        *ret_track = NULL;
    return done;
}

void track_free(struct track *track)
{
    if (!track)
        return;
    avcodec_free_context(&track->codec);
    av_packet_free(&track->packet);
    avformat_close_input(&track->format);
    stream_close(&track->stream);
    free(track);
}

const AVStream *track_stream(const struct track *track)
{
    return track->chosen;
}

bool track_has(const struct track *track, enum AVMediaType type)
{
    for (unsigned i = 0; i < track->format->nb_streams; i++) {
        if (track->format->streams[i]->codecpar->codec_type == type)
            return true;
    }
    return false;
}

double track_claim(const struct track *track)
{
    const AVStream *stream = track->chosen;
    /* Fragments and live recordings say nothing of the whole. */
    if (track->kind == SNIFF_MATROSKA || stream->duration <= 0 ||
        (track->kind == SNIFF_MP4 && stream->nb_frames <= 0))
        return 0;
    return (double)stream->duration * av_q2d(stream->time_base);
}

static bool is_damaged(const struct track *track)
{
    return track->faults > FAULTS_MIN && track->faults > track->packets / FAULTS_PART;
}

/* The end has come: was it where the file says? */
static bool end(const struct track *track, struct failure *failure)
{
    double claim = track_claim(track);
    if (track->frames == 0)
        return set_broken(track, failure, "broken or empty");
    if (is_damaged(track))
        return set_broken(track, failure, "broken");
    /* MP3's claims are guesses. */
    if (track->kind != SNIFF_MP3 && track->kind != SNIFF_AAC &&
        track->seen_end < claim - end_slack - end_slack_part * claim)
        return set_broken(track, failure, "cut off");
    return true;
}

/* The decoder's next packet, or the news that there are no more. */
static int feed(struct track *track)
{
    int result;
    do {
        av_packet_unref(track->packet);
        result = av_read_frame(track->format, track->packet);
    } while (result >= 0 && track->packet->stream_index != track->chosen->index);
    if (result < 0) {
        track->drained = true;
        return avcodec_send_packet(track->codec, NULL);
    }
    track->packets++;
    result = avcodec_send_packet(track->codec, track->packet);
    av_packet_unref(track->packet);
    return result;
}

static double end_of(const struct track *track, const AVFrame *frame)
{
    if (frame->best_effort_timestamp == AV_NOPTS_VALUE)
        return track->seen_end;
    int64_t at = frame->best_effort_timestamp;
    if (track->chosen->start_time != AV_NOPTS_VALUE)
        at -= track->chosen->start_time;
    return (double)(at + frame->pkt_duration) * av_q2d(track->chosen->time_base);
}

bool track_next(struct track *track, struct failure *failure, AVFrame *frame, bool *ret_end)
{
    for (;;) {
        int result = avcodec_receive_frame(track->codec, frame);
        if (result == AVERROR(EAGAIN) && !track->drained) {
            result = feed(track);
            if (result >= 0)
                continue;
        }
        if (result >= 0) {
            track->frames++;
            track->seen_end = end_of(track, frame);
            *ret_end = false;
            return true;
        }
        if (result == AVERROR(ENOMEM))
            return failure_set_av(failure, ERROR_INTERNAL, "decoding a file", result);
        if (result == AVERROR_EOF || result == AVERROR(EAGAIN)) {
            *ret_end = true;
            return end(track, failure);
        }
        track->faults++;
        if (is_damaged(track))
            return set_broken(track, failure, "broken");
    }
}

/* The length that the file's own header gives to all of it, in seconds; 0 without one. */
static double whole_claim(const struct track *track)
{
    const AVFormatContext *format = track->format;
    bool said =
        format->duration > 0 && format->duration_estimation_method == AVFMT_DURATION_FROM_STREAM;
    return track->kind == SNIFF_MATROSKA && said ? (double)format->duration / AV_TIME_BASE : 0;
}

/* When a packet of any track ends, in seconds. */
static double latest_of(const struct track *track, const AVPacket *packet)
{
    const AVStream *stream = track->format->streams[packet->stream_index];
    if (packet->pts == AV_NOPTS_VALUE)
        return 0;
    return (double)(packet->pts + packet->duration) * av_q2d(stream->time_base);
}

bool track_scan(struct track *track, struct failure *failure, double *ret_start, double *ret_end)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    double latest = 0, whole = whole_claim(track);
    /* The file is as long as its longest track. */
    for (unsigned i = 0; i < track->format->nb_streams; i++)
        track->format->streams[i]->discard = AVDISCARD_DEFAULT;
    while (av_read_frame(track->format, track->packet) >= 0) {
        const AVPacket *packet = track->packet;
        if (packet->stream_index == track->chosen->index && packet->pts != AV_NOPTS_VALUE) {
            int64_t length = packet->duration;
            first = packet->pts < first ? packet->pts : first;
            last = packet->pts + length > last ? packet->pts + length : last;
        }
        latest = fmax(latest, latest_of(track, packet));
        av_packet_unref(track->packet);
    }
    if (first > last)
        return set_broken(track, failure, "broken or empty");
    if (latest < whole - end_slack - end_slack_part * whole)
        return set_broken(track, failure, "cut off");
    *ret_start = (double)first * av_q2d(track->chosen->time_base);
    *ret_end = (double)last * av_q2d(track->chosen->time_base);
    return true;
}
