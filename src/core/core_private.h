/* What the files of this room share and nobody else sees. */
#ifndef CORE_CORE_PRIVATE_H
#define CORE_CORE_PRIVATE_H

#include "base/arena.h"
#include "base/map.h"
#include "base/rng.h"
#include "core/core.h"
#include "core/health.h"
#include "core/limit.h"
#include "core/queue.h"

#include <assert.h>

/* A client that waits for the end of a cancel. */
struct waiter {
    struct list link; /* core->waiters */
    uint64_t token;
    int64_t job;
};

/* What of webhooks is in memory: see core/notify.h. */
struct notify {
    unsigned limit, lane_limit, tries;
    ms_t schedule[NOTIFY_TRIES_MAX];
    unsigned in_flight, failing_in_flight;
    struct map flights; /* struct flight, owned */
    struct map lanes;   /* struct lane, owned: those with something in flight, or to be asked */
    struct list asking; /* lanes whose due deliveries are wanted */
    /* Of the lanes that are well [0] and that fail [1]: */
    ms_t due[2];                /* none of those that memory does not know is due before */
    struct hook_lane cursor[2]; /* how far this turn has looked through them */
    struct map given, secrets;  /* this turn's loaded rows, in the arena */
};

/* What is reserved and spent: see money.c. */
enum money_kind { MONEY_TENANT, MONEY_PROVIDER, MONEY_KEY, MONEY_KINDS };

struct money {
    struct map accounts[MONEY_KINDS]; /* struct account by name, owned */
    unsigned budget_count;            /* of providers */
    unsigned broke_count;             /* providers for whose budget a job waits */
    struct list touched;              /* accounts with a budget that changed in this step */
    struct list charged;              /* those of keys that did */
    struct map sums;                  /* this turn's struct spend_entry by id, in the arena */
    struct list dirty;                /* of those that have deltas */
};

struct money_refusal {
    enum error_code error;
    char text[JOB_ERROR_SIZE];
};

struct core {
    struct core_config config; /* without the lists: limits has them */
    struct rng rng;
    ms_t now; /* one a turn; never falls, also over restarts */
    int64_t last_key;
    struct limits limits;
    struct queue queue;
    struct map paces;      /* struct pace_entry by model, owned */
    struct map health;     /* struct health by name, owned */
    struct map jobs;       /* by key: those in flight or followed, and this turn's loaded rows */
    unsigned following;    /* jobs that have ended, whose attempts have not */
    struct map remote_ids; /* of attempts: see remote_id.c; owned */
    struct list ended_ids; /* those of ended ones among them, the oldest first */
    unsigned ended_id_count;
    struct heap timers; /* of the jobs in flight */
    bool is_closing;    /* no attempt begins any more */
    struct list waiters;
    ms_t next_due; /* the earliest wake_at of a row that is not in memory */
    struct notify notify;
    struct money money;

    /* Of this turn. */
    struct arena arena;
    struct list loaded;     /* jobs that leave memory at its end */
    struct list dirty;      /* jobs whose rows must be written */
    struct list flushed;    /* jobs whose rows were: what the flags say has been told */
    struct map keys;        /* struct key_row by tenant and hash, in the arena */
    struct map twins;       /* live jobs by tenant, model and fingerprint */
    struct list ended;      /* struct ended: jobs whose dependents must be told */
    struct list late_wants; /* older attempts that are wanted: see late.c */
    struct map uploads;     /* struct upload_entry by key, in the arena */
    struct map totals;      /* struct upload_total by tenant, in the arena */
    struct map users;       /* struct source_user by source, in the arena */
};

struct upload_entry {
    struct upload upload;
    bool is_gone; /* its row goes with this turn */
};

struct upload_total {
    int64_t bytes, count;
};

struct source_user {
    int64_t source;
    char id[ID_SIZE]; /* of the job */
};

struct ended {
    struct list link;
    int64_t job;
    bool succeeded;
};

/* A model's pace, and what follows from it. */
struct pace_entry {
    struct pace row;
    struct poll_plan plan;
    const struct health *planned_for; /* NULL: the plan is old */
    int64_t planned_count;            /* ends that the history had then */
};

/* -- job.c's counterpart for the life: table.c */

/* What can happen to a job, the columns of the table. */
enum happening {
    HAPPENS_CLAIMED,   /* the queue picked it */
    HAPPENS_DUE,       /* its wake time came */
    HAPPENS_FREED,     /* the last job it waited for succeeded */
    HAPPENS_DOOMED,    /* a job it waited for ended otherwise */
    HAPPENS_RUNNING,   /* told so */
    HAPPENS_WORKED,    /* told so */
    HAPPENS_KEPT,      /* told so */
    HAPPENS_FAILED,    /* told so */
    HAPPENS_STOPPED,   /* told so */
    HAPPENS_CANCEL,    /* a client asked */
    HAPPENS_CHANGE,    /* a client asked */
    HAPPENS_RECOVERED, /* its row came back after a restart */
    /* What a provider said: */
    HAPPENS_ACCEPTED, /* to a submission: they have it */
    HAPPENS_REFUSED,  /* to a submission: they do not want it */
    HAPPENS_LATER,    /* to a submission: not now; or it never left */
    HAPPENS_UNSURE,   /* a submission left, and nobody knows what came of it */
    HAPPENS_READ,     /* to a poll */
    HAPPENS_SOUGHT,   /* to a search */
    HAPPENS_CANCELED, /* to a cancel */
    HAPPENS_HINTED,   /* it called back */
    HAPPENS_STREAMED, /* a stream of its began or ended */
    HAPPENS_RESOLVED, /* somebody knows what came of an uncertain submission */
    HAPPENS_COUNT
};

/* The event may be NULL where the happening says it all (CLAIMED, DUE, FREED, DOOMED). */
typedef void table_cell(struct core *core, struct output *output, struct job *job,
                        const struct event *event);

/* Never NULL. */
table_cell *table_at(enum state state, enum happening happening);
/* Runs the cell of the job's state. */
void table_run(struct core *core, struct output *output, struct job *job, enum happening happening,
               const struct event *event);
bool table_allows(enum state from, enum state to);

/* -- life.c: the only place that changes a state */

/* The one function that sets a state: along the table only, with its bookkeeping (queue, limits,
 * timers, times, timeline, dependents, publication). `note` may be NULL. */
void life_become(struct core *core, struct output *output, struct job *job, enum state state,
                 const char *note);
/* The first state of a new job. */
void life_begin(struct core *core, struct job *job, enum state state);
/* A terminal state; sets the error for all but succeeded and answers who waits for a cancel. */
void life_end(struct core *core, struct output *output, struct job *job, enum state state,
              enum error_code error, const char *text);
void life_touch(struct core *core, struct job *job); /* its row must be written */
/* Copies what a stranger said, cut after a whole character where it is too long. */
void life_text(char *target, size_t capacity, const char *text);
/* Writes the row of a job that was touched, as a change. */
void life_write(struct core *core, struct output *output, struct job *job);
/* Takes up the wake time of a waiting or queued job, or the timer of one in flight. */
void life_set_wake(struct core *core, struct job *job);
void life_timer(struct core *core, struct job *job, ms_t at);
/* When its provider is to be asked next; DUE comes then, or at the timer's time. */
void life_ask(struct core *core, struct job *job, ms_t at);
/* An entry of the timeline that changes no state. */
void life_note(struct core *core, struct output *output, struct job *job, const char *note);
/* A row of the identity map, NULL when absent, or deleted in this turn. */
struct job *life_find(const struct core *core, int64_t key);
/* The same, deleted or not. */
struct job *life_find_any(const struct core *core, int64_t key);

/* -- the cells, by file */

/* ask.c */
void ask_step(struct core *core, struct output *output, const struct event *event);
void ask_needs(const struct asked *asked, struct needs *ret_needs);
/* attempt.c */
void attempt_start(struct core *core, struct output *output, struct job *job);
table_cell attempt_claimed, attempt_due, attempt_running, attempt_worked, attempt_kept,
    attempt_failed, attempt_stopped;
ms_t attempt_timeout(struct core *core, const struct job *job);
/* It runs from now on: so long, and with a word in the time line when most of it is over. */
void attempt_runs(struct core *core, struct job *job);
/* intent, accepted or uncertain: not over */
bool attempt_is_open(const struct job *job);
/* The next one; counts as a try. */
void attempt_open(struct core *core, struct job *job, const char *provider, unsigned offer);
void attempt_accept(struct core *core, struct job *job, const char *remote_id);
/* The one way on from an intent, and from any other state of an attempt. */
void attempt_become(struct core *core, struct job *job, enum attempt_state state);
void attempt_close(struct core *core, struct job *job, enum attempt_state state,
                   enum error_code error);
/* Another one after a pause, during which the job keeps its place among those in flight. */
void attempt_again(struct core *core, struct output *output, struct job *job, const char *text);
/* Never falls, and is written at most once a second. `stage` may be NULL. */
void attempt_progress(struct core *core, struct output *output, struct job *job, int progress,
                      const char *stage);
/* It was made: its files are on their way, and a cancel comes too late. */
void attempt_store(struct core *core, struct output *output, struct job *job);
/* That one was no try: it was not at the offer that it ended. */
void attempt_uncount(struct job *job);
void attempt_take_outputs(struct core *core, struct job *job, const struct worked *worked);
/* … beside those that it has. */
void attempt_take_late_outputs(struct core *core, struct job *job, const struct worked *worked);
/* remote.c */
table_cell remote_accepted, remote_refused, remote_later, remote_unsure, remote_cancel_read,
    remote_hinted, remote_streamed, remote_follow_due;
bool remote_can(const struct core *core, const struct job *job, enum can what);
/* What the attempt costs when the provider does not say. */
int64_t remote_cost(const struct job *job, const struct told *told, bool billed);
/* The provider says that it ended so. */
void remote_failed(struct core *core, struct output *output, struct job *job,
                   const struct told *told);
void remote_stopped(struct core *core, struct output *output, struct job *job,
                    const struct told *told);
struct health *remote_health(const struct core *core, const struct job *job);
void remote_begin(struct core *core, struct output *output, struct job *job);
void remote_due(struct core *core, struct output *output, struct job *job);
/* What is asked next, now. */
void remote_ask(struct core *core, struct output *output, struct job *job);
struct effect *remote_effect(struct core *core, struct output *output, struct job *job,
                             enum asking asking);
void remote_cancel(struct core *core, struct output *output, struct job *job);
/* Of an accepted attempt: its stream is to be followed, where that is all that tells of its end. */
void remote_stream(struct core *core, struct output *output, struct job *job);
/* Found, or told: this is the attempt's id there. */
void remote_adopt(struct core *core, struct output *output, struct job *job, const char *remote_id,
                  const char *handle);
void remote_close(struct core *core, struct job *job, enum attempt_state state,
                  enum error_code error, int64_t settled);
/* It was never found out: the attempt ends as spent, and the job with it. */
void remote_unknown(struct core *core, struct output *output, struct job *job, const char *text);
/* The job ends, its attempt goes on and is followed. */
void remote_leave(struct core *core, struct output *output, struct job *job, enum state state,
                  enum error_code error, const char *text);
void remote_leave_canceled(struct core *core, struct output *output, struct job *job);
/* … and is over too. */
void remote_let_go(struct core *core, struct output *output, struct job *job, const char *note);
/* stand.c */
table_cell stand_read, stand_late, stand_unkept;
/* A word on how an accepted attempt stands, whatever call it answers. */
void stand_told(struct core *core, struct output *output, struct job *job, const struct told *told);
/* ladder.c */
table_cell ladder_sought, resolve_now, resolve_refuse;
void ladder_begin(struct core *core, struct output *output, struct job *job, const char *note);
/* The next rung, after a pause. */
void ladder_climb(struct core *core, struct job *job);
void ladder_ask(struct core *core, struct output *output, struct job *job);
void ladder_read(struct core *core, struct output *output, struct job *job,
                 const struct event *event);
void ladder_hinted(struct core *core, struct output *output, struct job *job,
                   const char *remote_id);
void ladder_end(struct core *core, struct output *output, struct job *job);
bool ladder_has_twin(const struct core *core, const struct job *job);
/* The id is that of another attempt in flight. */
bool ladder_is_taken(const struct core *core, const struct job *job, const char *remote_id);
/* late.c */
enum { LATE_LOOK_MS = 600000 }; /* so long is looked for what a call back named, at least */
/* It may have been given up, and be in memory no more. */
void late_needs(const struct core *core, int64_t key, struct needs *ret_needs);
/* The submission at hand was given up, and not sent again so far: word of it counts. */
bool late_may(const struct job *job);
/* … comes now: the attempt is uncertain once more, and followed. */
void late_reopen(struct core *core, struct output *output, struct job *job, const char *note);
void late_hinted(struct core *core, struct output *output, struct job *job, const char *remote_id);
/* The same of an attempt that is not at hand: written down, unless there was word before, or the
 * job's files are gone. */
bool late_word(struct core *core, struct output *output, struct job *job, unsigned attempt,
               const char *remote_id);
/* The attempt at hand is over: now that of which there was word. */
void late_look(struct core *core, struct job *job);
bool late_want(const struct core *core, struct want *ret_want);
void late_got(struct core *core, struct output *output, const struct got *got);
/* remote_id.c: the id of an accepted attempt counts as its own until the attempt ends, and for a
 * while after. */
enum { REMOTE_ID_ENDED_MAX = 4096 };
void remote_id_hold(struct core *core, const struct job *job);
void remote_id_drop(struct core *core, const struct job *job);
bool remote_id_is_open(const struct core *core, const char *provider, const char *remote_id);
/* It is another job's, or that of another attempt of the job, which is open. */
bool remote_id_is_taken(const struct core *core, const char *provider, const char *remote_id,
                        int64_t job, unsigned attempt);
void remote_id_done(struct core *core);
/* cancel.c */
table_cell cancel_now, cancel_mark, cancel_too_late, cancel_again;
/* The job ends, as somebody asked. */
void cancel_end(struct core *core, struct output *output, struct job *job, enum receipt receipt);
void cancel_answer(struct core *core, struct output *output, const struct job *job);
void cancel_reply(const struct core *core, struct output *output, uint64_t token,
                  const struct job *job);
/* change.c */
table_cell change_now, change_refuse;
/* wait.c */
table_cell wait_due, wait_freed, wait_doomed;
void wait_release(struct core *core, struct output *output, const struct ended *ended,
                  struct job *dependent);
/* pace.c: how long a run of the model takes, by those that were seen, or for all that is known. */
ms_t pace_expected(struct core *core, const char *model);
/* recover.c */
table_cell recover_in_flight, recover_following;
/* api_key.c, tenant.c: what is written down and told, and decides no job's fate */
void api_key_step(struct core *core, struct output *output, const struct event *event);
void tenant_step(struct core *core, struct output *output, const struct event *event);
/* upload.c */
void upload_needs(const struct uploaded *uploaded, struct needs *ret_needs);
void upload_step(struct core *core, struct output *output, const struct event *event);
/* NULL when there is none, or when it goes with this turn. */
struct upload_entry *upload_find(const struct core *core, int64_t key);
/* Takes the row away, and says that the file shall go. */
void upload_remove(struct core *core, struct output *output, struct upload_entry *entry);
/* use.c */
const struct source_user *use_find(const struct core *core, int64_t source);
/* From now on the job holds the source. */
void use_add(struct core *core, struct output *output, struct job *job, int64_t source);
/* The job has ended: it holds nothing any more. */
void use_end(struct core *core, struct output *output, struct job *job);
/* remove.c */
void remove_step(struct core *core, struct output *output, const struct event *event);
void remove_needs(const struct remove_asked *asked, struct needs *ret_needs);
/* notify.c */
void notify_init(struct notify *notify, const struct core_config *config);
void notify_done(struct notify *notify);
/* Something happened that the job's client may want to hear. */
void notify_job(struct core *core, struct output *output, struct job *job, enum notify_event event);
/* The job's row goes, and its deliveries with it; what is in flight of them ends unheard. */
void notify_forget(struct output *output, const struct job *job);
void notify_hooked(struct core *core, struct output *output, const struct hooked *hooked);
void notify_asked(struct core *core, struct output *output, const struct hook_asked *asked);
void notify_secret_asked(struct core *core, struct output *output,
                         const struct secret_asked *asked);
/* The tenant has a secret from now on, this one if it had none. */
void notify_secret(struct core *core, struct output *output, const char *tenant, const char *text);
bool notify_want(struct core *core, struct want *ret_want);
void notify_got(struct core *core, struct output *output, const struct got *got);
void notify_end_turn(struct core *core);
ms_t notify_wake_at(const struct core *core);
void notify_check(const struct core *core);
/* money.c */
void money_init(struct core *core, const struct core_config *config);
void money_done(struct core *core);
void money_configure(struct core *core, const struct core_config *config);
void money_set_tenant(struct core *core, const struct tenant_row *row);
/* NULL: nothing is known of it. */
const struct account *money_account(const struct core *core, enum money_kind kind,
                                    const char *name);
/* Whether the budgets of the tenant and of the key have room for it. */
bool money_admits(struct core *core, const struct asked *asked, struct money_refusal *ret_refusal);
/* The upper bound of what is still to be settled for the job: a function of its row. */
int64_t money_bound(const struct job *job);
/* A row from the store: what it says is reserved. */
void money_loaded(struct job *job);
/* Brings what is reserved for the job in line with its row. */
void money_hold(struct core *core, struct job *job);
/* The attempt at a provider begins; it ends, and costs what it says. */
void money_open(struct core *core, const struct job *job);
void money_settle(struct core *core, const struct job *job);
/* It is over, and begins once more: what was spent on the day of its end is reserved again. */
void money_reopen(struct core *core, const struct job *job);
/* It comes back after a restart. */
void money_recover(struct core *core, const struct job *job);
/* Whether the same budgets have room for so much beside what is reserved: what is paid for an
 * attempt when another one is to follow. */
bool money_affords(const struct core *core, const struct job *job, int64_t paid);
/* The job has ended. */
void money_count(struct core *core, const struct job *job);
/* Of a provider's budget. */
enum account_fit money_fits(const struct core *core, const char *provider, int64_t price);
/* Why the job fails, unless there is another reason. */
void money_remember(struct core *core, struct job *job, const char *provider, int64_t price);
/* A queued job had better stay there: no budget of its providers has room for it now. */
bool money_waits(struct core *core, const struct job *job);
/* It will not be started: others need not wait behind it. */
void money_leaves_queue(struct core *core, const struct job *job);
/* Time has gone on. */
void money_turn(struct core *core, ms_t before);
ms_t money_wake_at(const struct core *core);
void money_flush(struct core *core, struct output *output);
/* Fills in what is reserved and spent by the gauge's name. */
void money_show(const struct core *core, enum money_kind kind, struct core_gauge *gauge);
void money_end_turn(struct core *core);
void money_check(const struct core *core);
/* pace.c */
void pace_add(struct core *core, struct output *output, const struct job *job);
/* It was just seen to have ended at its provider. */
void pace_learn(struct core *core, struct output *output, const struct job *job);
/* Whatever its provider says, it is asked for again within this, lest its result is gone by then.
 */
ms_t pace_longest(const struct core *core, const struct job *job);
/* How long to wait before the next poll of it: as the model's history plans it. */
ms_t pace_planned(struct core *core, const struct job *job);
/* The same, whether word of it comes by itself or not: how long its silence is left alone. */
ms_t pace_interval(struct core *core, const struct job *job);

#endif
