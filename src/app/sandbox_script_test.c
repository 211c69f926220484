/* Scripts: what they may say, and what follows from it. */
#include "app/sandbox_script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 600 };

static char folder[] = "/tmp/reel-script-XXXXXX", script_path[PATH_SIZE];

static void write_file(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.size, file), bytes.size);
    assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
    char path[PATH_SIZE];
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(script_path, sizeof script_path, "%s/script.json", folder);
    (void)snprintf(path, sizeof path, "%s/still.png", folder);
    write_file(path, SPAN("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0"));
    (void)snprintf(path, sizeof path, "%s/page.html", folder);
    write_file(path, SPAN("<html>no</html>"));
    return 0;
}

static int end(void **state)
{
    static const char *const names[] = {"script.json", "still.png", "page.html"};
    char path[PATH_SIZE];
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[n]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

/* ' stands for ". */
static struct sandbox_script *make(const char *text, char fault[static SANDBOX_FAULT_SIZE])
{
    char quoted[2000];
    size_t size = strlen(text);
    assert_true(size < sizeof quoted);
    for (size_t n = 0; n <= size; n++)
        quoted[n] = (char)(text[n] == '\'' ? '"' : text[n]);
    write_file(script_path, span_of(quoted));
    return sandbox_script_make(script_path, fault);
}

static struct sandbox_script *make_good(const char *text)
{
    char fault[SANDBOX_FAULT_SIZE];
    struct sandbox_script *script = make(text, fault);
    if (!script)
        fail_msg("%s", fault);
    return script;
}

static struct sandbox_plan plan(struct sandbox_script *script, enum sandbox_call call,
                                const char *provider, const char *model)
{
    struct sandbox_plan wanted;
    sandbox_script_plan(script, call, span_of(provider), span_of(model), &wanted);
    return wanted;
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"[", "is not JSON"},
        {"[]", "is no object with a list of rules"},
        {"{'rules':[],'seeds':1}", "seeds is no key; allowed: seed, rules, note"},
        {"{'rules':[],'seed':-1}", "seed is something else; allowed: an integer from 0 on"},
        {"{'rules':[1]}", "rules[0] is no object"},
        {"{'rules':[{}]}", "rules[0].fault is missing; allowed: delay, status, lost_before, "},
        {"{'rules':[{'fault':'lost'}]}", "rules[0].fault is \"lost\"; allowed: delay"},
        {"{'rules':[{'fault':'dropped'},{'fault':'forged','ms':3}]}",
         "rules[1].ms is no key of the fault forged; allowed: match, chance"},
        {"{'rules':[{'fault':'delay'}]}",
         "rules[0].ms is missing; allowed: an integer from 1 to 600000"},
        {"{'rules':[{'fault':'delay','ms':600001}]}", "rules[0].ms is 600001"},
        {"{'rules':[{'fault':'status'}]}",
         "rules[0].status is missing; allowed: 429, 500, 502, 503, 504"},
        {"{'rules':[{'fault':'status','status':404}]}", "rules[0].status is 404"},
        {"{'rules':[{'fault':'status','status':429,'retryAfter':'1'}]}",
         "rules[0].retryAfter is \"1\"; allowed: an integer from 1 to 86400"},
        {"{'rules':[{'fault':'dropped','match':'fal'}]}", "rules[0].match is \"fal\""},
        {"{'rules':[{'fault':'dropped','match':{'calls':'create'}}]}",
         "rules[0].match.calls is no key; allowed: provider, model, call"},
        {"{'rules':[{'fault':'dropped','match':{'call':'create'}}]}",
         "rules[0].match.call is \"create\"; allowed: callback (what the fault dropped"},
        {"{'rules':[{'fault':'dropped','match':{'model':7}}]}", "rules[0].match.model is 7"},
        {"{'rules':[{'fault':'dropped','chance':2}]}",
         "rules[0].chance is 2; allowed: a number from 0 to 1"},
        {"{'rules':[{'fault':'dropped','every':0}]}", "rules[0].every is 0; allowed: an integer"},
        {"{'rules':[{'fault':'dropped','every':2,'first':2}]}",
         "rules[0] has more than one of chance, every and first"},
        {"{'rules':[{'fault':'fail','text':''}]}", "rules[0].text is \"\""},
        {"{'rules':[{'fault':'canned'}]}", "rules[0].file is missing"},
        {"{'rules':[{'fault':'canned','file':'nowhere.mp4'}]}",
         "rules[0].file is \"nowhere.mp4\"; allowed: a plain file"},
        {"{'rules':[{'fault':'canned','file':'page.html'}]}",
         "rules[0].file is \"page.html\"; allowed: a picture, a sound or a film"},
    };
    (void)state;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        char fault[SANDBOX_FAULT_SIZE] = "";
        struct sandbox_script *script = make(rows[n].text, fault);
        if (script || !strstr(fault, rows[n].expected) || !strstr(fault, "script.json: "))
            fail_msg("%s: \"%s\"", rows[n].text, fault);
    }
    char fault[SANDBOX_FAULT_SIZE] = "";
    assert_null(sandbox_script_make("/tmp/reel-nowhere.json", fault));
    assert_non_null(strstr(fault, "can't be read: No such file"));
}

static void nothing_goes_wrong_without_one(void **state)
{
    char fault[SANDBOX_FAULT_SIZE] = "";
    struct sandbox_script *script = sandbox_script_make(NULL, fault);
    (void)state;
    assert_non_null(script);
    assert_int_equal(plan(script, SANDBOX_CREATE, "fal", "m").faults, 0);
    assert_false(sandbox_script_knows(script, SANDBOX_CREATE));
    sandbox_script_free(script);
}

static void rules_match(void **state)
{
    struct sandbox_script *script = make_good(
        "{'rules':[{'match':{'provider':'fal','model':'veo3*','call':'status'},'fault':'status',"
        "'status':429,'retryAfter':7}]}");
    (void)state;
    assert_int_equal(plan(script, SANDBOX_STATUS, "runpod", "veo3").faults, 0);
    assert_int_equal(plan(script, SANDBOX_STATUS, "fal", "sora").faults, 0);
    assert_int_equal(plan(script, SANDBOX_CREATE, "fal", "veo3").faults, 0);
    struct sandbox_plan wanted = plan(script, SANDBOX_STATUS, "fal", "veo3.1/fast");
    assert_true(sandbox_plan_has(&wanted, SANDBOX_FAULT_STATUS));
    assert_int_equal(wanted.status, 429);
    assert_int_equal(wanted.retry_after, 7);
    assert_true(sandbox_script_knows(script, SANDBOX_STATUS));
    assert_false(sandbox_script_knows(script, SANDBOX_FILE));
    sandbox_script_free(script);
}

static unsigned count(struct sandbox_script *script, unsigned times, char *pattern)
{
    unsigned found = 0;
    for (unsigned n = 0; n < times; n++) {
        bool hit = plan(script, SANDBOX_CREATE, "fal", "m").faults != 0;
        found += hit;
        if (pattern)
            pattern[n] = (char)(hit ? 'x' : '.');
    }
    return found;
}

static void how_often(void **state)
{
    char first[101] = "", again[101] = "";
    (void)state;
    struct sandbox_script *script = make_good("{'rules':[{'every':3,'fault':'lost_after'}]}");
    assert_int_equal(count(script, 9, first), 3);
    assert_memory_equal(first, "..x..x..x", 9);
    sandbox_script_free(script);
    script = make_good("{'rules':[{'first':2,'fault':'lost_after'}]}");
    assert_int_equal(count(script, 5, first), 2);
    assert_memory_equal(first, "xx...", 5);
    sandbox_script_free(script);
    static const char chance[] = "{'seed':3,'rules':[{'chance':0.2,'fault':'lost_after'}]}";
    script = make_good(chance);
    (void)count(script, 100, first);
    assert_in_range(count(script, 10000, NULL), 1800, 2200);
    sandbox_script_free(script);
    script = make_good(chance); /* the same seed, the same calls */
    (void)count(script, 100, again);
    assert_string_equal(first, again);
    sandbox_script_free(script);
    script = make_good("{'rules':[{'chance':0.2,'seed':9,'fault':'lost_after'}]}");
    (void)count(script, 100, again);
    assert_string_not_equal(first, again);
    sandbox_script_free(script);
}

static void faults_go_together(void **state)
{
    struct sandbox_script *script =
        make_good("{'rules':[{'fault':'delay','ms':5},{'fault':'delay','ms':6},"
                  "{'fault':'canned','file':'still.png','ms':40},"
                  "{'fault':'fail','ms':9,'text':'No.'},"
                  "{'fault':'lost_after'},{'fault':'status','status':500},"
                  "{'fault':'late','ms':8},{'fault':'duplicate'}]}");
    (void)state;
    struct sandbox_plan wanted = plan(script, SANDBOX_CREATE, "fal", "m");
    assert_int_equal(wanted.delay, 11);
    assert_true(sandbox_plan_has(&wanted, SANDBOX_FAULT_CANNED));
    assert_false(sandbox_plan_has(&wanted, SANDBOX_FAULT_FAIL));
    assert_true(sandbox_plan_has(&wanted, SANDBOX_FAULT_LOST_AFTER));
    assert_false(sandbox_plan_has(&wanted, SANDBOX_FAULT_STATUS));
    assert_false(sandbox_plan_has(&wanted, SANDBOX_FAULT_LATE));
    assert_int_equal(wanted.end_after, 40);
    assert_string_equal(wanted.type, "image/png");
    assert_true(span_ends(span_of(wanted.file), "/still.png"));
    wanted = plan(script, SANDBOX_CALLBACK, "fal", "m");
    assert_true(sandbox_plan_has(&wanted, SANDBOX_FAULT_LATE) &&
                sandbox_plan_has(&wanted, SANDBOX_FAULT_DUPLICATE));
    assert_int_equal(wanted.late, 8);
    assert_int_equal(wanted.delay, 0);
    sandbox_script_free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(nothing_goes_wrong_without_one),
        cmocka_unit_test(rules_match),
        cmocka_unit_test(how_often),
        cmocka_unit_test(faults_go_together),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
