/* What the files of the ingress share. */
#ifndef APP_INGRESS_PRIVATE_H
#define APP_INGRESS_PRIVATE_H

#include "app/ingress.h"
#include "app/message.h"
#include "app/resend.h"
#include "base/heap.h"
#include "base/map.h"
#include "dialect/dialect.h"
#include "edge/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

enum {
    INGRESS_BODY_MAX = 16 << 20, /* of an answer */
    INGRESS_MAILBOX = 65536,
    INGRESS_TOKEN_SHIFT = 56 /* above it: the number of the ingress */
};

/* A request that is being answered. Lives in the exchange's arena. */
struct request {
    struct ingress *ingress;
    struct exchange *exchange;
    const struct dialect *dialect;
    struct keyring_pass pass;
    const char *tenant;    /* for whom it is: the key's, or whom an operator names */
    bool has_key;          /* of a file: it came with a good one */
    bool by_link;          /* a signed address stands for the key */
    bool names_tenant;     /* the query said for whom */
    bool all_tenants;      /* an operator's list */
    int64_t retry_seconds; /* of a refusal; 0: unknown */
    char *key_text;        /* the key that is being made; NULL: none */
    struct span host;      /* as the client named us, for links */
    struct call call;
    struct faults faults;
    uint64_t token;              /* while the engine has it; key in ingress->pending */
    struct list watch_link;      /* while it waits for a change: ingress->watched[job] */
    struct heap_node timer;      /* … until then */
    const char *watched_from;    /* the native status at which it began to wait */
    struct list_work *work;      /* while the pool has it … */
    struct usage_work *usage;    /* … or this */
    struct upload *upload;       /* UPLOAD: what the engine was told; in the arena */
    const json_t *upload_form;   /* UPLOAD: the route's details about it; see upload_gate */
    struct span upload_id;       /* … that was given out before; or empty */
    struct resend_ticket resend; /* of a create that may come again */
    void (*resume)(struct request *request); /* while it is parked: what comes then */
    struct sandbox_plan *sandbox; /* what a script has in mind with it; NULL: nothing, or not yet */
    unsigned char last_event[32]; /* STREAM: digest of what was sent last */
    const char *notes[2];
    unsigned note_count;
    ms_t estimate;
};

struct ingress {
    const struct ingress_shared *shared;
    unsigned number;
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t timer;
    uv_prepare_t before_sleep;
    uv_thread_t thread;
    struct server *server;
    struct mailbox *box;
    struct reader *reader;      /* point reads, on this loop */
    struct reader *list_reader; /* lists, on libuv's pool, under … */
    pthread_mutex_t list_lock;
    uint64_t last_token;
    struct map pending; /* struct request by token */
    struct map watched; /* struct watched by job key */
    struct heap timers;
    struct buffer body;   /* of the answer that is being written */
    atomic_uint watchers; /* of all jobs: lets other threads skip the mailbox */
    atomic_bool idle;
    bool draining;
};

/* ingress.c */
struct dialect_scene ingress_scene(struct request *request);
/* Writes the answer in the request's dialect and ends the exchange. */
void ingress_answer(struct request *request, struct answer *answer);
void ingress_refuse(struct request *request, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void ingress_send(struct request *request, struct http_response *response);
/* No answer: the connection ends, as a server's does that dies. */
void ingress_drop(struct request *request);
/* A stream: its head, which is all of the response; false when the client is gone and the request
 * dead. And what its dialect has to tell of a job. */
bool ingress_begin(struct request *request, struct http_response *response);
void ingress_write_event(struct request *request, struct answer *answer, struct buffer *target);
/* The answer to a refusal, not sent yet, in the exchange's arena. */
const struct http_response *ingress_refusal(struct request *request);

/* ingress_pass.c: who asks, and may they? */
/* Fills pass and tenant; answers nothing. */
enum keyring_verdict pass_find(struct request *request, const struct http_request *http);
/* Each of these four refuses the request itself when it gives false. */
bool pass_open(struct request *request, const struct http_request *http, enum scope scope);
/* The same without an answer: what is wrong is in the request's faults. */
bool pass_check(struct request *request, const struct http_request *http, enum scope scope);
/* Once more for a request whose head was checked before its body came: it counts once. */
bool pass_open_again(struct request *request, const struct http_request *http, enum scope scope);
bool pass_admit(struct request *request); /* counts it against the rates of a pass that was found */
bool pass_need(struct request *request, enum scope scope);
bool pass_choose(struct request *request, const struct http_request *http); /* tenant= */
bool pass_allows(const struct request *request, enum scope scope);
/* RateLimit-…, on every answer to a limited key. */
void pass_show(struct request *request, struct http_response *response);

/* ingress_keys.c: keys and tenants. */
void keys_list(struct request *request);
void keys_show(struct request *request);
void keys_make(struct request *request);
void keys_revoke(struct request *request);
void keys_replied(struct request *request); /* after keys_make and keys_revoke */
void tenants_list(struct request *request);
void tenants_show(struct request *request); /* and after tenants_set */
void tenants_set(struct request *request);

/* ingress_call.c: carries a call out. */
void call_run(struct request *request);
void call_replied(struct request *request, const struct reply *reply);
/* Answers with the job as the store has it. */
void call_answer_job(struct request *request, int64_t job);
void call_gone(void *request);
/* Makes the jobs that request->call.ask wants; `retry_of` is the job that it repeats, or 0. */
void call_ask(struct request *request, int64_t retry_of);
/* Refuses and gives false when the job is not there for this request. */
bool call_read_job(struct request *request, int64_t key, struct job *ret_job);

/* Sends the message; its reply comes back as call_replied. When the engine takes none now, the
 * request has been answered and request->token is 0, as far as it is still there: false. */
bool call_send(struct request *request, struct message *message, uint64_t *token);

/* ingress_upload.c: POST /api/v1/uploads and its like, from the first byte on, and reads of
 * uploads. A route is one of them when its details have "upload": {"field": the form's field with
 * the file, "others": [fields that are passed over]}. */
void upload_gate(struct request *request, const struct http_request *http,
                 struct server_gate *gate);
void upload_run(struct request *request);
/* The request was refused after its body had come: leaves nothing of it. */
void upload_drop(void *uploading);
void upload_show(struct request *request);
/* Gives out an id, with an address that takes its file without a key. */
void upload_announce(struct request *request);
/* Refuses and gives false when the tenant has no such upload. */
bool upload_read(struct request *request, int64_t key, struct span id, struct upload *ret_upload);
/* Whether each upload that the call names is there, the tenant's, and of a fitting type; adds a
 * fault for each that is not. */
void upload_check(struct request *request);

/* ingress_retry.c: a new job of the same input. */
void retry_run(struct request *request);

/* ingress_provider.c: how well providers are. */
void provider_list(struct request *request);
void provider_pause(struct request *request);
void provider_paused(struct request *request); /* the engine's reply */

/* ingress_hook.c: webhooks. */
/* Whether the ask's webhook may be called; refuses and gives false when not. */
bool hook_check(struct request *request);
void hook_fill(struct request *request, struct message *message);
/* Gives the ask the webhook of the job that it repeats. */
void hook_retry(struct request *request, const struct job *job);
/* The one of that number, or with 0 all. */
void hook_answer_deliveries(struct request *request, const struct job *job, unsigned number);
void hook_redeliver(struct request *request);
void hook_secret(struct request *request);
void hook_try(struct request *request);
/* The engine's reply to one of the two above. */
void hook_replied(struct request *request, const struct reply *reply);
void hook_tested(struct request *request, const struct answer_hook_test *outcome);

/* ingress_watch.c: who waits for a change of a job. */
void watch_add(struct request *request, ms_t wait);
void watch_remove(struct request *request);
void watch_changed(struct ingress *ingress, int64_t job);
void watch_timer(uv_timer_t *timer);
void watch_drain(struct ingress *ingress);
/* Waits for no job, but for `resume` after a time. */
void watch_park(struct request *request, ms_t wait, void (*resume)(struct request *request));

/* ingress_list.c: lists, beside the loop, and what is done with the jobs of one: PURGE cancels
 * them, LOAD counts them. */
void list_run(struct request *request);

/* ingress_usage.c: what jobs came to. */
void usage_run(struct request *request);

/* ingress_vendor.c: what the providers' own protocols need. */
/* A create that its client may send again by itself gets a key of ours, for want of one of its own.
 * False: it has to wait, and call_run comes again. */
bool vendor_name(struct request *request);
/* What became of it. */
void vendor_close(struct request *request, enum resend_end end);
/* Holds the answer to a create until the job has ended, or call.wait is over. */
void vendor_hold(struct request *request, const struct reply *reply);
void vendor_account(struct request *request);
void vendor_hook_key(struct request *request);

/* ingress_stream.c: a job's changes as they come. */
void stream_run(struct request *request);
/* Tells what is new, and goes on waiting; the request may be dead afterwards. `is_beat`: something
 * has to be sent. */
void stream_step(struct request *request, bool is_beat);

/* ingress_file.c: GET /outputs/{id}/{name}; `authorized`: by a key, for the request's tenant. */
void file_run(struct request *request, const struct http_request *http, bool authorized);
/* An address for a job's file, signed where the configuration wants it. */
void file_link(void *request, const struct job *job, const char *name, struct buffer *target);
/* Any path of ours as the client would reach it. */
void file_address(void *request, struct span path, struct buffer *target);
/* … that needs no key for as long as links to files hold. */
void file_signed_address(void *request, struct span path, struct buffer *target);

/* ingress_sandbox.c: what the sandbox does otherwise; in a gateway nothing. */
struct sandbox_plan;
bool sandbox_is_here(const struct request *request);
/* Whether it answers in this language. */
bool sandbox_speaks(const struct request *request, const struct dialect *dialect);
/* A call that was read well. False: its script has answered, or will run it again later. */
bool sandbox_admits(struct request *request);
bool sandbox_admits_file(struct request *request, const struct http_request *http,
                         void (*again)(struct request *request));
/* The job was made, and nobody shall hear of it. */
bool sandbox_loses(const struct request *request, const struct reply *reply);
void sandbox_show(struct request *request, const struct http_request *http);

/* ingress_plain.c: what needs no dialect. */
bool plain_is(const struct http_request *http);
size_t plain_body_max(const struct http_request *http);
void plain_run(struct request *request, const struct http_request *http);
/* ingress_resolve.c */
void resolve_run(struct request *request);
/* ingress_callback.c: a provider calls back. */
void callback_run(struct request *request, const struct http_request *http);

#endif
