/* The environment that leads every provider to a sandbox, and its homes. */
#include "app/sandbox.h"

#include "catalog/fixture.h"

static void every_provider_is_led_there(void **state)
{
    char fault[SANDBOX_FAULT_SIZE] = "";
    struct catalog *catalog = fixture_catalog();
    (void)state;
    assert_true(sandbox_environment(catalog, "http://127.0.0.1:9", fault));
    assert_string_equal(getenv("FAL_KEY"), "sandbox");
    assert_string_equal(getenv("REPLICATE_API_TOKEN"), "sandbox");
    assert_string_equal(getenv("REPLICATE_BASE_URL"), "http://127.0.0.1:9/replicate/v1");
    assert_string_equal(getenv("FAL_BASE_URL"), "http://127.0.0.1:9/fal");
    assert_string_equal(getenv("RUNPOD_BASE_URL"), "http://127.0.0.1:9/runpod/v2");
    assert_string_equal(getenv("RUNPOD_ZIMAGE_ENDPOINT_ID"), "zimage");
    catalog_free(catalog);
}

static void a_key_of_yours_stays_at_home(void **state)
{
    char fault[SANDBOX_FAULT_SIZE] = "";
    struct catalog *catalog = fixture_catalog();
    (void)state;
    assert_int_equal(setenv("FAL_KEY", "yours", 1), 0);
    assert_int_equal(setenv("FAL_BASE_URL", "https://yours.test", 1), 0);
    assert_true(sandbox_environment(catalog, NULL, fault));
    assert_string_equal(getenv("FAL_KEY"), "sandbox");
    assert_string_equal(getenv("FAL_BASE_URL"), "https://yours.test"); /* asks nobody itself */
    catalog_free(catalog);
}

/* Whose address is not known to be the sandbox's must not be asked. */
static void who_cant_be_led_there_is_named(void **state)
{
    char fault[SANDBOX_FAULT_SIZE] = "", why[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog = fixture_with(
        "{'provider':{'name':'fal','title':'Fal','baseUrl':'https://queue.fal.run'}}", why);
    (void)state;
    if (!catalog)
        fail_msg("%s", why);
    assert_false(sandbox_environment(catalog, "http://127.0.0.1:9", fault));
    assert_non_null(strstr(fault, "the catalogue's entry of Fal has no baseUrlVariable"));
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_provider_is_led_there),
        cmocka_unit_test(a_key_of_yours_stays_at_home),
        cmocka_unit_test(who_cant_be_led_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
