#include "media/film.h"

#include "media/fixture.h"
#include "media/probe.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct count {
    int drawn, encoding;
};

static void draw(void *context, int thread, int frame, struct plane yuv[3])
{
    for (int i = 0; i < 3; i++) {
        for (int y = 0; y < yuv[i].height; y++) {
            for (int x = 0; x < yuv[i].width; x++)
                plane_row(&yuv[i], y)[x] = (uint8_t)(x * 3 + y * 5 + frame * 7 + i);
        }
    }
}

static void drawn(void *context, int frames)
{
    struct count *count = context;
    assert_int_equal(frames, count->drawn + 1);
    count->drawn = frames;
}

static void encoding(void *context)
{
    ((struct count *)context)->encoding++;
}

static struct film film_of(int frames, int fps, int threads, struct count *count)
{
    return (struct film){.width = 64,
                         .height = 48,
                         .fps = fps,
                         .frames = frames,
                         .threads = threads,
                         .context = count,
                         .draw = draw,
                         .drawn = drawn,
                         .encoding = encoding};
}

/* The positions of the boxes of the top level. */
static void find_boxes(const uint8_t *data, size_t size, size_t *moov, size_t *mdat)
{
    for (size_t at = 0; at + 8 <= size;) {
        size_t length = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 |
                        (size_t)data[at + 2] << 8 | data[at + 3];
        if (memcmp(data + at + 4, "moov", 4) == 0)
            *moov = at;
        if (memcmp(data + at + 4, "mdat", 4) == 0)
            *mdat = at;
        if (length < 8)
            break;
        at += length;
    }
}

static void frames_and_length_are_exact_and_the_index_is_first(void **state)
{
    static const int cases[][2] = {{12, 12}, {31, 30}, {90, 60}, {1, 24}, {61, 25}};
    struct fixture fixture;
    fixture_init(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct count count = {0};
        struct film film = film_of(cases[i][0], cases[i][1], 2, &count);
        struct failure failure = {0};
        struct probe probe;
        char hash[FILM_HASH_SIZE];
        int fd = fixture_open(&fixture, "film.mp4");
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_true(film_make(&film, fd, &failure, hash));
        assert_int_equal(strlen(hash), 32);
        assert_int_equal(count.drawn, film.frames);
        assert_int_equal(count.encoding, 1);
        assert_true(probe_read(fd, "output", &failure, &probe));
        close(fd);
        assert_string_equal(probe.content_type, "video/mp4");
        assert_int_equal(probe.width, 64);
        assert_int_equal(probe.height, 48);
        assert_int_equal(probe.frames, film.frames);
        assert_true(probe.fps == film.fps);
        assert_int_equal(probe.duration_ms, (film.frames * 1000 + film.fps / 2) / film.fps);
        assert_false(probe.has_audio);
        size_t size, moov = 0, mdat = 0;
        uint8_t *data = fixture_read(&fixture, "film.mp4", &size);
        find_boxes(data, size, &moov, &mdat);
        assert_true(moov > 0 && mdat > moov);
        free(data);
    }
    fixture_done(&fixture);
}

static void threads_make_no_difference_to_the_frames(void **state)
{
    char first[FILM_HASH_SIZE] = "", hash[FILM_HASH_SIZE];
    for (int threads = 1; threads <= FILM_THREADS_MAX; threads++) {
        struct count count = {0};
        struct failure failure = {0};
        struct film film = film_of(40, 30, threads, &count);
        assert_true(film_make(&film, -1, &failure, hash));
        if (threads > 1)
            assert_string_equal(hash, first);
        memcpy(first, hash, sizeof first);
    }
    struct count count = {0};
    struct failure failure = {0};
    struct film film = film_of(41, 30, 2, &count);
    assert_true(film_make(&film, -1, &failure, hash));
    assert_string_not_equal(hash, first);
}

/* A file that may not grow, and a device that is full, stand for a full disk. */
static void a_file_that_can_not_grow_is_a_failure_with_a_reason(void **state)
{
    struct fixture fixture;
    struct rlimit old, small = {4096, RLIM_INFINITY};
    struct count count = {0};
    struct failure failure = {0};
    char hash[FILM_HASH_SIZE];
    fixture_init(&fixture);
    int fd = fixture_open(&fixture, "film.mp4");
    struct film film = film_of(90, 30, 2, &count);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_false(film_make(&film, fd, &failure, hash));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(failure.code, ERROR_TOO_LARGE);
    close(fd);
    fixture_done(&fixture);
}

static void a_full_disk_has_its_own_code(void **state)
{
    struct failure failure = {0};
    failure_note_av(&failure, ERROR_INTERNAL, "writing", AVERROR(ENOSPC));
    assert_string_equal(error_name(failure.code), "storage_full");
    failure = (struct failure){0};
    failure_note_av(&failure, ERROR_INTERNAL, "writing", AVERROR(ENOMEM));
    assert_string_equal(error_name(failure.code), "out_of_memory");
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_and_length_are_exact_and_the_index_is_first),
        cmocka_unit_test(threads_make_no_difference_to_the_frames),
        cmocka_unit_test(a_file_that_can_not_grow_is_a_failure_with_a_reason),
        cmocka_unit_test(a_full_disk_has_its_own_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
