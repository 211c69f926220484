#include "depot/depot_weigh.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512 /* the unit of st_blocks, whatever the file system's own */ };

struct scale {
    uint64_t bytes;
    unsigned entries;
};

static bool weigh_folder(struct scale *scale, int parent, const char *name, unsigned depth);

/* What has gone in the meantime weighs nothing. */
static bool weigh_entry(struct scale *scale, int folder, const char *name, unsigned depth)
{
    struct stat status;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return true;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT;
    scale->bytes += (uint64_t)status.st_blocks * BLOCK;
    if (++scale->entries > DEPOT_WEIGH_ENTRIES_MAX)
        return false;
    return !S_ISDIR(status.st_mode) || weigh_folder(scale, folder, name, depth + 1);
}

static bool weigh_folder(struct scale *scale, int parent, const char *name, unsigned depth)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT;
    DIR *entries = depth > DEPOT_WEIGH_DEPTH_MAX ? NULL : fdopendir(fd);
    if (!entries) {
        (void)close(fd);
        return false;
    }
    bool good = true;
    for (struct dirent *entry; good && (entry = readdir(entries));)
        good = weigh_entry(scale, fd, entry->d_name, depth);
    (void)closedir(entries);
    return good;
}

uint64_t depot_weigh(const char *folder)
{
    struct scale scale = {0, 0};
    return weigh_folder(&scale, AT_FDCWD, folder, 0) ? scale.bytes : UINT64_MAX;
}
