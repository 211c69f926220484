#include "store/ram_change.h"

#include "base/log.h"
#include "base/memory.h"
#include "store/ram_hook.h"
#include "store/ram_keys.h"
#include "store/ram_spend.h"
#include "store/ram_upload.h"

#include <string.h>

struct ram_undo *ram_change_note(struct ram *ram, enum ram_undo_kind kind)
{
    if (ram->undo_count == ram->undo_capacity) {
        ram->undo_capacity = ram->undo_capacity ? ram->undo_capacity * 2 : 64;
        ram->undo = memory_grow(ram->undo, ram->undo_capacity * sizeof *ram->undo);
    }
    struct ram_undo *undo = &ram->undo[ram->undo_count++];
    undo->kind = kind;
    undo->made = false;
    return undo;
}

/* ---------------------------------------------------------------- rules
 *
 * The same as the CHECK constraints of the other stores' schemas. */

static const char *broken_rule(const struct job *job)
{
    bool may_wake = job->state == STATE_WAITING || job->state == STATE_QUEUED;
    if (job->key <= 0 || !job->id[0] || !job->tenant[0] || !job->model[0])
        return "a job has a key, an id, a tenant and a model";
    if ((unsigned)job->state >= STATE_COUNT || (unsigned)job->receipt >= RECEIPT_COUNT ||
        (unsigned)job->error >= ERROR_COUNT)
        return "state, receipt and error are of their lists";
    if ((job->ended_at > 0) != state_is_terminal(job->state) || job->ended_at < 0)
        return "ended_at is set with a terminal state";
    if (job->priority < JOB_PRIORITY_MIN || job->priority > JOB_PRIORITY_MAX)
        return "priority is in range";
    if (job->progress < 0 || job->progress > 100)
        return "progress is in range";
    if (job->wake_at < 0 || (job->wake_at > 0 && !may_wake))
        return "only waiting and queued jobs wake";
    if (job->queued_at < 0 || (job->state == STATE_QUEUED && job->queued_at == 0))
        return "a queued job came into the queue at some time";
    if (job->created_at < 0 || job->started_at < 0 || job->start_at < 0 || job->deadline < 0 ||
        job->price_max < 0 || job->retry_of < 0)
        return "times, money and keys are not negative";
    if (job->output_count > JOB_OUTPUTS_MAX || job->version < 0 || !job->input)
        return "outputs, version and input are in range";
    if (job->following && job->ended_at == 0)
        return "only a job that has ended is followed";
    if (job->attempt.number > job->attempts || job->late > job->attempts || job->paid < 0)
        return "an attempt's number is one that was given, and nothing paid is negative";
    if (job->removed_at < 0 || (job->reads && job->ended_at > 0))
        return "a job that has ended reads nothing";
    return NULL;
}

static const char *broken_attempt_rule(const struct attempt *attempt)
{
    if (attempt->state == ATTEMPT_NONE || (unsigned)attempt->state >= ATTEMPT_COUNT)
        return "an attempt has a state";
    if (attempt->number == 0 || attempt->reserved < 0 || attempt->settled < 0)
        return "an attempt's number is positive, its money not negative";
    return NULL;
}

enum store_result ram_change_broken(const char *rule, int64_t key)
{
    log_error("a change breaks a rule of the store", log_text("rule", rule),
              log_number("key", key));
    return STORE_BROKEN;
}

/* ---------------------------------------------------------------- rows */

static void touch(struct ram *ram, struct ram_row *row)
{
    if (row->is_new || row->before)
        return;
    struct ram_image *image = ram->free_images;
    if (image)
        ram->free_images = image->next_free;
    else
        image = memory_grow(NULL, sizeof *image);
    ram_table_copy(&image->job, &row->job);
    image->job.input = row->job.input;
    image->job.metadata = row->job.metadata;
    image->job.options = row->job.options;
    image->job.warnings = row->job.warnings;
    image->job.words = row->job.words;
    image->job.route = row->job.route;
    image->timeline_count = row->timeline_count;
    image->attempt_count = row->attempt_count;
    image->attempts = NULL;
    if (row->attempt_count) {
        size_t size = row->attempt_count * sizeof *row->attempts;
        image->attempts = memory_grow(NULL, size);
        memcpy(image->attempts, row->attempts, size);
    }
    row->before = image;
    ram_change_note(ram, RAM_UNDO_ROW)->row = row;
}

static const char *put_attempt(struct ram_row *row, const struct attempt *attempt)
{
    const char *rule = broken_attempt_rule(attempt);
    if (rule)
        return rule;
    unsigned place = row->attempt_count;
    while (place > 0 && row->attempts[place - 1].number > attempt->number)
        place--;
    if (place > 0 && row->attempts[place - 1].number == attempt->number) {
        row->attempts[place - 1] = *attempt;
    } else {
        row->attempts =
            memory_grow(row->attempts, (row->attempt_count + 1) * sizeof *row->attempts);
        memmove(&row->attempts[place + 1], &row->attempts[place],
                (row->attempt_count - place) * sizeof *row->attempts);
        row->attempts[place] = *attempt;
        row->attempt_count++;
    }
    row->job.attempt = *attempt;
    return NULL;
}

static enum store_result insert_job(struct ram *ram, const struct job *job)
{
    const char *rule = broken_rule(job);
    if (!rule && ram_table_find(ram, job->key))
        rule = "a job is inserted once";
    if (!rule && job->attempt.number)
        rule = broken_attempt_rule(&job->attempt);
    if (rule)
        return ram_change_broken(rule, job->key);
    struct ram_row *row = ram_table_insert(ram, job);
    row->is_new = true;
    ram_change_note(ram, RAM_UNDO_ROW)->row = row;
    if (job->attempt.number)
        (void)put_attempt(row, &job->attempt);
    if (job->key > ram->last_key)
        ram->last_key = job->key;
    return STORE_OK;
}

/* `before` is the same text as it was before the transaction: it stays until the commit. */
static void update_text(char **text, const char *before, const char *update)
{
    char *old = *text;
    if (!old && !update)
        return;
    *text = update ? memory_copy(span_of(update)) : NULL;
    if (before != old)
        memory_free(old);
}

/* Every column that can change; the others are the insert's for ever. */
static void update_columns(struct ram_row *row, const struct job *job)
{
    struct job *target = &row->job;
    memcpy(target->provider, job->provider, sizeof target->provider);
    target->state = job->state;
    target->priority = job->priority;
    target->queued_at = job->queued_at;
    target->started_at = job->started_at;
    target->ended_at = job->ended_at;
    target->start_at = job->start_at;
    target->deadline = job->deadline;
    target->wake_at = job->wake_at;
    target->ticket = job->ticket;
    target->waits_for = job->waits_for;
    target->awaited = job->awaited;
    target->cancel_asked = job->cancel_asked;
    target->receipt = job->receipt;
    target->tries = job->tries;
    target->error = job->error;
    memcpy(target->error_text, job->error_text, sizeof target->error_text);
    target->retryable = job->retryable;
    target->timeline = job->timeline;
    target->price_max = job->price_max;
    target->following = job->following;
    target->reads = job->reads;
    target->removed_at = job->removed_at;
    target->hook_lane = job->hook_lane;
    target->hook_events = job->hook_events;
    target->hooks = job->hooks;
    target->attempts = job->attempts;
    target->paid = job->paid;
    target->was_resent = job->was_resent;
    target->late = job->late;
    memcpy(target->late_id, job->late_id, sizeof target->late_id);
    memcpy(target->hint, job->hint, sizeof target->hint);
    const struct job *before = row->before ? &row->before->job : NULL;
    update_text(&target->warnings, before ? before->warnings : NULL, job->warnings);
    if (job->outputs_changed) {
        update_text(&target->words, before ? before->words : NULL, job->words);
        memcpy(target->outputs, job->outputs, job->output_count * sizeof job->outputs[0]);
        target->output_count = job->output_count;
    }
}

static const char *broken_step(const struct job *old, const struct job *new)
{
    if (new->version < old->version)
        return "a job's version never falls";
    if (old->ended_at && new->state != old->state)
        return "a terminal state is final";
    if (!new->progress_only && !new->attempt_changed &&new->attempt.number != old->attempt.number)
        return "a new attempt is flagged";
    if (!new->progress_only && !new->outputs_changed &&new->output_count != old->output_count)
        return "new outputs are flagged";
    return NULL;
}

static enum store_result update_job(struct ram *ram, const struct job *job)
{
    struct ram_row *row = ram_table_find(ram, job->key);
    const char *rule = row ? broken_step(&row->job, job) : "only what was inserted is updated";
    if (!rule && job->progress_only)
        rule = job->progress < 0 || job->progress > 100 ? "progress is in range" : NULL;
    else if (!rule)
        rule = broken_rule(job);
    if (rule)
        return ram_change_broken(rule, job->key);
    touch(ram, row);
    row->job.progress = job->progress;
    memcpy(row->job.stage, job->stage, sizeof row->job.stage);
    row->job.version = job->version;
    if (job->progress_only)
        return STORE_OK;
    update_columns(row, job);
    if (job->attempt_changed)
        rule = put_attempt(row, &job->attempt);
    ram_table_link(ram, row);
    return rule ? ram_change_broken(rule, job->key) : STORE_OK;
}

static enum store_result add_timeline(struct ram *ram, const struct timeline_entry *entry)
{
    struct ram_row *row = ram_table_find(ram, entry->job);
    if (!row || entry->number == 0 ||
        (row->timeline_count && row->timeline[row->timeline_count - 1].number >= entry->number))
        return ram_change_broken("entries of the timeline are numbered", entry->job);
    touch(ram, row);
    if (row->timeline_count == row->timeline_capacity) {
        row->timeline_capacity = row->timeline_capacity ? row->timeline_capacity * 2 : 4;
        row->timeline = memory_grow(row->timeline, row->timeline_capacity * sizeof *row->timeline);
    }
    row->timeline[row->timeline_count++] = (struct ram_entry){
        .number = entry->number,
        .attempt = entry->attempt,
        .at = entry->at,
        .from = entry->from,
        .to = entry->to,
        .error = entry->error,
        .note = entry->note[0] ? memory_copy(span_of(entry->note)) : NULL,
    };
    return STORE_OK;
}

/* ---------------------------------------------------------------- the rest */

static enum store_result add_key(struct ram *ram, const struct key_row *row)
{
    struct ram_key *key = map_get(&ram->keys, ram_table_key_span(row));
    if (!row->tenant[0] || row->count == 0 || row->job <= 0 ||
        (key && key->row.expires_at >= row->expires_at))
        return ram_change_broken("a key is replaced only by one that expires later", row->job);
    struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_KEY);
    undo->made = !key;
    if (!key)
        key = memory_new(struct ram_key);
    undo->key.key = key;
    undo->key.old = key->row;
    key->sequence = ++ram->key_sequence;
    key->row = *row;
    map_set(&ram->keys, ram_table_key_span(&key->row), key);
    ram_tree_remove(&key->expiry);
    ram_tree_add(&ram->expiry, &key->expiry, row->expires_at, key->sequence);
    ram->keys_made++;
    return STORE_OK;
}

static bool put_dependency(struct ram *ram, int64_t job, int64_t on, bool done)
{
    struct ram_node *node = ram_tree_from(&ram->dependencies, on, job);
    bool there = node && node->major == on && node->minor == job;
    if (there != done)
        return false;
    if (done) {
        ram_tree_remove(node);
        memory_free(RAM_OWNER(node, struct ram_dependency, node));
        return true;
    }
    struct ram_dependency *dependency = memory_new(struct ram_dependency);
    ram_tree_add(&ram->dependencies, &dependency->node, on, job);
    return true;
}

/* Taking away what is not there is no fault: the row may have gone with an earlier turn. */
static enum store_result change_dependency(struct ram *ram, const struct change *change)
{
    int64_t job = change->dependency.job, on = change->dependency.on;
    bool done = change->dependency.done;
    if (!put_dependency(ram, job, on, done))
        return done ? STORE_OK : ram_change_broken("a dependency is made once", job);
    struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_DEPENDENCY);
    undo->made = !done;
    undo->dependency.job = job;
    undo->dependency.on = on;
    return STORE_OK;
}

static enum store_result change_bucket(struct ram *ram, const struct bucket_change *change)
{
    struct ram_bucket *bucket =
        ram_table_bucket(ram_table_line(ram, change->tenant, change->model), change->priority);
    if (!bucket->touched) {
        bucket->touched = true;
        bucket->count_before = bucket->count;
        bucket->arrived_before = bucket->arrived;
        ram_change_note(ram, RAM_UNDO_BUCKET)->bucket = bucket;
    }
    bucket->count += change->delta_count;
    bucket->arrived += change->delta_arrived;
    if (bucket->count < 0 || bucket->arrived < bucket->count)
        return ram_change_broken("a bucket holds no more than ever came, and no less than nothing",
                                 0);
    return STORE_OK;
}

static enum store_result change_pace(struct ram *ram, const struct pace *change)
{
    struct pace *pace = map_get(&ram->paces, span_of(change->model));
    struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_PACE);
    undo->made = !pace;
    if (!pace) {
        pace = memory_new(struct pace);
        *pace = *change;
        map_set(&ram->paces, span_of(pace->model), pace);
    }
    undo->pace.pace = pace;
    undo->pace.old = *pace;
    *pace = *change;
    return STORE_OK;
}

/* Its row stays until the commit, for readers and for a rollback. */
static enum store_result delete_job(struct ram *ram, int64_t key)
{
    struct ram_row *row = ram_table_find_live(ram, key);
    if (!row || !state_is_terminal(row->job.state))
        return ram_change_broken("only a job that is there and has ended is deleted", key);
    row->is_gone = true;
    ram_change_note(ram, RAM_UNDO_DELETE)->row = row;
    struct ram_node *node = ram_tree_from(&ram->dependencies, key, INT64_MIN);
    while (node && node->major == key) {
        int64_t job = node->minor;
        const struct ram_row *dependent = ram_table_find_live(ram, job);
        node = ram_tree_after(&ram->dependencies, node);
        if (dependent && dependent->job.state == STATE_WAITING)
            continue; /* it is told of the end first, in this very turn */
        (void)put_dependency(ram, job, key, true);
        struct ram_undo *undo = ram_change_note(ram, RAM_UNDO_DEPENDENCY);
        undo->dependency.job = job;
        undo->dependency.on = key;
    }
    return STORE_OK;
}

/* `rule`: the one that is broken, or NULL. */
static enum store_result obey(const char *rule)
{
    return rule ? ram_change_broken(rule, 0) : STORE_OK;
}

static enum store_result apply_one(struct ram *ram, const struct change *change)
{
    switch (change->kind) {
    case CHANGE_JOB_INSERT:
        return insert_job(ram, change->job);
    case CHANGE_JOB_UPDATE:
        return update_job(ram, change->job);
    case CHANGE_TIMELINE:
        return add_timeline(ram, &change->timeline);
    case CHANGE_KEY:
        return add_key(ram, &change->key);
    case CHANGE_DEPENDENCY:
        return change_dependency(ram, change);
    case CHANGE_BUCKET:
        return change_bucket(ram, &change->bucket);
    case CHANGE_PACE:
        return change_pace(ram, &change->pace);
    case CHANGE_API_KEY:
    case CHANGE_TENANT:
    case CHANGE_WAITING:
    case CHANGE_PAUSE:
        return obey(ram_keys_change(ram, change));
    case CHANGE_SPEND:
        return obey(ram_spend_change(ram, &change->spend));
    case CHANGE_HOOK:
        return ram_hook_apply(ram, &change->hook);
    case CHANGE_JOB_DELETE:
        return delete_job(ram, change->job->key);
    case CHANGE_USE:
    case CHANGE_UPLOAD_ADD:
    case CHANGE_UPLOAD_REMOVE:
        return ram_upload_apply(ram, change);
    }
    return ram_change_broken("every change has a kind", 0);
}

enum store_result ram_change_apply(struct ram *ram, const struct changes *changes)
{
    enum store_result result = STORE_OK;
    for (size_t n = 0; n < changes->count && result == STORE_OK; n++)
        result = apply_one(ram, &changes->list[n]);
    return result;
}

/* ---------------------------------------------------------------- the end of a transaction */

static void drop_image(struct ram *ram, struct ram_row *row)
{
    struct ram_image *image = row->before;
    row->before = NULL;
    memory_free(image->attempts);
    image->next_free = ram->free_images;
    ram->free_images = image;
}

void ram_change_keep(struct ram *ram)
{
    for (size_t n = 0; n < ram->undo_count; n++) {
        struct ram_undo *undo = &ram->undo[n];
        if (undo->kind == RAM_UNDO_BUCKET)
            undo->bucket->touched = false;
        if (undo->kind == RAM_UNDO_UPLOAD)
            ram_upload_keep(ram, undo->upload, undo->made);
        if (undo->kind == RAM_UNDO_DELETE)
            ram_table_remove(ram, undo->row);
        ram_hook_keep(undo);
        if (undo->kind != RAM_UNDO_ROW)
            continue;
        struct ram_row *row = undo->row;
        row->is_new = false;
        if (!row->before)
            continue;
        if (row->before->job.warnings != row->job.warnings)
            memory_free(row->before->job.warnings);
        if (row->before->job.words != row->job.words)
            memory_free(row->before->job.words);
        drop_image(ram, row);
    }
    ram_keys_keep(ram);
    ram_spend_keep(ram);
    ram->undo_count = 0;
    ram->keys_made = 0;
    ram->last_key_before = ram->last_key;
}

static void undo_row(struct ram *ram, struct ram_row *row)
{
    if (row->is_new) {
        ram_table_remove(ram, row);
        return;
    }
    struct ram_image *image = row->before;
    if (row->job.warnings != image->job.warnings)
        memory_free(row->job.warnings);
    if (row->job.words != image->job.words)
        memory_free(row->job.words);
    ram_table_copy(&row->job, &image->job);
    row->job.warnings = image->job.warnings;
    row->job.words = image->job.words;
    while (row->timeline_count > image->timeline_count)
        memory_free(row->timeline[--row->timeline_count].note);
    memory_free(row->attempts);
    row->attempts = image->attempts;
    row->attempt_count = image->attempt_count;
    image->attempts = NULL;
    drop_image(ram, row);
    ram_table_link(ram, row);
}

static void undo_key(struct ram *ram, struct ram_key *key, const struct key_row *old, bool made)
{
    if (made) {
        ram_table_remove_key(ram, key);
        return;
    }
    ram_tree_remove(&key->expiry);
    key->row = *old;
    ram_tree_add(&ram->expiry, &key->expiry, old->expires_at, key->sequence);
}

static void undo_pace(struct ram *ram, struct pace *pace, const struct pace *old, bool made)
{
    if (!made) {
        *pace = *old;
        return;
    }
    (void)map_remove(&ram->paces, span_of(pace->model));
    memory_free(pace);
}

static void undo_bucket(struct ram_bucket *bucket)
{
    bucket->count = bucket->count_before;
    bucket->arrived = bucket->arrived_before;
    bucket->touched = false;
}

void ram_change_undo(struct ram *ram)
{
    while (ram->undo_count > 0) {
        struct ram_undo *undo = &ram->undo[--ram->undo_count];
        switch (undo->kind) {
        case RAM_UNDO_ROW:
            undo_row(ram, undo->row);
            break;
        case RAM_UNDO_BUCKET:
            undo_bucket(undo->bucket);
            break;
        case RAM_UNDO_KEY:
            undo_key(ram, undo->key.key, &undo->key.old, undo->made);
            break;
        case RAM_UNDO_DEPENDENCY:
            (void)put_dependency(ram, undo->dependency.job, undo->dependency.on, undo->made);
            break;
        case RAM_UNDO_PACE:
            undo_pace(ram, undo->pace.pace, &undo->pace.old, undo->made);
            break;
        case RAM_UNDO_DELETE:
            undo->row->is_gone = false;
            break;
        case RAM_UNDO_UPLOAD:
            ram_upload_undo(ram, undo->upload, undo->made);
            break;
        case RAM_UNDO_USE:
            ram_upload_undo_use(ram, undo);
            break;
        case RAM_UNDO_DELIVERY:
        case RAM_UNDO_TRY:
        case RAM_UNDO_FORGET:
        case RAM_UNDO_LANE:
        case RAM_UNDO_SECRET:
            ram_hook_undo(ram, undo);
            break;
        }
    }
    ram_keys_undo(ram);
    ram_spend_undo(ram);
    ram->keys_made = 0;
    ram->last_key = ram->last_key_before;
}
