/* Each case is tried by a child that has entered the cage. */
#include "media/cage.h"

#include "media/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fixture fixture;

enum { FINE = 0, WRONG = 1, NO_CAGE = 2, NOT_HERE = 3 };

static struct cage cage;

/* Enters the cage in a child, does `deed`, gives the wait status. */
static int caged(int (*deed)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct cage_settings settings = {.folder_fd = fixture.folder.fd,
                                         .memory_bytes = (uint64_t)2 << 30,
                                         .file_bytes = 1 << 20,
                                         .cpu_seconds = 60};
        _exit(cage_enter(&settings, &cage) ? deed() : NO_CAGE);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void expect_fine(int (*deed)(void))
{
    int status = caged(deed);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE)
        skip();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), FINE);
}

static void expect_killed(int (*deed)(void))
{
    int status = caged(deed);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int try_socket(void)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (socket(families[i], SOCK_STREAM, 0) >= 0 || errno != EPERM)
            return WRONG;
    }
    return FINE;
}

static void sockets_are_refused(void **state)
{
    expect_fine(try_socket);
}

static int try_execute(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return FINE;
}

static void starting_a_program_kills(void **state)
{
    expect_killed(try_execute);
}

#ifndef REEL_SANITIZED
static int try_fork(void)
{
    return fork() < 0 ? WRONG : FINE;
}

static void starting_a_process_kills(void **state)
{
    expect_killed(try_fork);
}

static int try_code(void)
{
    void *memory =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED && errno == EPERM ? FINE : WRONG;
}

static void no_memory_becomes_code(void **state)
{
    expect_fine(try_code);
}

static int try_memory(void)
{
    return malloc((size_t)3 << 30) ? WRONG : FINE;
}

static void memory_is_limited(void **state)
{
    expect_fine(try_memory);
}
#endif

static void *work(void *argument)
{
    *(int *)argument = 1;
    return NULL;
}

static int try_thread(void)
{
    pthread_t thread;
    int done = 0;
    if (pthread_create(&thread, NULL, work, &done) != 0)
        return WRONG;
    pthread_join(thread, NULL);
    return done ? FINE : WRONG;
}

static void threads_are_allowed(void **state)
{
    expect_fine(try_thread);
}

static int try_files(void)
{
    if (!cage.present[CAGE_LANDLOCK])
        return NOT_HERE;
    int fd = openat(fixture.folder.fd, "inside", O_RDWR | O_CREAT, 0600);
    if (fd < 0 || write(fd, "x", 1) != 1)
        return WRONG;
    if (open("/etc/passwd", O_RDONLY) >= 0 || open("/tmp", O_RDONLY) >= 0)
        return WRONG;
    char outside[100];
    snprintf(outside, sizeof outside, "%s-outside", fixture.path);
    if (open(outside, O_WRONLY | O_CREAT, 0600) >= 0)
        return WRONG;
    return open("/usr/share/fonts", O_RDONLY | O_DIRECTORY) >= 0 ? FINE : WRONG;
}

static void only_the_folder_and_fonts_can_be_opened(void **state)
{
    expect_fine(try_files);
}

static int try_large_file(void)
{
    static char block[1 << 16];
    int fd = openat(fixture.folder.fd, "large", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < 16; i++) {
        if (write(fd, block, sizeof block) != sizeof block)
            return WRONG;
    }
    return write(fd, block, 1) < 0 && errno == EFBIG ? FINE : WRONG;
}

static void files_are_limited_and_say_so(void **state)
{
    expect_fine(try_large_file);
}

static int try_job_time(void)
{
    struct rlimit limit;
    cage_begin_job(&cage, 0);
    getrlimit(RLIMIT_CPU, &limit);
    if (limit.rlim_cur < 60 || limit.rlim_cur > 62)
        return WRONG;
    getrlimit(RLIMIT_CORE, &limit);
    return limit.rlim_cur == 0 ? FINE : WRONG;
}

static void every_job_has_its_own_time(void **state)
{
    expect_fine(try_job_time);
}

static int open_folder(void **state)
{
    fixture_init(&fixture);
    return 0;
}

static int close_folder(void **state)
{
    fixture_done(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_refused),
        cmocka_unit_test(starting_a_program_kills),
#ifndef REEL_SANITIZED
        cmocka_unit_test(starting_a_process_kills),
        cmocka_unit_test(no_memory_becomes_code),
        cmocka_unit_test(memory_is_limited),
#endif
        cmocka_unit_test(threads_are_allowed),
        cmocka_unit_test(only_the_folder_and_fonts_can_be_opened),
        cmocka_unit_test(files_are_limited_and_say_so),
        cmocka_unit_test(every_job_has_its_own_time),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
