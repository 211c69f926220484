/* A work that a program of the user's does: for each attempt one process, which is given the job as
 * one JSON object, says how far it is as JSON lines, and leaves files in a folder. It is trusted as
 * far as the user trusts it; its files and its words are not. docs/providers.md has the protocol.
 */
#include "app/work_private.h"

#include "app/offers.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

extern char **environ; /* as POSIX has it */

enum {
    SAID_MAX = 16 << 20, /* bytes of standard output */
    WORDS_SHOWN = 300,   /* bytes of standard error in a failure's text */
    NOT_RUN = 126,       /* from here to NOT_FOUND: it could not be run at all (warden.h) */
    NOT_FOUND = 127
};

#define GRACE           (5 * MS_SECOND)
#define TEMPORARY_FILES "temporary"

struct work_command *work_command_make(void)
{
    struct work_command *command = memory_new(struct work_command);
    (void)pthread_mutex_init(&command->mutex, NULL);
    return command;
}

void work_command_free(struct work *work)
{
    if (!work->command)
        return;
    (void)pthread_mutex_destroy(&work->command->mutex);
    json_decref(work->command->word);
    memory_free(work->command);
}

bool work_command_find(struct work *work)
{
    work->command->offer = offers_command(work->model, work->input);
    if (!work->command->offer)
        work_fail(work, ERROR_INTERNAL, false,
                  "The catalogue has no command for this job any more.");
    return work->command->offer != NULL;
}

/* "run.py": what a client is told of it. */
static const char *name_of(const struct work *work)
{
    const char *path = work->command->offer->command.items[0];
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* ---------------------------------------------------------------- what it is given */

void work_command_request(struct work *work, struct buffer *target)
{
    char outputs[DEPOT_PATH_SIZE + 16];
    struct json_writer writer;
    (void)snprintf(outputs, sizeof outputs, "%s/" WORK_OUTPUTS, work->folder);
    work_put_paths(work, work->folder);
    json_writer_init(&writer, target);
    json_open_object(&writer, NULL);
    json_text(&writer, "jobId", span_of(work->job_id));
    json_number(&writer, "attempt", work->attempt);
    json_text(&writer, "model", span_of(work->model->id));
    json_text(&writer, "tenant", span_of(work->tenant));
    json_value(&writer, "input", work->input);
    json_text(&writer, "outputFolder", span_of(outputs));
    json_close_object(&writer);
    buffer_add_byte(target, '\n');
}

static bool is_named(const char *name, struct span variable)
{
    struct span wanted = span_of(name);
    if (!span_ends(wanted, "*"))
        return span_equal(wanted, variable);
    wanted.size--;
    return variable.size >= wanted.size && memcmp(variable.data, wanted.data, wanted.size) == 0;
}

static bool may_see(const struct config_list *more, struct span variable)
{
    static const char *const usual[] = {"PATH", "HOME", "LANG", "CUDA_*"};
    bool may = false;
    for (unsigned n = 0; n < sizeof usual / sizeof usual[0]; n++)
        may = may || is_named(usual[n], variable);
    for (unsigned n = 0; more && n < more->count; n++)
        may = may || is_named(more->items[n], variable);
    return may && !span_is(variable, "TMPDIR"); /* it has its own */
}

const char *const *work_command_environment(const struct work *work, struct arena *arena)
{
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    const char **list = arena_array(arena, const char *, count + 2);
    for (size_t n = 0; n < count; n++) {
        struct span rest = span_of(environ[n]), name;
        (void)span_take(&rest, '=', &name);
        if (may_see(work->works->config.command_environment, name))
            list[kept++] = arena_copy(arena, span_of(environ[n]));
    }
    list[kept] = arena_print(arena, "TMPDIR=%s/" TEMPORARY_FILES, work->folder);
    return list;
}

/* ---------------------------------------------------------------- what it says */

static void keep_progress(struct work_command *command, const json_t *progress, struct span stage)
{
    double percent = json_number_value(progress);
    struct span rest = stage;
    for (size_t part;
         (part = span_utf8(rest)) > 0 && rest.data + part < stage.data + sizeof command->stage;)
        rest = (struct span){rest.data + part, rest.size - part};
    stage.size -= rest.size; /* not cut in the middle of a character */
    (void)pthread_mutex_lock(&command->mutex);
    command->has_news = true;
    if (json_is_number(progress))
        command->percent = percent > 0 ? percent < 100 ? (int)percent : 100 : 0;
    if (stage.size)
        (void)span_copy(stage, command->stage, sizeof command->stage);
    (void)pthread_mutex_unlock(&command->mutex);
}

/* What is no JSON object shows that it lives, and no more: libraries like to talk. */
void work_command_line(void *context, struct span line)
{
    struct work_command *command = ((struct work *)context)->command;
    char fault[JSON_FAULT_SIZE];
    json_t *value = json_read(line, fault);
    if (json_object_get(value, "outputs") || json_object_get(value, "error")) {
        json_decref(command->word);
        command->word = json_incref(value);
    }
    const json_t *progress = json_object_get(value, "progress");
    struct span stage = json_span(json_object_get(value, "stage"));
    if (json_is_number(progress) || stage.size)
        keep_progress(command, progress, stage);
    json_decref(value);
}

void work_command_tell(struct work *work)
{
    struct work_command *command = work->command;
    (void)pthread_mutex_lock(&command->mutex);
    if (command->has_news) {
        struct message *message = work_message(work, WORKED_RUNNING);
        message->event.worked.progress = command->percent;
        if (command->stage[0])
            message->event.worked.stage = arena_copy(&message->arena, span_of(command->stage));
        command->has_news = false;
        work_post(work->works, message);
    }
    (void)pthread_mutex_unlock(&command->mutex);
}

static void on_ended(void *context, const struct program_end *end)
{
    struct work *work = context;
    const struct worker_end over = {.how = WORKER_DONE};
    work->command->end = *end;
    work_post_ended(work, &over);
}

/* ---------------------------------------------------------------- its run */

/* The limits hold for processes too: one that was told to end may still hold the GPU for a moment,
 * when its job has given its place away already. */
static bool has_place(const struct work *work)
{
    unsigned all = 0, alike = 0, limit = work->command->offer->provider->limit;
    size_t cursor = 0;
    for (const struct work *other; (other = map_next(&work->works->all, &cursor));) {
        if (!other->command || !other->command->program)
            continue;
        all++;
        alike += strcmp(other->model->id, work->model->id) == 0;
    }
    return (limit == 0 || all < limit) && (work->model->limit == 0 || alike < work->model->limit);
}

static bool make_folder(const struct work *work, const char *name, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%s", work->folder, name);
    return mkdir(path, 0700) == 0;
}

static void run(struct work *work)
{
    static const struct program_calls calls = {work_command_line, on_ended};
    char temporary[DEPOT_PATH_SIZE + 16], outputs[DEPOT_PATH_SIZE + 16];
    const struct texts *words = &work->command->offer->command;
    struct arena arena;
    struct buffer request;
    if (!make_folder(work, TEMPORARY_FILES, temporary, sizeof temporary) ||
        !make_folder(work, WORK_OUTPUTS, outputs, sizeof outputs)) {
        work_fail(work, errno == ENOSPC || errno == EDQUOT ? ERROR_STORAGE_FULL : ERROR_INTERNAL,
                  true, "The work folder could not be made.");
        work_over(work);
        return;
    }
    arena_init(&arena);
    buffer_init(&request, CHILD_WRITE_MAX - 1);
    work_command_request(work, &request);
    const char **argv = arena_array(&arena, const char *, words->count + 1);
    memcpy(argv, words->items, words->count * sizeof *argv);
    const struct program_plan plan = {
        .name = name_of(work),
        .argv = argv,
        .envp = work_command_environment(work, &arena),
        .cwd = outputs,
        .input = buffer_span(&request),
        .silence = work->command->offer->silence_ms,
        .grace = GRACE,
        .output_max = SAID_MAX,
    };
    work->stage = WORK_WORKING;
    work_weigh(work);
    if (!request.failed && work->works->programs)
        work->command->program = program_run(work->works->programs, &plan, &calls, work);
    bool runs = work->command->program != 0, is_too_large = request.failed;
    buffer_done(&request);
    arena_done(&arena);
    if (runs) {
        work_post(work->works, work_message(work, WORKED_RUNNING));
        return;
    }
    if (is_too_large)
        work_fail(work, ERROR_TOO_LARGE, false,
                  "The input is larger than the %d KB of JSON that a program is given.",
                  CHILD_WRITE_MAX >> 10);
    work_fail(work, ERROR_INTERNAL, true, "%s could not be started.", name_of(work));
    work_over(work);
}

static bool is_ended(struct work *work)
{
    work->stopped |= work->dropped;
    return work->stopped || work->error != ERROR_NONE;
}

void work_command_start(struct work *work)
{
    if (is_ended(work))
        work_over(work);
    else if (!has_place(work))
        work_pause(work, WORK_PLACE_MS, work_command_start);
    else
        run(work);
}

/* ---------------------------------------------------------------- why it failed */

/* The last of what it said, as one line of valid UTF-8. */
static void show_words(const char *words, char target[static WORDS_SHOWN + 4])
{
    struct span rest = span_of(words), first = rest;
    size_t size = 0;
    while (rest.size > WORDS_SHOWN && span_take(&rest, '\n', &first))
        ;
    if (rest.size <= 1) /* a line that is longer than that: its beginning says most */
        rest = first;
    while (rest.size > 0 && size < WORDS_SHOWN) {
        size_t part = span_utf8(rest);
        bool is_plain = part > 1 || (part == 1 && (unsigned char)rest.data[0] >= ' ');
        if (size + part > WORDS_SHOWN)
            break;
        if (is_plain)
            memcpy(target + size, rest.data, part);
        else
            target[size] = part ? ' ' : '?';
        part = part ? part : 1;
        size += part;
        rest = (struct span){rest.data + part, rest.size - part};
    }
    while (size > 0 && target[size - 1] == ' ')
        size--;
    target[size] = '\0';
}

/* What a program may say of itself. */
static enum error_code read_code(struct span name)
{
    static const enum error_code codes[] = {ERROR_OUT_OF_MEMORY,     ERROR_CONTENT_POLICY,
                                            ERROR_PROVIDER_REJECTED, ERROR_INPUT_UNREACHABLE,
                                            ERROR_OUTPUT_INVALID,    ERROR_TIMEOUT};
    for (size_t n = 0; n < sizeof codes / sizeof codes[0]; n++) {
        if (span_is(name, error_name(codes[n])))
            return codes[n];
    }
    return ERROR_PROVIDER_FAILED;
}

/* {"message", "code", "retryable"}, or the message alone. */
static void read_error(struct work *work, const json_t *error)
{
    const json_t *message = json_is_object(error) ? json_object_get(error, "message") : error;
    struct span text = json_span(message);
    char words[WORDS_SHOWN + 4] = "";
    if (text.size) {
        char *copy = memory_copy(text);
        show_words(copy, words);
        memory_free(copy);
    }
    work_fail(work, read_code(json_span(json_object_get(error, "code"))),
              json_is_true(json_object_get(error, "retryable")), "%s",
              words[0] ? words : "The program failed and did not say why.");
}

static void judge_exit(struct work *work, const char *name, const char *colon, const char *words)
{
    const struct program_end *end = &work->command->end;
    if (end->lacked_memory)
        work_fail(work, ERROR_OUT_OF_MEMORY, false, "%s was killed for want of memory%s%s", name,
                  colon, words);
    else if (strcasestr(end->last_words, "out of memory"))
        work_fail(work, ERROR_OUT_OF_MEMORY, false, "%s failed%s%s", name, colon, words);
    else if (end->how == PROGRAM_SIGNALED)
        work_fail(work, ERROR_PROVIDER_FAILED, true, "%s died of signal %d%s%s", name, end->signal,
                  colon, words);
    else
        work_fail(work, ERROR_PROVIDER_FAILED, end->status != NOT_RUN && end->status != NOT_FOUND,
                  "%s ended with status %d%s%s", name, end->status, colon, words);
}

/* The first reason is the reason, and what it says of itself goes before what we make of it. */
static void judge(struct work *work)
{
    const struct program_end *end = &work->command->end;
    const json_t *error = json_object_get(work->command->word, "error");
    const char *name = name_of(work);
    char words[WORDS_SHOWN + 4] = "";
    show_words(end->last_words, words);
    const char *colon = words[0] ? ": " : ".";
    switch (end->how) {
    case PROGRAM_EXITED:
    case PROGRAM_SIGNALED:
        if (error && !json_is_null(error))
            read_error(work, error);
        if (end->how == PROGRAM_SIGNALED || end->status != 0)
            judge_exit(work, name, colon, words);
        break;
    case PROGRAM_HUNG:
        work_fail(work, ERROR_PROVIDER_FAILED, true,
                  "%s said nothing for %lld seconds and was ended%s%s", name,
                  (long long)(work->command->offer->silence_ms / MS_SECOND), colon, words);
        break;
    case PROGRAM_FLOODED:
        work_fail(work, ERROR_PROVIDER_FAILED, false,
                  "%s said more than the %d MB in all, or the %d KB in a line, that it may.", name,
                  SAID_MAX >> 20, CHILD_LINE_MAX >> 10);
        break;
    case PROGRAM_NOT_STARTED:
        work_fail(work, ERROR_INTERNAL, true, "%s could not be started: %s.", name,
                  strerrordesc_np(end->error) ? strerrordesc_np(end->error) : "no idea why");
        break;
    case PROGRAM_STOPPED:
        work->stopped |= work->error == ERROR_NONE;
        break;
    }
    if (work->error != ERROR_NONE)
        log_warn("a program failed", log_text("job", work->job_id), log_text("program", name),
                 log_text("why", work->text), log_text("said", end->last_words));
}

/* ---------------------------------------------------------------- its end */

/* From here on it is as with a provider's files, which a worker looks at before they are kept. */
static void after_collect(uv_work_t *request, int status)
{
    struct work *work = request->data;
    (void)status;
    work->in_pool = false;
    if (is_ended(work)) {
        work_over(work);
        return;
    }
    for (unsigned n = 0; n < work->input_count; n++) {
        memory_free(work->inputs[n].url);
        work->inputs[n].url = NULL;
    }
    work->input_count = work->file_count;
    work->file_count = 0;
    work->inspects = true;
    work_run(work);
}

void work_command_ended(struct work *work)
{
    work->command->program = 0;
    if (!work->stopped)
        judge(work);
    if (is_ended(work)) {
        work_over(work);
        return;
    }
    work->stage = WORK_PREPARING;
    work_in_pool(work, work_collect, after_collect);
}
