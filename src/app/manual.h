/* The manual page reel(1), made from the tables of commands and options, so that it says what the
 * program does. */
#ifndef APP_MANUAL_H
#define APP_MANUAL_H

#include <stdio.h>

/* As roff for man(7). */
void manual_write(FILE *target);

#endif
