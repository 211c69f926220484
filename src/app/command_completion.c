/* `reel completion SHELL`, and `reel complete WORD…`, which its scripts run. */
#include "app/command.h"
#include "app/completion.h"

#include <stdio.h>

int command_completion_run(struct command_call *call)
{
    const char *shell = call->arguments.words[0], *script = completion_script(shell);
    if (!script)
        return command_refuse(call,
                              "\"%s\" is no shell that is known here; there are bash, zsh "
                              "and fish.",
                              shell);
    fputs(script, stdout);
    return COMMAND_SUCCEEDED;
}

/* Whatever is wrong, a line at a prompt is the wrong place to say so. */
int command_complete_run(struct command_call *call)
{
    struct buffer text, fault;
    struct client_options options = {0};
    buffer_init(&text, COMPLETION_TEXT_MAX);
    buffer_init(&fault, 1000);
    struct arena arena;
    arena_init(&arena);
    options.home = command_home(&arena);
    bool open = client_open(&call->client, &options, &fault);
    completion_write(open ? &call->client : NULL, call->raw_count, (const char *const *)call->raw,
                     &text);
    printf("%.*s", SPAN_PRINT(buffer_span(&text)));
    arena_done(&arena);
    buffer_done(&fault);
    buffer_done(&text);
    return COMMAND_SUCCEEDED;
}
