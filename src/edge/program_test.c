#include "edge/program.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "edge/clock.h"
#include "edge/warden.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "edge/await_test_rig.h"

enum { GRACE_MS = 300, OUTPUT_MAX = 1 << 20 };

struct scene {
    struct children *children;
    struct programs *programs;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned lines, ends;
    struct buffer text; /* all lines, each with its end */
    struct program_end end;
};

static int begin(void **state)
{
    struct scene *scene = memory_new(struct scene);
    (void)pthread_mutex_init(&scene->mutex, NULL);
    (void)pthread_cond_init(&scene->changed, NULL);
    buffer_init(&scene->text, 4 << 20);
    scene->children = children_make();
    scene->programs = programs_make(scene->children, NULL);
    *state = scene;
    return 0;
}

static int end(void **state)
{
    struct scene *scene = *state;
    programs_free(scene->programs);
    children_free(scene->children);
    buffer_done(&scene->text);
    memory_free(scene);
    return 0;
}

static void on_line(void *context, struct span line)
{
    struct scene *scene = context;
    (void)pthread_mutex_lock(&scene->mutex);
    scene->lines++;
    buffer_add(&scene->text, line);
    buffer_add_byte(&scene->text, '\n');
    (void)pthread_cond_broadcast(&scene->changed);
    (void)pthread_mutex_unlock(&scene->mutex);
}

static void on_ended(void *context, const struct program_end *end)
{
    struct scene *scene = context;
    (void)pthread_mutex_lock(&scene->mutex);
    scene->ends++;
    scene->end = *end;
    (void)pthread_cond_broadcast(&scene->changed);
    (void)pthread_mutex_unlock(&scene->mutex);
}

static void wait_for(struct scene *scene, const unsigned *counter, unsigned value)
{
    await_count(&scene->mutex, &scene->changed, counter, value);
}

static uint64_t run(struct scene *scene, const char *script, ms_t silence)
{
    static const struct program_calls calls = {on_line, on_ended};
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const char *const envp[] = {"PATH=/usr/bin:/bin", "COLOUR=green", NULL};
    const struct program_plan plan = {.name = "sh",
                                      .argv = argv,
                                      .envp = envp,
                                      .cwd = "/usr",
                                      .input = SPAN("{\"a\":1}\n"),
                                      .silence = silence,
                                      .grace = GRACE_MS,
                                      .output_max = OUTPUT_MAX};
    return program_run(scene->programs, &plan, &calls, scene);
}

static void reads_speaks_and_ends(void **state)
{
    struct scene *scene = *state;
    assert_true(run(scene,
                    "cat; pwd; echo $COLOUR; env | wc -l; echo one >&2; echo two >&2; exit 3",
                    0) > 0);
    wait_for(scene, &scene->ends, 1);
    assert_string_equal(scene->text.data, "{\"a\":1}\n/usr\ngreen\n3\n"); /* with sh's own PWD */
    assert_int_equal(scene->end.how, PROGRAM_EXITED);
    assert_int_equal(scene->end.status, 3);
    assert_string_equal(scene->end.last_words, "one\ntwo\n");
    assert_false(scene->end.lacked_memory);
    run(scene, "kill -SEGV $$", 0);
    wait_for(scene, &scene->ends, 2);
    assert_int_equal(scene->end.how, PROGRAM_SIGNALED);
    assert_int_equal(scene->end.signal, SIGSEGV);
    /* Killed by somebody, but not by the kernel for want of memory. */
    run(scene, "kill -KILL $$", 0);
    wait_for(scene, &scene->ends, 3);
    assert_int_equal(scene->end.how, PROGRAM_SIGNALED);
    assert_int_equal(scene->end.signal, SIGKILL);
    assert_false(scene->end.lacked_memory);
}

static void keeps_its_last_words(void **state)
{
    struct scene *scene = *state;
    run(scene, "n=0; while [ $n -lt 1000 ]; do echo word $n >&2; n=$((n+1)); done; printf end >&2",
        0);
    wait_for(scene, &scene->ends, 1);
    const char *words = scene->end.last_words;
    assert_true(strlen(words) < PROGRAM_LAST_WORDS && strlen(words) > PROGRAM_LAST_WORDS / 2);
    assert_non_null(strstr(words, "word 999\nend\n"));
    assert_memory_equal(words, "word ", 5); /* whole lines */
    assert_null(strstr(words, "word 1\n"));
}

static void says_what_can_not_be_run(void **state)
{
    static const struct program_calls calls = {on_line, on_ended};
    static const struct {
        const char *program;
        int status;
        const char *words;
    } rows[] = {{"/nowhere/run.py", 127, "/nowhere/run.py can't be run: No such file"},
                {"/etc/passwd", 126, "/etc/passwd can't be run: Permission denied"}};
    struct scene *scene = *state;
    for (unsigned n = 0; n < 2; n++) {
        const char *const argv[] = {rows[n].program, NULL};
        const struct program_plan plan = {.name = "x", .argv = argv, .output_max = OUTPUT_MAX};
        assert_true(program_run(scene->programs, &plan, &calls, scene) > 0);
        wait_for(scene, &scene->ends, n + 1);
        assert_int_equal(scene->end.how, PROGRAM_EXITED);
        assert_int_equal(scene->end.status, rows[n].status);
        assert_non_null(strstr(scene->end.last_words, rows[n].words));
    }
}

/* Whether it obeys or not, and with all that it has started, also in sessions of their own. */
static void stops_with_all_that_it_started(void **state)
{
    static const char *const scripts[] = {
        "sleep 100 & setsid sleep 100 & echo $!; wait",
        "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$; sleep 100 & sleep 100'",
    };
    struct scene *scene = *state;
    for (unsigned n = 0; n < 2; n++) {
        buffer_clear(&scene->text);
        uint64_t number = run(scene, scripts[n], 0);
        wait_for(scene, &scene->lines, n + 1);
        ms_t began = clock_monotonic();
        program_stop(scene->programs, number);
        program_stop(scene->programs, number);
        wait_for(scene, &scene->ends, n + 1);
        assert_int_equal(scene->end.how, PROGRAM_STOPPED);
        ms_t took = clock_monotonic() - began;
        assert_true(n == 0 ? took < 5000 : took >= GRACE_MS);
        await_death(strtol(scene->text.data, NULL, 10));
        program_stop(scene->programs, number);
    }
    program_stop(scene->programs, 4711);
}

static void leaves_nobody_behind(void **state)
{
    struct scene *scene = *state;
    run(scene, "setsid sleep 100 >/dev/null 2>&1 & echo $!; exit 0", 0);
    wait_for(scene, &scene->ends, 1);
    assert_int_equal(scene->end.how, PROGRAM_EXITED);
    assert_int_equal(scene->end.status, 0);
    await_death(strtol(scene->text.data, NULL, 10));
}

static void may_not_be_silent_for_ever(void **state)
{
    struct scene *scene = *state;
    run(scene, "for n in 1 2 3 4; do sleep 0.2; echo $n; done; sleep 0.2; echo x >&2; sleep 100",
        500);
    wait_for(scene, &scene->ends, 1);
    assert_int_equal(scene->end.how, PROGRAM_HUNG);
    assert_int_equal(scene->lines, 4);
    assert_string_equal(scene->end.last_words, "x\n");
}

static void may_not_say_too_much(void **state)
{
    static const char *const scripts[] = {
        "yes", "setsid sleep 100 >/dev/null & echo $! >&2; cat /dev/zero", "yes >&2 & yes"};
    struct scene *scene = *state;
    for (unsigned n = 0; n < 3; n++) {
        buffer_clear(&scene->text);
        run(scene, scripts[n], 0);
        wait_for(scene, &scene->ends, n + 1);
        assert_int_equal(scene->end.how, PROGRAM_FLOODED);
        assert_true(scene->text.size <= OUTPUT_MAX);
        if (n == 1)
            await_death(strtol(scene->end.last_words, NULL, 10));
    }
}

static void refuses_what_is_too_long(void **state)
{
    static const struct program_calls calls = {on_line, on_ended};
    static char much[CHILD_WRITE_MAX];
    struct scene *scene = *state;
    const char *const argv[] = {"/bin/cat", NULL};
    const struct program_plan plan = {
        .name = "x", .argv = argv, .input = {much, sizeof much}, .output_max = OUTPUT_MAX};
    assert_int_equal(program_run(scene->programs, &plan, &calls, scene), 0);
}

static void ends_all_when_it_shall(void **state)
{
    struct scene *scene = *state;
    for (unsigned n = 0; n < 3; n++)
        run(scene, "trap '' TERM; setsid sleep 100 & echo $!; sleep 100", 0);
    wait_for(scene, &scene->lines, 3);
    ms_t began = clock_monotonic();
    programs_end(scene->programs);
    assert_true(clock_monotonic() - began < 5000);
    assert_int_equal(scene->ends, 3);
    assert_int_equal(scene->end.how, PROGRAM_STOPPED);
    char *rest = scene->text.data;
    for (unsigned n = 0; n < 3; n++)
        await_death(strtol(rest, &rest, 10));
    assert_int_equal(run(scene, "exit 0", 0), 0);
    program_stop(scene->programs, 1);
    programs_end(scene->programs);
    programs_end(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(int count, char **words)
{
    if (warden_is_meant(count, words))
        warden_run(count, words);
    const struct CMUnitTest tests[] = {
        TEST(reads_speaks_and_ends),    TEST(keeps_its_last_words),
        TEST(says_what_can_not_be_run), TEST(stops_with_all_that_it_started),
        TEST(leaves_nobody_behind),     TEST(may_not_be_silent_for_ever),
        TEST(may_not_say_too_much),     TEST(refuses_what_is_too_long),
        TEST(ends_all_when_it_shall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
