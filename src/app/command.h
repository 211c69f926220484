/* The command line: `reel COMMAND …`. One table (command.c) lists the commands; each has a file of
 * its own, command_NAME.c. */
#ifndef APP_COMMAND_H
#define APP_COMMAND_H

#include "app/arguments.h"
#include "app/client.h"
#include "base/arena.h"

#include <stdio.h>

/* What the process ends with. */
enum command_status {
    COMMAND_SUCCEEDED = 0,
    COMMAND_FAILED = 1,
    COMMAND_USAGE = 2,
    COMMAND_CANCELED = 3,
    COMMAND_EXPIRED = 4,
    COMMAND_UNCERTAIN = 5,
    COMMAND_UNREACHABLE = 6,
    COMMAND_INTERRUPTED = 130
};

/* The same for people; ended by a NULL sentence. */
struct command_meaning {
    enum command_status status;
    const char *sentence;
};
extern const struct command_meaning command_meanings[];

struct command_call;

struct command {
    const char *name;    /* "generate" */
    const char *words;   /* what the help shows after the name: "MODEL [options]" */
    const char *summary; /* one line; NULL: for programs, the help does not show it */
    const char *about;   /* further text and examples for `reel help NAME` */
    const struct arguments_option *options; /* its own; may be NULL */
    bool asks;   /* talks to a server: takes --server, --token-file, --home */
    bool is_raw; /* reads its words itself: they are not parsed */
    unsigned words_min, words_max;
    int (*run)(struct command_call *call);
};

struct command_call {
    const struct command *command;
    struct arguments arguments; /* unless the command is raw */
    int raw_count;
    char *const *raw;
    struct client client; /* open, when the command asks and is not raw */
    bool as_json;
};

int command_main(int count, char *const *words);
/* All of them, in the order of the help; and one by its name, NULL when there is none. */
const struct command *command_all(size_t *ret_count);
const struct command *command_find(const char *name);

/* ---------------------------------------------------------------- for the commands */

/* The options of every command that asks a server; and --json and --help, which all take. */
extern const struct arguments_option command_server_options[];
extern const struct arguments_option command_common_options[];

/* Reads words; COMMAND_SUCCEEDED, or the status to end with when a fault was said. lists[0] and
 * lists[1] of the arguments are the caller's; the common options are added. */
int command_read(struct command_call *call, int count, char *const *words);
/* Opens call->client as the options say; the status to end with otherwise. */
int command_connect(struct command_call *call);
/* The home of a server on this machine, as far as the environment says. */
const char *command_home(struct arena *arena);
/* "reel: …" and how to get help, on standard error; gives COMMAND_USAGE. */
int command_refuse(const struct command_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A line of text that a server wrote, made harmless for terminals. */
void command_print(FILE *target, const char *text);
/* Options, aligned, with their sentences. */
void command_write_options(const struct arguments_option *options, FILE *target);
void command_write_help(const struct command *command, FILE *target);
/* What `reel` alone shows. */
void command_write_overview(FILE *target);
/* There is no such command; says which is meant. Gives COMMAND_USAGE. */
int command_refuse_name(const char *name);
/* Whether the text can be a job's id. */
bool command_is_job(const char *text);
/* Jobs as the API lists them, as a table; `more`: there are others. */
void command_write_jobs(const json_t *items, bool more);
/* Asks, and says what came of it: the answer's JSON with --json, else what `show` makes of it for
 * people. Gives the status to end with. */
int command_ask(struct command_call *call, const struct client_request *request,
                void (*show)(const json_t *answer));
/* A row for each of the items, on standard output. */
struct table;
struct table_column;
void command_write_table(const struct table_column *columns, unsigned column_count,
                         const json_t *items,
                         void (*add)(struct table *table, const json_t *item, ms_t now,
                                     struct arena *arena));
/* The answer's JSON as it came. */
void command_print_json(const struct client_answer *answer);
/* Where the configuration's sources are, for commands that read it: --config, --home, … */
struct config;
bool command_load_config(const struct command_call *call, struct config *ret_config);
/* The same, with the faults as lines in a buffer instead of on standard error. */
bool command_read_config(const struct command_call *call, struct config *ret_config,
                         struct buffer *faults);

int command_serve_run(struct command_call *call);
int command_sandbox_run(struct command_call *call);
int command_generate_run(struct command_call *call);
int command_jobs_run(struct command_call *call);
int command_show_run(struct command_call *call);
int command_watch_run(struct command_call *call);
int command_cancel_run(struct command_call *call);
int command_retry_run(struct command_call *call);
int command_providers_run(struct command_call *call);
int command_uncertain_run(struct command_call *call);
int command_models_run(struct command_call *call);
int command_keys_run(struct command_call *call);
int command_doctor_run(struct command_call *call);
int command_config_run(struct command_call *call);
int command_help_run(struct command_call *call);
int command_version_run(struct command_call *call);
int command_stats_run(struct command_call *call);
int command_usage_run(struct command_call *call);
int command_completion_run(struct command_call *call);
int command_complete_run(struct command_call *call);
int command_backup_run(struct command_call *call);
int command_restore_run(struct command_call *call);

extern const struct arguments_option command_serve_options[];
extern const struct arguments_option command_sandbox_options[];
extern const struct arguments_option command_generate_options[];
extern const struct arguments_option command_jobs_options[];
extern const struct arguments_option command_retry_options[];
extern const struct arguments_option command_uncertain_options[];
extern const struct arguments_option command_keys_options[];
extern const struct arguments_option command_config_options[];
extern const struct arguments_option command_backup_options[];
extern const struct arguments_option command_usage_options[];
extern const struct arguments_option command_help_options[];

#endif
