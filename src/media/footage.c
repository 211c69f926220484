#include "media/footage.h"

#include <errno.h>
#include <libavutil/error.h>
#include <stdlib.h>

/* A clip that is seen. */
struct lane {
    struct clip *clip;
    struct sequence_piece piece;
};

struct footage {
    const struct clip_source *clips;
    const struct sequence *sequence;
    int threads;
    struct lane lane[FOOTAGE_LAYERS]; /* in the order of their pieces */
    int lanes;
    struct sequence_piece next;
    bool has_next;
};

struct footage *footage_make(const struct clip_source *clips, const struct sequence *sequence,
                             int threads)
{
    struct footage *footage = calloc(1, sizeof *footage);
    if (!footage)
        return NULL;
    footage->clips = clips;
    footage->sequence = sequence;
    footage->threads = threads;
    footage->has_next = sequence_first(sequence, &footage->next);
    return footage;
}

void footage_free(struct footage *footage)
{
    if (!footage)
        return;
    for (int i = 0; i < footage->lanes; i++)
        clip_free(footage->lane[i].clip);
    free(footage);
}

/* Closes what is over. */
static void leave(struct footage *footage, int frame)
{
    while (footage->lanes > 0 &&
           footage->lane[0].piece.first + footage->lane[0].piece.frames <= frame) {
        clip_free(footage->lane[0].clip);
        for (int i = 1; i < footage->lanes; i++)
            footage->lane[i - 1] = footage->lane[i];
        footage->lanes--;
    }
}

static bool enter(struct footage *footage, int frame, struct failure *failure)
{
    while (footage->has_next && footage->next.first <= frame && footage->lanes < FOOTAGE_LAYERS) {
        struct lane *lane = &footage->lane[footage->lanes];
        const struct clip_source *clip = &footage->clips[footage->next.clip];
        lane->piece = footage->next;
        if (!clip_open(clip, footage->sequence->fps, footage->threads, failure, &lane->clip))
            return false;
        footage->lanes++;
        footage->has_next = sequence_next(footage->sequence, &lane->piece, &footage->next);
    }
    return true;
}

bool footage_view(struct footage *footage, int frame, struct failure *failure,
                  struct footage_view *ret_view)
{
    struct footage_view view = {0};
    leave(footage, frame);
    if (!enter(footage, frame, failure))
        return false;
    for (int i = 0; i < footage->lanes; i++) {
        const struct lane *lane = &footage->lane[i];
        const struct clip_facts *facts = &footage->clips[lane->piece.clip].facts;
        const AVFrame *decoded = NULL;
        struct canvas_frame *layer = &view.layer[view.count];
        if (!clip_frame(lane->clip, frame - lane->piece.first, failure, &decoded) ||
            !(layer->frame = av_frame_clone(decoded))) {
            footage_let_go(&view);
            return failure_set_av(failure, ERROR_INTERNAL, "reading a video", AVERROR(ENOMEM));
        }
        layer->pixel = facts->pixel;
        layer->orientation = facts->orientation;
        layer->lane = lane->piece.index;
        view.weight[view.count++] = sequence_weight(&lane->piece, frame);
    }
    *ret_view = view;
    return true;
}

void footage_let_go(struct footage_view *view)
{
    for (int i = 0; i < FOOTAGE_LAYERS; i++)
        av_frame_free(&view->layer[i].frame);
    view->count = 0;
}
