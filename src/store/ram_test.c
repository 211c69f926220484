/* What only the memory store does: ordered faults, crashes, copies, looks without a copy. */
#include "store/ram.h"

#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void gather(struct store_scene *scene, const struct job *job)
{
    store_scene_insert(scene, job);
    store_scene_bucket(scene, job, 1, 1);
}

static void test_faults_strike_once(void **state)
{
    struct store_scene scene;
    store_scene_open(&scene, true);
    struct job *job = store_scene_job(1, 10), *loaded = NULL;
    struct got got;
    struct want want = {.kind = WANT_DUE, .limit = 1};
    ram_fail_next(scene.store, RAM_BEGIN, STORE_BUSY);
    assert_int_equal(store_begin(scene.store), STORE_BUSY);
    ram_fail_next(scene.store, RAM_LOAD, STORE_BROKEN);
    store_scene_begin(&scene);
    assert_int_equal(store_load_job(scene.store, 1, &loaded), STORE_BROKEN);
    ram_fail_next(scene.store, RAM_APPLY, STORE_FULL);
    store_scene_begin(&scene);
    gather(&scene, job);
    assert_int_equal(store_scene_try_apply(&scene), STORE_FULL);
    ram_fail_next(scene.store, RAM_GET, STORE_BROKEN);
    store_scene_begin(&scene);
    assert_int_equal(store_get(scene.store, &want, &got), STORE_BROKEN);
    ram_fail_next(scene.store, RAM_COMMIT, STORE_FULL);
    store_scene_begin(&scene);
    gather(&scene, job);
    store_scene_apply(&scene);
    assert_int_equal(store_commit(scene.store, 1), STORE_FULL);
    assert_null(ram_find_job(scene.store, 1));
    gather(&scene, job); /* and whole again */
    store_scene_turn(&scene);
    assert_non_null(ram_find_job(scene.store, 1));
    assert_int_equal(ram_turn(scene.store), 1);
    store_scene_close(&scene);
    job_free(job);
}

static void test_a_doubtful_commit_may_be_kept(void **state)
{
    struct store_scene scene;
    store_scene_open(&scene, true);
    struct job *job = store_scene_job(1, 10);
    ram_fail_next(scene.store, RAM_COMMIT_KEPT, STORE_BROKEN);
    store_scene_begin(&scene);
    gather(&scene, job);
    store_scene_apply(&scene);
    assert_int_equal(store_commit(scene.store, 1), STORE_BROKEN);
    store_scene_reopen(&scene);
    assert_non_null(ram_find_job(scene.store, 1));
    assert_int_equal(ram_turn(scene.store), 1);
    store_scene_close(&scene);
    job_free(job);
}

static void test_a_crash_drops_what_is_open(void **state)
{
    struct store_scene scene;
    store_scene_open(&scene, true);
    struct job *job = store_scene_job(1, 10), *other = store_scene_job(2, 10);
    gather(&scene, job);
    store_scene_turn(&scene);
    store_scene_begin(&scene);
    gather(&scene, other);
    store_scene_apply(&scene);
    assert_null(ram_find_job(scene.store, 2));
    ram_fail_next(scene.store, RAM_BEGIN, STORE_FULL);
    store_scene_reopen(&scene);
    store_scene_turn(&scene);
    size_t cursor = 0;
    assert_int_equal(ram_next_job(scene.store, &cursor)->key, 1);
    assert_null(ram_next_job(scene.store, &cursor));
    assert_int_equal(ram_turn(scene.store), 2);
    store_scene_close(&scene);
    job_free(job);
    job_free(other);
}

static void test_a_copy_lives_its_own_life(void **state)
{
    struct store_scene scene, copy;
    store_scene_open(&scene, true);
    store_scene_insert_many(&scene, 1, 3);
    struct job *full = store_scene_full_job(9);
    store_scene_insert(&scene, full);
    output_change(&scene.output, CHANGE_KEY)->key =
        (struct key_row){.tenant = "ann", .job = 1, .count = 1, .expires_at = 1000000};
    output_change(&scene.output, CHANGE_TIMELINE)->timeline =
        (struct timeline_entry){.job = 9, .number = 1, .note = "x"};
    output_change(&scene.output, CHANGE_PACE)->pace =
        (struct pace){.model = "m", .count = 3, .mean = 9};
    struct change *change = output_change(&scene.output, CHANGE_DEPENDENCY);
    change->dependency.job = 1;
    change->dependency.on = 2;
    store_scene_turn(&scene);
    copy = (struct store_scene){.ram = true, .now = 5, .store = ram_copy(scene.store)};
    char fault[STORE_FAULT_SIZE];
    copy.reader = store_open_reader(copy.store, fault);
    store_scene_insert_many(&copy, 20, 1);
    store_scene_close(&scene);
    store_scene_begin(&copy);
    struct job *loaded = store_scene_load(&copy, 9);
    store_scene_assert_equal(full, loaded);
    struct got got;
    store_scene_claim(&copy, 0, 9, &got);
    assert_int_equal(got.row_count, 4);
    store_scene_free_got(&got);
    store_rollback(copy.store);
    store_scene_close(&copy);
    job_free(loaded);
    job_free(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults_strike_once),
        cmocka_unit_test(test_a_doubtful_commit_may_be_kept),
        cmocka_unit_test(test_a_crash_drops_what_is_open),
        cmocka_unit_test(test_a_copy_lives_its_own_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
