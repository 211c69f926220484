#include "media/typeset.h"

#include <ass/ass.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf16.h>

enum {
    /* libass cuts at the frame, so it is larger than any line that is set. */
    FRAME_WIDTH = 16384,
    FRAME_HEIGHT = 4096,
    ORIGIN_X = 512,
    ORIGIN_Y = 1024,
    MARKUP_MAX = 64 * 1024,
    GLYPHS_MAX = 4000,
    BITMAPS_MB = 64,
    MARK_LEFT_TO_RIGHT = 0x200e,
    MARK_RIGHT_TO_LEFT = 0x200f,
    WORD_JOINER = 0x2060,
    ENCODING_AUTOMATIC = -1,
};

struct typesetter {
    ASS_Library *library;
    ASS_Renderer *renderer;
    ASS_Track *track;
};

static void hush(int level, const char *format, va_list arguments, void *data)
{
}

static bool make_track(struct typesetter *typesetter)
{
    ASS_Track *track = typesetter->track = ass_new_track(typesetter->library);
    if (!track || ass_alloc_event(track) < 0)
        return false;
    track->track_type = TRACK_TYPE_ASS;
    track->PlayResX = FRAME_WIDTH;
    track->PlayResY = FRAME_HEIGHT;
    track->WrapStyle = 2;
    track->Kerning = 1;
    /* A new track has one style; all but its direction is set in the text. */
    track->styles[0].Encoding = ENCODING_AUTOMATIC;
    track->events[0].Duration = 1000;
    track->events[0].Text = strdup("");
    return track->n_styles == 1 && track->events[0].Text;
}

struct typesetter *typeset_make(void)
{
    struct typesetter *typesetter = calloc(1, sizeof *typesetter);
    if (!typesetter || !font_has('a')) {
        free(typesetter);
        return NULL;
    }
    typesetter->library = ass_library_init();
    if (typesetter->library) {
        ass_set_message_cb(typesetter->library, hush, NULL);
        typesetter->renderer = ass_renderer_init(typesetter->library);
    }
    if (!typesetter->renderer || !make_track(typesetter)) {
        typeset_free(typesetter);
        return NULL;
    }
    ass_set_frame_size(typesetter->renderer, FRAME_WIDTH, FRAME_HEIGHT);
    ass_set_storage_size(typesetter->renderer, FRAME_WIDTH, FRAME_HEIGHT);
    ass_set_hinting(typesetter->renderer, ASS_HINTING_NONE);
    ass_set_shaper(typesetter->renderer, ASS_SHAPING_COMPLEX);
    ass_set_cache_limits(typesetter->renderer, GLYPHS_MAX, BITMAPS_MB);
    ass_set_fonts(typesetter->renderer, NULL, "Noto Sans", ASS_FONTPROVIDER_FONTCONFIG, NULL, 1);
    return typesetter;
}

void typeset_free(struct typesetter *typesetter)
{
    if (!typesetter)
        return;
    if (typesetter->track)
        ass_free_track(typesetter->track);
    if (typesetter->renderer)
        ass_renderer_done(typesetter->renderer);
    if (typesetter->library)
        ass_library_done(typesetter->library);
    free(typesetter);
}

/* The script of the run that begins at `from`, and where it ends. Punctuation, digits and marks
 * belong to what is around them. */
static UScriptCode next_run(struct typeset_text text, int32_t from, int32_t *ret_end,
                            UChar32 *ret_sample)
{
    UScriptCode script = USCRIPT_COMMON;
    UChar32 sample = 'a';
    int32_t at = from;
    while (at < text.size) {
        int32_t next = at;
        UChar32 c;
        UErrorCode status = U_ZERO_ERROR;
        U16_NEXT(text.units, next, text.size, c);
        UScriptCode of = uscript_getScript(c, &status);
        if (of > USCRIPT_INHERITED && of != script) {
            if (script != USCRIPT_COMMON)
                break;
            script = of;
            sample = c;
        }
        at = next;
    }
    *ret_end = at;
    *ret_sample = sample;
    return script == USCRIPT_COMMON ? USCRIPT_LATIN : script;
}

static void add_character(struct buffer *markup, UChar32 c)
{
    char bytes[4];
    int32_t size = 0;
    UBool failed = false;
    U8_APPEND((uint8_t *)bytes, size, (int32_t)sizeof bytes, c, failed);
    if (!failed)
        buffer_add(markup, span_make(bytes, (size_t)size));
}

/* Braces begin commands and a backslash escapes; a joiner of no width after one breaks its spell.
 */
void typeset_escape(struct buffer *markup, struct typeset_text text)
{
    for (int32_t i = 0; i < text.size;) {
        UChar32 c;
        U16_NEXT(text.units, i, text.size, c);
        if (c == '{' || c == '}')
            buffer_add_byte(markup, '\\');
        add_character(markup, c);
        if (c == '\\')
            add_character(markup, WORD_JOINER);
    }
}

struct typeset_run typeset_run(struct typeset_text text, int32_t from, enum font_kind kind)
{
    struct typeset_run run;
    UChar32 sample;
    run.script = next_run(text, from, &run.end, &sample);
    run.family = font_find(run.script, kind, sample);
    return run;
}

static bool takes_tracking(UScriptCode script)
{
    return script == USCRIPT_LATIN || script == USCRIPT_CYRILLIC || script == USCRIPT_GREEK;
}

static void write_markup(const struct typeface *face, double size, struct typeset_text text,
                         struct buffer *markup)
{
    buffer_print(markup, "{\\an7\\q2\\pos(%d,%d)\\fs%.3f\\b%d\\i%d\\bord0\\shad0}", ORIGIN_X,
                 ORIGIN_Y, size, face->bold ? 1 : 0, face->italic ? 1 : 0);
    add_character(markup, text.right_to_left ? MARK_RIGHT_TO_LEFT : MARK_LEFT_TO_RIGHT);
    for (int32_t at = 0; at < text.size;) {
        int32_t end;
        UChar32 sample;
        UScriptCode script = next_run(text, at, &end, &sample);
        const char *family = font_find(script, face->kind, sample);
        buffer_print(markup, "{\\fn%s\\fsp%.3f}", family ? family : "Noto Sans",
                     takes_tracking(script) ? face->tracking * size : 0);
        typeset_escape(markup,
                       (struct typeset_text){text.units + at, end - at, text.right_to_left});
        at = end;
    }
}

static ASS_Image *draw(struct typesetter *typesetter, const struct typeface *face, double size,
                       struct typeset_text text)
{
    struct buffer markup;
    buffer_init(&markup, MARKUP_MAX);
    write_markup(face, size, text, &markup);
    ASS_Image *images = NULL;
    if (!markup.failed) {
        ASS_Event *event = &typesetter->track->events[0];
        free(event->Text);
        event->Text = strdup(markup.data);
        if (event->Text)
            images = ass_render_frame(typesetter->renderer, typesetter->track, 0, NULL);
    }
    buffer_done(&markup);
    return images;
}

struct box {
    int left, top, right, bottom;
};

static struct box bounds(const ASS_Image *image)
{
    struct box box = {FRAME_WIDTH, FRAME_HEIGHT, 0, 0};
    for (; image; image = image->next) {
        if (image->w <= 0 || image->h <= 0)
            continue;
        box.left = image->dst_x < box.left ? image->dst_x : box.left;
        box.top = image->dst_y < box.top ? image->dst_y : box.top;
        box.right = image->dst_x + image->w > box.right ? image->dst_x + image->w : box.right;
        box.bottom = image->dst_y + image->h > box.bottom ? image->dst_y + image->h : box.bottom;
    }
    return box;
}

static void copy_image(const ASS_Image *image, const struct box *box, struct typeset_mask *mask)
{
    for (int y = 0; y < image->h; y++) {
        const uint8_t *from = image->bitmap + (ptrdiff_t)image->stride * y;
        uint8_t *to = mask->data + (ptrdiff_t)mask->width * (image->dst_y - box->top + y) +
                      (image->dst_x - box->left);
        for (int x = 0; x < image->w; x++)
            to[x] = from[x] > to[x] ? from[x] : to[x];
    }
}

bool typeset_line(struct typesetter *typesetter, const struct typeface *face, double size,
                  struct typeset_text text, struct typeset_mask *ret_mask)
{
    struct typeset_mask mask = {0};
    ASS_Image *images = draw(typesetter, face, size, text);
    struct box box = bounds(images);
    if (box.right > box.left) {
        mask.x = box.left - ORIGIN_X;
        mask.y = box.top - ORIGIN_Y;
        mask.width = box.right - box.left;
        mask.height = box.bottom - box.top;
        mask.data = calloc((size_t)mask.width, (size_t)mask.height);
        if (!mask.data)
            return false;
    }
    for (const ASS_Image *image = images; image; image = image->next)
        copy_image(image, &box, &mask);
    *ret_mask = mask;
    return true;
}

void typeset_mask_free(struct typeset_mask *mask)
{
    free(mask->data);
    *mask = (struct typeset_mask){0};
}

double typeset_width(struct typesetter *typesetter, const struct typeface *face, double size,
                     struct typeset_text text)
{
    struct box box = bounds(draw(typesetter, face, size, text));
    return box.right > box.left ? box.right - box.left : 0;
}

const char *typeset_missing(struct typeset_text text)
{
    for (int32_t at = 0; at < text.size;) {
        int32_t end;
        UChar32 sample;
        UScriptCode script = next_run(text, at, &end, &sample);
        if (!font_find(script, FONT_SANS, sample))
            return uscript_getName(script);
        at = end;
    }
    return NULL;
}
