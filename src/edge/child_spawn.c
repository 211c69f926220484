#include "edge/child_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIGNALS = 65, REPORT_MS = 10000 };

/* All that the child needs, so that it computes nothing between fork and exec. */
struct launch {
    const struct child_plan *plan;
    char *const *argv, *const *envp;
    const char *cwd;
    int pipes[4][2]; /* standard input, output, error; and the errno of a failed exec */
    pid_t parent;
};

enum { REPORT = 3 };

static _Noreturn void fail(int report)
{
    int error = errno;
    ssize_t ignored = write(report, &error, sizeof error);
    (void)ignored;
    _exit(127);
}

static void reset_signals(void)
{
    /* The kernel's struct, all zero: SIG_DFL. By system call, because the C library keeps two
     * signals for itself, and whoever started us may have had them ignored. */
    static const unsigned long usual[8];
    for (int n = 1; n < SIGNALS; n++)
        (void)syscall(SYS_rt_sigaction, n, usual, NULL, 8); /* fails for KILL and STOP */
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child, where only async-signal-safe calls may be made: another thread of the parent may
 * have held any lock at the moment of the fork. */
static _Noreturn void become(const struct launch *launch)
{
    /* The numbers 0 to 3 are given out below; ours are moved above them first. */
    int ends[4];
    for (int n = 0; n < 4; n++) {
        ends[n] = fcntl(launch->pipes[n][n == 0 ? 0 : 1], F_DUPFD_CLOEXEC, 4);
        if (ends[n] < 0)
            _exit(127);
    }
    int report = ends[REPORT];
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        fail(report);
    if (getppid() != launch->parent) /* it died before the line above */
        _exit(127);
    if (setsid() < 0 || chdir(launch->cwd) < 0)
        fail(report);
    for (int n = 0; n < 3; n++) {
        if (dup2(ends[n], n) < 0)
            fail(report);
    }
    if (dup2(report, REPORT) < 0 || fcntl(REPORT, F_SETFD, FD_CLOEXEC) < 0)
        fail(REPORT);
    (void)close_range(REPORT + 1, ~0U, 0);
    reset_signals();
    for (unsigned n = 0; n < launch->plan->limit_count; n++) {
        const struct child_limit *limit = &launch->plan->limits[n];
        const struct rlimit value = {limit->value, limit->value};
        if (setrlimit((__rlimit_resource_t)limit->resource, &value) < 0)
            fail(REPORT);
    }
    errno = 0;
    if (launch->plan->niceness > 0 && nice(launch->plan->niceness) == -1 && errno != 0)
        fail(REPORT);
    (void)execve(launch->argv[0], launch->argv, launch->envp);
    fail(REPORT);
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void close_pipes(struct launch *launch)
{
    for (int n = 0; n < 4; n++) {
        close_end(&launch->pipes[n][0]);
        close_end(&launch->pipes[n][1]);
    }
}

static bool open_pipes(struct launch *launch)
{
    for (int n = 0; n < 4; n++)
        launch->pipes[n][0] = launch->pipes[n][1] = -1;
    for (int n = 0; n < 4; n++) {
        int ours = n == 0 ? 1 : 0;
        if (pipe2(launch->pipes[n], O_CLOEXEC) < 0)
            return false;
        if (n != REPORT && fcntl(launch->pipes[n][ours], F_SETFL, O_NONBLOCK) < 0)
            return false;
    }
    return true;
}

/* The report pipe closes when exec succeeds; before that it carries an errno. A child that is
 * stopped before its exec would otherwise hold up all others. */
static int read_report(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    int error = 0, ready;
    ssize_t got;
    do
        ready = poll(&wanted, 1, REPORT_MS);
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return ETIMEDOUT;
    do
        got = read(fd, &error, sizeof error);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof error ? error : 0;
}

static void reap(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* Forks with all signals blocked, so that no handler of the parent runs in the child. */
static pid_t launch_child(const struct launch *launch)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        become(launch);
    int error = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return pid;
}

int child_spawn(const struct child_plan *plan, struct child_pipes *ret_pipes)
{
    static const char *const nothing[] = {NULL};
    struct launch launch = {.plan = plan, .cwd = plan->cwd ? plan->cwd : "/", .parent = getpid()};
    /* execve's prototype promises less than it keeps: it changes neither. */
    memcpy(&launch.argv, &plan->argv, sizeof launch.argv);
    const char *const *envp = plan->envp ? plan->envp : nothing;
    memcpy(&launch.envp, &envp, sizeof launch.envp);
    pid_t pid = open_pipes(&launch) ? launch_child(&launch) : -1;
    if (pid < 0) {
        int error = errno;
        close_pipes(&launch);
        return error;
    }
    close_end(&launch.pipes[0][0]);
    for (int n = 1; n < 4; n++)
        close_end(&launch.pipes[n][1]);
    int error = read_report(launch.pipes[REPORT][0]);
    close_end(&launch.pipes[REPORT][0]);
    int pidfd = error ? -1 : pidfd_open(pid, 0);
    if (pidfd < 0) {
        error = error ? error : errno;
        (void)kill(pid, SIGKILL);
        reap(pid);
        close_pipes(&launch);
        return error;
    }
    *ret_pipes = (struct child_pipes){pid, pidfd, launch.pipes[0][1], launch.pipes[1][0],
                                      launch.pipes[2][0]};
    return 0;
}
