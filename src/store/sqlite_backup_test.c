/* Copies of a store in use: one moment, checked, and the files that its rows name. */
#include "store/sqlite_backup.h"

#include "store/sqlite.h"
#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 60, JOBS = 5 * BATCH };

static void insert_jobs(struct store_scene *scene)
{
    for (int first = 1; first <= JOBS; first += BATCH)
        store_scene_insert_many(scene, first, BATCH);
}

static void path_beside(const struct store_scene *scene, const char *name, char target[static 128])
{
    (void)snprintf(target, 128, "%s/%s", scene->folder, name);
}

static void test_copy_of_a_store_in_use(void **state)
{
    struct store_scene scene;
    struct sqlite_backup_facts facts;
    char copy[128], log[140], fault[STORE_FAULT_SIZE] = "";
    store_scene_open(&scene, false);
    path_beside(&scene, "copy.db", copy);
    (void)snprintf(log, sizeof log, "%s-wal", copy);
    insert_jobs(&scene);
    /* What is not committed is not in it, and the writer may go on while somebody copies. */
    store_scene_begin(&scene);
    assert_true(sqlite_backup_copy(scene.path, copy, fault));
    store_rollback(scene.store);
    store_scene_insert_many(&scene, JOBS + 1, 1);
    assert_true(sqlite_backup_check(copy, &facts, fault));
    assert_int_equal(facts.jobs, JOBS);
    assert_int_equal(facts.files, 0);
    assert_int_not_equal(access(log, F_OK), 0);
    /* It is a store like any other. */
    struct store *store = sqlite_open(copy, fault);
    assert_non_null(store);
    store_close(store);
    store_scene_close(&scene);
}

struct seen {
    unsigned count, limit;
    char lines[8][160];
};

static bool note(void *context, const struct sqlite_backup_file *file)
{
    struct seen *seen = context;
    (void)snprintf(seen->lines[seen->count++], sizeof seen->lines[0], "%s/%s/%s %lld %.8s",
                   file->folder, file->owner, file->name, (long long)file->size,
                   file->sha256 ? file->sha256 : "-");
    return seen->count < seen->limit;
}

static void test_files_that_rows_name(void **state)
{
    struct store_scene scene;
    struct sqlite_backup_facts facts;
    struct seen seen = {.limit = 8};
    char fault[STORE_FAULT_SIZE] = "", expected[160];
    store_scene_open(&scene, false);
    struct job *job = store_scene_full_job(7);
    job->state = STATE_SUCCEEDED;
    job->wake_at = 0;
    job->removed_at = 0;
    job->output_count = 2;
    job->outputs_changed = true;
    job->outputs[1].thumbnail[0] = '\0';
    store_scene_insert(&scene, job);
    store_scene_turn(&scene);
    assert_true(sqlite_backup_files(scene.path, note, &seen, fault));
    assert_int_equal(seen.count, 3);
    unsigned with_size = 0, without = 0;
    for (unsigned n = 0; n < seen.count; n++) {
        (void)snprintf(expected, sizeof expected, "outputs/%s/", job->id);
        assert_memory_equal(seen.lines[n], expected, strlen(expected));
        if (strstr(seen.lines[n], " -1 -"))
            without++;
        else
            with_size++;
    }
    assert_int_equal(with_size, 2);
    assert_int_equal(without, 1);
    /* Whoever has seen enough says so. */
    seen = (struct seen){.limit = 1};
    assert_true(sqlite_backup_files(scene.path, note, &seen, fault));
    assert_int_equal(seen.count, 1);
    assert_true(sqlite_backup_check(scene.path, &facts, fault));
    assert_int_equal(facts.jobs, 1);
    assert_int_equal(facts.files, 3);
    job_free(job);
    store_scene_close(&scene);
}

/* Files that are gone on purpose are not asked for; what clients sent is. */
static void test_removed_and_uploaded(void **state)
{
    static const char upload[] =
        "INSERT INTO uploads (key, id, tenant, content_type, sha256, size, created_at, expires_at) "
        "VALUES (1, 'upl_1', 't', 'image/png', 'abcdefgh', 5, 1, 2)";
    struct store_scene scene;
    struct seen seen = {.limit = 8};
    char fault[STORE_FAULT_SIZE] = "";
    sqlite3 *db = NULL;
    store_scene_open(&scene, false);
    for (int64_t key = 7; key <= 8; key++) {
        struct job *job = store_scene_full_job(key);
        job->removed_at = key == 8 ? 12 : 0;
        job->output_count = 1;
        job->outputs_changed = true;
        store_scene_insert(&scene, job);
        store_scene_turn(&scene);
        job_free(job);
    }
    assert_int_equal(sqlite3_open(scene.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, upload, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_true(sqlite_backup_files(scene.path, note, &seen, fault));
    assert_int_equal(seen.count, 3);
    assert_string_equal(seen.lines[2], "uploads//upl_1 5 abcdefgh");
    store_scene_close(&scene);
}

static void damage(const char *path, off_t at, size_t size)
{
    char rubbish[4096];
    memset(rubbish, 0xA5, sizeof rubbish);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, rubbish, size, at), size);
    close(fd);
}

static void test_what_is_no_sound_copy(void **state)
{
    struct store_scene scene;
    struct sqlite_backup_facts facts;
    char copy[128], other[128], fault[STORE_FAULT_SIZE] = "";
    sqlite3 *db = NULL;
    store_scene_open(&scene, false);
    path_beside(&scene, "copy.db", copy);
    path_beside(&scene, "other.db", other);
    insert_jobs(&scene);
    assert_true(sqlite_backup_copy(scene.path, copy, fault));
    damage(copy, 4096 * 3, 4096);
    assert_false(sqlite_backup_check(copy, &facts, fault));
    assert_non_null(strstr(fault, "it is damaged"));
    assert_false(sqlite_backup_check("/nowhere/reel.db", &facts, fault));
    assert_non_null(strstr(fault, "/nowhere/reel.db: it cannot be opened"));
    assert_false(sqlite_backup_copy("/nowhere/reel.db", other, fault));
    /* Empty, somebody else's, newer, no database at all. */
    assert_int_equal(sqlite3_open(other, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 0; VACUUM", NULL, NULL, NULL), 0);
    assert_false(sqlite_backup_check(other, &facts, fault));
    assert_non_null(strstr(fault, "it is empty"));
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL), SQLITE_OK);
    assert_false(sqlite_backup_check(other, &facts, fault));
    assert_non_null(strstr(fault, "not a database of reel"));
    sqlite3_close(db);
    assert_int_equal(unlink(copy), 0);
    assert_true(sqlite_backup_copy(scene.path, copy, fault));
    assert_int_equal(sqlite3_open(copy, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_false(sqlite_backup_check(copy, &facts, fault));
    assert_non_null(strstr(fault, "newer reel"));
    damage(copy, 0, 4096);
    assert_false(sqlite_backup_check(copy, &facts, fault));
    assert_non_null(strstr(fault, "it is not a database"));
    store_scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_of_a_store_in_use),
        cmocka_unit_test(test_files_that_rows_name),
        cmocka_unit_test(test_removed_and_uploaded),
        cmocka_unit_test(test_what_is_no_sound_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
