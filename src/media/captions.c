#include "media/captions.h"

#include <errno.h>
#include <string.h>

enum { TIME_UNITS = 1000 /* a second */, TEXT_MAX = 4096 };

/* TS 26.245, 5.16: how the text looks where it does not say itself: centred at the bottom, white,
 * size 18, the first and only font. */
static const uint8_t description[] = {
    0,    0,    0,    0,                        /* display flags */
    1,    0xff,                                 /* centred; at the bottom */
    0,    0,    0,    0,                        /* no background */
    0,    0,    0,    0,    0,   0,   0,   0,   /* the box: all of the track */
    0,    0,    0,    0,    0,   1,             /* style: from, to, font */
    0,    18,                                   /* face, size */
    0xff, 0xff, 0xff, 0xff,                     /* white */
    0,    0,    0,    23,   'f', 't', 'a', 'b', /* the table of fonts */
    0,    1,    0,    1,    10,  'S', 'a', 'n', 's', '-', 'S', 'e', 'r', 'i', 'f',
};

int captions_open(const struct captions *captions, AVFormatContext *format, int width, int height,
                  AVStream **ret_track)
{
    AVStream *track = avformat_new_stream(format, NULL);
    if (!track)
        return AVERROR(ENOMEM);
    AVCodecParameters *codec = track->codecpar;
    codec->extradata = av_mallocz(sizeof description + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!codec->extradata)
        return AVERROR(ENOMEM);
    memcpy(codec->extradata, description, sizeof description);
    codec->extradata_size = sizeof description;
    codec->codec_type = AVMEDIA_TYPE_SUBTITLE;
    codec->codec_id = AV_CODEC_ID_MOV_TEXT;
    codec->width = width;
    codec->height = height;
    track->time_base = (AVRational){1, TIME_UNITS};
    track->disposition = AV_DISPOSITION_DEFAULT;
    *ret_track = track;
    if (captions->language[0])
        return av_dict_set(&track->metadata, "language", captions->language, 0);
    return 0;
}

/* A sample is the text's length in two bytes, and the text. */
static int write_one(const struct caption *caption, AVFormatContext *format, const AVStream *track)
{
    AVPacket *packet = av_packet_alloc();
    size_t size = strnlen(caption->text, TEXT_MAX);
    int result = packet ? av_new_packet(packet, (int)size + 2) : AVERROR(ENOMEM);
    if (result >= 0) {
        packet->data[0] = (uint8_t)(size >> 8);
        packet->data[1] = (uint8_t)size;
        memcpy(packet->data + 2, caption->text, size);
        packet->pts = packet->dts = caption->start_ms;
        packet->duration = caption->end_ms - caption->start_ms;
        av_packet_rescale_ts(packet, (AVRational){1, 1000}, track->time_base);
        packet->stream_index = track->index;
        packet->flags |= AV_PKT_FLAG_KEY;
        result = av_write_frame(format, packet);
    }
    av_packet_free(&packet);
    return result;
}

int captions_write(const struct captions *captions, AVFormatContext *format, const AVStream *track,
                   double seconds, int *next)
{
    int result = 0;
    while (result >= 0 && *next < captions->count &&
           (double)captions->items[*next].start_ms < seconds * 1000)
        result = write_one(&captions->items[(*next)++], format, track);
    return result;
}
