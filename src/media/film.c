#include "media/film.h"

#include <assert.h>
#include <errno.h>
#include <libavutil/murmur3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RING = 8, HASH_BYTES = 16 };

struct slot {
    AVFrame *frame;
    uint8_t hash[HASH_BYTES];
    bool ready;
};

struct studio {
    const struct film *film;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct slot ring[RING]; /* frame n lies in slot n modulo RING */
    int next;               /* to be drawn */
    int taken;              /* frames that the encoder is done with */
    bool stop;
    int names; /* threads that have taken their number */
};

int film_threads(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 2 ? 1 : processors > FILM_THREADS_MAX ? FILM_THREADS_MAX : (int)processors;
}

static void planes_of(AVFrame *frame, struct plane yuv[3])
{
    for (int i = 0; i < 3; i++) {
        yuv[i] = (struct plane){.data = frame->data[i],
                                .width = i ? frame->width / 2 : frame->width,
                                .height = i ? frame->height / 2 : frame->height,
                                .stride = frame->linesize[i]};
    }
}

static bool hash_planes(const struct plane yuv[3], uint8_t hash[HASH_BYTES])
{
    struct AVMurMur3 *state = av_murmur3_alloc();
    if (!state)
        return false;
    av_murmur3_init(state);
    for (int i = 0; i < 3; i++) {
        for (int y = 0; y < yuv[i].height; y++)
            av_murmur3_update(state, plane_row(&yuv[i], y), (size_t)yuv[i].width);
    }
    av_murmur3_final(state, hash);
    av_free(state);
    return true;
}

/* Claims the next frame to draw; false when there is none or the work was stopped. */
static bool claim(struct studio *studio, int *ret_frame)
{
    pthread_mutex_lock(&studio->lock);
    while (!studio->stop && studio->next < studio->film->frames &&
           studio->next >= studio->taken + RING)
        pthread_cond_wait(&studio->changed, &studio->lock);
    bool got = !studio->stop && studio->next < studio->film->frames;
    if (got)
        *ret_frame = studio->next++;
    pthread_mutex_unlock(&studio->lock);
    return got;
}

static void *draw_frames(void *argument)
{
    struct studio *studio = argument;
    pthread_mutex_lock(&studio->lock);
    int thread = studio->names++;
    pthread_mutex_unlock(&studio->lock);
    int frame;
    while (claim(studio, &frame)) {
        struct slot *slot = &studio->ring[frame % RING];
        struct plane yuv[3];
        planes_of(slot->frame, yuv);
        studio->film->draw(studio->film->context, thread, frame, yuv);
        bool hashed = hash_planes(yuv, slot->hash);
        pthread_mutex_lock(&studio->lock);
        slot->ready = hashed;
        studio->stop = studio->stop || !hashed;
        pthread_cond_broadcast(&studio->changed);
        pthread_mutex_unlock(&studio->lock);
    }
    return NULL;
}

/* Waits for a frame; false when drawing broke off. */
static bool await(struct studio *studio, int frame)
{
    struct slot *slot = &studio->ring[frame % RING];
    pthread_mutex_lock(&studio->lock);
    while (!slot->ready && !studio->stop)
        pthread_cond_wait(&studio->changed, &studio->lock);
    bool ready = slot->ready;
    pthread_mutex_unlock(&studio->lock);
    return ready;
}

static void release(struct studio *studio, int frame, bool stop)
{
    pthread_mutex_lock(&studio->lock);
    studio->ring[frame % RING].ready = false;
    studio->taken = frame + 1;
    studio->stop = stop;
    pthread_cond_broadcast(&studio->changed);
    pthread_mutex_unlock(&studio->lock);
}

static bool make_ring(struct studio *studio)
{
    for (int i = 0; i < RING && i < studio->film->frames; i++) {
        AVFrame *frame = studio->ring[i].frame = av_frame_alloc();
        if (!frame)
            return false;
        frame->format = AV_PIX_FMT_YUV420P;
        frame->width = studio->film->width;
        frame->height = studio->film->height;
        frame->color_range = AVCOL_RANGE_MPEG;
        frame->colorspace = AVCOL_SPC_BT709;
        if (av_frame_get_buffer(frame, 0) < 0)
            return false;
    }
    return true;
}

/* Takes the frames in order, encodes and hashes; the drawing threads have been started. */
static bool take_frames(struct studio *studio, struct encoder *encoder, struct AVMurMur3 *total,
                        struct failure *failure)
{
    const struct film *film = studio->film;
    for (int frame = 0; frame < film->frames; frame++) {
        if (!await(studio, frame))
            return failure_set_av(failure, ERROR_INTERNAL, "drawing the frames", AVERROR(ENOMEM));
        struct slot *slot = &studio->ring[frame % RING];
        av_murmur3_update(total, slot->hash, sizeof slot->hash);
        bool written = !film->spoilt || !film->spoilt(film->context, failure);
        written = written && (!encoder || encoder_write(encoder, slot->frame, failure));
        release(studio, frame, !written);
        if (!written)
            return false;
        if (film->drawn)
            film->drawn(film->context, frame + 1);
    }
    return true;
}

static bool run(struct studio *studio, struct encoder *encoder, struct failure *failure,
                char ret_hash[static FILM_HASH_SIZE])
{
    pthread_t threads[FILM_THREADS_MAX];
    int started = 0;
    struct AVMurMur3 *total = av_murmur3_alloc();
    if (!total || !make_ring(studio)) {
        av_free(total);
        return failure_set_av(failure, ERROR_INTERNAL, "preparing the frames", AVERROR(ENOMEM));
    }
    av_murmur3_init(total);
    while (started < studio->film->threads &&
           pthread_create(&threads[started], NULL, draw_frames, studio) == 0)
        started++;
    bool done = started > 0;
    if (!done)
        failure_note(failure, ERROR_INTERNAL, NULL, "The worker may not start threads.");
    done = done && take_frames(studio, encoder, total, failure);
    pthread_mutex_lock(&studio->lock);
    studio->stop = true;
    pthread_cond_broadcast(&studio->changed);
    pthread_mutex_unlock(&studio->lock);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    uint8_t hash[HASH_BYTES];
    av_murmur3_final(total, hash);
    av_free(total);
    for (int i = 0; i < HASH_BYTES && done; i++)
        snprintf(ret_hash + 2 * i, 3, "%02x", hash[i]);
    return done;
}

bool film_make(const struct film *film, int fd, struct failure *failure,
               char ret_hash[static FILM_HASH_SIZE])
{
    assert(film->threads >= 1 && film->threads <= FILM_THREADS_MAX && film->frames >= 1);
    struct studio studio = {.film = film};
    struct encoder *encoder = NULL;
    pthread_mutex_init(&studio.lock, NULL);
    pthread_cond_init(&studio.changed, NULL);
    bool done = true;
    if (fd >= 0) {
        struct encoder_settings settings = {.fd = fd,
                                            .width = film->width,
                                            .height = film->height,
                                            .fps = film->fps,
                                            .dithered = film->dithered,
                                            .filmed = film->filmed,
                                            .sound = film->sound,
                                            .captions = film->captions,
                                            .choice = film->choice};
        done = (encoder = encoder_make(&settings, failure)) != NULL;
    }
    done = done && run(&studio, encoder, failure, ret_hash);
    if (done && film->encoding)
        film->encoding(film->context);
    done = done && (!encoder || encoder_finish(encoder, failure));
    encoder_free(encoder);
    for (int i = 0; i < RING; i++)
        av_frame_free(&studio.ring[i].frame);
    pthread_cond_destroy(&studio.changed);
    pthread_mutex_destroy(&studio.lock);
    return done;
}
