#include "media/probe.h"

#include "base/bytes.h"
#include "base/sniff.h"
#include "media/orient.h"
#include "media/stream.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Enough for the headers of any image, with what cameras put before them. */
enum { HEAD_SIZE = 1 << 20 };

static const char *demuxer_of(enum sniff_kind kind)
{
    static const char *const demuxers[SNIFF_KIND_COUNT] = {
        [SNIFF_MP4] = "mov", [SNIFF_AVIF] = "mov", [SNIFF_MATROSKA] = "matroska",
        [SNIFF_WAV] = "wav", [SNIFF_MP3] = "mp3",  [SNIFF_FLAC] = "flac",
        [SNIFF_OGG] = "ogg", [SNIFF_AAC] = "aac",
    };
    return demuxers[kind];
}

/* The cover of a record is no film. */
static bool is_picture_track(const AVStream *track)
{
    return track->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
           !(track->disposition & AV_DISPOSITION_ATTACHED_PIC);
}

static bool probe_tracks(int fd, struct probe *probe)
{
    struct stream stream;
    if (!stream_open(fd, false, &stream))
        return false;
    AVFormatContext *format = avformat_alloc_context();
    bool done = false;
    if (format) {
        format->pb = stream.io;
        format->flags |= AVFMT_FLAG_CUSTOM_IO;
        done =
            avformat_open_input(&format, NULL, av_find_input_format(probe->demuxer), NULL) >= 0 &&
            avformat_find_stream_info(format, NULL) >= 0;
    }
    const AVStream *video = NULL;
    for (unsigned i = 0; done && i < format->nb_streams; i++) {
        const AVStream *track = format->streams[i];
        if (track->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            probe->has_audio = true;
        else if (is_picture_track(track) && !video)
            video = track;
    }
    if (video) {
        probe->is_video = true;
        probe->width = video->codecpar->width;
        probe->height = video->codecpar->height;
        probe->fps = av_q2d(video->avg_frame_rate);
        probe->frames = video->nb_frames;
    }
    /* The track counts finer than the file, which rounds up to milliseconds. */
    if (video && video->duration > 0)
        probe->duration_ms = llround((double)video->duration * av_q2d(video->time_base) * 1000);
    else if (done && format->duration != AV_NOPTS_VALUE)
        probe->duration_ms = (format->duration + 500) / 1000;
    avformat_close_input(&format);
    stream_close(&stream);
    return done && (video || probe->has_audio);
}

static void probe_image(const struct sniff *sniff, struct bytes head, struct probe *probe)
{
    bool turned = orient_find(sniff->kind, head.data, head.size) >= 5;
    probe->width = (int)(turned ? sniff->height : sniff->width);
    probe->height = (int)(turned ? sniff->width : sniff->height);
}

static bool probe_bytes(int fd, struct bytes head, struct probe *probe)
{
    struct sniff sniff = sniff_bytes(head.data, head.size);
    probe->content_type = sniff_media(head.data, head.size);
    probe->demuxer = demuxer_of(sniff.kind);
    if (!probe->content_type)
        return false;
    if (!probe->demuxer) {
        probe_image(&sniff, head, probe);
        return probe->width > 0 && probe->height > 0;
    }
    if (!probe_tracks(fd, probe))
        return false;
    if (sniff.kind == SNIFF_AVIF)
        probe->is_video = false;
    else if (sniff.kind == SNIFF_MP4 && !probe->is_video)
        probe->content_type = "audio/mp4";
    return true;
}

bool probe_read(int fd, const char *field, struct failure *failure, struct probe *ret_probe)
{
    struct stat status;
    struct probe probe = {0};
    uint8_t *head = malloc(HEAD_SIZE);
    if (!head)
        return failure_set_av(failure, ERROR_INTERNAL, "reading a file", AVERROR(ENOMEM));
    ssize_t size = pread(fd, head, HEAD_SIZE, 0);
    bool done = size > 0 && fstat(fd, &status) == 0 &&
                probe_bytes(fd, (struct bytes){head, (size_t)size}, &probe);
    free(head);
    if (!done)
        return failure_set(failure, ERROR_OUTPUT_INVALID, field,
                           "The file of %s is no image, sound or video that can be read.", field);
    probe.bytes = status.st_size;
    *ret_probe = probe;
    return true;
}
