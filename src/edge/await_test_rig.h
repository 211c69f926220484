/* Waiting, in tests, for what other threads and processes do. After cmocka.h. */
#ifndef EDGE_AWAIT_TEST_RIG_H
#define EDGE_AWAIT_TEST_RIG_H

#include "edge/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { AWAIT_SECONDS = 20 };

/* Until the counter, which others raise under the mutex and tell of, has come to the value. */
static inline void await_count(pthread_mutex_t *mutex, pthread_cond_t *changed,
                               const unsigned *counter, unsigned value)
{
    struct timespec deadline;
    (void)clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += AWAIT_SECONDS;
    int failed = 0;
    (void)pthread_mutex_lock(mutex);
    while (*counter < value && failed == 0)
        failed = pthread_cond_timedwait(changed, mutex, &deadline);
    (void)pthread_mutex_unlock(mutex);
    assert_int_equal(failed, 0);
}

/* A zombie counts as gone: whoever inherits it may take its time. */
static inline bool await_is_alive(long pid)
{
    char path[64], stat[200];
    assert_true(pid > 1);
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, stat, sizeof stat - 1);
    if (fd >= 0)
        (void)close(fd);
    stat[size > 0 ? size : 0] = '\0';
    return size > 0 && !strstr(stat, ") Z ");
}

static inline void await_death(long pid)
{
    ms_t until = clock_monotonic() + AWAIT_SECONDS * MS_SECOND;
    while (await_is_alive(pid)) {
        assert_true(clock_monotonic() < until);
        (void)usleep(5000);
    }
}

#endif
