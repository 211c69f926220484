/* The camera of a Ken Burns clip: which part of the picture is seen at which moment. A view is a
 * rectangle of the frame's shape inside the picture, in the picture's own samples and fractions of
 * them; nothing here is ever rounded, which is what makes the movement smooth. */
#ifndef MEDIA_MOTION_H
#define MEDIA_MOTION_H

#include <stdbool.h>
#include <stdint.h>

#define MOTION_KINDS(X)                                                                            \
    X(MOTION_AUTO, "auto")                                                                         \
    X(MOTION_ZOOM_IN, "zoom-in")                                                                   \
    X(MOTION_ZOOM_OUT, "zoom-out")                                                                 \
    X(MOTION_PAN_LEFT, "pan-left")                                                                 \
    X(MOTION_PAN_RIGHT, "pan-right")                                                               \
    X(MOTION_PAN_UP, "pan-up")                                                                     \
    X(MOTION_PAN_DOWN, "pan-down")

#define MOTION_EASINGS(X)                                                                          \
    X(MOTION_LINEAR, "linear")                                                                     \
    X(MOTION_EASE_IN_OUT, "ease-in-out")

#define X(name, word) name,
enum motion_kind { MOTION_KINDS(X) MOTION_KIND_COUNT };
enum motion_easing { MOTION_EASINGS(X) MOTION_EASING_COUNT };
#undef X

struct motion_view {
    double x, y, width, height;
};

struct motion {
    struct motion_view from, to;
    enum motion_easing easing;
};

/* What the caller asked for. A pan looks left when it is pan-left: the picture moves right. */
struct motion_wish {
    enum motion_kind kind;
    enum motion_easing easing;
    double zoom;     /* 1 … 2: the wide view's width over the close view's */
    double duration; /* seconds: a wide picture is panned no faster than an eye follows */
    uint64_t seed;   /* chooses where MOTION_AUTO leaves a choice, and the point a zoom goes to */
    const char *prompt; /* MOTION_AUTO follows words like "zoom out" or "pan left"; may be NULL */
};

/* False, and *ret_ untouched, when there is no such word. */
bool motion_kind_find(const char *word, enum motion_kind *ret_kind);
bool motion_easing_find(const char *word, enum motion_easing *ret_easing);
const char *motion_kind_word(enum motion_kind kind);

/* The movement that the words of a prompt ask for; MOTION_AUTO when they ask for none. */
enum motion_kind motion_from_prompt(const char *prompt);

/* The way over a picture of width × height in a frame of the shape `aspect` (width over height). */
struct motion motion_plan(const struct motion_wish *wish, double width, double height,
                          double aspect);
/* The view at `moment`, 0 … 1. Zooms change by equal ratios in equal times, as the eye expects. */
struct motion_view motion_view_at(const struct motion *motion, double moment);
/* 0 at 0, 1 at 1. The eased curve speeds up over its first third and slows down over its last. */
double motion_ease(enum motion_easing easing, double moment);
/* Whether anything moves at all. */
bool motion_moves(const struct motion *motion);

#endif
