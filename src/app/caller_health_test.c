#include "app/caller_health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1000 };

static const char *stage_of(struct caller_health *health, const char *endpoint, enum told_kind kind,
                            ms_t now)
{
    static struct told told;
    told_init(&told);
    told.kind = kind;
    caller_health_tell(health, span_of(endpoint), now, &told);
    return told.stage;
}

static void is_asked_now_and_then_and_told_to_all(void **state)
{
    (void)state;
    struct caller_health health;
    caller_health_init(&health);
    assert_true(caller_health_due(&health, SPAN("a"), NOW));
    assert_false(caller_health_due(&health, SPAN("a"), NOW + CALLER_HEALTH_EVERY_MS - 1));
    assert_true(caller_health_due(&health, SPAN("b"), NOW));
    assert_string_equal(stage_of(&health, "a", TOLD_WAITING, NOW), "");
    assert_string_equal(stage_of(&health, "c", TOLD_WAITING, NOW), "");
    caller_health_set(&health, SPAN("a"), "A cold start.", NOW + 5);
    assert_string_equal(stage_of(&health, "a", TOLD_WAITING, NOW + 6), "A cold start.");
    assert_string_equal(stage_of(&health, "a", TOLD_RUNNING, NOW + 6), "");
    assert_string_equal(stage_of(&health, "b", TOLD_WAITING, NOW + 6), "");
    assert_string_equal(stage_of(&health, "a", TOLD_WAITING, NOW + 5 + CALLER_HEALTH_KEPT_MS), "");
    assert_true(caller_health_due(&health, SPAN("a"), NOW + CALLER_HEALTH_EVERY_MS));
    caller_health_set(&health, SPAN("a"), "", NOW + 20000);
    assert_string_equal(stage_of(&health, "a", TOLD_WAITING, NOW + 20001), "");
    caller_health_done(&health);
}

static void leaves_a_stage_of_its_own(void **state)
{
    (void)state;
    struct caller_health health;
    struct told told;
    caller_health_init(&health);
    caller_health_set(&health, SPAN("a"), "A cold start.", NOW);
    told_init(&told);
    told.kind = TOLD_WAITING;
    (void)span_copy(SPAN("Third in line"), told.stage, sizeof told.stage);
    caller_health_tell(&health, SPAN("a"), NOW, &told);
    assert_string_equal(told.stage, "Third in line");
    caller_health_done(&health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_asked_now_and_then_and_told_to_all),
        cmocka_unit_test(leaves_a_stage_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
