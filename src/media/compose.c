#include "media/compose.h"

#include "media/burn.h"
#include "media/compose_input.h"
#include "media/compose_words.h"
#include "media/job.h"

#include <errno.h>
#include <libavutil/error.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    DECODER_THREADS = 2,
    READ_PERCENT = 2, /* progress at the beginning of each stage */
    MEASURE_PERCENT = 4,
    DRAW_PERCENT = 12,
    ENCODE_PERCENT = 88
};

/* What one drawing thread needs. */
struct compose_thread {
    struct canvas *canvas;
    struct plane over[3]; /* the upper picture of a cross-fade */
};

struct compose {
    struct job *job;
    const struct compose_input *input;
    struct footage *footage;
    struct burn *burn; /* NULL: nothing is burnt in */
    struct compose_thread thread[FILM_THREADS_MAX];
    /* Clips and subtitles are read by whoever has the next frame, in the order of frames; drawing
     * is what threads do at the same time. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int turn;
    struct failure failure;
};

static bool make_thread(struct compose_thread *thread, const struct canvas_layout *layout)
{
    thread->canvas = canvas_make(layout);
    bool made = thread->canvas != NULL;
    for (int i = 0; i < 3 && made; i++)
        made = plane_make(i ? layout->width / 2 : layout->width,
                          i ? layout->height / 2 : layout->height, &thread->over[i]);
    return made;
}

static bool make(struct compose *compose, struct job *job, const struct compose_input *input,
                 int threads)
{
    compose->job = job;
    compose->input = input;
    pthread_mutex_init(&compose->lock, NULL);
    pthread_cond_init(&compose->changed, NULL);
    compose->footage = footage_make(input->clips, &input->sequence, DECODER_THREADS);
    bool made = compose->footage != NULL;
    for (int i = 0; i < threads && made; i++)
        made = make_thread(&compose->thread[i], &input->layout);
    return made ||
           failure_set_av(&job->failure, ERROR_INTERNAL, "preparing the film", AVERROR(ENOMEM));
}

static void done(struct compose *compose)
{
    footage_free(compose->footage);
    burn_free(compose->burn);
    for (int i = 0; i < FILM_THREADS_MAX; i++) {
        canvas_free(compose->thread[i].canvas);
        for (int k = 0; k < 3; k++)
            plane_free(&compose->thread[i].over[k]);
    }
    pthread_cond_destroy(&compose->changed);
    pthread_mutex_destroy(&compose->lock);
}

/* What the frame is made of; false when it or an earlier one could not be read. */
static bool take_turn(struct compose *compose, int frame, struct footage_view *view,
                      struct burn_layer **layer)
{
    struct failure *failure = &compose->failure;
    int64_t ms = (int64_t)frame * 1000 / compose->input->sequence.fps;
    pthread_mutex_lock(&compose->lock);
    while (compose->turn != frame)
        pthread_cond_wait(&compose->changed, &compose->lock);
    if (failure->code == ERROR_NONE && footage_view(compose->footage, frame, failure, view) &&
        compose->burn && !burn_at(compose->burn, ms, layer))
        failure_note_av(failure, ERROR_INTERNAL, "drawing the subtitles", AVERROR(ENOMEM));
    bool sound = failure->code == ERROR_NONE;
    compose->turn++;
    pthread_cond_broadcast(&compose->changed);
    pthread_mutex_unlock(&compose->lock);
    return sound;
}

static bool draw_view(struct compose_thread *thread, const struct footage_view *view,
                      struct plane yuv[3])
{
    for (int i = 0; i < view->count; i++) {
        struct plane *to = i ? thread->over : yuv;
        if (!canvas_draw(thread->canvas, &view->layer[i], to))
            return false;
        for (int k = 0; k < 3 && i; k++)
            canvas_blend(&thread->over[k], view->weight[i], &yuv[k]);
    }
    return true;
}

static void draw(void *context, int thread, int frame, struct plane yuv[3])
{
    struct compose *compose = context;
    struct footage_view view = {0};
    struct burn_layer *layer = NULL;
    if (take_turn(compose, frame, &view, &layer)) {
        bool drawn = draw_view(&compose->thread[thread], &view, yuv);
        if (drawn && layer)
            burn_blend(layer, yuv);
        pthread_mutex_lock(&compose->lock);
        if (!drawn)
            failure_note_av(&compose->failure, ERROR_INTERNAL, "drawing a frame", AVERROR(ENOMEM));
        pthread_mutex_unlock(&compose->lock);
    }
    footage_let_go(&view);
    burn_let_go(layer);
}

static bool spoilt(void *context, struct failure *failure)
{
    struct compose *compose = context;
    pthread_mutex_lock(&compose->lock);
    bool is = compose->failure.code != ERROR_NONE;
    if (is)
        *failure = compose->failure;
    pthread_mutex_unlock(&compose->lock);
    return is;
}

static void tell_measured(void *context, double part)
{
    struct job *job = context;
    int step = (int)(part * 1000);
    report_progress(job->report, "Measuring sound",
                    MEASURE_PERCENT + (int)(part * (DRAW_PERCENT - MEASURE_PERCENT)), step, 1000);
}

static void tell_drawn(void *context, int frames)
{
    struct compose *compose = context;
    int total = compose->input->sequence.total;
    int64_t part = (int64_t)frames * (ENCODE_PERCENT - DRAW_PERCENT) / total;
    report_progress(compose->job->report, "Composing video", DRAW_PERCENT + (int)part, frames,
                    total);
}

static void tell_encoding(void *context)
{
    struct compose *compose = context;
    int total = compose->input->sequence.total;
    report_progress(compose->job->report, "Encoding video", ENCODE_PERCENT, total, total);
}

static bool read_sound(void *context, float *samples, int count, struct failure *failure)
{
    return mix_read(context, samples, count, failure);
}

static bool make_film(struct compose *compose, const struct film *film)
{
    int fd;
    struct job *job = compose->job;
    if (!job_create(job, "output.mp4", &fd))
        return false;
    bool made = film_make(film, fd, &job->failure, job->frames_hash);
    close(fd);
    return made;
}

static bool render(struct job *job, const struct compose_input *input,
                   const struct compose_words *words, struct mix *mix)
{
    struct soundtrack_source sound = {
        .context = mix, .samples = mix_length(&input->sequence), .read = read_sound};
    struct compose compose = {0};
    struct film film = {.width = input->layout.width,
                        .height = input->layout.height,
                        .fps = input->sequence.fps,
                        .frames = input->sequence.total,
                        .threads = film_threads(),
                        .filmed = true,
                        .sound = mix ? &sound : NULL,
                        .captions = input->subtitles == COMPOSE_TRACK ? &words->captions : NULL,
                        .choice = job->encoder,
                        .context = &compose,
                        .draw = draw,
                        .spoilt = spoilt,
                        .drawn = tell_drawn,
                        .encoding = tell_encoding};
    bool made = make(&compose, job, input, film.threads);
    if (made && input->subtitles == COMPOSE_BURN) {
        compose.burn =
            burn_make(words->text.data, words->text.size, film.width, film.height, &job->failure);
        made = compose.burn != NULL;
    }
    made = made && make_film(&compose, &film);
    done(&compose);
    return made;
}

bool compose_render(struct job *job)
{
    struct compose_input input;
    struct compose_words words;
    struct mix *mix = NULL;
    compose_input_init(&input);
    compose_words_init(&words);
    report_progress(job->report, "Reading inputs", READ_PERCENT, 0, 0);
    bool made = compose_input_read(job, &input) && compose_words_make(job, &input, &words);
    if (made) {
        report_progress(job->report, "Measuring sound", MEASURE_PERCENT, 0, 0);
        input.mix.context = job;
        input.mix.measured = tell_measured;
        made = mix_make(&input.mix, &job->failure, &mix);
    }
    made = made && render(job, &input, &words, mix) && job_complete(job);
    mix_free(mix);
    compose_words_done(&words);
    compose_input_done(&input);
    return made;
}
