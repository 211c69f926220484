/* A file that a provider sent, as a worker inspects it: what passes has facts that hold, what does
 * not has a reason. */
#include "media/foreign.h"

#include <assert.h>
#include <fcntl.h>
#include <libavutil/log.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct folder folder = {.fd = -1};
static char path[] = "/tmp/reel-fuzz-XXXXXX";

static void leave(void)
{
    (void)unlinkat(folder.fd, "d/file", 0);
    (void)unlinkat(folder.fd, "d/thumbnail.jpg", 0);
    (void)unlinkat(folder.fd, "d", AT_REMOVEDIR);
    folder_close(&folder);
    (void)rmdir(path);
}

static void begin(void)
{
    if (folder.fd >= 0)
        return;
    av_log_set_level(AV_LOG_QUIET);
    if (!mkdtemp(path) || !folder_open(path, &folder) || mkdirat(folder.fd, "d", 0700) != 0)
        abort();
    (void)atexit(leave);
}

static void write_input(const uint8_t *data, size_t size)
{
    int fd = openat(folder.fd, "d/file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* Small, so that a header that lies costs little time. */
    static const struct image_limits limits = {1 << 20, 4096, 1 << 20};
    begin();
    write_input(data, size);
    struct report report = {.fd = open("/dev/null", O_WRONLY | O_CLOEXEC)};
    struct job job = {.folder = &folder, .limits = &limits, .report = &report};
    struct foreign foreign = {.count = 0};
    json_t *request = json_pack("{s:s,s:[s],s:{s:s,s:i,s:f}}", "dir", "d", "files", "file", "wish",
                                "media", "video", "duration", 1, "aspect", 1.5);
    if (foreign_inspect(&job, request, &foreign)) {
        const struct probe *probe = &foreign.files[0].probe;
        assert(foreign.count == 1 && probe->content_type && probe->bytes == (int64_t)size);
        assert(probe->is_video || probe->has_audio || (probe->width > 0 && probe->height > 0));
    } else {
        assert(job.failure.code != ERROR_NONE && job.failure.text[0]);
        assert(job.failure.code != ERROR_VALIDATION && job.failure.code != ERROR_INTERNAL);
    }
    json_decref(request);
    (void)close(report.fd);
    return 0;
}
