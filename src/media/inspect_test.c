#include "media/inspect.h"

#include "media/fixture.h"
#include "media/job.h"
#include "media/sample.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A long film has key frames enough to be looked at by these. */
enum { WIDTH = 256, HEIGHT = 144, FPS = 12, FRAMES = 36, LONG_FRAMES = 132 };

static struct fixture fixture;
static const char *scene;
static int frames = FRAMES;

static void draw(void *context, int thread, int frame, struct plane yuv[3])
{
    plane_fill(&yuv[1], 128);
    plane_fill(&yuv[2], 128);
    plane_fill(&yuv[0], strcmp(scene, "grey") == 0 ? 120 : 16);
    if (strcmp(scene, "grey") == 0 || strcmp(scene, "black") == 0)
        return;
    int shift = strcmp(scene, "frozen") == 0 ? 0 : frame * 3;
    if (strcmp(scene, "turning") == 0) /* comes round with every key frame */
        shift = frame % (2 * FPS) * 4;
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++)
            plane_row(&yuv[0], y)[x] = (uint8_t)(40 + ((x + shift) / 16 + y / 16) % 2 * 150);
    }
    /* The opening is dark, as of a fade-in. */
    if (strcmp(scene, "fade") == 0 && frame < FRAMES / 3)
        plane_fill(&yuv[0], 17);
}

/* Makes a film of the kind `name`, checks it against `wish`, and leaves what came of it. */
static bool inspect(const char *name, struct inspect_wish wish, struct job *job,
                    struct picture *ret_best)
{
    static const struct image_limits limits = {1 << 24, 4096, 1 << 24};
    char hash[FILM_HASH_SIZE];
    struct film film = {
        .width = WIDTH, .height = HEIGHT, .fps = FPS, .frames = frames, .threads = 1, .draw = draw};
    int fd = fixture_open(&fixture, name);
    *job = (struct job){.folder = &fixture.folder, .limits = &limits, .wish = wish};
    scene = name;
    assert_int_equal(ftruncate(fd, 0), 0); /* there may be an earlier, longer film of that name */
    assert_true(film_make(&film, fd, &job->failure, hash));
    bool done =
        probe_read(fd, "output", &job->failure, &job->output) && inspect_output(job, fd, ret_best);
    close(fd);
    return done;
}

static void expect_warning(const char *name, struct inspect_wish wish, const char *part)
{
    struct job job;
    struct picture best = {0};
    assert_true(inspect(name, wish, &job, &best));
    picture_free(&best);
    for (int i = 0; part && i < job.warning_count; i++) {
        if (strstr(job.warnings[i], part))
            return;
    }
    if (part || job.warning_count > 0)
        fail_msg("%s: %s, not %s", name, job.warning_count ? job.warnings[0] : "nothing",
                 part ? part : "nothing");
}

static void what_moves_is_well(void **state)
{
    const struct inspect_wish same = {
        .width = WIDTH, .height = HEIGHT, .duration = (double)FRAMES / FPS, .fps = FPS};
    expect_warning("moving", same, NULL);
    expect_warning("fade", same, NULL);
}

static void black_blank_and_frozen_films_are_noticed(void **state)
{
    expect_warning("black", (struct inspect_wish){0}, "black");
    expect_warning("grey", (struct inspect_wish){0}, "single colour");
    expect_warning("frozen", (struct inspect_wish){0}, "same picture");
}

static void a_long_film_is_looked_at_by_its_key_frames(void **state)
{
    frames = LONG_FRAMES;
    expect_warning("moving", (struct inspect_wish){0}, NULL);
    expect_warning("turning", (struct inspect_wish){0}, NULL);
    expect_warning("fade", (struct inspect_wish){0}, NULL);
    expect_warning("black", (struct inspect_wish){0}, "black");
    expect_warning("grey", (struct inspect_wish){0}, "single colour");
    expect_warning("frozen", (struct inspect_wish){0}, "same picture");
    frames = FRAMES;
}

static void what_differs_from_the_request_is_said(void **state)
{
    expect_warning("moving", (struct inspect_wish){.width = 512, .height = 288}, "512 × 288");
    expect_warning("moving", (struct inspect_wish){.duration = 5}, "5.00 s were asked");
    expect_warning("moving", (struct inspect_wish){.fps = 24}, "24.00 were asked");
    expect_warning("moving", (struct inspect_wish){.sound = true}, "no sound");
}

static void the_thumbnail_is_not_the_dark_opening(void **state)
{
    struct job job;
    struct picture best = {0};
    assert_true(inspect("fade", (struct inspect_wish){0}, &job, &best));
    long sum = 0;
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++)
            sum += plane_row(&best.plane[PICTURE_GREEN], y)[x];
    }
    picture_free(&best);
    assert_true(sum / (WIDTH * HEIGHT) > 60);
}

static void expect_break(int count)
{
    struct job job;
    struct picture best = {0};
    frames = count;
    assert_true(inspect("moving", (struct inspect_wish){0}, &job, &best));
    frames = FRAMES;
    picture_free(&best);
    size_t size;
    uint8_t *bytes = fixture_read(&fixture, "moving", &size);
    fixture_write(&fixture, "cut", bytes, size * 45 / 100);
    free(bytes);
    int fd = fixture_open(&fixture, "cut");
    assert_false(probe_read(fd, "output", &job.failure, &job.output) &&
                 inspect_output(&job, fd, &best));
    assert_int_equal(job.failure.code, ERROR_OUTPUT_INVALID);
    close(fd);
}

static void a_film_that_breaks_off_is_no_output(void **state)
{
    expect_break(FRAMES);
    expect_break(LONG_FRAMES);
}

static struct sample_frame measure(uint8_t low, uint8_t high, int step)
{
    struct plane grey;
    assert_true(plane_make(64, 36, &grey));
    for (int y = 0; y < grey.height; y++) {
        for (int x = 0; x < grey.width; x++)
            plane_row(&grey, y)[x] = (x / step + y / step) % 2 ? high : low;
    }
    struct sample_frame seen = sample_measure(&grey);
    plane_free(&grey);
    return seen;
}

static void sharp_and_well_lit_is_worth_more(void **state)
{
    struct sample_frame good = measure(70, 180, 4), dark = measure(2, 14, 4);
    struct sample_frame pale = measure(240, 255, 4), plain = measure(120, 120, 4);
    struct sample_frame coarse = measure(70, 180, 32);
    assert_true(sample_worth(&good) > sample_worth(&dark));
    assert_true(sample_worth(&good) > sample_worth(&pale));
    assert_true(sample_worth(&good) > sample_worth(&plain));
    assert_true(sample_worth(&good) > sample_worth(&coarse));
    assert_true(sample_worth(&coarse) > sample_worth(&plain));
}

static int open_folder(void **state)
{
    fixture_init(&fixture);
    return 0;
}

static int close_folder(void **state)
{
    fixture_done(&fixture);
    return 0;
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_moves_is_well),
        cmocka_unit_test(black_blank_and_frozen_films_are_noticed),
        cmocka_unit_test(a_long_film_is_looked_at_by_its_key_frames),
        cmocka_unit_test(what_differs_from_the_request_is_said),
        cmocka_unit_test(the_thumbnail_is_not_the_dark_opening),
        cmocka_unit_test(a_film_that_breaks_off_is_no_output),
        cmocka_unit_test(sharp_and_well_lit_is_worth_more),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
