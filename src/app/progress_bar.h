/* One job's progress as a line: label, bar, percent, stage and time left.
 *
 *     gen_01K…  ██████████████▌░░░░░░░░░   62 %  Rendering frames · 4 s left
 */
#ifndef APP_PROGRESS_BAR_H
#define APP_PROGRESS_BAR_H

#include "app/terminal.h"
#include "base/buffer.h"
#include "base/time.h"

struct progress_bar {
    const char *label;
    unsigned percent;  /* 0 … 100 */
    bool is_estimated; /* the percent is a guess and says so */
    const char *stage; /* what is going on, or why it waits; may be NULL */
    ms_t left;         /* MS_NEVER: unknown */
    enum terminal_ink ink;
};

/* A line without its end, of at most terminal->width columns. */
void progress_bar_write(const struct progress_bar *bar, const struct terminal *terminal,
                        struct buffer *target);
/* The same as a sentence for logs: "gen_01K…  62 %  Rendering frames, 4 s left". */
void progress_bar_write_plain(const struct progress_bar *bar, struct buffer *target);

#endif
