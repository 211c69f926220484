/* What the memory store holds: rows, and the trees and maps that find them. Changes are made in
 * place; a row that a transaction touches keeps its image of before, which is what readers see and
 * what a rollback restores. */
#ifndef STORE_RAM_TABLE_H
#define STORE_RAM_TABLE_H

#include "base/map.h"
#include "store/ram.h"
#include "store/ram_tree.h"

#include <pthread.h>

enum { RAM_SECRET_SIZE = 65, RAM_EXPIRED_MIN = 64 };

/* All buckets of one tenant and model. */
struct ram_line {
    char name[JOB_TENANT_SIZE + JOB_MODEL_SIZE]; /* tenant, NUL, model: the key of the map */
    size_t name_size, tenant_size;
    uint64_t hash;
    struct ram_tree buckets; /* by priority */
};

struct ram_bucket {
    struct ram_node node; /* in the line */
    const struct ram_line *line;
    int64_t count, arrived;
    int64_t count_before, arrived_before; /* committed */
    bool touched;                         /* by the open transaction */
    struct ram_tree queue;                /* by queued_at and key */
};

struct ram_entry {
    unsigned number, attempt;
    ms_t at;
    enum state from, to;
    enum error_code error;
    char *note; /* owned; NULL: empty */
};

/* A row as it was before the open transaction. Its texts are the row's, but for `warnings`
 * and `words`. */
struct ram_image {
    struct ram_image *next_free;
    struct attempt *attempts; /* owned */
    unsigned attempt_count, timeline_count;
    struct job job;
};

struct ram_row {
    struct ram_node queue, flight, wake, twin;
    struct ram_line *line;
    struct ram_bucket *bucket; /* of its tenant, model and priority */
    bool is_new;               /* inserted by the open transaction */
    bool is_gone;              /* deleted by it */
    struct ram_image *before;  /* NULL: untouched by the open transaction, or new */
    struct attempt *attempts;  /* owned, by number */
    struct ram_entry *timeline;
    unsigned attempt_count, timeline_count, timeline_capacity;
    struct job job; /* its texts are owned; attempts and outputs as in the newest image */
};

struct ram_key {
    struct ram_node expiry;
    int64_t sequence;   /* no two are equal */
    struct key_row row; /* its first bytes, tenant and hash, are the key of the map */
};

/* Rows that are few: what was committed is kept beside what holds in the open transaction. */
struct ram_tenant {
    struct tenant_row row, before;
    bool is_new;
};

struct ram_api_key {
    struct api_key_row row, before;
    bool is_new;
};

struct ram_waiting {
    char tenant[JOB_TENANT_SIZE];
    int64_t count, before;
};

struct ram_pause {
    struct pause_row row, before; /* since 0: there is none */
};

struct ram_spend {
    struct spend_row row, before;
    bool is_new;
};

struct ram_dependency {
    struct ram_node node; /* by the job that is waited for, then the one that waits */
};

struct ram_upload {
    struct ram_node expiry;
    bool is_new, is_gone; /* by the open transaction */
    struct upload upload;
};

/* A job that reads a source. */
struct ram_use {
    struct ram_node by_source, by_job;
};

/* A delivery, found by job and number, the first bytes of its row. */
struct ram_delivery {
    struct ram_node due;   /* in its lane, while pending */
    struct ram_node ended; /* by the end of it */
    struct ram_node place; /* ram->deliveries: by job and number */
    int64_t sequence;      /* no two are equal */
    struct delivery row;
    char *body;               /* owned */
    struct delivery_try *log; /* owned; oldest first */
    unsigned log_count;
};

/* Stays when its row goes (next_at is MS_NEVER then), for its tree. */
struct ram_hook_lane {
    struct ram_node due; /* ram->lanes[failing] */
    struct hook_lane row;
    struct ram_tree pending; /* by next_at and sequence */
};

enum ram_undo_kind {
    RAM_UNDO_ROW,
    RAM_UNDO_BUCKET,
    RAM_UNDO_KEY,
    RAM_UNDO_DEPENDENCY,
    RAM_UNDO_PACE,
    RAM_UNDO_DELETE,
    RAM_UNDO_UPLOAD,
    RAM_UNDO_USE,
    RAM_UNDO_DELIVERY,
    RAM_UNDO_TRY,
    RAM_UNDO_FORGET,
    RAM_UNDO_LANE,
    RAM_UNDO_SECRET
};

/* What a rollback must restore besides the images. */
struct ram_undo {
    enum ram_undo_kind kind;
    bool made; /* KEY, PACE, DELIVERY, SECRET: there was none before; DEPENDENCY, UPLOAD, USE: it
                  was made, else taken away; TRY: a line was added, else the oldest made room for
                  it */
    union {
        struct ram_row *row; /* ROW, DELETE */
        struct ram_upload *upload;
        struct {
            int64_t job, source;
        } use;
        struct ram_bucket *bucket;
        struct {
            struct ram_key *key;
            struct key_row old;
        } key;
        struct {
            int64_t job, on;
        } dependency;
        struct {
            struct pace *pace;
            struct pace old;
        } pace;
        struct {
            struct ram_delivery *delivery;
            struct delivery old;
        } delivery;
        struct {
            struct ram_delivery *delivery;
            struct delivery_try *old; /* owned: the line that went, or NULL */
        } attempt;
        struct {
            struct ram_hook_lane *lane;
            struct hook_lane old;
        } lane;
        struct {
            struct hook_secret *secret;
            struct hook_secret *old; /* owned; NULL: there was none */
        } secret;
    };
};

struct ram_rows {
    struct ram_row **list; /* in order of key */
    size_t count, capacity;
};

struct ram {
    struct store store;
    pthread_mutex_t lock; /* writer and readers may be different threads */
    bool open;            /* inside a transaction */
    struct map by_key;    /* job key → row */
    struct ram_rows rows;
    struct map lines, keys, paces;
    struct map tenants, api_keys, waiting, pauses; /* see ram_keys.h */
    bool keys_touched;                             /* the open transaction changed some of those */
    struct map spends;                             /* see ram_spend.h */
    bool spends_touched;
    struct map uploads; /* by key */
    struct ram_tree flight, wake, twins, expiry, dependencies;
    struct ram_tree upload_expiry, uses_by_source, uses_by_job;
    struct map lanes, secrets; /* of webhooks; owned */
    struct ram_tree deliveries, deliveries_ended, lanes_due[2];
    int64_t hooks_pending, delivery_sequence;
    struct ram_undo *undo;
    size_t undo_count, undo_capacity;
    struct ram_image *free_images;
    unsigned keys_made; /* by the open transaction */
    int64_t turn, last_key, last_key_before, key_sequence;
    ms_t now;
    char url_secret[RAM_SECRET_SIZE];
    enum store_result faults[RAM_CALL_COUNT];
};

static inline struct ram *ram_of(const struct store *store)
{
    return (struct ram *)(void *)(uintptr_t)store;
}

struct ram_row *ram_table_find(const struct ram *ram, int64_t key);
struct ram_line *ram_table_line(struct ram *ram, const char *tenant, const char *model);
/* NULL when there is none; ram_table_bucket makes it. */
struct ram_line *ram_table_find_line(const struct ram *ram, const char *tenant, const char *model);
struct ram_bucket *ram_table_bucket(struct ram_line *line, int priority);
/* By which the trees of twins are ordered. */
int64_t ram_table_twin(const struct ram_line *line, uint64_t fingerprint);
/* The same, and not deleted by the open transaction. */
struct ram_row *ram_table_find_live(const struct ram *ram, int64_t key);
/* A new row with a copy of the job, linked wherever it belongs. */
struct ram_row *ram_table_insert(struct ram *ram, const struct job *job);
/* Takes the row, the newest of its key, out of everything and frees it. */
void ram_table_remove(struct ram *ram, struct ram_row *row);
/* Brings the row's places in the trees in line with its job. */
void ram_table_link(struct ram *ram, struct ram_row *row);
/* The row part without the texts; outputs beyond output_count are not touched. */
void ram_table_copy(struct job *target, const struct job *source);
/* With copies of the texts. `target` is overwritten. */
void ram_table_read(struct job *target, const struct job *source);
struct job *ram_table_make(const struct job *source);
/* NULL when absent. */
struct ram_key *ram_table_find_key(const struct ram *ram, const char *tenant, struct span key_hash);
struct span ram_table_key_span(const struct key_row *row);
void ram_table_remove_key(struct ram *ram, struct ram_key *key);
/* Fills an empty store with copies of all that another one holds. */
void ram_table_clone(struct ram *target, const struct ram *source);
/* What readers see of the row; NULL: nothing. */
const struct job *ram_table_committed(const struct ram_row *row);
void ram_table_free(struct ram *ram);

#endif
