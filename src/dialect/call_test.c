#include "dialect/call.h"

#include "catalog/fixture.h"

static void frees_the_input_once(void **state)
{
    struct call call = {.kind = CALL_ASK, .ask = {.input = fixture_json("{'prompt':'x'}")}};
    json_t *kept = json_incref(call.ask.input);
    call_done(&call);
    assert_null(call.ask.input);
    assert_int_equal(kept->refcount, 1);
    call_done(&call);
    json_decref(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frees_the_input_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
