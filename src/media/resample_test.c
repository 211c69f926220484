#include "media/resample.h"

#include "base/rng.h"
#include "media/fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Weights of every filter sum to one exactly and balance around its centre. */
static void filters_are_exact_in_sum_and_place(void **state)
{
    struct resample_axis axis;
    static const double steps[] = {0.3, 1, 1.37, 1.5, 1.98, 5.2};
    assert_true(resample_axis_make(64, 6, &axis));
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        double origin = 40.3;
        resample_axis_set(&axis, 64, 1000, origin, steps[s]);
        for (int i = 0; i < 64; i++) {
            const int16_t *weight = axis.weight + i * axis.taps;
            double centre = origin + (i + 0.5) * steps[s], moment = 0;
            int sum = 0;
            for (int k = 0; k < axis.taps; k++) {
                sum += weight[k];
                moment += weight[k] * (axis.start[i] + k + 0.5 - centre);
            }
            assert_int_equal(sum, RESAMPLE_ONE);
            assert_true(fabs(moment / RESAMPLE_ONE) < 2e-3);
        }
    }
    resample_axis_free(&axis);
}

static void a_flat_picture_stays_flat(void **state)
{
    struct plane source, target;
    assert_true(plane_make(97, 61, &source));
    assert_true(plane_make(40, 90, &target));
    for (int value = 0; value < 256; value += 15) {
        plane_fill(&source, (uint8_t)value);
        assert_true(resample_fit(&source, &target));
        for (int y = 0; y < target.height; y++) {
            for (int x = 0; x < target.width; x++)
                assert_int_equal(plane_row(&target, y)[x], value);
        }
    }
    plane_free(&source);
    plane_free(&target);
}

/* A slope sampled at a shift must move by exactly that shift: this is what smooth motion rests on.
 */
static void a_shift_of_a_fraction_shifts_by_that_fraction(void **state)
{
    struct plane source, target;
    struct resample_axis across, down;
    struct resample_scratch scratch;
    assert_true(plane_make(600, 16, &source) && plane_make(200, 8, &target));
    assert_true(resample_axis_make(200, 2, &across) && resample_axis_make(8, 2, &down));
    assert_true(resample_scratch_make(600, &scratch));
    for (int y = 0; y < 16; y++) {
        for (int x = 0; x < 600; x++)
            plane_row(&source, y)[x] = (uint8_t)lrint(128 + 100 * sin(x / 4.0));
    }
    resample_axis_set(&down, 8, 16, 4, 1);
    double worst = 0;
    for (int n = 0; n < 20; n++) {
        double shift = 10 + n * 0.05, step = 1.5;
        resample_axis_set(&across, 200, 600, shift, step);
        resample_plane(&source, &across, &down, &scratch, &target);
        /* Least squares of a sine and a cosine: the angle between them is the error. */
        double ss = 0, sc = 0, cc = 0, sv = 0, cv = 0;
        for (int x = 20; x < 180; x++) {
            double phase = (shift + (x + 0.5) * step - 0.5) / 4;
            double value = plane_row(&target, 4)[x] - 128;
            ss += sin(phase) * sin(phase);
            sc += sin(phase) * cos(phase);
            cc += cos(phase) * cos(phase);
            sv += value * sin(phase);
            cv += value * cos(phase);
        }
        worst = fmax(worst, fabs(atan2(ss * cv - sc * sv, cc * sv - sc * cv) * 4));
    }
    if (worst >= 0.01)
        fail_msg("a shift is wrong by %f samples", worst);
    resample_axis_free(&across);
    resample_axis_free(&down);
    resample_scratch_free(&scratch);
    plane_free(&source);
    plane_free(&target);
}

/* Black and white columns, far finer than the result can show, become grey and not stripes. */
static void shrinking_does_not_alias(void **state)
{
    struct plane source, target;
    assert_true(plane_make(1001, 40, &source) && plane_make(100, 4, &target));
    for (int y = 0; y < 40; y++) {
        for (int x = 0; x < 1001; x++)
            plane_row(&source, y)[x] = x % 2 ? 255 : 0;
    }
    assert_true(resample_fit(&source, &target));
    for (int x = 2; x < 98; x++)
        assert_in_range(plane_row(&target, 2)[x], 124, 131);
    plane_free(&source);
    plane_free(&target);
}

static void the_vector_loops_equal_the_plain_ones(void **state)
{
    enum { COUNT = 77, TAPS = 16 };
    struct rng rng;
    rng_init(&rng, 7);
    uint8_t bytes[TAPS][COUNT + 64];
    const uint8_t *rows[TAPS];
    int16_t weight[TAPS], one[COUNT + 64], two[COUNT + 64];
    for (int k = 0; k < TAPS; k++) {
        rows[k] = bytes[k];
        weight[k] = (int16_t)((int)rng_below(&rng, 6000) - 1500);
        for (int x = 0; x < COUNT + 64; x++)
            bytes[k][x] = (uint8_t)rng_below(&rng, 256);
    }
    resample_rows(rows, weight, TAPS, COUNT, one);
    resample_rows_plain(rows, weight, TAPS, COUNT, two);
    assert_memory_equal(one, two, sizeof(int16_t) * COUNT);

    struct resample_axis axis;
    uint8_t out[2][53];
    int16_t row[400];
    for (int x = 0; x < 400; x++)
        row[x] = (int16_t)rng_below(&rng, 255 * 64);
    assert_true(resample_axis_make(53, 3, &axis));
    resample_axis_set(&axis, 53, 200, 3.3, 2.7);
    resample_dots(row, &axis, out[0]);
    resample_dots_plain(row, &axis, out[1]);
    assert_memory_equal(out[0], out[1], 53);
    resample_axis_free(&axis);
}

static void tiny_sources_and_edges_are_safe(void **state)
{
    static const int sizes[][4] = {{1, 1, 50, 30}, {3, 2, 7, 300}, {400, 1, 2, 9}, {5, 500, 90, 2}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct plane source, target;
        assert_true(plane_make(sizes[i][0], sizes[i][1], &source));
        assert_true(plane_make(sizes[i][2], sizes[i][3], &target));
        plane_fill(&source, 200);
        assert_true(resample_fit(&source, &target));
        assert_int_equal(plane_row(&target, 0)[0], 200);
        assert_int_equal(plane_row(&target, sizes[i][3] - 1)[sizes[i][2] - 1], 200);
        plane_free(&source);
        plane_free(&target);
    }
    struct plane none;
    assert_false(plane_make(0, 5, &none));
    assert_false(plane_make(5, PLANE_SIDE_MAX + 1, &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_are_exact_in_sum_and_place),
        cmocka_unit_test(a_flat_picture_stays_flat),
        cmocka_unit_test(a_shift_of_a_fraction_shifts_by_that_fraction),
        cmocka_unit_test(shrinking_does_not_alias),
        cmocka_unit_test(the_vector_loops_equal_the_plain_ones),
        cmocka_unit_test(tiny_sources_and_edges_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
