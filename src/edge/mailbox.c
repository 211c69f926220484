#include "edge/mailbox.h"

#include "base/memory.h"

#include <assert.h>
#include <pthread.h>
#include <time.h>

struct mailbox {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    void (*notify)(void *context);
    void *context;
    size_t capacity, first, size;
    bool closed;
    void *ring[];
};

struct mailbox *mailbox_make(size_t capacity, void (*notify)(void *context), void *context)
{
    assert(capacity > 0 && capacity <= SIZE_MAX / sizeof(void *) / 2);
    struct mailbox *box = memory_make(sizeof *box + capacity * sizeof box->ring[0]);
    box->capacity = capacity;
    box->notify = notify;
    box->context = context;
    pthread_condattr_t attributes;
    bool made = pthread_mutex_init(&box->mutex, NULL) == 0 &&
                pthread_condattr_init(&attributes) == 0 &&
                pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&box->changed, &attributes) == 0;
    assert(made);
    (void)pthread_condattr_destroy(&attributes);
    return box;
}

void mailbox_free(struct mailbox *box)
{
    if (!box)
        return;
    (void)pthread_cond_destroy(&box->changed);
    (void)pthread_mutex_destroy(&box->mutex);
    memory_free(box);
}

/* Under the lock, so that nobody is notified after mailbox_close has returned. */
static void tell(struct mailbox *box)
{
    (void)pthread_cond_broadcast(&box->changed);
    if (box->notify)
        box->notify(box->context);
}

bool mailbox_post(struct mailbox *box, void *message)
{
    (void)pthread_mutex_lock(&box->mutex);
    bool fits = !box->closed && box->size < box->capacity;
    if (fits) {
        box->ring[(box->first + box->size) % box->capacity] = message;
        if (box->size++ == 0)
            tell(box);
    }
    (void)pthread_mutex_unlock(&box->mutex);
    return fits;
}

size_t mailbox_take_all(struct mailbox *box, void **messages, size_t capacity)
{
    (void)pthread_mutex_lock(&box->mutex);
    size_t taken = box->size < capacity ? box->size : capacity;
    for (size_t n = 0; n < taken; n++) {
        messages[n] = box->ring[box->first];
        box->first = (box->first + 1) % box->capacity;
    }
    box->size -= taken;
    (void)pthread_mutex_unlock(&box->mutex);
    return taken;
}

bool mailbox_wait(struct mailbox *box, ms_t until)
{
    if (until < 0)
        until = 0;
    struct timespec deadline = {.tv_sec = (time_t)(until / 1000),
                                .tv_nsec = (long)(until % 1000) * 1000000};
    (void)pthread_mutex_lock(&box->mutex);
    int failed = 0;
    while (box->size == 0 && !box->closed && failed == 0) {
        if (until == MS_NEVER)
            (void)pthread_cond_wait(&box->changed, &box->mutex);
        else
            failed = pthread_cond_timedwait(&box->changed, &box->mutex, &deadline);
    }
    bool ready = box->size > 0 || box->closed;
    (void)pthread_mutex_unlock(&box->mutex);
    return ready;
}

void mailbox_close(struct mailbox *box)
{
    (void)pthread_mutex_lock(&box->mutex);
    if (!box->closed) {
        box->closed = true;
        tell(box);
    }
    (void)pthread_mutex_unlock(&box->mutex);
}

bool mailbox_closed(struct mailbox *box)
{
    (void)pthread_mutex_lock(&box->mutex);
    bool closed = box->closed;
    (void)pthread_mutex_unlock(&box->mutex);
    return closed;
}

size_t mailbox_size(struct mailbox *box)
{
    (void)pthread_mutex_lock(&box->mutex);
    size_t size = box->size;
    (void)pthread_mutex_unlock(&box->mutex);
    return size;
}
