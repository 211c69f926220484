#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The first numbers of two seeds, so that an old seed means the same run for ever. */
static void repeats_a_seed(void **state)
{
    static const struct {
        uint64_t seed, first[3];
    } rows[] = {
        {0, {0x99EC5F36CB75F2B4u, 0xBF6E1F784956452Au, 0x1A5F849D4933E6E0u}},
        {1, {0xB3F2AF6D0FC710C5u, 0x853B559647364CEAu, 0x92F89756082A4514u}},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct rng rng;
        rng_init(&rng, rows[n].seed);
        for (int i = 0; i < 3; i++)
            assert_true(rng_next(&rng) == rows[n].first[i]);
    }
}

static void stays_below(void **state)
{
    static const uint64_t limits[] = {1, 2, 3, 10, 1u << 31, UINT64_MAX / 2 + 2, UINT64_MAX};
    struct rng rng;
    rng_init(&rng, 7);
    for (size_t n = 0; n < sizeof limits / sizeof limits[0]; n++) {
        for (int i = 0; i < 1000; i++)
            assert_true(rng_below(&rng, limits[n]) < limits[n]);
    }
}

static void is_even(void **state)
{
    struct rng rng;
    unsigned counts[10] = {0};
    double sum = 0;
    rng_init(&rng, 3);
    for (int i = 0; i < 100000; i++) {
        double unit = rng_unit(&rng);
        assert_true(unit >= 0 && unit < 1);
        sum += unit;
        counts[rng_below(&rng, 10)]++;
    }
    assert_true(sum > 49500 && sum < 50500);
    for (int n = 0; n < 10; n++)
        assert_in_range(counts[n], 9600, 10400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_a_seed),
        cmocka_unit_test(stays_below),
        cmocka_unit_test(is_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
