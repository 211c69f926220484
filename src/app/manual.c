#include "app/manual.h"

#include "app/command.h"
#include "base/span.h"

#include <string.h>

/* A character beyond ASCII, by its number; gives its bytes. */
static size_t escape_wide(const char *text, FILE *target)
{
    size_t size = span_utf8(span_of(text));
    unsigned number = size == 2 ? text[0] & 0x1F : size == 3 ? text[0] & 0x0F : text[0] & 0x07;
    for (size_t n = 1; n < size; n++)
        number = number << 6 | (text[n] & 0x3F);
    fprintf(target, "\\[u%04X]", size ? number : '?');
    return size ? size : 1;
}

/* Text as roff takes it: no dash, backslash, or dot or quote at a line's start means anything. */
static void escape(const char *text, FILE *target)
{
    bool at_start = true;
    for (const char *at = text; *at; at++) {
        if (*at & 0x80) {
            at += escape_wide(at, target) - 1;
            at_start = false;
            continue;
        }
        if (at_start && (*at == '.' || *at == '\''))
            fputs("\\&", target);
        if (*at == '-')
            fputs("\\-", target);
        else if (*at == '\\')
            fputs("\\e", target);
        else if (*at == '`')
            fputs("\\`", target);
        else
            fputc(*at, target);
        at_start = *at == '\n';
    }
}

static void line(const char *macro, const char *text, FILE *target)
{
    fprintf(target, "%s ", macro);
    escape(text, target);
    fputc('\n', target);
}

static void write_option(const struct arguments_option *option, FILE *target)
{
    fputs(".TP\n\\fB", target);
    if (option->letter)
        fprintf(target, "\\-%c\\fR, \\fB", option->letter);
    escape(option->name, target);
    fputs("\\fR", target);
    if (option->value) {
        fputs(" \\fI", target);
        escape(option->value, target);
        fputs("\\fR", target);
    }
    fputc('\n', target);
    escape(option->sentence, target);
    fputc('\n', target);
}

static void write_options(const struct arguments_option *options, FILE *target)
{
    for (; options && options->name; options++)
        write_option(options, target);
}

/* Indented lines of a command's text are examples and keep their form. */
static void write_about(const char *about, FILE *target)
{
    bool is_example = false;
    fputs(".PP\n", target);
    while (*about) {
        char text[200];
        size_t size = strcspn(about, "\n");
        (void)snprintf(text, sizeof text, "%.*s", (int)size, about);
        about += size + (about[size] == '\n');
        bool indented = text[0] == ' ';
        if (indented && !is_example)
            fputs(".PP\n.RS 4\n.nf\n", target);
        if (!indented && is_example)
            fputs(".fi\n.RE\n.PP\n", target);
        is_example = indented;
        if (text[0]) {
            escape(text + strspn(text, " "), target);
            fputc('\n', target);
        } else if (!is_example) {
            fputs(".PP\n", target);
        }
    }
    if (is_example)
        fputs(".fi\n.RE\n", target);
}

static void write_command(const struct command *command, FILE *target)
{
    fputs(".SS \"reel ", target);
    escape(command->name, target);
    fputc(' ', target);
    escape(command->words, target);
    fputs("\"\n", target);
    escape(command->summary, target);
    fputc('\n', target);
    if (command->about)
        write_about(command->about, target);
    write_options(command->options, target);
}

static void write_environment(FILE *target)
{
    static const struct {
        const char *name, *text;
    } variables[] = {
        {"REEL_SERVER", "The server that commands ask; without it http://127.0.0.1:8080."},
        {"AUTH_TOKEN", "The key: of a server, and that commands send."},
        {"AUTH_TOKEN_FILE", "A file that holds the key."},
        {"REEL_HOME", "The home of the server on this machine."},
        {"REEL_CONFIG", "The configuration file."},
        {"NO_COLOR", "Set to anything: no colours."},
    };
    fputs(".SH ENVIRONMENT\nEvery key of the configuration is a variable too: limits.inFlight is "
          "REEL_LIMITS_IN_FLIGHT.\n",
          target);
    for (size_t n = 0; n < sizeof variables / sizeof variables[0]; n++) {
        line(".TP\n.B", variables[n].name, target);
        escape(variables[n].text, target);
        fputc('\n', target);
    }
}

void manual_write(FILE *target)
{
    size_t count;
    const struct command *commands = command_all(&count);
    fputs(".TH REEL 1 \"\" \"reel " REEL_VERSION "\" \"User Commands\"\n"
          ".SH NAME\n"
          "reel \\- a gateway of your own for AI video, image and voice generation\n"
          ".SH SYNOPSIS\n"
          ".B reel\n"
          ".I COMMAND\n"
          "[\\fIoptions\\fR]\n"
          ".SH DESCRIPTION\n"
          "reel stands between an application and the providers of generated video, images and "
          "voices.\n"
          "An application posts a request and has a job at once; reel keeps it in a durable queue, "
          "gets it done, keeps what it made and tells how it stands.\n"
          "This program is the server (\\fBreel serve\\fR) and the command line that asks it.\n"
          ".SH COMMANDS\n",
          target);
    for (size_t n = 0; n < count; n++) {
        if (commands[n].summary)
            write_command(&commands[n], target);
    }
    fputs(".SH \"COMMON OPTIONS\"\nOf every command:\n", target);
    write_options(command_common_options, target);
    fputs(".PP\nOf every command that asks a server:\n", target);
    write_options(command_server_options, target);
    write_environment(target);
    fputs(".SH \"EXIT STATUS\"\n", target);
    for (const struct command_meaning *meaning = command_meanings; meaning->sentence; meaning++) {
        fprintf(target, ".TP\n.B %d\n", (int)meaning->status);
        escape(meaning->sentence, target);
        fputc('\n', target);
    }
    fputs(".SH FILES\n"
          ".TP\n.I ~/.local/share/reel\nThe home of a server that is not root's; of root's it is "
          "/var/lib/reel.\n"
          ".TP\n.I HOME/reel.yaml\nThe configuration, else /etc/reel/reel.yaml.\n"
          ".TP\n.I HOME/token\nThe key that a server made for itself.\n",
          target);
}
