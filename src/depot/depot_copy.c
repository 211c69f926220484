#include "depot/depot_copy.h"

#include "base/memory.h"
#include "depot/depot_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_PARTS = 3 };

bool depot_copy_name(const char *name)
{
    return name[0] && name[0] != '.' && !strchr(name, '/');
}

/* ---------------------------------------------------------------- files */

/* Empty parts are left out. */
static bool join(const char *tree, const char *const parts[static COPY_PARTS], unsigned count,
                 char path[static DEPOT_PATH_SIZE])
{
    size_t size = strlen(tree);
    if (size >= DEPOT_PATH_SIZE)
        return false;
    memcpy(path, tree, size + 1);
    for (unsigned n = 0; n < count; n++) {
        int more = parts[n][0] ? snprintf(path + size, DEPOT_PATH_SIZE - size, "/%s", parts[n]) : 0;
        if (more < 0 || size + (size_t)more >= DEPOT_PATH_SIZE)
            return false;
        size += (size_t)more;
    }
    return true;
}

static enum depot_result look(const char *path, struct depot_kept *ret_kept)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ELOOP ? DEPOT_REFUSED : depot_file_result("opening a copy");
    enum depot_result result = DEPOT_OK;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        result = DEPOT_REFUSED;
    else if (!depot_file_digest(fd, ret_kept))
        result = depot_file_result("reading a copy");
    (void)close(fd);
    return result;
}

enum depot_result depot_copy_look(const char *tree, const char *folder, const char *owner,
                                  const char *name, struct depot_kept *ret_kept)
{
    const char *const parts[COPY_PARTS] = {folder, owner, name};
    char path[DEPOT_PATH_SIZE];
    if (!join(tree, parts, COPY_PARTS, path))
        return DEPOT_REFUSED;
    return look(path, ret_kept);
}

static enum depot_result make_folders(const struct depot_copy *copy)
{
    const char *const parts[COPY_PARTS] = {copy->folder, copy->owner, ""};
    char path[DEPOT_PATH_SIZE];
    for (unsigned n = 1; n < COPY_PARTS; n++) {
        if (!join(copy->to, parts, n, path))
            return DEPOT_REFUSED;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return depot_file_result("making a folder for copies");
    }
    return DEPOT_OK;
}

static enum depot_result bring(const char *from, const char *to, bool may_link)
{
    struct stat status;
    if (lstat(from, &status) != 0)
        return depot_file_result("looking at a file");
    if (!S_ISREG(status.st_mode))
        return DEPOT_REFUSED;
    if (may_link && link(from, to) == 0)
        return DEPOT_OK;
    if (may_link && errno == EEXIST)
        return DEPOT_TAKEN;
    if (!depot_file_copy(from, to))
        return errno == EEXIST ? DEPOT_TAKEN : depot_file_result("copying a file");
    if (chmod(to, status.st_mode & 0777) != 0)
        return depot_file_result("copying a file");
    return DEPOT_OK;
}

enum depot_result depot_copy_file(const struct depot_copy *copy, struct depot_kept *ret_kept)
{
    const char *const parts[COPY_PARTS] = {copy->folder, copy->owner, copy->name};
    char from[DEPOT_PATH_SIZE], to[DEPOT_PATH_SIZE];
    for (unsigned n = 0; n < COPY_PARTS; n++) {
        bool may_lack = n + 1 < COPY_PARTS && !parts[n][0];
        if (!may_lack && !depot_copy_name(parts[n]))
            return DEPOT_REFUSED;
    }
    if (!join(copy->from, parts, COPY_PARTS, from) || !join(copy->to, parts, COPY_PARTS, to))
        return DEPOT_REFUSED;
    enum depot_result result = make_folders(copy);
    if (result == DEPOT_OK)
        result = bring(from, to, copy->may_link);
    return result == DEPOT_OK ? look(to, ret_kept) : result;
}

/* ---------------------------------------------------------------- drafts */

struct depot_draft {
    char place[DEPOT_PATH_SIZE], path[DEPOT_PATH_SIZE];
    int above, fd; /* the folder above it; itself, with the lock */
    bool settled;
};

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool fail(char fault[static DEPOT_FAULT_SIZE], const char *path, const char *what)
{
    (void)snprintf(fault, DEPOT_FAULT_SIZE, "%.250s %s: %s", path, what, strerror(errno));
    return false;
}

static bool name_draft(struct depot_draft *draft, const char *place,
                       char fault[static DEPOT_FAULT_SIZE])
{
    size_t size = strlen(place);
    while (size > 1 && place[size - 1] == '/')
        size--;
    bool fits = size > 0 && size + sizeof ".part" < DEPOT_PATH_SIZE;
    if (fits) {
        (void)snprintf(draft->place, sizeof draft->place, "%.*s", (int)size, place);
        (void)snprintf(draft->path, sizeof draft->path, "%.*s.part", (int)size, place);
    }
    const char *name = last_part(draft->place);
    if (!fits || !name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        (void)snprintf(fault, DEPOT_FAULT_SIZE, "\"%.200s\" is no name for a new folder", place);
        return false;
    }
    struct stat status;
    if (lstat(draft->place, &status) == 0) {
        (void)snprintf(fault, DEPOT_FAULT_SIZE, "%.250s is there already; nothing is overwritten",
                       draft->place);
        return false;
    }
    return true;
}

static bool open_draft(struct depot_draft *draft, char fault[static DEPOT_FAULT_SIZE])
{
    char above[DEPOT_PATH_SIZE];
    memcpy(above, draft->place, sizeof above);
    draft->above = open(dirname(above), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (draft->above < 0)
        return fail(fault, draft->place, "can't be made, for the folder above it");
    if (mkdir(draft->path, 0700) != 0 && errno != EEXIST)
        return fail(fault, draft->path, "can't be made");
    draft->fd = open(draft->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (draft->fd < 0)
        return fail(fault, draft->path, "can't be used");
    if (flock(draft->fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            (void)snprintf(fault, DEPOT_FAULT_SIZE, "another process is making %.250s just now",
                           draft->place);
        else
            (void)fail(fault, draft->path, "can't be locked");
        return false;
    }
    return depot_draft_clear(draft) || fail(fault, draft->path, "can't be emptied");
}

static bool is_any(void *context, const char *name, ms_t changed_at)
{
    (void)context;
    (void)name;
    (void)changed_at;
    return true;
}

bool depot_draft_clear(struct depot_draft *draft)
{
    struct stat status;
    (void)depot_file_sweep(draft->fd, is_any, NULL);
    /* A folder whose only links are its name and "." has no folder in it; on file systems that
     * count otherwise a file that is left shows when it is to be written again. */
    return fstat(draft->fd, &status) == 0 && status.st_nlink <= 2;
}

struct depot_draft *depot_draft_make(const char *place, char ret_fault[static DEPOT_FAULT_SIZE])
{
    struct depot_draft *draft = memory_new(struct depot_draft);
    draft->above = draft->fd = -1;
    if (name_draft(draft, place, ret_fault) && open_draft(draft, ret_fault))
        return draft;
    draft->settled = true; /* it is not ours to remove */
    depot_draft_free(draft);
    return NULL;
}

const char *depot_draft_path(const struct depot_draft *draft)
{
    return draft->path;
}

bool depot_draft_sync_above(const struct depot_draft *draft)
{
    return fsync(draft->above) == 0;
}

/* Some file systems can't be told to replace nothing; a folder with anything in it they never do.
 */
static bool move(int from, const char *name, int to, const char *new_name)
{
    struct stat status;
    if (renameat2(from, name, to, new_name, RENAME_NOREPLACE) == 0)
        return true;
    if (errno != EINVAL && errno != ENOSYS)
        return false;
    if (fstatat(to, new_name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return false;
    }
    return renameat(from, name, to, new_name) == 0;
}

bool depot_draft_settle(struct depot_draft *draft, char ret_fault[static DEPOT_FAULT_SIZE])
{
    /* One call for thousands of files. */
    if (syncfs(draft->fd) != 0)
        return fail(ret_fault, draft->path, "can't be written to the disk");
    if (!move(AT_FDCWD, draft->path, AT_FDCWD, draft->place))
        return fail(ret_fault, draft->place, "can't be given its name");
    draft->settled = true;
    return fsync(draft->above) == 0 || fail(ret_fault, draft->place, "may not outlive a power cut");
}

static bool spill(struct depot_draft *draft, DIR *entries, int target, const char *last)
{
    for (struct dirent *entry; (entry = readdir(entries));) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, last) != 0 &&
            !move(draft->fd, name, target, name))
            return false;
    }
    return fsync(target) == 0 && move(draft->fd, last, target, last) && fsync(target) == 0;
}

bool depot_draft_spill(struct depot_draft *draft, const char *folder, const char *last,
                       char ret_fault[static DEPOT_FAULT_SIZE])
{
    if (syncfs(draft->fd) != 0)
        return fail(ret_fault, draft->path, "can't be written to the disk");
    int target = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = opendir(draft->path);
    draft->settled = true;
    bool good = target >= 0 && entries && spill(draft, entries, target, last);
    if (good)
        (void)unlinkat(draft->above, last_part(draft->path), AT_REMOVEDIR);
    else
        (void)fail(ret_fault, folder, "can't take what was made for it");
    if (entries)
        (void)closedir(entries);
    if (target >= 0)
        (void)close(target);
    return good;
}

void depot_draft_free(struct depot_draft *draft)
{
    if (!draft)
        return;
    if (!draft->settled) {
        (void)depot_draft_clear(draft);
        (void)unlinkat(draft->above, last_part(draft->path), AT_REMOVEDIR);
    }
    if (draft->fd >= 0)
        (void)close(draft->fd);
    if (draft->above >= 0)
        (void)close(draft->above);
    memory_free(draft);
}
