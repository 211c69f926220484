/* `reel config [show|check|docs]` */
#include "app/command.h"
#include "app/config.h"
#include "app/config_docs.h"
#include "app/glyph.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

const struct arguments_option command_config_options[] = {
    {"--home", 0, "DIR", "The server's home."},
    {"--listen", 'l', "ADDR:PORT", "The server's address."},
    {"--config", 'c', "FILE", "The configuration (else reel.yaml in the home)."},
    {"--no-auth", 0, NULL, "As for `reel serve`."},
    {"--weak-cage", 0, NULL, "As for `reel serve`."},
    {"--set", 0, "KEY=VALUE", "Any other setting; may stand several times."},
    {0},
};

static int show(struct command_call *call)
{
    struct config config;
    bool good = command_load_config(call, &config);
    if (good)
        config_docs_values(&config, call->as_json, stdout);
    config_done(&config);
    return good ? COMMAND_SUCCEEDED : COMMAND_USAGE;
}

static void say_json(const struct config *config, bool good, const struct buffer *faults)
{
    struct buffer text;
    struct json_writer json;
    buffer_init(&text, 4 * CONFIG_FAULTS_MAX);
    json_writer_init(&json, &text);
    json_open_object(&json, NULL);
    json_bool(&json, "ok", good);
    json_text_if(&json, "file", config->file);
    json_open_array(&json, "faults");
    struct span rest = buffer_span(faults), line;
    while (span_take(&rest, '\n', &line)) {
        if (line.size > 0)
            json_text(&json, NULL, line);
    }
    json_close_array(&json);
    json_close_object(&json);
    printf("%.*s\n", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
}

static void say(const struct config *config, bool good, const struct buffer *faults)
{
    struct span rest = buffer_span(faults), line;
    struct buffer text;
    if (good) {
        command_print(stdout, "The configuration can be used.");
        printf("File: %s\n", config->file ? config->file : "none; defaults, environment and flags");
        return;
    }
    buffer_init(&text, 2 * CONFIG_FAULTS_MAX);
    while (span_take(&rest, '\n', &line)) {
        if (line.size == 0)
            continue;
        glyph_add(&text, line);
        buffer_add_byte(&text, '\n');
    }
    fprintf(stderr, "%.*s`reel config docs` explains every key.\n", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
}

static int check(struct command_call *call)
{
    struct config config;
    struct buffer faults;
    buffer_init(&faults, CONFIG_FAULTS_MAX);
    bool good = command_read_config(call, &config, &faults) && config_can_serve(&config, &faults);
    if (call->as_json)
        say_json(&config, good, &faults);
    else
        say(&config, good, &faults);
    buffer_done(&faults);
    config_done(&config);
    return good ? COMMAND_SUCCEEDED : COMMAND_USAGE;
}

int command_config_run(struct command_call *call)
{
    const char *word = call->arguments.word_count > 0 ? call->arguments.words[0] : "show";
    if (strcmp(word, "show") == 0)
        return show(call);
    if (strcmp(word, "check") == 0)
        return check(call);
    if (strcmp(word, "docs") != 0)
        return command_refuse(call, "\"%s\" is unknown here; there are show, check and docs.",
                              word);
    config_docs_write(stdout);
    return COMMAND_SUCCEEDED;
}
