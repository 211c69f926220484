#include "app/reload.h"

#include "app/config_value.h"
#include "app/user_catalog.h"
#include "base/log.h"
#include "base/memory.h"

#include <string.h>

enum { VALUE_MAX = 64 * 1024 };

/* Those that are read anew each time, or handed to their owner by serve.c. */
static const char *const live_keys[] = {
    "publicUrl",        "corsOrigins",           "attempt.timeout",
    "uncertain.hold",   "disk.reserve",          "drain.timeout",
    "log.level",        "limits.inFlight",       "limits.perTenant",
    "limits.queue",     "limits.queuePerTenant", "fetch.maxSize",
    "fetch.timeout",    "output.signed",         "output.linkTtl",
    "uploads.maxSize",  "uploads.maxTotal",      "uploads.maxCount",
    "uploads.inFlight", "uploads.keep",          "uploads.timeout",
    "outputs.maxAge",   "outputs.maxSize",       "limits.requestsPerMinute",
    "budget.providers", "price.assume",
};

bool reload_is_live(const struct config_key *key)
{
    for (size_t n = 0; n < sizeof live_keys / sizeof live_keys[0]; n++) {
        if (strcmp(live_keys[n], key->name) == 0)
            return true;
    }
    return false;
}

/* ---------------------------------------------------------------- old and new */

static bool is_equal(const struct config *a, const struct config *b, const struct config_key *key)
{
    if (key->type == CONFIG_SECRET) {
        const struct secret *one = (const void *)((const char *)a + key->offset);
        const struct secret *other = (const void *)((const char *)b + key->offset);
        return one->size == 0 ? other->size == 0
                              : secret_equal(*other, span_make(one->bytes, one->size));
    }
    struct buffer one, other;
    buffer_init(&one, VALUE_MAX);
    buffer_init(&other, VALUE_MAX);
    config_value_write(a, key, &one);
    config_value_write(b, key, &other);
    bool equal = span_equal(buffer_span(&one), buffer_span(&other));
    buffer_done(&one);
    buffer_done(&other);
    return equal;
}

static size_t size_of(enum config_type type)
{
    static const size_t sizes[] = {
        [CONFIG_TEXT] = sizeof(const char *),
        [CONFIG_CHOICE] = sizeof(const char *),
        [CONFIG_PATH] = sizeof(const char *),
        [CONFIG_URL] = sizeof(const char *),
        [CONFIG_INTEGER] = sizeof(int64_t),
        [CONFIG_BYTES] = sizeof(uint64_t),
        [CONFIG_DURATION] = sizeof(ms_t),
        [CONFIG_MONEY] = sizeof(int64_t),
        [CONFIG_BOOLEAN] = sizeof(bool),
        [CONFIG_LIST] = sizeof(struct config_list),
        [CONFIG_ADDRESS] = sizeof(struct config_address),
        [CONFIG_SECRET] = sizeof(struct secret),
    };
    return sizes[type];
}

static void keep_value(const struct config *now, struct config *next, const struct config_key *key)
{
    const void *from = (const char *)now + key->offset;
    void *to = (char *)next + key->offset;
    size_t place = (size_t)(key - config_table);
    next->origins[place] = now->origins[place];
    if (key->type == CONFIG_SECRET) {
        const struct secret *secret = from;
        secret_done(to);
        *(struct secret *)to =
            secret->size ? secret_make(span_make(secret->bytes, secret->size)) : (struct secret){0};
    } else {
        memcpy(to, from, size_of(key->type));
    }
}

unsigned reload_merge(const struct config *now, struct config *next,
                      void (*note)(void *context, const struct config_key *key, bool is_live),
                      void *context)
{
    unsigned count = 0;
    for (size_t n = 0; n < config_table_size; n++) {
        const struct config_key *key = &config_table[n];
        bool is_live = reload_is_live(key);
        if (is_equal(now, next, key))
            continue;
        note(context, key, is_live);
        count += is_live;
        if (!is_live)
            keep_value(now, next, key);
    }
    return count;
}

/* ---------------------------------------------------------------- snapshots */

void reload_init(struct reload *reload, const struct config *config,
                 const struct reload_source *source)
{
    *reload = (struct reload){.config = config, .source = source};
}

bool reload_open(struct reload *reload, char ret_fault[static CATALOG_FAULT_SIZE])
{
    const char *folder = reload->config->catalog_folder;
    struct catalog *catalog = user_catalog_make(folder, ret_fault);
    if (!catalog || !user_catalog_digest(folder, reload->digest, ret_fault)) {
        catalog_free(catalog);
        return false;
    }
    reload->catalogs[reload->catalog_count++] = catalog;
    reload->catalog = catalog;
    return true;
}

void reload_done(struct reload *reload)
{
    for (unsigned n = 0; n < reload->catalog_count; n++)
        catalog_free(reload->catalogs[n]);
    for (unsigned n = 0; n < reload->config_count; n++) {
        config_done(reload->configs[n]);
        memory_free(reload->configs[n]);
    }
    *reload = (struct reload){0};
}

static void note_change(void *context, const struct config_key *key, bool is_live)
{
    const struct config *next = context;
    struct buffer value;
    if (!is_live) {
        log_warn("this key changes only at a restart; the value in force stays",
                 log_text("key", key->name));
        return;
    }
    buffer_init(&value, VALUE_MAX);
    config_value_write(next, key, &value);
    log_info("configuration changed", log_text("key", key->name),
             log_span("value", buffer_span(&value)));
    buffer_done(&value);
}

static bool has_room(unsigned count, const char *what)
{
    if (count < RELOAD_SNAPSHOTS_MAX)
        return true;
    log_warn("too many reloads since the start; a restart is needed for more",
             log_text("what", what));
    return false;
}

static bool take_config(struct reload *reload)
{
    struct buffer faults;
    struct config *next = memory_new(struct config);
    buffer_init(&faults, CONFIG_FAULTS_MAX);
    bool good = reload->source->load(reload->source->context, next, &faults);
    struct span rest = buffer_span(&faults), line;
    while (span_take(&rest, '\n', &line)) {
        if (line.size > 0)
            log_error("the configuration can't be used; the old one stays", log_span("why", line));
    }
    bool changed = good && reload_merge(reload->config, next, note_change, next) > 0 &&
                   has_room(reload->config_count, "configuration");
    buffer_done(&faults);
    if (changed) {
        reload->configs[reload->config_count++] = next;
        reload->config = next;
    } else {
        config_done(next);
        memory_free(next);
    }
    return changed;
}

static bool take_catalog(struct reload *reload)
{
    char fault[CATALOG_FAULT_SIZE];
    unsigned char digest[CRYPTO_SHA256_SIZE];
    const char *folder = reload->config->catalog_folder;
    struct catalog *next = NULL;
    if (!folder)
        return false;
    bool good = user_catalog_digest(folder, digest, fault);
    if (good && memcmp(digest, reload->digest, sizeof digest) == 0)
        return false;
    if (good && !has_room(reload->catalog_count, "catalogue"))
        return false;
    if (good)
        next = user_catalog_make(folder, fault);
    if (!next) {
        log_error("the catalogue can't be used; the old one stays", log_text("why", fault));
        return false;
    }
    memcpy(reload->digest, digest, sizeof digest);
    reload->catalogs[reload->catalog_count++] = next;
    reload->catalog = next;
    log_info("the catalogue was read anew",
             log_number("models", (int64_t)catalog_model_count(next)));
    return true;
}

bool reload_again(struct reload *reload)
{
    if (!reload->source)
        return false;
    bool config = take_config(reload), catalog = take_catalog(reload);
    if (!config && !catalog)
        log_info("reloaded; nothing changes");
    return config || catalog;
}
