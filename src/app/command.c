#include "app/command.h"

#include "app/config.h"
#include "app/glyph.h"
#include "app/interrupt.h"
#include "app/nearest.h"
#include "app/table.h"
#include "app/terminal.h"
#include "base/id.h"

#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SETTINGS_MAX = 64 };

const struct arguments_option command_server_options[] = {
    {"--server", 's', "URL", "The server to ask (REEL_SERVER, else http://127.0.0.1:8080)."},
    {"--token-file", 0, "FILE", "A file with the key (else AUTH_TOKEN, AUTH_TOKEN_FILE)."},
    {"--home", 0, "DIR", "The home of a server on this machine, where its own key lies."},
    {0},
};

const struct arguments_option command_common_options[] = {
    {"--json", 0, NULL, "Write JSON, for programs."},
    {"--help", 'h', NULL, "Show this."},
    {0},
};

static const struct command commands[] = {
    {.name = "serve",
     .words = "[options]",
     .summary = "Run the gateway.",
     .about = "Without AUTH_TOKEN the server makes a key at its first start and keeps it in\n"
              "HOME/token; commands of the same user find it there. SIGTERM ends it gracefully.\n"
              "`reel config docs` explains every setting.\n"
              "\n"
              "Examples:\n"
              "  reel serve\n"
              "  reel serve --home /srv/reel --listen 0.0.0.0:8080\n"
              "  reel serve --set limits.inFlight=50 --set log.level=debug\n"
              "  reel serve --sandbox                # every provider, without a key or a cent\n",
     .options = command_serve_options,
     .run = command_serve_run},
    {.name = "sandbox",
     .words = "[options]",
     .summary = "Play the providers: Replicate, fal and RunPod at once.",
     .about = "Answers in their protocols on a loopback address, takes any key, renders stand-ins\n"
              "itself, and writes what it accepted into HOME/ledger.jsonl, which\n"
              "/sandbox/ledger shows. A script says what shall go wrong; docs/sandbox.md has its\n"
              "keys. `reel serve --sandbox` starts one beside the gateway.\n"
              "\n"
              "Examples:\n"
              "  reel sandbox --listen 127.0.0.1:9090\n"
              "  reel sandbox --script faults.json\n",
     .options = command_sandbox_options,
     .run = command_sandbox_run},
    {.name = "generate",
     .words = "MODEL [options]",
     .summary = "Make a video, image or voice.",
     .about = "Each parameter of the model is an option; `reel generate MODEL --help` lists them.\n"
              "Where a URL is wanted, FILE or @FILE of this machine goes along, and a job's id\n"
              "means what it made.\n"
              "\n"
              "Examples:\n"
              "  reel generate local/still --prompt \"A lighthouse at dawn\" -o still.png\n"
              "  reel generate local/kenburns --image-url photo.jpg --duration 4 -o pan.mp4\n"
              "  reel generate local/kenburns --image-url reel://gen_01K… --wait\n"
              "  reel generate local/animatic -p prompt=@script.txt -p seed=7 --json\n",
     .options = command_generate_options,
     .asks = true,
     .is_raw = true,
     .run = command_generate_run},
    {.name = "jobs",
     .words = "[options]",
     .summary = "List jobs, newest first.",
     .about = "Examples:\n"
              "  reel jobs --status processing\n"
              "  reel jobs --model local/kenburns --limit 100\n",
     .options = command_jobs_options,
     .asks = true,
     .run = command_jobs_run},
    {.name = "show",
     .words = "ID",
     .summary = "Show a job with its timeline.",
     .asks = true,
     .words_min = 1,
     .words_max = 1,
     .run = command_show_run},
    {.name = "watch",
     .words = "ID...",
     .summary = "Follow jobs to their end.",
     .about = "The exit status is that of the first job that did not succeed. With --json each\n"
              "change of a job is a line with its status.\n"
              "\n"
              "Examples:\n"
              "  reel watch gen_01K…\n"
              "  reel watch $(reel jobs --status processing --json | jq -r '.items[].jobId')\n",
     .asks = true,
     .words_min = 1,
     .words_max = 64,
     .run = command_watch_run},
    {.name = "cancel",
     .words = "ID...",
     .summary = "Cancel jobs; says what came of it.",
     .asks = true,
     .words_min = 1,
     .words_max = 64,
     .run = command_cancel_run},
    {.name = "retry",
     .words = "ID [options]",
     .summary = "Make a new job of a job's input.",
     .options = command_retry_options,
     .asks = true,
     .words_min = 1,
     .words_max = 1,
     .run = command_retry_run},
    {.name = "models",
     .words = "[MODEL]",
     .summary = "List the models, or show one with its parameters.",
     .asks = true,
     .words_max = 1,
     .run = command_models_run},
    {.name = "providers",
     .words = "[pause|resume NAME]",
     .summary = "Show how well providers are; keep new jobs from one.",
     .about = "A paused provider is submitted nothing more until it is resumed, also after a\n"
              "restart; what it has accepted is followed to its end.\n"
              "\n"
              "Examples:\n"
              "  reel providers\n"
              "  reel providers pause replicate\n",
     .asks = true,
     .words_max = 2,
     .run = command_providers_run},
    {.name = "uncertain",
     .words = "[ID] [options]",
     .summary = "List submissions of which nobody knows what came, or say it.",
     .about = "Such a job is held until it is found at its provider, or its time is over; then it\n"
              "has failed and counts as paid. Who sees the provider's own list can say more.\n"
              "\n"
              "Examples:\n"
              "  reel uncertain\n"
              "  reel uncertain gen_01K… --link 4xj2…   the provider has it under that id\n"
              "  reel uncertain gen_01K… --resubmit     send it again; the first may cost too\n"
              "  reel uncertain gen_01K… --give-up      it failed\n",
     .options = command_uncertain_options,
     .asks = true,
     .words_max = 1,
     .run = command_uncertain_run},
    {.name = "stats",
     .words = "",
     .summary = "Show what the server is doing now.",
     .asks = true,
     .run = command_stats_run},
    {.name = "usage",
     .words = "[options]",
     .summary = "Show what jobs came to and cost: by day, tenant, model or provider.",
     .about = "Examples:\n"
              "  reel usage\n"
              "  reel usage --by model --from 2026-11-01 --to 2026-11-30\n"
              "  reel usage --by tenant --tenant '*' --csv > november.csv\n",
     .options = command_usage_options,
     .asks = true,
     .run = command_usage_run},
    {.name = "keys",
     .words = "create|list|revoke [ID...]",
     .summary = "Make, list and revoke keys for applications.",
     .about = "Asks a running server; where none runs, changes the home itself, so that a first\n"
              "key can be made before the first start. A key is shown once and kept nowhere.\n"
              "\n"
              "Examples:\n"
              "  reel keys create --name Studio\n"
              "  reel keys create --tenant acme --scope read,generate --rate 600 --expires 90d\n"
              "  reel keys list\n"
              "  reel keys revoke key_01K…\n",
     .options = command_keys_options,
     .asks = true,
     .words_min = 1,
     .words_max = 64,
     .run = command_keys_run},
    {.name = "config",
     .words = "[show|check|docs]",
     .summary = "Show the configuration in force, check it, or explain it.",
     .about = "`reel config show`, or nothing after it, shows every key, its value and where that\n"
              "came from. `reel config check` says what is wrong, with file and line.\n"
              "`reel config docs` prints the reference, as Markdown.\n",
     .options = command_config_options,
     .words_max = 1,
     .run = command_config_run},
    {.name = "doctor",
     .words = "[options]",
     .summary = "Check this machine and this configuration.",
     .about = "Each line is ok, warn or fail; with a fail the exit status is 1.\n",
     .options = command_config_options,
     .run = command_doctor_run},
    {.name = "backup",
     .words = "DIR|FILE.tar [options]",
     .summary = "Copy everything that a home keeps, also while its server runs.",
     .about =
         "The place must not be there yet. It becomes a folder with the database as it is at one\n"
         "moment and every file that it names, or a tar file of that; all of it is read back\n"
         "and checked before it gets its name. On the same disk a folder's files are hard\n"
         "links and take no further room; --copy makes them copies. Keep it safe: it holds\n"
         "the key.\n"
         "\n"
         "Examples:\n"
         "  reel backup /backups/reel-monday\n"
         "  reel backup --home /srv/reel /mnt/other-disk/reel.tar\n",
     .options = command_backup_options,
     .words_min = 1,
     .words_max = 1,
     .run = command_backup_run},
    {.name = "restore",
     .words = "DIR|FILE.tar [options]",
     .summary = "Make a home of a backup.",
     .about = "The home must be missing or empty (a reel.yaml may lie there, and stays), and no\n"
              "server may run on it. Jobs that were under way at the time of the backup are done\n"
              "again, as after a crash.\n"
              "\n"
              "Examples:\n"
              "  reel restore /backups/reel-monday --home /srv/reel\n",
     .options = command_backup_options,
     .words_min = 1,
     .words_max = 1,
     .run = command_restore_run},
    {.name = "completion",
     .words = "bash|zsh|fish",
     .summary = "Write a script that completes words at the prompt.",
     .about = "Models, their parameters and jobs come from the server that would be asked.\n"
              "\n"
              "Examples:\n"
              "  source <(reel completion bash)\n"
              "  reel completion fish > ~/.config/fish/completions/reel.fish\n",
     .words_min = 1,
     .words_max = 1,
     .run = command_completion_run},
    {.name = "complete", .words = "WORD...", .is_raw = true, .run = command_complete_run},
    {.name = "version",
     .words = "",
     .summary = "Say which reel this is.",
     .run = command_version_run},
    {.name = "help",
     .words = "[COMMAND]",
     .summary = "Explain a command.",
     .options = command_help_options,
     .words_max = 1,
     .run = command_help_run},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* ---------------------------------------------------------------- finding one */

const struct command *command_all(size_t *ret_count)
{
    *ret_count = COMMANDS;
    return commands;
}

const struct command *command_find(const char *name)
{
    for (size_t n = 0; n < COMMANDS; n++) {
        if (strcmp(commands[n].name, name) == 0)
            return &commands[n];
    }
    return NULL;
}

int command_refuse_name(const char *name)
{
    struct nearest nearest;
    struct buffer shown;
    nearest_init(&nearest, span_of(name));
    for (size_t n = 0; n < COMMANDS; n++) {
        if (commands[n].summary)
            nearest_offer(&nearest, commands[n].name);
    }
    buffer_init(&shown, 1000);
    glyph_add(&shown, span_of(name));
    fprintf(stderr, "reel: There is no command %.*s.", SPAN_PRINT(buffer_span(&shown)));
    if (nearest.best)
        fprintf(stderr, " Did you mean %s?", nearest.best);
    fprintf(stderr, " `reel help` lists them all.\n");
    buffer_done(&shown);
    return COMMAND_USAGE;
}

/* ---------------------------------------------------------------- for the commands */

int command_ask(struct command_call *call, const struct client_request *request,
                void (*show)(const json_t *answer))
{
    struct client_answer answer;
    int status = COMMAND_SUCCEEDED;
    if (client_ask(&call->client, request, &answer) != CLIENT_OK)
        status = client_complain(&call->client, &answer, call->as_json);
    else if (call->as_json)
        command_print_json(&answer);
    else
        show(answer.json);
    client_answer_done(&answer);
    return status;
}

void command_write_table(const struct table_column *columns, unsigned column_count,
                         const json_t *items,
                         void (*add)(struct table *table, const json_t *item, ms_t now,
                                     struct arena *arena))
{
    struct table table;
    struct arena arena;
    size_t index;
    json_t *item;
    ms_t now = (ms_t)time(NULL) * MS_SECOND;
    arena_init(&arena);
    table_init(&table, columns, column_count);
    json_array_foreach((json_t *)(uintptr_t)items, index, item)
        add(&table, item, now, &arena);
    table_print(&table);
    arena_done(&arena);
}

bool command_is_job(const char *text)
{
    int64_t key;
    return id_read(span_of(text), "gen_", &key);
}

void command_print(FILE *target, const char *text)
{
    struct buffer clean;
    buffer_init(&clean, 64 * 1024);
    glyph_add(&clean, span_of(text));
    fprintf(target, "%.*s\n", SPAN_PRINT(buffer_span(&clean)));
    buffer_done(&clean);
}

int command_refuse(const struct command_call *call, const char *format, ...)
{
    char text[1024];
    struct buffer shown;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_init(&shown, 4096);
    glyph_add(&shown, span_of(text));
    fprintf(stderr, "reel %s: %.*s\n", call->command->name, SPAN_PRINT(buffer_span(&shown)));
    /* What a raw command takes depends on its first word. */
    if (call->command->is_raw && call->raw_count > 0 && call->raw[0][0] != '-')
        fprintf(stderr, "`reel %s %s --help` shows how it is used.\n", call->command->name,
                call->raw[0]);
    else
        fprintf(stderr, "`reel help %s` shows how it is used.\n", call->command->name);
    buffer_done(&shown);
    return COMMAND_USAGE;
}

int command_read(struct command_call *call, int count, char *const *words)
{
    struct arguments *arguments = &call->arguments;
    struct buffer fault;
    int status = COMMAND_SUCCEEDED;
    if (call->command->asks)
        arguments->lists[2] = command_server_options;
    arguments->lists[3] = command_common_options;
    buffer_init(&fault, 1000);
    if (!arguments_read(arguments, count, words, &fault))
        status = command_refuse(call, "%.*s", SPAN_PRINT(buffer_span(&fault)));
    buffer_done(&fault);
    call->as_json = arguments_count(arguments, "--json") > 0;
    return status;
}

extern char **environ;

const char *command_home(struct arena *arena)
{
    return config_home((const char *const *)environ, arena);
}

int command_connect(struct command_call *call)
{
    const struct arguments *arguments = &call->arguments;
    struct arena arena;
    struct buffer fault;
    struct client_options options = {
        .server = arguments_value(arguments, "--server"),
        .token_file = arguments_value(arguments, "--token-file"),
        .home = arguments_value(arguments, "--home"),
    };
    arena_init(&arena);
    buffer_init(&fault, 1000);
    if (!options.home)
        options.home = command_home(&arena);
    bool good = client_open(&call->client, &options, &fault);
    if (!good)
        (void)command_refuse(call, "%.*s", SPAN_PRINT(buffer_span(&fault)));
    buffer_done(&fault);
    arena_done(&arena);
    return good ? COMMAND_SUCCEEDED : COMMAND_USAGE;
}

/* "KEY=VALUE" of --set in two; the copy lives in the arena. */
static bool split_setting(const char *text, struct arena *arena, struct config_setting *setting)
{
    struct span rest = span_of(text), name;
    (void)span_take(&rest, '=', &name);
    setting->name = arena_copy(arena, name);
    setting->value = rest.data;
    return rest.data != NULL && name.size > 0;
}

static const char *key_of_flag(const char *flag)
{
    for (size_t n = 0; n < config_table_size; n++) {
        if (config_table[n].flag && strcmp(config_table[n].flag, flag) == 0)
            return config_table[n].name;
    }
    return NULL;
}

bool command_read_config(const struct command_call *call, struct config *ret_config,
                         struct buffer *faults)
{
    struct config_setting settings[SETTINGS_MAX];
    struct config_source source = {arguments_value(&call->arguments, "--config"),
                                   (const char *const *)environ, settings, 0};
    struct arena arena;
    bool good = true;
    arena_init(&arena);
    for (unsigned n = 0; n < call->arguments.given_count && source.setting_count < SETTINGS_MAX;
         n++) {
        const struct arguments_given *given = &call->arguments.given[n];
        struct config_setting *setting = &settings[source.setting_count];
        *setting = (struct config_setting){key_of_flag(given->option->name),
                                           given->value ? given->value : "true"};
        if (strcmp(given->option->name, "--set") == 0 &&
            !split_setting(given->value, &arena, setting)) {
            buffer_print(faults, "--set: \"%s\" is not of the form KEY=VALUE\n", given->value);
            good = false;
        } else if (setting->name) {
            source.setting_count++;
        }
    }
    good = config_load(&source, ret_config, faults) && good;
    arena_done(&arena);
    return good;
}

bool command_load_config(const struct command_call *call, struct config *ret_config)
{
    struct buffer faults;
    buffer_init(&faults, CONFIG_FAULTS_MAX);
    bool good = command_read_config(call, ret_config, &faults);
    struct span rest = buffer_span(&faults), line;
    while (span_take(&rest, '\n', &line)) {
        if (line.size > 0)
            fprintf(stderr, "reel: %.*s\n", SPAN_PRINT(line));
    }
    buffer_done(&faults);
    return good;
}

void command_print_json(const struct client_answer *answer)
{
    struct span body = buffer_span(&answer->body);
    while (span_ends(body, "\n"))
        body.size--;
    printf("%.*s\n", SPAN_PRINT(body));
}

/* ---------------------------------------------------------------- dispatch */

static int check_words(const struct command_call *call)
{
    unsigned count = call->arguments.word_count;
    if (count < call->command->words_min)
        return command_refuse(call, "Something is missing: reel %s %s", call->command->name,
                              call->command->words);
    if (count > call->command->words_max)
        return command_refuse(call, "\"%s\" is too much.",
                              call->arguments.words[call->command->words_max]);
    return COMMAND_SUCCEEDED;
}

static int run(const struct command *command, int count, char *const *words)
{
    struct command_call call = {.command = command, .raw_count = count, .raw = words};
    call.arguments.lists[0] = command->options;
    int status = COMMAND_SUCCEEDED;
    if (!command->is_raw) {
        status = command_read(&call, count, words);
        if (status == COMMAND_SUCCEEDED && arguments_count(&call.arguments, "--help") > 0) {
            command_write_help(command, stdout);
            return COMMAND_SUCCEEDED;
        }
        if (status == COMMAND_SUCCEEDED)
            status = check_words(&call);
        if (status == COMMAND_SUCCEEDED && command->asks)
            status = command_connect(&call);
    }
    if (command->asks)
        interrupt_catch();
    if (status == COMMAND_SUCCEEDED)
        status = command->run(&call);
    client_close(&call.client);
    return status;
}

int command_main(int count, char *const *words)
{
    int status;
    /* Widths of characters; numbers stay as they are. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)signal(SIGPIPE, SIG_IGN);
    if (count < 2) {
        command_write_overview(stderr);
        return COMMAND_USAGE;
    }
    const char *name = words[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0)
        name = "version";
    const struct command *command = command_find(name);
    status = command ? run(command, count - 2, words + 2) : command_refuse_name(name);
    /* A full disk under a redirected output is an error too; a reader that went away is not. */
    if (fflush(stdout) != 0 && status == COMMAND_SUCCEEDED)
        status = COMMAND_FAILED;
    return status;
}
