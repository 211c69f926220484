#include "edge/mailbox.h"

#include "base/memory.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

enum { POSTERS = 4, EACH = 5000 };

static ms_t monotonic(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (ms_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void count_up(void *context)
{
    ++*(int *)context;
}

static void keeps_order_and_bounds(void **state)
{
    int notified = 0, values[5] = {0};
    struct mailbox *box = mailbox_make(3, count_up, &notified);
    void *taken[4] = {0};
    assert_int_equal(mailbox_take_all(box, taken, 4), 0);
    for (int n = 0; n < 3; n++)
        assert_true(mailbox_post(box, &values[n]));
    assert_false(mailbox_post(box, &values[3]));
    assert_int_equal(notified, 1);
    assert_int_equal(mailbox_size(box), 3);
    assert_int_equal(mailbox_take_all(box, taken, 2), 2);
    assert_ptr_equal(taken[0], &values[0]);
    assert_ptr_equal(taken[1], &values[1]);
    assert_true(mailbox_post(box, &values[3]));
    assert_true(mailbox_post(box, &values[4]));
    assert_int_equal(notified, 1);
    assert_int_equal(mailbox_take_all(box, taken, 4), 3);
    assert_ptr_equal(taken[0], &values[2]);
    assert_ptr_equal(taken[2], &values[4]);
    assert_true(mailbox_post(box, &values[0]));
    assert_int_equal(notified, 2);
    mailbox_close(box);
    mailbox_close(box);
    assert_int_equal(notified, 3);
    assert_true(mailbox_closed(box));
    assert_false(mailbox_post(box, &values[1]));
    assert_int_equal(mailbox_take_all(box, taken, 4), 1);
    mailbox_free(box);
    mailbox_free(NULL);
}

static void waits_until_a_time(void **state)
{
    struct mailbox *box = mailbox_make(1, NULL, NULL);
    ms_t start = monotonic();
    assert_false(mailbox_wait(box, start + 30));
    assert_true(monotonic() - start >= 29);
    assert_false(mailbox_wait(box, 0));
    assert_false(mailbox_wait(box, -5));
    assert_true(mailbox_post(box, &start));
    assert_true(mailbox_wait(box, MS_NEVER));
    void *taken = NULL;
    (void)mailbox_take_all(box, &taken, 1);
    mailbox_close(box);
    assert_true(mailbox_wait(box, MS_NEVER));
    mailbox_free(box);
}

struct poster {
    struct mailbox *box;
    uintptr_t base;
};

static void *post_many(void *context)
{
    struct poster *poster = context;
    for (uintptr_t n = 1; n <= EACH; n++) {
        while (!mailbox_post(poster->box, (void *)(poster->base + n)))
            (void)sched_yield();
    }
    return NULL;
}

static void loses_nothing_between_threads(void **state)
{
    struct mailbox *box = mailbox_make(64, NULL, NULL);
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];
    for (uintptr_t n = 0; n < POSTERS; n++) {
        posters[n] = (struct poster){box, n << 20};
        assert_int_equal(pthread_create(&threads[n], NULL, post_many, &posters[n]), 0);
    }
    uintptr_t last[POSTERS] = {0};
    size_t total = 0;
    while (total < (size_t)POSTERS * EACH) {
        assert_true(mailbox_wait(box, monotonic() + 10000));
        void *messages[16];
        size_t taken = mailbox_take_all(box, messages, 16);
        for (size_t n = 0; n < taken; n++) {
            uintptr_t value = (uintptr_t)messages[n];
            /* Each poster's messages arrive in its own order. */
            assert_int_equal(value & 0xFFFFF, last[value >> 20] + 1);
            last[value >> 20]++;
        }
        total += taken;
    }
    for (size_t n = 0; n < POSTERS; n++)
        (void)pthread_join(threads[n], NULL);
    assert_int_equal(mailbox_size(box), 0);
    mailbox_free(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order_and_bounds),
        cmocka_unit_test(waits_until_a_time),
        cmocka_unit_test(loses_nothing_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
