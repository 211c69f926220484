#include "edge/warden.h"

#include "edge/clock.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "edge/await_test_rig.h"

/* Starts a warden around a shell script; what is said comes out of *ret_said. */
static pid_t start(const char *grace, const char *script, int *ret_said)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setsid();
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)execl("/proc/self/exe", "reel", WARDEN, grace, "/bin/sh", "-c", script, (char *)NULL);
        _exit(99);
    }
    (void)close(ends[1]);
    *ret_said = ends[0];
    return pid;
}

static long read_number(int fd)
{
    char text[64];
    size_t size = 0;
    while (size < sizeof text - 1 && read(fd, text + size, 1) == 1 && text[size] != '\n')
        size++;
    text[size] = '\0';
    return strtol(text, NULL, 10);
}

static void knows_when_it_is_meant(void **state)
{
    char *const words[] = {(char[]){"reel"}, (char[]){WARDEN}, (char[]){"5"}, (char[]){"/bin/sh"}};
    char *const others[] = {(char[]){"reel"}, (char[]){"serve"}, (char[]){"5"}, (char[]){"x"}};
    assert_true(warden_is_meant(4, words));
    assert_false(warden_is_meant(3, words));
    assert_false(warden_is_meant(4, others));
    assert_false(warden_is_meant(1, words));
}

static void ends_as_the_program_does(void **state)
{
    int said, how = 0;
    pid_t pid = start("100", "exit 7", &said);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 7);
    (void)close(said);
    pid = start("100", "kill -ABRT $$", &said);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
    (void)close(said);
}

static void passes_a_wish_to_end_on(void **state)
{
    int said, how = 0;
    pid_t pid = start("5000", "trap 'exit 5' TERM; echo 1; sleep 100 & wait", &said);
    assert_int_equal(read_number(said), 1);
    ms_t began = clock_monotonic();
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 5);
    assert_true(clock_monotonic() - began < 4000);
    (void)close(said);
    pid = start("200", "trap '' TERM; echo 1; sleep 100", &said);
    assert_int_equal(read_number(said), 1);
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &how, 0), pid);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
    (void)close(said);
}

/* Its parent, the server, dies by SIGKILL. */
static void dies_with_its_parent(void **state)
{
    int numbers[2];
    assert_int_equal(pipe2(numbers, O_CLOEXEC), 0);
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        int said;
        (void)start("5000", "trap '' TERM; setsid sh -c 'sleep 100 & echo $!; wait'", &said);
        long number = read_number(said);
        ssize_t written = write(numbers[1], &number, sizeof number);
        (void)written;
        for (;;)
            (void)pause();
    }
    long number = 0;
    assert_int_equal(read(numbers[0], &number, sizeof number), sizeof number);
    assert_true(await_is_alive(number));
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    await_death(number);
    (void)close(numbers[0]);
    (void)close(numbers[1]);
}

/* Whoever kills the warden itself kills the program too. */
static void does_not_leave_the_program_alone(void **state)
{
    int said;
    pid_t pid = start("5000", "echo $$; exec sleep 100", &said);
    long number = read_number(said);
    assert_true(await_is_alive(number));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    await_death(number);
    (void)close(said);
}

int main(int count, char **words)
{
    if (warden_is_meant(count, words))
        warden_run(count, words);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_when_it_is_meant),
        cmocka_unit_test(ends_as_the_program_does),
        cmocka_unit_test(passes_a_wish_to_end_on),
        cmocka_unit_test(dies_with_its_parent),
        cmocka_unit_test(does_not_leave_the_program_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
