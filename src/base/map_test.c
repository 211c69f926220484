#include "base/map.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct thing {
    char name[16];
    bool present;
};

static void finds_what_was_set(void **state)
{
    struct map map;
    int one = 1, two = 2;
    map_init(&map);
    assert_null(map_get(&map, SPAN("a")));
    assert_null(map_remove(&map, SPAN("a")));
    map_set(&map, SPAN("a"), &one);
    map_set(&map, SPAN(""), &two);
    map_set(&map, SPAN("a\0b"), &two);
    assert_ptr_equal(map_get(&map, SPAN("a")), &one);
    assert_ptr_equal(map_get(&map, SPAN("")), &two);
    assert_ptr_equal(map_get(&map, (struct span){NULL, 0}), &two);
    assert_ptr_equal(map_get(&map, SPAN("a\0b")), &two);
    assert_null(map_get(&map, SPAN("a\0c")));
    map_set(&map, SPAN("a"), &two);
    assert_ptr_equal(map_get(&map, SPAN("a")), &two);
    assert_int_equal(map.live, 3);
    assert_ptr_equal(map_remove(&map, SPAN("a")), &two);
    assert_null(map_remove(&map, SPAN("a")));
    assert_null(map_get(&map, SPAN("a")));
    map_done(&map);
    map_done(&map);
}

/* An equal key is replaced too, so that the old one may die with the old value. */
static void takes_the_new_key(void **state)
{
    struct map map;
    struct thing old = {"key", true}, new = {"key", true};
    map_init(&map);
    map_set(&map, span_of(old.name), &old);
    map_set(&map, span_of(new.name), &new);
    memset(&old, 'x', sizeof old);
    assert_ptr_equal(map_get(&map, SPAN("key")), &new);
    map_done(&map);
}

static void walks_in_order_of_insertion(void **state)
{
    struct map map;
    struct thing things[100];
    map_init(&map);
    for (int n = 0; n < 100; n++) {
        (void)snprintf(things[n].name, sizeof things[n].name, "%d", n * 7919 % 100);
        map_set(&map, span_of(things[n].name), &things[n]);
    }
    size_t cursor = 0;
    for (int n = 0; n < 100; n++) {
        struct thing *thing = map_next(&map, &cursor);
        assert_ptr_equal(thing, &things[n]);
        if (n % 3 == 0)
            assert_ptr_equal(map_remove(&map, span_of(thing->name)), thing);
    }
    assert_null(map_next(&map, &cursor));
    assert_null(map_next(&map, &cursor));
    /* What was removed and set again stands at the end. */
    map_set(&map, span_of(things[0].name), &things[0]);
    cursor = 0;
    for (int n = 0; n < 100; n++) {
        if (n % 3 != 0)
            assert_ptr_equal(map_next(&map, &cursor), &things[n]);
    }
    assert_ptr_equal(map_next(&map, &cursor), &things[0]);
    assert_null(map_next(&map, &cursor));
    map_done(&map);
}

static void agrees_with_the_plain_way(void **state)
{
    enum { THINGS = 2000 };
    static struct thing things[THINGS];
    struct map map;
    struct rng rng;
    size_t live = 0;
    map_init(&map);
    rng_init(&rng, 1);
    for (int n = 0; n < THINGS; n++) {
        (void)snprintf(things[n].name, sizeof things[n].name, "thing-%d", n);
        things[n].present = false;
    }
    for (int step = 0; step < 200000; step++) {
        /* Waves of growing and shrinking. */
        struct thing *thing = &things[rng_below(&rng, THINGS)];
        if (rng_below(&rng, 10) < (step / 20000 % 2 ? 2u : 8u)) {
            live += !thing->present;
            thing->present = true;
            map_set(&map, span_of(thing->name), thing);
        } else {
            void *removed = map_remove(&map, span_of(thing->name));
            assert_ptr_equal(removed, thing->present ? thing : NULL);
            live -= thing->present;
            thing->present = false;
        }
        assert_int_equal(map.live, live);
    }
    size_t cursor = 0, walked = 0;
    for (struct thing *thing; (thing = map_next(&map, &cursor)); walked++)
        assert_true(thing->present);
    assert_int_equal(walked, live);
    for (int n = 0; n < THINGS; n++) {
        void *found = map_get(&map, span_of(things[n].name));
        assert_ptr_equal(found, things[n].present ? &things[n] : NULL);
    }
    /* Removals leave gaps, but they are squeezed out: room follows what lives. */
    assert_true(map.capacity <= 2 * THINGS);
    map_done(&map);
}

static void stays_small_under_churn(void **state)
{
    struct map map;
    char names[100000][8];
    map_init(&map);
    for (int n = 0; n < 100000; n++) {
        (void)snprintf(names[n], sizeof names[n], "%d", n);
        map_set(&map, span_of(names[n]), names[n]);
        if (n >= 10)
            assert_ptr_equal(map_remove(&map, span_of(names[n - 10])), names[n - 10]);
    }
    assert_int_equal(map.live, 10);
    assert_true(map.capacity <= 64);
    map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_set),          cmocka_unit_test(takes_the_new_key),
        cmocka_unit_test(walks_in_order_of_insertion), cmocka_unit_test(agrees_with_the_plain_way),
        cmocka_unit_test(stays_small_under_churn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
