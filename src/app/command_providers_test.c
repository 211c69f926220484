#include "app/command.h"

#include "app/command_test_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_providers(void **state)
{
    static const struct rig_reply replies[] = {
        {"GET /api/v1/providers ", 200,
         "{\"items\":[{\"provider\":\"fal\",\"status\":\"ok\",\"inFlight\":3,\"limit\":50,"
         "\"polls\":7,\"models\":40},{\"provider\":\"runpod\",\"status\":\"not_configured\","
         "\"missing\":\"Set RUNPOD_API_KEY.\"}]}",
         0},
        {"POST /api/v1/providers/fal/pause ", 200, "{\"provider\":\"fal\",\"status\":\"paused\"}",
         0},
        {0}};
    rig_serve(replies);
    const struct rig_run *run = RIG("providers");
    assert_non_null(strstr(run->out, "fal       ok                   3/50      7      40\n"));
    assert_non_null(strstr(run->out, "Set RUNPOD_API_KEY."));
    assert_string_equal(RIG("providers", "pause", "fal")->out, "fal  paused\n");
    assert_int_equal(RIG("providers", "resume", "nobody")->status, COMMAND_FAILED);
    assert_int_equal(RIG("providers", "stop", "fal")->status, COMMAND_USAGE);
    assert_int_equal(RIG("providers", "pause")->status, COMMAND_USAGE);
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_providers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
