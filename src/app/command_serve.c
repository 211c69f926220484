/* `reel serve`: the configuration, then the server. */
#include "app/command.h"
#include "app/config.h"
#include "app/home.h"
#include "app/serve.h"
#include "app/token.h"
#include "base/log.h"

#include <stdio.h>

const struct arguments_option command_serve_options[] = {
    {"--home", 0, "DIR", "The folder with everything that is kept."},
    {"--listen", 'l', "ADDR:PORT", "Where to answer (127.0.0.1:8080); port 0 is any free one."},
    {"--config", 'c', "FILE", "The configuration (else reel.yaml in the home)."},
    {"--public-url", 0, "URL", "Where clients reach this server from outside."},
    {"--no-auth", 0, NULL, "Ask for no key; only on a loopback address."},
    {"--weak-cage", 0, NULL, "Start even where the cage around renders is not complete."},
    {"--set", 0, "KEY=VALUE", "Any other setting; may stand several times."},
    {"--sandbox", 0, NULL, "Ask no real provider, but a sandbox that is started beside it."},
    {"--sandbox-script", 0, "FILE", "What shall go wrong there; see `reel help sandbox`."},
    {0},
};

static void say(const struct buffer *faults)
{
    if (faults->size > 0)
        fprintf(stderr, "reel: %.*s", SPAN_PRINT(buffer_span(faults)));
}

static void add_sandbox(const struct command_call *call, struct config *config)
{
    config->sandbox.has_one = arguments_count(&call->arguments, "--sandbox") > 0;
    config->sandbox.script = arguments_value(&call->arguments, "--sandbox-script");
}

/* As at the start, for a server that reads it again. */
static bool read_again(void *context, struct config *ret_config, struct buffer *faults)
{
    bool good = command_read_config(context, ret_config, faults) &&
                config_can_serve(ret_config, faults) && token_ensure(ret_config, faults);
    add_sandbox(context, ret_config);
    return good;
}

int command_serve_run(struct command_call *call)
{
    struct config config;
    struct buffer faults;
    int status = COMMAND_USAGE;
    if (arguments_count(&call->arguments, "--sandbox-script") > 0 &&
        arguments_count(&call->arguments, "--sandbox") == 0)
        return command_refuse(call, "--sandbox-script makes sense with --sandbox only.");
    buffer_init(&faults, CONFIG_FAULTS_MAX);
    if (command_load_config(call, &config)) {
        add_sandbox(call, &config);
        enum log_level level = LOG_INFO;
        (void)log_level_find(span_of(config.log.level), &level);
        log_set(level, span_is(span_of(config.log.format), "plain") ? LOG_PLAIN : LOG_JSON);
        bool given = config.auth_token.size > 0;
        if (!config_can_serve(&config, &faults)) {
            say(&faults);
        } else if ((config.home_is_default && !home_make(&config, &faults)) ||
                   !token_ensure(&config, &faults)) {
            say(&faults);
            status = COMMAND_FAILED;
        } else {
            if (!given && config.auth_token.size > 0)
                log_info("no AUTH_TOKEN was set; the key lies in the home",
                         log_text("home", config.home), log_text("file", "token"));
            const struct reload_source source = {read_again, call};
            status = serve_run(&config, &source);
        }
    }
    config_done(&config);
    buffer_done(&faults);
    return status;
}
