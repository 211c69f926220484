#include "core/core_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct job accepted(const char *provider, const char *remote_id)
{
    struct job job = {.key = 1};
    (void)span_copy(span_of(provider), job.attempt.provider, sizeof job.attempt.provider);
    (void)span_copy(span_of(remote_id), job.attempt.remote_id, sizeof job.attempt.remote_id);
    return job;
}

static void an_id_is_its_providers(void **state)
{
    struct core *core = core_make(&(struct core_config){.seed = 1});
    struct job cloud = accepted("cloud", "a"), sky = accepted("sky", "a");
    (void)state;
    remote_id_hold(core, &cloud);
    assert_null(remote_id_find(core, "sky", "a"));
    remote_id_hold(core, &sky);
    assert_ptr_equal(remote_id_find(core, "cloud", "a"), &cloud);
    assert_ptr_equal(remote_id_find(core, "sky", "a"), &sky);
    remote_id_drop(core, &cloud);
    assert_null(remote_id_find(core, "cloud", "a"));
    assert_ptr_equal(remote_id_find(core, "sky", "a"), &sky);
    core_free(core);
}

/* As a store may tell that was written to by other hands. */
static void of_two_rows_with_one_id_the_newer_counts(void **state)
{
    struct core *core = core_make(&(struct core_config){.seed = 1});
    struct job older = accepted("cloud", "a"), newer = accepted("cloud", "a");
    (void)state;
    remote_id_hold(core, &older);
    remote_id_hold(core, &newer);
    remote_id_drop(core, &older);
    assert_ptr_equal(remote_id_find(core, "cloud", "a"), &newer);
    remote_id_drop(core, &newer);
    remote_id_drop(core, &newer); /* no fault */
    assert_null(remote_id_find(core, "cloud", "a"));
    core_free(core);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_its_providers),
        cmocka_unit_test(of_two_rows_with_one_id_the_newer_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
