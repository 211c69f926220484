#include "app/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_LEAST = 20 };

void terminal_measure(struct terminal *terminal)
{
    struct winsize size = {0};
    if (!terminal->is_terminal)
        return;
    bool known = ioctl(fileno(terminal->stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    terminal->width = known ? size.ws_col : TERMINAL_WIDTH_DEFAULT;
    terminal->height = known && size.ws_row > 0 ? size.ws_row : TERMINAL_HEIGHT_DEFAULT;
    if (terminal->width < WIDTH_LEAST)
        terminal->width = WIDTH_LEAST;
}

/* Most terminals show UTF-8, whether or not the environment says so (in containers it says
 * nothing); only who names another character set does not get it. */
static bool shows_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        const char *locale = getenv(names[n]);
        const char *set = locale ? strchr(locale, '.') : NULL;
        if (locale && locale[0])
            return !set || strncasecmp(set, ".utf-8", 6) == 0 || strncasecmp(set, ".utf8", 5) == 0;
    }
    return true;
}

void terminal_init(struct terminal *terminal, FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
    bool dumb = !kind || strcmp(kind, "dumb") == 0;
    *terminal = (struct terminal){.stream = stream, .width = TERMINAL_WIDTH_ELSEWHERE};
    terminal->is_terminal = isatty(fileno(stream)) && !dumb;
    terminal->has_colour = terminal->is_terminal && !(no_colour && no_colour[0]);
    terminal->has_blocks = shows_utf8();
    terminal_measure(terminal);
}

const char *terminal_ink(bool has_colour, enum terminal_ink ink)
{
    static const char *const inks[] = {
        [TERMINAL_PLAIN] = "\033[0m", [TERMINAL_BOLD] = "\033[1m",   [TERMINAL_DIM] = "\033[2m",
        [TERMINAL_RED] = "\033[31m",  [TERMINAL_GREEN] = "\033[32m", [TERMINAL_YELLOW] = "\033[33m",
        [TERMINAL_BLUE] = "\033[34m",
    };
    return has_colour ? inks[ink] : "";
}
