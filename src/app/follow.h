/* Following jobs to their end: bars at a terminal, else a line now and then, on standard error.
 * Where there are more jobs than lines, those at work come first and the last line counts the rest.
 */
#ifndef APP_FOLLOW_H
#define APP_FOLLOW_H

#include "app/client.h"
#include "base/id.h"

enum { FOLLOW_MAX = 64, FOLLOW_PATIENCE_S = 60 };

struct follow_job {
    char id[ID_SIZE];
    json_t *status;     /* owned; the last seen; NULL before the first */
    struct buffer body; /* the same as it came */
    int shown_percent;  /* what was said last, without a terminal */
    char shown_stage[64];
    int line_percent; /* of the last line of JSON */
    char line_stage[64];
    bool ended;
};

struct follow {
    struct client *client; /* borrowed */
    struct follow_job jobs[FOLLOW_MAX];
    unsigned count;
    bool is_quiet;  /* say nothing */
    bool has_lines; /* each change is a line of JSON on standard output */
    /* The jobs are known to be there: a silent server is waited for from the start. */
    bool is_known;
};

void follow_init(struct follow *follow, struct client *client);
/* False when there are too many, or it is no id of a job. */
bool follow_add(struct follow *follow, const char *id);
/* Until all have ended. The exit status: of the first job that did not succeed, or
 * COMMAND_UNREACHABLE (nobody answered for FOLLOW_PATIENCE_S), COMMAND_INTERRUPTED, or that of a
 * refusal; these have been said on standard error. */
int follow_run(struct follow *follow, bool as_json);
void follow_done(struct follow *follow);

#endif
