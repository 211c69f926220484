#include "app/sweep.h"

#include "depot/depot_upload.h"
#include "edge/clock.h"
#include "store/ram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { POSTS_MAX = 64 };

struct scene {
    char home[64];
    struct depot *depot;
    struct store *store;
    struct sweep_config config;
    pthread_mutex_t lock;
    struct remove_asked posts[POSTS_MAX];
    unsigned post_count;
};

static bool post(void *context, struct message *message)
{
    struct scene *scene = context;
    (void)pthread_mutex_lock(&scene->lock);
    if (scene->post_count < POSTS_MAX)
        scene->posts[scene->post_count++] = message->event.remove_asked;
    (void)pthread_mutex_unlock(&scene->lock);
    message_free(message);
    return true;
}

static int begin(void **state)
{
    char fault[DEPOT_FAULT_SIZE], why[STORE_FAULT_SIZE];
    struct scene *scene = calloc(1, sizeof *scene);
    (void)pthread_mutex_init(&scene->lock, NULL);
    (void)snprintf(scene->home, sizeof scene->home, "/tmp/reel-sweep-XXXXXX");
    assert_non_null(mkdtemp(scene->home));
    scene->depot = depot_make(scene->home, fault);
    assert_non_null(scene->depot);
    scene->store = ram_open();
    scene->config = (struct sweep_config){.depot = scene->depot,
                                          .reader = store_open_reader(scene->store, why),
                                          .post = post,
                                          .context = scene};
    *state = scene;
    return 0;
}

static int take_away(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    return remove(path);
}

static int end(void **state)
{
    struct scene *scene = *state;
    reader_close(scene->config.reader);
    store_close(scene->store);
    depot_free(scene->depot);
    (void)pthread_mutex_destroy(&scene->lock);
    int result = nftw(scene->home, take_away, 8, FTW_DEPTH | FTW_PHYS);
    free(scene);
    return result;
}

static void apply(struct scene *scene, struct output *output)
{
    assert_int_equal(store_begin(scene->store), STORE_OK);
    assert_int_equal(store_apply(scene->store, &output->changes), STORE_OK);
    assert_int_equal(store_commit(scene->store, 1), STORE_OK);
    output_done(output);
}

/* A row of an upload, a file of it, or both. */
static void add_upload(struct scene *scene, int64_t key, ms_t expires_at, bool row, bool file)
{
    struct output output;
    struct upload upload = {.key = key, .tenant = "ann", .content_type = "image/png"};
    upload.expires_at = expires_at;
    id_write("upl_", key, 7, upload.id);
    if (file) {
        int fd = -1;
        assert_int_equal(depot_upload_begin(scene->depot, span_of(upload.id), &fd), DEPOT_OK);
        assert_int_equal(depot_upload_keep(scene->depot, span_of(upload.id), fd), DEPOT_OK);
        assert_int_equal(close(fd), 0);
    }
    output_init(&output);
    if (row)
        output_change(&output, CHANGE_UPLOAD_ADD)->upload = upload;
    apply(scene, &output);
}

static void add_job(struct scene *scene, int64_t key, enum state state, ms_t ended_at, bool row)
{
    char path[200];
    struct output output;
    struct job *job = job_make();
    job->key = key;
    id_write("gen_", key, 7, job->id);
    (void)span_copy(SPAN("ann"), job->tenant, sizeof job->tenant);
    (void)span_copy(SPAN("m"), job->model, sizeof job->model);
    job->state = state;
    job->ended_at = ended_at;
    job->input = strdup("{}");
    job->output_count = state == STATE_SUCCEEDED;
    job->outputs[0].size = 100;
    (void)snprintf(path, sizeof path, "%s/outputs/%s", scene->home, job->id);
    assert_int_equal(mkdir(path, 0700), 0);
    output_init(&output);
    if (row)
        output_change(&output, CHANGE_JOB_INSERT)->job = job;
    apply(scene, &output);
    free(job->input);
    job->input = NULL;
    job_free(job);
}

static bool is_there(struct scene *scene, const char *folder, const char *prefix, int64_t key)
{
    char path[200], id[ID_SIZE];
    struct stat status;
    id_write(prefix, key, 7, id);
    (void)snprintf(path, sizeof path, "%s/%s/%s", scene->home, folder, id);
    return stat(path, &status) == 0;
}

/* Until the condition holds, at most ten seconds. */
#define UNTIL(condition)                                                                           \
    for (int n = 0; n < 1000 && !(condition); n++)                                                 \
    nap()

static void nap(void)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    (void)nanosleep(&pause, NULL);
}

static void files_that_nobody_names_go_at_the_start(void **state)
{
    struct scene *scene = *state;
    add_upload(scene, 1, MS_NEVER, true, true);
    add_upload(scene, 2, MS_NEVER, false, true);
    add_job(scene, 11, STATE_SUCCEEDED, 5, true);
    add_job(scene, 12, STATE_RUNNING, 0, true);
    add_job(scene, 13, STATE_FAILED, 5, true);
    add_job(scene, 14, STATE_SUCCEEDED, 5, false);
    struct sweep *sweep = sweep_make(&scene->config);
    assert_true(is_there(scene, "uploads", "upl_", 1));
    assert_false(is_there(scene, "uploads", "upl_", 2));
    UNTIL(!is_there(scene, "outputs", "gen_", 14) && !is_there(scene, "outputs", "gen_", 13));
    assert_false(is_there(scene, "outputs", "gen_", 14));
    assert_false(
        is_there(scene, "outputs", "gen_", 13)); /* it has no outputs, and will have none */
    assert_true(is_there(scene, "outputs", "gen_", 11));
    assert_true(is_there(scene, "outputs", "gen_", 12));
    sweep_free(sweep);
}

static unsigned posts_of(struct scene *scene, enum remove_what what, int64_t key)
{
    unsigned count = 0;
    (void)pthread_mutex_lock(&scene->lock);
    for (unsigned n = 0; n < scene->post_count; n++)
        count += scene->posts[n].what == what && scene->posts[n].key == key;
    (void)pthread_mutex_unlock(&scene->lock);
    return count;
}

static void what_is_old_is_told_to_the_core(void **state)
{
    struct scene *scene = *state;
    ms_t now = clock_wall();
    add_upload(scene, 1, now - 1, true, true);
    add_upload(scene, 2, now + MS_HOUR, true, true);
    add_job(scene, 11, STATE_SUCCEEDED, now - MS_DAY, true);
    add_job(scene, 12, STATE_SUCCEEDED, now - MS_HOUR, true);
    add_job(scene, 13, STATE_SUCCEEDED, now - MS_MINUTE, true);
    scene->config.max_age = 12 * MS_HOUR;
    scene->config.max_size = 150;
    struct sweep *sweep = sweep_make(&scene->config);
    UNTIL(posts_of(scene, REMOVE_EXPIRED, 1) && posts_of(scene, REMOVE_FILES, 11) &&
          posts_of(scene, REMOVE_FILES, 12));
    sweep_free(sweep);
    assert_true(posts_of(scene, REMOVE_EXPIRED, 1) > 0);
    assert_true(posts_of(scene, REMOVE_FILES, 11) > 0); /* by its age */
    assert_true(posts_of(scene, REMOVE_FILES, 12) > 0); /* by the size of all */
    assert_int_equal(posts_of(scene, REMOVE_EXPIRED, 2), 0);
    assert_int_equal(posts_of(scene, REMOVE_FILES, 13), 0);
    /* It asks, and removes nothing by itself. */
    assert_true(is_there(scene, "uploads", "upl_", 1));
    assert_true(is_there(scene, "outputs", "gen_", 11));
}

static void what_the_core_lets_go_of_is_removed(void **state)
{
    struct scene *scene = *state;
    char id[ID_SIZE];
    add_upload(scene, 1, MS_NEVER, true, true);
    add_job(scene, 11, STATE_SUCCEEDED, 5, true);
    struct sweep *sweep = sweep_make(&scene->config);
    id_write("upl_", 1, 7, id);
    sweep_upload(sweep, id);
    id_write("gen_", 11, 7, id);
    sweep_files(sweep, id);
    sweep_free(sweep); /* carries out what is left */
    assert_false(is_there(scene, "uploads", "upl_", 1));
    assert_false(is_there(scene, "outputs", "gen_", 11));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_that_nobody_names_go_at_the_start, begin, end),
        cmocka_unit_test_setup_teardown(what_is_old_is_told_to_the_core, begin, end),
        cmocka_unit_test_setup_teardown(what_the_core_lets_go_of_is_removed, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
