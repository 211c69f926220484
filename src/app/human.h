/* Amounts in words for people. */
#ifndef APP_HUMAN_H
#define APP_HUMAN_H

#include "base/buffer.h"
#include "base/time.h"

enum { HUMAN_SIZE = 40 };

/* "850 ms", "4.2 s", "3 min 5 s", "2 h 10 min", "3 d 4 h" */
void human_duration(ms_t duration, char target[static HUMAN_SIZE]);
/* Whole seconds and coarser, for what is left or past: "12 s", "3 min", "1 h 5 min", "3 d". */
void human_span(ms_t duration, char target[static HUMAN_SIZE]);
/* "812 B", "1.4 MB" */
void human_size(uint64_t bytes, char target[static HUMAN_SIZE]);

#endif
