#include "media/scene.h"

#include "base/rng.h"
#include "base/span.h"

#include <errno.h>
#include <libavutil/error.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROMPT_UNITS_MAX = 420, NOTE_UNITS_MAX = 80, TITLE_LINES = 6 };

/* A still is a scene at this moment. */
static const double still_moment = 6;
/* When the first line comes, how long each takes, and how soon the next follows. */
static const double text_begins = 0.15, line_takes = 0.75, line_follows = 0.14;

struct scene {
    const struct look *look;
    struct look_stage stage;
    double duration;
    double title_x, title_y, note_x, note_y;
    struct layout title, note;
    struct typeset_mask shadow[LAYOUT_LINES_MAX];
};

static const struct look *choose_look(const struct scene_wish *wish, uint64_t chance,
                                      struct failure *failure)
{
    if (!wish->look || strcmp(wish->look, "auto") == 0)
        return look_at((int)(chance % (uint64_t)look_count()));
    const struct look *look = look_find(wish->look);
    if (!look)
        failure_note(failure, ERROR_VALIDATION, "look",
                     "look must be auto or one of aurora, paper, horizon, blocks, "
                     "halftone and orbit.");
    return look;
}

static struct paint_box text_box(const struct scene *scene)
{
    const struct look_stage *stage = &scene->stage;
    enum look_shape shape = look_shape_of(stage->width, stage->height);
    const struct paint_box *share = shape == LOOK_WIDE     ? &scene->look->wide
                                    : shape == LOOK_SQUARE ? &scene->look->square
                                                           : &scene->look->tall;
    return (struct paint_box){share->left * stage->width, share->top * stage->height,
                              share->right * stage->width, share->bottom * stage->height};
}

static bool lay_title(struct scene *scene, struct typesetter *typesetter, const struct prose *prose)
{
    const struct paint_box box = text_box(scene);
    double unit = scene->stage.unit;
    struct layout_wish wish = {
        .face = scene->look->title,
        .width = box.right - box.left,
        .height = box.bottom - box.top,
        .size_min = fmax(4.6 * unit, 14),
        .size_max = 19 * unit,
        .lines_max = TITLE_LINES,
    };
    if (!layout_make(typesetter, prose, &wish, scene->look->align, &scene->title))
        return false;
    double free_width = wish.width - scene->title.width;
    double free_height = fmax(wish.height - scene->title.height, 0);
    scene->title_x = box.left;
    if (scene->look->align == LAYOUT_CENTRE)
        scene->title_x += free_width / 2;
    else if (prose->right_to_left)
        scene->title_x += free_width;
    scene->title_x = round(scene->title_x);
    scene->title_y = round(box.top + free_height * scene->look->title_down);
    return true;
}

static double note_middle(const struct scene *scene)
{
    const struct look_stage *stage = &scene->stage;
    enum look_shape shape = look_shape_of(stage->width, stage->height);
    double share = shape == LOOK_WIDE     ? 0
                   : shape == LOOK_SQUARE ? scene->look->note_square
                                          : scene->look->note_tall;
    return share > 0 ? stage->height * share : stage->height - 6.4 * stage->unit;
}

static bool lay_note(struct scene *scene, struct typesetter *typesetter, const char *text)
{
    struct prose prose;
    double unit = scene->stage.unit;
    struct layout_wish wish = {
        .face = {.kind = FONT_SANS, .bold = true, .tracking = 0.07},
        .width = scene->stage.width - 10 * unit,
        .height = 8 * unit,
        .size_min = 9,
        .size_max = fmax(3.0 * unit, 11),
        .lines_max = 1,
    };
    if (!prose_make(text, NOTE_UNITS_MAX, &prose))
        return false;
    bool done = layout_make(typesetter, &prose, &wish, LAYOUT_START, &scene->note);
    prose_free(&prose);
    scene->note_x = round(text_box(scene).left);
    if (scene->look->align == LAYOUT_CENTRE)
        scene->note_x = round((scene->stage.width - scene->note.width) / 2);
    double middle = note_middle(scene);
    scene->note_y = round(middle - scene->note.height / 2);
    return done;
}

static bool cast_shadows(struct scene *scene)
{
    int radius = (int)fmax(scene->title.size * 0.12, 2);
    for (int i = 0; scene->look->shadow > 0 && i < scene->title.count; i++) {
        const struct typeset_mask *mask = &scene->title.line[i].mask;
        if (mask->data && !paint_blur(mask, radius, &scene->shadow[i]))
            return false;
    }
    return true;
}

static bool set_words(struct scene *scene, const struct scene_wish *wish, char *warning)
{
    struct prose prose = {0};
    struct typesetter *typesetter = typeset_make();
    bool done = typesetter && prose_make(wish->prompt, PROMPT_UNITS_MAX, &prose) &&
                lay_title(scene, typesetter, &prose) && lay_note(scene, typesetter, wish->note) &&
                cast_shadows(scene);
    if (done) {
        const char *missing =
            typeset_missing((struct typeset_text){prose.units, prose.size, false});
        if (missing)
            snprintf(warning, SCENE_WARNING_SIZE,
                     "No installed font shows the script %s of the prompt; empty boxes stand for "
                     "its letters (reel doctor names the package).",
                     missing);
        else if (scene->title.cut || prose.size == PROMPT_UNITS_MAX)
            snprintf(warning, SCENE_WARNING_SIZE,
                     "The prompt is longer than the picture can show; its end was left out.");
        else if (prose.dropped)
            snprintf(warning, SCENE_WARNING_SIZE,
                     "Some symbols of the prompt have no installed font and were left out.");
    }
    prose_free(&prose);
    typeset_free(typesetter);
    return done;
}

struct scene *scene_make(const struct scene_wish *wish, struct failure *failure,
                         char ret_warning[static SCENE_WARNING_SIZE])
{
    ret_warning[0] = '\0';
    struct scene *scene = calloc(1, sizeof *scene);
    if (!scene) {
        failure_note_av(failure, ERROR_INTERNAL, "preparing the scene", AVERROR(ENOMEM));
        return NULL;
    }
    struct rng rng;
    rng_init(&rng, span_hash(span_of(wish->prompt)) ^ wish->seed * 0x9e3779b97f4a7c15u);
    /* Drawn in any case, so that naming the look changes nothing else. */
    scene->look = choose_look(wish, rng_next(&rng), failure);
    if (!scene->look) {
        scene_free(scene);
        return NULL;
    }
    scene->duration = wish->duration;
    scene->stage.width = wish->width;
    scene->stage.height = wish->height;
    scene->stage.unit = fmin(wish->width, wish->height) / 100.0;
    scene->stage.palette =
        &scene->look->palettes[rng_below(&rng, (uint64_t)scene->look->palette_count)];
    for (int i = 0; i < LOOK_NUMBERS; i++)
        scene->stage.number[i] = rng_unit(&rng);
    if (!set_words(scene, wish, ret_warning)) {
        failure_note(failure, ERROR_INTERNAL, NULL,
                     "The words could not be set: no memory, or no fonts are installed.");
        scene_free(scene);
        return NULL;
    }
    return scene;
}

void scene_free(struct scene *scene)
{
    if (!scene)
        return;
    layout_free(&scene->title);
    layout_free(&scene->note);
    for (int i = 0; i < LAYOUT_LINES_MAX; i++)
        typeset_mask_free(&scene->shadow[i]);
    free(scene);
}

const char *scene_look(const struct scene *scene)
{
    return scene->look->name;
}

/* Fast at first, then settling. */
static double settle(double t)
{
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return 1 - (1 - t) * (1 - t) * (1 - t);
}

/* Short films bring their words sooner, so that they can be read. */
static double pace(const struct scene *scene)
{
    double all = text_begins + line_takes + line_follows * scene->title.count;
    double wish = scene->duration * 0.4;
    return scene->duration > 0 && all > wish ? all / wish : 1;
}

static double line_progress(const struct scene *scene, int line, double seconds)
{
    if (scene->duration <= 0)
        return 1;
    double begins = text_begins + line_follows * line;
    return settle((seconds * pace(scene) - begins) / line_takes);
}

static void paint_title(const struct scene *scene, double seconds, struct picture *picture)
{
    struct colour ink = paint_hex(scene->stage.palette->ink);
    struct colour dark = paint_hex(scene->stage.palette->back);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < scene->title.count; i++) {
            const struct layout_line *line = &scene->title.line[i];
            double shown = line_progress(scene, i, seconds);
            struct paint_ink at = {
                .x = scene->title_x + line->x,
                .y = scene->title_y + line->y + (1 - shown) * scene->title.size * 0.22,
                .colour = pass ? ink : dark,
                .opacity = pass ? shown : shown * scene->look->shadow,
                .reveal = shown,
                .from_right = scene->title.right_to_left,
            };
            if (pass) {
                paint_mask(picture, &line->mask, &at);
            } else if (scene->shadow[i].data) {
                at.x += scene->shadow[i].x - line->mask.x;
                at.y += scene->shadow[i].y - line->mask.y + scene->title.size * 0.03;
                paint_mask(picture, &scene->shadow[i], &at);
            }
        }
    }
}

/* A short bar above the words, which grows when they come. */
static void paint_rule(const struct scene *scene, double seconds, struct picture *picture)
{
    double unit = scene->stage.unit, shown = line_progress(scene, 0, seconds + 0.1);
    double length = 9 * unit * shown, thick = fmax(0.75 * unit, 2);
    double left = scene->title_x, top = scene->title_y - 4.6 * unit;
    if (scene->look->align == LAYOUT_CENTRE)
        left += (scene->title.width - length) / 2;
    else if (scene->title.right_to_left)
        left += scene->title.width - length;
    struct paint_box rule = {left, round(top), left + length, round(top) + round(thick)};
    paint_box(picture, &rule, paint_hex(scene->stage.palette->accent), shown);
}

static void paint_note(const struct scene *scene, double seconds, struct picture *picture)
{
    const struct layout_line *line = &scene->note.line[0];
    double shown = scene->duration > 0 ? paint_smooth(0.2, 1, seconds * pace(scene)) : 1;
    struct paint_ink at = {
        .x = scene->note_x + line->x,
        .y = scene->note_y + line->y,
        .colour = paint_hex(scene->stage.palette->ink),
        .opacity = 0.72 * shown,
        .reveal = 1,
    };
    if (scene->note.count > 0)
        paint_mask(picture, &line->mask, &at);
}

/* How far the film is, along the bottom edge. */
static void paint_course(const struct scene *scene, double seconds, struct picture *picture)
{
    double thick = fmax(round(0.5 * scene->stage.unit), 2);
    struct paint_box bar = {0, scene->stage.height - thick,
                            scene->stage.width * fmin(seconds / scene->duration, 1),
                            scene->stage.height};
    paint_box(picture, &bar, paint_hex(scene->stage.palette->accent), 0.9);
}

void scene_paint(const struct scene *scene, double seconds, struct picture *picture)
{
    double moment = scene->duration > 0 ? seconds : still_moment;
    scene->look->paint(&scene->stage, moment, picture);
    if (scene->title.count > 0) {
        paint_rule(scene, moment, picture);
        paint_title(scene, moment, picture);
    }
    paint_note(scene, moment, picture);
    if (scene->duration > 0)
        paint_course(scene, seconds, picture);
}
