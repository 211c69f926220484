#include "provider/provider_test_rig.h"

static const char *golden;

static const struct provider_entry entry = {
    .name = "fal",
    .base_url = "https://queue.fal.run",
};
static const struct offer offer = {.provider = &entry, .slug = ""};

static void test_exchanges(void **state)
{
    rig_exchanges(&provider_fal, &offer, golden);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchanges),
    };
    assert_int_equal(count, 2);
    golden = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
