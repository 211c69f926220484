#include "core/core_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct job accepted(int64_t key, const char *provider, const char *remote_id)
{
    struct job job = {.key = key, .attempt.number = 1};
    (void)span_copy(span_of(provider), job.attempt.provider, sizeof job.attempt.provider);
    (void)span_copy(span_of(remote_id), job.attempt.remote_id, sizeof job.attempt.remote_id);
    return job;
}

static void an_id_is_its_providers(void **state)
{
    struct core *core = core_make(&(struct core_config){.seed = 1});
    struct job cloud = accepted(1, "cloud", "a"), sky = accepted(2, "sky", "a");
    (void)state;
    remote_id_hold(core, &cloud);
    assert_false(remote_id_is_open(core, "sky", "a"));
    assert_false(remote_id_is_taken(core, "sky", "a", 2, 1));
    remote_id_hold(core, &sky);
    assert_true(remote_id_is_open(core, "cloud", "a"));
    assert_true(remote_id_is_open(core, "sky", "a"));
    assert_true(remote_id_is_taken(core, "sky", "a", 1, 1));
    remote_id_drop(core, &cloud);
    assert_false(remote_id_is_open(core, "cloud", "a"));
    assert_true(remote_id_is_open(core, "sky", "a"));
    core_free(core);
}

static void an_id_is_its_attempts(void **state)
{
    struct core *core = core_make(&(struct core_config){.seed = 1});
    struct job job = accepted(1, "cloud", "a");
    (void)state;
    remote_id_hold(core, &job);
    assert_false(remote_id_is_taken(core, "cloud", "a", 1, 1));
    assert_true(remote_id_is_taken(core, "cloud", "a", 1, 2));
    assert_true(remote_id_is_taken(core, "cloud", "a", 2, 1));
    /* Another job may not have it afterwards either; equal keys may give its own job the same. */
    remote_id_drop(core, &job);
    assert_false(remote_id_is_taken(core, "cloud", "a", 1, 2));
    assert_true(remote_id_is_taken(core, "cloud", "a", 2, 1));
    remote_id_hold(core, &job);
    assert_true(remote_id_is_open(core, "cloud", "a"));
    assert_int_equal(core->ended_id_count, 0);
    core_free(core);
}

/* As a store may tell that was written to by other hands. */
static void of_two_rows_with_one_id_the_newer_counts(void **state)
{
    struct core *core = core_make(&(struct core_config){.seed = 1});
    struct job older = accepted(1, "cloud", "a"), newer = accepted(2, "cloud", "a");
    (void)state;
    remote_id_hold(core, &older);
    remote_id_hold(core, &newer);
    remote_id_drop(core, &older);
    assert_true(remote_id_is_open(core, "cloud", "a"));
    remote_id_drop(core, &newer);
    remote_id_drop(core, &newer); /* no fault */
    assert_false(remote_id_is_open(core, "cloud", "a"));
    struct job nobody = accepted(3, "cloud", "b");
    remote_id_drop(core, &nobody); /* nor this */
    core_free(core);
}

static void the_latest_that_ended_are_remembered(void **state)
{
    struct core *core = core_make(&(struct core_config){.seed = 1});
    struct job first = accepted(1, "cloud", "first");
    (void)state;
    remote_id_hold(core, &first);
    remote_id_drop(core, &first);
    for (int n = 0; n < REMOTE_ID_ENDED_MAX; n++) {
        char id[16];
        (void)snprintf(id, sizeof id, "r%d", n);
        struct job job = accepted(2 + n, "cloud", id);
        assert_true(remote_id_is_taken(core, "cloud", "first", 9999, 1));
        remote_id_hold(core, &job);
        remote_id_drop(core, &job);
    }
    assert_false(remote_id_is_taken(core, "cloud", "first", 9999, 1));
    assert_true(remote_id_is_taken(core, "cloud", "r0", 9999, 1));
    assert_int_equal(core->ended_id_count, REMOTE_ID_ENDED_MAX);
    core_free(core);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_its_providers),
        cmocka_unit_test(an_id_is_its_attempts),
        cmocka_unit_test(of_two_rows_with_one_id_the_newer_counts),
        cmocka_unit_test(the_latest_that_ended_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
