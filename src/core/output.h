/* What comes out of the core: changes of rows, and effects in the imperative. Changes are applied
 * and committed first; effects run only after the commit returned clean (law 2). */
#ifndef CORE_OUTPUT_H
#define CORE_OUTPUT_H

#include "core/account.h"
#include "core/event.h"
#include "core/poll.h"
#include "core/spend.h"

enum change_kind {
    CHANGE_JOB_INSERT, /* `job`, with its outputs and attempt if it has any */
    CHANGE_JOB_UPDATE, /* every column that can change; `outputs` and `attempt` where flagged */
    CHANGE_TIMELINE,
    CHANGE_KEY,
    CHANGE_DEPENDENCY,
    CHANGE_BUCKET,
    CHANGE_PACE,
    CHANGE_API_KEY,
    CHANGE_TENANT,
    CHANGE_WAITING,
    CHANGE_USE,
    CHANGE_JOB_DELETE, /* `job`, with all that belongs to it; an idempotency key stays */
    CHANGE_UPLOAD_ADD,
    CHANGE_UPLOAD_REMOVE, /* `upload.key` */
    CHANGE_HOOK,          /* of webhooks: see struct hook_change */
    CHANGE_SPEND,         /* by how much a row of sums becomes more, or less; made if need be */
    CHANGE_PAUSE          /* an operator's word on a provider */
};

struct timeline_entry {
    int64_t job;
    unsigned number; /* from 1; the job's making itself has no entry: created_at tells */
    ms_t at;
    enum state from, to;
    unsigned attempt;
    enum error_code error;
    char note[JOB_ERROR_SIZE];
};

/* An idempotency key. The jobs are `job` … `job + count − 1`. */
struct key_row {
    char tenant[JOB_TENANT_SIZE];
    unsigned char key_hash[KEY_HASH_SIZE], body_hash[KEY_HASH_SIZE];
    int64_t job;
    unsigned count;
    ms_t expires_at;
};

/* Queued jobs are counted here, in the transaction that moves them: nothing ever counts rows. */
struct bucket_change {
    char tenant[JOB_TENANT_SIZE];
    char model[JOB_MODEL_SIZE];
    int priority;
    int64_t delta_count;   /* queued now */
    int64_t delta_arrived; /* ever came in: the source of tickets */
};

/* How long a model's jobs take, from started to ended, as a moving mean. */
struct pace {
    char model[JOB_MODEL_SIZE];
    int64_t count;
    ms_t mean;
    struct poll_history history; /* from accepted to seen to have ended, at a provider */
};

/* Waiting jobs are counted too, for the limit on what a tenant may have lying here. */
struct waiting_change {
    char tenant[JOB_TENANT_SIZE];
    int64_t delta;
};

/* A provider that an operator has paused; it stays so over restarts until he lets it go on. */
struct pause_row {
    char provider[JOB_PROVIDER_SIZE];
    ms_t since; /* 0: there is no such row any more */
};

enum hook_change_kind {
    HOOK_INSERT,   /* `insert`, with its body */
    HOOK_UPDATE,   /* of `delivery` state, tries, logged, next_at and ended_at */
    HOOK_TRY,      /* a line of the log, in place of the one NOTIFY_LOG_MAX before it */
    HOOK_LANE_DUE, /* the lane's next_at is at most this; made if need be */
    HOOK_LANE_PUT, /* the lane as it is; MS_NEVER takes its row away */
    HOOK_SECRET,
    HOOK_FORGET /* all deliveries of `job`, with bodies and logs */
};

/* A new delivery. The core knows no JSON: `body` is filled before the change is applied, from the
 * job as it is then and from what is kept here of the moment of the event (app/turn). */
struct hook_insert {
    struct delivery row;
    const struct job *job; /* borrowed from the core until the turn ends */
    int progress;          /* at the event */
    char stage[JOB_STAGE_SIZE];
    struct span body; /* borrowed until the turn ends */
};

struct hook_change {
    enum hook_change_kind kind;
    union {
        struct hook_insert insert;
        struct delivery delivery;    /* UPDATE */
        struct delivery_try attempt; /* TRY */
        struct hook_lane lane;       /* LANE_DUE, LANE_PUT */
        struct hook_secret secret;
        int64_t job; /* FORGET */
    };
};

struct change {
    enum change_kind kind;
    union {
        const struct job *job; /* borrowed from the core until the turn ends */
        struct timeline_entry timeline;
        struct key_row key;
        struct {
            int64_t job, on;
            bool done; /* false: make the row; true: take it away, `on` has ended */
        } dependency;
        struct {
            int64_t job, source;
            bool done; /* false: make the row; true: take all of the job's away, it has ended */
        } use;
        struct upload upload;
        struct bucket_change bucket;
        struct pace pace;
        struct api_key_change api_key;
        struct tenant_row tenant; /* the whole row, new or not */
        struct waiting_change waiting;
        struct hook_change hook;
        struct spend_row spend;
        struct pause_row pause;
    };
};

struct changes {
    struct change *list; /* owned, grows */
    size_t count, capacity;
};

enum effect_kind {
    EFFECT_REPLY,         /* answer the client that waits with this token */
    EFFECT_WORK,          /* start the attempt in a worker of ours */
    EFFECT_STOP,          /* end the attempt; WORKED_STOPPED follows */
    EFFECT_KEEP,          /* bring the attempt's files into the depot; WORKED_KEPT follows */
    EFFECT_DROP,          /* the job ended: its work folder is not needed any more */
    EFFECT_PUBLISH,       /* the job changed: wake who watches it */
    EFFECT_API_KEY,       /* tell who checks keys */
    EFFECT_TENANT,        /* tell who checks what a tenant may */
    EFFECT_REMOVE_FILES,  /* nobody needs the job's outputs any more */
    EFFECT_REMOVE_UPLOAD, /* … or this upload */
    EFFECT_HOOK,          /* try to deliver; HOOKED follows */
    /* To the attempt's provider; TOLD follows each, with an answer or without. */
    EFFECT_SUBMIT, /* pays: see edge/egress.h */
    EFFECT_POLL,   /* how it stands; of `remote_id` where there is one */
    EFFECT_FIND,   /* look for it in the provider's list */
    EFFECT_CANCEL,
    EFFECT_FETCH, /* bring the files that `told` names into the depot; WORKED follows */
    /* Follow the attempt's stream, in place of an older attempt's, until it ends or the job is
     * dropped; HINTED and STREAMED may follow. Nothing is lost when it can't be. */
    EFFECT_STREAM,
    EFFECT_BUDGET, /* a budget's use has come to 80 or 100 percent: the operator wants to know */
    EFFECT_UNWELL  /* … and that a provider is sent nothing for a while: see core/health.h */
};

struct budget_notice {
    struct account account; /* as it was then */
    bool is_provider;       /* else a tenant */
    unsigned percent;
    int64_t spent; /* in the budget's period */
};

struct unwell_notice {
    char provider[JOB_PROVIDER_SIZE];
    enum error_code why; /* bad_key, out_of_credit; else its breaker is open */
    ms_t until;
};

struct reply {
    uint64_t token;
    enum error_code error; /* NONE: done as asked */
    char text[JOB_ERROR_SIZE];
    int64_t jobs[JOB_COUNT_MAX]; /* keys */
    char ids[JOB_COUNT_MAX][ID_SIZE];
    unsigned job_count;
    enum state state;
    bool joined, replayed;
    enum receipt receipt;
    ms_t created_at;
    ms_t expires_at; /* of an upload */
};

struct effect {
    enum effect_kind kind;
    union {
        struct reply reply;
        struct api_key_change api_key;
        struct tenant_row tenant;
        struct {
            const struct job *job; /* borrowed from the core until the turn ends */
            unsigned attempt;
            bool terminal;           /* PUBLISH */
            const struct told *told; /* FETCH; borrowed as the job is */
            const char *remote_id;   /* POLL: another than the attempt's; likewise */
            ms_t asked_at;           /* SUBMIT, POLL, FIND, CANCEL: the turn's time */
        } on;
        char upload[ID_SIZE]; /* REMOVE_UPLOAD */
        struct {
            int64_t job;
            unsigned number;
            unsigned tries; /* those before this one */
            bool is_last;   /* of the schedule */
        } hook;
        struct budget_notice budget;
        struct unwell_notice unwell;
    };
};

struct effects {
    struct effect *list; /* owned, grows */
    size_t count, capacity;
};

struct output {
    struct changes changes;
    struct effects effects;
};

void output_init(struct output *output);
void output_done(struct output *output);
/* The new, zeroed entry at the end; valid until the next call. */
struct change *output_change(struct output *output, enum change_kind kind);
struct effect *output_effect(struct output *output, enum effect_kind kind);
/* … on the job's present attempt. */
struct effect *output_on(struct output *output, enum effect_kind kind, const struct job *job);
void output_clear_changes(struct output *output);
void output_clear_effects(struct output *output);

#endif
