#include "media/kenburns.h"

#include "media/fixture.h"

#include <math.h>
#include <stdlib.h>

static void draw(int width, int height, struct motion_wish wish, int frame, struct plane yuv[3])
{
    struct picture picture = fixture_quarters(width, height);
    struct film film = {.width = 160, .height = 90, .fps = 12, .frames = 13, .threads = 2};
    struct kenburns_shot shot;
    assert_true(kenburns_prepare(&picture, &wish, &film, &shot));
    struct sequence alone = kenburns_share(&film, 1, 0);
    struct kenburns *kenburns = kenburns_make(&film, &alone, &shot);
    assert_non_null(kenburns);
    for (int i = 0; i < 3; i++)
        assert_true(plane_make(i ? 80 : 160, i ? 45 : 90, &yuv[i]));
    kenburns_draw(kenburns, frame % 2, frame, yuv);
    kenburns_free(kenburns);
}

static void free_planes(struct plane yuv[3])
{
    for (int i = 0; i < 3; i++)
        plane_free(&yuv[i]);
}

/* Where red ends and green begins: the row's sum of luma tells, to a fraction of a pixel. */
static double edge(const struct plane *luma, int row)
{
    double sum = 0;
    for (int x = 0; x < luma->width; x++)
        sum += plane_row(luma, row)[x];
    return (173.0 * luma->width - sum) / (173 - 63);
}

static void colours_stay_what_they_are(void **state)
{
    struct plane yuv[3];
    struct motion_wish wish = {.kind = MOTION_PAN_LEFT, .zoom = 1, .duration = 1};
    draw(640, 360, wish, 0, yuv);
    static const int wanted[4][3] = {
        {63, 102, 240}, {173, 42, 26}, {32, 240, 118}, {235, 128, 128}};
    for (int corner = 0; corner < 4; corner++) {
        int x = corner == 1 || corner == 2 ? 120 : 40, y = corner >= 2 ? 70 : 20;
        for (int i = 0; i < 3; i++) {
            int value = plane_row(&yuv[i], i ? y / 2 : y)[i ? x / 2 : x];
            assert_true(abs(value - wanted[corner][i]) <= 1);
        }
    }
    assert_true(fabs(edge(&yuv[0], 20) - 80) < 0.05);
    free_planes(yuv);
}

/* A linear pan moves the edge by the same fraction of a pixel from frame to frame. */
static void a_pan_moves_evenly(void **state)
{
    double last = 0, first_step = 0;
    for (int frame = 0; frame < 13; frame++) {
        struct plane yuv[3];
        struct motion_wish wish = {
            .kind = MOTION_PAN_RIGHT, .easing = MOTION_LINEAR, .zoom = 1.1, .duration = 0.3};
        draw(1000, 700, wish, frame, yuv);
        double at = edge(&yuv[0], 20);
        free_planes(yuv);
        if (frame == 1)
            first_step = last - at;
        if (frame > 1)
            assert_true(fabs(last - at - first_step) < 0.05);
        last = at;
    }
    assert_true(first_step > 0.3 && first_step < 0.8);
}

static void any_shape_of_picture_fills_the_frame(void **state)
{
    static const int sizes[][2] = {{3, 3}, {2000, 20}, {20, 2000}, {161, 91}, {1, 1}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int kind = 0; kind < MOTION_KIND_COUNT; kind++) {
            struct plane yuv[3];
            struct motion_wish wish = {.kind = (enum motion_kind)kind, .zoom = 2, .duration = 5};
            draw(sizes[i][0], sizes[i][1], wish, 12, yuv);
            /* None of the four colours is black, even where a sharp edge swings over. */
            if (plane_row(&yuv[0], 0)[0] <= 4 || plane_row(&yuv[0], 89)[159] <= 4)
                fail_msg("%d x %d, %s: luma %d and %d", sizes[i][0], sizes[i][1],
                         motion_kind_word((enum motion_kind)kind), plane_row(&yuv[0], 0)[0],
                         plane_row(&yuv[0], 89)[159]);
            free_planes(yuv);
        }
    }
}

static struct picture plain(int width, int height, uint8_t grey)
{
    struct picture picture;
    assert_true(picture_make(width, height, &picture));
    for (int i = 0; i < PICTURE_PLANES; i++)
        plane_fill(&picture.plane[i], grey);
    return picture;
}

/* The luma in the middle of each frame of a film over plain pictures. */
static void draw_plain(const struct film *film, const struct sequence *sequence,
                       const uint8_t *greys, int *luma)
{
    struct kenburns_shot shots[SEQUENCE_CLIPS_MAX];
    struct motion_wish wish = {.kind = MOTION_ZOOM_IN, .zoom = 1.25, .duration = 1};
    struct plane yuv[3];
    for (int i = 0; i < sequence->count; i++) {
        struct picture picture = plain(200 + 10 * i, 120, greys[i]);
        assert_true(kenburns_prepare(&picture, &wish, film, &shots[i]));
    }
    struct kenburns *kenburns = kenburns_make(film, sequence, shots);
    assert_non_null(kenburns);
    for (int i = 0; i < 3; i++)
        assert_true(plane_make(i ? 80 : 160, i ? 45 : 90, &yuv[i]));
    for (int frame = 0; frame < film->frames; frame++) {
        kenburns_draw(kenburns, frame % 2, frame, yuv);
        luma[frame] = plane_row(&yuv[0], 45)[80];
    }
    free_planes(yuv);
    kenburns_free(kenburns);
}

static void pictures_share_the_film_and_fade_into_each_other(void **state)
{
    static const uint8_t greys[] = {0, 255, 0};
    struct film film = {.width = 160, .height = 90, .fps = 12, .frames = 40, .threads = 2};
    struct sequence sequence = kenburns_share(&film, 3, 7);
    int luma[40];
    draw_plain(&film, &sequence, greys, luma);
    assert_int_equal(sequence.frames[0] + sequence.frames[1] + sequence.frames[2], 40 + 2 * 7);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sequence.frames[i], 18);
    /* The first 11 frames are the first picture alone, the middle one of the seven that follow is
     * half of each. */
    assert_int_equal(luma[0], 16);
    assert_int_equal(luma[10], 16);
    assert_true(luma[11] > 16 && luma[11] < luma[12]);
    assert_true(abs(luma[14] - (16 + 235) / 2) <= 1);
    assert_int_equal(luma[18], 235);
    assert_int_equal(luma[21], 235);
    assert_true(abs(luma[25] - (16 + 235) / 2) <= 1);
    assert_int_equal(luma[29], 16);
    assert_int_equal(luma[39], 16);
}

static void any_number_of_pictures_fills_the_film(void **state)
{
    static const int cases[][3] = {{12, 20, 9}, {12, 1, 9}, {60, 7, 0}, {601, 19, 24}, {13, 2, 36}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct film film = {.width = 160, .height = 90, .fps = 12, .frames = cases[i][0]};
        struct sequence sequence = kenburns_share(&film, cases[i][1], cases[i][2]);
        struct sequence_piece piece;
        int last = 0, count = 0;
        for (bool more = sequence_first(&sequence, &piece); more;
             more = sequence_next(&sequence, &piece, &piece)) {
            assert_true(piece.first <= last);
            last = piece.first + piece.frames;
            count++;
        }
        assert_int_equal(last, film.frames);
        assert_true(count <= cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_stay_what_they_are),
        cmocka_unit_test(a_pan_moves_evenly),
        cmocka_unit_test(any_shape_of_picture_fills_the_frame),
        cmocka_unit_test(pictures_share_the_film_and_fade_into_each_other),
        cmocka_unit_test(any_number_of_pictures_fills_the_film),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
