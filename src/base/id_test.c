#include "base/id.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void writes(void **state)
{
    char id[ID_SIZE];
    id_write("gen_", 1, 0, id);
    assert_string_equal(id, "gen_00000000000010000000000000");
    id_write("gen_", INT64_MAX, UINT64_MAX, id);
    assert_string_equal(id, "gen_7zzzzzzzzzzzzfzzzzzzzzzzzz");
    assert_int_equal(strlen(id), 30);
}

/* Millions of keys: each comes back, and the texts sort as the keys do. */
static void round_trips_in_order(void **state)
{
    struct rng rng;
    char before[ID_SIZE] = "", id[ID_SIZE];
    int64_t key = 0, read = 0;
    ms_t now = 1769029200000;
    rng_init(&rng, 1);
    for (int n = 0; n < 2000000; n++) {
        now += (ms_t)rng_below(&rng, 3) * (ms_t)(rng_below(&rng, 100) == 0);
        int64_t next = id_next_key(key, now);
        assert_true(next > key);
        key = next;
        id_write("gen_", key, rng_next(&rng), id);
        assert_true(id_read(span_of(id), "gen_", &read));
        assert_true(read == key);
        assert_true(strcmp(before, id) < 0);
        memcpy(before, id, sizeof id);
    }
}

static void keys_grow_when_the_clock_does_not(void **state)
{
    ms_t now = 1769029200000;
    int64_t key = id_next_key(0, now);
    assert_int_equal(id_time(key), now);
    assert_int_equal(id_next_key(key, now), key + 1);
    assert_int_equal(id_next_key(key, now - MS_DAY), key + 1);
    assert_int_equal(id_time(id_next_key(key, now + 1)), now + 1);
    /* More than a millisecond can count run into the next one. */
    for (int n = 0; n < 40000; n++)
        key = id_next_key(key, now);
    assert_int_equal(id_time(key), now + 1);
}

static void refuses_what_is_no_id(void **state)
{
    const struct span texts[] = {
        {NULL, 0},
        SPAN(""),
        SPAN("gen_"),
        SPAN("gen_0000000000001000000000000"),   /* short */
        SPAN("gen_000000000000100000000000000"), /* long */
        SPAN("dep_00000000000010000000000000"),  /* another prefix */
        SPAN("gen_00000000000000000000000000"),  /* no key */
        SPAN("gen_0000000000001000000000000I"),  /* not in the alphabet */
        SPAN("gen_000000000000100000000000i0"),
        SPAN("gen_0000000000001000000000000Z"), /* capitals are another text */
        SPAN("gen_000000000000100000000000-0"),
        SPAN("gen_000000000000100000000000\0000"), /* NUL */
        SPAN("gen_80000000000000000000000000"),    /* beyond 63 bits */
        SPAN("gen_g0000000000000000000000000"),    /* beyond 64 bits */
        SPAN("gen_0000000000001g000000000000"),
        SPAN(" en_00000000000010000000000000"),
    };
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) {
        int64_t key = 42;
        if (id_read(texts[n], "gen_", &key) || key != 42)
            fail_msg("row %zu", n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes),
        cmocka_unit_test(round_trips_in_order),
        cmocka_unit_test(keys_grow_when_the_clock_does_not),
        cmocka_unit_test(refuses_what_is_no_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
