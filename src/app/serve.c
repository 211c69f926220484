#include "app/serve.h"

#include "app/backup.h"
#include "app/ballast.h"
#include "app/caller.h"
#include "app/core_setup.h"
#include "app/credential.h"
#include "app/drain.h"
#include "app/hook.h"
#include "app/hook_body.h"
#include "app/hook_sign.h"
#include "app/ingress.h"
#include "app/pool.h"
#include "app/resend.h"
#include "app/sandbox.h"
#include "app/sandbox_callback.h"
#include "app/sandbox_host.h"
#include "app/sweep.h"
#include "app/work.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/clock.h"
#include "store/sqlite.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    SERVE_LOOPS_MAX = 16,
    SERVE_TICK_MS = 250,          /* checkpoints of the store's log, a look at the ballast */
    SERVE_BALLAST_MAX = 64 << 20, /* bytes */
    SERVE_URL_SECRET = 129
};

struct serve {
    const struct config *config; /* in force; of the main thread */
    struct reload reload;
    struct depot_lock *lock;
    struct depot *depot;
    struct store *store;
    struct reader *reader, *hook_reader; /* of the works, of the webhooks */
    struct guard *guard;
    struct egress *egress;
    struct children *children;
    struct worker_pool *pool;
    struct board *board;
    struct engine *engine;
    struct works *works;
    struct caller *caller;
    struct reader *sweep_reader, *remote_reader;
    struct sweep *sweep;
    struct upload_desk uploads;
    unsigned char hook_seed[CRYPTO_ED25519_SIZE], hook_key[CRYPTO_ED25519_SIZE]; /* fal's */
    struct hook_office *hooks;
    char alert_secret[HOOK_SECRET_SIZE];
    struct ingress_shared shared;
    struct ingress *ingresses[SERVE_LOOPS_MAX];
    unsigned ingress_count;
    struct sandbox_host *host; /* a sandbox beside us; NULL: none */
    char hook_base[SANDBOX_HOST_URL_SIZE];
    struct sandbox *sandbox; /* we are one; NULL: a gateway */
    struct sandbox_callback *callbacks;
    char database[DEPOT_PATH_SIZE], ballast[DEPOT_PATH_SIZE];
    uint64_t ballast_size;
};

/* ---------------------------------------------------------------- the engine's effects */

static void on_reply(void *context, const struct reply *reply)
{
    struct serve *serve = context;
    unsigned number = ingress_of_token(reply->token);
    if (number < serve->ingress_count)
        ingress_reply(serve->ingresses[number], reply);
}

static void on_publish(void *context, const struct job *job)
{
    struct serve *serve = context;
    if (serve->sandbox)
        sandbox_changed(serve->sandbox, job);
    for (unsigned n = 0; n < serve->ingress_count; n++)
        ingress_publish(serve->ingresses[n], job->key);
}

static void on_work(void *context, const struct job *job)
{
    struct serve *serve = context;
    works_start(serve->works, job);
}

static void on_stop(void *context, const struct job *job, unsigned attempt)
{
    struct serve *serve = context;
    works_stop(serve->works, job, attempt);
}

static void on_keep(void *context, const struct job *job, unsigned attempt)
{
    struct serve *serve = context;
    works_keep(serve->works, job, attempt);
}

static void on_remote(void *context, const struct effect *effect)
{
    struct serve *serve = context;
    caller_run(serve->caller, effect);
}

static void on_drop(void *context, const struct job *job, unsigned attempt)
{
    struct serve *serve = context;
    works_drop(serve->works, job, attempt);
}

static void on_api_key(void *context, const struct api_key_change *change)
{
    struct serve *serve = context;
    keyring_take_key(serve->shared.keyring, change);
    if (change->act == API_KEY_MADE || change->act == API_KEY_REVOKED)
        log_info("a key was changed", log_text("key", change->row.id),
                 log_text("act", api_key_act_name(change->act)),
                 log_text("tenant", change->row.tenant));
}

static void on_tenant(void *context, const struct tenant_row *row)
{
    struct serve *serve = context;
    keyring_take_tenant(serve->shared.keyring, row);
    log_info("a tenant was changed", log_text("tenant", row->tenant), log_text("tier", row->tier));
}

static void on_budget(void *context, const struct budget_notice *notice)
{
    hook_budget(((struct serve *)context)->hooks, notice);
}

static void on_unwell(void *context, const struct unwell_notice *notice)
{
    hook_unwell(((struct serve *)context)->hooks, notice);
}

static void on_remove_files(void *context, const struct job *job)
{
    sweep_files(((struct serve *)context)->sweep, job->id);
}

static void on_remove_upload(void *context, const char *id)
{
    sweep_upload(((struct serve *)context)->sweep, id);
}

static void on_hook(void *context, int64_t job, unsigned number, unsigned tries, bool is_last)
{
    struct serve *serve = context;
    if (serve->callbacks)
        sandbox_callback_deliver(serve->callbacks, job, number, tries, is_last);
    else
        hook_deliver(serve->hooks, job, number, tries, is_last);
}

static void on_write_body(void *context, const struct hook_insert *hook, struct buffer *target)
{
    struct serve *serve = context;
    const struct hook_body scene = {
        .config = serve->config,
        .catalog = serve->shared.catalog,
        .url_secret = serve->shared.url_secret,
        .port =
            serve->ingress_count ? ingress_port(serve->ingresses[0]) : serve->config->listen.port,
    };
    hook_body_write(&scene, hook, target);
}

static void on_tested(void *context, uint64_t token, const struct answer_hook_test *outcome)
{
    struct serve *serve = context;
    unsigned number = ingress_of_token(token);
    if (number < serve->ingress_count)
        ingress_tested(serve->ingresses[number], token, outcome);
}

static bool test_hook(void *context, const char *tenant, const char *url, uint64_t token)
{
    struct serve *serve = context;
    return hook_test(serve->hooks, &(struct hook_test){tenant, url, token, on_tested, serve});
}

static void on_full(void *context)
{
    struct serve *serve = context;
    if (ballast_drop(serve->ballast))
        log_warn("the disk is full; the ballast was given up so that running jobs can end");
}

static bool post_to_engine(void *context, struct message *message)
{
    struct serve *serve = context;
    return engine_post(serve->engine, message, false);
}

/* ---------------------------------------------------------------- opening, step by step */

static bool complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "reel: %s%s%s\n", what, why[0] ? ": " : "", why);
    return false;
}

static bool open_home(struct serve *serve)
{
    char fault[DEPOT_FAULT_SIZE];
    const struct config *config = serve->config;
    serve->lock = depot_lock(config->home, fault);
    if (!serve->lock)
        return complain("the home can't be used", fault);
    if (backup_half_restored(config->home))
        return complain("a restore into this home did not come to its end; run `reel restore` "
                        "again",
                        config->home);
    serve->depot = depot_make(config->home, fault);
    if (!serve->depot)
        return complain("the home can't be used", fault);
    unsigned swept = depot_sweep(serve->depot, clock_wall(), NULL, NULL);
    if (swept)
        log_info("leftovers of an earlier run were removed", log_number("count", swept));
    serve->ballast_size = config->disk_reserve / 8;
    if (serve->ballast_size > SERVE_BALLAST_MAX)
        serve->ballast_size = SERVE_BALLAST_MAX;
    (void)snprintf(serve->ballast, sizeof serve->ballast, "%s/ballast", config->home);
    return true;
}

static bool open_store(struct serve *serve)
{
    char fault[STORE_FAULT_SIZE], secret[SERVE_URL_SECRET];
    (void)snprintf(serve->database, sizeof serve->database, "%s/reel.db", serve->config->home);
    serve->store = sqlite_open(serve->database, fault);
    if (!serve->store)
        return complain("the store can't be opened", fault);
    serve->reader = store_open_reader(serve->store, fault);
    if (!serve->reader)
        return complain("the store can't be read", fault);
    if (reader_setting(serve->reader, "url_secret", secret, sizeof secret) != STORE_OK)
        return complain("the store has no secret for links", "");
    serve->shared.url_secret = secret_make(span_of(secret));
    hook_sign_fal_seed(serve->shared.url_secret, serve->hook_seed, serve->hook_key);
    explicit_bzero(secret, sizeof secret);
    return true;
}

static bool open_outside(struct serve *serve)
{
    const struct config *config = serve->config;
    char fault[CATALOG_FAULT_SIZE];
    if (!reload_open(&serve->reload, fault))
        return complain("the catalogue can't be used", fault);
    serve->guard = guard_make(config->network.allow.text, config->network.allow_ports.text, fault);
    if (!serve->guard)
        return complain("network.allow or network.allowPorts", fault);
    const struct egress_config egress = {.authorities = config->network.authorities,
                                         .credential = credential_write,
                                         .credential_context = &serve->reload};
    serve->egress = egress_make(&egress, serve->guard);
    serve->children = children_make();
    return (serve->egress && serve->children) || complain("threads can't be started", "");
}

/* Either kind: the sandbox that we are, or the one that runs beside us. */
static bool open_sandbox(struct serve *serve)
{
    const struct config *config = serve->config;
    char fault[SANDBOX_FAULT_SIZE] = "";
    if (config->sandbox.is_one && sandbox_environment(serve->reload.catalog, NULL, fault))
        serve->sandbox = sandbox_open(config, serve->store, fault);
    if (config->sandbox.has_one)
        serve->host = sandbox_host_make(serve->children, config, serve->reload.catalog, fault);
    return !fault[0] || complain("the sandbox", fault);
}

static bool open_pool(struct serve *serve)
{
    const struct config *config = serve->config;
    char folder[DEPOT_PATH_SIZE], fault[POOL_FAULT_SIZE];
    (void)snprintf(folder, sizeof folder, "%s/work", config->home);
    if (access(config->local.program, X_OK) != 0)
        return complain("reel-media can't be run; set local.program", config->local.program);
    if (!depot_set_user(serve->depot, (unsigned)config->local.user))
        return complain("the work folder can't be given to local.user", "the log says why");
    if (!pool_check(config, folder, fault))
        return complain("the workers can't work as they must; `reel doctor` says more, and "
                        "--weak-cage does without layers of the cage",
                        fault);
    serve->pool = pool_make(serve->children, config, folder);
    return serve->pool || complain("the workers can't be started", "");
}

/* Before the engine: its recovery may have word for it. */
static bool open_keyring(struct serve *serve)
{
    struct buffer faults;
    buffer_init(&faults, CONFIG_FAULTS_MAX);
    (void)tier_read(&serve->config->tiers, serve->shared.tiers, &serve->shared.tier_count,
                    &faults); /* config_can_serve told of faults */
    buffer_done(&faults);
    serve->shared.keyring = keyring_make(serve->config->limits.requests_per_minute);
    return keyring_load(serve->shared.keyring, serve->reader) == STORE_OK ||
           complain("the store's keys can't be read", "the log says why");
}

static bool open_caller(struct serve *serve)
{
    char fault[STORE_FAULT_SIZE];
    serve->remote_reader = store_open_reader(serve->store, fault);
    const struct caller_config caller = {
        .catalog = serve->reload.catalog,
        .config = serve->config,
        .secret = serve->shared.url_secret,
        .egress = serve->egress,
        .depot = serve->depot,
        .works = serve->works,
        .board = serve->board,
        .reader = serve->remote_reader,
        .only_origin = serve->host ? sandbox_host_url(serve->host) : NULL,
        .post = post_to_engine,
        .context = serve,
    };
    return serve->remote_reader && (serve->caller = caller_make(&caller)) != NULL;
}

static bool open_engine(struct serve *serve)
{
    const struct config *config = serve->config;
    const struct engine_effects effects = {.context = serve,
                                           .reply = on_reply,
                                           .publish = on_publish,
                                           .work = on_work,
                                           .stop = on_stop,
                                           .keep = on_keep,
                                           .drop = on_drop,
                                           .remote = on_remote,
                                           .remove_files = on_remove_files,
                                           .remove_upload = on_remove_upload,
                                           .hook = on_hook,
                                           .write_body = on_write_body,
                                           .full = on_full,
                                           .api_key = on_api_key,
                                           .tenant = on_tenant,
                                           .budget = on_budget,
                                           .unwell = on_unwell};
    struct core_config *core = core_setup_make(serve->config, serve->reload.catalog,
                                               serve->shared.tiers, serve->shared.tier_count);
    serve->board = board_make();
    serve->engine = engine_make(core, serve->store, serve->depot, serve->board, &effects);
    engine_config_free(core);
    if (!serve->engine)
        return complain("the store can't be read", "the log says why");
    const struct works_config works = {
        .catalog = serve->reload.catalog,
        .depot = serve->depot,
        .egress = serve->egress,
        .pool = serve->pool,
        .children = serve->children,
        .command_environment = &config->command.environment,
        .reader = serve->reader,
        .fetch_max = config->fetch.max_size,
        .output_max = config->local.max_output,
        .fetch_timeout = config->fetch.timeout,
        .is_sandbox = config->sandbox.is_one,
        .post = post_to_engine,
        .context = serve,
    };
    serve->works = works_make(&works);
    return (serve->works && open_caller(serve)) || complain("threads can't be started", "");
}

/* After the engine has recovered, and before anybody uploads. */
static bool open_sweep(struct serve *serve)
{
    char fault[STORE_FAULT_SIZE];
    const struct config *config = serve->config;
    serve->sweep_reader = store_open_reader(serve->store, fault);
    if (!serve->sweep_reader)
        return complain("the store can't be read", fault);
    const struct sweep_config sweep = {
        .depot = serve->depot,
        .reader = serve->sweep_reader,
        .max_age = config->outputs.max_age,
        .max_size = config->outputs.max_size,
        .post = post_to_engine,
        .context = serve,
    };
    serve->sweep = sweep_make(&sweep);
    return serve->sweep || complain("threads can't be started", "");
}

static bool open_hooks(struct serve *serve)
{
    const struct config *config = serve->config;
    char fault[STORE_FAULT_SIZE];
    const struct secret *secret = &config->alerts.secret;
    serve->hook_reader = store_open_reader(serve->store, fault);
    if (!serve->hook_reader)
        return complain("the store can't be read", fault);
    (void)span_copy(span_make(secret->bytes, secret->size), serve->alert_secret,
                    sizeof serve->alert_secret);
    const struct hook_config hooks = {
        .egress = serve->egress,
        .reader = serve->hook_reader,
        .board = serve->board,
        .timeout = config->webhooks.timeout,
        .alert_url = config->alerts.url,
        .alert_secret = serve->alert_secret[0] ? serve->alert_secret : NULL,
        .post = post_to_engine,
        .context = serve,
        .fal_seed = serve->hook_seed,
    };
    serve->hooks = hook_make(&hooks);
    if (serve->sandbox)
        serve->callbacks = sandbox_callback_make(&(struct sandbox_callback_config){
            serve->sandbox->script, serve->hooks, serve->store, post_to_engine, serve});
    return (serve->hooks && (!serve->sandbox || serve->callbacks)) ||
           complain("threads can't be started", "");
}

static bool open_ingresses(struct serve *serve)
{
    char fault[SERVER_FAULT_SIZE];
    uint16_t port = 0;
    serve->shared.config = serve->config;
    serve->shared.catalog = serve->reload.catalog;
    serve->shared.engine = serve->engine;
    serve->shared.store = serve->store;
    serve->shared.depot = serve->depot;
    serve->shared.board = serve->board;
    serve->shared.uploads = &serve->uploads;
    serve->shared.resend = resend_make();
    serve->shared.hook_key = serve->hook_key;
    serve->shared.guard = serve->guard;
    serve->shared.sandbox = serve->sandbox;
    serve->shared.test_hook = test_hook;
    serve->shared.test_context = serve;
    for (unsigned n = 0; n < (unsigned)serve->config->server.loops && n < SERVE_LOOPS_MAX; n++) {
        struct ingress *ingress = ingress_make(&serve->shared, n, port, fault);
        if (!ingress)
            return complain("the server can't listen", fault);
        serve->ingresses[serve->ingress_count++] = ingress;
        port = ingress_port(ingress);
    }
    sandbox_host_back(&serve->config->listen, port, serve->hook_base);
    if (serve->host)
        caller_call_back(serve->caller, serve->hook_base);
    return true;
}

/* ---------------------------------------------------------------- running and ending */

static void say_listening(const struct serve *serve)
{
    const struct config *config = serve->config;
    bool is_v6 = strchr(config->listen.host, ':') != NULL;
    uint16_t port = ingress_port(serve->ingresses[0]);
    (void)printf("reel " REEL_VERSION " listens on http://%s%s%s:%u\n", is_v6 ? "[" : "",
                 config->listen.host, is_v6 ? "]" : "", port);
    if (serve->host)
        (void)printf("Its providers are a sandbox at %s/sandbox/ledger\n",
                     sandbox_host_url(serve->host));
    (void)fflush(stdout);
    log_info("listening", log_text("host", config->listen.host), log_number("port", port),
             log_text("home", config->home), log_text("version", REEL_VERSION));
}

static void tick(struct serve *serve)
{
    (void)sqlite_checkpoint(serve->store);
    uint64_t free = depot_free_bytes(serve->depot), reserve = serve->config->disk_reserve;
    if (free > 2 * reserve) {
        (void)ballast_lay(serve->ballast, serve->ballast_size);
        return;
    }
    hook_disk(serve->hooks, free, reserve);
}

/* Hands what is new to its owners: the loops read the pointers at each request, the core takes its
 * limits between two turns, the works from their next step on. */
static void reload(struct serve *serve)
{
    if (!reload_again(&serve->reload))
        return;
    const struct config *config = serve->reload.config;
    enum log_level level = LOG_INFO;
    serve->config = config;
    serve->shared.config = config;
    serve->shared.catalog = serve->reload.catalog;
    engine_configure(serve->engine, core_setup_make(serve->config, serve->reload.catalog,
                                                    serve->shared.tiers, serve->shared.tier_count));
    caller_configure(serve->caller, serve->reload.catalog);
    works_configure(serve->works, serve->reload.catalog, config->fetch.max_size,
                    config->fetch.timeout);
    keyring_configure(serve->shared.keyring, config->limits.requests_per_minute);
    sweep_configure(serve->sweep, config->outputs.max_age, config->outputs.max_size);
    (void)log_level_find(span_of(config->log.level), &level);
    log_set(level, span_is(span_of(config->log.format), "plain") ? LOG_PLAIN : LOG_JSON);
}

static void wait_for_end(struct serve *serve, const sigset_t *signals)
{
    const struct timespec pause = {.tv_nsec = SERVE_TICK_MS * 1000000L};
    for (;;) {
        int signal = sigtimedwait(signals, NULL, &pause);
        if (signal == SIGTERM || signal == SIGINT) {
            log_info("stopping", log_text("signal", signal == SIGTERM ? "TERM" : "INT"));
            return;
        }
        if (signal == SIGHUP)
            reload(serve);
        tick(serve);
    }
}

/* In the order of who uses whom; accepts what was never opened. Work that is cut off here is done
 * again after the next start, and counts as no try; so are webhooks. */
static void close_all(struct serve *serve)
{
    /* The engine's effects go to the ingresses; what these still ask of it is refused. */
    if (serve->engine)
        engine_stop(serve->engine);
    sweep_free(serve->sweep);
    sandbox_callback_free(serve->callbacks);
    hook_stop(serve->hooks);
    caller_stop(serve->caller);
    worker_free(serve->pool);
    egress_free(serve->egress, 0);
    for (unsigned n = 0; n < serve->ingress_count; n++)
        ingress_free(serve->ingresses[n]);
    resend_free(serve->shared.resend);
    hook_free(serve->hooks);
    caller_free(serve->caller);
    works_free(serve->works);
    engine_free(serve->engine);
    board_free(serve->board);
    children_free(serve->children);
    sandbox_host_free(serve->host);
    guard_free(serve->guard);
    reader_close(serve->reader);
    reader_close(serve->sweep_reader);
    reader_close(serve->remote_reader);
    reader_close(serve->hook_reader);
    store_close(serve->store);
    sandbox_close(serve->sandbox);
    keyring_free(serve->shared.keyring);
    depot_free(serve->depot);
    depot_unlock(serve->lock);
    secret_done(&serve->shared.url_secret);
    explicit_bzero(serve->alert_secret, sizeof serve->alert_secret);
    explicit_bzero(serve->hook_seed, sizeof serve->hook_seed);
    reload_done(&serve->reload);
}

int serve_run(const struct config *config, const struct reload_source *source)
{
    struct serve serve = {.config = config};
    reload_init(&serve.reload, config, source);
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGHUP);
    /* Before any thread starts, so that all inherit the mask and only this one is told. */
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGIO, SIG_IGN); /* of the leases that the depot takes for a moment */
    bool opened = open_home(&serve) && open_store(&serve) && open_outside(&serve) &&
                  open_sandbox(&serve) && open_pool(&serve) && open_keyring(&serve) &&
                  open_engine(&serve) && open_hooks(&serve) && open_sweep(&serve) &&
                  open_ingresses(&serve);
    if (opened) {
        engine_start(serve.engine);
        say_listening(&serve);
        wait_for_end(&serve, &signals);
        board_set_ready(serve.board, false);
        drain_run(&(struct drain){serve.ingresses, serve.ingress_count, serve.engine, serve.caller},
                  clock_monotonic() + config->drain_timeout);
    }
    close_all(&serve);
    if (opened)
        log_info("stopped");
    return opened ? 0 : EXIT_SERVE_FAILED;
}
