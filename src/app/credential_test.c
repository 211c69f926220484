#include "app/credential.h"

#include "catalog/fixture.h"

static void keys_come_from_the_first_variable(void **state)
{
    struct buffer text;
    struct catalog *catalog = fixture_catalog();
    struct reload reload = {.catalog = catalog};
    (void)state;
    buffer_init(&text, 100);
    assert_int_equal(unsetenv("FAL_KEY"), 0);
    assert_false(credential_write(&reload, SPAN("fal"), &text));
    assert_int_equal(setenv("FAL_KEY", "", 1), 0);
    assert_false(credential_write(&reload, SPAN("fal"), &text));
    assert_int_equal(setenv("FAL_KEY", "k", 1), 0);
    assert_true(credential_write(&reload, SPAN("fal"), &text));
    assert_string_equal(text.data, "k");
    assert_false(credential_write(&reload, SPAN("local"), &text));
    assert_false(credential_write(&reload, SPAN("nobody"), &text));
    assert_string_equal(text.data, "k");
    buffer_done(&text);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_come_from_the_first_variable)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
