#include "media/foreign.h"

#include "base/bytes.h"
#include "base/sniff.h"
#include "media/thumbnail.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOXES_MAX = 100000, BOX_HEAD = 16, FIELD_SIZE = 24 };

/* The wish of a request, and which kind of file it is about. */
struct request {
    struct inspect_wish wish;
    const char *media; /* "image", "audio", "video"; NULL: not said */
    int count;
};

/* Half a second more or less is how those who make films by models count. */
static const double length_slack = 0.5;

/* ---------------------------------------------------------------- the wish */

static bool read_wish(struct job *job, const json_t *wish, struct request *request)
{
    const struct job_range size = {0, 65536, 0}, length = {0, 86400, 0}, rate = {0, 1000, 0};
    double width, height, side;
    job->input = wish;
    if (wish && !json_is_object(wish))
        return failure_set(&job->failure, ERROR_VALIDATION, "wish", "wish must be an object.");
    if (!job_text(job, "media", false, &request->media) ||
        !job_number(job, "width", size, &width) || !job_number(job, "height", size, &height) ||
        !job_number(job, "side", size, &side) ||
        !job_number(job, "duration", length, &request->wish.duration) ||
        !job_number(job, "fps", rate, &request->wish.fps) ||
        !job_number(job, "aspect", rate, &request->wish.aspect))
        return false;
    request->wish.width = (int)width;
    request->wish.height = (int)height;
    request->wish.side = (int)side;
    request->wish.sound = json_is_true(json_object_get(wish, "sound"));
    request->wish.slack = length_slack;
    request->wish.is_paid = true;
    return true;
}

static const char *media_of(const struct probe *probe)
{
    return probe->is_video ? "video" : probe->width > 0 ? "image" : "audio";
}

/* What of the wish a file of this kind can meet. */
static struct inspect_wish wish_for(const struct request *request, const struct probe *probe)
{
    struct inspect_wish wish = request->wish;
    const char *media = media_of(probe);
    if (request->media && strcmp(request->media, media) != 0)
        return (struct inspect_wish){.is_paid = true};
    if (!probe->is_video) {
        wish.fps = 0;
        wish.sound = false;
    }
    if (strcmp(media, "image") == 0)
        wish.duration = 0;
    if (strcmp(media, "audio") == 0) {
        wish.width = wish.height = wish.side = 0;
        wish.aspect = 0;
    }
    return wish;
}

/* ---------------------------------------------------------------- what it is */

static const char *word_of(const uint8_t *head, size_t size)
{
    enum sniff_kind kind = sniff_bytes(head, size).kind;
    size_t at = 0;
    while (at < size &&
           (head[at] == ' ' || head[at] == '\t' || head[at] == '\r' || head[at] == '\n'))
        at++;
    if (kind == SNIFF_UNKNOWN && at < size && (head[at] == '{' || head[at] == '['))
        return "JSON";
    return kind == SNIFF_UNKNOWN && at < size && head[at] == '<' ? "XML" : sniff_word(kind);
}

static bool is_media(struct job *job, int fd, const char *field, enum sniff_kind *ret_kind)
{
    uint8_t head[SNIFF_HEAD];
    ssize_t size = pread(fd, head, sizeof head, 0);
    if (size <= 0)
        return failure_set(&job->failure, ERROR_OUTPUT_INVALID, field, "The file of %s is empty.",
                           field);
    *ret_kind = sniff_bytes(head, (size_t)size).kind;
    if (sniff_media(head, (size_t)size))
        return true;
    return failure_set(&job->failure, ERROR_OUTPUT_INVALID, field,
                       "The file of %s is %s; an image, a sound or a video is needed.", field,
                       word_of(head, (size_t)size));
}

/* ISO 14496-12: a box says how long it is. libav plays what is there of one that was cut off. What
 * stands behind the last box that we know is nobody's business. */
static bool is_whole(struct job *job, int fd, const char *field)
{
    struct stat status;
    uint64_t at = 0, end = fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    for (int i = 0; i < BOXES_MAX && at + BOX_HEAD <= end; i++) {
        uint8_t head[BOX_HEAD];
        struct bytes bytes = {head, sizeof head};
        if (pread(fd, head, sizeof head, (off_t)at) != BOX_HEAD)
            break;
        bool is_known = bytes_are(bytes, 4, "ftyp", 4) || bytes_are(bytes, 4, "moov", 4) ||
                        bytes_are(bytes, 4, "moof", 4) || bytes_are(bytes, 4, "mdat", 4);
        uint64_t size = bytes_be32(bytes, 0);
        if (size == 1)
            size = (uint64_t)bytes_be32(bytes, 8) << 32 | bytes_be32(bytes, 12);
        if (size < 8)
            break; /* 0: to the end of the file */
        if (size > end - at && is_known)
            return failure_set(&job->failure, ERROR_OUTPUT_INVALID, field,
                               "The file of %s is cut off: it has %llu bytes, and should have "
                               "%llu at least.",
                               field, (unsigned long long)end, (unsigned long long)(at + size));
        if (size > end - at)
            break;
        at += size;
    }
    return true;
}

/* ---------------------------------------------------------------- one file */

/* An image that no decoder should be given is not the less paid for. */
static bool is_too_large_to_see(const struct job *job, const struct probe *probe)
{
    const struct image_limits *limits = job->limits;
    return strcmp(media_of(probe), "image") == 0 &&
           (probe->width > limits->side_max || probe->height > limits->side_max ||
            (int64_t)probe->width * probe->height > limits->pixels_max ||
            probe->bytes > limits->file_max);
}

static bool look(struct job *job, int fd, const char *field)
{
    struct picture best = {0};
    bool done = inspect_output(job, fd, &best);
    if (done && job->output.width == 0)
        job->thumbnail[0] = '\0'; /* a sound */
    else if (done && best.plane[0].data)
        done = thumbnail_write(job, &best, job->thumbnail);
    else if (done)
        done = thumbnail_make(job, fd, field, job->thumbnail);
    picture_free(&best);
    return done;
}

static bool judge(struct job *job, int fd, const char *field, const struct request *request)
{
    const struct probe *probe = &job->output;
    enum sniff_kind kind = SNIFF_UNKNOWN;
    if (!is_media(job, fd, field, &kind) || (kind == SNIFF_MP4 && !is_whole(job, fd, field)) ||
        !probe_read(fd, field, &job->failure, &job->output))
        return false;
    if (request->media && strcmp(request->media, media_of(probe)) != 0)
        job_warn(job, "The output is %s, a file of another kind than was asked for (%s).",
                 probe->content_type, request->media);
    job->wish = wish_for(request, probe);
    if (is_too_large_to_see(job, probe)) {
        job->thumbnail[0] = '\0';
        job_warn(job, "The output is too large to be looked at (%d × %d pixels).", probe->width,
                 probe->height);
        return true;
    }
    if (look(job, fd, field))
        return true;
    if (job->failure.code != ERROR_OUT_OF_MEMORY)
        return false;
    job->failure = (struct failure){.code = ERROR_NONE};
    folder_remove(job->folder, job->thumbnail);
    job->thumbnail[0] = '\0';
    job_warn(job, "The output needs more memory than a worker has, and was not looked at.");
    return true;
}

/* The room's readers speak of inputs; here the same faults are the maker's. */
static void blame_maker(struct failure *failure)
{
    if (failure->code == ERROR_VALIDATION || failure->code == ERROR_TOO_LARGE ||
        failure->code == ERROR_INPUT_UNREACHABLE)
        failure->code = ERROR_OUTPUT_INVALID;
}

static void name_warnings(struct job *job, int from, const char *field)
{
    for (int i = from; i < job->warning_count; i++) {
        char text[JOB_WARNING_SIZE];
        memcpy(text, job->warnings[i], sizeof text);
        snprintf(job->warnings[i], JOB_WARNING_SIZE, "%s: %.200s", field, text);
    }
}

static bool inspect_one(struct job *job, const struct request *request, int number,
                        struct foreign_file *file)
{
    char field[FIELD_SIZE] = "the output", suffix[FIELD_SIZE] = "";
    int fd, warnings = job->warning_count;
    if (request->count > 1)
        snprintf(field, sizeof field, "output %d", number);
    if (number > 1)
        snprintf(suffix, sizeof suffix, "-%d", number);
    if (!folder_read(job->folder, file->file, field, &job->failure, &fd))
        return false;
    snprintf(job->thumbnail, sizeof job->thumbnail, "%s/thumbnail%s.jpg", job->directory, suffix);
    bool done = judge(job, fd, field, request);
    close(fd);
    if (!done) {
        blame_maker(&job->failure);
        return false;
    }
    if (request->count > 1)
        name_warnings(job, warnings, field);
    memcpy(file->thumbnail, job->thumbnail, sizeof file->thumbnail);
    file->probe = job->output;
    return true;
}

bool foreign_inspect(struct job *job, const json_t *request, struct foreign *ret_foreign)
{
    const json_t *files = json_object_get(request, "files"), *file;
    struct request read = {.count = (int)json_array_size(files)};
    size_t n;
    if (!job_directory(job, json_string_value(json_object_get(request, "dir"))) ||
        !read_wish(job, json_object_get(request, "wish"), &read))
        return false;
    if (read.count < 1 || read.count > FOREIGN_FILES_MAX)
        return failure_set(&job->failure, ERROR_VALIDATION, "files",
                           "files must be a list of 1 to %d names.", FOREIGN_FILES_MAX);
    report_started(job->report);
    json_array_foreach(files, n, file) {
        const char *name = json_string_value(file);
        struct foreign_file *target = &ret_foreign->files[n];
        if (!name || strlen(name) >= JOB_PATH_MAX / 2 || !folder_path_ok(name))
            return failure_set(&job->failure, ERROR_VALIDATION, "files",
                               "files[%d] must be a relative path, without \"..\" steps.", (int)n);
        snprintf(target->file, sizeof target->file, "%s/%s", job->directory, name);
        report_progress(job->report, "Inspecting", (int)n * 100 / read.count, 0, 0);
        if (!inspect_one(job, &read, (int)n + 1, target))
            return false;
    }
    ret_foreign->count = read.count;
    return true;
}
