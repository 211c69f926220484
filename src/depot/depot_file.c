#include "depot/depot_file.h"

#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPOT_FILE_CHUNK = 64 * 1024, DEPOT_FILE_DEPTH = 64 };

enum depot_result depot_file_result(const char *what)
{
    int error = errno;
    if (error == ENOSPC || error == EDQUOT)
        return DEPOT_FULL;
    if (error == ENOENT)
        return DEPOT_MISSING;
    log_error("the depot failed", log_text("what", what), log_text("why", strerror(error)));
    return DEPOT_BROKEN;
}

bool depot_file_digest(int fd, struct depot_kept *ret_kept)
{
    char chunk[DEPOT_FILE_CHUNK];
    unsigned char bytes[CRYPTO_SHA256_SIZE];
    struct crypto_sha256 *digest = crypto_sha256_make();
    uint64_t size = 0;
    ssize_t part;
    while ((part = pread(fd, chunk, sizeof chunk, (off_t)size)) != 0) {
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            break;
        crypto_sha256_add(digest, (struct span){chunk, (size_t)part});
        size += (uint64_t)part;
    }
    crypto_sha256_take(digest, bytes);
    if (part < 0)
        return false;
    ret_kept->size = size;
    crypto_hex(bytes, sizeof bytes, ret_kept->sha256);
    return true;
}

bool depot_file_copy(const char *from, const char *to)
{
    char chunk[DEPOT_FILE_CHUNK];
    int source = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int target = source < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    ssize_t part = target < 0 ? -1 : 0;
    while (target >= 0 && (part = read(source, chunk, sizeof chunk)) > 0) {
        for (ssize_t done = 0; done < part;) {
            ssize_t wrote = write(target, chunk + done, (size_t)(part - done));
            if (wrote <= 0) {
                part = -1;
                break;
            }
            done += wrote;
        }
        if (part < 0)
            break;
    }
    int error = errno;
    if (source >= 0)
        (void)close(source);
    if (target >= 0 && close(target) != 0 && part == 0) {
        error = errno;
        part = -1;
    }
    if (target >= 0 && part != 0)
        (void)unlink(to);
    errno = error;
    return part == 0;
}

static bool remove_below(int folder, const char *name, int depth);

static bool remove_entries(int fd, int depth)
{
    DIR *entries = fdopendir(fd); /* takes the descriptor over */
    if (!entries) {
        (void)close(fd);
        return false;
    }
    bool removed = true;
    for (struct dirent *entry; removed && (entry = readdir(entries));) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            removed = remove_below(dirfd(entries), entry->d_name, depth - 1);
    }
    int error = errno;
    (void)closedir(entries);
    errno = error;
    return removed;
}

static bool remove_below(int folder, const char *name, int depth)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return false;
    if (depth == 0) {
        errno = ENOTEMPTY;
        return false;
    }
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || !remove_entries(fd, depth))
        return false;
    return unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool depot_file_remove_tree(int folder, const char *name)
{
    return remove_below(folder, name, DEPOT_FILE_DEPTH);
}

unsigned depot_file_sweep(int folder,
                          bool (*is_stray)(void *context, const char *name, ms_t changed_at),
                          void *context)
{
    unsigned count = 0;
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    if (!entries) {
        if (fd >= 0)
            (void)close(fd);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(entries));) {
        struct stat status;
        if (entry->d_name[0] == '.' ||
            fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        ms_t changed = (ms_t)status.st_mtim.tv_sec * 1000 + status.st_mtim.tv_nsec / 1000000;
        if (is_stray(context, entry->d_name, changed) &&
            depot_file_remove_tree(folder, entry->d_name))
            count++;
    }
    (void)closedir(entries);
    return count;
}
