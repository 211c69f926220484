/* What comes into the core: events, in the past tense. An event carries the time and the free disk
 * space, because the core asks nobody. Texts are borrowed for the time of the step. */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "base/told.h"
#include "core/api_key.h"
#include "core/notify.h"
#include "core/tenant.h"
#include "core/upload.h"

enum event_kind {
    EVENT_ASKED,         /* a client wants a job, or several variants of one */
    EVENT_CANCEL_ASKED,  /* a client wants it stopped */
    EVENT_CHANGE_ASKED,  /* a client wants another priority, start time or deadline */
    EVENT_API_KEY_ASKED, /* a key is to be made or revoked, or was used */
    EVENT_TENANT_ASKED,  /* a tenant gets other limits, another tier or budget */
    EVENT_UPLOADED,      /* a client's file lies in the depot, durable */
    EVENT_REMOVE_ASKED,  /* a client or the sweeper wants a job, its files or an upload to go */
    EVENT_WORKED,        /* a worker of ours, or the depot, said how an attempt stands */
    EVENT_TOLD,          /* a provider answered, or did not */
    EVENT_HINTED,        /* a provider called back: worth a poll, and nothing else */
    EVENT_STREAMED,      /* a stream about an attempt is followed, or no more */
    EVENT_RESOLVE_ASKED, /* somebody knows what came of an uncertain submission */
    EVENT_VENDOR_ASKED,  /* an operator pauses a provider, or lets it go on */
    EVENT_GOT,           /* the store answered a want */
    EVENT_RECOVERED,     /* a row that was in flight when the server died */
    EVENT_DUE,           /* time has passed */
    EVENT_HOOKED,        /* a try of a delivery is over */
    EVENT_HOOK_ASKED,    /* a client wants a delivery sent again */
    EVENT_SECRET_ASKED,  /* a client wants the tenant's secret to be there, or a new one */
    EVENT_CLOSING /* the server is about to end: what is out is awaited, nothing new begins */
};

enum { KEY_HASH_SIZE = 32 };

/* An upload that a job shall read. */
struct asked_upload {
    int64_t key;
    const char *id, *field; /* "upl_…", "imageUrls[1]" */
};

struct asked {
    uint64_t token; /* who waits for the REPLY */
    const char *tenant, *model, *provider;
    const char *api_key;               /* the caller's, if it may spend so much only; NULL */
    struct span inputs[JOB_COUNT_MAX]; /* canonical JSON, one a variant */
    unsigned count;
    struct span metadata, options; /* JSON objects, or empty */
    uint64_t fingerprint;
    bool join;
    int priority;
    ms_t start_at, deadline; /* 0: none */
    int64_t depends_on[JOB_DEPENDENCIES_MAX];
    bool reads[JOB_DEPENDENCIES_MAX]; /* … its outputs too, beside waiting for it */
    unsigned dependency_count;
    const struct asked_upload *uploads; /* that it reads; in the order of the parameters */
    unsigned upload_count;
    struct span key_hash;  /* 32 bytes, or empty: no idempotency key */
    struct span body_hash; /* 32 bytes */
    struct span route;     /* core/route.h; empty: work of our own */
    unsigned flags;        /* enum job_flag */
    int64_t price_max, retry_of;
    bool price_unknown;   /* of one of its offers */
    int64_t hook_lane;    /* 0: no webhook */
    unsigned hook_events; /* bits */
    const char *secret;   /* becomes the tenant's if it has none; NULL: it needs none */
};

struct cancel_asked {
    uint64_t token;
    const char *tenant;
    int64_t job;
};

struct change_asked {
    uint64_t token;
    const char *tenant;
    int64_t job;
    bool has_priority, has_start_at, has_deadline;
    int priority;
    ms_t start_at, deadline; /* 0 takes it away */
};

struct api_key_asked {
    uint64_t token; /* 0: nobody waits */
    struct api_key_change change;
};

struct tenant_asked {
    uint64_t token; /* 0: nobody waits */
    struct tenant_row row;
};

struct uploaded {
    uint64_t token;
    struct upload upload; /* all but created_at and expires_at */
};

enum remove_what {
    REMOVE_JOB,    /* a job that has ended: row, files and all */
    REMOVE_FILES,  /* the outputs of a job that has ended; its row stays and says so */
    REMOVE_UPLOAD, /* an upload that nobody needs */
    REMOVE_EXPIRED /* … whose time is over */
};

struct remove_asked {
    uint64_t token;     /* 0: nobody waits for an answer */
    const char *tenant; /* NULL: the sweeper, to whom all belong */
    enum remove_what what;
    int64_t key;
    const char *why; /* FILES: a sentence for the timeline */
};

/* A provider's word on an attempt: the answer to a call that an effect asked for. */
struct heard {
    int64_t job;
    unsigned attempt; /* word of an older attempt is ignored, but for what core/late.c says */
    enum provider_call call;
    bool sent; /* SUBMIT: a byte of it can have left; false is a promise */
    /* POLL: the id that was asked for, which a call back may have named; NULL: none was known. */
    const char *remote_id;
    const struct told *told;
    /* Who belongs to another job already. SUBMIT: bit 0, for `told->remote_id` of ACCEPTED. Of an
     * uncertain attempt, FIND: bits of `told->found`; POLL: bit 0, for `told->remote_id`. What is
     * open in memory the core sees by itself. */
    unsigned claimed;
};

struct hinted {
    int64_t job;
    unsigned attempt;
    const char *remote_id; /* as the call said, or ""; checked by a poll of ours */
};

/* While a stream is followed, what it says comes as hints, and a poll is asked for only lest it
 * says nothing. Open: it has said how the job stands, so from now on its silence means something.
 */
struct streamed {
    int64_t job;
    unsigned attempt;
    bool is_open;
};

enum resolve_act { RESOLVE_LINK, RESOLVE_RESUBMIT, RESOLVE_GIVE_UP };
enum { RESOLVE_ATTEMPT_MAX = 1000 }; /* more than any job has */

struct resolve_asked {
    uint64_t token;
    const char *tenant;
    int64_t job;
    enum resolve_act act;
    /* LINK: the id, of which attempt (0: of the one at hand), how an older one has ended as far as
     * the store knows, and whether the id belongs to another attempt already. */
    const char *remote_id;
    unsigned attempt;
    enum attempt_state ended;
    bool claimed;
};

struct vendor_asked {
    uint64_t token;
    const char *provider;
    bool pause; /* false: go on, whatever paused it */
};

/* The core's only view of a worker of ours, and of the depot. */
enum worked_kind {
    WORKED_RUNNING, /* accepted, and at it; with progress */
    WORKED_MADE,    /* made: the files lie in the work folder */
    WORKED_KEPT,    /* the files are durable in the depot, as `outputs` says */
    WORKED_FAILED,  /* it ended badly */
    WORKED_STOPPED  /* it ended because we said so */
};

struct worked {
    int64_t job;
    unsigned attempt; /* word of an older attempt is ignored */
    enum worked_kind kind;
    int progress;      /* RUNNING */
    const char *stage; /* RUNNING; may be NULL */
    const char *remote_id;
    struct job_output outputs[JOB_OUTPUTS_MAX]; /* KEPT */
    unsigned output_count;
    struct span warnings;  /* KEPT: JSON array, or empty */
    struct span words;     /* KEPT: as in struct job, or empty */
    enum error_code error; /* FAILED */
    const char *text;      /* FAILED: a sentence */
    bool again;            /* FAILED: another attempt may help and costs nothing */
    bool passing;          /* … and the trouble is its server's: it may take long, and passes */
};

/* How a try went. */
enum hooked_kind {
    HOOKED_DELIVERED, /* 2xx */
    HOOKED_FAILED,    /* any other status, or none */
    HOOKED_GONE,      /* 410 */
    HOOKED_UNSENT     /* we did not come to it: no try */
};

struct hooked {
    int64_t job;
    unsigned number;
    enum hooked_kind kind;
    int status; /* 0: there was no answer */
    ms_t took;
    ms_t retry_after;  /* 0: not said */
    const char *error; /* a sentence; NULL when delivered */
};

struct hook_asked {
    uint64_t token;
    const char *tenant;
    int64_t job;
    unsigned number;
};

struct secret_asked {
    uint64_t token;
    const char *tenant;
    const char *text; /* a new one, made by the app: the core has no randomness for secrets */
    bool rotate;      /* false: only if there is none yet */
};

/* Between the steps of a turn the core wants rows; the app asks the store and brings them back. */
enum want_kind {
    WANT_CLAIM,      /* the oldest `limit` queued jobs of the bucket, and when the next came */
    WANT_DEPENDENTS, /* up to `limit` waiting jobs whose dependency `job` ended */
    WANT_DUE,        /* up to `limit` waiting or queued jobs with wake_at ≤ before */
    WANT_LANES,      /* up to `limit` lanes, `failing` or not, with next_at ≤ before, in the order
                        of (next_at, key) and behind (after, lane) */
    WANT_DELIVERIES, /* up to `limit` pending ones of `lane` with next_at ≤ before, in order */
    WANT_ATTEMPT     /* the attempt `number` of `job` */
};

struct want {
    enum want_kind kind;
    const char *tenant, *model; /* CLAIM: the bucket; borrowed from the core */
    int priority;
    unsigned limit;  /* CLAIM: 0 asks for the head only */
    int64_t job;     /* DEPENDENTS, ATTEMPT */
    unsigned number; /* ATTEMPT */
    ms_t before;     /* DUE, LANES, DELIVERIES */
    int64_t lane;    /* LANES, DELIVERIES */
    ms_t after;      /* LANES */
    bool failing;    /* LANES */
};

enum { WANT_ROWS_MAX = 256, WANT_LANES_MAX = 64, WANT_DELIVERIES_MAX = 2 * NOTIFY_LANE_MAX };

struct got {
    struct want want;
    union {
        struct job *rows[WANT_ROWS_MAX]; /* the core takes them over */
        struct hook_lane lanes[WANT_LANES_MAX];
        struct delivery deliveries[WANT_DELIVERIES_MAX];
        struct attempt attempt;
    };
    unsigned row_count;  /* of `rows` */
    unsigned item_count; /* of `lanes` or `deliveries`; ATTEMPT: 0 when there is none */
    ms_t head_at; /* CLAIM: when the oldest that is left came into the queue; MS_NEVER: empty */
    /* DUE, LANES, DELIVERIES: the smallest wake_at or next_at that is left; MS_NEVER: none */
    ms_t next_due;
};

struct event {
    enum event_kind kind;
    ms_t now;
    ms_t steady; /* TOLD: time that passed by a clock that nobody sets; for differences only */
    uint64_t disk_free; /* bytes that outputs may still take */
    union {
        struct asked asked;
        struct cancel_asked cancel_asked;
        struct change_asked change_asked;
        struct api_key_asked api_key_asked;
        struct tenant_asked tenant_asked;
        struct uploaded uploaded;
        struct remove_asked remove_asked;
        struct worked worked;
        struct heard heard;
        struct hinted hinted;
        struct streamed streamed;
        struct resolve_asked resolve_asked;
        struct vendor_asked vendor_asked;
        struct got got;
        struct hooked hooked;
        struct hook_asked hook_asked;
        struct secret_asked secret_asked;
        struct job *recovered; /* the core takes it over */
    };
};

/* Rows that a step will look at, to be loaded before it: see core_needs. */
enum need_kind {
    NEED_JOB,
    NEED_KEY,
    NEED_TWIN,
    NEED_UPLOAD,
    NEED_UPLOADS, /* how many a tenant has, and how large they are together */
    NEED_USER,    /* a job that has not ended and reads this source */
    NEED_DELIVERY,
    NEED_SECRET
};

struct need {
    enum need_kind kind;
    int64_t job;                /* JOB, DELIVERY */
    unsigned number;            /* DELIVERY */
    int64_t upload;             /* UPLOAD: its key */
    int64_t source;             /* USER */
    const char *tenant, *model; /* KEY, TWIN; SECRET, UPLOADS: the tenant */
    struct span key_hash;       /* KEY */
    uint64_t fingerprint;       /* TWIN: a live job of this tenant, model and fingerprint */
};

enum { NEEDS_MAX = JOB_DEPENDENCIES_MAX + JOB_UPLOADS_MAX + 3 };

struct needs {
    struct need list[NEEDS_MAX];
    unsigned count;
};

#endif
