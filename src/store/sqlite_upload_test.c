/* Uploads, who reads what, deleted jobs and what the sweeper asks, over every kind of store. */
#include "store/sqlite_upload.h"

#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct upload make_upload(int64_t key, const char *tenant, int64_t size, ms_t expires_at)
{
    struct upload upload = {
        .key = key,
        .content_type = "image/png",
        .sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        .size = size,
        .created_at = 5,
        .expires_at = expires_at,
    };
    id_write("upl_", key, 9, upload.id);
    (void)span_copy(span_of(tenant), upload.tenant, sizeof upload.tenant);
    return upload;
}

static void add(struct store_scene *scene, int64_t key, const char *tenant, int64_t size)
{
    output_change(&scene->output, CHANGE_UPLOAD_ADD)->upload =
        make_upload(key, tenant, size, 100 * key);
}

static void take(struct store_scene *scene, int64_t key)
{
    output_change(&scene->output, CHANGE_UPLOAD_REMOVE)->upload.key = key;
}

static void use(struct store_scene *scene, int64_t job, int64_t source)
{
    struct change *change = output_change(&scene->output, CHANGE_USE);
    change->use.job = job;
    change->use.source = source;
}

static void end_uses(struct store_scene *scene, int64_t job)
{
    struct change *change = output_change(&scene->output, CHANGE_USE);
    change->use.job = job;
    change->use.done = true;
}

static bool is_shown(struct store_scene *scene, int64_t key)
{
    struct upload upload;
    return reader_upload(scene->reader, key, &upload) == STORE_OK;
}

static void expect_total(struct store_scene *scene, const char *tenant, int64_t bytes,
                         int64_t count)
{
    int64_t of_bytes = -1, of_count = -1;
    assert_int_equal(store_load_uploads(scene->store, tenant, &of_bytes, &of_count), STORE_OK);
    assert_int_equal(of_bytes, bytes);
    assert_int_equal(of_count, count);
}

static void test_uploads_are_rows(struct store_scene *scene)
{
    const struct upload made = make_upload(7, "ann", 5000000000, 900);
    struct upload loaded, shown;
    output_change(&scene->output, CHANGE_UPLOAD_ADD)->upload = made;
    add(scene, 8, "ann", 2);
    add(scene, 9, "bob", 4);
    store_scene_turn(scene);
    store_scene_reopen(scene);
    store_scene_begin(scene);
    assert_int_equal(store_load_upload(scene->store, 7, &loaded), STORE_OK);
    assert_memory_equal(&loaded, &made, sizeof made);
    assert_int_equal(store_load_upload(scene->store, 6, &loaded), STORE_NONE);
    expect_total(scene, "ann", 5000000002, 2);
    expect_total(scene, "eve", 0, 0);
    /* Of what a transaction takes away readers know nothing before its commit. */
    take(scene, 7);
    store_scene_apply(scene);
    assert_int_equal(store_load_upload(scene->store, 7, &loaded), STORE_NONE);
    expect_total(scene, "ann", 2, 1);
    assert_int_equal(reader_upload(scene->reader, 7, &shown), STORE_OK);
    assert_memory_equal(&shown, &made, sizeof made);
    store_rollback(scene->store);
    store_scene_begin(scene);
    add(scene, 10, "ann", 1);
    take(scene, 10);
    add(scene, 11, "ann", 1);
    take(scene, 7);
    store_scene_apply(scene);
    assert_false(is_shown(scene, 11));
    store_scene_commit(scene);
    assert_true(is_shown(scene, 11));
    assert_false(is_shown(scene, 7));
    assert_false(is_shown(scene, 10));
}

static void test_an_upload_is_added_and_removed_once(struct store_scene *scene)
{
    add(scene, 1, "ann", 1);
    store_scene_turn(scene);
    add(scene, 1, "bob", 1);
    store_scene_begin(scene);
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
    take(scene, 2);
    store_scene_begin(scene);
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
    assert_true(is_shown(scene, 1));
}

static void expect_user(struct store_scene *scene, int64_t source, const char *id)
{
    char user[ID_SIZE] = "";
    enum store_result result = store_load_user(scene->store, source, user);
    assert_int_equal(result, id ? STORE_OK : STORE_NONE);
    if (id)
        assert_string_equal(user, id);
}

static void test_uses_last_until_the_job_ends(struct store_scene *scene)
{
    struct job *one = store_scene_job(21, 10), *two = store_scene_job(22, 10);
    store_scene_insert(scene, one);
    store_scene_insert(scene, two);
    use(scene, 21, upload_source(5));
    use(scene, 22, upload_source(5));
    use(scene, 22, 5);
    store_scene_turn(scene);
    store_scene_reopen(scene);
    store_scene_begin(scene);
    expect_user(scene, upload_source(5), one->id);
    expect_user(scene, 5, two->id);
    expect_user(scene, 6, NULL);
    end_uses(scene, 21);
    store_scene_apply(scene);
    expect_user(scene, upload_source(5), two->id);
    store_rollback(scene->store);
    store_scene_begin(scene);
    expect_user(scene, upload_source(5), one->id);
    end_uses(scene, 22);
    end_uses(scene, 22);
    store_scene_apply(scene);
    expect_user(scene, upload_source(5), one->id);
    expect_user(scene, 5, NULL);
    store_scene_commit(scene);
    job_free(one);
    job_free(two);
}

static struct job *ended_job(int64_t key, ms_t ended_at, int64_t size)
{
    struct job *job = store_scene_job(key, 10);
    job->state = STATE_SUCCEEDED;
    job->ended_at = ended_at;
    job->output_count = 2;
    for (int n = 0; n < 2; n++) {
        (void)snprintf(job->outputs[n].name, sizeof job->outputs[n].name, "output-%d.png", n);
        job->outputs[n].size = size;
    }
    return job;
}

static void delete (struct store_scene *scene, const struct job *job)
{
    output_change(&scene->output, CHANGE_JOB_DELETE)->job = job;
}

static enum store_result show(struct store_scene *scene, int64_t key)
{
    struct job shown;
    enum store_result result = reader_job(scene->reader, key, &shown, NULL);
    if (result == STORE_OK)
        reader_job_done(&shown);
    return result;
}

static void test_a_deleted_job_is_gone_with_all_of_it(struct store_scene *scene)
{
    struct timeline_entry *entries = test_calloc(READER_TIMELINE_MAX, sizeof *entries);
    unsigned count = 0;
    struct job *job = store_scene_full_job(31), *none = NULL;
    store_scene_insert(scene, job);
    struct timeline_entry *entry = &output_change(&scene->output, CHANGE_TIMELINE)->timeline;
    *entry = (struct timeline_entry){.job = 31, .number = 1, .note = "x"};
    store_scene_turn(scene);
    store_scene_begin(scene);
    delete (scene, job);
    store_scene_apply(scene);
    assert_int_equal(store_load_job(scene->store, 31, &none), STORE_NONE);
    assert_int_equal(show(scene, 31), STORE_OK);
    store_rollback(scene->store);
    store_scene_begin(scene);
    struct job *loaded = store_scene_load(scene, 31);
    store_scene_assert_equal(job, loaded);
    job_free(loaded);
    /* Changed, and gone in the same turn. */
    job->version++;
    store_scene_update(scene, job);
    delete (scene, job);
    store_scene_apply(scene);
    store_scene_commit(scene);
    store_scene_reopen(scene);
    assert_int_equal(show(scene, 31), STORE_NONE);
    assert_int_equal(reader_timeline(scene->reader, 31, entries, &count), STORE_NONE);
    test_free(entries);
    job_free(job);
}

/* A reader that keeps rows it has read lets go of one that was deleted. */
static void test_a_deleted_job_is_read_no_more(struct store_scene *scene)
{
    struct job *job = ended_job(71, 20, 1);
    store_scene_insert(scene, job);
    store_scene_turn(scene);
    reader_hold(scene->reader);
    assert_int_equal(show(scene, 71), STORE_OK);
    assert_int_equal(show(scene, 71), STORE_OK);
    delete (scene, job);
    store_scene_turn(scene);
    assert_int_equal(show(scene, 71), STORE_NONE);
    reader_rest(scene->reader);
    job_free(job);
}

static void test_only_what_has_ended_is_deleted(struct store_scene *scene)
{
    struct job *job = store_scene_job(41, 10), *other = ended_job(42, 20, 1);
    store_scene_insert(scene, job);
    store_scene_turn(scene);
    delete (scene, job);
    store_scene_begin(scene);
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
    delete (scene, other);
    store_scene_begin(scene);
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
    job_free(job);
    job_free(other);
}

/* Who waits for a job that ends and is deleted in one turn is still to be told of it. */
static void test_waiting_dependents_outlive_a_deletion(struct store_scene *scene)
{
    struct job *job = ended_job(51, 20, 1);
    struct job *waiting = store_scene_job(52, 10), *canceled = store_scene_job(53, 10);
    waiting->state = STATE_WAITING;
    canceled->state = STATE_CANCELED;
    canceled->ended_at = 30;
    struct job *const rows[] = {job, waiting, canceled};
    for (size_t n = 0; n < 3; n++)
        store_scene_insert(scene, rows[n]);
    for (int64_t key = 52; key <= 53; key++) {
        struct change *change = output_change(&scene->output, CHANGE_DEPENDENCY);
        change->dependency.job = key;
        change->dependency.on = 51;
    }
    store_scene_turn(scene);
    store_scene_begin(scene);
    delete (scene, job);
    store_scene_apply(scene);
    struct got got;
    const struct want want = {.kind = WANT_DEPENDENTS, .job = 51, .limit = 10};
    assert_int_equal(store_get(scene->store, &want, &got), STORE_OK);
    assert_int_equal(got.row_count, 1);
    assert_int_equal(got.rows[0]->key, 52);
    store_scene_free_got(&got);
    store_scene_commit(scene);
    for (size_t n = 0; n < 3; n++)
        job_free(rows[n]);
}

static void expect_keys(const struct reader_sweep *list, unsigned count, const char *keys)
{
    char text[200] = "";
    for (unsigned n = 0; n < count; n++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), " %lld:%lld",
                       (long long)list[n].key, (long long)list[n].size);
    assert_string_equal(text, keys);
}

static void test_the_sweeper_is_told_what_is_old(struct store_scene *scene)
{
    struct reader_sweep list[READER_SWEEP_MAX];
    unsigned count = 0;
    int64_t bytes = -1;
    /* The one that was made last ended first. */
    struct job *const jobs[] = {ended_job(61, 300, 10), ended_job(62, 200, 20),
                                ended_job(63, 100, 30), ended_job(64, 150, 40),
                                store_scene_job(65, 10)};
    jobs[3]->removed_at = 170;
    for (size_t n = 0; n < 5; n++)
        store_scene_insert(scene, jobs[n]);
    for (int64_t key = 1; key <= 4; key++)
        add(scene, key, "ann", key);
    use(scene, 65, 62);
    use(scene, 65, upload_source(2));
    store_scene_turn(scene);
    assert_int_equal(reader_kept(scene->reader, 1000, list, &count), STORE_OK);
    expect_keys(list, count, " 63:60 61:20");
    assert_int_equal(reader_kept(scene->reader, 299, list, &count), STORE_OK);
    expect_keys(list, count, " 63:60");
    assert_int_equal(reader_kept_bytes(scene->reader, &bytes), STORE_OK);
    assert_int_equal(bytes, 120);
    assert_int_equal(reader_expired(scene->reader, 300, list, &count), STORE_OK);
    expect_keys(list, count, " 1:1 3:3");
    end_uses(scene, 65);
    store_scene_turn(scene);
    assert_int_equal(reader_expired(scene->reader, 300, list, &count), STORE_OK);
    expect_keys(list, count, " 1:1 2:2 3:3");
    assert_int_equal(reader_kept(scene->reader, 1000, list, &count), STORE_OK);
    expect_keys(list, count, " 63:60 62:40 61:20");
    for (size_t n = 0; n < 5; n++)
        job_free(jobs[n]);
}

static const struct store_scene_test tests[] = {
    {"uploads are rows", test_uploads_are_rows},
    {"an upload is added and removed once", test_an_upload_is_added_and_removed_once},
    {"uses last until the job ends", test_uses_last_until_the_job_ends},
    {"a deleted job is gone with all of it", test_a_deleted_job_is_gone_with_all_of_it},
    {"a deleted job is read no more", test_a_deleted_job_is_read_no_more},
    {"only what has ended is deleted", test_only_what_has_ended_is_deleted},
    {"waiting dependents outlive a deletion", test_waiting_dependents_outlive_a_deletion},
    {"the sweeper is told what is old", test_the_sweeper_is_told_what_is_old},
};

int main(void)
{
    return store_scene_run(tests, sizeof tests / sizeof tests[0]);
}
