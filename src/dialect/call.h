/* What a client wants, whatever its language: a dialect reads a request into a call, the app
 * carries it out, and the same dialect writes the answer. Texts live in the request's arena, except
 * `input`, which call_done frees. */
#ifndef DIALECT_CALL_H
#define DIALECT_CALL_H

#include "base/json.h"
#include "catalog/catalog.h"
#include "core/event.h"
#include "core/spend.h"

enum call_kind {
    CALL_NONE,
    CALL_ASK,    /* make jobs; or, with dry_run, only check */
    CALL_STATUS, /* how is the job; perhaps wait for a change */
    CALL_CANCEL,
    CALL_CHANGE,  /* priority, start time, deadline */
    CALL_RETRY,   /* a new job of the same input */
    CALL_RESOLVE, /* what came of an uncertain submission */
    CALL_LIST,
    CALL_TIMELINE,
    CALL_MODELS,
    CALL_MODEL,
    CALL_STATS,
    CALL_OPENAPI,
    CALL_DELETE, /* a job that has ended: its row, its files and all */
    CALL_KEYS,   /* a page of them */
    CALL_KEY,
    CALL_KEY_MAKE,
    CALL_KEY_REVOKE,
    CALL_TENANTS,
    CALL_TENANT,
    CALL_TENANT_SET,
    CALL_UPLOAD,
    CALL_UPLOAD_STATUS,
    CALL_UPLOAD_DELETE,
    CALL_DELIVERIES,
    CALL_REDELIVER,
    CALL_SECRET, /* of webhooks */
    CALL_ROTATE,
    CALL_HOOK_TEST,
    CALL_STREAM,       /* the job's changes, as they come, until it ends */
    CALL_ACCOUNT,      /* who am I */
    CALL_UPLOAD_BEGIN, /* an address to which a file may be sent without a key */
    CALL_PURGE,        /* cancel what is queued of a model */
    CALL_LOAD,         /* how full a model is */
    CALL_HOOK_KEY,     /* the public half with which webhooks are signed */
    CALL_USAGE,        /* what jobs came to */
    CALL_PROVIDERS,
    CALL_PROVIDER_PAUSE /* or let it go on */
};

enum { CALL_WAIT_MAX_SECONDS = 60, CALL_LIST_DEFAULT = 50, CALL_LIST_MAX = 200 };

/* An upload that the input names. */
struct call_upload {
    int64_t key;
    const char *id, *field;
    unsigned media; /* what the parameter takes, as bits 1 << enum media; 0: anything */
};

struct call_ask {
    const struct model *model;
    json_t *input;                 /* canonical; owned */
    struct span metadata, options; /* JSON objects, or empty */
    unsigned count;
    bool join, dry_run;
    int priority;
    ms_t start_at, deadline; /* wall time, 0: none */
    int64_t depends_on[JOB_DEPENDENCIES_MAX];
    bool reads[JOB_DEPENDENCIES_MAX]; /* … its output, too */
    unsigned dependency_count;
    struct call_upload *uploads; /* JOB_UPLOADS_MAX of them, or NULL */
    unsigned upload_count;
    struct span key;        /* the idempotency key, or empty */
    struct span provider;   /* tried first, or empty */
    bool only_provider;     /* fallback: false */
    unsigned flags;         /* enum job_flag */
    struct span hash_of;    /* what is hashed as "the same body" */
    struct span hook_url;   /* of the webhook, or empty; in `options` too */
    const char *hook_field; /* how the client called it; NULL: webhookUrl */
    unsigned hook_events;   /* bits 1 << enum notify_event */
    bool has_hook_secret;   /* of the job's own; in `options` */
};

struct call {
    enum call_kind kind;
    struct call_ask ask;
    const struct route *route; /* set by dialects that look at it when they write */
    struct span base;          /* … and the path without what the action adds to it, for links */
    int64_t job;
    struct span job_id; /* as the client wrote it */
    int64_t upload;
    struct span upload_id;
    ms_t wait;       /* STATUS, ASK: hold the answer so long … */
    bool until_end;  /* … or until the job ends; else until its native status changes */
    bool shows_logs; /* STATUS, STREAM: the client wants to see them */
    struct span if_none_match;
    bool accept_double_charge;    /* RETRY: of what a provider may have been paid for already */
    struct change_asked change;   /* CHANGE: all but token, tenant and job */
    struct resolve_asked resolve; /* RESOLVE: likewise */
    /* LIST */
    unsigned states; /* bits of 1 << enum state; 0: all */
    struct span filter_model, filter_provider, filter_tenant, metadata_key, metadata_text;
    ms_t since;
    unsigned limit;
    int64_t before;            /* the cursor */
    const struct model *model; /* MODEL, PURGE, LOAD */
    /* KEY…, TENANT… */
    struct span name;           /* the id of the key or tenant, of a page the cursor; or empty */
    struct api_key_row api_key; /* KEY_MAKE: what the client decides; its tenant may be empty */
    struct tenant_row tenant;   /* TENANT_SET */
    unsigned number;            /* REDELIVER */
    bool pause;                 /* PROVIDER_PAUSE: of the provider `name` */
    struct span hook_url;       /* HOOK_TEST */
    /* USAGE */
    struct {
        int64_t from, to; /* days since 1970, both included */
        enum spend_by by;
        bool as_csv;
    } usage;
};

void call_done(struct call *call);

#endif
