/* What somebody who has taken a decoder over would try: each deed is done by a child that has
 * entered the cage, as a worker does before it reads its first request. The deeds live in this
 * program and in no other. */
#include "media/cage.h"

#include "media/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FINE = 0, ESCAPED = 1, NO_CAGE = 2, USER = 65432 };

static struct fixture fixture, outside;
static char canary[100];
static pid_t parent;
static struct cage cage;

static struct cage_settings settings(void)
{
    return (struct cage_settings){.folder_fd = fixture.folder.fd,
                                  .memory_bytes = (uint64_t)2 << 30,
                                  .file_bytes = 1 << 20,
                                  .cpu_seconds = 1};
}

static int caged_as(const struct cage_settings *wish, int (*deed)(void))
{
    int status;
    parent = getpid();
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(cage_enter(wish, &cage) ? deed() : NO_CAGE);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void expect_held(int (*deed)(void))
{
    const struct cage_settings usual = settings();
    int status = caged_as(&usual, deed);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), FINE);
}

/* ---------------------------------------------------------------- files */

static bool opens(int folder, const char *path, int flags)
{
    int fd = openat(folder, path, flags, 0600);
    char byte;
    /* O_PATH opens anything, and reads nothing. */
    bool reads = fd >= 0 && !(flags & O_PATH);
    if (reads && (flags & O_ACCMODE) == O_RDONLY)
        reads = read(fd, &byte, 1) >= 0;
    if (fd >= 0 && (flags & O_PATH)) {
        char name[40];
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        reads = open(name, O_RDONLY) >= 0;
    }
    if (fd >= 0)
        close(fd);
    if (reads)
        dprintf(2, "%s was opened with %o\n", path, (unsigned)flags);
    return reads;
}

static int read_the_canary(void)
{
    char climbing[200];
    snprintf(climbing, sizeof climbing, "../%s", strrchr(outside.path, '/') + 1);
    strncat(climbing, "/canary", sizeof climbing - strlen(climbing) - 1);
    bool escaped =
        opens(AT_FDCWD, canary, O_RDONLY) || opens(AT_FDCWD, canary, O_RDONLY | O_PATH) ||
        opens(fixture.folder.fd, climbing, O_RDONLY) ||
        opens(fixture.folder.fd, "link", O_RDONLY) ||
        opens(AT_FDCWD, outside.path, O_RDONLY | O_DIRECTORY) ||
        opens(AT_FDCWD, "/etc/passwd", O_RDONLY) || opens(AT_FDCWD, "/etc/shadow", O_RDONLY) ||
        opens(AT_FDCWD, "/dev/mem", O_RDONLY);
#ifndef REEL_SANITIZED /* whose leak checker reads /proc */
    char memory[40];
    snprintf(memory, sizeof memory, "/proc/%d/mem", (int)parent);
    escaped = escaped || opens(AT_FDCWD, memory, O_RDWR) ||
              opens(AT_FDCWD, "/proc/self/environ", O_RDONLY) ||
              opens(AT_FDCWD, "/proc/self/mem", O_RDWR) ||
              opens(AT_FDCWD, "/proc/sys/kernel/hostname", O_RDONLY);
#endif
    return escaped ? ESCAPED : FINE;
}

static int write_outside(void)
{
    char fresh[120];
    snprintf(fresh, sizeof fresh, "%s/fresh", outside.path);
    bool escaped =
        opens(AT_FDCWD, canary, O_WRONLY) || opens(AT_FDCWD, canary, O_WRONLY | O_TRUNC) ||
        opens(AT_FDCWD, fresh, O_WRONLY | O_CREAT) || opens(fixture.folder.fd, "link", O_WRONLY) ||
        opens(AT_FDCWD, "/dev/shm/fresh", O_WRONLY | O_CREAT) || mkdir(fresh, 0700) == 0 ||
        unlink(canary) == 0 || rmdir(outside.path) == 0 || rename(canary, fresh) == 0 ||
        renameat(fixture.folder.fd, "own", AT_FDCWD, fresh) == 0 ||
        renameat(AT_FDCWD, canary, fixture.folder.fd, "mine") == 0 || link(canary, fresh) == 0 ||
        linkat(AT_FDCWD, canary, fixture.folder.fd, "mine", 0) == 0 ||
        symlinkat(canary, fixture.folder.fd, "mine") == 0 || truncate(canary, 0) == 0;
    return escaped ? ESCAPED : FINE;
}

/* Landlock does not look at modes and owners; seccomp refuses the calls. */
static int change_modes(void)
{
    int own = openat(fixture.folder.fd, "own", O_RDWR);
    bool escaped = own < 0 || chmod(canary, 0777) == 0 || fchmod(own, 04777) == 0 ||
                   fchmodat(AT_FDCWD, canary, 0777, 0) == 0 || chown(canary, 1, 1) == 0 ||
                   fchown(own, 1, 1) == 0 || utimensat(AT_FDCWD, canary, NULL, 0) == 0 ||
                   mknodat(fixture.folder.fd, "pipe", S_IFIFO | 0600, 0) == 0;
    return escaped ? ESCAPED : FINE;
}

static int fill_the_disk(void)
{
    static char block[1 << 16];
    int fd = openat(fixture.folder.fd, "large", O_RDWR | O_CREAT, 0600);
    off_t size = 0;
    ssize_t put;
    while ((put = write(fd, block, sizeof block)) > 0)
        size += put;
    bool held = errno == EFBIG && size == 1 << 20 && pwrite(fd, block, 1, 1 << 30) < 0 &&
                ftruncate(fd, 1 << 30) < 0 &&
                syscall(SYS_fallocate, fd, 1 /* keeps the size */, 0L, 1L << 30) < 0;
    return held ? FINE : ESCAPED;
}

/* A file that is open and has no name any more would take room that nobody can see. */
static int hide_a_file(void)
{
    int fd = openat(fixture.folder.fd, "seen", O_RDWR | O_CREAT, 0600);
    bool escaped = fd < 0 || unlinkat(fixture.folder.fd, "seen", 0) == 0 ||
                   renameat(fixture.folder.fd, "own", fixture.folder.fd, "seen") == 0 ||
                   openat(fixture.folder.fd, ".", O_TMPFILE | O_RDWR, 0600) >= 0 ||
                   syscall(SYS_open, fixture.path, O_TMPFILE | O_RDWR, 0600) >= 0 ||
                   linkat(fixture.folder.fd, "own", fixture.folder.fd, "other", 0) == 0;
    return escaped ? ESCAPED : FINE;
}

static void nothing_written_is_hidden(void **state)
{
    expect_held(hide_a_file);
}

static void the_canary_is_not_read(void **state)
{
    expect_held(read_the_canary);
}

static void nothing_is_written_outside(void **state)
{
    expect_held(write_outside);
    size_t size;
    uint8_t *bytes = fixture_read(&outside, "canary", &size);
    assert_int_equal(size, 6);
    assert_memory_equal(bytes, "secret", 6);
    free(bytes);
}

static void modes_and_owners_stay(void **state)
{
    expect_held(change_modes);
}

static void one_file_does_not_fill_the_disk(void **state)
{
    expect_held(fill_the_disk);
}

/* ---------------------------------------------------------------- time and memory */

static int take_ten_gigabytes(void)
{
    enum { PART = 64 << 20 };
    for (uint64_t taken = 0; taken < (uint64_t)10 << 30; taken += PART) {
        char *part = mmap(NULL, PART, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (part == MAP_FAILED)
            return taken < (uint64_t)2 << 30 ? FINE : ESCAPED;
    }
    return ESCAPED;
}

static int spin(void)
{
    cage_begin_job(&cage, 0);
    volatile bool on = true;
    while (on)
        ;
    return ESCAPED;
}

static void memory_ends_at_its_limit(void **state)
{
#ifdef REEL_SANITIZED
    skip(); /* the sanitizers' shadow needs more addresses than any limit leaves */
#endif
    expect_held(take_ten_gigabytes);
}

static void spinning_ends_with_the_jobs_time(void **state)
{
    const struct cage_settings usual = settings();
    int status = caged_as(&usual, spin);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGXCPU);
}

/* ---------------------------------------------------------------- other processes */

static int signal_others(void)
{
    int own = openat(fixture.folder.fd, "own", O_RDWR);
    bool escaped = syscall(SYS_rt_sigqueueinfo, parent, SIGURG, NULL) == 0 ||
                   syscall(SYS_pidfd_open, parent, 0) >= 0 ||
                   syscall(SYS_tkill, parent, SIGURG) == 0;
#ifndef REEL_SANITIZED
    escaped = escaped || kill(parent, SIGURG) == 0 || kill(-1, SIGURG) == 0 ||
              syscall(SYS_tgkill, parent, parent, SIGURG) == 0;
#endif
    /* The kernel would send it for us when something happens to the file. */
    escaped = escaped || own < 0 || fcntl(own, F_SETOWN, parent) == 0 ||
              fcntl(own, F_SETSIG, SIGKILL) == 0 || fcntl(own, F_SETFL, O_ASYNC) == 0 ||
              fcntl(own, F_SETLEASE, F_RDLCK) == 0 || fcntl(own, F_NOTIFY, 1) == 0;
    struct rlimit limit = {0, 0};
    escaped = escaped || prlimit(parent, RLIMIT_CPU, &limit, NULL) == 0 ||
              setpriority(PRIO_PROCESS, (id_t)parent, 19) == 0;
    return escaped ? ESCAPED : FINE;
}

static void no_other_process_is_touched(void **state)
{
    expect_held(signal_others);
}

static int undo(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    bool escaped = setrlimit(RLIMIT_CORE, &limit) == 0 || setrlimit(RLIMIT_FSIZE, &limit) == 0 ||
                   setrlimit(RLIMIT_CPU, &limit) == 0 || setrlimit(RLIMIT_NOFILE, &limit) == 0 ||
                   setuid(0) == 0 || setgroups(0, NULL) == 0;
#ifndef REEL_SANITIZED
    escaped = escaped || prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0 ||
              prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 || prctl(PR_SET_PDEATHSIG, 0) == 0 ||
              prctl(PR_SET_SECCOMP, 0) == 0 || prctl(PR_SET_KEEPCAPS, 1) == 0;
#endif
    return escaped ? ESCAPED : FINE;
}

static void no_layer_comes_off(void **state)
{
    expect_held(undo);
}

/* ---------------------------------------------------------------- system calls by number */

static const struct {
    const char *name;
    long number;
} refused[] =
    {
#define CALL(name)                                                                                 \
    {                                                                                              \
#name, SYS_##name                                                                          \
    }
        CALL(socket),
        CALL(socketpair),
        CALL(connect),
        CALL(bind),
        CALL(sendto),
        CALL(accept4),
        CALL(memfd_create),
        CALL(perf_event_open),
        CALL(shmget),
        CALL(msgget),
        CALL(mq_open),
        CALL(inotify_init1),
        CALL(fanotify_init),
        CALL(acct),
        CALL(reboot),
        CALL(sethostname),
        CALL(settimeofday),
        CALL(clock_settime),
        CALL(swapon),
        CALL(iopl),
        CALL(quotactl),
        CALL(ioctl),
        CALL(splice),
        CALL(vmsplice),
        CALL(sendfile),
        CALL(copy_file_range),
        CALL(kcmp),
        CALL(name_to_handle_at),
        CALL(pidfd_send_signal),
        CALL(landlock_create_ruleset),
        CALL(seccomp),
        CALL(capset),
        CALL(setresuid),
        CALL(setgroups),
        CALL(setxattr),
        CALL(timer_create),
        CALL(io_uring_enter),
        CALL(process_madvise),
        CALL(syslog),
        CALL(sched_setaffinity),
        CALL(mlock),
        CALL(mlockall),
        CALL(arch_prctl),
        CALL(ustat),
        CALL(fsopen),
        CALL(open_tree),
        CALL(move_mount),
        CALL(signalfd4),
        CALL(eventfd2),
        CALL(epoll_create1),
        CALL(setsid),
        CALL(chdir),
},
  deadly[] = {
      CALL(execve),
      CALL(execveat),
      CALL(fork),
      CALL(vfork),
      CALL(mount),
      CALL(umount2),
      CALL(pivot_root),
      CALL(chroot),
      CALL(setns),
      CALL(unshare),
      CALL(bpf),
      CALL(init_module),
      CALL(finit_module),
      CALL(kexec_load),
      CALL(open_by_handle_at),
      CALL(pidfd_getfd),
      CALL(io_uring_setup),
      CALL(userfaultfd),
      CALL(keyctl),
      CALL(add_key),
      CALL(request_key),
#ifndef REEL_SANITIZED
      CALL(ptrace),
      CALL(process_vm_readv),
      CALL(process_vm_writev),
      CALL(clone),
#endif
#undef CALL
};

static size_t which;

static int call_refused(void)
{
    for (size_t n = 0; n < sizeof refused / sizeof refused[0]; n++) {
        if (syscall(refused[n].number, 0L, 0L, 0L, 0L, 0L, 0L) != -1 || errno != EPERM) {
            dprintf(2, "%s: %s\n", refused[n].name, strerror(errno));
            return ESCAPED;
        }
    }
    return FINE;
}

static int call_deadly(void)
{
    syscall(deadly[which].number, 0L, 0L, 0L, 0L, 0L, 0L);
    return ESCAPED;
}

static void what_only_asks_is_refused(void **state)
{
    expect_held(call_refused);
}

static void what_attacks_is_killed(void **state)
{
    const struct cage_settings usual = settings();
    for (which = 0; which < sizeof deadly / sizeof deadly[0]; which++) {
        int status = caged_as(&usual, call_deadly);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
            fail_msg("%s is allowed: %x", deadly[which].name, (unsigned)status);
    }
}

/* ---------------------------------------------------------------- another user */

static int be_another(void)
{
    bool changed = cage.present[CAGE_USER] && getuid() == USER && geteuid() == USER &&
                   getgid() == USER && getegid() == USER;
    /* Root's files in the folder are closed as well. */
    return changed && !opens(fixture.folder.fd, "own", O_RDONLY) ? FINE : ESCAPED;
}

static void root_becomes_another_user(void **state)
{
    if (getuid() != 0)
        skip();
    struct cage_settings wish = settings();
    wish.user = USER;
    int status = caged_as(&wish, be_another);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), FINE);
}

/* The kernel forgets the signal at a change of user, so the cage asks for it again: the middle
 * process dies, and the caged one below it must. */
static void a_caged_process_dies_with_its_parent(void **state)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t middle = fork();
    assert_true(middle >= 0);
    if (middle == 0) {
        pid_t child = fork();
        if (child == 0) {
            struct cage_settings wish = settings();
            wish.user = getuid() == 0 ? USER : 0;
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (!cage_enter(&wish, &cage) || write(ends[1], "x", 1) != 1)
                _exit(NO_CAGE);
            for (;;)
                sleep(60);
        }
        close(ends[1]);
        for (;;)
            sleep(60);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(kill(middle, SIGKILL), 0);
    assert_int_equal(waitpid(middle, NULL, 0), middle);
    /* The last writer is gone once the caged process is. */
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static int open_folders(void **state)
{
    fixture_init(&fixture);
    fixture_init(&outside);
    fixture_write(&fixture, "own", "x", 1);
    fixture_write(&outside, "canary", "secret", 6);
    snprintf(canary, sizeof canary, "%s/canary", outside.path);
    return symlinkat(canary, fixture.folder.fd, "link");
}

static int close_folders(void **state)
{
    fixture_done(&fixture);
    fixture_done(&outside);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_canary_is_not_read),
        cmocka_unit_test(nothing_is_written_outside),
        cmocka_unit_test(modes_and_owners_stay),
        cmocka_unit_test(nothing_written_is_hidden),
        cmocka_unit_test(one_file_does_not_fill_the_disk),
        cmocka_unit_test(memory_ends_at_its_limit),
        cmocka_unit_test(spinning_ends_with_the_jobs_time),
        cmocka_unit_test(no_other_process_is_touched),
        cmocka_unit_test(no_layer_comes_off),
        cmocka_unit_test(what_only_asks_is_refused),
        cmocka_unit_test(what_attacks_is_killed),
        cmocka_unit_test(root_becomes_another_user),
        cmocka_unit_test(a_caged_process_dies_with_its_parent),
    };
    return cmocka_run_group_tests(tests, open_folders, close_folders);
}
