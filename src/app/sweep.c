#include "app/sweep.h"

#include "base/log.h"
#include "base/memory.h"
#include "depot/depot_upload.h"
#include "edge/clock.h"
#include "edge/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
    SWEEP_MAILBOX = 65536,
    SWEEP_EVERY_MS = 2000,
    SWEEP_SOON_MS = 200, /* when there was more than one look could take */
    SWEEP_REST = 100     /* the sum of all sizes takes at most a hundredth of the time */
};

struct order {
    bool is_upload;
    char id[ID_SIZE];
};

struct sweep {
    struct sweep_config config;
    struct mailbox *box;
    pthread_t thread;
    atomic_bool ending;
    ms_t next, next_sum; /* monotonic */
    struct reader_sweep list[READER_SWEEP_MAX];
};

/* ---------------------------------------------------------------- what nobody names */

/* Whether a job's row names files, or may come to: what can't be read is left alone. */
static bool knows_job(void *context, struct span id)
{
    const struct sweep *sweep = context;
    struct job job;
    int64_t key;
    if (atomic_load(&sweep->ending) || !id_read(id, "gen_", &key))
        return true;
    enum store_result result = reader_job(sweep->config.reader, key, &job, NULL);
    if (result != STORE_OK)
        return result != STORE_NONE;
    bool known = span_is(id, job.id) &&
                 !(state_is_terminal(job.state) && (job.output_count == 0 || job.removed_at));
    reader_job_done(&job);
    return known;
}

static bool knows_upload(void *context, struct span id)
{
    const struct sweep *sweep = context;
    struct upload upload;
    int64_t key;
    if (!id_read(id, "upl_", &key))
        return true;
    enum store_result result = reader_upload(sweep->config.reader, key, &upload);
    return result == STORE_OK ? span_is(id, upload.id) : result != STORE_NONE;
}

static void say_swept(const char *what, unsigned count)
{
    if (count > 0)
        log_info("files that nobody names were removed", log_text("of", what),
                 log_number("count", count));
}

/* ---------------------------------------------------------------- what is old */

static bool ask(struct sweep *sweep, enum remove_what what, int64_t key, const char *why)
{
    struct message *message = message_make(EVENT_REMOVE_ASKED);
    message->event.remove_asked = (struct remove_asked){.what = what, .key = key, .why = why};
    if (sweep->config.post(sweep->config.context, message))
        return true;
    message_free(message);
    return false;
}

/* Gives whether there may be more. */
static bool sweep_expired(struct sweep *sweep)
{
    unsigned count = 0;
    if (reader_expired(sweep->config.reader, clock_wall(), sweep->list, &count) != STORE_OK)
        return false;
    for (unsigned n = 0; n < count; n++) {
        if (!ask(sweep, REMOVE_EXPIRED, sweep->list[n].key, NULL))
            return false;
    }
    return count == READER_SWEEP_MAX;
}

static bool sweep_aged(struct sweep *sweep)
{
    unsigned count = 0;
    ms_t max_age = sweep->config.max_age, until = clock_wall() - max_age;
    if (max_age == 0 || until <= 0 ||
        reader_kept(sweep->config.reader, until, sweep->list, &count) != STORE_OK)
        return false;
    for (unsigned n = 0; n < count; n++) {
        if (!ask(sweep, REMOVE_FILES, sweep->list[n].key,
                 "Its files were removed: they were older than outputs.maxAge."))
            return false;
    }
    return count == READER_SWEEP_MAX;
}

/* Oldest first, until the rest fits. */
static bool sweep_beyond(struct sweep *sweep, ms_t now)
{
    int64_t bytes = 0;
    unsigned count = 0, n = 0;
    uint64_t max_size = sweep->config.max_size;
    if (max_size == 0 || now < sweep->next_sum ||
        reader_kept_bytes(sweep->config.reader, &bytes) != STORE_OK)
        return false;
    sweep->next_sum = now + (clock_monotonic() - now) * SWEEP_REST;
    if ((uint64_t)bytes <= max_size ||
        reader_kept(sweep->config.reader, INT64_MAX, sweep->list, &count) != STORE_OK)
        return false;
    for (; n < count && (uint64_t)bytes > max_size; n++) {
        if (!ask(sweep, REMOVE_FILES, sweep->list[n].key,
                 "Its files were removed: all outputs together were larger than outputs.maxSize."))
            return false;
        bytes -= sweep->list[n].size;
    }
    return n == READER_SWEEP_MAX;
}

static void look(struct sweep *sweep, ms_t now)
{
    if (now < sweep->next)
        return;
    bool more = sweep_expired(sweep);
    more = sweep_aged(sweep) || more;
    more = sweep_beyond(sweep, now) || more;
    sweep->next = clock_monotonic() + (more ? SWEEP_SOON_MS : SWEEP_EVERY_MS);
}

/* ---------------------------------------------------------------- the thread */

static bool obey(struct sweep *sweep)
{
    void *orders[64];
    size_t count = mailbox_take_all(sweep->box, orders, 64);
    for (size_t n = 0; n < count; n++) {
        struct order *order = orders[n];
        if (order->is_upload)
            (void)depot_upload_remove(sweep->config.depot, span_of(order->id));
        else
            (void)depot_remove_job(sweep->config.depot, span_of(order->id));
        memory_free(order);
    }
    return count > 0;
}

static void *run(void *context)
{
    struct sweep *sweep = context;
    say_swept("jobs", depot_sweep_outputs(sweep->config.depot, knows_job, sweep));
    while (!atomic_load(&sweep->ending)) {
        (void)mailbox_wait(sweep->box, sweep->next);
        (void)obey(sweep);
        look(sweep, clock_monotonic());
    }
    while (obey(sweep)) {
        /* until none is left */
    }
    return NULL;
}

static void post(struct sweep *sweep, bool is_upload, const char *id)
{
    struct order *order = memory_new(struct order);
    order->is_upload = is_upload;
    (void)span_copy(span_of(id), order->id, sizeof order->id);
    if (mailbox_post(sweep->box, order))
        return;
    log_warn("a file is not removed before the next start", log_text("of", id));
    memory_free(order);
}

void sweep_files(struct sweep *sweep, const char *job_id)
{
    post(sweep, false, job_id);
}

void sweep_upload(struct sweep *sweep, const char *id)
{
    post(sweep, true, id);
}

struct sweep *sweep_make(const struct sweep_config *config)
{
    struct sweep *sweep = memory_new(struct sweep);
    sweep->config = *config;
    sweep->box = mailbox_make(SWEEP_MAILBOX, NULL, NULL);
    say_swept("uploads", depot_upload_sweep(config->depot, knows_upload, sweep));
    if (pthread_create(&sweep->thread, NULL, run, sweep) == 0)
        return sweep;
    mailbox_free(sweep->box);
    memory_free(sweep);
    return NULL;
}

void sweep_free(struct sweep *sweep)
{
    if (!sweep)
        return;
    atomic_store(&sweep->ending, true);
    mailbox_close(sweep->box);
    (void)pthread_join(sweep->thread, NULL);
    mailbox_free(sweep->box);
    memory_free(sweep);
}

void sweep_configure(struct sweep *sweep, ms_t max_age, uint64_t max_size)
{
    sweep->config.max_age = max_age;
    sweep->config.max_size = max_size;
}
