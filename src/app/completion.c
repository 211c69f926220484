#include "app/completion.h"

#include "app/command.h"
#include "app/config.h"
#include "app/glyph.h"
#include "app/job_view.h"
#include "app/offers.h"
#include "app/parameters.h"
#include "app/user_catalog.h"
#include "catalog/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_S = 1, PATH_SIZE = 3000, LISTS = 5 };

static const char bash_script[] =
    "# bash completion for reel, made by `reel completion bash`\n"
    "_reel() {\n"
    "    local line\n"
    "    COMPREPLY=()\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "            :files) compopt -o default ;;\n"
    "            *) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
    "        esac\n"
    "    done < <(\"${COMP_WORDS[0]}\" complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
    "    return 0\n"
    "}\n"
    "complete -F _reel reel\n";

static const char zsh_script[] =
    "#compdef reel\n"
    "# zsh completion for reel, made by `reel completion zsh`\n"
    "_reel() {\n"
    "    local -a found\n"
    "    local line files\n"
    "    while IFS= read -r line; do\n"
    "        if [[ $line == :files ]]; then files=1; continue; fi\n"
    "        found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "    done < <(\"$words[1]\" complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
    "    (( $#found )) && _describe -V reel found\n"
    "    [[ -n $files ]] && _files\n"
    "    return 0\n"
    "}\n"
    "compdef _reel reel\n";

static const char fish_script[] =
    "# fish completion for reel, made by `reel completion fish`\n"
    "function __reel_complete\n"
    "    set -l words (commandline -opc) (commandline -ct)\n"
    "    for line in (command $words[1] complete $words[2..-1] 2>/dev/null)\n"
    "        if test \"$line\" = :files\n"
    "            __fish_complete_path (commandline -ct)\n"
    "        else\n"
    "            echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c reel -f -a '(__reel_complete)'\n";

const char *completion_script(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        return bash_script;
    if (strcmp(shell, "zsh") == 0)
        return zsh_script;
    return strcmp(shell, "fish") == 0 ? fish_script : NULL;
}

/* ---------------------------------------------------------------- candidates */

struct completing {
    struct client *client;
    const char *word; /* at the cursor */
    const struct command *command;
    const char *model; /* of generate; NULL: not named yet */
    struct arena arena;
    struct buffer *target;
};

static void offer(struct completing *completing, const char *candidate, const char *about)
{
    if (!span_starts(span_of(candidate), completing->word) || strpbrk(candidate, "\t\n"))
        return;
    glyph_add(completing->target, span_of(candidate));
    buffer_add_byte(completing->target, '\t');
    glyph_add(completing->target, span_of(about));
    buffer_add_byte(completing->target, '\n');
}

static void offer_commands(struct completing *completing)
{
    size_t count;
    const struct command *commands = command_all(&count);
    for (size_t n = 0; n < count; n++) {
        if (commands[n].summary)
            offer(completing, commands[n].name, commands[n].summary);
    }
}

/* The server's answer, or NULL; the caller frees it. */
static json_t *ask(struct completing *completing, const char *path)
{
    struct client_answer answer;
    const struct client_request request = {.method = "GET", .path = path, .timeout_s = PATIENCE_S};
    if (!completing->client)
        return NULL;
    bool good = client_ask(completing->client, &request, &answer) == CLIENT_OK;
    json_t *json = good ? json_incref(answer.json) : NULL;
    client_answer_done(&answer);
    return json;
}

static json_t *show(const struct model *model, bool full)
{
    const struct describe describe = {.configured = offers_configured, .full = full};
    char why[JSON_FAULT_SIZE];
    struct buffer text;
    struct json_writer writer;
    buffer_init(&text, CLIENT_ANSWER_MAX);
    json_writer_init(&writer, &text);
    describe_model(model, &describe, &writer);
    json_t *json = json_read(buffer_span(&text), why);
    buffer_done(&text);
    return json;
}

/* As the server would answer: the list {items:[…]}, or one model. */
static json_t *own_models(const char *model)
{
    char fault[CATALOG_FAULT_SIZE];
    struct catalog *catalog = user_catalog_make(getenv("REEL_CATALOG_FOLDER"), fault);
    json_t *json = NULL;
    if (!catalog)
        return NULL;
    if (model) {
        const struct model *found = catalog_find(catalog, span_of(model));
        json = found ? show(found, true) : NULL;
    } else {
        json_t *items = json_array();
        for (size_t n = 0; n < catalog_model_count(catalog); n++)
            (void)json_array_append_new(items, show(catalog_model_at(catalog, n), false));
        json = json_pack("{s:o}", "items", items);
    }
    catalog_free(catalog);
    return json;
}

static json_t *models(struct completing *completing, const char *model)
{
    struct buffer path;
    buffer_init(&path, PATH_SIZE);
    buffer_add_text(&path, "/api/v1/models");
    if (model) {
        buffer_add_byte(&path, '/');
        client_escape(model, true, &path);
    }
    json_t *json = path.failed ? NULL : ask(completing, path.data);
    buffer_done(&path);
    return json ? json : own_models(model);
}

static void offer_models(struct completing *completing)
{
    json_t *list = models(completing, NULL), *item;
    size_t index;
    json_array_foreach(json_object_get(list, "items"), index, item)
        offer(completing, job_view_text(item, "id"), job_view_text(item, "task"));
    json_decref(list);
}

static void offer_jobs(struct completing *completing)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "/api/v1/jobs?limit=%d", COMPLETION_JOBS);
    json_t *list = ask(completing, path), *item;
    size_t index;
    json_array_foreach(json_object_get(list, "items"), index, item) {
        const char *about = arena_print(&completing->arena, "%s, %s", job_view_word(item),
                                        job_view_text(item, "model"));
        offer(completing, job_view_text(item, "jobId"), about);
    }
    json_decref(list);
}

static void offer_keys(struct completing *completing)
{
    for (size_t n = 0; n < config_table_size; n++)
        offer(completing, arena_print(&completing->arena, "%s=", config_table[n].name),
              config_table[n].sentence);
}

/* Words as the help shows them: "show|check|docs". */
static void offer_choices(struct completing *completing, struct span choices)
{
    struct span choice;
    while (span_take(&choices, '|', &choice))
        offer(completing, arena_copy(&completing->arena, choice), "");
}

/* What fits where the help shows this in an argument's place: "[MODEL]", "ID...", "FILE|DIR". */
static void offer_for(struct completing *completing, const char *shown)
{
    struct span text = span_of(shown);
    if (span_starts(text, "["))
        text = span_make(text.data + 1, text.size - 1);
    size_t size = 0;
    while (size < text.size && !strchr(" ].", text.data[size]))
        size++;
    text.size = size;
    if (span_is(text, "MODEL"))
        offer_models(completing);
    else if (span_is(text, "ID"))
        offer_jobs(completing);
    else if (span_is(text, "COMMAND"))
        offer_commands(completing);
    else if (span_is(text, "STATUS"))
        offer_choices(completing, SPAN("queued|processing|completed|failed|canceled"));
    else if (span_is(text, "P"))
        offer_choices(completing, SPAN("low|normal|high"));
    else if (strstr(shown, "FILE") || strstr(shown, "DIR"))
        buffer_add_text(completing->target, ":files\n");
    else if (text.size > 0 && text.data[0] >= 'a' && text.data[0] <= 'z')
        offer_choices(completing, text);
}

/* ---------------------------------------------------------------- options */

static const struct arguments_option *find_option(const struct arguments_option *const *lists,
                                                  const char *word)
{
    for (size_t list = 0; list < LISTS; list++) {
        for (const struct arguments_option *at = lists[list]; at && at->name; at++) {
            if (strcmp(at->name, word) == 0 ||
                (at->letter && word[0] == '-' && word[1] == at->letter && !word[2]))
                return at;
        }
    }
    return NULL;
}

static void offer_options(struct completing *completing,
                          const struct arguments_option *const *lists)
{
    for (size_t list = 0; list < LISTS; list++) {
        for (const struct arguments_option *at = lists[list]; at && at->name; at++)
            offer(completing, at->name, at->sentence);
    }
}

static void offer_enum(struct completing *completing, const json_t *property)
{
    json_t *choice;
    size_t index;
    json_array_foreach(json_object_get(property, "enum"), index, choice) {
        if (json_is_string(choice))
            offer(completing, json_string_value(choice), "");
    }
}

/* The value of an option of the table, or of a parameter of the model. */
static void offer_value(struct completing *completing, const struct arguments_option *option,
                        const struct parameters *parameters)
{
    const char *name = parameters->count > 0 ? parameters_name(parameters, option) : NULL;
    if (name)
        offer_enum(completing, json_object_get(parameters->properties, name));
    if (strcmp(option->name, "--set") == 0)
        offer_keys(completing);
    else if (name && strcmp(option->value, "URL|FILE") == 0 && !completing->word[0])
        offer_jobs(completing);
    offer_for(completing, option->value);
}

/* The word before the one at the cursor, when that is an option which takes a value. */
static const struct arguments_option *open_option(const struct arguments_option *const *lists,
                                                  int count, const char *const *words)
{
    int place = count - 2;
    if (place > 1 && strcmp(words[place], "=") == 0)
        place--; /* as bash cuts --name=value */
    if (place < 1 || words[place][0] != '-')
        return NULL;
    const struct arguments_option *option = find_option(lists, words[place]);
    return option && option->value ? option : NULL;
}

static void complete_for(struct completing *completing, int count, const char *const *words)
{
    struct parameters parameters = {0};
    json_t *model = NULL;
    const struct command *command = completing->command;
    if (strcmp(command->name, "generate") == 0 && count > 2)
        model = models(completing, words[1]);
    if (model)
        parameters_init(&parameters, json_object_get(model, "parameters"), &completing->arena);
    const struct arguments_option *const lists[LISTS] = {
        parameters.options, command->options, command->asks ? command_server_options : NULL,
        command_common_options, NULL};
    const struct arguments_option *option = open_option(lists, count, words);
    if (option)
        offer_value(completing, option, &parameters);
    else if (completing->word[0] == '-')
        offer_options(completing, lists);
    else if (command->is_raw && count > 2)
        offer_options(completing, lists);
    else
        offer_for(completing, command->words);
    json_decref(model);
}

void completion_write(struct client *client, int count, const char *const *words,
                      struct buffer *target)
{
    struct completing completing = {.client = client, .target = target};
    if (count == 0)
        return;
    arena_init(&completing.arena);
    completing.word = strcmp(words[count - 1], "=") == 0 ? "" : words[count - 1];
    if (count == 1)
        offer_commands(&completing);
    else if ((completing.command = command_find(words[0])))
        complete_for(&completing, count, words);
    arena_done(&completing.arena);
}
