#include "edge/program.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/list.h"
#include "base/log.h"
#include "base/memory.h"
#include "edge/clock.h"
#include "edge/warden.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    WATCH_MS = 100,
    WARDEN_MS = 10000,       /* beyond the grace: what a warden needs to end all, and more */
    KILLED_STATUS = 128 + 9, /* how a shell says that what it ran was killed */
    WARDEN_WORDS = 3         /* before the program's own: the warden, its word and the grace */
};

struct program {
    struct list link; /* in programs->all */
    struct programs *programs;
    uint64_t number, child;
    struct arena arena; /* of the plan's texts */
    struct child_plan plan;
    struct buffer input; /* until it runs */
    struct program_calls calls;
    void *context;
    ms_t silence, grace;
    uint64_t output_max, said;
    uv_timer_t watch;
    ms_t heard_at, kill_at; /* kill_at 0: not asked to end */
    uint64_t kills;         /* the kernel's count when it began */
    struct program_end end;
    size_t words; /* bytes of end.last_words */
};

struct programs {
    struct children *children;
    char *warden;
    struct list all; /* the children's thread's own */
    bool ending;     /* likewise */
    atomic_uint_fast64_t last_number;
    pthread_mutex_t mutex; /* of the next three */
    pthread_cond_t over;
    unsigned count;
    bool closed, is_last; /* is_last: no order is on its way any more */
};

struct order {
    struct programs *programs;
    uint64_t number;
};

/* How often the kernel has killed a process for want of memory, in a control group or at large. */
static uint64_t count_kills(void)
{
    char text[16384];
    int64_t count = 0;
    int fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        (void)close(fd);
    struct span rest = {text, size > 0 ? (size_t)size : 0}, line, name;
    while (span_take(&rest, '\n', &line)) {
        if (span_take(&line, ' ', &name) && span_is(name, "oom_kill"))
            (void)span_integer(line, 0, INT64_MAX, &count);
    }
    return (uint64_t)count;
}

/* ---------------------------------------------------------------- its end */

static void program_free(struct program *program)
{
    buffer_done(&program->input);
    arena_done(&program->arena);
    memory_free(program);
}

static void leave(struct programs *programs)
{
    (void)pthread_mutex_lock(&programs->mutex);
    programs->count--;
    (void)pthread_cond_signal(&programs->over);
    (void)pthread_mutex_unlock(&programs->mutex);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct program *program = handle->data;
    struct programs *programs = program->programs;
    list_remove(&program->link);
    program->calls.ended(program->context, &program->end);
    program_free(program);
    leave(programs);
}

static void finish(struct program *program)
{
    uv_close((uv_handle_t *)&program->watch, on_watch_closed);
}

static void on_ended(void *context, uint64_t child, const struct child_end *end)
{
    struct program *program = context;
    struct program_end *told = &program->end;
    (void)child;
    if (end->line_too_long && !program->kill_at)
        told->how = PROGRAM_FLOODED;
    else if (!program->kill_at)
        told->how = end->how == CHILD_EXITED     ? PROGRAM_EXITED
                    : end->how == CHILD_SIGNALED ? PROGRAM_SIGNALED
                                                 : PROGRAM_NOT_STARTED;
    told->status = end->status;
    told->signal = end->signal;
    told->error = end->error;
    bool was_killed = told->how == PROGRAM_SIGNALED
                          ? end->signal == SIGKILL
                          : told->how == PROGRAM_EXITED && end->status == KILLED_STATUS;
    told->lacked_memory = was_killed && count_kills() > program->kills;
    finish(program);
}

/* The first reason is the reason. */
static void stop(struct program *program, enum program_how how, int signal)
{
    if (!program->kill_at)
        program->end.how = how;
    else if (signal == SIGTERM)
        return;
    program->kill_at = clock_monotonic() + program->grace + WARDEN_MS;
    child_signal(program->programs->children, program->child, signal);
}

static void on_watch(uv_timer_t *timer)
{
    struct program *program = timer->data;
    ms_t now = clock_monotonic();
    if (program->kill_at && now >= program->kill_at)
        child_kill(program->programs->children, program->child); /* the warden is no help */
    else if (program->silence && now - program->heard_at >= program->silence)
        stop(program, PROGRAM_HUNG, SIGTERM);
}

/* ---------------------------------------------------------------- what it says */

static void on_line(void *context, uint64_t child, struct span line)
{
    struct program *program = context;
    (void)child;
    program->heard_at = clock_monotonic();
    if (program->kill_at)
        return;
    program->said += line.size + 1;
    if (program->said > program->output_max)
        stop(program, PROGRAM_FLOODED, SIGQUIT);
    else
        program->calls.line(program->context, line);
}

/* The oldest lines make room. */
static void on_error(void *context, uint64_t child, struct span line)
{
    struct program *program = context;
    char *words = program->end.last_words;
    (void)child;
    program->heard_at = clock_monotonic();
    log_debug("a program said", log_text("program", program->plan.name), log_span("text", line));
    line = span_trim(line);
    if (line.size == 0)
        return;
    while (program->words + line.size + 2 > PROGRAM_LAST_WORDS) {
        const char *end = memchr(words, '\n', program->words);
        size_t gone = end ? (size_t)(end - words) + 1 : program->words;
        program->words -= gone;
        memmove(words, words + gone, program->words);
    }
    memcpy(words + program->words, line.data, line.size);
    program->words += line.size;
    words[program->words++] = '\n';
    words[program->words] = '\0';
}

/* ---------------------------------------------------------------- its beginning */

static void begin(void *context)
{
    static const struct child_calls calls = {.line = on_line, .ended = on_ended, .error = on_error};
    struct program *program = context;
    struct programs *programs = program->programs;
    list_add(&programs->all, &program->link);
    (void)uv_timer_init(children_loop(programs->children), &program->watch);
    program->watch.data = program;
    program->heard_at = clock_monotonic();
    program->kills = count_kills();
    program->child =
        programs->ending ? 0 : child_start(programs->children, &program->plan, &calls, program);
    if (program->child == 0) {
        program->end.how = programs->ending ? PROGRAM_STOPPED : PROGRAM_NOT_STARTED;
        program->end.error = EAGAIN;
        finish(program);
        return;
    }
    (void)child_write(programs->children, program->child, buffer_span(&program->input));
    child_close(programs->children, program->child);
    (void)uv_timer_start(&program->watch, on_watch, WATCH_MS, WATCH_MS);
}

static const char *const *copy_words(struct arena *arena, const char *const *list,
                                     const char *const *before, size_t before_count)
{
    size_t count = 0;
    while (list[count])
        count++;
    const char **copy = arena_array(arena, const char *, before_count + count + 1);
    for (size_t n = 0; n < before_count; n++)
        copy[n] = before[n];
    for (size_t n = 0; n < count; n++)
        copy[before_count + n] = arena_copy(arena, span_of(list[n]));
    return copy;
}

static struct program *program_make(struct programs *programs, const struct program_plan *plan)
{
    struct program *program = memory_new(struct program);
    struct arena *arena = &program->arena;
    arena_init(arena);
    const char *const before[WARDEN_WORDS] = {arena_copy(arena, span_of(programs->warden)), WARDEN,
                                              arena_print(arena, "%lld", (long long)plan->grace)};
    list_init(&program->link);
    program->programs = programs;
    program->plan = (struct child_plan){
        .name = arena_copy(arena, span_of(plan->name)),
        .argv = copy_words(arena, plan->argv, before, WARDEN_WORDS),
        .envp = plan->envp ? copy_words(arena, plan->envp, NULL, 0) : NULL,
        .cwd = plan->cwd ? arena_copy(arena, span_of(plan->cwd)) : NULL,
        .overflow_signal = SIGQUIT,
    };
    program->silence = plan->silence;
    program->grace = plan->grace;
    program->output_max = plan->output_max;
    buffer_init(&program->input, CHILD_WRITE_MAX - 1);
    buffer_add(&program->input, plan->input);
    return program;
}

/* ---------------------------------------------------------------- orders */

static bool enter(struct programs *programs)
{
    (void)pthread_mutex_lock(&programs->mutex);
    bool is_open = !programs->closed;
    programs->count += is_open;
    (void)pthread_mutex_unlock(&programs->mutex);
    return is_open;
}

uint64_t program_run(struct programs *programs, const struct program_plan *plan,
                     const struct program_calls *calls, void *context)
{
    struct program *program = program_make(programs, plan);
    program->calls = *calls;
    program->context = context;
    uint64_t number = program->number = atomic_fetch_add(&programs->last_number, 1) + 1;
    if (!program->input.failed && enter(programs)) {
        if (children_call(programs->children, begin, program))
            return number;
        leave(programs);
    }
    program_free(program);
    return 0;
}

static void stop_order(void *context)
{
    struct order *order = context;
    LIST_EACH(&order->programs->all, link) {
        struct program *program = LIST_OWNER(link, struct program, link);
        if (program->number == order->number && program->child)
            stop(program, PROGRAM_STOPPED, SIGTERM);
    }
    memory_free(order);
}

void program_stop(struct programs *programs, uint64_t number)
{
    struct order *order = memory_new(struct order);
    *order = (struct order){programs, number};
    (void)pthread_mutex_lock(&programs->mutex);
    bool called = !programs->closed && children_call(programs->children, stop_order, order);
    (void)pthread_mutex_unlock(&programs->mutex);
    if (!called)
        memory_free(order);
}

static void end_order(void *context)
{
    struct programs *programs = context;
    programs->ending = true;
    LIST_EACH(&programs->all, link) {
        struct program *program = LIST_OWNER(link, struct program, link);
        if (program->child)
            stop(program, PROGRAM_STOPPED, SIGQUIT);
    }
    (void)pthread_mutex_lock(&programs->mutex);
    programs->is_last = true;
    (void)pthread_cond_signal(&programs->over);
    (void)pthread_mutex_unlock(&programs->mutex);
}

struct programs *programs_make(struct children *children, const char *warden)
{
    struct programs *programs = memory_new(struct programs);
    programs->children = children;
    programs->warden = memory_copy(span_of(warden ? warden : "/proc/self/exe"));
    list_init(&programs->all);
    (void)pthread_mutex_init(&programs->mutex, NULL);
    (void)pthread_cond_init(&programs->over, NULL);
    return programs;
}

void programs_end(struct programs *programs)
{
    if (!programs)
        return;
    (void)pthread_mutex_lock(&programs->mutex);
    if (!programs->closed) {
        bool called = children_call(programs->children, end_order, programs);
        assert(called); /* the children outlive their programs */
    }
    programs->closed = true;
    while (programs->count > 0 || !programs->is_last)
        (void)pthread_cond_wait(&programs->over, &programs->mutex);
    (void)pthread_mutex_unlock(&programs->mutex);
}

void programs_free(struct programs *programs)
{
    if (!programs)
        return;
    programs_end(programs);
    (void)pthread_cond_destroy(&programs->over);
    (void)pthread_mutex_destroy(&programs->mutex);
    memory_free(programs->warden);
    memory_free(programs);
}
