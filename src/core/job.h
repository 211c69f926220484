/* The job as core and store know it. Everything above the ruled line in struct job is its row;
 * below it is what only the core's memory holds while the job is in flight.
 *
 * Times are wall time in milliseconds, 0 for "not yet". Money is integer micro-dollars. */
#ifndef CORE_JOB_H
#define CORE_JOB_H

#include "base/error.h"
#include "base/heap.h"
#include "base/id.h"
#include "base/list.h"
#include "core/state.h"

enum {
    JOB_TENANT_SIZE = 64,
    JOB_MODEL_SIZE = 96,
    JOB_PROVIDER_SIZE = 24,
    JOB_STAGE_SIZE = 64,
    JOB_ERROR_SIZE = 400,
    JOB_REMOTE_ID_SIZE = 160,
    JOB_HANDLE_SIZE = 240,
    JOB_ROUTE_MAX = 4096, /* bytes of a route */
    JOB_NAME_SIZE = 48,
    JOB_TYPE_SIZE = 32,
    JOB_SHA256_SIZE = 65,
    JOB_OUTPUTS_MAX = 8,
    JOB_WORDS_MAX = 384 * 1024,
    JOB_COUNT_MAX = 8,         /* variants of one request */
    JOB_DEPENDENCIES_MAX = 32, /* jobs that one job can wait for */
    JOB_UPLOADS_MAX = 32       /* uploads that one job can read */
};

enum { JOB_PRIORITY_MIN = -100, JOB_PRIORITY_MAX = 100 };

/* What a cancel came to (SPEC 3). */
#define RECEIPT_LIST(X)                                                                            \
    X(NONE, none)                                                                                  \
    X(NOT_SUBMITTED, not_submitted) /* free: nothing had been sent */                              \
    X(STOPPED, stopped)             /* the provider, or our worker, confirmed the stop */          \
    X(TOO_LATE, too_late)           /* it ended first and keeps its output */                      \
    X(UNCONFIRMED, unconfirmed)     /* no word from the provider within 10 s */

enum receipt {
#define RECEIPT_ENUM(upper, lower) RECEIPT_##upper,
    RECEIPT_LIST(RECEIPT_ENUM)
#undef RECEIPT_ENUM
        RECEIPT_COUNT
};

/* How an attempt at an offer stands. */
#define ATTEMPT_LIST(X)                                                                            \
    X(NONE, none)                                                                                  \
    X(INTENT, intent)     /* durable before the first byte leaves */                               \
    X(ACCEPTED, accepted) /* the provider, or a worker of ours, has it */                          \
    X(DONE, done)                                                                                  \
    X(FAILED, failed)                                                                              \
    X(STOPPED, stopped)     /* canceled, expired or timed out, and ended by us */                  \
    X(LOST, lost)           /* our own work, lost to the death of this server: no try */           \
    X(UNCERTAIN, uncertain) /* sent, and the answer was lost: see core/ladder.c */                 \
    X(REFUSED, refused)     /* surely not accepted: refused, put off or never sent; free */        \
    X(UNKNOWN, unknown)     /* never found out; counted as spent */

enum attempt_state {
#define ATTEMPT_ENUM(upper, lower) ATTEMPT_##upper,
    ATTEMPT_LIST(ATTEMPT_ENUM)
#undef ATTEMPT_ENUM
        ATTEMPT_COUNT
};

const char *receipt_name(enum receipt receipt);
const char *attempt_name(enum attempt_state state);

struct attempt {
    unsigned number; /* from 1; 0: the job never had one */
    enum attempt_state state;
    char provider[JOB_PROVIDER_SIZE];
    unsigned offer; /* which of the job's route, from 0 */
    unsigned sends; /* submissions that left, or may have: more than one only with a key */
    char remote_id[JOB_REMOTE_ID_SIZE];
    char handle[JOB_HANDLE_SIZE]; /* what the adapter wants to see again; opaque */
    ms_t intent_at, accepted_at, ended_at;
    /* How long it was thought to take when it was accepted; 0: its provider says how far it is. See
     * progress.h. */
    ms_t expected;
    int64_t reserved, settled;
    enum error_code error;
};

/* A question to a provider that is out, or what is asked next. */
enum asking {
    ASKING_NOTHING,
    ASKING_SUBMIT,
    ASKING_POLL,
    ASKING_FIND,
    ASKING_CANCEL,
    ASKING_FETCH /* … and keep: the files are on their way */
};

/* What memory holds of an attempt at a provider; begins anew after a restart. */
struct job_flight {
    enum asking asking;    /* out, without an answer yet */
    ms_t ask_at;           /* when to ask next; MS_NEVER: only when something happens */
    ms_t until;            /* the phase lasts at most so long */
    ms_t warn_at;          /* while it runs: most of its time is over then; 0: it is said */
    ms_t read_at;          /* its place among its provider's reads; 0: none taken */
    ms_t heard_at;         /* the last word on how it stands */
    unsigned polls;        /* since it was accepted */
    unsigned failures;     /* reads in a row that came to nothing */
    unsigned rung;         /* searches made since it became uncertain */
    ms_t absent_at;        /* of the first search that found nothing, in steady time; 0: none did */
    unsigned gone;         /* polls in a row of which the provider knew nothing */
    unsigned fetches;      /* of the files, that failed */
    unsigned fetches_lost; /* … of them those that were not for passing trouble */
    unsigned put_off;      /* submissions in a row that were not taken now, or never left */
    unsigned refused;      /* bits of the offers that refused for good */
    bool is_running;       /* the provider said that it is at it */
    bool is_stopping;      /* a cancel was sent, and not denied */
    bool is_streaming;     /* its stream is open: see EVENT_STREAMED */
    ms_t hinted_at;        /* of the last hint that caused a poll */
    bool is_hinted;        /* a hint overtook the answer to the submission */
    enum error_code error; /* of the last refusal */
    char text[JOB_ERROR_SIZE];
};

/* What the caller said of attempts that may cost twice, and where they may go. */
enum job_flag {
    JOB_FLAG_RESUBMIT = 1,     /* onUncertain: "resubmit" */
    JOB_FLAG_RETRY_BILLED = 2, /* retryBilled: true */
    JOB_FLAG_NO_FALLBACK = 4   /* fallback: false */
};

struct job_output {
    char name[JOB_NAME_SIZE];      /* "output.mp4", in the job's folder of the depot */
    char thumbnail[JOB_NAME_SIZE]; /* "thumbnail.jpg", or empty */
    char content_type[JOB_TYPE_SIZE];
    char sha256[JOB_SHA256_SIZE];
    int64_t size; /* bytes */
    ms_t duration;
    int width, height;
    int fps_milli; /* frames in 1,000 s */
    bool is_late;  /* made all the same, and no part of the job's result; after those that are */
};

struct job {
    int64_t key; /* primary key, inside the id too; grows with time */
    char id[ID_SIZE];
    char tenant[JOB_TENANT_SIZE];
    char model[JOB_MODEL_SIZE];
    char provider[JOB_PROVIDER_SIZE];
    uint64_t fingerprint; /* of model and canonical input, for `duplicates: join` */
    enum state state;
    int priority;
    ms_t created_at, queued_at, started_at, ended_at;
    ms_t start_at, deadline; /* asked for */
    ms_t wake_at;            /* while waiting or queued: when the store must bring it up */
    int64_t ticket;          /* its number among all that ever came into its bucket */
    unsigned waits_for;      /* jobs that must succeed first */
    bool awaited;            /* other jobs wait for this one */
    bool cancel_asked;
    enum receipt receipt;
    unsigned tries; /* attempts that count against the limit of three */
    int progress;   /* 0 … 100, never falls */
    char stage[JOB_STAGE_SIZE];
    enum error_code error;
    char error_text[JOB_ERROR_SIZE];
    bool retryable;
    bool following;        /* it has ended; its attempt has not, or an older one may be open */
    unsigned flags;        /* enum job_flag; never changes */
    char api_key[ID_SIZE]; /* whose spend limit it counts against; empty: none's */
    bool reads;            /* has rows of uses: outputs or uploads are held for it */
    ms_t removed_at;       /* its files were removed, by age or size; 0: they are there */
    unsigned timeline;     /* entries written so far */
    int64_t version;       /* grows with every change of the row */
    int64_t price_max;     /* reserved when accepted */
    int64_t retry_of;      /* key of the job whose input this one repeats, or 0 */
    int64_t hook_lane;     /* of its webhook (core/notify.h); 0: it has none */
    unsigned hook_events;  /* that are told, as bits 1 << enum notify_event */
    unsigned hooks;        /* deliveries made so far */
    /* The newest, or an older one that was taken up again (core/late.c). The others are in the
     * store only. */
    struct attempt attempt;
    /* The id that a call back named for it, while its own is not known: nobody names it twice. */
    char hint[JOB_REMOTE_ID_SIZE];
    unsigned attempts; /* made so far: the number of the newest */
    int64_t paid;      /* settled for the others */
    bool was_resent;   /* after an attempt of which nobody knew what came of it … */
    unsigned late;     /* … and word of this one came: it is taken up when `attempt` is over; 0 */
    char late_id[JOB_REMOTE_ID_SIZE]; /* the id that the word named */
    struct job_output outputs[JOB_OUTPUTS_MAX];
    unsigned output_count;
    /* Owned, never changed after the insert. */
    char *input;    /* canonical JSON of the parameters */
    char *metadata; /* JSON object, or NULL */
    char *options;  /* JSON object of what else was asked (webhookUrl …), or NULL */
    /* The offers that may be tried, in order (core/route.h); NULL: work of our own. */
    char *route;
    char *warnings; /* JSON array of sentences about the outputs, or NULL; set when it ends */
    /* What is spoken in the first output and when: a JSON array of {word, startMs, endMs} and where
     * it is so joined: true, of at most JOB_WORDS_MAX bytes, or NULL. Belongs to the outputs: set,
     * flagged and written with them. Owned. */
    char *words;

    /* ------------------------------------------------------------------ not in the row */

    struct heap_node timer; /* the one wake time of a job in flight, or followed */
    struct job_flight flight;
    struct list link;       /* the core's list of this turn's loaded rows */
    struct list dirty_link; /* rows to be written at the next flush */
    bool is_new, is_dirty, outputs_changed, attempt_changed, progress_only;
    bool is_deleted;                 /* its row goes with this turn: nobody may find it any more */
    int64_t held;                    /* what is reserved for it of its payers' budgets … */
    char held_at[JOB_PROVIDER_SIZE]; /* … and counted there: see core/money.c */
    ms_t progress_saved_at;
    ms_t hook_progress_at;  /* when a progress event was made last */
    unsigned hook_progress; /* the delivery of it, while it is pending; 0: none is */
};

struct job *job_make(void);
/* Accepts NULL. */
void job_free(struct job *job);
/* How many of its outputs are its result: the first ones. */
unsigned job_results(const struct job *job);
struct span job_key_span(const struct job *job);

#endif
