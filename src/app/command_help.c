/* `reel help` and `reel version` */
#include "app/command.h"
#include "app/manual.h"

#include <stdio.h>

enum { OPTION_COLUMN = 26 };

const struct command_meaning command_meanings[] = {
    {COMMAND_SUCCEEDED, "It succeeded."},
    {COMMAND_FAILED, "It failed, or the server refused it."},
    {COMMAND_USAGE, "The command line, a parameter or the configuration is wrong."},
    {COMMAND_CANCELED, "The job was canceled."},
    {COMMAND_EXPIRED, "The job passed its deadline."},
    {COMMAND_UNCERTAIN, "Nobody knows whether a provider took the job."},
    {COMMAND_UNREACHABLE, "No server answered."},
    {COMMAND_INTERRUPTED, "Ctrl-C; a job that was followed goes on."},
    {0},
};

const struct arguments_option command_help_options[] = {
    {"--man", 0, NULL, "Write the manual page reel(1), as roff."},
    {0},
};

void command_write_options(const struct arguments_option *options, FILE *target)
{
    for (; options && options->name; options++) {
        char left[80];
        int size = snprintf(left, sizeof left, "%s%s%s", options->name, options->value ? " " : "",
                            options->value ? options->value : "");
        if (options->letter)
            fprintf(target, "  -%c, ", options->letter);
        else
            fprintf(target, "      ");
        if (size > OPTION_COLUMN)
            fprintf(target, "%s\n%*s", left, OPTION_COLUMN + 8, "");
        else
            fprintf(target, "%-*s  ", OPTION_COLUMN, left);
        fprintf(target, "%s\n", options->sentence);
    }
}

void command_write_help(const struct command *command, FILE *target)
{
    fprintf(target, "Usage: reel %s %s\n\n%s\n", command->name, command->words, command->summary);
    if (command->about)
        fprintf(target, "\n%s", command->about);
    fprintf(target, "\nOptions:\n");
    command_write_options(command->options, target);
    if (command->asks)
        command_write_options(command_server_options, target);
    command_write_options(command_common_options, target);
}

void command_write_overview(FILE *target)
{
    fprintf(target, "Usage: reel COMMAND [options]\n\n"
                    "A gateway of your own for AI video, image and voice generation.\n\n");
    size_t count;
    const struct command *commands = command_all(&count);
    for (size_t n = 0; n < count; n++) {
        if (commands[n].summary)
            fprintf(target, "  %-11s %s\n", commands[n].name, commands[n].summary);
    }
    fprintf(target, "\n"
                    "Try:\n"
                    "  reel serve &\n"
                    "  reel generate local/animatic --prompt \"Hello, world\" -o hello.mp4\n"
                    "\n"
                    "`reel help COMMAND` says more about each, `reel help --man` all of it.\n");
}

int command_help_run(struct command_call *call)
{
    if (arguments_count(&call->arguments, "--man") > 0) {
        manual_write(stdout);
        return COMMAND_SUCCEEDED;
    }
    if (call->arguments.word_count == 0) {
        command_write_overview(stdout);
        return COMMAND_SUCCEEDED;
    }
    const struct command *command = command_find(call->arguments.words[0]);
    if (!command || !command->summary)
        return command_refuse_name(call->arguments.words[0]);
    command_write_help(command, stdout);
    return COMMAND_SUCCEEDED;
}

int command_version_run(struct command_call *call)
{
    if (call->as_json)
        printf("{\"version\":\"%s\"}\n", REEL_VERSION);
    else
        printf("reel %s\n", REEL_VERSION);
    return COMMAND_SUCCEEDED;
}
