/* For command_test: a server that answers from a script and writes down what it was asked, and the
 * command line as a process of its own. */
#ifndef APP_COMMAND_TEST_RIG_H
#define APP_COMMAND_TEST_RIG_H

#include <stdbool.h>
#include <sys/types.h>

enum { RIG_TEXT_MAX = 256 * 1024, RIG_DROP = -1 };

struct rig_reply {
    const char *request; /* the start of "POST /api/v1/generate", or all of it before a blank */
    int status;          /* RIG_DROP: the connection ends without an answer */
    const char *body;
    unsigned times; /* after so many it is passed over; 0: always */
};

/* A fork that answers with the first reply that fits, 404 when none does, until rig_stop. Ends the
 * list with a NULL request. */
void rig_serve(const struct rig_reply *replies);
void rig_stop(void);
/* All requests so far, heads and bodies as they came, one after the other. */
const char *rig_requests(void);
unsigned rig_request_count(void);

struct rig_run {
    int status; /* the exit status; -1: it died of a signal */
    char out[RIG_TEXT_MAX], error[RIG_TEXT_MAX];
};

/* Runs `reel` with these words (NULL at the end), REEL_SERVER naming the server and AUTH_TOKEN
 * set. The result is overwritten by the next run. */
const struct rig_run *rig_run(const char *const *words);
/* The same, but SIGINT comes once the server has had `count` requests. */
const struct rig_run *rig_interrupt(const char *const *words, unsigned count);

#define RIG(...) rig_run((const char *const[]){"reel", __VA_ARGS__, NULL})

#endif
