/* Kept rows: they are given again, and never once a commit has changed them. */
#include "store/recent.h"

#include "base/id.h"
#include "base/memory.h"
#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static void test_a_row_is_kept_until_a_commit_changes_it(void **state)
{
    struct recent_marks *marks = memory_new(struct recent_marks);
    struct recent *recent = recent_make(marks);
    struct job *job = store_scene_full_job(7);
    struct job found;
    assert_false(recent_find(recent, 7, &found));
    recent_keep(recent, 0, job);
    assert_true(recent_find(recent, 7, &found));
    store_scene_assert_equal(&found, job);
    assert_ptr_not_equal(found.input, job->input);
    assert_ptr_not_equal(found.route, job->route);
    reader_job_done(&found);
    store_scene_assert_equal(recent_look(recent, 7), job);
    assert_false(recent_find(recent, 8, &found));
    /* Set before the commit: from now on nobody knows which is the newest. */
    recent_mark(marks, 7);
    assert_false(recent_find(recent, 7, &found));
    assert_null(recent_look(recent, 7));
    recent_keep(recent, 0, job);
    assert_false(recent_find(recent, 7, &found));
    atomic_fetch_add(&marks->commits, 1);
    recent_keep(recent, 1, job);
    assert_true(recent_find(recent, 7, &found));
    reader_job_done(&found);
    job_free(job);
    recent_free(recent);
    memory_free(marks);
}

static void test_a_place_holds_until_the_next_commit_of_any_job(void **state)
{
    struct recent_marks *marks = memory_new(struct recent_marks);
    struct recent *recent = recent_make(marks);
    struct job *job = store_scene_job(7, 1000);
    int64_t position = 0;
    atomic_store(&marks->commits, 5);
    recent_keep_place(recent, 5, 7, 3);
    assert_false(recent_find_place(recent, 7, &position)); /* its row is not there */
    recent_keep(recent, 5, job);
    assert_false(recent_find_place(recent, 7, &position));
    recent_keep_place(recent, 5, 7, 3);
    assert_true(recent_find_place(recent, 7, &position));
    assert_int_equal(position, 3);
    atomic_fetch_add(&marks->commits, 1);
    assert_false(recent_find_place(recent, 7, &position));
    job_free(job);
    recent_free(recent);
    memory_free(marks);
}

/* As many as poll at once, with keys as they are given. */
static void test_hundreds_of_rows_leave_each_other_alone(void **state)
{
    enum { ROWS = 500, LOST_MAX = ROWS / 20 };
    struct recent_marks *marks = memory_new(struct recent_marks);
    struct recent *recent = recent_make(marks);
    struct job *job = store_scene_job(1, 1000);
    struct job found;
    int64_t keys[ROWS], key = 0;
    unsigned lost = 0;
    for (int n = 0; n < ROWS; n++) {
        key = id_next_key(key, 1790000000000 + n / 8);
        keys[n] = job->key = key;
        recent_keep(recent, 0, job);
    }
    for (int n = 0; n < ROWS; n++) {
        if (!recent_find(recent, keys[n], &found)) {
            lost++;
            continue;
        }
        assert_int_equal(found.key, keys[n]);
        reader_job_done(&found);
    }
    assert_in_range(lost, 0, LOST_MAX);
    job_free(job);
    recent_free(recent);
    memory_free(marks);
}

static void test_long_texts_are_not_kept(void **state)
{
    struct recent_marks *marks = memory_new(struct recent_marks);
    struct recent *recent = recent_make(marks);
    struct job *job = store_scene_job(7, 1000);
    struct job found;
    char **const texts[] = {&job->input, &job->words};
    for (size_t n = 0; n < 2; n++) {
        memory_free(*texts[n]);
        *texts[n] = memory_make(RECENT_TEXT_MAX + 2);
        memset(*texts[n], 'x', RECENT_TEXT_MAX + 1);
        recent_keep(recent, 0, job);
        assert_false(recent_find(recent, 7, &found));
        (*texts[n])[0] = '\0';
    }
    job_free(job);
    recent_free(recent);
    memory_free(marks);
}

/* Through the store: what a client was told of is what the next read shows. */
static void test_reads_see_every_commit_and_no_rollback(void **state)
{
    struct store_scene scene;
    struct job *job = store_scene_job(1, 1000);
    struct job read;
    struct job_place place;
    store_scene_open(&scene, false);
    store_scene_insert(&scene, job);
    store_scene_bucket(&scene, job, 1, 1);
    store_scene_turn(&scene);
    assert_null(reader_kept_job(scene.reader, 1, &place)); /* before anything may be kept */
    reader_hold(scene.reader);
    for (int n = 0; n < 20; n++) {
        assert_null(reader_kept_job(scene.reader, 1, &place)); /* nor what a commit has changed */
        for (int again = 0; again < 3; again++) {
            assert_int_equal(reader_job(scene.reader, 1, &read, &place), STORE_OK);
            assert_int_equal(read.progress, n);
            assert_int_equal(place.position, 1 + n);
            reader_job_done(&read);
            const struct job *kept = reader_kept_job(scene.reader, 1, &place);
            assert_non_null(kept);
            assert_int_equal(kept->progress, n);
            assert_int_equal(place.position, 1 + n);
        }
        job->progress = 99;
        job->version++;
        store_scene_begin(&scene);
        store_scene_update(&scene, job);
        store_scene_apply(&scene);
        assert_null(reader_kept_job(scene.reader, 1, &place)); /* the commit may be on its way */
        assert_int_equal(reader_job(scene.reader, 1, &read, &place), STORE_OK);
        assert_int_equal(read.progress, n);
        reader_job_done(&read);
        store_rollback(scene.store);
        output_clear_changes(&scene.output);
        job->progress = n + 1;
        store_scene_update(&scene, job);
        job->priority = 50;
        store_scene_bucket(&scene, job, 1, 1);
        job->priority = 0;
        store_scene_turn(&scene);
    }
    reader_rest(scene.reader);
    job_free(job);
    store_scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_is_kept_until_a_commit_changes_it),
        cmocka_unit_test(test_a_place_holds_until_the_next_commit_of_any_job),
        cmocka_unit_test(test_hundreds_of_rows_leave_each_other_alone),
        cmocka_unit_test(test_long_texts_are_not_kept),
        cmocka_unit_test(test_reads_see_every_commit_and_no_rollback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
