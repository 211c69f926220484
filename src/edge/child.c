#include "edge/child.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/log.h"
#include "base/map.h"
#include "base/memory.h"
#include "edge/child_spawn.h"
#include "edge/clock.h"
#include "edge/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    REQUESTS_MAX = 16384,
    READ_SIZE = 16 * 1024,
    READS_AT_ONCE = 16, /* then other children have their turn */
    LOG_LINE_MAX = 1024,
    LOG_LINES_A_SECOND = 20
};

enum request_kind { REQUEST_START, REQUEST_WRITE, REQUEST_CLOSE, REQUEST_SIGNAL, REQUEST_CALL };

struct request {
    enum request_kind kind;
    uint64_t id;
    struct child *child; /* START */
    struct buffer bytes; /* WRITE */
    int signal;          /* SIGNAL; 0: the end of its group */
    void (*function)(void *context);
    void *context;
};

/* One of the pipes of a child. */
struct outlet {
    uv_poll_t poll;
    int fd; /* -1: closed */
    struct child *child;
};

struct child {
    struct children *room;
    uint64_t id;
    struct arena arena;
    struct child_plan plan; /* copied into the arena */
    struct child_calls calls;
    void *context;
    pid_t pid; /* 0: not started, or waited for: the number may be another's by now */
    struct outlet input, output, error, death;
    struct buffer line, error_line, unsent;
    bool close_input; /* once unsent is empty */
    struct child_end end;
    ms_t log_second;
    unsigned logged, unlogged;
    unsigned handles; /* libuv's, not yet closed */
};

struct children {
    uv_loop_t loop;
    uv_async_t called;
    pthread_t thread;
    struct mailbox *box;
    atomic_uint_fast64_t last_id;
    atomic_uint count;
    struct map children; /* id → struct child */
    bool closing;
};

static struct span id_key(const uint64_t *id)
{
    return span_make(id, sizeof *id);
}

static const char *const *copy_list(struct arena *arena, const char *const *list)
{
    size_t count = 0;
    while (list[count])
        count++;
    const char **copy = arena_array(arena, const char *, count + 1);
    for (size_t n = 0; n < count; n++)
        copy[n] = arena_copy(arena, span_of(list[n]));
    return copy;
}

static struct child *child_make(struct children *room, const struct child_plan *plan,
                                const struct child_calls *calls, void *context)
{
    assert(plan->argv && plan->argv[0] && plan->limit_count <= CHILD_LIMITS_MAX);
    struct child *child = memory_new(struct child);
    child->room = room;
    child->plan = *plan;
    arena_init(&child->arena);
    child->plan.name = arena_copy(&child->arena, span_of(plan->name ? plan->name : plan->argv[0]));
    child->plan.cwd = plan->cwd ? arena_copy(&child->arena, span_of(plan->cwd)) : NULL;
    child->plan.argv = copy_list(&child->arena, plan->argv);
    child->plan.envp = plan->envp ? copy_list(&child->arena, plan->envp) : NULL;
    child->calls = *calls;
    child->context = context;
    child->input.fd = child->output.fd = child->error.fd = child->death.fd = -1;
    buffer_init(&child->line, CHILD_LINE_MAX);
    buffer_init(&child->error_line, LOG_LINE_MAX);
    buffer_init(&child->unsent, CHILD_WRITE_MAX);
    return child;
}

static void child_free(struct child *child)
{
    arena_done(&child->arena);
    buffer_done(&child->line);
    buffer_done(&child->error_line);
    buffer_done(&child->unsent);
    memory_free(child);
}

/* --- its end ---------------------------------------------------------------------------------- */

static void give_up(struct child *child)
{
    struct children *room = child->room;
    (void)map_remove(&room->children, id_key(&child->id));
    (void)atomic_fetch_sub(&room->count, 1);
    child->calls.ended(child->context, child->id, &child->end);
    child_free(child);
    if (room->closing && room->children.live == 0)
        uv_close((uv_handle_t *)&room->called, NULL);
}

static void on_closed(uv_handle_t *handle)
{
    struct outlet *outlet = handle->data;
    (void)close(outlet->fd);
    outlet->fd = -1;
    if (--outlet->child->handles == 0)
        give_up(outlet->child);
}

static void close_outlet(struct outlet *outlet)
{
    if (outlet->fd >= 0 && !uv_is_closing((uv_handle_t *)&outlet->poll))
        uv_close((uv_handle_t *)&outlet->poll, on_closed);
}

static void kill_group(const struct child *child)
{
    if (child->pid > 0)
        (void)kill(-child->pid, SIGKILL);
}

static void take_line(struct child *child)
{
    if (child->calls.line)
        child->calls.line(child->context, child->id, buffer_span(&child->line));
    buffer_clear(&child->line);
}

static void read_output(struct child *child, unsigned reads);
static void read_error(struct child *child, unsigned reads);
static void take_error_line(struct child *child);

static void on_death(uv_poll_t *poll, int status, int events)
{
    struct child *child = ((struct outlet *)poll->data)->child;
    kill_group(child); /* what it has started goes with it */
    int how = 0;
    pid_t waited;
    do
        waited = waitpid(child->pid, &how, 0);
    while (waited < 0 && errno == EINTR);
    assert(waited == child->pid);
    int pid = child->pid;
    child->pid = 0;
    child->end.how = WIFSIGNALED(how) ? CHILD_SIGNALED : CHILD_EXITED;
    child->end.signal = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
    child->end.status = WIFEXITED(how) ? WEXITSTATUS(how) : 0;
    /* What it said before it ended still counts; its pipes hold 64 KiB each. */
    read_output(child, 2 * CHILD_LINE_MAX / READ_SIZE);
    read_error(child, 2 * CHILD_LINE_MAX / READ_SIZE);
    if (child->line.size && !child->end.line_too_long)
        take_line(child);
    if (child->error_line.size)
        take_error_line(child);
    if (child->unlogged)
        log_warn("a child's further words were dropped", log_text("child", child->plan.name),
                 log_number("pid", pid), log_number("lines", child->unlogged));
    close_outlet(&child->input);
    close_outlet(&child->output);
    close_outlet(&child->error);
    close_outlet(&child->death);
}

/* --- what it says ----------------------------------------------------------------------------- */

static void take_output(struct child *child, struct span bytes)
{
    while (bytes.size && !child->end.line_too_long) {
        ptrdiff_t end = span_find(bytes, '\n');
        struct span part = {bytes.data, end < 0 ? bytes.size : (size_t)end};
        buffer_add(&child->line, part);
        if (child->line.failed) {
            child->end.line_too_long = true;
            if (child->plan.overflow_signal && child->pid > 0)
                (void)kill(child->pid, child->plan.overflow_signal);
            else
                kill_group(child);
            return;
        }
        if (end < 0)
            return;
        take_line(child);
        bytes = (struct span){bytes.data + end + 1, bytes.size - (size_t)end - 1};
    }
}

static void take_error_line(struct child *child)
{
    if (child->calls.error) {
        child->calls.error(child->context, child->id, buffer_span(&child->error_line));
        buffer_clear(&child->error_line);
        return;
    }
    ms_t second = clock_monotonic() / MS_SECOND;
    if (second != child->log_second) {
        child->log_second = second;
        child->logged = 0;
    }
    struct span text = span_trim(buffer_span(&child->error_line));
    if (text.size && child->logged < LOG_LINES_A_SECOND) {
        child->logged++;
        log_warn("a child said", log_text("child", child->plan.name), log_number("pid", child->pid),
                 log_span("text", text));
    } else if (text.size) {
        child->unlogged++;
    }
    buffer_clear(&child->error_line);
}

static void take_error(struct child *child, struct span bytes)
{
    while (bytes.size) {
        size_t room = child->error_line.max - child->error_line.size;
        ptrdiff_t end = span_find(bytes, '\n');
        size_t size = end < 0 ? bytes.size : (size_t)end;
        /* The rest of a long line is dropped. */
        buffer_add(&child->error_line, (struct span){bytes.data, size < room ? size : room});
        if (end < 0)
            return;
        take_error_line(child);
        bytes = (struct span){bytes.data + end + 1, bytes.size - (size_t)end - 1};
    }
}

/* Bytes that are there, read into `target`; 0 when there are none now, and the outlet is closed
 * when there will be none any more. */
static size_t read_some(struct outlet *outlet, char target[static READ_SIZE])
{
    if (outlet->fd < 0 || uv_is_closing((uv_handle_t *)&outlet->poll))
        return 0;
    ssize_t got = read(outlet->fd, target, READ_SIZE);
    if (got > 0)
        return (size_t)got;
    if (got == 0 || (errno != EAGAIN && errno != EINTR))
        close_outlet(outlet);
    return 0;
}

static void read_output(struct child *child, unsigned reads)
{
    char bytes[READ_SIZE];
    for (size_t got; reads-- && (got = read_some(&child->output, bytes)) > 0;)
        take_output(child, span_make(bytes, got));
}

static void read_error(struct child *child, unsigned reads)
{
    char bytes[READ_SIZE];
    for (size_t got; reads-- && (got = read_some(&child->error, bytes)) > 0;)
        take_error(child, span_make(bytes, got));
}

static void on_output(uv_poll_t *poll, int status, int events)
{
    read_output(((struct outlet *)poll->data)->child, READS_AT_ONCE);
}

static void on_error(uv_poll_t *poll, int status, int events)
{
    read_error(((struct outlet *)poll->data)->child, READS_AT_ONCE);
}

/* --- what it is told -------------------------------------------------------------------------- */

static void on_input(uv_poll_t *poll, int status, int events)
{
    struct child *child = ((struct outlet *)poll->data)->child;
    while (child->unsent.size) {
        ssize_t written = write(child->input.fd, child->unsent.data, child->unsent.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN)
            return;
        if (written < 0) { /* it closed its end, and may still say something */
            close_outlet(&child->input);
            return;
        }
        buffer_drop(&child->unsent, (size_t)written);
    }
    if (child->close_input)
        close_outlet(&child->input);
    else
        (void)uv_poll_stop(poll);
}

static void flush(struct child *child)
{
    if (child->input.fd >= 0 && !uv_is_closing((uv_handle_t *)&child->input.poll))
        (void)uv_poll_start(&child->input.poll, UV_WRITABLE, on_input);
}

static bool watch(struct outlet *outlet, struct child *child, int fd, uv_poll_cb callback)
{
    if (uv_poll_init(&child->room->loop, &outlet->poll, fd) != 0) {
        (void)close(fd);
        return false;
    }
    outlet->fd = fd;
    outlet->child = child;
    outlet->poll.data = outlet;
    child->handles++;
    return !callback || uv_poll_start(&outlet->poll, UV_READABLE, callback) == 0;
}

static void start(struct child *child)
{
    struct child_pipes pipes;
    int error = child_spawn(&child->plan, &pipes);
    if (error) {
        child->end = (struct child_end){.how = CHILD_NOT_STARTED, .error = error};
        give_up(child);
        return;
    }
    child->pid = pipes.pid;
    bool watched = watch(&child->death, child, pipes.pidfd, on_death) &
                   watch(&child->output, child, pipes.output, on_output) &
                   watch(&child->error, child, pipes.error, on_error) &
                   watch(&child->input, child, pipes.input, NULL);
    assert(watched); /* epoll refuses neither pipes nor pidfds, and CHILD_COUNT_MAX bounds them */
    log_debug("a child started", log_text("child", child->plan.name),
              log_number("pid", child->pid));
}

/* --- requests from any thread ----------------------------------------------------------------- */

static void serve(struct children *room, struct request *request)
{
    struct child *child = map_get(&room->children, id_key(&request->id));
    switch (request->kind) {
    case REQUEST_START:
        map_set(&room->children, id_key(&request->child->id), request->child);
        start(request->child);
        break;
    case REQUEST_WRITE:
        if (!child || child->close_input || child->input.fd < 0)
            break;
        buffer_add(&child->unsent, buffer_span(&request->bytes));
        if (child->unsent.failed)
            kill_group(child);
        flush(child);
        break;
    case REQUEST_CLOSE:
        if (child) {
            child->close_input = true;
            flush(child);
        }
        break;
    case REQUEST_SIGNAL:
        if (child && request->signal == 0)
            kill_group(child);
        else if (child && child->pid > 0)
            (void)kill(child->pid, request->signal);
        break;
    case REQUEST_CALL:
        request->function(request->context);
        break;
    }
    buffer_done(&request->bytes);
    memory_free(request);
}

static void on_called(uv_async_t *called)
{
    struct children *room = called->data;
    void *requests[64];
    for (size_t count; (count = mailbox_take_all(room->box, requests, 64)) > 0;) {
        for (size_t n = 0; n < count; n++)
            serve(room, requests[n]);
    }
    if (!mailbox_closed(room->box) || mailbox_size(room->box) > 0 || room->closing)
        return;
    room->closing = true;
    struct child *child;
    for (size_t cursor = 0; (child = map_next(&room->children, &cursor));)
        kill_group(child);
    if (room->children.live == 0)
        uv_close((uv_handle_t *)called, NULL);
}

static void notify(void *context)
{
    struct children *room = context;
    (void)uv_async_send(&room->called);
}

static void *run(void *context)
{
    struct children *room = context;
    (void)uv_run(&room->loop, UV_RUN_DEFAULT);
    return NULL;
}

struct children *children_make(void)
{
    struct children *room = memory_new(struct children);
    if (uv_loop_init(&room->loop) != 0) {
        memory_free(room);
        return NULL;
    }
    map_init(&room->children);
    room->called.data = room;
    bool made = uv_async_init(&room->loop, &room->called, on_called) == 0;
    room->box = mailbox_make(REQUESTS_MAX, notify, room);
    /* Signals belong to the main thread; a child that stopped reading must not end us. */
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    made = made && pthread_create(&room->thread, NULL, run, room) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (made)
        return room;
    (void)uv_loop_close(&room->loop);
    mailbox_free(room->box);
    memory_free(room);
    return NULL;
}

void children_free(struct children *room)
{
    if (!room)
        return;
    mailbox_close(room->box);
    (void)pthread_join(room->thread, NULL);
    int left = uv_loop_close(&room->loop);
    assert(left == 0); /* else somebody's timer is still open */
    map_done(&room->children);
    mailbox_free(room->box);
    memory_free(room);
}

static bool post(struct children *room, const struct request *request)
{
    struct request *copy = memory_new(struct request);
    *copy = *request;
    if (mailbox_post(room->box, copy))
        return true;
    memory_free(copy);
    if (!mailbox_closed(room->box))
        log_error("the children's thread does not keep up");
    return false;
}

uint64_t child_start(struct children *room, const struct child_plan *plan,
                     const struct child_calls *calls, void *context)
{
    if (atomic_fetch_add(&room->count, 1) >= CHILD_COUNT_MAX) {
        (void)atomic_fetch_sub(&room->count, 1);
        return 0;
    }
    struct child *child = child_make(room, plan, calls, context);
    uint64_t id = child->id = atomic_fetch_add(&room->last_id, 1) + 1;
    if (post(room, &(struct request){.kind = REQUEST_START, .child = child}))
        return id;
    (void)atomic_fetch_sub(&room->count, 1);
    child_free(child);
    return 0;
}

bool child_write(struct children *room, uint64_t id, struct span bytes)
{
    struct request request = {.kind = REQUEST_WRITE, .id = id};
    buffer_init(&request.bytes, CHILD_WRITE_MAX);
    buffer_add(&request.bytes, bytes);
    if (!request.bytes.failed && post(room, &request))
        return true;
    buffer_done(&request.bytes);
    return false;
}

void child_close(struct children *room, uint64_t id)
{
    (void)post(room, &(struct request){.kind = REQUEST_CLOSE, .id = id});
}

void child_kill(struct children *room, uint64_t id)
{
    child_signal(room, id, 0);
}

void child_signal(struct children *room, uint64_t id, int signal)
{
    (void)post(room, &(struct request){.kind = REQUEST_SIGNAL, .id = id, .signal = signal});
}

bool children_call(struct children *room, void (*function)(void *context), void *context)
{
    return post(room,
                &(struct request){.kind = REQUEST_CALL, .function = function, .context = context});
}

uv_loop_t *children_loop(struct children *room)
{
    return &room->loop;
}
