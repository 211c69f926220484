#include "app/command.h"

#include "app/command_test_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define ID "gen_01m7ydch57000bs84t645vp8sw"

static void test_uncertain(void **state)
{
    static const struct rig_reply replies[] = {
        {"GET /api/v1/uncertain", 200,
         "{\"items\":["
         "{\"jobId\":\"" ID "\",\"status\":\"processing\",\"uncertain\":true}"
         "]}",
         0},
        {"POST /api/v1/jobs/" ID "/resolve ", 200,
         "{\"jobId\":\"" ID "\",\"status\":\"processing\"}", 0},
        {0}};
    rig_serve(replies);
    assert_non_null(strstr(RIG("uncertain")->out, ID));
    assert_string_equal(RIG("uncertain", ID, "--link", "p1")->out, ID "  processing\n");
    assert_non_null(strstr(rig_requests(), "{\"action\":\"link\",\"remoteId\":\"p1\"}"));
    (void)RIG("uncertain", ID, "--link", "p1", "--attempt", "2");
    assert_non_null(
        strstr(rig_requests(), "{\"action\":\"link\",\"attempt\":2,\"remoteId\":\"p1\"}"));
    assert_int_equal(RIG("uncertain", ID, "--link", "p1", "--attempt", "0")->status, COMMAND_USAGE);
    assert_int_equal(RIG("uncertain", ID, "--resubmit")->status, COMMAND_SUCCEEDED);
    assert_non_null(strstr(rig_requests(), "{\"action\":\"resubmit\"}"));
    assert_int_equal(RIG("uncertain", ID, "--give-up")->status, COMMAND_SUCCEEDED);
    assert_non_null(strstr(rig_requests(), "{\"action\":\"give_up\"}"));
    /* Nobody's money is spent on a guess. */
    assert_int_equal(RIG("uncertain", ID)->status, COMMAND_USAGE);
    assert_int_equal(RIG("uncertain", ID, "--give-up", "--resubmit")->status, COMMAND_USAGE);
    assert_int_equal(RIG("uncertain", "--give-up")->status, COMMAND_USAGE);
    assert_int_equal(RIG("uncertain", "p1", "--give-up")->status, COMMAND_USAGE);
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_uncertain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
