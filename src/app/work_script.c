/* Attempts of the sandbox: a stand-in is rendered for what a provider would make; or nothing is,
 * and the job ends as a script wants it, after a time, by a failure or with a file that lies ready.
 */
#include "app/work_private.h"

#include "app/sandbox_mark.h"
#include "app/stand_in.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 20 };

/* How an attempt ends that renders nothing. */
struct work_script {
    struct arena arena;
    struct sandbox_mark mark;
};

void work_script_free(struct work *work)
{
    if (!work->script)
        return;
    arena_done(&work->script->arena);
    memory_free(work->script);
}

/* Without a stand-in the model stays as it is, and finds no renderer. */
static void take_stand_in(struct work *work)
{
    struct stand_in stand_in;
    if (!work->model || !work->input ||
        !stand_in_make(work->works->config.catalog, work->model, work->input, &stand_in)) {
        work_fail(work, ERROR_PROVIDER_FAILED, false, "The sandbox has no stand-in for this.");
        return;
    }
    json_decref(work->input);
    work->input = stand_in.input;
    work->model = stand_in.model;
}

void work_script_take(struct work *work, const struct job *job)
{
    struct work_script *script = memory_new(struct work_script);
    work->script = script;
    arena_init(&script->arena);
    if (sandbox_mark_read(job->options, &script->arena, &script->mark) && script->mark.has_end)
        return;
    work_script_free(work);
    work->script = NULL;
    take_stand_in(work);
}

/* ---------------------------------------------------------------- a file that lies ready */

/* A copy: what is kept becomes the depot's own, and read-only. 0 or an errno. */
static int copy_file(const char *from, const char *to)
{
    struct stat status;
    int source = open(from, O_RDONLY | O_CLOEXEC);
    int target = source >= 0 ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    ssize_t part = target >= 0 && fstat(source, &status) == 0 ? 1 : -1;
    while (part > 0)
        part = sendfile(target, source, NULL, CHUNK);
    int error = part < 0 ? errno : 0;
    if (target >= 0 && close(target) != 0 && !error)
        error = errno;
    if (source >= 0)
        (void)close(source);
    return error;
}

/* On the pool. */
static void lay_file(uv_work_t *request)
{
    struct work *work = request->data;
    const struct sandbox_mark *mark = &work->script->mark;
    const char *extension = depot_extension(span_of(mark->type));
    struct work_file *file = &work->files[0];
    char path[DEPOT_PATH_SIZE + 64];
    if (!extension || work_open_folder(work) != DEPOT_OK) {
        work_fail(work, ERROR_INTERNAL, true, "The work folder could not be made.");
        return;
    }
    *file = (struct work_file){.file = ""};
    (void)snprintf(file->file, sizeof file->file, "canned%s", extension);
    (void)snprintf(file->output.name, sizeof file->output.name, "output%s", extension);
    (void)span_copy(span_of(mark->type), file->output.content_type,
                    sizeof file->output.content_type);
    (void)snprintf(path, sizeof path, "%s/%s", work->folder, file->file);
    int error = copy_file(mark->file, path);
    if (error == ENOSPC || error == EDQUOT)
        work_fail(work, ERROR_STORAGE_FULL, true, "The disk is full.");
    else if (error)
        work_fail(work, ERROR_OUTPUT_LOST, false, "The canned file could not be copied.");
    work->file_count = 1;
}

static void after_file(uv_work_t *request, int status)
{
    (void)status;
    struct work *work = request->data;
    work->in_pool = false;
    if (work->dropped)
        work->stopped = true;
    if (work->stopped || work->error != ERROR_NONE) {
        work_over(work);
        return;
    }
    work->stage = WORK_WORKED;
    work_post(work->works, work_message(work, WORKED_MADE));
}

/* ---------------------------------------------------------------- from its start to its end */

static void end(struct work *work)
{
    const struct sandbox_mark *mark = &work->script->mark;
    if (work->dropped)
        work->stopped = true;
    if (work->stopped) {
        work_over(work);
    } else if (mark->end == SANDBOX_FAULT_CANNED) {
        work_in_pool(work, lay_file, after_file);
    } else if (mark->end == SANDBOX_FAULT_MODERATION) {
        work_fail(work, ERROR_CONTENT_POLICY, false, "%s",
                  mark->text[0] ? mark->text : "The output was flagged as sensitive.");
        work_over(work);
    } else {
        work_fail(work, ERROR_PROVIDER_FAILED, false, "%s",
                  mark->text[0] ? mark->text : "The model failed, as the sandbox's script wants.");
        work_over(work);
    }
}

void work_script_start(struct work *work)
{
    work->stage = WORK_FETCHING;
    work_post(work->works, work_message(work, WORKED_RUNNING));
    work_pause(work, work->script->mark.end_after, end);
}
