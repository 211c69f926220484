/* The effects among the lines of trace.h. */
#include "core/trace_private.h"

static void effect_reply(struct trace *trace, const struct reply *reply)
{
    trace_begin(trace, "REPLY");
    buffer_print(&trace->text, " t%llu", (unsigned long long)reply->token);
    if (reply->error != ERROR_NONE) {
        buffer_print(&trace->text, " %s \"%s\"", error_name(reply->error), reply->text);
        return;
    }
    for (unsigned n = 0; n < reply->job_count; n++)
        trace_add_job(trace, reply->jobs[n]);
    /* Of a replay only the keys are said: the rows have the rest. */
    if (reply->job_count == 0) {
        buffer_add_text(&trace->text, " done"); /* of a key, an upload, or of what was removed */
        trace_add_time(trace, "until", reply->expires_at);
        return;
    }
    buffer_print(&trace->text, " %s%s", reply->replayed ? "replayed" : state_name(reply->state),
                 reply->joined ? " joined" : "");
    if (reply->receipt != RECEIPT_NONE)
        buffer_print(&trace->text, " receipt=%s", receipt_name(reply->receipt));
}

/* What is about no job; false: it is about one. */
static bool add_other(struct trace *trace, const struct effect *effect)
{
    if (effect->kind == EFFECT_BUDGET) {
        buffer_print(&trace->text, " %s %u%%", effect->budget.account.name, effect->budget.percent);
    } else if (effect->kind == EFFECT_UNWELL) {
        buffer_print(&trace->text, " %s %s", effect->unwell.provider,
                     error_name(effect->unwell.why));
        trace_add_time(trace, "until", effect->unwell.until);
    } else if (effect->kind == EFFECT_API_KEY || effect->kind == EFFECT_TENANT) {
        bool is_tenant = effect->kind == EFFECT_TENANT;
        buffer_print(&trace->text, " %s",
                     is_tenant ? effect->tenant.tenant : effect->api_key.row.id);
    } else if (effect->kind == EFFECT_HOOK) {
        trace_add_job(trace, effect->hook.job);
        buffer_print(&trace->text, ".%u tries=%u%s", effect->hook.number, effect->hook.tries,
                     effect->hook.is_last ? " last" : "");
    }
    return effect->kind == EFFECT_BUDGET || effect->kind == EFFECT_UNWELL ||
           effect->kind == EFFECT_API_KEY || effect->kind == EFFECT_TENANT ||
           effect->kind == EFFECT_HOOK || effect->kind == EFFECT_REMOVE_UPLOAD;
}

const char *trace_effect(struct trace *trace, const struct effect *effect)
{
    static const char *const words[] = {
        [EFFECT_REPLY] = "REPLY",
        [EFFECT_WORK] = "WORK",
        [EFFECT_STOP] = "STOP",
        [EFFECT_KEEP] = "KEEP",
        [EFFECT_DROP] = "DROP",
        [EFFECT_PUBLISH] = "PUBLISH",
        [EFFECT_API_KEY] = "API-KEY",
        [EFFECT_TENANT] = "TENANT",
        [EFFECT_REMOVE_FILES] = "REMOVE",
        [EFFECT_SUBMIT] = "SUBMIT",
        [EFFECT_POLL] = "POLL",
        [EFFECT_FIND] = "FIND",
        [EFFECT_CANCEL] = "CANCEL",
        [EFFECT_FETCH] = "FETCH",
        [EFFECT_STREAM] = "STREAM",
        [EFFECT_HOOK] = "HOOK",
        [EFFECT_BUDGET] = "BUDGET",
        [EFFECT_UNWELL] = "UNWELL",
        [EFFECT_REMOVE_UPLOAD] = "REMOVE upload",
    };
    if (effect->kind == EFFECT_REPLY) {
        effect_reply(trace, &effect->reply);
        return trace->text.data;
    }
    trace_begin(trace, words[effect->kind]);
    if (add_other(trace, effect))
        return trace->text.data;
    trace_add_job(trace, effect->on.job->key);
    buffer_print(&trace->text, ".%u", effect->on.attempt);
    if (effect->kind == EFFECT_SUBMIT)
        buffer_print(&trace->text, " %s #%u", effect->on.job->attempt.provider,
                     effect->on.job->attempt.sends);
    if (effect->kind == EFFECT_POLL && effect->on.remote_id)
        buffer_print(&trace->text, " of %s", effect->on.remote_id);
    if (effect->kind == EFFECT_PUBLISH)
        buffer_print(&trace->text, " %s%s", state_name(effect->on.job->state),
                     effect->on.terminal ? " terminal" : "");
    return trace->text.data;
}
