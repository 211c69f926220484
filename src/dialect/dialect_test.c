#include "dialect/dialect.h"

#include "catalog/fixture.h"

static void finds_dialects_by_name(void **state)
{
    assert_ptr_equal(dialect_find(SPAN("native")), &native_dialect);
    static const char *const unknown[] = {"", "nativ", "native ", "Native", "natives"};
    for (size_t n = 0; n < sizeof unknown / sizeof unknown[0]; n++)
        assert_null(dialect_find(span_of(unknown[n])));
}

/* A route whose dialect nobody speaks would be refused at run time only. */
static void speaks_what_the_catalogue_names(void **state)
{
    struct catalog *catalog = fixture_catalog();
    for (size_t n = 0; n < catalog_route_count(catalog); n++) {
        const struct route *route = catalog_route_at(catalog, n);
        if (!dialect_find(span_of(route->dialect)))
            fail_msg("%s %s: nobody speaks %s", route->method, route->path, route->dialect);
    }
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_dialects_by_name),
        cmocka_unit_test(speaks_what_the_catalogue_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
