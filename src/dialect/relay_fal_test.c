#include "dialect/relay.h"

#include "catalog/fixture.h"
#include "dialect/relay_test_rig.h"

static const char *golden;

static void answers_in_its_words(void **state)
{
    rig_exchanges(*state, golden, relay_rig_translate);
}

int main(int count, char **arguments)
{
    struct rig rig;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(answers_in_its_words, &rig),
    };
    if (count < 2)
        return 2;
    golden = arguments[1];
    rig_make(&rig);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_free(&rig);
    return failed;
}
