#include "edge/egress_intake.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    HEAD_MAX = 64 * 1024,
    REFUSAL_MAX = 64 * 1024,       /* kept of the body of what is no 2xx */
    REFUSAL_READ_MAX = 1024 * 1024 /* read of it, so that the connection can be used again */
};

static size_t memory_max(const struct egress_answer *plan)
{
    if (plan->path || plan->chunk)
        return REFUSAL_MAX;
    return plan->max < SIZE_MAX / 2 ? (size_t)plan->max : SIZE_MAX / 2;
}

void egress_intake_init(struct egress_intake *intake, const struct egress_answer *plan,
                        void *context)
{
    *intake = (struct egress_intake){.plan = plan, .context = context, .fd = -1};
    arena_init(&intake->arena);
    buffer_init(&intake->body, memory_max(plan));
}

void egress_intake_drop(struct egress_intake *intake)
{
    if (intake->fd >= 0)
        (void)close(intake->fd);
    intake->fd = -1;
    if (intake->made)
        (void)unlink(intake->plan->path);
    intake->made = false;
    if (intake->digest) {
        unsigned char ignored[CRYPTO_SHA256_SIZE];
        crypto_sha256_take(intake->digest, ignored);
        intake->digest = NULL;
    }
}

void egress_intake_done(struct egress_intake *intake)
{
    egress_intake_drop(intake);
    buffer_done(&intake->body);
    arena_done(&intake->arena);
}

void egress_intake_reset(struct egress_intake *intake)
{
    egress_intake_drop(intake);
    arena_clear(&intake->arena);
    buffer_clear(&intake->body);
    intake->response = (struct http_response){0};
    intake->head_size = 0;
    intake->head_over = false;
    intake->bytes = 0;
}

static bool stop(struct egress_intake *intake, enum egress_outcome outcome)
{
    intake->outcome = outcome;
    return false;
}

static bool stop_for_disk(struct egress_intake *intake)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    return stop(intake, full ? EGRESS_DISK_FULL : EGRESS_DISK_BROKEN);
}

static bool succeeded(const struct egress_intake *intake)
{
    return intake->response.status / 100 == 2;
}

static bool open_file(struct egress_intake *intake)
{
    intake->fd = open(intake->plan->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                      S_IRUSR | S_IWUSR);
    if (intake->fd < 0)
        return stop_for_disk(intake);
    intake->made = true;
    if (intake->plan->sha256)
        intake->digest = crypto_sha256_make();
    return true;
}

static bool end_head(struct egress_intake *intake)
{
    if (intake->response.status / 100 == 1)
        return true;
    intake->head_over = true;
    if (!succeeded(intake))
        return true;
    struct span text;
    int64_t length;
    if (!intake->bodyless &&
        http_find(intake->response.headers, intake->response.header_count, "content-length",
                  &text) &&
        span_integer(text, 0, INT64_MAX, &length) && (uint64_t)length > intake->plan->max)
        return stop(intake, EGRESS_TOO_LARGE);
    return !intake->plan->path || open_file(intake);
}

/* "HTTP/1.1 200 OK" */
static void read_status(struct egress_intake *intake, struct span line)
{
    intake->response = (struct http_response){0};
    arena_clear(&intake->arena);
    ptrdiff_t blank = span_find(line, ' ');
    int64_t status;
    if (blank >= 0 && line.size >= (size_t)blank + 4 &&
        span_integer((struct span){line.data + blank + 1, 3}, 100, 999, &status))
        intake->response.status = (int)status;
}

bool egress_intake_header(struct egress_intake *intake, struct span line)
{
    intake->head_size += line.size;
    if (intake->head_size > HEAD_MAX)
        return stop(intake, EGRESS_TOO_LARGE);
    if (intake->head_over)
        return true; /* a trailer: nobody asked for it */
    while (line.size && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
        line.size--;
    if (span_starts(line, "HTTP/")) {
        read_status(intake, line);
        return true;
    }
    if (line.size == 0)
        return end_head(intake);
    ptrdiff_t colon = span_find(line, ':');
    struct http_response *response = &intake->response;
    if (colon <= 0 || response->header_count == HTTP_HEADERS_MAX)
        return true;
    struct span name = {line.data, (size_t)colon};
    struct span value =
        span_trim((struct span){line.data + colon + 1, line.size - (size_t)colon - 1});
    response->headers[response->header_count++] = (struct http_header){
        {arena_copy(&intake->arena, name), name.size},
        {arena_copy(&intake->arena, value), value.size},
    };
    return true;
}

static bool write_file(struct egress_intake *intake, struct span bytes)
{
    if (intake->digest)
        crypto_sha256_add(intake->digest, bytes);
    while (bytes.size) {
        ssize_t written = write(intake->fd, bytes.data, bytes.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return stop_for_disk(intake);
        bytes = (struct span){bytes.data + written, bytes.size - (size_t)written};
    }
    return true;
}

/* Of a refusal the beginning is enough to read why. */
static bool keep_refusal(struct egress_intake *intake, struct span bytes)
{
    size_t room = intake->body.max - intake->body.size;
    if (bytes.size > room)
        bytes.size = room;
    buffer_add(&intake->body, bytes);
    return intake->bytes <= REFUSAL_READ_MAX || stop(intake, EGRESS_TOO_LARGE);
}

bool egress_intake_body(struct egress_intake *intake, struct span bytes)
{
    intake->bytes += bytes.size;
    bool elsewhere = intake->plan->path || intake->plan->chunk;
    if (elsewhere && !succeeded(intake))
        return keep_refusal(intake, bytes);
    if (intake->bytes > intake->plan->max)
        return stop(intake, EGRESS_TOO_LARGE);
    if (intake->plan->chunk)
        return intake->plan->chunk(intake->context, bytes) || stop(intake, EGRESS_CANCELED);
    if (intake->fd >= 0)
        return write_file(intake, bytes);
    buffer_add(&intake->body, bytes);
    return true;
}

bool egress_intake_close(struct egress_intake *intake)
{
    if (intake->fd < 0)
        return true;
    int closed = close(intake->fd);
    intake->fd = -1;
    if (closed < 0 && errno != EINTR) {
        (void)stop_for_disk(intake);
        return false;
    }
    if (intake->digest) {
        unsigned char digest[CRYPTO_SHA256_SIZE];
        crypto_sha256_take(intake->digest, digest);
        intake->digest = NULL;
        crypto_hex(digest, sizeof digest, intake->sha256);
    }
    intake->made = false;
    return true;
}
