/* Shell completion. The scripts for the shells are a few lines that ask `reel complete`; what fits
 * is decided here, from the tables of commands, options and configuration keys, from the models of
 * the server that would be asked (of this program itself, when none answers at once) and from that
 * server's newest jobs. */
#ifndef APP_COMPLETION_H
#define APP_COMPLETION_H

#include "app/client.h"
#include "base/buffer.h"

enum { COMPLETION_TEXT_MAX = 256 * 1024, COMPLETION_JOBS = 30 };

/* "bash", "zsh" or "fish"; NULL for any other. */
const char *completion_script(const char *shell);

/* `words` are those after "reel", the last of them the one at the cursor. Adds a line for each
 * candidate: the word, and after a tab what it is; ":files" means that files fit too. `client` is
 * open, or NULL when no server is to be asked. */
void completion_write(struct client *client, int count, const char *const *words,
                      struct buffer *target);

#endif
