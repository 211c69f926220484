/* Where a sandbox calls back; that it starts, and dies, is in tests/e2e/sandbox.test.mjs. */
#include "app/sandbox_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_addresses(void **state)
{
    static const struct {
        struct config_address listen;
        const char *url;
    } rows[] = {
        {{"127.0.0.1", 1, true}, "http://127.0.0.1:80"},
        {{"0.0.0.0", 1, false}, "http://127.0.0.1:80"},
        {{"::", 1, false}, "http://[::1]:80"},
        {{"::1", 1, true}, "http://[::1]:80"},
        {{"192.0.2.7", 1, false}, "http://192.0.2.7:80"},
    };
    (void)state;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char url[SANDBOX_HOST_URL_SIZE];
        sandbox_host_back(&rows[n].listen, 80, url);
        assert_string_equal(url, rows[n].url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
