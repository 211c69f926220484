#include "media/motion.h"

#include "base/rng.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* How far a pan may go each second, in widths (heights) of the view: faster than this judders to
 * the eye at any frame rate, however exact the frames are. */
static const double pan_speed_max = 0.13;
/* The share of the clip over which an eased movement speeds up, and again slows down. */
static const double ease_ramp = 1.0 / 3;

bool motion_kind_find(const char *word, enum motion_kind *ret_kind)
{
    for (int kind = 0; kind < MOTION_KIND_COUNT; kind++) {
        if (strcmp(motion_kind_word((enum motion_kind)kind), word) == 0) {
            *ret_kind = (enum motion_kind)kind;
            return true;
        }
    }
    return false;
}

const char *motion_kind_word(enum motion_kind kind)
{
#define X(name, word) [name] = word,
    static const char *const words[] = {MOTION_KINDS(X)};
#undef X
    return words[kind];
}

bool motion_easing_find(const char *word, enum motion_easing *ret_easing)
{
#define X(name, word) [name] = word,
    static const char *const words[] = {MOTION_EASINGS(X)};
#undef X
    for (int easing = 0; easing < MOTION_EASING_COUNT; easing++) {
        if (strcmp(words[easing], word) == 0) {
            *ret_easing = (enum motion_easing)easing;
            return true;
        }
    }
    return false;
}

/* Finds `phrase` (lower case) in `text` at the start of a word, without regard to case. */
static bool mentions(const char *text, const char *phrase)
{
    size_t size = strlen(phrase);
    for (const char *at = text; *at; at++) {
        if (at > text && isalpha((unsigned char)at[-1]))
            continue;
        size_t i = 0;
        while (i < size && tolower((unsigned char)at[i]) == phrase[i])
            i++;
        if (i == size)
            return true;
    }
    return false;
}

enum motion_kind motion_from_prompt(const char *prompt)
{
    static const struct {
        const char *phrase;
        enum motion_kind kind;
    } table[] = {
        {"zoom in", MOTION_ZOOM_IN},     {"zooms in", MOTION_ZOOM_IN},
        {"zooming in", MOTION_ZOOM_IN},  {"push in", MOTION_ZOOM_IN},
        {"pushes in", MOTION_ZOOM_IN},   {"pushing in", MOTION_ZOOM_IN},
        {"dolly in", MOTION_ZOOM_IN},    {"zoom out", MOTION_ZOOM_OUT},
        {"zooms out", MOTION_ZOOM_OUT},  {"zooming out", MOTION_ZOOM_OUT},
        {"pull back", MOTION_ZOOM_OUT},  {"pulls back", MOTION_ZOOM_OUT},
        {"pull out", MOTION_ZOOM_OUT},   {"dolly out", MOTION_ZOOM_OUT},
        {"pan left", MOTION_PAN_LEFT},   {"pans left", MOTION_PAN_LEFT},
        {"pan right", MOTION_PAN_RIGHT}, {"pans right", MOTION_PAN_RIGHT},
        {"pan up", MOTION_PAN_UP},       {"tilt up", MOTION_PAN_UP},
        {"tilts up", MOTION_PAN_UP},     {"pan down", MOTION_PAN_DOWN},
        {"tilt down", MOTION_PAN_DOWN},  {"tilts down", MOTION_PAN_DOWN},
    };
    for (size_t i = 0; prompt && i < sizeof table / sizeof table[0]; i++) {
        if (mentions(prompt, table[i].phrase))
            return table[i].kind;
    }
    return MOTION_AUTO;
}

/* The largest rectangle of the frame's shape in the middle of the picture. */
static struct motion_view widest(double width, double height, double aspect)
{
    struct motion_view view = {.width = width, .height = width / aspect};
    if (view.height > height) {
        view.height = height;
        view.width = height * aspect;
    }
    view.x = (width - view.width) / 2;
    view.y = (height - view.height) / 2;
    return view;
}

static enum motion_kind choose(const struct motion_wish *wish, double width, double height,
                               double aspect)
{
    if (wish->kind != MOTION_AUTO)
        return wish->kind;
    enum motion_kind asked = motion_from_prompt(wish->prompt);
    if (asked != MOTION_AUTO)
        return asked;
    struct rng rng;
    rng_init(&rng, wish->seed);
    /* A picture of quite another shape than the frame is best shown by going along it. */
    double excess = width / height / aspect;
    if (excess > 1.5)
        return rng_below(&rng, 2) ? MOTION_PAN_LEFT : MOTION_PAN_RIGHT;
    if (excess < 1 / 1.5)
        return rng_below(&rng, 2) ? MOTION_PAN_UP : MOTION_PAN_DOWN;
    return rng_below(&rng, 3) ? MOTION_ZOOM_IN : MOTION_ZOOM_OUT;
}

static struct motion_view close_view(const struct motion_wish *wish, struct motion_view wide)
{
    struct rng rng;
    rng_init(&rng, wish->seed ^ 0x6b656e6275726e73);
    /* A point near the middle, since a zoom to the exact centre looks mechanical. */
    double at_x = 0.5 + 0.24 * (rng_unit(&rng) - 0.5);
    double at_y = 0.5 + 0.24 * (rng_unit(&rng) - 0.5);
    struct motion_view close = {.width = wide.width / wish->zoom,
                                .height = wide.height / wish->zoom};
    close.x = wide.x + (wide.width - close.width) * at_x;
    close.y = wide.y + (wide.height - close.height) * at_y;
    return close;
}

static struct motion plan_pan(const struct motion_wish *wish, enum motion_kind kind, double width,
                              double height, struct motion_view wide)
{
    struct motion_view view = {.width = wide.width / wish->zoom,
                               .height = wide.height / wish->zoom};
    view.x = (width - view.width) / 2;
    view.y = (height - view.height) / 2;
    struct motion motion = {view, view, wish->easing};
    bool across = kind == MOTION_PAN_LEFT || kind == MOTION_PAN_RIGHT;
    double room = across ? width - view.width : height - view.height;
    double reach = pan_speed_max * wish->duration * (across ? view.width : view.height);
    double half = fmin(room, reach) / 2;
    if (kind == MOTION_PAN_LEFT || kind == MOTION_PAN_UP)
        half = -half;
    if (across) {
        motion.from.x -= half;
        motion.to.x += half;
    } else {
        motion.from.y -= half;
        motion.to.y += half;
    }
    return motion;
}

struct motion motion_plan(const struct motion_wish *wish, double width, double height,
                          double aspect)
{
    struct motion_view wide = widest(width, height, aspect);
    enum motion_kind kind = choose(wish, width, height, aspect);
    if (kind == MOTION_ZOOM_IN)
        return (struct motion){wide, close_view(wish, wide), wish->easing};
    if (kind == MOTION_ZOOM_OUT)
        return (struct motion){close_view(wish, wide), wide, wish->easing};
    return plan_pan(wish, kind, width, height, wide);
}

/* The speed is a trapezoid with cosine flanks, so that acceleration has no steps either. */
double motion_ease(enum motion_easing easing, double moment)
{
    if (moment <= 0)
        return 0;
    if (moment >= 1)
        return 1;
    if (easing == MOTION_LINEAR)
        return moment;
    double ramp = ease_ramp, top = 1 / (1 - ramp);
    bool second_half = moment > 0.5;
    double t = second_half ? 1 - moment : moment;
    double way = t < ramp ? (t - ramp / PI * sin(PI * t / ramp)) / 2 : t - ramp / 2;
    return second_half ? 1 - top * way : top * way;
}

struct motion_view motion_view_at(const struct motion *motion, double moment)
{
    double eased = motion_ease(motion->easing, moment);
    const struct motion_view *from = &motion->from, *to = &motion->to;
    double share = eased;
    double ratio = to->width / from->width;
    /* Equal ratios in equal times; the position follows the size, so one point stands still. */
    if (fabs(ratio - 1) > 1e-9)
        share = (pow(ratio, eased) - 1) / (ratio - 1);
    return (struct motion_view){
        .x = from->x + (to->x - from->x) * share,
        .y = from->y + (to->y - from->y) * share,
        .width = from->width + (to->width - from->width) * share,
        .height = from->height + (to->height - from->height) * share,
    };
}

bool motion_moves(const struct motion *motion)
{
    const struct motion_view *from = &motion->from, *to = &motion->to;
    return fabs(from->x - to->x) + fabs(from->y - to->y) + fabs(from->width - to->width) > 1e-6;
}
