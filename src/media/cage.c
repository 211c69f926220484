#include "media/cage.h"

#include "media/cage_landlock.h"
#include "media/cage_seccomp.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    OPEN_FILES_MAX = 128,
    STACK_MAX = 8 << 20,
    LOCKED_MAX = 64 << 10,
    /* Counted over all workers of one user. */
    THREADS_MAX = 4096,
    /* A worker is renewed long before; this ends one that will not go. */
    CPU_SECONDS_FOREVER = 24 * 3600,
};

const char *cage_word(enum cage_layer layer)
{
#define X(name, word, required) [name] = word,
    static const char *const words[] = {CAGE_LAYERS(X)};
#undef X
    return words[layer];
}

bool cage_is_required(enum cage_layer layer)
{
#define X(name, word, required) [name] = required,
    static const bool required[] = {CAGE_LAYERS(X)};
#undef X
    return required[layer];
}

/* Lowers a limit; one that is lower already stays. */
static bool lower(__rlimit_resource_t resource, uint64_t value)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0)
        return false;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > value)
        limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit) == 0;
}

static bool set_limits(const struct cage_settings *settings)
{
    /* A file that grows too large is an error of that job, not the end of the worker. */
    signal(SIGXFSZ, SIG_IGN);
    bool done = lower(RLIMIT_CORE, 0) && lower(RLIMIT_NOFILE, OPEN_FILES_MAX) &&
                lower(RLIMIT_FSIZE, settings->file_bytes) &&
                lower(RLIMIT_CPU, CPU_SECONDS_FOREVER) && lower(RLIMIT_STACK, STACK_MAX) &&
                lower(RLIMIT_MEMLOCK, LOCKED_MAX) && lower(RLIMIT_MSGQUEUE, 0) &&
                lower(RLIMIT_RTPRIO, 0) && lower(RLIMIT_NICE, 0);
    /* A server's own user may have any number of threads already; another user is ours alone. */
    if (settings->user > 0)
        done = done && lower(RLIMIT_NPROC, THREADS_MAX);
#ifndef REEL_SANITIZED
    /* Sanitizers reserve terabytes of addresses for their shadow. */
    done = done && lower(RLIMIT_AS, settings->memory_bytes);
#endif
    return done;
}

/* A namespace needs a capability, which an ordinary user has in a user namespace of its own; files
 * keep their owner in it. */
static bool leave_network(struct cage *cage)
{
    bool done = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    if (!done)
        snprintf(cage->note[CAGE_NETWORK], sizeof cage->note[0], "not allowed here: %s",
                 strerror(errno));
    return done;
}

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    return syscall(SYS_capset, &header, none) == 0;
}

static bool change_user(const struct cage_settings *settings, struct cage *cage)
{
    char *note = cage->note[CAGE_USER];
    gid_t group = (gid_t)settings->user;
    uid_t user = (uid_t)settings->user;
    bool root = getuid() == 0;
    bool done = true;
    if (root && user > 0)
        done = setgroups(0, NULL) == 0 && setresgid(group, group, group) == 0 &&
               setresuid(user, user, user) == 0;
    if (!done)
        snprintf(note, sizeof cage->note[0], "user %u: %s", user, strerror(errno));
    if (!drop_capabilities()) {
        snprintf(note, sizeof cage->note[0], "capabilities stay: %s", strerror(errno));
        return false;
    }
    if (done && root && user == 0) {
        snprintf(note, sizeof cage->note[0], "the server runs as root, and so does this");
        return false;
    }
    if (done && root)
        snprintf(note, sizeof cage->note[0], "%u", user);
    else if (done)
        snprintf(note, sizeof cage->note[0], "the server's own, which is not root");
    return done;
}

/* A change of user or capabilities makes the kernel forget that we die with our parent. */
static void die_with_parent(int signal_wanted, pid_t parent)
{
    if (signal_wanted == 0)
        return;
    prctl(PR_SET_PDEATHSIG, signal_wanted);
    if (getppid() != parent)
        _exit(1);
}

bool cage_enter(const struct cage_settings *settings, struct cage *ret_cage)
{
    struct cage *cage = ret_cage;
    int parent_signal = 0;
    pid_t parent = getppid();
    prctl(PR_GET_PDEATHSIG, &parent_signal);
    *cage = (struct cage){.cpu_seconds = settings->cpu_seconds};
    cage->present[CAGE_RLIMITS] = set_limits(settings);
    if (!cage->present[CAGE_RLIMITS])
        snprintf(cage->note[CAGE_RLIMITS], sizeof cage->note[0], "%s", strerror(errno));
    cage->present[CAGE_NETWORK] = leave_network(cage);
    cage->present[CAGE_USER] = change_user(settings, cage);
    die_with_parent(parent_signal, parent);
    cage->present[CAGE_NO_NEW_PRIVS] = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    if (!cage->present[CAGE_NO_NEW_PRIVS])
        snprintf(cage->note[CAGE_NO_NEW_PRIVS], sizeof cage->note[0], "%s", strerror(errno));
    cage->present[CAGE_LANDLOCK] = cage_landlock(settings->folder_fd, cage->note[CAGE_LANDLOCK],
                                                 sizeof cage->note[CAGE_LANDLOCK]);
    cage->present[CAGE_SECCOMP] =
        cage_seccomp(cage->note[CAGE_SECCOMP], sizeof cage->note[CAGE_SECCOMP]);
    for (int layer = 0; layer < CAGE_LAYER_COUNT; layer++) {
        if (cage_is_required((enum cage_layer)layer) && !cage->present[layer])
            return false;
    }
    return true;
}

void cage_begin_job(const struct cage *cage, int64_t cpu_seconds)
{
    struct rusage usage;
    struct rlimit limit;
    if (getrusage(RUSAGE_SELF, &usage) != 0 || getrlimit(RLIMIT_CPU, &limit) != 0)
        return;
    uint64_t used = (uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec;
    limit.rlim_cur = used + cage->cpu_seconds;
    if (cpu_seconds > cage->cpu_seconds)
        limit.rlim_cur = used + (uint64_t)cpu_seconds;
    if (limit.rlim_cur > limit.rlim_max)
        limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CPU, &limit);
}
