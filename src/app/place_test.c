#include "app/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void who_comes_first_is_served_first(void **state)
{
    (void)state;
    struct map lines;
    struct place places[5] = {0};
    map_init(&lines);
    assert_true(place_idle(&lines, "fal"));
    for (int n = 0; n < 5; n++)
        place_take(&lines, "fal", 2, &places[n]);
    assert_false(place_idle(&lines, "fal"));
    for (int n = 0; n < 5; n++)
        assert_int_equal(places[n].is_had, n < 2);
    assert_ptr_equal(place_leave(&places[1]), &places[2]);
    assert_true(places[2].is_had);
    assert_null(place_leave(&places[1])); /* twice is harmless */
    assert_null(place_leave(&places[3])); /* it only stood in line */
    assert_ptr_equal(place_leave(&places[0]), &places[4]);
    assert_null(place_leave(&places[2]));
    assert_null(place_leave(&places[4]));
    assert_true(place_idle(&lines, "fal"));
    place_done(&lines);
}

static void providers_do_not_hold_each_other_up(void **state)
{
    (void)state;
    struct map lines;
    struct place places[3] = {0};
    map_init(&lines);
    place_take(&lines, "fal", 1, &places[0]);
    place_take(&lines, "replicate", 1, &places[1]);
    place_take(&lines, "fal", 1, &places[2]);
    assert_true(places[0].is_had && places[1].is_had && !places[2].is_had);
    assert_null(place_leave(&places[1]));
    assert_ptr_equal(place_leave(&places[0]), &places[2]);
    place_done(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_first_is_served_first),
        cmocka_unit_test(providers_do_not_hold_each_other_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
