#include "media/fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fixture_init(struct fixture *fixture)
{
    const char *parent = getenv("TMPDIR");
    snprintf(fixture->path, sizeof fixture->path, "%.40s/media-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(fixture->path));
    assert_true(folder_open(fixture->path, &fixture->folder));
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    return remove(path);
}

void fixture_done(struct fixture *fixture)
{
    folder_close(&fixture->folder);
    assert_int_equal(nftw(fixture->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void fixture_write(const struct fixture *fixture, const char *name, const void *data, size_t size)
{
    int fd = openat(fixture->folder.fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    close(fd);
}

int fixture_open(const struct fixture *fixture, const char *name)
{
    int fd = openat(fixture->folder.fd, name, O_RDWR | O_CREAT, 0600);
    assert_true(fd >= 0);
    return fd;
}

uint8_t *fixture_read(const struct fixture *fixture, const char *name, size_t *ret_size)
{
    struct stat status;
    int fd = fixture_open(fixture, name);
    assert_int_equal(fstat(fd, &status), 0);
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size + 1);
    assert_non_null(data);
    assert_int_equal(read(fd, data, size), size);
    close(fd);
    *ret_size = size;
    return data;
}

static void set(struct picture *picture, int x, int y, uint32_t colour)
{
    plane_row(&picture->plane[PICTURE_RED], y)[x] = (uint8_t)(colour >> 16);
    plane_row(&picture->plane[PICTURE_GREEN], y)[x] = (uint8_t)(colour >> 8);
    plane_row(&picture->plane[PICTURE_BLUE], y)[x] = (uint8_t)colour;
}

struct picture fixture_quarters(int width, int height)
{
    struct picture picture;
    assert_true(picture_make(width, height, &picture));
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            bool right = x >= width / 2, low = y >= height / 2;
            set(&picture, x, y,
                !low ? (right ? 0x00ff00 : 0xff0000) : (right ? 0x0000ff : 0xffffff));
        }
    }
    return picture;
}

static AVFrame *to_frame(const struct picture *picture, enum AVPixelFormat format)
{
    int width = picture_width(picture), height = picture_height(picture);
    AVFrame *frame = av_frame_alloc();
    assert_non_null(frame);
    frame->width = width;
    frame->height = height;
    frame->format = format;
    assert_true(av_frame_get_buffer(frame, 0) >= 0);
    struct SwsContext *scaler = sws_getContext(width, height, AV_PIX_FMT_GBRP, width, height,
                                               format, SWS_BICUBIC, NULL, NULL, NULL);
    assert_non_null(scaler);
    const struct plane *planes = picture->plane;
    const uint8_t *data[4] = {planes[1].data, planes[2].data, planes[0].data, NULL};
    int stride[4] = {(int)planes[1].stride, (int)planes[2].stride, (int)planes[0].stride, 0};
    sws_scale(scaler, data, stride, 0, height, frame->data, frame->linesize);
    sws_freeContext(scaler);
    return frame;
}

void fixture_encode(const struct fixture *fixture, const char *name, const struct picture *picture,
                    enum AVCodecID codec, enum AVPixelFormat format)
{
    AVFrame *frame = to_frame(picture, format);
    AVPacket *packet = av_packet_alloc();
    AVCodecContext *context = avcodec_alloc_context3(avcodec_find_encoder(codec));
    assert_non_null(packet);
    assert_non_null(context);
    context->width = frame->width;
    context->height = frame->height;
    context->pix_fmt = format;
    context->time_base = (AVRational){1, 1};
    context->flags |= AV_CODEC_FLAG_QSCALE;
    context->global_quality = FF_QP2LAMBDA;
    assert_true(avcodec_open2(context, NULL, NULL) >= 0);
    frame->pts = 0;
    frame->quality = FF_QP2LAMBDA;
    assert_true(avcodec_send_frame(context, frame) >= 0);
    avcodec_send_frame(context, NULL);
    assert_true(avcodec_receive_packet(context, packet) >= 0);
    fixture_write(fixture, name, packet->data, (size_t)packet->size);
    avcodec_free_context(&context);
    av_packet_free(&packet);
    av_frame_free(&frame);
}

void fixture_expect(const struct picture *picture, int x, int y, uint32_t colour, int near)
{
    for (int i = 0; i < PICTURE_PLANES; i++) {
        int value = plane_row(&picture->plane[i], y)[x];
        int wanted = (int)(colour >> (16 - 8 * i) & 255);
        if (abs(value - wanted) > near)
            fail_msg("at (%d, %d) channel %d is %d, not %d", x, y, i, value, wanted);
    }
}
