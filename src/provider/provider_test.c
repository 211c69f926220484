#include "provider/provider.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *const names[] = {"replicate", "fal", "runpod"};

static void test_adapters_are_found_by_name(void **state)
{
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        const struct provider *provider = provider_find(span_of(names[n]));
        assert_non_null(provider);
        assert_string_equal(provider->traits.name, names[n]);
    }
    assert_null(provider_find(SPAN("")));
    assert_null(provider_find(SPAN("replicat")));
}

/* What an adapter says that it can, it has a call for; the core asks for nothing else. */
static void test_what_an_adapter_can_it_has_a_call_for(void **state)
{
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        const struct provider *provider = provider_find(span_of(names[n]));
        assert_non_null(provider->submit);
        assert_non_null(provider->poll);
        assert_non_null(provider->read);
        assert_int_equal((provider->traits.can & CAN_CANCEL) != 0, provider->cancel != NULL);
        assert_int_equal((provider->traits.can & CAN_RESULT) != 0, provider->result != NULL);
        assert_int_equal((provider->traits.can & CAN_HEALTH) != 0, provider->health != NULL);
        assert_int_equal((provider->traits.can & CAN_HOOK) != 0, provider->read_hook != NULL);
        assert_int_equal((provider->traits.can & CAN_STREAM) != 0, provider->stream != NULL);
        assert_int_equal((provider->traits.can & CAN_STREAM) != 0, provider->read_stream != NULL);
        assert_int_equal((provider->traits.can & (CAN_FIND_EXACT | CAN_FIND_LIKELY)) != 0,
                         provider->find != NULL);
        if (provider->traits.can & CAN_FIND_ABSENCE)
            assert_non_null(provider->find);
        assert_true(provider->traits.result_kept > 0);
        assert_true(provider->traits.url_kept > 0);
        assert_true(provider->traits.poll_min >= 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adapters_are_found_by_name),
        cmocka_unit_test(test_what_an_adapter_can_it_has_a_call_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
