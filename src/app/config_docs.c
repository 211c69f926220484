#include "app/config_docs.h"

#include "app/config_value.h"
#include "app/reload.h"
#include "base/json.h"
#include "base/memory.h"

enum { TEXT_MAX = 64 * 1024 };

static void write_key(const struct config_key *key, FILE *target)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX);
    config_variable(key->name, &text);
    fprintf(target, "### `%s`\n\n%s\n\n- Variable: `%.*s`", key->name, key->sentence,
            SPAN_PRINT(buffer_span(&text)));
    if (key->alias)
        fprintf(target, " or `%s`", key->alias);
    if (key->type == CONFIG_SECRET)
        fprintf(target, "; with `_FILE` after it, the name of a file that holds it");
    fprintf(target, "\n");
    if (key->flag)
        fprintf(target, "- Flag of `reel serve`: `%s`\n", key->flag);
    buffer_clear(&text);
    config_value_allowed(key, &text);
    fprintf(target, "- Allowed: %.*s\n", SPAN_PRINT(buffer_span(&text)));
    if (key->fallback && key->fallback[0])
        fprintf(target, "- Default: `%s`\n", key->fallback);
    if (reload_is_live(key))
        fprintf(target, "- Changes at `SIGHUP`, without a restart\n");
    fprintf(target, "\n");
    buffer_done(&text);
}

void config_docs_write(FILE *target)
{
    fputs(
        "# Configuration\n\n"
        "reel reads `reel.yaml`, then the environment, then the flags of `reel serve`; later\n"
        "ones win. The file is the one that `--config` or `REEL_CONFIG` names, else `reel.yaml`\n"
        "in the home folder, else `/etc/reel/reel.yaml`; without one the defaults hold. A dot in\n"
        "a key is a level in the file:\n\n"
        "```yaml\n"
        "listen: 127.0.0.1:8080\n"
        "limits:\n"
        "  inFlight: 100\n"
        "network:\n"
        "  allow: [10.0.0.0/8, 192.168.0.0/16]\n"
        "```\n\n"
        "An unknown key, or an unknown variable that starts with `REEL_`, stops the start with\n"
        "its line and the nearest key there is. An empty variable counts as not set. Durations\n"
        "always have a unit. Any key can be given as `--set KEY=VALUE` too. `reel config` shows\n"
        "what is in force and where each value came from, `reel config check` says what is wrong;\n"
        "this page is `reel config docs`.\n\n"
        "`SIGHUP` makes a running server read the file again, and the catalogue of\n"
        "`catalog.folder`. The keys that say so below change at once; the log names the others\n"
        "that differ, which wait for a restart. When anything in the file is wrong, all stays as\n"
        "it was and the log says why.\n\n",
        target);
    for (size_t n = 0; n < config_table_size; n++)
        write_key(&config_table[n], target);
}

static void write_json(const struct config *config, struct buffer *text)
{
    struct json_writer json;
    json_writer_init(&json, text);
    json_open_object(&json, NULL);
    json_text_if(&json, "file", config->file);
    json_open_array(&json, "keys");
    for (size_t n = 0; n < config_table_size; n++) {
        const struct config_key *key = &config_table[n];
        struct buffer value;
        buffer_init(&value, TEXT_MAX);
        config_value_write(config, key, &value);
        json_open_object(&json, NULL);
        json_text(&json, "key", span_of(key->name));
        json_text(&json, "value", buffer_span(&value));
        json_text(&json, "from", span_of(config->origins[n]));
        json_close_object(&json);
        buffer_done(&value);
    }
    json_close_array(&json);
    json_close_object(&json);
}

static void write_lines(const struct config *config, struct buffer *text)
{
    if (config->file)
        buffer_print(text, "# %s\n", config->file);
    for (size_t n = 0; n < config_table_size; n++) {
        const struct config_key *key = &config_table[n];
        size_t before = text->size;
        buffer_print(text, "%s: ", key->name);
        config_value_write(config, key, text);
        if (!text->failed && text->size - before < 48)
            buffer_print(text, "%*s", (int)(48 - (text->size - before)), "");
        buffer_print(text, "  # %s\n", config->origins[n]);
    }
}

void config_docs_values(const struct config *config, bool as_json, FILE *target)
{
    struct buffer text;
    buffer_init(&text, TEXT_MAX * 8);
    if (as_json) {
        write_json(config, &text);
        buffer_add_text(&text, "\n");
    } else {
        write_lines(config, &text);
    }
    fprintf(target, "%.*s", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
}
