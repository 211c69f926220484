/* The memory of the gateway, behind one seam: SQLite (store/sqlite), plain memory (store/memory,
 * for the simulator and tests), later PostgreSQL.
 *
 * The writing side belongs to the core's thread alone:
 *
 *     store_begin → store_load… → store_apply → store_get → … → store_commit
 *
 * Nothing of a transaction is visible to readers before store_commit returned STORE_OK, and then it
 * survives a power cut. The reading side (struct reader) may be opened by any thread, one each. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "core/event.h"
#include "core/output.h"

enum store_result {
    STORE_OK,
    STORE_NONE,  /* there is no such row */
    STORE_FULL,  /* no room on the disk; rolled back, may be tried again as a whole */
    STORE_BUSY,  /* somebody else holds the lock; rolled back, may be tried again as a whole */
    STORE_BROKEN /* nobody knows what is true: leave the process, recovery reads what is */
};

struct store;  /* the writing side */
struct reader; /* the reading side */

enum { STORE_FAULT_SIZE = 300, STORE_BUSY_TRIES = 20 };

struct store_sink; /* see store_start */

/* What every backend supplies; callers use the functions below. */
struct store_type {
    const char *name;
    void (*close)(struct store *store);
    enum store_result (*begin)(struct store *store);
    enum store_result (*load_job)(struct store *store, int64_t key, struct job **ret_job);
    enum store_result (*load_key)(struct store *store, const struct need *need,
                                  struct key_row *ret_row);
    enum store_result (*load_twin)(struct store *store, const struct need *need,
                                   struct job **ret_job);
    enum store_result (*load_upload)(struct store *store, int64_t key, struct upload *ret_upload);
    enum store_result (*load_uploads)(struct store *store, const char *tenant, int64_t *ret_bytes,
                                      int64_t *ret_count);
    enum store_result (*load_user)(struct store *store, int64_t source,
                                   char ret_id[static ID_SIZE]);
    enum store_result (*load_delivery)(struct store *store, const struct need *need,
                                       struct delivery *ret_row);
    enum store_result (*load_secret)(struct store *store, const struct need *need,
                                     struct hook_secret *ret_row);
    enum store_result (*apply)(struct store *store, const struct changes *changes);
    enum store_result (*get)(struct store *store, const struct want *want, struct got *ret_got);
    enum store_result (*commit)(struct store *store, ms_t now);
    void (*rollback)(struct store *store);
    enum store_result (*start)(struct store *store, const struct store_sink *sink);
    int64_t (*hooks_pending)(struct store *store);
    struct reader *(*open_reader)(struct store *store, char ret_fault[static STORE_FAULT_SIZE]);
};

/* First member of every backend's own struct. */
struct store {
    const struct store_type *type;
};

void store_close(struct store *store); /* accepts NULL */
/* BEGIN IMMEDIATE: from here on nobody else writes. A lock that another process holds is waited for
 * a quarter of a second, then the answer is STORE_BUSY and the caller asks again; after
 * STORE_BUSY_TRIES in a row it had better tell its clients. Any other result than STORE_OK and
 * STORE_NONE, of this call or a later one, has rolled the transaction back. */
enum store_result store_begin(struct store *store);
/* The caller takes the job over. */
enum store_result store_load_job(struct store *store, int64_t key, struct job **ret_job);
/* Expired keys go little by little, so a row may be found that has: its expires_at tells. */
enum store_result store_load_key(struct store *store, const struct need *need,
                                 struct key_row *ret_row);
/* A live job of the tenant, model and fingerprint, the newest of those that it finds: it looks at
 * all in flight and waiting ones and at the 50,000 newest queued ones of that tenant and model. */
enum store_result store_load_twin(struct store *store, const struct need *need,
                                  struct job **ret_job);
enum store_result store_load_upload(struct store *store, int64_t key, struct upload *ret_upload);
/* What a tenant's uploads are together; nothing is STORE_OK too. */
enum store_result store_load_uploads(struct store *store, const char *tenant, int64_t *ret_bytes,
                                     int64_t *ret_count);
/* The id of one of the jobs that hold a source (upload_source). */
enum store_result store_load_user(struct store *store, int64_t source, char ret_id[static ID_SIZE]);
enum store_result store_load_delivery(struct store *store, const struct need *need,
                                      struct delivery *ret_row);
enum store_result store_load_secret(struct store *store, const struct need *need,
                                    struct hook_secret *ret_row);
/* In order. Violated constraints are bugs: STORE_BROKEN. Besides the schema's they are: a job is
 * inserted once and updated only when it is there, its version never falls, a terminal state is
 * final, an equal key is replaced only by one that expires later, a bucket never holds less than
 * nothing, nor do fewer than none wait. To revoke or use an API key that is not there is no fault;
 * what was revoked stays revoked, when it was. An update leaves alone what never changes: key, id,
 * tenant, model, fingerprint, created_at, retry_of, input, metadata and options. A new attempt or
 * new outputs must be flagged. Only a job that has ended is deleted; with it go its inputs,
 * outputs, attempts, timeline and the dependencies on it of jobs that do not wait. An upload is
 * added once. A delivery is inserted once, with its body, which never changes; those that ended
 * NOTIFY_KEPT_DAYS ago go little by little, with body and log. What is said of one that is not
 * there any more counts for nothing. */
enum store_result store_apply(struct store *store, const struct changes *changes);
/* Sees what this transaction applied. Rows of CLAIM are the oldest by (queued_at, key). Fills
 * ret_got->want with a copy of *want. DEPENDENTS gives rows that wait on want->job, in order of
 * key; the core takes the dependency rows away by changes (CHANGE_DEPENDENCY with `done`). Asking
 * changes nothing, so a turn that was rolled back can be applied again from its changes alone. */
enum store_result store_get(struct store *store, const struct want *want, struct got *ret_got);
/* Writes the turn's number (+1) and `now` (the core's high-water time) too. */
enum store_result store_commit(struct store *store, ms_t now);
void store_rollback(struct store *store);

/* Once after opening, before the first begin: empty buckets are not told, and their tickets count
 * from nothing again. STORE_BUSY may be tried again.
 *
 * What a start needs, told in this order: meta, pace…, bucket…, tenant…, waiting…, key…, pause…,
 * spend…, in-flight job… (by key), those followed after their end. The callbacks from `tenant` on
 * may be NULL. */
struct store_sink {
    void *context;
    void (*meta)(void *context, int64_t turn, ms_t now, int64_t last_key, ms_t next_due);
    void (*pace)(void *context, const struct pace *pace);
    /* delta_count and delta_arrived hold the totals. Empty buckets are not told. */
    void (*bucket)(void *context, const struct bucket_change *totals, ms_t head_at);
    void (*job)(void *context, struct job *job); /* takes it over */
    void (*tenant)(void *context, const struct tenant_row *row);
    void (*waiting)(void *context, const char *tenant, int64_t count); /* never 0 */
    void (*key)(void *context, const struct api_key_row *row);         /* with a spend limit */
    void (*pause)(void *context, const struct pause_row *row);
    /* Those of day 0, and of the last 31 days at least. */
    void (*spend)(void *context, const struct spend_row *row);
};
enum store_result store_start(struct store *store, const struct store_sink *sink);

/* Deliveries that are pending, as committed: a number that is kept, nothing is counted. */
int64_t store_hooks_pending(struct store *store);

/* ---------------------------------------------------------------- the reading side */

struct job_place {
    int64_t position; /* 1: next of its tenant and model; 0: not queued */
};

struct reader_filter {
    const char *tenant;        /* NULL: all */
    const char *model;         /* NULL: all */
    const char *provider;      /* NULL: all */
    unsigned states;           /* bit mask of 1 << enum state; 0: all */
    int64_t before;            /* keys smaller than this (the cursor); 0: from the newest */
    ms_t since;                /* created at or after */
    struct span metadata_key;  /* with … */
    struct span metadata_text; /* … this string value; empty key: all */
    unsigned limit;            /* items wanted */
};

enum { READER_SCAN_MAX = 20000, READER_LIMIT_MAX = 200, READER_TIMELINE_MAX = 1000 };
enum { READER_DELIVERIES_MAX = 200 };

/* What those need who check keys, told in this order: tenant…, api_key… (by id). */
struct reader_keys_sink {
    void *context;
    void (*tenant)(void *context, const struct tenant_row *row);
    void (*api_key)(void *context, const struct api_key_row *row);
};

/* What the sweeper may ask to be removed. */
struct reader_sweep {
    int64_t key;  /* of the job or the upload */
    int64_t size; /* bytes of a job's outputs, without thumbnails */
};
enum { READER_SWEEP_MAX = 256 };

/* What is summed: days from … to, both included, at most SPEND_DAYS_MAX of them, and what is
 * reserved now. */
struct reader_usage_filter {
    const char *tenant; /* NULL: all */
    int64_t from, to;   /* > 0 */
    enum spend_by by;
};
enum { READER_USAGE_MAX = 1000 };

/* Groups in order; of each row only what it is grouped by is filled, and the figures. */
struct reader_usage {
    struct spend_row *rows; /* READER_USAGE_MAX, the caller's */
    unsigned count;
    bool more;              /* there are more groups than that */
    struct spend_row total; /* of all of them; by day only here is what is reserved */
};

struct reader_type {
    void (*close)(struct reader *reader);
    enum store_result (*job)(struct reader *reader, int64_t key, struct job *ret_job,
                             struct job_place *ret_place);
    /* May be NULL: nothing is kept. */
    const struct job *(*kept_job)(struct reader *reader, int64_t key, struct job_place *ret_place);
    enum store_result (*list)(struct reader *reader, const struct reader_filter *filter,
                              struct job **ret_jobs, unsigned *ret_count, int64_t *ret_next);
    enum store_result (*timeline)(struct reader *reader, int64_t key,
                                  struct timeline_entry *ret_entries, unsigned *ret_count);
    enum store_result (*attempts)(struct reader *reader, int64_t key, struct attempt *ret_attempts,
                                  unsigned *ret_count);
    enum store_result (*upload)(struct reader *reader, int64_t key, struct upload *ret_upload);
    enum store_result (*expired)(struct reader *reader, ms_t now, struct reader_sweep *ret_list,
                                 unsigned *ret_count);
    enum store_result (*kept)(struct reader *reader, ms_t until, struct reader_sweep *ret_list,
                              unsigned *ret_count);
    enum store_result (*kept_bytes)(struct reader *reader, int64_t *ret_bytes);
    enum store_result (*setting)(struct reader *reader, const char *name, char *ret_text,
                                 size_t capacity);
    enum store_result (*api_keys)(struct reader *reader, const struct reader_keys_sink *sink);
    enum store_result (*delivery)(struct reader *reader, int64_t job, unsigned number,
                                  struct delivery *ret_row, char **ret_body);
    enum store_result (*deliveries)(struct reader *reader, int64_t job, struct delivery *ret_rows,
                                    unsigned *ret_count);
    enum store_result (*tries)(struct reader *reader, int64_t job, unsigned delivery,
                               struct delivery_try *ret_tries, unsigned *ret_count);
    enum store_result (*secret)(struct reader *reader, const char *tenant,
                                struct hook_secret *ret_row);
    enum store_result (*usage)(struct reader *reader, const struct reader_usage_filter *filter,
                               struct reader_usage *ret_usage);
    enum store_result (*remote_id)(struct reader *reader, const char *id, int64_t *ret_job);
    void (*hold)(struct reader *reader); /* may be NULL, with `rest` */
    void (*rest)(struct reader *reader);
};

struct reader {
    const struct reader_type *type;
};

/* NULL with a sentence when it can't be opened. */
struct reader *store_open_reader(struct store *store, char ret_fault[static STORE_FAULT_SIZE]);
void reader_close(struct reader *reader); /* accepts NULL */
/* From now on point reads share one view of the store for as long as nothing is committed, which
 * spares each of them the locks of a transaction. What a commit made visible is never missed. The
 * thread must call reader_rest before it sleeps: an old view keeps the log from being moved. */
void reader_hold(struct reader *reader);
void reader_rest(struct reader *reader);
/* One prepared point read with a time limit of 50 ms (lists: 500 ms); STORE_BUSY when it passed.
 * `ret_job` is overwritten; free its texts with reader_job_done. The place is filled for queued
 * jobs when it is not NULL. */
enum store_result reader_job(struct reader *reader, int64_t key, struct job *ret_job,
                             struct job_place *ret_place);
void reader_job_done(struct job *job);
/* The same without a copy, where the row and its place are at hand, as they are for who asks again
 * and again; NULL: read it then. Borrowed until the reader's next call. */
const struct job *reader_kept_job(struct reader *reader, int64_t key, struct job_place *ret_place);
/* Newest first. `since` relies on it that keys and times of creation grow together. Metadata are
 * compared as strings: a number there equals nothing. Looks at no more than READER_SCAN_MAX rows:
 * *ret_next is the cursor to go on with (0: the end), and may be set though fewer than `limit` were
 * found. Their `words` are left out, which would make a long page longer by megabytes. The caller
 * frees each with job_free; ret_jobs holds READER_LIMIT_MAX. */
enum store_result reader_list(struct reader *reader, const struct reader_filter *filter,
                              struct job **ret_jobs, unsigned *ret_count, int64_t *ret_next);
/* Arrays of READER_TIMELINE_MAX, oldest first. */
enum store_result reader_timeline(struct reader *reader, int64_t key,
                                  struct timeline_entry *ret_entries, unsigned *ret_count);
enum store_result reader_attempts(struct reader *reader, int64_t key, struct attempt *ret_attempts,
                                  unsigned *ret_count);
enum store_result reader_upload(struct reader *reader, int64_t key, struct upload *ret_upload);
/* Within two seconds: see struct reader_usage. Reads the days' sums, never the jobs. */
enum store_result reader_usage(struct reader *reader, const struct reader_usage_filter *filter,
                               struct reader_usage *ret_usage);
/* For the sweeper, each up to READER_SWEEP_MAX, what a job that has not ended reads left out,
 * within ten seconds. Uploads that expired by `now`, the earliest first; jobs that ended by `until`
 * whose files are there, the earliest first; and the size of all outputs that are there. */
enum store_result reader_expired(struct reader *reader, ms_t now, struct reader_sweep *ret_list,
                                 unsigned *ret_count);
enum store_result reader_kept(struct reader *reader, ms_t until, struct reader_sweep *ret_list,
                              unsigned *ret_count);
enum store_result reader_kept_bytes(struct reader *reader, int64_t *ret_bytes);
/* Settings are made by the store when it is first made: "url_secret" (64 hex digits, random). */
enum store_result reader_setting(struct reader *reader, const char *name, char *ret_text,
                                 size_t capacity);
/* All keys and tenants, as of one moment; at the start, and whenever another node may have changed
 * them. Has no time limit: not for a loop that answers requests. */
enum store_result reader_api_keys(struct reader *reader, const struct reader_keys_sink *sink);
/* One delivery of a job with the bytes of its body, which the caller frees. */
enum store_result reader_delivery(struct reader *reader, int64_t job, unsigned number,
                                  struct delivery *ret_row, char **ret_body);
/* The newest READER_DELIVERIES_MAX, the newest first. Whether the job is there is not looked at. */
enum store_result reader_deliveries(struct reader *reader, int64_t job, struct delivery *ret_rows,
                                    unsigned *ret_count);
/* The log of one delivery, at most NOTIFY_LOG_MAX lines, oldest first. */
enum store_result reader_tries(struct reader *reader, int64_t job, unsigned delivery,
                               struct delivery_try *ret_tries, unsigned *ret_count);
enum store_result reader_secret(struct reader *reader, const char *tenant,
                                struct hook_secret *ret_row);
/* The job of an attempt that has this id at its provider, whichever that is; never of "". */
enum store_result reader_remote_id(struct reader *reader, const char *id, int64_t *ret_job);

#endif
