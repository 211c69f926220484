#include "edge/child.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "edge/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "edge/await_test_rig.h"

struct seen {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned lines, ends;
    size_t longest;
    struct buffer text; /* all lines, each with its end */
    struct child_end end;
};

static struct seen *seen_make(void)
{
    struct seen *seen = memory_new(struct seen);
    (void)pthread_mutex_init(&seen->mutex, NULL);
    (void)pthread_cond_init(&seen->changed, NULL);
    buffer_init(&seen->text, 4 * 1024 * 1024);
    return seen;
}

static void seen_free(struct seen *seen)
{
    buffer_done(&seen->text);
    memory_free(seen);
}

static void on_line(void *context, uint64_t child, struct span line)
{
    struct seen *seen = context;
    (void)pthread_mutex_lock(&seen->mutex);
    assert_int_equal(seen->ends, 0);
    seen->lines++;
    if (line.size > seen->longest)
        seen->longest = line.size;
    buffer_add(&seen->text, line);
    buffer_add_byte(&seen->text, '\n');
    (void)pthread_cond_broadcast(&seen->changed);
    (void)pthread_mutex_unlock(&seen->mutex);
}

static void on_ended(void *context, uint64_t child, const struct child_end *end)
{
    struct seen *seen = context;
    (void)pthread_mutex_lock(&seen->mutex);
    seen->ends++;
    seen->end = *end;
    (void)pthread_cond_broadcast(&seen->changed);
    (void)pthread_mutex_unlock(&seen->mutex);
}

static const struct child_calls calls = {.line = on_line, .ended = on_ended};

static void wait_for(struct seen *seen, const unsigned *counter, unsigned value)
{
    await_count(&seen->mutex, &seen->changed, counter, value);
}

static uint64_t shell(struct children *children, const char *script, struct seen *seen)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const struct child_plan plan = {.name = "test", .argv = argv};
    return child_start(children, &plan, &calls, seen);
}

static void reads_lines_and_ends(void **state)
{
    struct children *children = children_make();
    struct seen *seen = seen_make();
    assert_true(shell(children, "echo one; echo; echo two; printf three; exit 5", seen) > 0);
    wait_for(seen, &seen->ends, 1);
    assert_string_equal(seen->text.data, "one\n\ntwo\nthree\n");
    assert_int_equal(seen->end.how, CHILD_EXITED);
    assert_int_equal(seen->end.status, 5);
    seen_free(seen);
    seen = seen_make();
    assert_true(shell(children, "kill -TERM $$", seen) > 0);
    wait_for(seen, &seen->ends, 1);
    assert_int_equal(seen->end.how, CHILD_SIGNALED);
    assert_int_equal(seen->end.signal, SIGTERM);
    seen_free(seen);
    children_free(children);
}

static void talks(void **state)
{
    struct children *children = children_make();
    struct seen *seen = seen_make();
    uint64_t child =
        shell(children, "while read -r line; do echo \"<$line>\"; done; echo end", seen);
    assert_true(child_write(children, child, SPAN("a\nb")));
    assert_true(child_write(children, child, SPAN("c\n")));
    wait_for(seen, &seen->lines, 2);
    child_close(children, child);
    wait_for(seen, &seen->ends, 1);
    assert_string_equal(seen->text.data, "<a>\n<bc>\nend\n");
    /* It is gone: all of these do nothing. */
    assert_true(child_write(children, child, SPAN("d\n")));
    child_close(children, child);
    child_kill(children, child);
    child_kill(children, 999);
    seen_free(seen);
    children_free(children);
}

static void carries_much(void **state)
{
    struct children *children = children_make();
    struct seen *seen = seen_make();
    uint64_t child = shell(children, "/bin/cat; exit 0", seen);
    static char line[60001];
    memset(line, 'x', 60000);
    line[60000] = '\n';
    for (unsigned n = 0; n < 50; n++) {
        assert_true(child_write(children, child, span_make(line, sizeof line)));
        wait_for(seen, &seen->lines, n > 10 ? n - 10 : 0);
    }
    child_close(children, child);
    wait_for(seen, &seen->ends, 1);
    assert_int_equal(seen->lines, 50);
    assert_int_equal(seen->longest, 60000);
    assert_int_equal(seen->end.how, CHILD_EXITED);
    seen_free(seen);
    children_free(children);
}

static void bounds_lines_and_writes(void **state)
{
    struct children *children = children_make();
    struct seen *seen = seen_make();
    char limit[200];
    (void)snprintf(limit, sizeof limit, "/usr/bin/head -c %d /dev/zero; echo; exec /bin/sleep 50",
                   CHILD_LINE_MAX);
    uint64_t child = shell(children, limit, seen);
    wait_for(seen, &seen->lines, 1);
    assert_int_equal(seen->longest, CHILD_LINE_MAX);
    child_kill(children, child);
    wait_for(seen, &seen->ends, 1);
    assert_false(seen->end.line_too_long);
    seen_free(seen);
    seen = seen_make();
    assert_true(shell(children, "exec /bin/cat /dev/zero", seen) > 0);
    wait_for(seen, &seen->ends, 1);
    assert_true(seen->end.line_too_long);
    assert_int_equal(seen->lines, 0);
    assert_int_equal(seen->end.signal, SIGKILL);
    seen_free(seen);
    /* One that reads nothing is killed when too much waits for it. */
    seen = seen_make();
    child = shell(children, "exec /bin/sleep 50", seen);
    static char block[CHILD_WRITE_MAX + 1];
    assert_false(child_write(children, child, span_make(block, sizeof block)));
    assert_true(child_write(children, child, span_make(block, CHILD_WRITE_MAX)));
    assert_true(child_write(children, child, span_make(block, CHILD_WRITE_MAX)));
    wait_for(seen, &seen->ends, 1);
    assert_int_equal(seen->end.signal, SIGKILL);
    seen_free(seen);
    children_free(children);
}

static void gives_a_clean_room(void **state)
{
    struct children *children = children_make();
    struct seen *seen = seen_make();
    int leak = open("/dev/null", O_RDONLY); /* not closed on exec, on purpose */
    (void)signal(SIGPIPE, SIG_IGN);
    static const char script[] =
        "for fd in /proc/$$/fd/*; do [ -e $fd ] && printf '%s ' ${fd##*/}; done; echo; env | grep "
        "-v -e ^PWD= -e ^_= -e ^SHLVL= | wc -l; "
        "pwd; "
        "grep -E 'SigBlk|SigIgn' /proc/$$/status | tr -d '\\n\\t'; echo; ulimit -n; nice; "
        "ps -o pgid= -o sid= -p $$ | tr -s ' ' | sed \"s/$$/self/g\"";
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    const struct child_plan plan = {.name = "test",
                                    .argv = argv,
                                    .cwd = "/usr",
                                    .limits = {{RLIMIT_NOFILE, 33}},
                                    .limit_count = 1,
                                    .niceness = 3};
    assert_true(child_start(children, &plan, &calls, seen) > 0);
    wait_for(seen, &seen->ends, 1);
    (void)close(leak);
    /* The shell itself ignores or blocks nothing here. */
    static const char clean[] =
        "0 1 2 \n0\n/usr\nSigBlk:0000000000000000SigIgn:0000000000000000\n33\n3\n";
    if (!strstr(seen->text.data, clean))
        fail_msg("the child found:\n%s", seen->text.data);
    seen_free(seen);
    seen = seen_make();
    const char *const envp[] = {"A=b", NULL};
    const struct child_plan with = {.argv = (const char *const[]){"/usr/bin/env", NULL},
                                    .envp = envp};
    assert_true(child_start(children, &with, &calls, seen) > 0);
    wait_for(seen, &seen->ends, 1);
    assert_string_equal(seen->text.data, "A=b\n");
    seen_free(seen);
    children_free(children);
}

static void says_why_it_did_not_start(void **state)
{
    struct children *children = children_make();
    static const struct {
        const char *program, *cwd;
        int error;
    } rows[] = {
        {"/nowhere", NULL, ENOENT}, {"/etc/passwd", NULL, EACCES}, {"/bin/sh", "/no", ENOENT}};
    for (size_t n = 0; n < 3; n++) {
        struct seen *seen = seen_make();
        const char *const argv[] = {rows[n].program, NULL};
        const struct child_plan plan = {.argv = argv, .cwd = rows[n].cwd};
        assert_true(child_start(children, &plan, &calls, seen) > 0);
        wait_for(seen, &seen->ends, 1);
        assert_int_equal(seen->end.how, CHILD_NOT_STARTED);
        assert_int_equal(seen->end.error, rows[n].error);
        seen_free(seen);
    }
    children_free(children);
}

static bool exists(pid_t pid)
{
    return kill(pid, 0) == 0;
}

static void kills_the_whole_group(void **state)
{
    struct children *children = children_make();
    for (int by_itself = 0; by_itself < 2; by_itself++) {
        struct seen *seen = seen_make();
        uint64_t child =
            shell(children,
                  by_itself ? "/bin/sleep 100 & echo $!; exit 0" : "/bin/sleep 100 & echo $!; wait",
                  seen);
        wait_for(seen, &seen->lines, 1);
        pid_t grandchild = (pid_t)strtol(seen->text.data, NULL, 10);
        assert_true(grandchild > 0);
        if (!by_itself)
            child_kill(children, child);
        wait_for(seen, &seen->ends, 1);
        ms_t until = clock_monotonic() + 10000;
        char path[64], stat[200] = "";
        (void)snprintf(path, sizeof path, "/proc/%d/stat", grandchild);
        /* Who inherits it may leave it a zombie for a while; it does not run any more. */
        for (;;) {
            int fd = open(path, O_RDONLY | O_CLOEXEC);
            ssize_t got = fd < 0 ? 0 : read(fd, stat, sizeof stat - 1);
            if (fd >= 0)
                (void)close(fd);
            if (got <= 0 || strstr(stat, ") Z ") || clock_monotonic() > until)
                break;
            (void)usleep(5000);
        }
        assert_true(clock_monotonic() < until);
        seen_free(seen);
    }
    children_free(children);
}

/* The server dies by SIGKILL: its children go with it. */
static void dies_with_its_parent(void **state)
{
    int pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    pid_t parent = fork();
    if (parent == 0) {
        struct children *children = children_make();
        struct seen *seen = seen_make();
        (void)shell(children, "echo $$; exec /bin/sleep 100", seen);
        wait_for(seen, &seen->lines, 1);
        ssize_t written = write(pipes[1], seen->text.data, seen->text.size);
        (void)written;
        for (;;)
            (void)pause();
    }
    (void)close(pipes[1]);
    char text[32] = "";
    assert_true(read(pipes[0], text, sizeof text - 1) > 0);
    (void)close(pipes[0]);
    pid_t child = (pid_t)strtol(text, NULL, 10);
    assert_true(child > 0 && exists(child));
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/cmdline", child);
    ms_t until = clock_monotonic() + 10000;
    for (bool alive = true; alive;) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        char byte;
        alive = fd >= 0 && read(fd, &byte, 1) == 1; /* a zombie has none */
        if (fd >= 0)
            (void)close(fd);
        assert_true(clock_monotonic() < until);
    }
}

static void leaves_nothing(void **state)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    /* Each takes four descriptors of ours; where they don't suffice, the bound can't be seen. */
    unsigned count = limit.rlim_cur > 5 * CHILD_COUNT_MAX ? CHILD_COUNT_MAX : 10;
    struct children *children = children_make();
    struct seen *seen = seen_make();
    for (unsigned n = 0; n < count; n++)
        assert_true(shell(children, "echo x; exec /bin/sleep 100", seen) > 0);
    if (count == CHILD_COUNT_MAX)
        assert_int_equal(shell(children, "exec /bin/sleep 100", seen), 0);
    children_free(children);
    assert_int_equal(seen->ends, count);
    /* No zombie is left. */
    errno = 0;
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    seen_free(seen);
    children_free(NULL);
}

static void keeps_a_flood_out_of_the_log(void **state)
{
    int saved = dup(STDERR_FILENO), pipes[2];
    assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
    assert_true(dup2(pipes[1], STDERR_FILENO) >= 0);
    struct children *children = children_make();
    struct seen *seen = seen_make();
    assert_true(shell(children,
                      "n=0; while [ $n -lt 2000 ]; do echo flood $n >&2; n=$((n+1)); done",
                      seen) > 0);
    wait_for(seen, &seen->ends, 1);
    children_free(children);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    (void)close(pipes[1]);
    static char text[65536];
    ssize_t got = read(pipes[0], text, sizeof text - 1);
    (void)close(pipes[0]);
    assert_true(got > 0);
    unsigned lines = 0;
    for (const char *at = text; (at = strstr(at, "\"text\":\"flood")); at++)
        lines++;
    assert_in_range(lines, 20, 100); /* 20 a second, of perhaps some seconds */
    assert_non_null(strstr(text, "further words were dropped"));
    assert_non_null(strstr(text, "\"child\":\"test\""));
    seen_free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_lines_and_ends),
        cmocka_unit_test(talks),
        cmocka_unit_test(carries_much),
        cmocka_unit_test(bounds_lines_and_writes),
        cmocka_unit_test(gives_a_clean_room),
        cmocka_unit_test(says_why_it_did_not_start),
        cmocka_unit_test(kills_the_whole_group),
        cmocka_unit_test(dies_with_its_parent),
        cmocka_unit_test(keeps_a_flood_out_of_the_log),
        cmocka_unit_test(leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
