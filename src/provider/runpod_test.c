#include "provider/provider_test_rig.h"

static const char *golden;

static void test_exchanges(void **state)
{
    char fault[CATALOG_FAULT_SIZE];
    struct catalog *catalog = catalog_make(catalog_builtin, NULL, 0, fault);
    assert_non_null(catalog);
    const struct model *model = catalog_find(catalog, SPAN("ltx2"));
    rig_exchanges(&provider_runpod, model->offers[0], golden);
    catalog_free(catalog);
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
