#include "app/pool.h"

#include "base/log.h"
#include "edge/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, NICENESS = 5, QUEUE_PER_WORKER = 4 };

static void add(struct pool_arguments *arguments, const char *flag, uint64_t value)
{
    char *number = arguments->numbers[arguments->count];
    (void)snprintf(number, POOL_NUMBER_SIZE, "%" PRIu64, value);
    arguments->words[arguments->count++] = flag;
    arguments->words[arguments->count++] = number;
}

static void add_text(struct pool_arguments *arguments, const char *flag, const char *text)
{
    arguments->words[arguments->count++] = flag;
    arguments->words[arguments->count++] = text;
}

void pool_arguments(const struct config *config, const char *folder,
                    struct pool_arguments *ret_arguments)
{
    struct pool_arguments *arguments = ret_arguments;
    *arguments = (struct pool_arguments){.words = {"--folder", folder}, .count = 2};
    add(arguments, "--memory-mb", config->local.memory >> 20);
    add(arguments, "--max-output-bytes", config->local.max_output);
    add(arguments, "--max-pixels", (uint64_t)config->local.max_pixels);
    add(arguments, "--cpu-seconds",
        (uint64_t)(config->local.timeout / MS_SECOND + 1) * POOL_THREADS);
    add_text(arguments, "--encoder", config->local.encoder);
    if (config->local.preset)
        add_text(arguments, "--preset", config->local.preset);
    if (config->local.user > 0)
        add(arguments, "--user", (uint64_t)config->local.user);
    if (config->local.weak_cage)
        arguments->words[arguments->count++] = "--weak-cage";
}

/* Starts it with nothing to read and its errors in a pipe. 0 or an errno. */
static int start(const char *program, const struct pool_arguments *arguments, pid_t *ret_child,
                 int *ret_errors)
{
    char *words[POOL_ARGUMENTS_MAX + 3] = {(char *)(uintptr_t)program};
    unsigned count = 1;
    for (unsigned n = 0; n < arguments->count; n++)
        words[count++] = (char *)(uintptr_t)arguments->words[n];
    words[count] = (char *)(uintptr_t) "--check-cage";
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    int error = posix_spawn(ret_child, program, &actions, NULL, words, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    if (error == 0)
        *ret_errors = ends[0];
    else
        (void)close(ends[0]);
    return error;
}

/* What it says until its end, as one line; false when it does not end. */
static bool hear(int fd, char said[static POOL_FAULT_SIZE])
{
    size_t size = 0;
    ms_t end = clock_monotonic() + PATIENCE_MS;
    for (;;) {
        char rest[256];
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        ms_t left = end - clock_monotonic();
        if (left <= 0 || poll(&wanted, 1, (int)left) == 0)
            return false;
        ssize_t got = read(fd, rest, sizeof rest);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        for (ssize_t n = 0; n < got && size < POOL_FAULT_SIZE - 1; n++)
            said[size++] = rest[n] == '\n' ? ' ' : rest[n];
    }
    while (size > 0 && said[size - 1] == ' ')
        size--;
    said[size] = '\0';
    return true;
}

bool pool_check(const struct config *config, const char *folder,
                char ret_fault[static POOL_FAULT_SIZE])
{
    struct pool_arguments arguments;
    char said[POOL_FAULT_SIZE] = "";
    pid_t child = 0;
    int errors = -1, status = 0;
    pool_arguments(config, folder, &arguments);
    int error = start(config->local.program, &arguments, &child, &errors);
    if (error != 0) {
        (void)snprintf(ret_fault, POOL_FAULT_SIZE, "%.300s: %s", config->local.program,
                       strerror(error));
        return false;
    }
    bool heard = hear(errors, said);
    (void)close(errors);
    if (!heard)
        (void)kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    bool good = heard && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (good && said[0])
        log_warn("the workers' cage is weak", log_text("why", said));
    else if (!heard)
        (void)snprintf(ret_fault, POOL_FAULT_SIZE, "it did not end in time");
    else if (!good)
        (void)snprintf(ret_fault, POOL_FAULT_SIZE, "%s", said[0] ? said : "it did not say why");
    return good;
}

struct worker_pool *pool_make(struct children *children, const struct config *config,
                              const char *folder)
{
    struct pool_arguments arguments;
    pool_arguments(config, folder, &arguments);
    const struct worker_config worker = {
        .program = config->local.program,
        .arguments = arguments.words,
        .count = (unsigned)config->local.workers,
        .niceness = NICENESS,
        .queue_max = (unsigned)config->local.workers * QUEUE_PER_WORKER,
        .silence_ms = config->local.silence,
    };
    return worker_make(children, &worker);
}
