#include "edge/warden.h"

#include "base/span.h"
#include "edge/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    WORD = 1,
    GRACE,
    PROGRAM,
    NOT_FOUND = 127,
    NOT_RUN = 126,
    SWEEP_MS = 5000, /* a process that hangs in the kernel is not waited for any longer */
    PAUSE_MS = 5
};

#define GRACE_MAX MS_HOUR

bool warden_is_meant(int count, char *const *words)
{
    return count > PROGRAM && strcmp(words[WORD], WARDEN) == 0;
}

/* ---------------------------------------------------------------- the program */

/* In the new process. */
static _Noreturn void become(char **words, pid_t warden, const sigset_t *none)
{
    int error = ESRCH;
    /* Else it would survive a warden that is killed. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == warden) {
        (void)sigprocmask(SIG_SETMASK, none, NULL);
        (void)execv(words[PROGRAM], &words[PROGRAM]);
        error = errno;
    }
    (void)fprintf(stderr, "%s can't be run: %s\n", words[PROGRAM], strerror(error));
    _exit(error == ENOENT || error == ENOTDIR ? NOT_FOUND : NOT_RUN);
}

/* What it reads and says is not ours. */
static void let_go_of_pipes(void)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3 && nothing >= 0; fd++)
        (void)dup2(nothing, fd);
}

/* ---------------------------------------------------------------- the end of all others */

/* The parent of a process, by the second field behind its name in brackets, which may hold any
 * byte (proc(5)); 0 when it has gone. */
static pid_t parent_of(const char *number)
{
    char path[64], text[512];
    (void)snprintf(path, sizeof path, "/proc/%.20s/stat", number);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        (void)close(fd);
    text[size > 0 ? size : 0] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end && strlen(name_end) > 4 ? (pid_t)strtol(name_end + 4, NULL, 10) : 0;
}

/* False when nobody can be found. */
static bool kill_children(void)
{
    DIR *processes = opendir("/proc");
    pid_t own = getpid();
    bool any = false;
    for (struct dirent *entry; processes && (entry = readdir(processes));) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && parent_of(entry->d_name) == own) {
            (void)kill(pid, SIGKILL);
            any = true;
        }
    }
    if (processes)
        (void)closedir(processes);
    return any;
}

/* What a killed process leaves behind comes to us, until nobody is left. */
static void kill_all(void)
{
    ms_t until = clock_monotonic() + SWEEP_MS;
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
    for (;;) {
        pid_t pid;
        do
            pid = waitpid(-1, NULL, WNOHANG);
        while (pid > 0);
        if (pid < 0 || clock_monotonic() > until)
            return;
        if (!kill_children())
            (void)kill(0, SIGKILL); /* without /proc: the group at least, and that is us too */
        (void)nanosleep(&pause, NULL);
    }
}

static _Noreturn void end_likewise(int how)
{
    const struct rlimit no_core = {0, 0};
    if (!WIFSIGNALED(how))
        _exit(WEXITSTATUS(how));
    sigset_t one;
    (void)setrlimit(RLIMIT_CORE, &no_core); /* the program's own is enough */
    (void)sigemptyset(&one);
    (void)sigaddset(&one, WTERMSIG(how));
    (void)signal(WTERMSIG(how), SIG_DFL);
    (void)raise(WTERMSIG(how));
    (void)sigprocmask(SIG_UNBLOCK, &one, NULL);
    _exit(NOT_RUN);
}

/* ---------------------------------------------------------------- waiting */

/* Whether the program has ended, and how. Others are orphans of its. */
static bool reap(pid_t program, int *ret_how)
{
    int how;
    for (pid_t pid; (pid = waitpid(-1, &how, WNOHANG)) > 0;) {
        if (pid == program) {
            *ret_how = how;
            return true;
        }
    }
    return false;
}

/* The program's end, or what an end by our hand looks like. */
static int wait_for(pid_t program, ms_t grace, const sigset_t *all)
{
    int how = SIGKILL; /* as waitpid would put it */
    ms_t until = 0;
    for (;;) {
        ms_t left = until ? until - clock_monotonic() : MS_HOUR;
        if (left <= 0)
            return how;
        const struct timespec pause = {left / MS_SECOND, left % MS_SECOND * 1000000L};
        int signal = sigtimedwait(all, NULL, &pause);
        if (signal == SIGQUIT)
            return how;
        if (signal == SIGCHLD && reap(program, &how))
            return how;
        if (signal == SIGTERM && !until) {
            until = clock_monotonic() + grace + 1;
            (void)kill(0, SIGTERM); /* it comes back to us too */
        }
    }
}

_Noreturn void warden_run(int count, char **words)
{
    sigset_t all, none;
    int64_t grace = 0;
    (void)count;
    (void)span_integer(span_of(words[GRACE]), 0, GRACE_MAX, &grace);
    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)prctl(PR_SET_NAME, "reel-warden");
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    /* Whoever started us made it SIGKILL, which would leave the program alone for a moment, and
     * what it has started for ever. */
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
    pid_t own = getpid(), program = fork();
    if (program == 0)
        become(words, own, &none);
    if (program < 0) {
        (void)fprintf(stderr, "%s can't be run: %s\n", words[PROGRAM], strerror(errno));
        _exit(NOT_RUN);
    }
    let_go_of_pipes();
    int how = wait_for(program, grace, &all);
    kill_all();
    end_likewise(how);
}
