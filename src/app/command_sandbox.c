/* `reel sandbox`: the provider side alone. */
#include "app/command.h"
#include "app/config.h"
#include "app/config_value.h"
#include "app/home.h"
#include "app/sandbox.h"
#include "app/serve.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

const struct arguments_option command_sandbox_options[] = {
    {"--home", 0, "DIR", "The folder of ledger and files (the gateway's, and in it `sandbox`)."},
    {"--listen", 'l', "ADDR:PORT", "A loopback address (127.0.0.1:8081); port 0 is any free one."},
    {"--script", 0, "FILE", "What shall go wrong, as JSON; without it nothing does."},
    {"--weak-cage", 0, NULL, "As for `reel serve`."},
    {"--set", 0, "KEY=VALUE", "A setting of `reel serve`, as local.workers=4."},
    {0},
};

/* What a sandbox has where nobody says otherwise. */
static const struct config_setting usual[] = {
    {"listen", "127.0.0.1:8081"},
    {"network.allow", "127.0.0.0/8, ::1"}, /* its callers are on this machine … */
    {"network.allowPorts", "*"},
    {"limits.inFlight", "100000"}, /* … and it takes all that they send */
    {"webhooks.inFlight", "1000"},
    {"webhooks.schedule", "0s, 1s, 2s, 5s, 10s, 30s, 1m, 5m, 10m, 30m"},
    {"webhooks.perReceiver", "8"},
};

static void say(const struct buffer *faults)
{
    if (faults->size > 0)
        fprintf(stderr, "reel: %.*s", SPAN_PRINT(buffer_span(faults)));
}

static bool is_default(const struct config *config, const struct config_key *key)
{
    return strcmp(config->origins[key - config_table], "default") == 0;
}

static bool make_home(struct config *config, struct buffer *faults)
{
    if (!is_default(config, config_find(SPAN("home"))))
        return true;
    bool good = home_make(config, faults);
    config->home = arena_print(&config->arena, "%s/sandbox", config->home);
    config->home_is_default = false;
    return good;
}

/* Over whatever the files and the environment say, which are a gateway's. */
static bool settle(const struct command_call *call, struct config *config, struct buffer *faults)
{
    for (size_t n = 0; n < sizeof usual / sizeof usual[0]; n++) {
        const struct config_key *key = config_find(span_of(usual[n].name));
        if (is_default(config, key))
            (void)config_value_set(config, key, span_of(usual[n].value), NULL);
    }
    config->sandbox.is_one = true;
    config->sandbox.script = arguments_value(&call->arguments, "--script");
    config->no_auth = true;
    secret_done(&config->auth_token);
    config->auth_token = (struct secret){0};
    config->public_url = NULL;
    config->alerts.url = NULL;
    if (config->listen.is_loopback)
        return true;
    buffer_print(faults,
                 "listen is \"%s:%u\"; a sandbox takes any key, so it answers on a loopback "
                 "address only, as 127.0.0.1:8081\n",
                 config->listen.host, config->listen.port);
    return false;
}

int command_sandbox_run(struct command_call *call)
{
    struct config config;
    struct buffer faults;
    int status = COMMAND_USAGE;
    buffer_init(&faults, CONFIG_FAULTS_MAX);
    if (command_load_config(call, &config)) {
        enum log_level level = LOG_INFO;
        (void)log_level_find(span_of(config.log.level), &level);
        log_set(level, span_is(span_of(config.log.format), "plain") ? LOG_PLAIN : LOG_JSON);
        if (!settle(call, &config, &faults)) {
            say(&faults);
        } else if (!make_home(&config, &faults)) {
            say(&faults);
            status = COMMAND_FAILED;
        } else {
            sandbox_await_home(config.home);
            status = serve_run(&config, NULL);
        }
    }
    config_done(&config);
    buffer_done(&faults);
    return status;
}
