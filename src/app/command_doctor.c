/* `reel doctor`: what a look at this machine alone can tell. */
#include "app/checkup.h"
#include "app/command.h"

extern char **environ;

static void add_faults(struct checkup *checkup, const struct buffer *faults)
{
    struct span rest = buffer_span(faults), line;
    const char *hint = NULL;
    while (span_take(&rest, '\n', &line)) {
        if (rest.size <= 1)
            hint = "`reel config docs` explains every key.";
        if (line.size > 0)
            checkup_add(checkup, CHECKUP_FAIL, "configuration", hint, "%.*s", SPAN_PRINT(line));
    }
}

int command_doctor_run(struct command_call *call)
{
    struct config config;
    struct checkup checkup;
    struct buffer faults;
    checkup_init(&checkup);
    buffer_init(&faults, CONFIG_FAULTS_MAX);
    if (command_read_config(call, &config, &faults)) {
        checkup_add(&checkup, CHECKUP_OK, "configuration", NULL, "%s",
                    config.file ? config.file : "no file; defaults, environment and flags");
        checkup_environment(&checkup, (const char *const *)environ);
        checkup_home(&checkup, &config);
        checkup_key(&checkup, &config);
        checkup_address(&checkup, &config);
        checkup_store(&checkup, &config);
        checkup_webhooks(&checkup, &config);
        checkup_commands(&checkup, &config);
        checkup_media(&checkup, &config);
    } else {
        add_faults(&checkup, &faults);
    }
    buffer_done(&faults);
    checkup_write(&checkup, call->as_json, stdout);
    bool failed = checkup_failed(&checkup);
    checkup_done(&checkup);
    config_done(&config);
    return failed ? COMMAND_FAILED : COMMAND_SUCCEEDED;
}
