#include "core/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char text[] = "fal\t400000\tfal-ai/veo3\nreplicate\t-1\tgoogle/veo-3\nrunpod\t0\t\n";

static void test_offers_are_read_in_order(void **state)
{
    struct route_offer offer;
    assert_int_equal(route_count(text), 3);
    assert_true(route_read(text, 0, &offer));
    assert_string_equal(offer.provider, "fal");
    assert_int_equal(offer.price, 400000);
    assert_true(span_is(offer.slug, "fal-ai/veo3"));
    assert_true(route_read(text, 1, &offer));
    assert_string_equal(offer.provider, "replicate");
    assert_int_equal(offer.price, -1);
    assert_true(route_read(text, 2, &offer));
    assert_int_equal(offer.slug.size, 0);
    assert_false(route_read(text, 3, &offer));
}

static void test_what_is_no_route_has_no_offers(void **state)
{
    static const char *const rows[] = {NULL,
                                       "",
                                       "fal",
                                       "fal\t",
                                       "fal\tmany\tx\n",
                                       "a-provider-with-a-name-that-is-too-long\t1\tx\n"};
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++)
        assert_int_equal(route_count(rows[n]), 0);
}

static void test_a_route_has_so_many_offers(void **state)
{
    static const char lines[] = "fal\t1\ta\nfal\t2\tb\nfal\t3\tc\nfal\t4\td\nfal\t5\te\n"
                                "fal\t6\tf\nfal\t7\tg\nfal\t8\th\nfal\t9\ti\n";
    struct route_offer offer;
    assert_int_equal(route_count(lines), ROUTE_OFFERS_MAX);
    assert_true(route_read(lines, ROUTE_OFFERS_MAX - 1, &offer));
    assert_int_equal(offer.price, ROUTE_OFFERS_MAX);
    assert_false(route_read(lines, ROUTE_OFFERS_MAX, &offer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers_are_read_in_order),
        cmocka_unit_test(test_what_is_no_route_has_no_offers),
        cmocka_unit_test(test_a_route_has_so_many_offers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
