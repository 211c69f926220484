/* Files of all kinds at the start. */
#include "store/sqlite_schema.h"

#include "base/memory.h"
#include "store/sqlite.h"
#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void open_scene(struct store_scene *scene)
{
    store_scene_open(scene, false);
}

/* Closes the store but keeps its folder, so that the file can be handled. */
static void shut(struct store_scene *scene)
{
    reader_close(scene->reader);
    store_close(scene->store);
    scene->reader = NULL;
    scene->store = NULL;
}

static void run_sql(const char *path, const char *text)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void assert_refused(const char *path, const char *why)
{
    char fault[STORE_FAULT_SIZE] = "";
    struct store *store = sqlite_open(path, fault);
    assert_null(store);
    if (!strstr(fault, why))
        fail_msg("\"%s\" does not say \"%s\"", fault, why);
    assert_non_null(strstr(fault, path));
}

static void test_newer_schema_is_refused(void **state)
{
    struct store_scene scene;
    open_scene(&scene);
    shut(&scene);
    char text[64];
    (void)snprintf(text, sizeof text, "PRAGMA user_version = %d", sqlite_schema_version() + 1);
    run_sql(scene.path, text);
    assert_refused(scene.path, "newer reel");
    store_scene_close(&scene);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
}

static void test_strange_files_are_refused(void **state)
{
    struct store_scene scene;
    open_scene(&scene);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/other", scene.folder);
    write_file(path, "This is no database, but a text that is long enough for one.\n", 0600);
    assert_refused(path, "not a database");
    unlink(path);
    run_sql(path, "CREATE TABLE jobs (key INTEGER)");
    assert_refused(path, "not a database of reel");
    (void)snprintf(path, sizeof path, "%s/no/such/reel.db", scene.folder);
    assert_refused(path, "No such file or directory");
    assert_refused(scene.folder, "cannot be opened");
    store_scene_close(&scene);
}

/* As another user, for root may write everywhere. */
static void test_unwritable_places_are_refused(void **state)
{
    enum { NOBODY = 65534 };
    struct store_scene scene;
    open_scene(&scene);
    shut(&scene);
    assert_int_equal(chmod(scene.path, 0444), 0);
    assert_int_equal(chmod(scene.folder, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        char fault[STORE_FAULT_SIZE] = "", path[128];
        if (geteuid() == 0 && setuid(NOBODY) != 0)
            _exit(9);
        if (sqlite_open(scene.path, fault) || !strstr(fault, "cannot be written"))
            _exit(1);
        (void)snprintf(path, sizeof path, "%s/new.db", scene.folder);
        if (sqlite_open(path, fault) || !strstr(fault, "Permission denied"))
            _exit(2);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(scene.folder, 0755), 0);
    store_scene_close(&scene);
}

static void test_the_file_is_private(void **state)
{
    struct store_scene scene;
    struct stat status;
    open_scene(&scene);
    assert_int_equal(stat(scene.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    store_scene_close(&scene);
}

/* ---------------------------------------------------------------- from version 1, and 4 */

#define WITHOUT_VERSION_5                                                                          \
    "ALTER TABLE jobs DROP COLUMN attempts; ALTER TABLE jobs DROP COLUMN paid;"                    \
    "ALTER TABLE jobs DROP COLUMN was_resent; ALTER TABLE jobs DROP COLUMN late;"                  \
    "ALTER TABLE jobs DROP COLUMN late_id; ALTER TABLE jobs DROP COLUMN hint;"                     \
    "ALTER TABLE outputs DROP COLUMN late;"

enum { UPGRADE_DAY = 20700 };

static struct job *job_at(int64_t key, enum state state, enum attempt_state attempt)
{
    struct job *job = store_scene_job(key, 5);
    job->state = state;
    job->price_max = 1000;
    job->route = memory_copy(SPAN("fal\t1000\tslug\n"));
    (void)span_copy(SPAN("fal"), job->provider, sizeof job->provider);
    if (state_is_terminal(state))
        job->ended_at = UPGRADE_DAY * MS_DAY + 5;
    if (attempt == ATTEMPT_NONE)
        return job;
    job->attempt = (struct attempt){.number = 1, .state = attempt, .reserved = 600};
    job->attempts = 1;
    (void)span_copy(SPAN("fal"), job->attempt.provider, sizeof job->attempt.provider);
    return job;
}

static void insert(struct store_scene *scene, struct job *job)
{
    store_scene_insert(scene, job);
    store_scene_turn(scene);
    job_free(job);
}

/* Jobs in every stage that money knows. */
static void fill_version_1(struct store_scene *scene)
{
    struct job *done = job_at(1, STATE_SUCCEEDED, ATTEMPT_DONE);
    done->attempt.settled = 500;
    done->attempt.ended_at = done->ended_at;
    insert(scene, done);
    insert(scene, job_at(2, STATE_QUEUED, ATTEMPT_NONE));
    insert(scene, job_at(3, STATE_RUNNING, ATTEMPT_ACCEPTED));
    struct job *followed = job_at(4, STATE_CANCELED, ATTEMPT_ACCEPTED);
    followed->following = true;
    insert(scene, followed);
    insert(scene, job_at(5, STATE_EXPIRED, ATTEMPT_NONE));
    struct job *own = job_at(6, STATE_QUEUED, ATTEMPT_NONE);
    memory_free(own->route);
    own->route = NULL;
    insert(scene, own);
    shut(scene);
    run_sql(scene->path,
            "DROP TABLE pauses; DROP TABLE spend; ALTER TABLE api_keys DROP COLUMN spent;"
            "ALTER TABLE api_keys DROP COLUMN reserved; ALTER TABLE inputs DROP COLUMN api_key;"
            "ALTER TABLE attempts DROP COLUMN expected;" WITHOUT_VERSION_5
            "PRAGMA user_version = 1");
}

static void test_version_1_is_summed_up(void **state)
{
    struct store_scene scene;
    struct spend_row rows[READER_USAGE_MAX];
    struct reader_usage usage = {.rows = rows};
    const struct reader_usage_filter filter = {NULL, UPGRADE_DAY, UPGRADE_DAY, SPEND_BY_PROVIDER};
    char fault[STORE_FAULT_SIZE] = "";
    open_scene(&scene);
    fill_version_1(&scene);
    scene.store = sqlite_open(scene.path, fault);
    assert_non_null(scene.store);
    scene.reader = store_open_reader(scene.store, fault);
    assert_int_equal(reader_usage(scene.reader, &filter, &usage), STORE_OK);
    assert_int_equal(usage.count, 1);
    assert_string_equal(rows[0].provider, "fal");
    assert_int_equal(rows[0].jobs, 3);
    assert_int_equal(rows[0].succeeded, 1);
    assert_int_equal(rows[0].failed, 1);
    assert_int_equal(rows[0].spent, 500);
    assert_int_equal(rows[0].reserved, 1000 + 1000 + 600);
    store_scene_close(&scene);
}

/* What the rows of older attempts say is known of the job since. */
static void test_version_4_knows_its_attempts(void **state)
{
    struct store_scene scene;
    struct job read;
    char fault[STORE_FAULT_SIZE] = "";
    open_scene(&scene);
    insert(&scene, store_scene_full_job(1)); /* its second attempt succeeded */
    struct job *failed = store_scene_full_job(2);
    failed->state = STATE_FAILED;
    failed->attempt.number = 1;
    insert(&scene, failed);
    insert(&scene, store_scene_job(3, 5));
    shut(&scene);
    run_sql(scene.path, "INSERT INTO attempts SELECT 1, 1, 'unknown', provider, '', intent_at, 0,"
                        "  ended_at, 300, 300, error, offer, sends, '', 0 FROM attempts"
                        "  WHERE job = 1;" WITHOUT_VERSION_5 "PRAGMA user_version = 4");
    scene.store = sqlite_open(scene.path, fault);
    assert_non_null(scene.store);
    scene.reader = store_open_reader(scene.store, fault);
    assert_int_equal(reader_job(scene.reader, 1, &read, NULL), STORE_OK);
    assert_int_equal(read.attempts, 2);
    assert_int_equal(read.paid, 300);
    assert_true(read.was_resent);
    assert_int_equal(job_results(&read), JOB_OUTPUTS_MAX);
    reader_job_done(&read);
    assert_int_equal(reader_job(scene.reader, 2, &read, NULL), STORE_OK);
    assert_int_equal(read.attempts, 1);
    assert_int_equal(read.paid, 0);
    assert_false(read.was_resent);
    assert_int_equal(job_results(&read), 0);
    reader_job_done(&read);
    assert_int_equal(reader_job(scene.reader, 3, &read, NULL), STORE_OK);
    assert_int_equal(read.attempts, 0);
    reader_job_done(&read);
    store_scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newer_schema_is_refused),
        cmocka_unit_test(test_strange_files_are_refused),
        cmocka_unit_test(test_unwritable_places_are_refused),
        cmocka_unit_test(test_the_file_is_private),
        cmocka_unit_test(test_version_1_is_summed_up),
        cmocka_unit_test(test_version_4_knows_its_attempts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
