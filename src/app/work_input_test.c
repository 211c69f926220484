#include "app/work_private.h"

#include "base/memory.h"
#include "catalog/fixture.h"
#include "depot/depot_upload.h"
#include "store/ram.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>

static char home[] = "/tmp/reel-input-XXXXXX";

/* A model with inputs of both kinds, run here. */
static const char model_text[] =
    "{'provider':{'name':'acme','title':'Acme'},'models':[{'id':'m','family':'m','title':'M',"
    "'summary':'A model.','task':'image-to-video','output':'video','extensions':['mp4'],"
    "'time':{'baseSeconds':10},'parameters':{'prompt':{'type':'text'},"
    "'imageUrl':{'type':'url','media':['image']},"
    "'imageUrls':{'type':'list','maxItems':30,'items':{'type':'url','media':['image']}}},"
    "'offers':[{'slug':'renderer'}]}]}";

struct scene {
    struct catalog *catalog;
    struct store *store;
    struct works works;
    struct work *work;
};

static int begin(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "", why[DEPOT_FAULT_SIZE];
    struct scene *scene = test_calloc(1, sizeof *scene);
    scene->catalog = fixture_with(model_text, fault);
    if (!scene->catalog)
        fail_msg("%s", fault);
    scene->store = ram_open();
    scene->works.config = (struct works_config){
        .catalog = scene->catalog,
        .depot = depot_make(home, why),
        .reader = store_open_reader(scene->store, fault),
    };
    assert_non_null(scene->works.config.depot);
    scene->work = memory_new(struct work);
    *state = scene;
    return 0;
}

/* A new attempt of the job with that input, ' for ". */
static struct work *make_work(struct scene *scene, const char *input)
{
    struct work *work = scene->work;
    for (unsigned n = 0; n < work->input_count; n++)
        memory_free(work->inputs[n].url);
    json_decref(work->input);
    *work = (struct work){.works = &scene->works, .job = 1, .attempt = 1};
    (void)snprintf(work->name, sizeof work->name, "gen_1.1");
    (void)snprintf(work->job_id, sizeof work->job_id, "gen_1");
    work->model = fixture_model(scene->catalog, "m");
    work->input = fixture_json(input);
    work->request.data = work;
    return work;
}

static int end(void **state)
{
    struct scene *scene = *state;
    (void)make_work(scene, "{}");
    json_decref(scene->work->input);
    memory_free(scene->work);
    assert_int_equal(depot_remove_work(scene->works.config.depot, SPAN("gen_1"), 1), DEPOT_OK);
    assert_int_equal(depot_remove_job(scene->works.config.depot, SPAN("gen_1")), DEPOT_OK);
    depot_free(scene->works.config.depot);
    reader_close(scene->works.config.reader);
    store_close(scene->store);
    catalog_free(scene->catalog);
    test_free(scene);
    return 0;
}

static struct span read_file(const struct work *work, const char *name, char text[static 64])
{
    char path[DEPOT_PATH_SIZE + 16];
    (void)snprintf(path, sizeof path, "%s/%s", work->folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        fail_msg("no %s", path);
    struct span read = {text, fread(text, 1, 64, file)};
    assert_int_equal(fclose(file), 0);
    return read;
}

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *entries = opendir("/proc/self/fd");
    assert_non_null(entries);
    while (readdir(entries))
        count++;
    (void)closedir(entries);
    return count;
}

/* What the catalogue admits as a data: URL is one here too. */
static void writes_data_urls(void **state)
{
    static const struct {
        const char *base64, *bytes;
    } rows[] = {
        {"aGVsbG8=", "hello"}, {"aGVsbG8", "hello"}, {"aGk=", "hi"},  {"aGk", "hi"},
        {"aA==", "h"},         {"aA", "h"},          {"aGV5", "hey"},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char input[200], text[64];
        (void)snprintf(input, sizeof input, "{'imageUrl':'data:image/png;base64,%s'}",
                       rows[n].base64);
        struct work *work = make_work(*state, input);
        assert_true(work_find_inputs(work));
        assert_int_equal(work->input_count, 1);
        work_prepare(&work->request);
        if (work->error != ERROR_NONE)
            fail_msg("%s: %s", rows[n].base64, work->text);
        assert_true(span_is(read_file(work, "input-0", text), rows[n].bytes));
    }
}

static void add_upload(struct scene *scene, int64_t key, char ret_id[static ID_SIZE])
{
    int fd = -1;
    struct output output;
    struct depot *depot = scene->works.config.depot;
    id_write("upl_", key, 7, ret_id);
    assert_int_equal(depot_upload_begin(depot, span_of(ret_id), &fd), DEPOT_OK);
    assert_int_equal(write(fd, "hello", 5), 5);
    assert_int_equal(depot_upload_keep(depot, span_of(ret_id), fd), DEPOT_OK);
    assert_int_equal(close(fd), 0);
    output_init(&output);
    struct upload *upload = &output_change(&output, CHANGE_UPLOAD_ADD)->upload;
    *upload = (struct upload){.key = key, .tenant = "ann", .content_type = "image/png", .size = 5};
    memcpy(upload->id, ret_id, ID_SIZE);
    assert_int_equal(store_begin(scene->store), STORE_OK);
    assert_int_equal(store_apply(scene->store, &output.changes), STORE_OK);
    assert_int_equal(store_commit(scene->store, 1), STORE_OK);
    output_done(&output);
}

static void links_uploads_of_the_same_tenant(void **state)
{
    struct scene *scene = *state;
    char id[ID_SIZE], input[200], text[64];
    add_upload(scene, 5, id);
    (void)snprintf(input, sizeof input, "{'imageUrl':'reel://%s'}", id);
    struct work *work = make_work(scene, input);
    (void)span_copy(SPAN("ann"), work->tenant, sizeof work->tenant);
    assert_true(work_find_inputs(work));
    work_prepare(&work->request);
    assert_int_equal(work->error, ERROR_NONE);
    assert_true(span_is(read_file(work, "input-0", text), "hello"));
    /* Somebody took the file away. */
    assert_int_equal(depot_upload_remove(scene->works.config.depot, span_of(id)), DEPOT_OK);
    work = make_work(scene, input);
    (void)span_copy(SPAN("ann"), work->tenant, sizeof work->tenant);
    assert_true(work_find_inputs(work));
    work_prepare(&work->request);
    assert_int_equal(work->error, ERROR_INPUT_UNREACHABLE);
    /* Another tenant's is as good as none. */
    work = make_work(scene, input);
    (void)span_copy(SPAN("bob"), work->tenant, sizeof work->tenant);
    assert_false(work_find_inputs(work));
    assert_int_equal(work->error, ERROR_INPUT_UNREACHABLE);
    assert_non_null(strstr(work->text, "imageUrl"));
}

/* A file that can't be written is told, and not left open. */
static void tells_a_full_disk(void **state)
{
    struct work *work = make_work(*state, "{'imageUrl':'data:image/png;base64,aGVsbG8='}");
    struct rlimit limit, small;
    assert_true(work_find_inputs(work));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 2;
    unsigned before = count_descriptors();
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    work_prepare(&work->request);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(work->error, ERROR_STORAGE_FULL);
    assert_true(work->again);
    assert_int_equal(count_descriptors(), before);
}

static void names_files_for_the_worker(void **state)
{
    struct work *work =
        make_work(*state, "{'prompt':'x','seed':7,'imageUrl':'https://a.b/c.png',"
                          "'imageUrls':['https://a.b/d.png','data:image/png;base64,aGk=']}");
    struct buffer line;
    assert_true(work_find_inputs(work));
    assert_int_equal(work->input_count, 3);
    assert_int_equal(work->inputs[0].kind, WORK_INPUT_HTTP);
    assert_int_equal(work->inputs[2].kind, WORK_INPUT_DATA);
    buffer_init(&line, 4096);
    work_request(work, &line);
    char *expected = fixture_quote(
        "{'id':'gen_1.1','op':'render','renderer':'renderer','input':{'imageUrl':"
        "'gen_1.1/input-0','imageUrls':['gen_1.1/input-1','gen_1.1/input-2'],'prompt':'x',"
        "'seed':7},'dir':'gen_1.1','cpuSeconds':7208,'seed':7}");
    assert_string_equal(line.data, expected);
    test_free(expected);
    buffer_done(&line);
}

static void refuses_what_it_cannot_have(void **state)
{
    static const struct {
        const char *input, *text;
        enum error_code error;
    } rows[] = {
        {"{'imageUrl':'reel://gen_000000000000100aywaheppjw7'}",
         "imageUrl: the job gen_000000000000100aywaheppjw7 could not be read.",
         ERROR_INPUT_UNREACHABLE},
        {"{'imageUrls':["
         "'https://a/1','https://a/1','https://a/1','https://a/1','https://a/1','https://a/1',"
         "'https://a/1','https://a/1','https://a/1','https://a/1','https://a/1','https://a/1',"
         "'https://a/1','https://a/1','https://a/1','https://a/1','https://a/1','https://a/1',"
         "'https://a/1','https://a/1','https://a/1','https://a/1','https://a/1','https://a/1',"
         "'https://a/1','https://a/1','https://a/1','https://a/1','https://a/1','https://a/1',"
         "'https://a/1','https://a/1','https://a/1']}",
         "The job names more than 32 input files.", ERROR_VALIDATION},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct work *work = make_work(*state, rows[n].input);
        assert_false(work_find_inputs(work));
        assert_int_equal(work->error, rows[n].error);
        assert_string_equal(work->text, rows[n].text);
        assert_false(work->again);
    }
    struct work *work = make_work(*state, "{}");
    work->model = NULL;
    assert_false(work_find_inputs(work));
    assert_int_equal(work->error, ERROR_INTERNAL);
}

/* What an earlier attempt brought into the depot before the server died, or before its disk broke,
 * is in nobody's row: it must not stand in the way of this one's files. */
static void clears_what_a_lost_attempt_kept(void **state)
{
    struct scene *scene = *state;
    struct depot *depot = scene->works.config.depot;
    static const char *const contents[] = {"first", "second"};
    for (size_t n = 0; n < 2; n++) {
        struct work *work = make_work(scene, "{}");
        char path[DEPOT_PATH_SIZE + 16];
        struct depot_kept kept;
        work_prepare(&work->request);
        assert_int_equal(work->error, ERROR_NONE);
        (void)snprintf(path, sizeof path, "%s/made.mp4", work->folder);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(contents[n], file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(depot_keep(depot, path, SPAN("gen_1"), SPAN("output.mp4"), &kept),
                         DEPOT_OK);
    }
}

static int begin_all(void **state)
{
    return mkdtemp(home) ? 0 : -1;
}

static int end_all(void **state)
{
    static const char *const folders[] = {"outputs", "work", "uploads/staging", "uploads"};
    for (size_t n = 0; n < 4; n++) {
        char path[200];
        (void)snprintf(path, sizeof path, "%s/%s", home, folders[n]);
        if (rmdir(path) != 0)
            return -1;
    }
    return rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_data_urls, begin, end),
        cmocka_unit_test_setup_teardown(links_uploads_of_the_same_tenant, begin, end),
        cmocka_unit_test_setup_teardown(tells_a_full_disk, begin, end),
        cmocka_unit_test_setup_teardown(names_files_for_the_worker, begin, end),
        cmocka_unit_test_setup_teardown(refuses_what_it_cannot_have, begin, end),
        cmocka_unit_test_setup_teardown(clears_what_a_lost_attempt_kept, begin, end),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
