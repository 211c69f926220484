/* What a stream is: a terminal of some width, or something else; and whether colour is wanted. */
#ifndef APP_TERMINAL_H
#define APP_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

enum terminal_ink {
    TERMINAL_PLAIN, /* ends any other */
    TERMINAL_BOLD,
    TERMINAL_DIM,
    TERMINAL_RED,
    TERMINAL_GREEN,
    TERMINAL_YELLOW,
    TERMINAL_BLUE
};

enum { TERMINAL_WIDTH_ELSEWHERE = 0, TERMINAL_WIDTH_DEFAULT = 80, TERMINAL_HEIGHT_DEFAULT = 24 };

struct terminal {
    FILE *stream;     /* borrowed */
    bool is_terminal; /* and can move the cursor */
    bool has_colour;  /* not with NO_COLOR, nor with TERM=dumb */
    bool has_blocks;  /* shows characters beyond ASCII */
    unsigned width;   /* columns; TERMINAL_WIDTH_ELSEWHERE: no limit, it is no terminal */
    unsigned height;  /* lines */
};

void terminal_init(struct terminal *terminal, FILE *stream);
/* Asks for the width again; windows change. */
void terminal_measure(struct terminal *terminal);
/* The escape sequence, or "" without colour. */
const char *terminal_ink(bool has_colour, enum terminal_ink ink);

#endif
