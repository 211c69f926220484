/* What `reel complete` offers, with a server that answers and with none. */
#include "app/completion.h"

#include "app/command.h"
#include "app/command_test_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct rig_reply replies[] = {
    {"GET /api/v1/models ", 200,
     "{\"items\":[{\"id\":\"house/clip\",\"task\":\"text-to-video\"},{\"id\":\"house/\\u001bx\"}]}",
     0},
    {"GET /api/v1/models/house/clip ", 200,
     "{\"id\":\"house/clip\",\"parameters\":{\"properties\":{\"prompt\":{\"type\":\"string\"},"
     "\"look\":{\"type\":\"string\",\"enum\":[\"dusk\",\"dawn\"]},"
     "\"imageUrl\":{\"type\":\"string\",\"format\":\"uri\"}}}}",
     0},
    {"GET /api/v1/jobs?", 200,
     "{\"items\":[{\"jobId\":\"gen_1\",\"status\":\"processing\",\"model\":\"house/clip\"}]}", 0},
    {0}};

struct expected {
    const char *words[6], *out;
};

static void check(const struct expected *cases, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        const char *words[9] = {"reel", "complete"};
        for (size_t i = 0; cases[n].words[i]; i++)
            words[i + 2] = cases[n].words[i];
        const struct rig_run *run = rig_run(words);
        if (strcmp(run->out, cases[n].out) != 0)
            print_message("%s %s…\n", cases[n].words[0], cases[n].words[1]);
        assert_string_equal(run->out, cases[n].out);
        assert_string_equal(run->error, "");
        assert_int_equal(run->status, 0);
    }
}

static void test_with_a_server(void **state)
{
    static const struct expected cases[] = {
        {{"gen"}, "generate\tMake a video, image or voice.\n"},
        {{"nonsense", ""}, ""},
        {{"generate", ""}, "house/clip\ttext-to-video\nhouse/ x\t\n"},
        {{"generate", "house/clip", "--lo"}, "--look\t(dusk, dawn)\n"},
        {{"generate", "house/clip", "--look", "d"}, "dusk\t\ndawn\t\n"},
        {{"generate", "house/clip", "--look", "=", "da"}, "dawn\t\n"},
        {{"generate", "house/clip", "--image-url", ""}, "gen_1\tprocessing, house/clip\n:files\n"},
        {{"generate", "house/clip", "--image-url", "ph"}, ":files\n"},
        {{"generate", "house/clip", "--priority", "h"}, "high\t\n"},
        {{"generate", "house/clip", "--wait", "--q"}, "--quiet\tShow no progress.\n"},
        {{"watch", "gen_0", ""}, "gen_1\tprocessing, house/clip\n"},
        {{"jobs", "--model", "ho"}, "house/clip\ttext-to-video\nhouse/ x\t\n"},
        {{"jobs", "--status", "f"}, "failed\t\n"},
        {{"serve", "--set", "log.l"},
         "log.level=\tThe least serious kind of line that is logged.\n"},
        {{"serve", "--home", ""}, ":files\n"},
        {{"sandbox", "--script", ""}, ":files\n"},
        {{"config", "d"}, "docs\t\n"},
        {{"restore", ""}, ":files\n"},
        {{"help", "sto"}, ""},
        {{"version", "--j"}, "--json\tWrite JSON, for programs.\n"},
    };
    rig_serve(replies);
    check(cases, sizeof cases / sizeof cases[0]);
    rig_stop();
}

static void test_without_a_server(void **state)
{
    static const struct rig_reply nothing[] = {{"GET ", RIG_DROP, "", 0}, {0}};
    static const struct expected cases[] = {
        {{"generate", "local/sp"}, "local/speech\ttext-to-speech\n"},
        {{"generate", "no/such", "--see"}, ""},
        {{"show", ""}, ""},
    };
    rig_serve(nothing);
    const char *const words[] = {"reel", "complete", "generate", "local/still", "--see", NULL};
    assert_non_null(strstr(rig_run(words)->out, "--seed\t"));
    check(cases, sizeof cases / sizeof cases[0]);
    rig_stop();
}

static void test_scripts(void **state)
{
    static const struct rig_reply nothing[] = {{0}};
    rig_serve(nothing);
    assert_non_null(strstr(RIG("completion", "bash")->out, "complete -F _reel reel\n"));
    assert_non_null(strstr(RIG("completion", "zsh")->out, "#compdef reel\n"));
    assert_non_null(strstr(RIG("completion", "fish")->out, "complete -c reel -f "));
    const struct rig_run *run = RIG("completion", "tcsh");
    assert_int_equal(run->status, COMMAND_USAGE);
    assert_non_null(strstr(run->error, "there are bash, zsh and fish"));
    /* What is for scripts is not shown to people. */
    assert_null(strstr(RIG("help")->out, "complete "));
    assert_int_equal(RIG("help", "complete")->status, COMMAND_USAGE);
    rig_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_a_server),
        cmocka_unit_test(test_without_a_server),
        cmocka_unit_test(test_scripts),
    };
    (void)unsetenv("REEL_HOME");
    (void)unsetenv("REEL_CATALOG_FOLDER");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
