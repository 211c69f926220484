/* The process between the server and a program of the user's. A program may start others, put them
 * into sessions of their own and forget them; whatever becomes of it or of the server, all of them
 * have to end, for the next run wants the same GPU. So `reel` starts itself once more with WARDEN
 * as its first word, and that small process starts the program and waits:
 *
 *     reel --warden GRACE_MS /path/of/the/program its arguments …
 *
 * Orphans beneath it become its children (PR_SET_CHILD_SUBREAPER), so it can find and end all of
 * them. Standard input, output and error, the environment and the folder are the program's own.
 *
 *     the program ends     what it left behind is killed; the same status or signal
 *     SIGTERM              goes on to the process group; after GRACE_MS all are killed
 *     SIGQUIT              all are killed at once; it comes too when the server dies
 *     it can't be run      a sentence on standard error and status 127, or 126 where it is there
 *
 * When the warden itself is killed, the program dies too, but not what that has started. */
#ifndef EDGE_WARDEN_H
#define EDGE_WARDEN_H

#include <stdbool.h>

#define WARDEN "--warden"

/* Whether the words of a command line ask for it. */
bool warden_is_meant(int count, char *const *words);
/* Does not return. The process has to be alone: one thread, no children. */
_Noreturn void warden_run(int count, char **words);

#endif
