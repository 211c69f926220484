/* What the operator set: one table (config_table.c) says of each key its name, type, default, range
 * and meaning; from it the file `reel.yaml`, the environment and the command line's flags are read,
 * in this order, later ones over earlier ones, and the documentation is printed.
 *
 * A key `limits.inFlight` is the variable REEL_LIMITS_IN_FLIGHT; some have a further name of their
 * own (AUTH_TOKEN). A secret's variable with _FILE after it names a file that holds the secret. An
 * unknown key in the file, or an unknown variable that starts with REEL_, is a fault. */
#ifndef APP_CONFIG_H
#define APP_CONFIG_H

#include "app/budget.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/secret.h"
#include "base/time.h"
#include "core/notify.h"

enum { CONFIG_HOST_SIZE = 46, CONFIG_FAULTS_MAX = 64 * 1024 };

struct config_list {
    const char *const *items;
    unsigned count;
    const char *text; /* all of them with ", " between; "" when empty */
};

struct config_address {
    char host[CONFIG_HOST_SIZE]; /* "127.0.0.1", "::1", "::"; no brackets */
    uint16_t port;               /* 0: any free one */
    bool is_loopback;
};

/* All texts live in `arena`. Texts are never NULL unless it says so. */
struct config {
    struct arena arena;
    const char *file; /* the reel.yaml that was read; NULL: there is none */
    /* Where each key's value came from, in the order of the table: "default", "AUTH_TOKEN",
     * "/etc/reel/reel.yaml:3", "--listen". */
    const char **origins;

    const char *home; /* absolute, no slash at the end */
    bool home_is_default;
    struct config_address listen;
    const char *public_url;   /* without a slash at the end; NULL: the address asked at is used */
    struct secret auth_token; /* size 0: none */
    bool no_auth;
    struct config_list cors_origins;
    const char *storage_mode; /* "local" */
    ms_t attempt_timeout;
    ms_t uncertain_hold; /* 0: the model's time decides */
    uint64_t disk_reserve;
    ms_t drain_timeout;
    const char *catalog_folder; /* NULL: only what is built in */

    struct {
        const char *level;  /* a name that log_level_find knows */
        const char *format; /* "json" or "plain"; auto has been decided */
    } log;

    struct {
        int64_t in_flight, per_tenant, queue, queue_per_tenant, requests_per_minute;
    } limits;
    struct config_list tiers; /* see app/tier.h */

    struct {
        int64_t workers;     /* > 0; 0 in the file has been decided */
        const char *program; /* reel-media; whether it is there is not checked */
        ms_t timeout, silence;
        uint64_t memory, max_output;
        int64_t max_pixels;
        const char *encoder;
        const char *preset; /* NULL: the encoder's own */
        int64_t user;       /* 0: the server's own */
        bool weak_cage;
    } local;

    struct {
        struct config_list environment; /* names; one may end in * */
    } command;

    struct {
        int64_t loops, connections, connections_per_address, connections_per_open_address;
        uint64_t head_max, body_max, bodies_max;
        ms_t head_timeout, body_timeout, idle_timeout;
        struct config_list trusted_proxies;
    } server;

    struct {
        /* As guard_make takes their texts. Clients in `allow` have the higher bound of connections.
         */
        struct config_list allow, allow_ports;
        const char *authorities; /* a file of certificates; NULL: the system's */
    } network;

    struct {
        ms_t submit_timeout, read_timeout;
    } providers;

    struct {
        uint64_t max_size;
        ms_t timeout;
    } fetch;

    struct {
        uint64_t max_size, max_total; /* of one; of a tenant's together, 0: no limit */
        int64_t max_count, in_flight;
        ms_t keep, timeout;
    } uploads;

    struct {
        ms_t max_age;      /* 0: kept for ever */
        uint64_t max_size; /* 0: no limit */
    } outputs;

    struct {
        struct config_list schedule_texts; /* webhooks.schedule, and as waits before each try: */
        ms_t schedule[NOTIFY_TRIES_MAX];
        unsigned schedule_count;
        ms_t timeout;
        int64_t in_flight, per_receiver;
    } webhooks;
    struct {
        int64_t per_provider;
    } streams;

    struct {
        const char *url; /* NULL: no alerts */
        struct secret secret;
    } alerts;

    struct {
        struct config_list provider_texts; /* budget.providers, and read: */
        struct core_budget providers[BUDGET_MAX];
        unsigned provider_count;
    } budget;

    struct {
        int64_t assume; /* micro-dollars; −1: nothing is assumed */
    } price;

    struct {
        bool is_signed; /* output.signed */
        ms_t link_ttl;
    } output;

    struct {
        uint64_t cache_size;
    } sqlite;

    /* Of no key, but of the command line: see app/sandbox.h. */
    struct {
        bool is_one;        /* `reel sandbox`: the provider side */
        bool has_one;       /* `reel serve --sandbox`: it runs beside us */
        const char *script; /* borrowed; NULL: none */
    } sandbox;
};

enum config_type {
    CONFIG_TEXT,
    CONFIG_CHOICE,   /* one of `choices` */
    CONFIG_PATH,     /* "~/" is the user's home; made absolute */
    CONFIG_URL,      /* http or https, no query */
    CONFIG_SECRET,   /* struct secret */
    CONFIG_INTEGER,  /* int64_t */
    CONFIG_BYTES,    /* uint64_t; "256MiB", "5GB", "1024" */
    CONFIG_DURATION, /* ms_t; "500ms", "10s", "15m", "24h", "7d" */
    CONFIG_MONEY,    /* int64_t, micro-dollars; "0.05", or "none", which is −1 */
    CONFIG_BOOLEAN,
    CONFIG_LIST,   /* struct config_list; a YAML list, or text with commas */
    CONFIG_ADDRESS /* struct config_address */
};

struct config_key {
    const char *name;  /* "limits.inFlight" */
    const char *alias; /* a further variable; may be NULL */
    const char *flag;  /* of `reel serve`, "--listen"; may be NULL */
    enum config_type type;
    size_t offset;        /* in struct config */
    const char *fallback; /* as text; NULL: none, or decided at start */
    int64_t min, max;     /* of integers, bytes and durations */
    const char *choices;  /* "json|plain" */
    const char *sentence; /* what it is for; says what happens without it where that matters */
};

/* The table, in the order of the documentation. */
extern const struct config_key config_table[];
extern const size_t config_table_size;

/* A flag of the command line: key name and value. */
struct config_setting {
    const char *name, *value;
};

struct config_source {
    const char *file; /* --config; NULL: REEL_CONFIG, reel.yaml in the home, /etc/reel/reel.yaml */
    const char *const *environment; /* "NAME=value" …, NULL at the end */
    const struct config_setting *settings;
    unsigned setting_count;
};

/* Fills ret_config, to be freed with config_done either way. False when anything is wrong: then
 * `faults` (initialised by the caller) holds a line for each fault, which never shows a secret. */
bool config_load(const struct config_source *source, struct config *ret_config,
                 struct buffer *faults);
void config_done(struct config *config);

/* Whether a server may start with it: no_auth needs a loopback address. The server has a token
 * then, for token_ensure makes one where none was given. */
bool config_can_serve(const struct config *config, struct buffer *faults);
/* REEL_HOME, or the default home, as far as the environment alone says. */
const char *config_home(const char *const *environment, struct arena *arena);

/* The variable of a key: "REEL_LIMITS_IN_FLIGHT". */
void config_variable(const char *name, struct buffer *target);
/* The entry of that name; NULL when there is none. */
const struct config_key *config_find(struct span name);

#endif
