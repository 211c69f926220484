#include "app/config.h"

#include "app/config_docs.h"
#include "app/config_file.h"
#include "app/config_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/reel-config-XXXXXX";

struct loaded {
    struct config config;
    struct buffer faults;
    bool good;
};

static const char *write_file(const char *name, const char *text)
{
    static char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* Loads with REEL_HOME in the test's folder, up to four variables, and a file's text if any. */
static struct loaded load(const char *yaml, const char *const variables[4],
                          const struct config_setting *settings, unsigned setting_count)
{
    static char home[200];
    struct loaded loaded;
    const char *environment[7] = {"HOME=/home/someone", "PATH=/bin"};
    unsigned count = 2;
    (void)snprintf(home, sizeof home, "REEL_HOME=%s/home", folder);
    environment[count++] = home;
    for (unsigned n = 0; variables && n < 3 && variables[n]; n++)
        environment[count++] = variables[n];
    struct config_source source = {yaml ? write_file("reel.yaml", yaml) : NULL, environment,
                                   settings, setting_count};
    buffer_init(&loaded.faults, CONFIG_FAULTS_MAX);
    loaded.good = config_load(&source, &loaded.config, &loaded.faults);
    buffer_add_text(&loaded.faults, "");
    assert_int_equal(loaded.good, loaded.faults.size == 0);
    return loaded;
}

static void done(struct loaded *loaded)
{
    config_done(&loaded->config);
    buffer_done(&loaded->faults);
}

static void must_hold(struct loaded *loaded)
{
    if (!loaded->good)
        print_message("%s", loaded->faults.data);
    assert_true(loaded->good);
}

static void must_say(struct loaded *loaded, const char *part)
{
    assert_false(loaded->good);
    if (!strstr(loaded->faults.data, part))
        print_message("expected: %s\ngot: %s", part, loaded->faults.data);
    assert_non_null(strstr(loaded->faults.data, part));
}

static void test_defaults(void **state)
{
    struct loaded loaded = load(NULL, NULL, NULL, 0);
    must_hold(&loaded);
    const struct config *config = &loaded.config;
    assert_string_equal(config->listen.host, "127.0.0.1");
    assert_int_equal(config->listen.port, 8080);
    assert_true(config->listen.is_loopback);
    assert_null(config->public_url);
    assert_int_equal(config->auth_token.size, 0);
    assert_int_equal(config->limits.in_flight, 200);
    assert_int_equal(config->limits.queue, 5000000);
    assert_int_equal(config->attempt_timeout, 15 * MS_MINUTE);
    assert_int_equal(config->disk_reserve, 256 << 20);
    assert_int_equal(config->fetch.max_size, 100 << 20);
    assert_int_equal(config->output.link_ttl, MS_DAY);
    assert_true(config->output.is_signed);
    assert_true(config->local.workers >= 2);
    assert_true(strcmp(config->log.format, "auto") != 0);
    assert_string_equal(config->network.allow.text, "");
    assert_int_equal(config->network.allow.count, 0);
    assert_null(config->file);
    done(&loaded);
}

/* Each default is one that could be written, and prints as itself. */
static void test_table(void **state)
{
    struct loaded loaded = load(NULL, NULL, NULL, 0);
    must_hold(&loaded);
    for (size_t n = 0; n < config_table_size; n++) {
        const struct config_key *key = &config_table[n];
        struct buffer text;
        buffer_init(&text, 1000);
        config_value_write(&loaded.config, key, &text);
        if (key->fallback && text.size > 0 && key->type != CONFIG_BOOLEAN)
            assert_true(config_value_set(&loaded.config, key, buffer_span(&text), NULL));
        assert_true(key->sentence[strlen(key->sentence) - 1] == '.');
        for (size_t i = 0; i < n; i++) {
            assert_string_not_equal(key->name, config_table[i].name);
            assert_int_not_equal(key->offset, config_table[i].offset);
        }
        buffer_done(&text);
    }
    done(&loaded);
}

static void test_file(void **state)
{
    struct loaded loaded =
        load("# a comment\n"
             "listen: \"[::1]:0\"\n"
             "publicUrl: https://reel.example/gateway/\n"
             "authToken: from-the-file\n"
             "corsOrigins:\n"
             "  - https://app.example\n"
             "  - https://other.example:8443\n"
             "limits:\n"
             "  inFlight: 7\n"
             "  queue: 1000\n"
             "disk.reserve: 1 GiB\n"
             "network: {allow: [10.0.0.0/8, 'fd00::/8'], allowPorts: 8000-8099}\n"
             "output:\n"
             "  signed: no\n"
             "  linkTtl: 90m\n",
             NULL, NULL, 0);
    must_hold(&loaded);
    const struct config *config = &loaded.config;
    assert_string_equal(config->listen.host, "::1");
    assert_int_equal(config->listen.port, 0);
    assert_true(config->listen.is_loopback);
    assert_string_equal(config->public_url, "https://reel.example/gateway");
    assert_memory_equal(config->auth_token.bytes, "from-the-file", 13);
    assert_int_equal(config->cors_origins.count, 2);
    assert_string_equal(config->cors_origins.items[1], "https://other.example:8443");
    assert_int_equal(config->limits.in_flight, 7);
    assert_int_equal(config->disk_reserve, 1LL << 30);
    assert_string_equal(config->network.allow.text, "10.0.0.0/8, fd00::/8");
    assert_string_equal(config->network.allow_ports.text, "8000-8099");
    assert_false(config->output.is_signed);
    assert_int_equal(config->output.link_ttl, 90 * MS_MINUTE);
    assert_non_null(strstr(config->origins[config_find(SPAN("limits.inFlight")) - config_table],
                           "reel.yaml:9"));
    done(&loaded);
}

static void test_precedence(void **state)
{
    const char *variables[4] = {"REEL_LIMITS_IN_FLIGHT=8", "LISTEN=0.0.0.0:99", "AUTH_TOKEN="};
    const struct config_setting settings[] = {{"listen", "localhost:100"}};
    struct loaded loaded = load("limits: {inFlight: 7, queue: 5}\n"
                                "listen: 127.0.0.1:1\n"
                                "authToken: kept\n",
                                variables, settings, 1);
    must_hold(&loaded);
    assert_int_equal(loaded.config.limits.in_flight, 8);
    assert_int_equal(loaded.config.limits.queue, 5);
    assert_string_equal(loaded.config.listen.host, "127.0.0.1");
    assert_int_equal(loaded.config.listen.port, 100);
    /* An empty variable is none. */
    assert_int_equal(loaded.config.auth_token.size, 4);
    done(&loaded);
}

static void test_bad_values(void **state)
{
    static const struct {
        const char *yaml, *fault;
    } cases[] = {
        {"limits: {inFlight: many}", "reel.yaml:1: limits.inFlight is \"many\"; allowed: a whole "
                                     "number from 1 to 100000\n"},
        {"\n\nlimits:\n  inFlight: 0", "reel.yaml:4: limits.inFlight is \"0\""},
        {"limits.inFlight: 1.5", "limits.inFlight is \"1.5\""},
        {"limits.inFlight: [1]", "limits.inFlight takes one value, not a list"},
        {"limits.inFlight:", "limits.inFlight has no value"},
        {"limits: 5", "there is no key limits"},
        {"limits.inFligt: 5", "there is no key limits.inFligt; did you mean limits.inFlight?"},
        {"inFlight: 5", "did you mean limits.inFlight?"},
        {"qqqqqqqqqqqqqqqqq: 5", "there is no key qqqqqqqqqqqqqqqqq; `reel config`"},
        {"disk.reserve: 5 bananas", "a size from 0B to 1TiB"},
        {"disk.reserve: -1", "disk.reserve is \"-1\""},
        {"disk.reserve: 99999999999999999999", "disk.reserve is"},
        {"attempt.timeout: 10", "attempt.timeout is \"10\"; allowed: a duration from 10s to 30d, "
                                "as 500ms, 10s, 15m, 24h or 7d"},
        {"attempt.timeout: 5s", "attempt.timeout is \"5s\""},
        {"attempt.timeout: 5 fortnights", "attempt.timeout is"},
        {"output.signed: maybe", "output.signed is \"maybe\"; allowed: true or false"},
        {"listen: 8080", "listen is \"8080\"; allowed: ADDRESS:PORT"},
        {"listen: 127.0.0.1:65536", "listen is"},
        {"listen: ::1:8080", "listen is"},
        {"listen: '[127.0.0.1]:80'", "listen is"},
        {"listen: example.org:80", "listen is"},
        {"log.level: loud", "log.level is \"loud\"; allowed: debug, info, warn or error"},
        {"storage.mode: s3", "storage.mode is \"s3\"; allowed: local"},
        {"publicUrl: ftp://x", "publicUrl is \"ftp://x\""},
        {"publicUrl: https://x/?a=b", "publicUrl is"},
        {"corsOrigins: example.org", "corsOrigins holds \"example.org\""},
        {"corsOrigins: https://a/path", "corsOrigins holds"},
        {"network.allow: 10.0.0.0/99", "reel.yaml:1: network.allow: "},
        {"network.allowPorts: lots", "reel.yaml:1: network.allowPorts: "},
        {"webhooks.schedule: [0s, soon]",
         "reel.yaml:1: webhooks.schedule is \"0s, soon\"; allowed: "
         "1 to 20 durations of at most 7d"},
        {"webhooks.schedule: 8d", "webhooks.schedule is \"8d\""},
        {"webhooks.schedule: ''", "webhooks.schedule is \"\""},
        {"webhooks.schedule: '1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s'",
         "webhooks.schedule is"},
        {"webhooks.perReceiver: 9", "webhooks.perReceiver is \"9\""},
        {"alerts.url: ftp://example.org", "reel.yaml:1: alerts.url: "},
        {"budget.providers: [fal=10/week]", "reel.yaml:1: budget.providers holds \"fal=10/week\""},
        {"budget.providers: [fal=1/day, fal=2/month]", "budget.providers holds \"fal=2/month\""},
        {"price.assume: 0.0000001", "price.assume"},
        {"alerts.secret: secret", "alerts.secret has a value that can't be (not shown)"},
        {"server.trustedProxies: proxy", "server.trustedProxies holds \"proxy\""},
        {"a: [", "reel.yaml:2: not valid YAML"},
        {"- a\n- b", "the file must hold lines of the form"},
        {"just text", "the file must hold lines of the form"},
        {"limits.queue: 5\nlimits: {queue: 6}", "reel.yaml:2: limits.queue stands here twice"},
        {"limits.queue: &a 5", "anchors and tags are not used here"},
        {"limits.queue: !!int 5", "anchors and tags are not used here"},
        {"--- {}\n--- {}", "only one document is expected"},
        {"a: {b: {c: {d: {e: {f: {g: 1}}}}}}", "too many levels"},
        {"network.allow: [[1]]", "a list holds plain values only"},
        {"? [a]\n: b", "a key must be a plain word"},
        {"log.level: \"a\\0b\"", "log.level holds a NUL byte"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        struct loaded loaded = load(cases[n].yaml, NULL, NULL, 0);
        must_say(&loaded, cases[n].fault);
        done(&loaded);
    }
}

static void test_all_faults_at_once(void **state)
{
    const char *variables[4] = {"REEL_LIMITS_QUEUE=none", "REEL_LIMIT_QUEUE=1"};
    const struct config_setting settings[] = {{"drain.timeot", "1s"}, {"listen", "nowhere"}};
    struct loaded loaded = load("log.level: loud\nwhat: 1\n", variables, settings, 2);
    must_say(&loaded, "reel.yaml:1: log.level is \"loud\"");
    must_say(&loaded, "reel.yaml:2: there is no key what");
    must_say(&loaded, "REEL_LIMITS_QUEUE: limits.queue is \"none\"");
    must_say(&loaded, "REEL_LIMIT_QUEUE: there is no such variable; did you mean "
                      "REEL_LIMITS_QUEUE?");
    must_say(&loaded, "--set: there is no key drain.timeot; did you mean drain.timeout?");
    must_say(&loaded, "--listen: listen is \"nowhere\"");
    done(&loaded);
}

static void test_empty_files(void **state)
{
    static const char *const texts[] = {"", "\n", "# nothing\n", "---\n", "{}"};
    for (size_t n = 0; n < sizeof texts / sizeof texts[0]; n++) {
        struct loaded loaded = load(texts[n], NULL, NULL, 0);
        must_hold(&loaded);
        done(&loaded);
    }
}

static void test_missing_file(void **state)
{
    struct config config;
    struct buffer faults;
    const char *environment[] = {"REEL_CONFIG=/nowhere/reel.yaml", NULL};
    struct config_source source = {.environment = environment};
    buffer_init(&faults, 1000);
    assert_false(config_load(&source, &config, &faults));
    assert_string_equal(faults.data,
                        "/nowhere/reel.yaml: can't be read: No such file or directory\n");
    config_done(&config);
    buffer_done(&faults);
}

/* The file in the home is found without being named, and can't move the home. */
static void test_file_in_home(void **state)
{
    char variable[200];
    struct config config;
    struct buffer faults;
    const char *environment[] = {variable, NULL};
    struct config_source source = {.environment = environment};
    (void)snprintf(variable, sizeof variable, "REEL_HOME=%s", folder);
    buffer_init(&faults, 1000);
    (void)write_file("reel.yaml", "limits: {queue: 77}\n");
    assert_true(config_load(&source, &config, &faults));
    assert_int_equal(config.limits.queue, 77);
    config_done(&config);
    (void)write_file("reel.yaml", "home: /elsewhere\n");
    assert_false(config_load(&source, &config, &faults));
    assert_non_null(strstr(faults.data, "home can't be set in the file that lies in it"));
    config_done(&config);
    buffer_done(&faults);
}

static void test_secrets(void **state)
{
    char variable[300];
    (void)snprintf(variable, sizeof variable, "AUTH_TOKEN_FILE=%s",
                   write_file("token", "hush-hush\r\n"));
    const char *variables[4] = {variable};
    struct loaded loaded = load(NULL, variables, NULL, 0);
    must_hold(&loaded);
    assert_int_equal(loaded.config.auth_token.size, 9);
    assert_memory_equal(loaded.config.auth_token.bytes, "hush-hush", 9);
    done(&loaded);

    const char *both[4] = {variable, "AUTH_TOKEN=other"};
    loaded = load(NULL, both, NULL, 0);
    must_say(&loaded, "AUTH_TOKEN_FILE: AUTH_TOKEN is set too");
    assert_null(strstr(loaded.faults.data, "other"));
    done(&loaded);

    const char *missing[4] = {"AUTH_TOKEN_FILE=/nowhere/token"};
    loaded = load(NULL, missing, NULL, 0);
    must_say(&loaded, "AUTH_TOKEN_FILE: /nowhere/token can't be read: No such file");
    done(&loaded);

    /* A bad secret is reported, never shown; and files are for secrets only. */
    const char *bad[4] = {"AUTH_TOKEN=top secret", "REEL_LISTEN_FILE=/x"};
    loaded = load("authToken: über\n", bad, NULL, 0);
    must_say(&loaded, "AUTH_TOKEN: authToken has a value that can't be (not shown)");
    must_say(&loaded, "reel.yaml:1: authToken has a value that can't be");
    must_say(&loaded, "REEL_LISTEN_FILE: there is no such variable");
    assert_null(strstr(loaded.faults.data, "top secret"));
    done(&loaded);
}

static void test_docs_hide_secrets(void **state)
{
    const char *variables[4] = {"AUTH_TOKEN=do-not-show-me"};
    struct loaded loaded = load(NULL, variables, NULL, 0);
    must_hold(&loaded);
    for (int as_json = 0; as_json < 2; as_json++) {
        char *text = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&text, &size);
        assert_non_null(stream);
        config_docs_values(&loaded.config, as_json == 1, stream);
        assert_int_equal(fclose(stream), 0);
        assert_null(strstr(text, "do-not-show-me"));
        assert_non_null(strstr(text, "(set)"));
        assert_non_null(strstr(text, "AUTH_TOKEN"));
        free(text);
    }
    done(&loaded);
}

static void test_can_serve(void **state)
{
    static const struct {
        const char *listen, *no_auth, *variable;
        bool can;
    } cases[] = {
        {"127.0.0.1:1", "false", NULL, true},
        {"127.0.0.1:1", "true", NULL, true},
        {"[::1]:1", "true", NULL, true},
        {"0.0.0.0:1", "true", NULL, false},
        {"0.0.0.0:1", "true", "AUTH_TOKEN=a-token", false},
        {"0.0.0.0:1", "false", "AUTH_TOKEN=a-token", true},
        {"127.0.0.1:1", "false", "AUTH_TOKEN=a-token", true},
        {"10.0.0.1:1", "false", NULL, true},
        {"127.0.0.1:1", "false", "SSL_CERT_FILE=/dev/null", false},
        {"127.0.0.1:1", "false", "REEL_NETWORK_AUTHORITIES=/nowhere/ca.pem", false},
    };
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        const char *variables[4] = {cases[n].variable};
        const struct config_setting settings[] = {{"listen", cases[n].listen},
                                                  {"noAuth", cases[n].no_auth}};
        struct loaded loaded = load(NULL, variables, settings, 2);
        must_hold(&loaded);
        assert_int_equal(config_can_serve(&loaded.config, &loaded.faults), cases[n].can);
        assert_int_equal(loaded.faults.size == 0, cases[n].can);
        done(&loaded);
    }
}

static void test_paths(void **state)
{
    char here[1000];
    const struct config_setting settings[] = {{"catalog.folder", "~/models/"},
                                              {"local.program", "build/reel-media"}};
    struct loaded loaded = load(NULL, NULL, settings, 2);
    must_hold(&loaded);
    assert_string_equal(loaded.config.catalog_folder, "/home/someone/models");
    assert_non_null(getcwd(here, sizeof here));
    assert_memory_equal(loaded.config.local.program, here, strlen(here));
    assert_true(span_ends(span_of(loaded.config.local.program), "/build/reel-media"));
    done(&loaded);
}

static void test_units(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes, duration; /* -1: not one */
    } cases[] = {
        {"0", 0, 0},
        {"1", 1, -1},
        {"64KiB", 65536, -1},
        {"64 kib", 65536, -1},
        {"5GB", 5000000000, -1},
        {"500ms", -1, 500},
        {"10s", -1, 10000},
        {"15m", -1, 900000},
        {"1d", -1, MS_DAY},
        {"", -1, -1},
        {"s", -1, -1},
        {"1e3", -1, -1},
        {"9223372036854775807s", -1, -1},
        {"1h30m", -1, -1},
    };
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        uint64_t bytes = 0;
        ms_t duration = 0;
        struct span text = span_of(cases[n].text);
        assert_int_equal(config_value_bytes(text, &bytes), cases[n].bytes >= 0);
        assert_int_equal(config_value_duration(text, &duration), cases[n].duration >= 0);
        assert_int_equal(bytes, cases[n].bytes >= 0 ? cases[n].bytes : 0);
        assert_int_equal(duration, cases[n].duration >= 0 ? cases[n].duration : 0);
    }
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"reel.yaml", "token"};
    char path[200];
    for (size_t n = 0; n < 2; n++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[n]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_all_faults_at_once),
        cmocka_unit_test(test_empty_files),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_file_in_home),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_docs_hide_secrets),
        cmocka_unit_test(test_can_serve),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_units),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
