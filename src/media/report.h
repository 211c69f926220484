/* What the worker says: one JSON object a line. Progress never falls, and is told about ten times
 * a second at most. */
#ifndef MEDIA_REPORT_H
#define MEDIA_REPORT_H

#include "media/failure.h"

#include <stdint.h>

struct foreign;
struct job;
struct probe;

enum { REPORT_ID_MAX = 128 };

struct report {
    int fd;                 /* borrowed */
    char id[REPORT_ID_MAX]; /* of the request being answered */
    int percent;            /* the highest told */
    int frame;              /* told last */
    const char *stage;      /* told last */
    int64_t told_ms;        /* when, on the monotonic clock; 0 before */
    bool broken;            /* nobody reads any more */
    bool last; /* set by a job after which the process does not answer the same for the same
                  request: the answer says so, and the worker takes no further job */
};

/* Begins the answers to one request. */
void report_begin(struct report *report, const char *id);
void report_started(struct report *report);
/* `frames` is 0 where frames have no meaning. */
void report_progress(struct report *report, const char *stage, int percent, int frame, int frames);
void report_done(struct report *report, const struct job *job);
/* The same of files that were there, with what the job has to say of them. */
void report_foreign(struct report *report, const struct job *job, const struct foreign *foreign);
void report_probe(struct report *report, const struct probe *probe);
void report_failed(struct report *report, const struct failure *failure);
void report_pong(struct report *report);

#endif
