/* The key that a server makes for itself when it was given none: HOME/token, readable by its owner
 * alone. Commands of the same user on the same machine find it there. */
#ifndef APP_TOKEN_H
#define APP_TOKEN_H

#include "app/config.h"

enum { TOKEN_PATH_SIZE = 4200 };

/* Fills config->auth_token from HOME/token, which is made, with the home, when it is missing. False
 * with a line in `faults`. Nothing happens when there is a token, or none is wanted. */
bool token_ensure(struct config *config, struct buffer *faults);
/* The token in that home; size 0 when there is none that we may read. */
struct secret token_read(const char *home);
void token_path(const char *home, char target[static TOKEN_PATH_SIZE]);

#endif
