#include "edge/sender.h"

#include "base/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one visit to the pool sends at most, so that many downloads take turns. */
enum { STEP_MAX = 1024 * 1024 };

struct sender {
    uv_work_t work;
    uv_loop_t *loop;
    sender_handler *handler;
    void *context;
    const char *path; /* borrowed, while it is opened */
    uint64_t offset, left;
    int socket, file; /* file: -1 when none is open */
    bool busy, abandoned;
    /* Written by the pool, read by the loop once the work is over. */
    enum sender_event event;
    size_t moved;
};

struct sender *sender_make(uv_loop_t *loop, int socket, sender_handler *handler, void *context)
{
    int copy = fcntl(socket, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return NULL;
    struct sender *sender = memory_new(struct sender);
    sender->loop = loop;
    sender->handler = handler;
    sender->context = context;
    sender->socket = copy;
    sender->file = -1;
    sender->work.data = sender;
    return sender;
}

static void close_file(struct sender *sender)
{
    if (sender->file >= 0)
        (void)close(sender->file);
    sender->file = -1;
}

static void destroy(struct sender *sender)
{
    close_file(sender);
    (void)close(sender->socket);
    memory_free(sender);
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    if (sender->busy)
        sender->abandoned = true;
    else
        destroy(sender);
}

static void on_worked(uv_work_t *work, int status)
{
    struct sender *sender = work->data;
    sender->busy = false;
    if (sender->abandoned) {
        destroy(sender);
        return;
    }
    if (sender->event == SENDER_DONE || sender->event == SENDER_FAILED)
        close_file(sender);
    sender->handler(sender->context, status < 0 ? SENDER_FAILED : sender->event, sender->moved);
}

static void begin(struct sender *sender, uv_work_cb work)
{
    assert(!sender->busy);
    sender->busy = true;
    sender->moved = 0;
    int fault = uv_queue_work(sender->loop, &sender->work, work, on_worked);
    assert(fault == 0);
}

static void work_open(uv_work_t *work)
{
    struct sender *sender = work->data;
    struct stat info;
    sender->event = SENDER_FAILED;
    sender->file = open(sender->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (sender->file < 0 || fstat(sender->file, &info) != 0 || !S_ISREG(info.st_mode))
        return;
    uint64_t size = (uint64_t)info.st_size;
    if (sender->offset <= size && sender->left <= size - sender->offset)
        sender->event = SENDER_OPENED;
}

void sender_open(struct sender *sender, const char *path, uint64_t offset, uint64_t size)
{
    close_file(sender);
    sender->path = path;
    sender->offset = offset;
    sender->left = size;
    begin(sender, work_open);
}

static void work_step(uv_work_t *work)
{
    struct sender *sender = work->data;
    sender->event = SENDER_MOVED;
    while (sender->left > 0 && sender->moved < STEP_MAX) {
        size_t room = STEP_MAX - sender->moved;
        off_t offset = (off_t)sender->offset;
        ssize_t size = sendfile(sender->socket, sender->file, &offset,
                                sender->left < room ? (size_t)sender->left : room);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == EAGAIN) {
            sender->event = SENDER_BLOCKED;
            return;
        }
        if (size <= 0) {
            /* Nothing left to read means that somebody cut the file short. */
            sender->event = size == 0 || errno == EIO ? SENDER_FAILED : SENDER_BROKEN;
            return;
        }
        sender->offset += (uint64_t)size;
        sender->left -= (uint64_t)size;
        sender->moved += (size_t)size;
    }
    if (sender->left == 0)
        sender->event = SENDER_DONE;
}

void sender_step(struct sender *sender)
{
    begin(sender, work_step);
}
