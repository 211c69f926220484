/* Where cues are cut and how they are timed, over texts of many languages, shapes and speeds; and
 * what libass draws of them. */
#include "media/subtitle.h"

#include "media/fixture.h"
#include "media/font.h"
#include "media/subtitle_frame.h"
#include "media/subtitle_private.h"

#include <ass/ass.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

enum { SLACK = 3, INK = 24, LIT = 0xffd523 };

static const char *const texts[] = {
    "The harbour of Old Amsterdam wakes before the sun. Fishermen carry 250 kilos of ice, ropes "
    "and lamps to Dr. Smith, who waits at the end of the pier; nobody speaks, and the gulls are "
    "quiet. Then, at half past five, the first boat leaves. Why? Because Captain Maria Gomez said "
    "so.",
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen sind selten, aber im Museum von "
    "Rüdesheim liegen zwei.",
    "استيقظ الميناء القديم قبل شروق الشمس، وحمل الصيادون 250 كيلوغراما من الثلج إلى السفينة "
    "الكبيرة GPS التي تنتظر.",
    "הנמל הישן מתעורר לפני הזריחה, והדייגים נושאים 250 קילו קרח אל הסירה הגדולה.",
    "ท่าเรือเก่าตื่นก่อนพระอาทิตย์ขึ้น ชาวประมงแบกน้ำแข็งและ"
    "เชือกไปยังเรือลำใหญ่ที่จอดรออยู่ริมฝั่งแม่น้ำเจ้าพระยา",
    "老港口在日出之前醒来。渔民们把二百五十公斤冰块、绳子和灯搬到码头尽头的船上,没有人说话,"
    "海鸥也很安静。",
    "पुराना बंदरगाह सूरज से पहले जागता है, और मछुआरे बर्फ लेकर आते हैं।",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "a b c d e f g h i j k l m n o p q r s t u v w x y z",
    "😀 one & two < three > four {five} \\six --> seven",
};

static const struct shape {
    int width, height;
} shapes[] = {{1280, 720}, {1920, 1080}, {1080, 1080}, {1080, 1920}, {864, 1080}, {360, 640}};

/* A word every `each` ms, `sound` of it spoken, and a pause after each `group` words. */
struct pace {
    int each, sound, group, pause;
};
static const struct pace paces[] = {
    {330, 300, 0, 0}, {150, 150, 0, 0}, {700, 350, 6, 2500}, {60, 50, 0, 0}, {3000, 2900, 3, 9000},
};

static struct subtitle_words speak(const char *text, struct pace pace)
{
    struct subtitle_words words = {0};
    int64_t at = 40;
    arena_init(&words.arena);
    words.word = arena_array(&words.arena, struct subtitle_word, 400);
    struct span rest = span_of(text), part;
    while (span_take(&rest, ' ', &part)) {
        words.word[words.count++] =
            (struct subtitle_word){arena_copy(&words.arena, part), at, at + pace.sound, false};
        at += pace.each;
        if (pace.group > 0 && words.count % pace.group == 0)
            at += pace.pause;
    }
    words.duration_ms = at;
    return words;
}

static int line_columns(const struct subtitle_cues *cues, const struct subtitle_cue *cue, int line)
{
    struct subtitle_run run = subtitle_line(cue, line);
    int columns = 0;
    for (int i = run.first; i < run.end; i++) {
        const struct subtitle_word *word = &cues->word[cue->first + i];
        columns += subtitle_columns(word->text) + (i > run.first && !word->joined ? 1 : 0);
    }
    return columns;
}

static int64_t starts_next(const struct subtitle_cues *cues, int index)
{
    return index + 1 < cues->count ? cues->cue[index + 1].start_ms : INT64_MAX;
}

static void expect_cue(const struct subtitle_cues *cues, int index)
{
    const struct subtitle_cue *cue = &cues->cue[index];
    struct subtitle_frame frame = subtitle_frame(cues->options.width, cues->options.height);
    int64_t next = starts_next(cues, index), length = cue->end_ms - cue->start_ms;
    int columns = 0;
    assert_true(cue->lines >= 1 && cue->lines <= SUBTITLE_LINES_MAX);
    assert_int_equal(cue->line_end[cue->lines - 1], cue->count);
    for (int line = 0; line < cue->lines; line++) {
        struct subtitle_run run = subtitle_line(cue, line);
        assert_true(run.end > run.first);
        assert_true(line_columns(cues, cue, line) <= frame.columns);
        if (run.end - run.first > 1)
            assert_true(cue->line_width[line] <= frame.width + SLACK);
        columns += line_columns(cues, cue, line);
    }
    assert_int_equal(cue->start_ms, cues->word[cue->first].start_ms);
    assert_true(cue->end_ms <= next);
    assert_true(length <= SUBTITLE_CUE_MAX_MS);
    int64_t wanted =
        columns * 1000 / 20 > SUBTITLE_CUE_MIN_MS ? columns * 1000 / 20 : SUBTITLE_CUE_MIN_MS;
    wanted = wanted > SUBTITLE_CUE_MAX_MS ? SUBTITLE_CUE_MAX_MS : wanted;
    if (length < wanted)
        assert_true(cue->end_ms == next);
}

static void expect_sound(const struct subtitle_words *words, struct subtitle_options options)
{
    struct subtitle_cues cues;
    struct failure failure = {0};
    assert_true(subtitle_cut(words, &options, &cues, &failure));
    int word = 0;
    for (int i = 0; i < cues.count; i++) {
        expect_cue(&cues, i);
        assert_int_equal(cues.cue[i].first, word);
        word += cues.cue[i].count;
    }
    assert_int_equal(word, cues.word_count);
    subtitle_cues_free(&cues);
}

static void every_cue_keeps_the_rules(void **state)
{
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            for (size_t p = (t + s) % 2; p < sizeof paces / sizeof paces[0]; p += 2) {
                struct subtitle_words words = speak(texts[t], paces[p]);
                expect_sound(&words, (struct subtitle_options){.width = shapes[s].width,
                                                               .height = shapes[s].height});
                subtitle_words_free(&words);
            }
        }
    }
}

static struct subtitle_cues cut(const char *text, struct pace pace, struct shape shape,
                                enum subtitle_style style)
{
    struct subtitle_words words = speak(text, pace);
    struct subtitle_options options = {
        .style = style, .width = shape.width, .height = shape.height};
    struct subtitle_cues cues;
    struct failure failure = {0};
    assert_true(subtitle_cut(&words, &options, &cues, &failure));
    subtitle_words_free(&words);
    return cues;
}

static void expect_srt(const char *text, struct shape shape, const char *expected)
{
    struct subtitle_cues cues = cut(text, paces[0], shape, SUBTITLE_PLAIN);
    struct buffer buffer;
    char lines[4000] = "";
    size_t size = 0;
    buffer_init(&buffer, SUBTITLE_OUTPUT_MAX);
    subtitle_write(SUBTITLE_TO_SRT, &cues, &buffer);
    struct span rest = buffer_span(&buffer), line;
    while (span_take(&rest, '\n', &line)) {
        bool text_line = line.size > 0 && span_find(line, '>') < 0 &&
                         strspn(line.data, "012345678"
                                           "9") != line.size;
        if (text_line || (line.size == 0 && rest.data))
            size += (size_t)snprintf(lines + size, sizeof lines - size, "%.*s|", SPAN_PRINT(line));
    }
    assert_string_equal(lines, expected);
    buffer_done(&buffer);
    subtitle_cues_free(&cues);
}

static void cues_end_where_a_reader_pauses(void **state)
{
    expect_srt(texts[0], shapes[0],
               "The harbour of Old Amsterdam|wakes before the sun.||"
               "Fishermen carry 250 kilos of ice,|ropes and lamps to Dr. Smith,||"
               "who waits at the end of the pier;|nobody speaks, and the gulls are quiet.||"
               "Then, at half past five,|the first boat leaves.||"
               "Why? Because Captain Maria Gomez said so.||");
    expect_srt("You met Mr. Brown on 24 December near the corner of Baker Street in London, "
               "didn't you?",
               (struct shape){1080, 1920},
               "You met Mr. Brown on|24 December near the||corner of Baker Street|in London, "
               "didn't you?||");
}

static void a_long_pause_ends_a_cue(void **state)
{
    struct subtitle_cues cues = cut("one two three four five six", (struct pace){300, 250, 2, 3000},
                                    shapes[0], SUBTITLE_PLAIN);
    assert_int_equal(cues.count, 3);
    for (int i = 0; i < 3; i++)
        assert_true(cues.cue[i].end_ms - cues.cue[i].start_ms < 1500);
    subtitle_cues_free(&cues);
}

/* What libass draws at a time; all zero where there is nothing. */
struct box {
    int left, top, right, bottom;
};
struct drawn {
    struct box text, box, lit;
};

struct stage {
    ASS_Library *library;
    ASS_Renderer *renderer;
    ASS_Track *track;
};

static void hush(int level, const char *format, va_list arguments, void *data)
{
}

static struct stage set_stage(const struct subtitle_cues *cues)
{
    struct stage stage = {.library = ass_library_init()};
    struct buffer buffer;
    buffer_init(&buffer, SUBTITLE_OUTPUT_MAX);
    subtitle_write(SUBTITLE_TO_ASS, cues, &buffer);
    assert_false(buffer.failed);
    ass_set_message_cb(stage.library, hush, NULL);
    stage.renderer = ass_renderer_init(stage.library);
    ass_set_frame_size(stage.renderer, cues->options.width, cues->options.height);
    ass_set_storage_size(stage.renderer, cues->options.width, cues->options.height);
    ass_set_fonts(stage.renderer, NULL, "sans-serif", ASS_FONTPROVIDER_FONTCONFIG, NULL, 1);
    stage.track = ass_read_memory(stage.library, buffer.data, buffer.size, NULL);
    assert_non_null(stage.track);
    buffer_done(&buffer);
    return stage;
}

static void leave_stage(struct stage *stage)
{
    ass_free_track(stage->track);
    ass_renderer_done(stage->renderer);
    ass_library_done(stage->library);
}

/* Without the clear edges that libass leaves around what it draws. */
static bool find_ink(const ASS_Image *image, struct box *ink)
{
    *ink = (struct box){image->w, image->h, 0, 0};
    for (int y = 0; y < image->h; y++) {
        const uint8_t *row = image->bitmap + (ptrdiff_t)image->stride * y;
        for (int x = 0; x < image->w; x++) {
            if (row[x] < INK)
                continue;
            ink->left = x < ink->left ? x : ink->left;
            ink->right = x + 1 > ink->right ? x + 1 : ink->right;
            ink->top = y < ink->top ? y : ink->top;
            ink->bottom = y + 1;
        }
    }
    ink->left += image->dst_x;
    ink->right += image->dst_x;
    ink->top += image->dst_y;
    ink->bottom += image->dst_y;
    return ink->right > ink->left;
}

static void join(struct box *box, const struct box *ink)
{
    if (box->right == 0) {
        *box = *ink;
        return;
    }
    box->left = ink->left < box->left ? ink->left : box->left;
    box->top = ink->top < box->top ? ink->top : box->top;
    box->right = ink->right > box->right ? ink->right : box->right;
    box->bottom = ink->bottom > box->bottom ? ink->bottom : box->bottom;
}

static struct drawn draw(const struct stage *stage, int64_t at, bool boxed)
{
    struct drawn drawn = {0};
    const ASS_Image *image = ass_render_frame(stage->renderer, stage->track, at, NULL);
    for (; image; image = image->next) {
        struct box ink;
        if (!find_ink(image, &ink))
            continue;
        uint32_t colour = image->color >> 8;
        join(boxed && colour == 0 ? &drawn.box : &drawn.text, &ink);
        if (colour == LIT)
            join(&drawn.lit, &ink);
    }
    return drawn;
}

static void subtitles_stay_in_the_safe_area(void **state)
{
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        for (size_t s = t % 2; s < sizeof shapes / sizeof shapes[0]; s += 2) {
            struct subtitle_cues cues = cut(texts[t], paces[0], shapes[s], SUBTITLE_PLAIN);
            struct subtitle_frame frame = subtitle_frame(shapes[s].width, shapes[s].height);
            struct stage stage = set_stage(&cues);
            for (int i = 0; i < cues.count; i++) {
                struct drawn drawn = draw(&stage, cues.cue[i].start_ms + 20, false);
                int slack = (int)(frame.size * 0.15) + SLACK;
                assert_true(drawn.text.right > 0);
                assert_true(drawn.text.left >= frame.side - slack);
                assert_true(drawn.text.right <= shapes[s].width - frame.side + slack);
                assert_true(drawn.text.bottom <= shapes[s].height - frame.bottom + slack);
                assert_true(drawn.text.top >= shapes[s].height / 3);
            }
            leave_stage(&stage);
            subtitle_cues_free(&cues);
        }
    }
}

static void every_word_lights_at_its_start(void **state)
{
    for (size_t t = 0; t < 5; t++) {
        struct subtitle_cues cues = cut(texts[t], paces[0], shapes[t % 4], SUBTITLE_KARAOKE);
        struct stage stage = set_stage(&cues);
        for (int i = 0; i < cues.count; i++) {
            const struct subtitle_cue *cue = &cues.cue[i];
            assert_int_equal(draw(&stage, cue->start_ms - 11, false).lit.right == 0, i == 0);
            struct drawn whole = draw(&stage, cue->start_ms, false);
            for (int w = 0; w < cue->count; w++) {
                const struct subtitle_word *word = &cues.word[cue->first + w];
                if (word->end_ms - word->start_ms < 30)
                    continue;
                struct drawn before = draw(&stage, word->start_ms - 11, false);
                struct drawn now = draw(&stage, word->start_ms, false);
                assert_true(now.lit.right > now.lit.left);
                if (w > 0)
                    assert_true(before.lit.left != now.lit.left ||
                                before.lit.right != now.lit.right);
                /* Lighting moves nothing. */
                assert_true(abs(now.text.left - whole.text.left) <= 1 &&
                            abs(now.text.right - whole.text.right) <= 1);
                assert_true(now.text.top == whole.text.top && now.text.bottom == whole.text.bottom);
            }
        }
        leave_stage(&stage);
        subtitle_cues_free(&cues);
    }
}

static void right_to_left_words_light_from_the_right(void **state)
{
    struct subtitle_cues cues = cut("שלום עולם גדול ויפה", paces[0], shapes[0], SUBTITLE_KARAOKE);
    struct stage stage = set_stage(&cues);
    int last = shapes[0].width;
    for (int w = 0; w < cues.word_count; w++) {
        struct drawn drawn = draw(&stage, cues.word[w].start_ms + 10, false);
        assert_true(drawn.lit.right <= last);
        last = drawn.lit.left;
    }
    leave_stage(&stage);
    subtitle_cues_free(&cues);
}

static void a_box_holds_all_its_lines(void **state)
{
    for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
        for (size_t s = t % 2; s < 4; s += 2) {
            struct subtitle_cues cues = cut(texts[t], paces[0], shapes[s], SUBTITLE_BOXED);
            struct stage stage = set_stage(&cues);
            for (int i = 0; i < cues.count && !cues.missing[0]; i++) {
                struct drawn drawn = draw(&stage, cues.cue[i].start_ms + 20, true);
                assert_true(drawn.box.left < drawn.text.left && drawn.text.right < drawn.box.right);
                assert_true(drawn.box.top < drawn.text.top && drawn.text.bottom < drawn.box.bottom);
                int free_left = drawn.text.left - drawn.box.left;
                assert_true(abs(free_left - (drawn.box.right - drawn.text.right)) < 40);
            }
            leave_stage(&stage);
            subtitle_cues_free(&cues);
        }
    }
}

/* Thai and Chinese come as long runs too; lines end between their words. */
static void runs_without_blanks_are_divided(void **state)
{
    for (size_t t = 4; t < 6; t++) {
        struct subtitle_cues cues =
            cut(texts[t], (struct pace){9000, 8900, 0, 0}, shapes[3], SUBTITLE_PLAIN);
        assert_true(cues.count >= 3);
        for (int i = 0; i < cues.count; i++) {
            UChar32 first = 0;
            const char *text = cues.word[cues.cue[i].first].text;
            U8_GET((const uint8_t *)text, 0, 0, -1, first);
            /* No vowel or tone mark, and no stop, begins a line. */
            assert_true(u_charType(first) == U_OTHER_LETTER);
        }
        subtitle_cues_free(&cues);
    }
    struct subtitle_cues cues = cut(texts[5], paces[0], shapes[0], SUBTITLE_PLAIN);
    assert_true(font_has(0x8001) || strcmp(cues.missing, "Han") == 0);
    subtitle_cues_free(&cues);
}

static int end(void **state)
{
    font_done();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cue_keeps_the_rules),
        cmocka_unit_test(cues_end_where_a_reader_pauses),
        cmocka_unit_test(a_long_pause_ends_a_cue),
        cmocka_unit_test(subtitles_stay_in_the_safe_area),
        cmocka_unit_test(every_word_lights_at_its_start),
        cmocka_unit_test(right_to_left_words_light_from_the_right),
        cmocka_unit_test(a_box_holds_all_its_lines),
        cmocka_unit_test(runs_without_blanks_are_divided),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
