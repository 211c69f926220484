/* What work.c (the thread and its orders) and the steps of a work share. */
#ifndef APP_WORK_PRIVATE_H
#define APP_WORK_PRIVATE_H

#include "app/place.h"
#include "app/work.h"
#include "base/json.h"
#include "base/map.h"
#include "edge/mailbox.h"
#include "edge/program.h"

#include <pthread.h>
#include <uv.h>

enum {
    WORK_INPUTS_MAX = 32,
    WORK_MAILBOX = 8192,
    WORK_PROGRESS_MS = 500,     /* word of progress goes to the core at most this often */
    WORK_FULL_PAUSE_MS = 1000,  /* before a full disk is tried again */
    WORK_SPREAD_MS = 2000,      /* a fetch that comes to others begins within this, by chance */
    WORK_PLACE_MS = 100,        /* before a program looks again whether it has a place */
    WORK_WATCH_MS = 1100,       /* how often folders are weighed and programs' progress is read */
    WORK_EXTRAS_MAX = 128 << 20 /* bytes: subtitles, thumbnails */
};

enum work_stage { WORK_PREPARING, WORK_FETCHING, WORK_WORKING, WORK_WORKED, WORK_KEEPING };

/* A file that comes into the work folder: an input, or what a provider made. */
struct work_input {
    char field[64]; /* "imageUrl", "imageUrls[2]"; "The output" */
    char name[24];  /* "input-0", in the work folder */
    char *url;      /* owned; BASE64: the text itself */
    enum {
        WORK_INPUT_HTTP,
        WORK_INPUT_JOB,
        WORK_INPUT_DATA,
        WORK_INPUT_UPLOAD,
        WORK_INPUT_BASE64
    } kind;
    char source_id[ID_SIZE], source_name[JOB_NAME_SIZE]; /* JOB; UPLOAD: the id */
    uint64_t call; /* of the egress, 0 when none is under way */
    bool is_here;  /* HTTP, of a fetch: it lies in the folder, whole */
};

struct work_file {
    char file[JOB_NAME_SIZE], thumbnail[JOB_NAME_SIZE]; /* in the work folder */
    struct job_output output;
};

struct work_command {
    const struct offer *offer;
    uint64_t program; /* 0: it does not run */
    /* The children's thread's while it runs. */
    json_t *word; /* owned; the last object that it said with "outputs" or "error" in it */
    struct program_end end;
    pthread_mutex_t mutex; /* of what follows: how far it is */
    bool has_news;         /* that the core was not told yet */
    int percent;
    char stage[JOB_STAGE_SIZE];
};

struct work {
    char name[64]; /* "gen_….2": of the attempt; key in works->all, the worker's job id */
    struct works *works;
    int64_t job;
    unsigned attempt;
    char job_id[ID_SIZE], tenant[JOB_TENANT_SIZE];
    const struct model *model;
    const char *renderer;
    json_t *input; /* owned */
    enum work_stage stage;
    bool stopped, dropped, in_pool;   /* in_pool: a thread of libuv's pool has it */
    bool is_fetch;                    /* of files that a provider made: see work_fetch.c */
    bool inspects;                    /* its worker looks at its files, and makes none */
    struct work_command *command;     /* owned; a program of the user's does it */
    bool is_over;                     /* what came of it is told; its folder goes */
    struct work *next;                /* owned; the same attempt again, once this one is gone */
    char *trusted;                    /* owned; of a fetch: the provider's own origin, or NULL */
    struct work_script *script;       /* owned; in a sandbox: it ends so, and renders nothing */
    uint64_t fetched;                 /* bytes, of a fetch */
    char provider[JOB_PROVIDER_SIZE]; /* of a fetch: who made the files … */
    unsigned fetches_max;             /* … and how many of its jobs' are fetched at once */
    struct place place;               /* … among them */
    char folder[DEPOT_PATH_SIZE];
    struct work_input inputs[WORK_INPUTS_MAX];
    unsigned input_count, fetching;
    uint64_t weight_max; /* bytes that the folder may take */
    /* What the steps came to. */
    enum error_code error; /* NONE: well */
    bool again, passing;   /* as in struct worked */
    char text[JOB_ERROR_SIZE];
    struct work_file files[JOB_OUTPUTS_MAX];
    unsigned file_count;
    unsigned files_before; /* outputs that the job has already: an older attempt adds its own */
    char *warnings;        /* owned; JSON array or NULL */
    char *words;           /* owned; as in struct job */
    bool disk_full;
    ms_t progress_at;
    char progress_stage[JOB_STAGE_SIZE];
    uv_work_t request;
    uv_timer_t timer;
    void (*resume)(struct work *work); /* when the timer has run out */
};

struct works {
    struct works_config config;
    uv_loop_t loop;
    uv_async_t wake;
    uv_thread_t thread;
    struct mailbox *box;
    struct programs *programs; /* NULL: programs are not run */
    uv_timer_t watch;          /* runs while workers and programs do */
    struct map all;            /* struct work by name, owned */
    struct map lines;          /* of fetches, by provider: see place.h */
    bool ending;
};

/* work.c */
/* A new work without its orders. */
struct work *work_make(struct works *works, const struct job *job, unsigned attempt);
/* Any thread: hands it to the works' thread, which takes it over. */
void work_begin(struct work *work);
struct message *work_message(const struct work *work, enum worked_kind kind);
void work_post(struct works *works, struct message *message);
/* The attempt is over for us, as work->error and work->stopped say: tells the core, cleans up. */
void work_over(struct work *work);
/* Runs `step` on the pool and then `after` on the works' thread. */
void work_in_pool(struct work *work, uv_work_cb step, uv_after_work_cb after);
/* Goes on with `resume` after a time. Whoever stops or drops it meanwhile is seen then. */
void work_pause(struct work *work, ms_t pause, void (*resume)(struct work *work));
/* Ends downloads, the worker and the program; whoever has it then sees why, and ends it. */
void work_halt(struct work *work);
/* All that the worker made is to go into the depot. */
void work_keep(struct work *work);

/* From other threads: orders to this one. */
void work_post_fetched(struct work *work, unsigned input, const struct egress_result *result);
void work_post_line(void *work, enum worker_event event, struct span line);
void work_post_ended(void *work, const struct worker_end *end);

/* work_run.c: a worker or a program has it. */
/* All files are in the folder: gives it to whoever is next. */
void work_run(struct work *work);
void work_stop_running(struct work *work);
void work_take_line(struct work *work, enum worker_event event, struct span line);
void work_ended(struct work *work, const struct worker_end *end);

/* work_command.c */
/* Which of the model's commands it is; false as below. */
bool work_command_find(struct work *work);
/* All inputs are in the folder: runs the program once it has a place. */
void work_command_start(struct work *work);
/* The program has ended. */
void work_command_ended(struct work *work);
/* Passes on what is new of its progress; once in WORK_WATCH_MS, so that each word of it becomes a
 * row: the core writes one a second. */
void work_command_tell(struct work *work);
struct work_command *work_command_make(void);
void work_command_free(struct work *work);
/* Its steps, for the tests. One JSON object and a line's end; the variables that it is given, the
 * last NULL, in the arena; a line of its, on the children's thread. */
void work_command_request(struct work *work, struct buffer *target);
const char *const *work_command_environment(const struct work *work, struct arena *arena);
void work_command_line(void *work, struct span line);

/* work_collect.c, on the pool: the program's files, from its folder WORK_OUTPUTS into the attempt's
 * as work->inputs, whose number is then work->file_count. */
#define WORK_OUTPUTS "outputs"
void work_collect(uv_work_t *request);

/* The first reason is the reason. */
void work_fail(struct work *work, enum error_code error, bool again, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A file's server answered so, and may answer otherwise later (SPEC 8). */
bool work_status_passes(int status);

/* work_input.c, as the two above: from the job to the worker's request. False: failed, as
 * work->error says. */
bool work_find_inputs(struct work *work);
void work_prepare(uv_work_t *request); /* on the pool */
/* An empty folder, and nothing of the job in the depot. */
enum depot_result work_open_folder(struct work *work);
/* A text in base64, whose padding may be missing, as a file of the folder. */
enum work_written { WORK_WRITTEN, WORK_NO_BASE64, WORK_NOT_WRITTEN /* errno says why */ };
enum work_written work_write_base64(const struct work *work, const char *name, struct span text,
                                    size_t max);
/* Starts to bring an input by HTTP: all but answer.max, deadlines and `trusted` of the call is
 * filled here. False when the egress takes no more. */
bool work_download(struct work *work, unsigned input, struct egress_call *call);
bool work_fetch(struct work *work); /* starts the calls; work->fetching counts them */
void work_fetched(struct work *work, unsigned input, const struct egress_result *result);
/* Puts the paths of the files, FOLDER/input-0, where the URLs stood in work->input. */
void work_put_paths(struct work *work, const char *folder);
/* One line of JSON for the worker. */
void work_request(struct work *work, struct buffer *target);

/* work_output.c: from the worker's words to the depot. */
void work_read_progress(struct work *work, struct span line, ms_t now);
void work_read_done(struct work *work, struct span line);
void work_read_failed(struct work *work, struct span line);
void work_store(uv_work_t *request); /* on the pool */
void work_tell_kept(struct work *work);
/* Of a model that makes no files. */
void work_tell_nothing_made(struct works *works, const struct job *job);

/* work_fetch.c: files that a provider made, from their links into the depot. */
void work_fetch_start(struct work *work);
/* It is over, or at least holds nobody up any more: the next of its provider's begins. */
void work_fetch_leave(struct work *work);
/* One that stands in line is over at once; false for all others. */
bool work_fetch_leave_line(struct work *work);
void work_fetch_got(struct work *work, unsigned input, const struct egress_result *result);
void work_fetch_request(struct work *work, struct buffer *target);
/* No worker could take it now. */
void work_fetch_wait(struct work *work);
void work_fetch_inspected(struct work *work, const struct worker_end *end);

/* work_script.c: in a sandbox, where a script may end it and stand-ins are rendered. */
void work_script_take(struct work *work, const struct job *job);
void work_script_start(struct work *work);
void work_script_free(struct work *work);

/* work_weigh.c: from now on, what its worker or program writes. */
void work_weigh(struct work *work);

#endif
