#include "app/work_private.h"

#include "base/memory.h"
#include "catalog/fixture.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char home[] = "/tmp/reel-collect-XXXXXX";

struct scene {
    struct catalog *catalog;
    struct works works;
    struct work *work;
};

static int begin(void **state)
{
    struct scene *scene = test_calloc(1, sizeof *scene);
    scene->catalog = fixture_catalog();
    scene->works.config.output_max = 1000;
    scene->work = memory_new(struct work);
    *state = scene;
    return 0;
}

static void forget(struct scene *scene)
{
    work_command_free(scene->work);
    *scene->work = (struct work){.works = &scene->works};
}

static int end(void **state)
{
    struct scene *scene = *state;
    forget(scene);
    memory_free(scene->work);
    catalog_free(scene->catalog);
    test_free(scene);
    return 0;
}

static void shell(const char *folder, const char *script)
{
    int how = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (chdir(folder) == 0)
            (void)execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_int_equal(how, 0);
}

/* An attempt whose program did what the shell script does in its folder, and said `word`. */
static struct work *made(struct scene *scene, const char *script, const char *word)
{
    static unsigned number;
    char path[DEPOT_PATH_SIZE + 40];
    struct work *work = scene->work;
    forget(scene);
    work->model = fixture_model(scene->catalog, "local/kenburns"); /* makes mp4 */
    work->command = work_command_make();
    work->command->word = word ? fixture_json(word) : NULL;
    work->request.data = work;
    (void)snprintf(work->folder, sizeof work->folder, "%s/%u", home, ++number);
    (void)snprintf(path, sizeof path, "%s/" WORK_OUTPUTS, work->folder);
    assert_int_equal(mkdir(work->folder, 0700), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    shell(path, script);
    work_collect(&work->request);
    return work;
}

static struct span first_byte(const struct work *work, unsigned n)
{
    static char byte;
    char path[DEPOT_PATH_SIZE + 40];
    (void)snprintf(path, sizeof path, "%s/%s", work->folder, work->inputs[n].name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fread(&byte, 1, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    return (struct span){&byte, 1};
}

static void takes_files_of_the_models_kind_by_name(void **state)
{
    struct work *work =
        made(*state,
             "echo c >c.MP4; echo a >a.mp4; echo B >B.mp4; echo x >x.txt; mkdir d.mp4; "
             "echo h >.h.mp4; ln -s /etc/passwd .link",
             NULL);
    static const char *const bytes[] = {"B", "a", "c"};
    assert_int_equal(work->error, ERROR_NONE);
    assert_int_equal(work->file_count, 3);
    for (unsigned n = 0; n < 3; n++)
        assert_true(span_is(first_byte(work, n), bytes[n]));
}

static void takes_what_is_named_in_that_order(void **state)
{
    struct work *work = made(*state, "echo a >a.mp4; echo b >b.mp4; echo c >c.mp4; mkfifo pipe",
                             "{'outputs':['c.mp4','a.mp4']}");
    assert_int_equal(work->error, ERROR_NONE);
    assert_int_equal(work->file_count, 2);
    assert_true(span_is(first_byte(work, 0), "c"));
    assert_true(span_is(first_byte(work, 1), "a"));
}

static void refuses_all_else(void **state)
{
    static const struct {
        const char *script, *word;
        enum error_code error;
        const char *text;
    } rows[] = {
        {"true", NULL, ERROR_OUTPUT_INVALID, "The program made no mp4."},
        {"echo a >a.png", NULL, ERROR_OUTPUT_INVALID, "The program made no mp4."},
        {"ln -s /etc/passwd a.mp4", NULL, ERROR_OUTPUT_INVALID, "a.mp4, which is no plain file"},
        {"ln -s /etc/passwd x", NULL, ERROR_OUTPUT_INVALID, "left x, which is no plain file"},
        {"echo a >a.mp4; ln -s a.mp4 b.mp4", NULL, ERROR_OUTPUT_INVALID, "b.mp4, which is no pl"},
        {"mkfifo a.mp4", NULL, ERROR_OUTPUT_INVALID, "no plain file"},
        {"echo a >a.mp4; ln a.mp4 ../a", NULL, ERROR_OUTPUT_INVALID, "no plain file"},
        {"head -c 1001 /dev/zero >a.mp4", NULL, ERROR_TOO_LARGE, "a.mp4 is larger than"},
        {"for n in 1 2 3 4 5 6 7 8 9; do echo a >$n.mp4; done", NULL, ERROR_OUTPUT_INVALID,
         "more than 8 files"},
        {"rmdir ../outputs; ln -s /etc ../outputs", NULL, ERROR_OUTPUT_INVALID, "is not there"},
        {"rmdir ../outputs", NULL, ERROR_OUTPUT_INVALID, "is not there"},
        {"true", "{'outputs':['a.mp4']}", ERROR_OUTPUT_INVALID, "a.mp4, and made no such file"},
        {"true", "{'outputs':[]}", ERROR_OUTPUT_INVALID, "The program made no mp4."},
        {"true", "{'outputs':'a.mp4'}", ERROR_OUTPUT_INVALID, "must be a list of names"},
        {"true", "{'outputs':[5]}", ERROR_OUTPUT_INVALID, "names an output amiss"},
        {"true", "{'outputs':['../../a.mp4']}", ERROR_OUTPUT_INVALID, "names an output amiss"},
        {"true", "{'outputs':['..']}", ERROR_OUTPUT_INVALID, "names an output amiss"},
        {"mkdir d.mp4", "{'outputs':['d.mp4']}", ERROR_OUTPUT_INVALID, "no plain file"},
        {"echo a >a.txt", "{'outputs':['a.txt']}", ERROR_OUTPUT_INVALID, "model's kind"},
        {"ln -s /etc/passwd a.mp4", "{'outputs':['a.mp4']}", ERROR_OUTPUT_INVALID, "no plain"},
    };
    for (unsigned n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        const struct work *work = made(*state, rows[n].script, rows[n].word);
        if (!strstr(work->text, rows[n].text))
            fail_msg("\"%s\" is not in \"%s\"", rows[n].text, work->text);
        assert_int_equal(work->error, rows[n].error);
    }
}

static int make_home(void **state)
{
    return mkdtemp(home) ? 0 : -1;
}

static int remove_home(void **state)
{
    shell(home, "rm -rf \"$PWD\"");
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_files_of_the_models_kind_by_name),
        TEST(takes_what_is_named_in_that_order),
        TEST(refuses_all_else),
    };
    return cmocka_run_group_tests(tests, make_home, remove_home);
}
