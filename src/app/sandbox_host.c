#include "app/sandbox_host.h"

#include "app/config_value.h"
#include "app/sandbox.h"
#include "base/log.h"
#include "base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_MAX = 128, VARIABLES_MAX = 16, PATIENCE_S = 60, VALUE_MAX = 4096 };

struct sandbox_host {
    pthread_mutex_t lock;
    pthread_cond_t said;
    struct arena arena;
    char url[SANDBOX_HOST_URL_SIZE]; /* "" until it listens */
    bool ended;
};

void sandbox_host_back(const struct config_address *listen, uint16_t port,
                       char ret_url[static SANDBOX_HOST_URL_SIZE])
{
    const char *host = strcmp(listen->host, "0.0.0.0") == 0 ? "127.0.0.1"
                       : strcmp(listen->host, "::") == 0    ? "::1"
                                                            : listen->host;
    bool is_v6 = strchr(host, ':') != NULL;
    (void)snprintf(ret_url, SANDBOX_HOST_URL_SIZE, "http://%s%s%s:%u", is_v6 ? "[" : "", host,
                   is_v6 ? "]" : "", port);
}

/* ---------------------------------------------------------------- what it says */

/* "reel 1.2 listens on http://127.0.0.1:40123" */
static void on_line(void *context, uint64_t child, struct span line)
{
    static const char mark[] = " listens on ";
    struct sandbox_host *host = context;
    const char *at = memmem(line.data, line.size, mark, sizeof mark - 1);
    (void)child;
    if (!at)
        return;
    const char *url = at + sizeof mark - 1;
    (void)pthread_mutex_lock(&host->lock);
    (void)span_copy(span_make(url, line.size - (size_t)(url - line.data)), host->url,
                    sizeof host->url);
    (void)pthread_cond_signal(&host->said);
    (void)pthread_mutex_unlock(&host->lock);
}

static void on_ended(void *context, uint64_t child, const struct child_end *end)
{
    struct sandbox_host *host = context;
    (void)child;
    (void)pthread_mutex_lock(&host->lock);
    if (host->url[0])
        log_error("the sandbox has ended; its providers answer no more until a restart",
                  log_number("status", end->status), log_number("signal", end->signal));
    host->ended = true;
    (void)pthread_cond_signal(&host->said);
    (void)pthread_mutex_unlock(&host->lock);
}

static bool wait_until_it_listens(struct sandbox_host *host)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    int late = 0;
    (void)pthread_mutex_lock(&host->lock);
    while (!host->url[0] && !host->ended && !late)
        late = pthread_cond_timedwait(&host->said, &host->lock, &until);
    bool good = host->url[0] && !host->ended;
    (void)pthread_mutex_unlock(&host->lock);
    return good;
}

/* ---------------------------------------------------------------- how it is started */

struct words {
    const char *list[WORDS_MAX + 1];
    unsigned count;
};

static void add(struct words *words, const char *word)
{
    if (words->count < WORDS_MAX)
        words->list[words->count++] = word;
}

/* The settings that a sandbox shares with its gateway, where they are not the usual ones. */
static void add_settings(const struct config *config, struct arena *arena, struct words *words)
{
    static const char *const shared[] = {"local.", "log.", "disk.", "catalog.", "fetch."};
    for (size_t n = 0; n < config_table_size; n++) {
        const struct config_key *key = &config_table[n];
        struct buffer value;
        bool is_shared = false;
        for (size_t at = 0; at < sizeof shared / sizeof shared[0]; at++)
            is_shared = is_shared || span_starts(span_of(key->name), shared[at]);
        buffer_init(&value, VALUE_MAX);
        config_value_write(config, key, &value);
        if (is_shared && value.size > 0) {
            add(words, "--set");
            add(words, arena_print(arena, "%s=%s", key->name, value.data));
        }
        buffer_done(&value);
    }
}

/* What its runtime needs, and no key of anybody. */
static void add_variables(struct arena *arena, const char *variables[static VARIABLES_MAX + 1])
{
    static const char *const kept[] = {"PATH",         "HOME",          "LANG",        "TMPDIR",
                                       "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
    unsigned count = 0;
    for (size_t n = 0; n < sizeof kept / sizeof kept[0]; n++) {
        const char *value = getenv(kept[n]);
        if (value)
            variables[count++] = arena_print(arena, "%s=%s", kept[n], value);
    }
    variables[count] = NULL;
}

static bool start(struct sandbox_host *host, struct children *children, const struct config *config,
                  char fault[static SANDBOX_FAULT_SIZE])
{
    static const struct child_calls calls = {.line = on_line, .ended = on_ended};
    struct arena *arena = &host->arena;
    struct words words = {.count = 0};
    const char *variables[VARIABLES_MAX + 1];
    char program[DEPOT_PATH_SIZE];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    if (size <= 0) {
        (void)snprintf(fault, SANDBOX_FAULT_SIZE, "this program's own path can't be read");
        return false;
    }
    program[size] = '\0';
    add(&words, program);
    add(&words, "sandbox");
    add(&words, "--home");
    add(&words, arena_print(arena, "%s/sandbox", config->home));
    add(&words, "--listen");
    add(&words, "127.0.0.1:0");
    if (config->sandbox.script) {
        add(&words, "--script");
        add(&words, config->sandbox.script);
    }
    add_settings(config, arena, &words);
    if (!config->listen.is_loopback && strcmp(config->listen.host, "0.0.0.0") != 0 &&
        strcmp(config->listen.host, "::") != 0) {
        add(&words, "--set"); /* it has to call us back */
        add(&words, arena_print(arena, "network.allow=127.0.0.0/8, ::1, %s", config->listen.host));
    }
    add_variables(arena, variables);
    const struct child_plan plan = {.name = "reel sandbox", .argv = words.list, .envp = variables};
    if (child_start(children, &plan, &calls, host))
        return true;
    (void)snprintf(fault, SANDBOX_FAULT_SIZE, "it can't be started");
    return false;
}

struct sandbox_host *sandbox_host_make(struct children *children, const struct config *config,
                                       const struct catalog *catalog,
                                       char ret_fault[static SANDBOX_FAULT_SIZE])
{
    struct sandbox_host *host = memory_new(struct sandbox_host);
    (void)pthread_mutex_init(&host->lock, NULL);
    (void)pthread_cond_init(&host->said, NULL);
    arena_init(&host->arena);
    ret_fault[0] = '\0';
    if (start(host, children, config, ret_fault) && !wait_until_it_listens(host))
        (void)snprintf(ret_fault, SANDBOX_FAULT_SIZE, "it %s; the log has what it said",
                       host->ended ? "ended at its start" : "did not start in time");
    if (host->url[0] && !host->ended)
        (void)sandbox_environment(catalog, host->url, ret_fault);
    return host;
}

void sandbox_host_free(struct sandbox_host *host)
{
    if (!host)
        return;
    (void)pthread_mutex_destroy(&host->lock);
    (void)pthread_cond_destroy(&host->said);
    arena_done(&host->arena);
    memory_free(host);
}

const char *sandbox_host_url(const struct sandbox_host *host)
{
    return host->url;
}
