/* A job as the API shows it (the native status, SPEC 3), for people and for exit statuses. */
#ifndef APP_JOB_VIEW_H
#define APP_JOB_VIEW_H

#include "app/progress_bar.h"
#include "app/table.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"

/* Text of a field; "" when it is absent or no text. Borrowed. */
const char *job_view_text(const json_t *status, const char *field);
/* A number of a field; `otherwise` when absent. */
int64_t job_view_number(const json_t *status, const char *field, int64_t otherwise);
/* The time of a field; 0 when absent. */
ms_t job_view_time(const json_t *status, const char *field);

/* completed, failed or canceled. */
bool job_view_ended(const json_t *status);
/* What a command that waited for this job ends with; COMMAND_SUCCEEDED while it goes on. */
int job_view_exit(const json_t *status);
/* "queued", or a nearer word: "expired", "uncertain". */
const char *job_view_word(const json_t *status);
enum terminal_ink job_view_ink(const json_t *status);
/* The job's progress as a bar; texts are borrowed from the status and the arena. */
struct progress_bar job_view_bar(const json_t *status, struct arena *arena);
/* Why it ended badly, as a sentence with its code; "" when it did not. */
const char *job_view_fault(const json_t *status, struct arena *arena);
/* Local time, "2026-11-21 06:31:07", or "" for 0. */
const char *job_view_clock(ms_t at, struct arena *arena);

#endif
