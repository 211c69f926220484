#include "app/follow.h"

#include "app/command.h"
#include "app/glyph.h"
#include "app/interrupt.h"
#include "app/job_view.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WAIT_S = 1, PLAIN_WAIT_S = 5, PLAIN_STEP = 20, RETRY_MS = 1000, PATH_SIZE = 128 };

void follow_init(struct follow *follow, struct client *client)
{
    follow->client = client;
    follow->count = 0;
    follow->is_quiet = follow->is_known = follow->has_lines = false;
}

bool follow_add(struct follow *follow, const char *id)
{
    int64_t key;
    if (follow->count == FOLLOW_MAX || !id_read(span_of(id), "gen_", &key))
        return false;
    struct follow_job *job = &follow->jobs[follow->count++];
    *job = (struct follow_job){.shown_percent = -PLAIN_STEP, .line_percent = -1};
    (void)span_copy(span_of(id), job->id, sizeof job->id);
    buffer_init(&job->body, CLIENT_ANSWER_MAX);
    return true;
}

void follow_done(struct follow *follow)
{
    for (unsigned n = 0; n < follow->count; n++) {
        json_decref(follow->jobs[n].status);
        buffer_done(&follow->jobs[n].body);
    }
    follow->count = 0;
}

/* ---------------------------------------------------------------- asking */

static enum client_result ask(struct follow *follow, struct follow_job *job, int wait_s,
                              struct client_answer *answer)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "/api/v1/generate/%s?wait=%d", job->id, wait_s);
    struct client_request request = {.method = "GET", .path = path, .timeout_s = wait_s + 15};
    if (client_ask(follow->client, &request, answer) != CLIENT_OK)
        return answer->result;
    json_decref(job->status);
    job->status = json_incref(answer->json);
    buffer_clear(&job->body);
    buffer_add(&job->body, buffer_span(&answer->body));
    job->ended = job_view_ended(job->status);
    return CLIENT_OK;
}

static double now_s(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---------------------------------------------------------------- showing */

/* Which jobs get a line: all, or where the terminal is too low those that have not ended, then the
 * others. Gives their number. */
static unsigned choose(const struct follow *follow, unsigned room,
                       const struct follow_job *ret_jobs[static FOLLOW_MAX])
{
    unsigned count = 0;
    for (int ended = 0; ended < 2; ended++) {
        for (unsigned n = 0; n < follow->count && count < room; n++) {
            const struct follow_job *job = &follow->jobs[n];
            if (follow->count <= room ? ended == 0 : job->ended == ended)
                ret_jobs[count++] = job;
        }
    }
    return count;
}

static void draw_rest(const struct follow *follow, unsigned shown, const struct terminal *terminal,
                      struct buffer *text)
{
    char line[100];
    unsigned ended = 0;
    for (unsigned n = 0; n < follow->count; n++)
        ended += follow->jobs[n].ended;
    (void)snprintf(line, sizeof line, "and %u more; %u of %u have ended", follow->count - shown,
                   ended, follow->count);
    buffer_add_text(text, "\r");
    glyph_fit(text, span_of(line), strlen(line) < terminal->width ? strlen(line) : terminal->width,
              false);
    buffer_add_text(text, "\033[K\n");
}

static void draw(struct follow *follow, struct terminal *terminal, unsigned *drawn)
{
    struct arena arena;
    struct buffer text;
    const struct follow_job *jobs[FOLLOW_MAX];
    arena_init(&arena);
    buffer_init(&text, 256 * 1024);
    terminal_measure(terminal);
    if (*drawn > 0)
        buffer_print(&text, "\033[%uA", *drawn);
    /* The cursor can't go up beyond the first line, and stands below the last. */
    unsigned room = terminal->height > 3 ? terminal->height - 1 : 2;
    unsigned count = choose(follow, follow->count <= room ? room : room - 1, jobs);
    for (unsigned n = 0; n < count; n++) {
        struct progress_bar bar = {.label = jobs[n]->id, .left = MS_NEVER, .stage = "…"};
        if (jobs[n]->status)
            bar = job_view_bar(jobs[n]->status, &arena);
        buffer_add_text(&text, "\r");
        progress_bar_write(&bar, terminal, &text);
        buffer_add_text(&text, "\033[K\n");
    }
    if (count < follow->count)
        draw_rest(follow, count++, terminal, &text);
    *drawn = count;
    fprintf(stderr, "%.*s", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
    arena_done(&arena);
}

/* A line when the stage changes or the percent has grown by a step. */
static void tell(struct follow_job *job)
{
    struct arena arena;
    struct buffer text;
    arena_init(&arena);
    struct progress_bar bar = job_view_bar(job->status, &arena);
    char stage[sizeof job->shown_stage] = "";
    size_t size = strlen(bar.stage);
    memcpy(stage, bar.stage, size < sizeof stage ? size : sizeof stage - 1);
    bool said =
        strcmp(stage, job->shown_stage) == 0 && (int)bar.percent < job->shown_percent + PLAIN_STEP;
    if (!said || job->ended) {
        buffer_init(&text, 8192);
        progress_bar_write_plain(&bar, &text);
        fprintf(stderr, "%.*s\n", SPAN_PRINT(buffer_span(&text)));
        buffer_done(&text);
        memcpy(job->shown_stage, stage, sizeof stage);
        job->shown_percent = (int)bar.percent;
    }
    arena_done(&arena);
}

/* The status as it came, when the stage or the percent are others than in the line before. */
static void write_line(struct follow_job *job)
{
    struct arena arena;
    arena_init(&arena);
    struct progress_bar bar = job_view_bar(job->status, &arena);
    char stage[sizeof job->line_stage] = "";
    size_t size = strlen(bar.stage);
    memcpy(stage, bar.stage, size < sizeof stage ? size : sizeof stage - 1);
    if (strcmp(stage, job->line_stage) != 0 || (int)bar.percent != job->line_percent) {
        struct span body = buffer_span(&job->body);
        while (span_ends(body, "\n"))
            body.size--;
        printf("%.*s\n", SPAN_PRINT(body));
        (void)fflush(stdout);
        memcpy(job->line_stage, stage, sizeof stage);
        job->line_percent = (int)bar.percent;
    }
    arena_done(&arena);
}

static void say_how_to_return(const struct follow *follow)
{
    fprintf(stderr, "\nStopped watching; %s on. Come back with:\n  reel watch",
            follow->count == 1 ? "the job goes" : "the jobs go");
    for (unsigned n = 0; n < follow->count; n++) {
        if (!follow->jobs[n].ended)
            fprintf(stderr, " %s", follow->jobs[n].id);
    }
    fprintf(stderr, "\n`reel cancel ID` ends one.\n");
}

/* ---------------------------------------------------------------- the loop */

/* Every job that is not at its end is asked once; the first of them is waited for a little, so that
 * the round takes its time at the server and an end is seen at once. */
static enum client_result ask_round(struct follow *follow, int wait_s, bool is_plain,
                                    struct client_answer *answer)
{
    for (unsigned n = 0; n < follow->count; n++) {
        struct follow_job *job = &follow->jobs[n];
        if (job->ended)
            continue;
        enum client_result result = ask(follow, job, job->status ? wait_s : 0, answer);
        if (result != CLIENT_OK)
            return result;
        client_answer_done(answer);
        if (follow->has_lines)
            write_line(job);
        else if (is_plain && !follow->is_quiet)
            tell(job);
        wait_s = 0;
    }
    return CLIENT_OK;
}

static bool all_ended(const struct follow *follow)
{
    for (unsigned n = 0; n < follow->count; n++) {
        if (!follow->jobs[n].ended)
            return false;
    }
    return true;
}

static int final_status(const struct follow *follow)
{
    for (unsigned n = 0; n < follow->count; n++) {
        int status = job_view_exit(follow->jobs[n].status);
        if (status != COMMAND_SUCCEEDED)
            return status;
    }
    return COMMAND_SUCCEEDED;
}

/* A server that restarts is waited for: the jobs survive it. Gives COMMAND_SUCCEEDED to go on. */
static int endure(struct follow *follow, const struct client_answer *answer, double *silent_since,
                  bool as_json)
{
    if (answer->result == CLIENT_INTERRUPTED || interrupt_seen()) {
        say_how_to_return(follow);
        return COMMAND_INTERRUPTED;
    }
    bool seen = follow->is_known || (follow->count > 0 && follow->jobs[0].status);
    bool passing =
        answer->result == CLIENT_UNREACHABLE || answer->status == 429 || answer->status == 503;
    if (!passing || !seen)
        return client_complain(follow->client, answer, as_json);
    if (*silent_since == 0) {
        *silent_since = now_s();
        if (!follow->is_quiet)
            fprintf(stderr, "%s Trying again.\n", answer->fault);
    }
    if (now_s() - *silent_since > FOLLOW_PATIENCE_S) {
        int status = client_complain(follow->client, answer, as_json);
        say_how_to_return(follow);
        return status;
    }
    interrupt_sleep(RETRY_MS);
    return COMMAND_SUCCEEDED;
}

int follow_run(struct follow *follow, bool as_json)
{
    struct terminal terminal;
    double silent_since = 0;
    unsigned drawn = 0;
    terminal_init(&terminal, stderr);
    bool is_plain = !terminal.is_terminal || follow->has_lines;
    while (!all_ended(follow)) {
        struct client_answer answer = {0};
        double started = now_s();
        enum client_result result =
            ask_round(follow, is_plain ? PLAIN_WAIT_S : WAIT_S, is_plain, &answer);
        if (result != CLIENT_OK) {
            int status = endure(follow, &answer, &silent_since, as_json);
            client_answer_done(&answer);
            drawn = 0; /* what was said stands below the bars; new ones are drawn under it */
            if (status != COMMAND_SUCCEEDED)
                return status;
            continue;
        }
        silent_since = 0;
        if (!is_plain && !follow->is_quiet)
            draw(follow, &terminal, &drawn);
        /* Should the server not hold the answer, it is not asked without a pause either. */
        if (!all_ended(follow) && now_s() - started < 0.2)
            interrupt_sleep(300);
    }
    return final_status(follow);
}
