#include "app/command.h"

#include "app/command_test_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ID  "gen_01m7ydch57000bs84t645vp8sw"
#define ID2 "gen_01m7ydd8wj0005bw46h0g8sh8m"
#define MODEL                                                                                      \
    "{\"id\":\"local/clip\",\"summary\":\"A clip.\",\"task\":\"text-to-video\",\"price\":"         \
    "{\"min\":0,\"max\":0,\"currency\":\"USD\"},\"providers\":[\"local\"],\"configured\":true,"    \
    "\"estimatedTimeSeconds\":3,\"parameters\":{\"properties\":{\"prompt\":{\"type\":\"string\"}," \
    "\"duration\":{\"type\":\"number\",\"minimum\":1,\"maximum\":60,\"default\":5},"               \
    "\"imageUrl\":{\"type\":\"string\",\"format\":\"uri\"}},\"required\":[\"prompt\"]},"           \
    "\"offers\":[{\"provider\":\"local\",\"slug\":\"clip\",\"configured\":true,\"needs\":[]}]}"
#define ACCEPTED                                                                                   \
    "{\"success\":true,\"jobId\":\"" ID "\",\"status\":\"queued\","                                \
    "\"estimatedTimeSeconds\":3}"
#define STATUS(word, more)                                                                         \
    "{\"jobId\":\"" ID "\",\"model\":\"local/clip\",\"status\":\"" word "\"" more "}"
#define DONE                                                                                       \
    STATUS("completed", ",\"result\":{\"url\":\"/outputs/x/output.mp4?signature=1\",\"outputs\":[" \
                        "{\"url\":\"/outputs/x/output.mp4?signature=1\",\"fileSizeBytes\":5,"      \
                        "\"contentType\":\"video/mp4\",\"sha256\":\"" SHA "\"}]},"                 \
                        "\"processingTimeMs\":1234")
#define SHA "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" /* of "hello" */

static char folder[] = "/tmp/reel-command-XXXXXX";

/* ---------------------------------------------------------------- saying what there is */

static const struct rig_reply nothing[] = {{0}};

static void test_usage(void **state)
{
    static const struct {
        const char *words[5];
        const char *error;
    } cases[] = {
        {{"reel", "genrate"}, "There is no command genrate. Did you mean generate?"},
        {{"reel", "\033[2J"}, "There is no command  [2J."},
        {{"reel"}, "Usage: reel COMMAND"},
        {{"reel", "jobs", "--limt", "5"}, "There is no option --limt. Did you mean --limit?"},
        {{"reel", "jobs", "--limit", "0"}, "--limit is \"0\"; allowed: 1 to 10000"},
        {{"reel", "jobs", "more"}, "\"more\" is too much."},
        {{"reel", "show"}, "Something is missing: reel show ID"},
        {{"reel", "show", "17"}, "\"17\" is no job's id"},
        {{"reel", "watch", ID, "17"}, "\"17\" is no job's id"},
        {{"reel", "cancel", ID, "17"}, "\"17\" is no job's id"},
        {{"reel", "keys"}, "Something is missing: reel keys"},
        {{"reel", "keys", "drop"}, "\"drop\" is none of create, list and revoke."},
        {{"reel", "keys", "list", "17"}, "\"17\" is too much."},
        {{"reel", "keys", "revoke"}, "Something is missing: reel keys revoke ID"},
        {{"reel", "keys", "revoke", ID}, "is no key's id"},
        {{"reel", "keys", "create", "--rate", "-1"}, "--rate is \"-1\"; allowed: 0 to 1000000"},
        {{"reel", "keys", "create", "--expires", "soon"}, "--expires is \"soon\""},
        {{"reel", "generate"}, "The model comes first"},
        {{"reel", "generate", "--wait"}, "The model comes first"},
        {{"reel", "config", "doc"}, "there are show, check and docs"},
        {{"reel", "help", "job"}, "Did you mean jobs?"},
        {{"reel", "jobs", "--server", "ftp://x"}, "\"ftp://x\" is no server"},
        {{"reel", "jobs", "--token-file", "/nowhere"}, "/nowhere can't be read"},
        {{"reel", "serve", "--set", "listen"}, "\"listen\" is not of the form KEY=VALUE"},
        {{"reel", "serve", "--listen", "x"}, "--listen: listen is \"x\""},
        {{"reel", "serve", "--no-auth", "--listen=0.0.0.0:1"}, "--no-auth is only possible"},
        {{"reel", "serve", "--sandbox-script", "x"}, "makes sense with --sandbox only"},
        {{"reel", "sandbox", "--listen=0.0.0.0:1"}, "listen is \"0.0.0.0:1\"; a sandbox takes"},
        {{"reel", "sandbox", "--listen", "x"}, "--listen: listen is \"x\""},
    };
    rig_serve(nothing);
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        const struct rig_run *run = rig_run(cases[n].words);
        if (!strstr(run->error, cases[n].error))
            print_message("%s", run->error);
        assert_non_null(strstr(run->error, cases[n].error));
        assert_int_equal(run->status, COMMAND_USAGE);
        assert_string_equal(run->out, "");
    }
    assert_int_equal(rig_request_count(), 0);
    rig_stop();
}

static void test_help(void **state)
{
    rig_serve(nothing);
    assert_non_null(strstr(RIG("--help")->out, "generate    Make a video"));
    assert_non_null(strstr(RIG("help", "jobs")->out, "--limit N"));
    assert_non_null(strstr(RIG("help", "sandbox")->out, "--script FILE"));
    assert_non_null(strstr(RIG("help", "serve")->out, "--sandbox-script FILE"));
    assert_non_null(strstr(RIG("jobs", "-h")->out, "--token-file FILE"));
    assert_non_null(strstr(RIG("generate", "--help")->out, "--output FILE|DIR"));
    assert_non_null(strstr(RIG("config", "docs")->out, "### `limits.inFlight`"));
    assert_string_equal(RIG("version")->out, "reel " REEL_VERSION "\n");
    assert_string_equal(RIG("--version", "--json")->out, "{\"version\":\"" REEL_VERSION "\"}\n");
    rig_stop();
}

/* ---------------------------------------------------------------- whom it asks, and as whom */

static void test_unreachable(void **state)
{
    rig_serve(nothing);
    const struct rig_run *run = RIG("jobs", "--server", "http://127.0.0.1:1");
    assert_int_equal(run->status, COMMAND_UNREACHABLE);
    assert_non_null(strstr(run->error, "No answer from http://127.0.0.1:1: "));
    assert_non_null(strstr(run->error, "`reel serve` starts one"));
    rig_stop();
    static const struct rig_reply stranger[] = {{"GET ", 502, "<html>Bad gateway</html>", 0}, {0}};
    rig_serve(stranger);
    run = RIG("jobs");
    assert_int_equal(run->status, COMMAND_UNREACHABLE);
    assert_non_null(strstr(run->error, "answered with HTTP status 502, and not as reel does"));
    rig_stop();
}

static void test_key(void **state)
{
    static const struct rig_reply refusal[] = {
        {"GET ", 401,
         "{\"success\":false,\"error\":\"The key is not valid.\",\"errorCode\":"
         "\"not_authorized\"}",
         0},
        {0}};
    char path[100];
    rig_serve(refusal);
    const struct rig_run *run = RIG("jobs");
    assert_int_equal(run->status, COMMAND_FAILED);
    assert_non_null(strstr(run->error, "The key is not valid.\n"));
    assert_non_null(strstr(rig_requests(), "Authorization: Bearer test-key\r\n"));
    (void)snprintf(path, sizeof path, "%s/key", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("key-of-a-file\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    (void)RIG("jobs", "--token-file", path);
    assert_non_null(strstr(rig_requests(), "Authorization: Bearer key-of-a-file\r\n"));
    (void)unlink(path);
    rig_stop();
}

/* ---------------------------------------------------------------- reading */

static void test_jobs(void **state)
{
    static const struct rig_reply replies[] = {
        {"GET /api/v1/jobs?limit=2&status=failed,queued&model=local%2Fclip&metadata.a=b%26c", 200,
         "{\"items\":[{\"jobId\":\"" ID "\",\"status\":\"failed\",\"model\":\"local/clip\","
         "\"error\":\"Bad \\u001b[2Jluck.\",\"errorCode\":\"timeout\","
         "\"createdAt\":\"2026-01-01T00:00:00.000Z\"}],\"nextCursor\":\"cur_1\"}",
         1},
        {"GET /api/v1/jobs?limit=1&status=failed,queued&model=local%2Fclip&cursor=cur_1", 200,
         "{\"items\":[{\"jobId\":\"" ID2 "\",\"status\":\"queued\",\"model\":\"local/clip\"}],"
         "\"nextCursor\":\"cur_2\"}",
         0},
        {0}};
    rig_serve(replies);
    const struct rig_run *run =
        RIG("jobs", "--status", "failed,queued", "-m", "local/clip", "-n2", "--metadata=a=b&c");
    assert_int_equal(run->status, COMMAND_SUCCEEDED);
    assert_non_null(strstr(run->out, ID "  failed  local/clip"));
    assert_non_null(strstr(run->out, "Bad  [2Jluck. (timeout)"));
    assert_non_null(strstr(run->out, ID2 "  queued  local/clip"));
    assert_non_null(strstr(run->error, "There are more"));
    rig_stop();
    static const struct rig_reply none[] = {
        {"GET /api/v1/jobs?limit=20", 200, "{\"items\":[],\"nextCursor\":null}", 0}, {0}};
    rig_serve(none);
    assert_string_equal(RIG("jobs")->error, "No jobs.\n");
    assert_string_equal(RIG("jobs", "--json")->out, "{\"items\":[]}\n");
    rig_stop();
}

static void test_show(void **state)
{
    static const struct rig_reply replies[] = {
        {"GET /api/v1/generate/" ID, 200, DONE, 0},
        {"GET /api/v1/jobs/" ID "/timeline", 200,
         "{\"items\":[{\"at\":\"2026-01-01T00:00:00.000Z\",\"to\":\"queued\"},{\"at\":"
         "\"2026-01-01T00:00:02.500Z\",\"from\":\"queued\",\"to\":\"running\",\"attempt\":2,"
         "\"note\":\"Again.\"}]}",
         0},
        {0}};
    rig_serve(replies);
    const struct rig_run *run = RIG("show", ID);
    assert_int_equal(run->status, COMMAND_SUCCEEDED);
    assert_non_null(strstr(run->out, "status      completed\n"));
    assert_non_null(strstr(run->out, "took        1.2 s\n"));
    assert_non_null(strstr(run->out, "output      video/mp4, 5 B\n"));
    assert_non_null(strstr(run->out, "2026-01-01 00:00:02  2.5 s  running  attempt 2: Again.\n"));
    assert_non_null(strstr(RIG("show", "--json", ID)->out, "\"timeline\":[{\"at\":"));
    run = RIG("show", ID2);
    assert_int_equal(run->status, COMMAND_FAILED);
    assert_string_equal(run->error, "reel: There is no such thing.\n");
    rig_stop();
}

static void test_show_late(void **state)
{
    static const struct rig_reply replies[] = {
        {"GET /api/v1/generate/" ID, 200,
         STATUS("failed", ",\"error\":\"It was not found out.\",\"errorCode\":"
                          "\"submission_uncertain\",\"lateOutputs\":[{\"url\":\"/outputs/x/o.mp4\","
                          "\"fileSizeBytes\":5,\"contentType\":\"video/mp4\"}]"),
         0},
        {"GET /api/v1/jobs/" ID "/timeline", 200, "{\"items\":[]}", 0},
        {0}};
    rig_serve(replies);
    assert_non_null(strstr(RIG("show", ID)->out, "late output video/mp4, 5 B\n"));
    rig_stop();
}

static void test_models(void **state)
{
    static const struct rig_reply replies[] = {
        {"GET /api/v1/models/local/clip ", 200, MODEL, 0},
        {"GET /api/v1/models ", 200, "{\"items\":[" MODEL "]}", 0},
        {0}};
    rig_serve(replies);
    assert_non_null(
        strstr(RIG("models")->out, "local/clip  text-to-video  local      ready   free"));
    const struct rig_run *run = RIG("models", "local/clip");
    assert_non_null(strstr(run->out, "--duration N                (number 1 to 60; default 5)"));
    run = RIG("generate", "local/clip", "--help");
    assert_int_equal(run->status, COMMAND_SUCCEEDED);
    assert_non_null(strstr(run->out, "Usage: reel generate local/clip"));
    run = RIG("generate", "local/clop", "--prompt", "x");
    assert_int_equal(run->status, COMMAND_USAGE);
    assert_non_null(strstr(run->error, "Did you mean local/clip?"));
    rig_stop();
}

/* ---------------------------------------------------------------- making */

static const struct rig_reply accepting[] = {{"GET /api/v1/models/local/clip ", 200, MODEL, 0},
                                             {"POST /api/v1/generate ", 202, ACCEPTED, 0},
                                             {0}};

static void test_generate(void **state)
{
    rig_serve(accepting);
    const struct rig_run *run =
        RIG("generate", "local/clip", "--prompt", "Hi", "--duration=4", "-p", "imageUrl=" ID,
            "--priority", "high", "--deadline", "600", "--metadata", "a=1", "--depends-on", ID2,
            "--count", "1", "--no-fallback", "--idempotency-key", "my-key");
    assert_int_equal(run->status, COMMAND_SUCCEEDED);
    assert_string_equal(run->out, ID "\n");
    assert_non_null(strstr(run->error, "`reel watch " ID "` follows it"));
    assert_non_null(strstr(rig_requests(), "Idempotency-Key: my-key\r\n"));
    assert_non_null(strstr(rig_requests(), "{\"count\":1,\"deadline\":600,\"dependsOn\":[\"" ID2
                                           "\"],\"duration\":4,\"fallback\":"
                                           "false,\"imageUrl\":\"reel://" ID
                                           "\",\"metadata\":{\"a\":\"1\"},\"model\":\"local/clip\","
                                           "\"priority\":\"high\",\"prompt\":\"Hi\"}"));
    assert_string_equal(RIG("generate", "local/clip", "--prompt", "Hi", "--json")->out,
                        ACCEPTED "\n");
    rig_stop();
}

static void test_generate_faults(void **state)
{
    static const struct {
        const char *words[7];
        const char *error;
    } cases[] = {
        {{"reel", "generate", "local/clip", "--promt", "x"}, "Did you mean --prompt?"},
        {{"reel", "generate", "local/clip", "--duration", "long"}, "allowed: number 1 to 60"},
        {{"reel", "generate", "local/clip", "-p", "prompt"}, "is not of the form NAME=VALUE"},
        {{"reel", "generate", "local/clip", "-p", "prmpt=1"}, "Did you mean prompt?"},
        {{"reel", "generate", "local/clip", "word"}, "\"word\" is too much."},
        {{"reel", "generate", "local/clip", "--prompt", "\xFF"}, "no text in UTF-8"},
        {{"reel", "generate", "local/clip", "--idempotency-key", "a b"}, "odd characters"},
        {{"reel", "generate", "local/clip", "--image-url", "/nowhere"}, "neither a URL"},
    };
    rig_serve(accepting);
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        const struct rig_run *run = rig_run(cases[n].words);
        if (!strstr(run->error, cases[n].error))
            print_message("%s", run->error);
        assert_non_null(strstr(run->error, cases[n].error));
        assert_int_equal(run->status, COMMAND_USAGE);
    }
    assert_null(strstr(rig_requests(), "POST "));
    rig_stop();
}

static void test_refusal(void **state)
{
    static const struct rig_reply replies[] = {
        {"GET /api/v1/models/local/clip ", 200, MODEL, 0},
        {"POST ", 400,
         "{\"success\":false,\"error\":\"Two faults.\",\"errorCode\":\"validation\",\"details\":["
         "{\"field\":\"duration\",\"problem\":\"is 99\",\"allowed\":\"1 to 60\"},"
         "{\"field\":\"prompt\",\"problem\":\"is missing\"}]}",
         0},
        {0}};
    rig_serve(replies);
    const struct rig_run *run = RIG("generate", "local/clip", "--duration", "99");
    assert_int_equal(run->status, COMMAND_USAGE);
    assert_string_equal(run->error, "reel: Two faults.\n  duration is 99; allowed: 1 to 60\n"
                                    "  prompt is missing\n");
    run = RIG("generate", "local/clip", "--duration", "99", "--json");
    assert_int_equal(run->status, COMMAND_USAGE);
    assert_non_null(strstr(run->out, "\"errorCode\":\"validation\""));
    rig_stop();
}

/* An answer that was lost is asked for again, under the same key. */
static void test_lost_answer(void **state)
{
    static const struct rig_reply replies[] = {{"GET /api/v1/models/local/clip ", 200, MODEL, 0},
                                               {"POST ", RIG_DROP, "", 1},
                                               {"POST ", 202, ACCEPTED, 0},
                                               {0}};
    rig_serve(replies);
    const struct rig_run *run = RIG("generate", "local/clip", "--prompt", "x");
    assert_int_equal(run->status, COMMAND_SUCCEEDED);
    const char *first = strstr(rig_requests(), "Idempotency-Key: cli-");
    assert_non_null(first);
    const char *second = strstr(first + 1, "Idempotency-Key: cli-");
    assert_non_null(second);
    assert_memory_equal(first, second, strlen("Idempotency-Key: cli-") + 32);
    rig_stop();
    static const struct rig_reply never[] = {
        {"GET /api/v1/models/local/clip ", 200, MODEL, 0}, {"POST ", RIG_DROP, "", 0}, {0}};
    rig_serve(never);
    run = RIG("generate", "local/clip", "--prompt", "x");
    assert_int_equal(run->status, COMMAND_UNREACHABLE);
    assert_non_null(strstr(run->error, "Whether the job was accepted is not known."));
    assert_non_null(strstr(run->error, "--idempotency-key cli-"));
    assert_int_equal(rig_request_count(), 4);
    rig_stop();
}

static void test_dry_run(void **state)
{
    static const struct rig_reply replies[] = {
        {"GET /api/v1/models/local/clip ", 200, MODEL, 0},
        {"POST ", 200,
         "{\"valid\":true,\"configured\":false,\"route\":[\"x\"],\"price\":{\"min\":0.5,\"max\":"
         "1.25,\"currency\":\"USD\"},\"estimatedTimeSeconds\":40}",
         0},
        {0}};
    rig_serve(replies);
    assert_string_equal(RIG("generate", "local/clip", "--prompt", "x", "--dry-run")->out,
                        "Valid. No provider of it is configured. 0.5 to 1.25 USD; about 40 s.\n");
    assert_non_null(strstr(rig_requests(), "\"dryRun\":true"));
    assert_null(strstr(rig_requests(), "Idempotency-Key"));
    rig_stop();
}

/* ---------------------------------------------------------------- following */

static void test_ends(void **state)
{
    static const struct {
        const char *status, *out, *error;
        int exit;
    } cases[] = {
        {DONE, "/outputs/x/output.mp4?signature=1\n", "100 %  done", COMMAND_SUCCEEDED},
        {STATUS("failed", ",\"error\":\"Too slow.\",\"errorCode\":\"timeout\""), "",
         "reel: " ID ": Too slow. (timeout)\n", COMMAND_FAILED},
        {STATUS("failed", ",\"error\":\"Late.\",\"errorCode\":\"expired\""), "",
         "Late. (expired)\n", COMMAND_EXPIRED},
        {STATUS("failed", ",\"error\":\"?\",\"errorCode\":\"submission_uncertain\""), "",
         "submission_uncertain", COMMAND_UNCERTAIN},
        {STATUS("canceled", ",\"receipt\":\"stopped\""), "", "canceled (stopped)",
         COMMAND_CANCELED},
    };
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        const struct rig_reply replies[] = {
            {"GET /api/v1/models/local/clip ", 200, MODEL, 0},
            {"POST /api/v1/generate ", 202, ACCEPTED, 0},
            {"GET /api/v1/generate/" ID, RIG_DROP, "", 1},
            {"GET /api/v1/generate/" ID, 200,
             STATUS("processing", ",\"progress\":40,\"stage\":\"Rendering\",\"etaSeconds\":2"), 1},
            {"GET /api/v1/generate/" ID, 503, "down", 1},
            {"GET /api/v1/generate/" ID, 200, cases[n].status, 0},
            {0}};
        rig_serve(replies);
        const struct rig_run *run = RIG("generate", "local/clip", "--prompt", "x", "--wait");
        assert_int_equal(run->status, cases[n].exit);
        assert_non_null(strstr(run->error, ID "  40 %  Rendering, 2 s left\n"));
        assert_non_null(strstr(run->error, "Trying again."));
        assert_non_null(strstr(run->error, cases[n].error));
        assert_int_equal(span_ends(span_of(run->out), cases[n].out), 1);
        run = RIG("watch", ID, "--json");
        assert_int_equal(run->status, cases[n].exit);
        assert_memory_equal(run->out, cases[n].status, strlen(cases[n].status));
        rig_stop();
    }
}

static void test_interrupt(void **state)
{
    static const struct rig_reply replies[] = {
        {"GET /api/v1/generate/", 200, STATUS("processing", ",\"progress\":1"), 0}, {0}};
    rig_serve(replies);
    const struct rig_run *run =
        rig_interrupt((const char *const[]){"reel", "watch", ID, ID2, NULL}, 5);
    assert_int_equal(run->status, COMMAND_INTERRUPTED);
    assert_non_null(
        strstr(run->error, "the jobs go on. Come back with:\n  reel watch " ID " " ID2));
    rig_stop();
}

static void test_unknown_job(void **state)
{
    rig_serve(nothing);
    const struct rig_run *run = RIG("watch", ID);
    assert_int_equal(run->status, COMMAND_FAILED);
    assert_string_equal(run->error, "reel: There is no such thing.\n");
    rig_stop();
}

/* ---------------------------------------------------------------- fetching */

static bool file_is(const char *path, const char *content)
{
    char text[64];
    FILE *file = fopen(path, "r");
    if (!file)
        return content == NULL;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    (void)fclose(file);
    return content && strcmp(text, content) == 0;
}

static const struct rig_run *fetch(const char *content, int status, const char *output)
{
    const struct rig_reply replies[] = {
        {"GET /api/v1/models/local/clip ", 200, MODEL, 0},
        {"POST /api/v1/generate ", 202, ACCEPTED, 0},
        {"GET /api/v1/generate/" ID, 200, DONE, 0},
        {"GET /outputs/x/output.mp4?signature=1 ", status, content, 0},
        {0}};
    rig_serve(replies);
    const struct rig_run *run = RIG("generate", "local/clip", "--prompt", "x", "-q", "-o", output);
    rig_stop();
    return run;
}

static void test_output(void **state)
{
    char path[200], named[300], expected[300];
    (void)snprintf(path, sizeof path, "%s/clip.mp4", folder);
    (void)snprintf(named, sizeof named, "%s/%s-output.mp4", folder, ID);
    (void)snprintf(expected, sizeof expected, "%s\n", path);
    const struct rig_run *run = fetch("hello", 200, path);
    assert_int_equal(run->status, COMMAND_SUCCEEDED);
    assert_string_equal(run->out, expected);
    assert_string_equal(run->error, "");
    assert_true(file_is(path, "hello"));
    /* What is wrong does not take the place of what is there. */
    run = fetch("hullo", 200, path);
    assert_int_equal(run->status, COMMAND_FAILED);
    assert_non_null(strstr(run->error, "The file's SHA-256 is "));
    run = fetch("hell", 200, path);
    assert_int_equal(run->status, COMMAND_FAILED);
    assert_non_null(strstr(run->error, "4 bytes came instead of 5."));
    run = fetch("hello", 403, path);
    assert_int_equal(run->status, COMMAND_FAILED);
    assert_non_null(strstr(run->error, "HTTP status 403"));
    assert_true(file_is(path, "hello"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fetch("hello", 200, folder)->status, COMMAND_SUCCEEDED);
    assert_true(file_is(named, "hello"));
    assert_int_equal(unlink(named), 0);
    /* This is said before anything is asked for. */
    run = fetch("hello", 200, "/nowhere/clip.mp4");
    assert_int_equal(run->status, COMMAND_USAGE);
    assert_non_null(strstr(run->error, "Nothing can be written into /nowhere: No such file"));
}

/* ---------------------------------------------------------------- ending */

static void test_cancel(void **state)
{
    static const struct rig_reply replies[] = {
        {"DELETE /api/v1/generate/" ID " ", 200,
         STATUS("canceled", ",\"receipt\":\"not_submitted\""), 0},
        {"POST /api/v1/generate/" ID "/retry ", 202, ACCEPTED, 0},
        {0}};
    rig_serve(replies);
    const struct rig_run *run = RIG("cancel", ID, ID2);
    assert_int_equal(run->status, COMMAND_FAILED);
    assert_string_equal(run->out, ID "  canceled before anything was sent; it costs nothing\n");
    assert_string_equal(run->error, "reel: There is no such thing.\n");
    assert_string_equal(RIG("retry", ID)->out, ID "\n");
    assert_string_equal(RIG("retry", ID, "--accept-double-charge")->out, ID "\n");
    assert_non_null(strstr(rig_requests(), "{\"acceptDoubleCharge\":true}"));
    rig_stop();
}

/* ---------------------------------------------------------------- the machine */

static void put(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_doctor(void **state)
{
    char program[200], setting[300], database[200];
    (void)snprintf(program, sizeof program, "%s/reel-media", folder);
    (void)snprintf(setting, sizeof setting, "local.program=%s", program);
    (void)snprintf(database, sizeof database, "%s/reel.db", folder);
    put(program,
        "#!/bin/sh\n"
        "echo '{\"version\":\"" REEL_VERSION "\",\"encoder\":{\"name\":"
        "\"libx264\",\"present\":true},\"cage\":[{\"layer\":"
        "\"seccomp\",\"present\":true,\"required\":true}],\"fonts\":[{\"script\":\"Latin\","
        "\"present\":true},{\"script\":\"Han\",\"present\":false,\"install\":\"a-font\"},"
        "{\"script\":\"Hangul\",\"present\":false,\"install\":\"a-font\"}]}'\n",
        0700);
    rig_serve(nothing);
    const char *const words[] = {"reel",        "doctor", "--home", folder, "--listen",
                                 "127.0.0.1:0", "--set",  setting,  NULL};
    const struct rig_run *run = rig_run(words);
    assert_int_equal(run->status, COMMAND_SUCCEEDED);
    assert_non_null(strstr(run->out, "ok    cage           seccomp\n"));
    assert_non_null(strstr(run->out, "ok    encoder        libx264\n"));
    assert_non_null(strstr(run->out, "warn  fonts          none for Han, Hangul\n"));
    assert_non_null(strstr(run->out, "→ apt-get install a-font\n"));
    assert_non_null(strstr(run->out, "warn  key            it has only 8 characters"));
    put(database, "This is no database, though it is long enough to be taken for one.", 0600);
    put(program,
        "#!/bin/sh\n"
        "echo '{\"version\":\"9\",\"cage\":[{\"layer\":\"seccomp\",\"present\":false,"
        "\"required\":true,\"note\":\"old kernel\"}],\"fonts\":[],\"encoder\":{\"name\":\"odd\","
        "\"preset\":\"swift\",\"present\":false,\"note\":\"not found\"}}'\n",
        0700);
    run = rig_run(words);
    assert_int_equal(run->status, COMMAND_FAILED);
    assert_non_null(strstr(run->out, "fail  cage           seccomp is missing: old kernel\n"));
    assert_non_null(strstr(run->out, "fail  encoder        odd, preset swift: not found\n"));
    assert_non_null(strstr(run->out, "fail  database "));
    put(program, "#!/bin/sh\necho nonsense\n", 0700);
    assert_non_null(strstr(rig_run(words)->out, "does not work: it said nothing that can be read"));
    assert_int_equal(unlink(program), 0);
    assert_int_equal(unlink(database), 0);
    run = RIG("doctor", "--json", "--home", "/proc/nowhere", "--set", setting);
    assert_int_equal(run->status, COMMAND_FAILED);
    assert_non_null(strstr(run->out, "\"ok\":false"));
    assert_non_null(strstr(run->out, "{\"check\":\"reel-media\",\"status\":\"fail\""));
    rig_stop();
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usage),       cmocka_unit_test(test_help),
        cmocka_unit_test(test_unreachable), cmocka_unit_test(test_key),
        cmocka_unit_test(test_jobs),        cmocka_unit_test(test_show),
        cmocka_unit_test(test_show_late),   cmocka_unit_test(test_models),
        cmocka_unit_test(test_generate),    cmocka_unit_test(test_generate_faults),
        cmocka_unit_test(test_refusal),     cmocka_unit_test(test_lost_answer),
        cmocka_unit_test(test_dry_run),     cmocka_unit_test(test_ends),
        cmocka_unit_test(test_interrupt),   cmocka_unit_test(test_unknown_job),
        cmocka_unit_test(test_output),      cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_doctor),
    };
    (void)unsetenv("REEL_TOKEN_FILE");
    (void)unsetenv("AUTH_TOKEN_FILE");
    (void)unsetenv("REEL_HOME");
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
