#include "journal.h"

#include "base/memory.h"
#include "core/trace.h"
#include "ledger.h"

enum { JOURNAL_LINES_MAX = 200000 /* the newest */ };

struct line {
    int64_t job; /* 0: about all */
    char *text;  /* owned */
};

struct journal {
    const struct ledger *ledger;
    struct trace trace;
    struct line *lines; /* a ring */
    size_t first, count;
};

static void name(void *context, int64_t key, char ret_name[static TRACE_NAME_SIZE])
{
    const struct journal *journal = context;
    const struct ledger_job *job = ledger_find_job(journal->ledger, key);
    if (job)
        (void)snprintf(ret_name, TRACE_NAME_SIZE, "j%u", job->index);
}

struct journal *journal_make(const struct ledger *ledger, ms_t epoch)
{
    struct journal *journal = memory_new(struct journal);
    journal->ledger = ledger;
    journal->lines = memory_make(JOURNAL_LINES_MAX * sizeof *journal->lines);
    trace_init(&journal->trace, epoch);
    journal->trace.name = name;
    journal->trace.context = journal;
    return journal;
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    for (size_t n = 0; n < JOURNAL_LINES_MAX; n++)
        memory_free(journal->lines[n].text);
    memory_free(journal->lines);
    trace_done(&journal->trace);
    memory_free(journal);
}

static void add(struct journal *journal, int64_t job, const char *sign, const char *text)
{
    char line[TRACE_LINE_SIZE + 8];
    (void)snprintf(line, sizeof line, "%s%s", sign, text);
    size_t place = (journal->first + journal->count) % JOURNAL_LINES_MAX;
    if (journal->count == JOURNAL_LINES_MAX)
        journal->first = (journal->first + 1) % JOURNAL_LINES_MAX;
    else
        journal->count++;
    memory_free(journal->lines[place].text);
    journal->lines[place] = (struct line){job, memory_copy(span_of(line))};
}

void journal_note(struct journal *journal, const char *note)
{
    if (journal)
        add(journal, 0, "# ", note);
}

static int64_t job_of(const struct event *event)
{
    switch (event->kind) {
    case EVENT_CANCEL_ASKED:
        return event->cancel_asked.job;
    case EVENT_CHANGE_ASKED:
        return event->change_asked.job;
    case EVENT_WORKED:
        return event->worked.job;
    case EVENT_RECOVERED:
        return event->recovered->key;
    case EVENT_REMOVE_ASKED:
        if (event->remove_asked.what == REMOVE_JOB || event->remove_asked.what == REMOVE_FILES)
            return event->remove_asked.key;
        break;
    case EVENT_HOOKED:
        return event->hooked.job;
    case EVENT_HOOK_ASKED:
        return event->hook_asked.job;
    case EVENT_TOLD:
        return event->heard.job;
    case EVENT_HINTED:
        return event->hinted.job;
    case EVENT_STREAMED:
        return event->streamed.job;
    case EVENT_RESOLVE_ASKED:
        return event->resolve_asked.job;
    case EVENT_VENDOR_ASKED:
    case EVENT_CLOSING:
    case EVENT_SECRET_ASKED:
    case EVENT_ASKED:
    case EVENT_API_KEY_ASKED:
    case EVENT_TENANT_ASKED:
    case EVENT_UPLOADED:
    case EVENT_GOT:
    case EVENT_DUE:
        break;
    }
    return -1;
}

void journal_turn(struct journal *journal, ms_t time, struct event *const *events, unsigned count)
{
    if (!journal)
        return;
    char line[64];
    (void)snprintf(line, sizeof line, "turn at %+lld", (long long)time);
    add(journal, 0, "", line);
    for (unsigned n = 0; n < count; n++)
        add(journal, job_of(events[n]), "", trace_event(&journal->trace, events[n]));
}

static int64_t job_of_hook(const struct hook_change *change)
{
    switch (change->kind) {
    case HOOK_INSERT:
        return change->insert.row.job;
    case HOOK_UPDATE:
        return change->delivery.job;
    case HOOK_TRY:
        return change->attempt.job;
    case HOOK_FORGET:
        return change->job;
    case HOOK_LANE_DUE:
    case HOOK_LANE_PUT:
    case HOOK_SECRET:
        break;
    }
    return -1;
}

static int64_t job_of_change(const struct change *change)
{
    switch (change->kind) {
    case CHANGE_JOB_INSERT:
    case CHANGE_JOB_UPDATE:
    case CHANGE_JOB_DELETE:
        return change->job->key;
    case CHANGE_TIMELINE:
        return change->timeline.job;
    case CHANGE_KEY:
        return change->key.job;
    case CHANGE_DEPENDENCY:
        return change->dependency.job;
    case CHANGE_USE:
        return change->use.job;
    case CHANGE_HOOK:
        return job_of_hook(&change->hook);
    case CHANGE_BUCKET:
    case CHANGE_SPEND:
    case CHANGE_PACE:
    case CHANGE_PAUSE:
    case CHANGE_API_KEY:
    case CHANGE_TENANT:
    case CHANGE_WAITING:
    case CHANGE_UPLOAD_ADD:
    case CHANGE_UPLOAD_REMOVE:
        break;
    }
    return -1;
}

void journal_changes(struct journal *journal, const struct changes *changes)
{
    if (!journal)
        return;
    for (size_t n = 0; n < changes->count; n++)
        add(journal, job_of_change(&changes->list[n]), "| ",
            trace_change(&journal->trace, &changes->list[n]));
}

void journal_effect(struct journal *journal, const struct effect *effect)
{
    if (!journal)
        return;
    int64_t job = -1;
    if (effect->kind == EFFECT_REPLY)
        job = effect->reply.job_count ? effect->reply.jobs[0] : -1;
    else if (effect->kind == EFFECT_HOOK)
        job = effect->hook.job;
    else if (effect->kind != EFFECT_REMOVE_UPLOAD && effect->kind != EFFECT_TENANT &&
             effect->kind != EFFECT_API_KEY && effect->kind != EFFECT_BUDGET &&
             effect->kind != EFFECT_UNWELL)
        job = effect->on.job->key;
    add(journal, job, "| ", trace_effect(&journal->trace, effect));
}

void journal_print(const struct journal *journal, int64_t job, size_t max, FILE *file)
{
    size_t start = journal->count, shown = 0;
    while (start > 0 && shown < max) {
        const struct line *line = &journal->lines[(journal->first + start - 1) % JOURNAL_LINES_MAX];
        start--;
        shown += job == 0 || line->job == job;
    }
    /* What happened to all is shown only where something of the job's follows, and once. */
    const char *turn = NULL, *note = NULL;
    for (; start < journal->count; start++) {
        const struct line *line = &journal->lines[(journal->first + start) % JOURNAL_LINES_MAX];
        bool is_turn = line->job == 0 && line->text[0] != '#';
        bool is_note = line->job == 0 && !is_turn;
        turn = is_turn ? line->text : turn;
        note = is_note ? line->text : note;
        if (is_turn || is_note || (job != 0 && line->job != job))
            continue;
        if (note)
            (void)fprintf(file, "  %s\n", note);
        if (turn)
            (void)fprintf(file, "  %s\n", turn);
        turn = note = NULL;
        (void)fprintf(file, "  %s\n", line->text);
    }
}
