/* Configurations read anew: what a running server takes up, what it keeps, what it refuses. */
#include "app/reload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/reel-reload-XXXXXX";

static const char *at(const char *name)
{
    static char paths[4][200];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool load(void *context, struct config *ret_config, struct buffer *faults)
{
    static const char *const environment[] = {"HOME=/tmp", NULL};
    const struct config_source source = {context, environment, NULL, 0};
    return config_load(&source, ret_config, faults);
}

static void load_well(struct config *config, const char *text)
{
    struct buffer faults;
    put("reel.yaml", text);
    buffer_init(&faults, CONFIG_FAULTS_MAX);
    assert_true(load((void *)(uintptr_t)at("reel.yaml"), config, &faults));
    buffer_done(&faults);
}

struct seen {
    char text[400];
};

static void note(void *context, const struct config_key *key, bool is_live)
{
    struct seen *seen = context;
    size_t size = strlen(seen->text);
    (void)snprintf(seen->text + size, sizeof seen->text - size, "%s%s ", is_live ? "" : "!",
                   key->name);
}

static void test_merge(void **state)
{
    struct config now, next;
    struct seen seen = {""};
    load_well(&now, "listen: 127.0.0.1:1\nauthToken: one\nlimits: {inFlight: 5}\n"
                    "corsOrigins: [https://a.example]\nserver: {loops: 1}\n"
                    "network: {allow: [10.0.0.0/8]}\ncatalog: {folder: /a}\n");
    load_well(&next, "listen: 127.0.0.1:2\nauthToken: two\nlimits: {inFlight: 6}\n"
                     "corsOrigins: [https://b.example]\nserver: {loops: 2}\n"
                     "network: {allow: []}\ncatalog: {folder: /b}\nlocal: {weakCage: true}\n");
    assert_int_equal(reload_merge(&now, &next, note, &seen), 2);
    assert_string_equal(seen.text, "!listen !authToken corsOrigins !catalog.folder limits.inFlight "
                                   "!local.weakCage !server.loops !network.allow ");
    assert_int_equal(next.limits.in_flight, 6);
    assert_string_equal(next.cors_origins.text, "https://b.example");
    assert_int_equal(next.listen.port, 1);
    assert_true(secret_equal(next.auth_token, SPAN("one")));
    assert_string_equal(next.catalog_folder, "/a");
    assert_string_equal(next.network.allow.text, "10.0.0.0/8");
    assert_int_equal(next.server.loops, 1);
    assert_false(next.local.weak_cage);
    /* The next time there is nothing to say. */
    seen.text[0] = '\0';
    assert_int_equal(reload_merge(&next, &now, note, &seen), 2);
    assert_string_equal(seen.text, "corsOrigins limits.inFlight ");
    config_done(&next);
    config_done(&now);
}

static void test_every_live_key_is_one(void **state)
{
    unsigned count = 0;
    for (size_t n = 0; n < config_table_size; n++)
        count += reload_is_live(&config_table[n]);
    assert_int_equal(count, 26);
    assert_false(reload_is_live(config_find(SPAN("home"))));
}

static void test_again(void **state)
{
    struct config first;
    struct reload reload;
    char fault[CATALOG_FAULT_SIZE], text[300];
    struct reload_source source = {load, (void *)(uintptr_t)strdup(at("reel.yaml"))};
    (void)snprintf(text, sizeof text, "catalog: {folder: %s}\nlog: {level: warn}\n", folder);
    put("models.json", "{}");
    load_well(&first, text);
    reload_init(&reload, &first, &source);
    assert_true(reload_open(&reload, fault));
    const struct catalog *catalog = reload.catalog;
    assert_false(reload_again(&reload));
    assert_ptr_equal(reload.config, &first);
    (void)snprintf(text, sizeof text, "catalog: {folder: %s}\nlog: {level: debug}\n", folder);
    put("reel.yaml", text);
    assert_true(reload_again(&reload));
    assert_string_equal(reload.config->log.level, "debug");
    assert_string_equal(first.log.level, "warn"); /* a thread that has it goes on safely */
    assert_ptr_equal(reload.catalog, catalog);
    /* Nothing of a broken file counts. */
    const struct config *good = reload.config;
    put("reel.yaml", "log: {level: loud}\nlimits: {inFlight: 1}\n");
    assert_false(reload_again(&reload));
    put("reel.yaml", "log: [\n");
    assert_false(reload_again(&reload));
    assert_int_equal(unlink(at("reel.yaml")), 0);
    assert_false(reload_again(&reload));
    assert_ptr_equal(reload.config, good);
    put("reel.yaml", text);
    /* The catalogue by itself, and a broken one. */
    put("models.json", "{\"routes\":[]}");
    assert_true(reload_again(&reload));
    assert_ptr_not_equal(reload.catalog, catalog);
    catalog = reload.catalog;
    put("models.json", "{\"models\":5}");
    assert_false(reload_again(&reload));
    assert_ptr_equal(reload.catalog, catalog);
    reload_done(&reload);
    config_done(&first);
    free(source.context);
    assert_int_equal(unlink(at("reel.yaml")) | unlink(at("models.json")), 0);
}

static void test_reloads_are_bounded(void **state)
{
    struct config first;
    struct reload reload;
    char fault[CATALOG_FAULT_SIZE], text[64];
    struct reload_source source = {load, (void *)(uintptr_t)strdup(at("reel.yaml"))};
    load_well(&first, "limits: {inFlight: 1}\nlog: {level: error}\n");
    reload_init(&reload, &first, &source);
    assert_true(reload_open(&reload, fault));
    for (int n = 2; n < RELOAD_SNAPSHOTS_MAX + 4; n++) {
        (void)snprintf(text, sizeof text, "limits: {inFlight: %d}\nlog: {level: error}\n", n);
        put("reel.yaml", text);
        assert_int_equal(reload_again(&reload), n <= RELOAD_SNAPSHOTS_MAX + 1);
    }
    assert_int_equal(reload.config->limits.in_flight, RELOAD_SNAPSHOTS_MAX + 1);
    reload_done(&reload);
    config_done(&first);
    free(source.context);
    assert_int_equal(unlink(at("reel.yaml")), 0);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)unlink(at("reel.yaml"));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_every_live_key_is_one),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_reloads_are_bounded),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
