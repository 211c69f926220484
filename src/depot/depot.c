#include "depot/depot.h"

#include "base/log.h"
#include "base/memory.h"
#include "depot/depot_file.h"
#include "depot/depot_give.h"
#include "depot/depot_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

const char *depot_result_name(enum depot_result result)
{
    static const char *const names[DEPOT_RESULT_COUNT] = {
#define DEPOT_RESULT_NAME(name, text) #text,
        DEPOT_RESULT_LIST(DEPOT_RESULT_NAME)
#undef DEPOT_RESULT_NAME
    };
    return names[result];
}

/* ---------------------------------------------------------------- names */

static const struct {
    const char *extension, *type;
} types[] = {
    {".mp4", "video/mp4"},
    {".mov", "video/quicktime"},
    {".webm", "video/webm"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".webp", "image/webp"},
    {".wav", "audio/wav"},
    {".mp3", "audio/mpeg"},
    {".srt", "application/x-subrip"},
    {".vtt", "text/vtt"},
    {".ass", "text/x-ssa"},
    {".json", "application/json"},
    {".zip", "application/zip"},
    /* What providers make too, now and then. */
    {".gif", "image/gif"},
    {".avif", "image/avif"},
    {".bmp", "image/bmp"},
    {".tiff", "image/tiff"},
    {".mkv", "video/x-matroska"},
    {".ogv", "video/ogg"},
    {".m4a", "audio/mp4"},
    {".aac", "audio/aac"},
    {".flac", "audio/flac"},
    {".ogg", "audio/ogg"},
};

const char *depot_type(struct span name)
{
    for (size_t n = 0; n < sizeof types / sizeof types[0]; n++) {
        if (span_ends(name, types[n].extension))
            return types[n].type;
    }
    return "application/octet-stream";
}

const char *depot_extension(struct span type)
{
    for (size_t n = 0; n < sizeof types / sizeof types[0]; n++) {
        if (span_is(type, types[n].type))
            return types[n].extension;
    }
    return NULL;
}

/* "output", "output-2" …, "thumbnail", "thumbnail-2" … with an extension of the list; 1, 2 … for
 * them, and 0 for other names. */
static int64_t number_of(struct span name)
{
    struct span rest = name, stem;
    int64_t number;
    if (name.size >= DEPOT_NAME_SIZE || !span_take(&rest, '.', &stem) || !rest.data ||
        span_is(span_of(depot_type(name)), "application/octet-stream") ||
        stem.size + 1 + rest.size != name.size || span_find(rest, '.') >= 0)
        return 0;
    struct span digits = stem, word;
    (void)span_take(&digits, '-', &word);
    if (!span_is(word, "output") && !span_is(word, "thumbnail"))
        return 0;
    if (!digits.data)
        return 1;
    return digits.size > 0 && digits.data[0] != '0' && span_integer(digits, 2, 9999, &number)
               ? number
               : 0;
}

bool depot_is_id(struct span id)
{
    for (size_t n = 0; n < id.size; n++) {
        char c = id.data[n];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return false;
    }
    return id.size > 0 && id.size < DEPOT_NAME_SIZE;
}

/* ---------------------------------------------------------------- making */

static int open_folder(const char *home, const char *name, char fault[static DEPOT_FAULT_SIZE])
{
    char path[DEPOT_PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/%s", home, name);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        (void)snprintf(fault, DEPOT_FAULT_SIZE, "%.200s can't be made: %s", path, strerror(errno));
        return -1;
    }
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        (void)snprintf(fault, DEPOT_FAULT_SIZE, "%.200s can't be opened as a folder: %s", path,
                       strerror(errno));
    return fd;
}

bool depot_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = error;
    return synced;
}

/* Without it a new folder, and what was kept in it, could vanish with the power. */
static bool sync_home(const char *home, char fault[static DEPOT_FAULT_SIZE])
{
    bool synced = depot_sync_folder(home);
    if (!synced)
        (void)snprintf(fault, DEPOT_FAULT_SIZE, "%.200s can't be synced: %s", home,
                       strerror(errno));
    return synced;
}

struct depot *depot_make(const char *home, char ret_fault[static DEPOT_FAULT_SIZE])
{
    struct depot *depot = memory_new(struct depot);
    depot->outputs = depot->work = depot->uploads = depot->staging = -1;
    if (!span_copy(span_of(home), depot->home, sizeof depot->home)) {
        (void)snprintf(ret_fault, DEPOT_FAULT_SIZE, "the path of the home is too long");
    } else {
        depot->outputs = open_folder(home, "outputs", ret_fault);
        depot->work = depot->outputs < 0 ? -1 : open_folder(home, "work", ret_fault);
        depot->uploads = depot->work < 0 ? -1 : open_folder(home, "uploads", ret_fault);
        depot->staging = depot->uploads < 0 ? -1 : open_folder(home, "uploads/staging", ret_fault);
        if (depot->staging >= 0 && sync_home(home, ret_fault))
            return depot;
    }
    depot_free(depot);
    return NULL;
}

bool depot_set_user(struct depot *depot, unsigned user)
{
    if (geteuid() != 0 || user == 0)
        return true;
    if (!depot_give_passage(depot->work, user)) {
        log_error("the workers' user can't be let in", log_text("why", strerror(errno)));
        return false;
    }
    depot->user = user;
    return true;
}

void depot_free(struct depot *depot)
{
    if (!depot)
        return;
    const int folders[] = {depot->outputs, depot->work, depot->uploads, depot->staging};
    for (size_t n = 0; n < sizeof folders / sizeof folders[0]; n++) {
        if (folders[n] >= 0)
            (void)close(folders[n]);
    }
    memory_free(depot);
}

/* ---------------------------------------------------------------- work folders */

static bool work_name(struct span job, unsigned attempt, char name[static DEPOT_NAME_SIZE * 2])
{
    if (!depot_is_id(job))
        return false;
    (void)snprintf(name, DEPOT_NAME_SIZE * 2, "%.*s.%u", SPAN_PRINT(job), attempt);
    return true;
}

enum depot_result depot_work_folder(struct depot *depot, struct span job, unsigned attempt,
                                    char ret_path[static DEPOT_PATH_SIZE])
{
    char name[DEPOT_NAME_SIZE * 2];
    if (!work_name(job, attempt, name))
        return DEPOT_REFUSED;
    if (!depot_file_remove_tree(depot->work, name))
        return depot_file_result("a work folder can't be cleared");
    if (mkdirat(depot->work, name, 0700) != 0)
        return depot_file_result("a work folder can't be made");
    (void)snprintf(ret_path, DEPOT_PATH_SIZE, "%s/work/%s", depot->home, name);
    return DEPOT_OK;
}

enum depot_result depot_give_work(struct depot *depot, struct span job, unsigned attempt)
{
    char name[DEPOT_NAME_SIZE * 2];
    if (!work_name(job, attempt, name))
        return DEPOT_REFUSED;
    if (depot->user == 0 || depot_give_folder(depot->work, name, depot->user))
        return DEPOT_OK;
    return depot_file_result("a work folder can't be given to the workers");
}

enum depot_result depot_remove_work(struct depot *depot, struct span job, unsigned attempt)
{
    char name[DEPOT_NAME_SIZE * 2];
    if (!work_name(job, attempt, name))
        return DEPOT_REFUSED;
    return depot_file_remove_tree(depot->work, name)
               ? DEPOT_OK
               : depot_file_result("a work folder can't be removed");
}

/* ---------------------------------------------------------------- outputs */

/* The descriptor of the job's folder, made when it is missing. */
static int job_folder(struct depot *depot, struct span job, bool make)
{
    char id[DEPOT_NAME_SIZE];
    if (!span_copy(job, id, sizeof id))
        return -1;
    int fd = openat(depot->outputs, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 || !make || errno != ENOENT)
        return fd;
    if (mkdirat(depot->outputs, id, 0700) != 0 && errno != EEXIST)
        return -1;
    return openat(depot->outputs, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* Whether the job has the same content under that name already. */
static enum depot_result compare(int folder, const char *name, const struct depot_kept *kept)
{
    struct depot_kept there;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? DEPOT_MISSING : depot_file_result("an output can't be opened");
    bool read = depot_file_digest(fd, &there);
    (void)close(fd);
    if (!read)
        return depot_file_result("an output can't be read");
    return strcmp(there.sha256, kept->sha256) == 0 ? DEPOT_OK : DEPOT_TAKEN;
}

static enum depot_result move_in(int folder, const char *path, const char *name,
                                 const struct depot_kept *kept)
{
    enum depot_result there = compare(folder, name, kept);
    if (there != DEPOT_MISSING)
        return there;
    if (renameat2(AT_FDCWD, path, folder, name, RENAME_NOREPLACE) == 0)
        return DEPOT_OK;
    /* Some file systems can't promise that; nobody else writes this job's outputs. */
    if (errno == EINVAL && renameat(AT_FDCWD, path, folder, name) == 0)
        return DEPOT_OK;
    return depot_file_result("an output can't be moved into place");
}

/* An earlier life may have died between a rename and its sync, so both folders are synced however
 * the file came to be there. */
static enum depot_result sync_folders(struct depot *depot, int folder)
{
    if (fsync(folder) == 0 && fsync(depot->outputs) == 0)
        return DEPOT_OK;
    return depot_file_result("a folder can't be synced");
}

/* After a crash between rename and row the work file is gone and the output is there. */
static enum depot_result keep_again(int folder, const char *name, struct depot_kept *ret_kept)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return DEPOT_MISSING;
    bool read = depot_file_digest(fd, ret_kept);
    (void)close(fd);
    return read ? DEPOT_OK : depot_file_result("an output can't be read");
}

enum depot_result depot_keep(struct depot *depot, const char *path, struct span job,
                             struct span name, struct depot_kept *ret_kept)
{
    char text[DEPOT_NAME_SIZE];
    struct depot_kept kept = {0, ""};
    if (!depot_is_id(job) || number_of(name) == 0 || !span_copy(name, text, sizeof text))
        return DEPOT_REFUSED;
    int folder = job_folder(depot, job, true);
    if (folder < 0)
        return depot_file_result("the folder of a job's outputs can't be had");
    enum depot_result result;
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        result = keep_again(folder, text, &kept);
    } else if (fd < 0 || fstat(fd, &status) != 0) {
        result = errno == ELOOP ? DEPOT_REFUSED : depot_file_result("a work file can't be opened");
    } else if (!S_ISREG(status.st_mode)) {
        result = DEPOT_REFUSED;
    } else if (!depot_give_back(fd) || !depot_file_digest(fd, &kept) || fsync(fd) != 0) {
        /* Read-only from now on, for those who get it as an input by a hard link. */
        result = depot_file_result("a work file can't be read or synced");
    } else {
        result = move_in(folder, path, text, &kept);
    }
    if (result == DEPOT_OK)
        result = sync_folders(depot, folder);
    if (fd >= 0)
        (void)close(fd);
    (void)close(folder);
    if (result == DEPOT_OK)
        *ret_kept = kept;
    return result;
}

enum depot_result depot_path(const struct depot *depot, struct span job, struct span name,
                             char ret_path[static DEPOT_PATH_SIZE])
{
    char id[DEPOT_NAME_SIZE], text[DEPOT_NAME_SIZE];
    if (!depot_is_id(job) || number_of(name) == 0 || !span_copy(job, id, sizeof id) ||
        !span_copy(name, text, sizeof text))
        return DEPOT_REFUSED;
    (void)snprintf(ret_path, DEPOT_PATH_SIZE, "%s/outputs/%s/%s", depot->home, id, text);
    return DEPOT_OK;
}

enum depot_result depot_open(const struct depot *depot, struct span job, struct span name,
                             int *ret_fd, uint64_t *ret_size)
{
    char path[DEPOT_PATH_SIZE];
    struct stat status;
    enum depot_result result = depot_path(depot, job, name, path);
    if (result != DEPOT_OK)
        return result;
    int fd = openat(depot->outputs, path + strlen(depot->home) + strlen("/outputs/"),
                    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? DEPOT_MISSING : depot_file_result("an output can't be opened");
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        (void)close(fd);
        return DEPOT_REFUSED;
    }
    *ret_fd = fd;
    *ret_size = (uint64_t)status.st_size;
    return DEPOT_OK;
}

enum depot_result depot_link_input(struct depot *depot, struct span source_job,
                                   struct span source_name, const char *work_folder,
                                   struct span name)
{
    char path[DEPOT_PATH_SIZE];
    enum depot_result result = depot_path(depot, source_job, source_name, path);
    if (result != DEPOT_OK)
        return result;
    return depot_link(path, work_folder, name);
}

enum depot_result depot_link(const char *path, const char *work_folder, struct span name)
{
    char target[DEPOT_PATH_SIZE + DEPOT_NAME_SIZE];
    if (name.size == 0 || name.size >= DEPOT_NAME_SIZE || name.data[0] == '.' ||
        span_find(name, '/') >= 0 || span_find(name, '\0') >= 0)
        return DEPOT_REFUSED;
    (void)snprintf(target, sizeof target, "%s/%.*s", work_folder, SPAN_PRINT(name));
    if (link(path, target) == 0)
        return DEPOT_OK;
    if (errno == ENOENT)
        return DEPOT_MISSING;
    if (errno != EXDEV && errno != EMLINK && errno != EPERM)
        return depot_file_result("an input can't be linked");
    return depot_file_copy(path, target) ? DEPOT_OK : depot_file_result("an input can't be copied");
}

enum depot_result depot_remove_job(struct depot *depot, struct span job)
{
    char id[DEPOT_NAME_SIZE];
    if (!depot_is_id(job) || !span_copy(job, id, sizeof id))
        return DEPOT_REFUSED;
    return depot_file_remove_tree(depot->outputs, id)
               ? DEPOT_OK
               : depot_file_result("a job's outputs can't be removed");
}

static bool is_beyond(void *context, const char *name, ms_t changed_at)
{
    const unsigned *kept = context;
    int64_t number = number_of(span_of(name));
    (void)changed_at;
    return number == 0 || number > *kept;
}

enum depot_result depot_remove_outputs(struct depot *depot, struct span job, unsigned kept)
{
    char id[DEPOT_NAME_SIZE];
    if (kept == 0)
        return depot_remove_job(depot, job);
    if (!depot_is_id(job) || !span_copy(job, id, sizeof id))
        return DEPOT_REFUSED;
    int folder = openat(depot->outputs, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return errno == ENOENT ? DEPOT_OK : depot_file_result("a job's outputs can't be opened");
    (void)depot_file_sweep(folder, is_beyond, &kept);
    (void)close(folder);
    return DEPOT_OK;
}

/* ---------------------------------------------------------------- the whole */

struct sweep {
    ms_t older_than;
    bool (*is_known)(void *context, struct span job);
    void *context;
};

static bool is_stray(void *context, const char *name, ms_t changed_at)
{
    const struct sweep *sweep = context;
    struct span rest = span_of(name), job = rest;
    (void)span_take(&rest, '.', &job);
    return changed_at <= sweep->older_than &&
           !(sweep->is_known && sweep->is_known(sweep->context, job));
}

static bool is_orphan(void *context, const char *name, ms_t changed_at)
{
    const struct sweep *sweep = context;
    (void)changed_at;
    return depot_is_id(span_of(name)) && !sweep->is_known(sweep->context, span_of(name));
}

unsigned depot_sweep_outputs(struct depot *depot, bool (*is_known)(void *context, struct span job),
                             void *context)
{
    struct sweep sweep = {0, is_known, context};
    return depot_file_sweep(depot->outputs, is_orphan, &sweep);
}

unsigned depot_sweep(struct depot *depot, ms_t older_than,
                     bool (*is_known)(void *context, struct span job), void *context)
{
    struct sweep sweep = {older_than, is_known, context};
    return depot_file_sweep(depot->work, is_stray, &sweep);
}

uint64_t depot_free_bytes(const struct depot *depot)
{
    struct statvfs status;
    if (fstatvfs(depot->outputs, &status) != 0)
        return 0;
    return (uint64_t)status.f_bavail * status.f_frsize;
}
