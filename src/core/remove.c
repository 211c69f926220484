/* Jobs, their files and uploads that somebody wants to go. The row says so first, and the files go
 * when that is committed: after a crash in between there are files that nobody names, which the
 * next start sweeps, and never a row whose files are missing. */
#include "core/core_private.h"

#include <stdarg.h>
#include <stdio.h>

void remove_needs(const struct remove_asked *asked, struct needs *ret_needs)
{
    bool is_job = asked->what == REMOVE_JOB || asked->what == REMOVE_FILES;
    if (is_job)
        ret_needs->list[ret_needs->count++] = (struct need){.kind = NEED_JOB, .job = asked->key};
    else
        ret_needs->list[ret_needs->count++] =
            (struct need){.kind = NEED_UPLOAD, .upload = asked->key};
    ret_needs->list[ret_needs->count++] =
        (struct need){.kind = NEED_USER, .source = is_job ? asked->key : upload_source(asked->key)};
}

/* With `format` NULL: done. */
__attribute__((format(printf, 4, 5))) static void answer(struct output *output,
                                                         const struct remove_asked *asked,
                                                         enum error_code error, const char *format,
                                                         ...)
{
    if (!asked->token)
        return;
    struct reply *reply = &output_effect(output, EFFECT_REPLY)->reply;
    reply->token = asked->token;
    reply->error = error;
    if (!format)
        return;
    va_list list;
    va_start(list, format);
    (void)vsnprintf(reply->text, sizeof reply->text, format, list);
    va_end(list);
}

static bool is_owner(const struct remove_asked *asked, const char *tenant)
{
    return !asked->tenant || span_is(span_of(asked->tenant), tenant);
}

static void remove_job(struct core *core, struct output *output, const struct remove_asked *asked)
{
    struct job *job = life_find(core, asked->key);
    const struct source_user *user = use_find(core, asked->key);
    if (!job || !is_owner(asked, job->tenant)) {
        answer(output, asked, ERROR_NOT_FOUND, "There is no such job.");
    } else if (!state_is_terminal(job->state)) {
        answer(output, asked, ERROR_CONFLICT,
               "The job is %s. Cancel it first (POST /api/v1/jobs/%s/cancel); a job that has ended "
               "can be deleted.",
               state_name(job->state), job->id);
    } else if (job->following) {
        answer(output, asked, ERROR_CONFLICT,
               "The job has ended, but %s may still be at it; what it costs is not known yet.",
               job->attempt.provider);
    } else if (user) {
        answer(output, asked, ERROR_CONFLICT,
               "Job %s, which has not ended, still reads its output.", user->id);
    } else {
        if (job->is_dirty)
            life_write(core, output, job);
        notify_forget(output, job);
        output_change(output, CHANGE_JOB_DELETE)->job = job;
        job->is_deleted = true;
        (void)output_on(output, EFFECT_REMOVE_FILES, job);
        answer(output, asked, ERROR_NONE, NULL);
    }
}

static void remove_outputs(struct core *core, struct output *output,
                           const struct remove_asked *asked)
{
    struct job *job = life_find(core, asked->key);
    if (!job || !state_is_terminal(job->state) || job->output_count == 0 || job->removed_at ||
        job->following || use_find(core, asked->key))
        return;
    job->removed_at = core->now;
    life_note(core, output, job, asked->why);
    (void)output_on(output, EFFECT_REMOVE_FILES, job);
}

static void remove_upload(struct core *core, struct output *output,
                          const struct remove_asked *asked)
{
    struct upload_entry *entry = upload_find(core, asked->key);
    const struct source_user *user = use_find(core, upload_source(asked->key));
    if (!entry || !is_owner(asked, entry->upload.tenant)) {
        answer(output, asked, ERROR_NOT_FOUND, "There is no such upload.");
    } else if (user) {
        answer(output, asked, ERROR_CONFLICT, "Job %s, which has not ended, still reads it.",
               user->id);
    } else if (asked->what == REMOVE_UPLOAD || entry->upload.expires_at <= core->now) {
        upload_remove(core, output, entry);
        answer(output, asked, ERROR_NONE, NULL);
    }
}

void remove_step(struct core *core, struct output *output, const struct event *event)
{
    const struct remove_asked *asked = &event->remove_asked;
    switch (asked->what) {
    case REMOVE_JOB:
        remove_job(core, output, asked);
        break;
    case REMOVE_FILES:
        remove_outputs(core, output, asked);
        break;
    case REMOVE_UPLOAD:
    case REMOVE_EXPIRED:
        remove_upload(core, output, asked);
        break;
    }
}
