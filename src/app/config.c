#include "app/config.h"

#include "app/config_file.h"
#include "app/config_value.h"
#include "app/nearest.h"
#include "app/tier.h"
#include "base/memory.h"
#include "dialect/native_hook.h"
#include "edge/egress.h"
#include "edge/guard.h"
#include "edge/network.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECRET_FILE_MAX = 8192, SHOWN_MAX = 80, WORKERS_LEAST = 2, PATH_ROOM = 4096, VARIABLES = 4 };

#define SYSTEM_FILE "/etc/reel/reel.yaml"

/* Variables that start with REEL_ and are no keys: the first says where the file is, the others
 * belong to the commands that ask a server. */
static const char *const other_variables[] = {"REEL_CONFIG", "REEL_SERVER", "REEL_TOKEN_FILE"};

struct loading {
    struct config *config;
    const struct config_source *source;
    struct buffer *faults;
    const char *user_home; /* may be NULL */
    bool file_is_in_home;
    bool failed;
};

const struct config_key *config_find(struct span name)
{
    for (size_t n = 0; n < config_table_size; n++) {
        if (span_is(name, config_table[n].name))
            return &config_table[n];
    }
    return NULL;
}

void config_variable(const char *name, struct buffer *target)
{
    buffer_add_text(target, "REEL_");
    for (const char *at = name; *at; at++) {
        if (isupper((unsigned char)*at))
            buffer_add_byte(target, '_');
        buffer_add_byte(target, *at == '.' ? '_' : (char)toupper((unsigned char)*at));
    }
}

static const char *variable_of(struct loading *loading, const struct config_key *key,
                               const char *suffix)
{
    struct buffer name;
    buffer_init(&name, 200);
    config_variable(key->name, &name);
    buffer_add_text(&name, suffix);
    char *text = arena_copy(&loading->config->arena, buffer_span(&name));
    buffer_done(&name);
    return text;
}

__attribute__((format(printf, 3, 4))) static void fault(struct loading *loading, const char *origin,
                                                        const char *format, ...)
{
    va_list arguments;
    char text[1024];
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_print(loading->faults, "%s: %s\n", origin, text);
    loading->failed = true;
}

/* A value as it may stand in a message: short, and without controls. */
static const char *shown(struct loading *loading, struct span value)
{
    bool cut = value.size > SHOWN_MAX;
    char *text = arena_print(&loading->config->arena, "%.*s%s", cut ? SHOWN_MAX : (int)value.size,
                             value.data, cut ? "…" : "");
    for (char *at = text; *at; at++) {
        if (iscntrl((unsigned char)*at))
            *at = '?';
    }
    return text;
}

static void set(struct loading *loading, const struct config_key *key, struct span value,
                const char *origin)
{
    struct config *config = loading->config;
    if (config_value_set(config, key, value, loading->user_home)) {
        config->origins[key - config_table] = origin;
        return;
    }
    struct buffer allowed;
    buffer_init(&allowed, 1000);
    config_value_allowed(key, &allowed);
    char *text = buffer_take(&allowed);
    if (key->type == CONFIG_SECRET)
        fault(loading, origin, "%s has a value that can't be (not shown); allowed: %s", key->name,
              text);
    else
        fault(loading, origin, "%s is \"%s\"; allowed: %s", key->name, shown(loading, value), text);
    memory_free(text);
}

/* ---------------------------------------------------------------- file */

static void file_entry(void *context, const struct config_file_entry *entry)
{
    struct loading *loading = context;
    struct config *config = loading->config;
    const struct config_key *key = config_find(span_of(entry->name));
    const char *origin = arena_print(&config->arena, "%s:%u", config->file, entry->line);
    if (!key) {
        struct nearest nearest;
        nearest_init(&nearest, span_of(entry->name));
        for (size_t n = 0; n < config_table_size; n++)
            nearest_offer(&nearest, config_table[n].name);
        if (nearest.best)
            fault(loading, origin, "there is no key %s; did you mean %s?",
                  shown(loading, span_of(entry->name)), nearest.best);
        else
            fault(loading, origin, "there is no key %s; `reel config` lists them all",
                  shown(loading, span_of(entry->name)));
    } else if (entry->is_list && key->type != CONFIG_LIST) {
        fault(loading, origin, "%s takes one value, not a list", key->name);
    } else if (loading->file_is_in_home && strcmp(key->name, "home") == 0) {
        fault(loading, origin, "home can't be set in the file that lies in it");
    } else {
        set(loading, key, entry->value, origin);
    }
}

static const char *environment_value(const struct config_source *source, const char *name)
{
    size_t size = strlen(name);
    for (const char *const *at = source->environment; at && *at; at++) {
        if (strncmp(*at, name, size) == 0 && (*at)[size] == '=')
            return (*at)[size + 1] ? *at + size + 1 : NULL;
    }
    return NULL;
}

/* The home by flag, variable or default, as far as it is known before the file is read. */
static const char *early_home(struct loading *loading)
{
    const char *home = environment_value(loading->source, "REEL_HOME");
    const struct config_key *key = config_find(SPAN("home"));
    for (unsigned n = 0; n < loading->source->setting_count; n++) {
        if (strcmp(loading->source->settings[n].name, "home") == 0)
            home = loading->source->settings[n].value;
    }
    struct config *config = loading->config;
    const char *before = config->home;
    if (home && config_value_set(config, key, span_of(home), loading->user_home)) {
        home = config->home;
        config->home = before;
        return home;
    }
    return before;
}

static void read_file(struct loading *loading)
{
    struct config *config = loading->config;
    struct span text;
    const char *named = loading->source->file;
    if (!named)
        named = environment_value(loading->source, "REEL_CONFIG");
    const char *candidates[] = {
        named ? named : arena_print(&config->arena, "%s/reel.yaml", early_home(loading)),
        named ? NULL : SYSTEM_FILE,
    };
    for (size_t n = 0; n < 2 && candidates[n]; n++) {
        if (config_file_load(candidates[n], CONFIG_FILE_MAX, &config->arena, &text)) {
            config->file = arena_copy(&config->arena, span_of(candidates[n]));
            loading->file_is_in_home = !named && n == 0;
            break;
        }
        if (named || (errno != ENOENT && errno != ENOTDIR)) {
            fault(loading, candidates[n], "can't be read: %s", strerror(errno));
            return;
        }
    }
    if (!config->file)
        return;
    struct config_file_reader reader = {config->file, &config->arena, loading->faults, file_entry,
                                        loading};
    if (!config_file_read(&reader, text))
        loading->failed = true;
}

/* ---------------------------------------------------------------- environment */

static void set_from_secret_file(struct loading *loading, const struct config_key *key,
                                 const char *variable, const char *path)
{
    struct span text;
    struct arena arena;
    arena_init(&arena);
    if (!config_file_load(path, SECRET_FILE_MAX, &arena, &text)) {
        fault(loading, variable, "%s can't be read: %s", path, strerror(errno));
    } else {
        size_t size = text.size;
        while (span_ends(text, "\n") || span_ends(text, "\r"))
            text.size--;
        set(loading, key, text, variable);
        explicit_bzero((void *)(uintptr_t)text.data, size);
    }
    arena_done(&arena);
}

/* The variables that stand for a key; the last two name files. NULL where there is none. */
static void names_of(struct loading *loading, const struct config_key *key,
                     const char *ret_names[static VARIABLES])
{
    struct arena *arena = &loading->config->arena;
    bool is_secret = key->type == CONFIG_SECRET;
    ret_names[0] = variable_of(loading, key, "");
    ret_names[1] = key->alias;
    ret_names[2] = is_secret ? variable_of(loading, key, "_FILE") : NULL;
    ret_names[3] = is_secret && key->alias ? arena_print(arena, "%s_FILE", key->alias) : NULL;
}

static void read_variables_of(struct loading *loading, const struct config_key *key)
{
    const char *names[VARIABLES];
    names_of(loading, key, names);
    const char *first = NULL;
    for (size_t n = 0; n < VARIABLES; n++) {
        const char *value = names[n] ? environment_value(loading->source, names[n]) : NULL;
        if (!value)
            continue;
        if (first)
            fault(loading, names[n], "%s is set too, and both stand for %s; keep one", first,
                  key->name);
        else if (n < 2)
            set(loading, key, span_of(value), names[n]);
        else
            set_from_secret_file(loading, key, names[n], value);
        first = names[n];
    }
}

static bool is_known(struct loading *loading, struct span name, struct nearest *nearest)
{
    for (size_t n = 0; n < sizeof other_variables / sizeof other_variables[0]; n++) {
        nearest_offer(nearest, other_variables[n]);
        if (span_is(name, other_variables[n]))
            return true;
    }
    for (size_t n = 0; n < config_table_size; n++) {
        const char *names[VARIABLES];
        names_of(loading, &config_table[n], names);
        for (size_t i = 0; i < VARIABLES; i++) {
            if (names[i] && span_is(name, names[i]))
                return true;
            if (names[i])
                nearest_offer(nearest, names[i]);
        }
    }
    return false;
}

static void read_environment(struct loading *loading)
{
    for (size_t n = 0; n < config_table_size; n++)
        read_variables_of(loading, &config_table[n]);
    for (const char *const *at = loading->source->environment; at && *at; at++) {
        struct span rest = span_of(*at), name;
        struct nearest nearest;
        if (!span_starts(rest, "REEL_") || !span_take(&rest, '=', &name))
            continue;
        nearest_init(&nearest, name);
        if (is_known(loading, name, &nearest))
            continue;
        const char *origin = shown(loading, name);
        if (nearest.best)
            fault(loading, origin, "there is no such variable; did you mean %s?", nearest.best);
        else
            fault(loading, origin, "there is no such variable; `reel config` lists them all");
    }
}

/* ---------------------------------------------------------------- flags */

static void read_settings(struct loading *loading)
{
    for (unsigned n = 0; n < loading->source->setting_count; n++) {
        const struct config_setting *setting = &loading->source->settings[n];
        const struct config_key *key = config_find(span_of(setting->name));
        if (!key) {
            struct nearest nearest;
            nearest_init(&nearest, span_of(setting->name));
            for (size_t i = 0; i < config_table_size; i++)
                nearest_offer(&nearest, config_table[i].name);
            fault(loading, "--set", "there is no key %s%s%s%s",
                  shown(loading, span_of(setting->name)), nearest.best ? "; did you mean " : "",
                  nearest.best ? nearest.best : "", nearest.best ? "?" : "");
            continue;
        }
        set(loading, key, span_of(setting->value), key->flag ? key->flag : "--set");
    }
}

/* ---------------------------------------------------------------- what is decided at start */

static const char *find_user_home(const struct config_source *source)
{
    const char *home = environment_value(source, "HOME");
    if (home && home[0] == '/')
        return home;
    const struct passwd *user = getpwuid(getuid());
    return user && user->pw_dir && user->pw_dir[0] == '/' ? user->pw_dir : NULL;
}

static const char *default_home(const struct config_source *source, struct arena *arena)
{
    const char *data = environment_value(source, "XDG_DATA_HOME");
    const char *user_home = find_user_home(source);
    if (geteuid() == 0)
        return "/var/lib/reel";
    if (data && data[0] == '/')
        return arena_print(arena, "%s/reel", data);
    if (user_home)
        return arena_print(arena, "%s/.local/share/reel", user_home);
    return "/var/lib/reel";
}

const char *config_home(const char *const *environment, struct arena *arena)
{
    struct config_source source = {.environment = environment};
    const char *home = environment_value(&source, "REEL_HOME");
    return home ? home : default_home(&source, arena);
}

static const char *find_program(struct arena *arena)
{
    char self[PATH_ROOM];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    self[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (!slash)
        return REEL_LIBEXEC "/reel-media";
    *slash = '\0';
    const char *candidates[] = {
        arena_print(arena, "%s/reel-media", self),
        arena_print(arena, "%s/src/media/reel-media", self), /* in a build folder */
        arena_print(arena, "%s/../libexec/reel-media", self),
        REEL_LIBEXEC "/reel-media",
    };
    for (size_t n = 0; n < sizeof candidates / sizeof candidates[0]; n++) {
        if (access(candidates[n], X_OK) == 0)
            return candidates[n];
    }
    return REEL_LIBEXEC "/reel-media";
}

static const char *origin_of(const struct config *config, struct span name)
{
    return config->origins[config_find(name) - config_table];
}

static void decide(struct loading *loading)
{
    struct config *config = loading->config;
    config->home_is_default = strcmp(origin_of(config, SPAN("home")), "default") == 0;
    if (!config->local.program)
        config->local.program = find_program(&config->arena);
    if (config->local.workers == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        config->local.workers = cores - 1 > WORKERS_LEAST ? cores - 1 : WORKERS_LEAST;
    }
    if (strcmp(config->log.format, "auto") == 0)
        config->log.format = isatty(STDERR_FILENO) ? "plain" : "json";
}

/* What no single value shows. */
static void check_networks(struct loading *loading)
{
    struct config *config = loading->config;
    char why[GUARD_WHY_SIZE];
    struct guard *guard = guard_make(config->network.allow.text, NULL, why);
    if (!guard)
        fault(loading, origin_of(config, SPAN("network.allow")), "network.allow: %s", why);
    guard_free(guard);
    guard = guard_make(NULL, config->network.allow_ports.text, why);
    if (!guard)
        fault(loading, origin_of(config, SPAN("network.allowPorts")), "network.allowPorts: %s",
              why);
    guard_free(guard);
    const struct config_list *proxies = &config->server.trusted_proxies;
    for (unsigned n = 0; n < proxies->count; n++) {
        struct network network;
        struct span item = span_of(proxies->items[n]);
        if (!network_read(item, &network))
            fault(loading, origin_of(config, SPAN("server.trustedProxies")),
                  "server.trustedProxies holds \"%s\"; allowed: addresses and networks, as "
                  "10.0.0.0/8",
                  shown(loading, item));
    }
}

static void check_webhooks(struct loading *loading)
{
    struct config *config = loading->config;
    const struct config_list *texts = &config->webhooks.schedule_texts;
    bool good = texts->count >= 1 && texts->count <= NOTIFY_TRIES_MAX;
    for (unsigned n = 0; n < texts->count && good; n++) {
        ms_t *wait = &config->webhooks.schedule[n];
        good = config_value_duration(span_of(texts->items[n]), wait) && *wait <= 7 * MS_DAY;
    }
    config->webhooks.schedule_count = good ? texts->count : 0;
    if (!good)
        fault(
            loading, origin_of(config, SPAN("webhooks.schedule")),
            "webhooks.schedule is \"%s\"; allowed: 1 to %d durations of at most 7d, as 0s, 5s, 5m",
            shown(loading, span_of(texts->text)), NOTIFY_TRIES_MAX);
    char why[GUARD_WHY_SIZE];
    struct guard_url url;
    if (config->alerts.url && !guard_url_read(span_of(config->alerts.url), &url, why))
        fault(loading, origin_of(config, SPAN("alerts.url")), "alerts.url: %s", why);
    const struct secret *secret = &config->alerts.secret;
    if (secret->size && !native_hook_is_secret(span_make(secret->bytes, secret->size)))
        fault(loading, origin_of(config, SPAN("alerts.secret")),
              "alerts.secret has a value that can't be (not shown); allowed: whsec_ and 24 to 64 "
              "bytes in base64");
}

static void check_budgets(struct loading *loading)
{
    struct config *config = loading->config;
    const struct config_list *texts = &config->budget.provider_texts;
    for (unsigned n = 0; n < texts->count; n++) {
        struct core_budget budget;
        bool good =
            n < BUDGET_MAX && budget_read(span_of(texts->items[n]), &config->arena, &budget);
        for (unsigned other = 0; good && other < config->budget.provider_count; other++)
            good = strcmp(config->budget.providers[other].provider, budget.provider) != 0;
        if (good)
            config->budget.providers[config->budget.provider_count++] = budget;
        else
            fault(loading, origin_of(config, SPAN("budget.providers")),
                  "budget.providers holds \"%s\"; allowed: up to %d providers, each once, as "
                  "fal=100/month (day, month or total)",
                  shown(loading, span_of(texts->items[n])), BUDGET_MAX);
    }
}

static void check_origins(struct loading *loading)
{
    const struct config *config = loading->config;
    for (unsigned n = 0; n < config->cors_origins.count; n++) {
        struct guard_url url;
        char why[GUARD_WHY_SIZE];
        struct span item = span_of(config->cors_origins.items[n]);
        bool good = span_is(item, "*") || (guard_url_read(item, &url, why) && url.path.size == 0 &&
                                           !url.has_query && span_find(item, '#') < 0);
        if (!good)
            fault(loading, origin_of(config, SPAN("corsOrigins")),
                  "corsOrigins holds \"%s\"; allowed: origins as https://app.example, or *",
                  shown(loading, item));
    }
}

bool config_load(const struct config_source *source, struct config *ret_config,
                 struct buffer *faults)
{
    struct loading loading = {.config = ret_config, .source = source, .faults = faults};
    *ret_config = (struct config){0};
    arena_init(&ret_config->arena);
    ret_config->origins = arena_array(&ret_config->arena, const char *, config_table_size);
    loading.user_home = find_user_home(source);
    for (size_t n = 0; n < config_table_size; n++) {
        ret_config->origins[n] = "default";
        if (config_table[n].fallback)
            set(&loading, &config_table[n], span_of(config_table[n].fallback), "default");
    }
    ret_config->home = default_home(source, &ret_config->arena);
    read_file(&loading);
    read_environment(&loading);
    read_settings(&loading);
    decide(&loading);
    check_networks(&loading);
    check_webhooks(&loading);
    check_origins(&loading);
    check_budgets(&loading);
    return !loading.failed;
}

void config_done(struct config *config)
{
    for (size_t n = 0; n < config_table_size; n++) {
        if (config_table[n].type == CONFIG_SECRET)
            secret_done((struct secret *)(void *)((char *)config + config_table[n].offset));
    }
    arena_done(&config->arena);
}

bool config_can_serve(const struct config *config, struct buffer *faults)
{
    if (config->no_auth && !config->listen.is_loopback) {
        buffer_print(faults,
                     "--no-auth is only possible while listening on a loopback address, and "
                     "%s is none. Set AUTH_TOKEN instead.\n",
                     config->listen.host);
        return false;
    }
    if (!egress_can_trust(config->network.authorities)) {
        buffer_print(faults, "network.authorities: %s is no file of certificates (PEM).\n",
                     config->network.authorities);
        return false;
    }
    struct tier tiers[TIER_MAX];
    unsigned tier_count = 0;
    return tier_read(&config->tiers, tiers, &tier_count, faults);
}
