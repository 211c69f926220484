#include "depot/depot_give.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

bool depot_give_passage(int folder, unsigned user)
{
    return fchown(folder, (uid_t)-1, (gid_t)user) == 0 && fchmod(folder, 0710) == 0;
}

static bool give_file(int folder, const char *name, unsigned user)
{
    struct stat status;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool done = fd >= 0 && fstat(fd, &status) == 0;
    if (done && S_ISREG(status.st_mode) && status.st_nlink == 1)
        done = fchown(fd, (uid_t)user, (gid_t)user) == 0;
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = error;
    return done;
}

bool depot_give_folder(int parent, const char *name, unsigned user)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    bool done = entries != NULL;
    for (struct dirent *entry; done && (entry = readdir(entries));) {
        if (entry->d_name[0] != '.')
            done = give_file(fd, entry->d_name, user);
    }
    done = done && fchown(fd, (uid_t)user, (gid_t)user) == 0;
    int error = errno;
    if (entries)
        (void)closedir(entries);
    else if (fd >= 0)
        (void)close(fd);
    errno = error;
    return done;
}

/* The kernel grants this lease only while nobody can write to the file; it is given back at once,
 * and file systems without leases are taken at their word. */
static bool is_written_to(int fd)
{
    if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
        return false;
    }
    return errno == EAGAIN;
}

bool depot_give_back(int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return false;
    if (status.st_uid != geteuid() && fchown(fd, geteuid(), getegid()) != 0)
        return false;
    if (fchmod(fd, 0444) != 0)
        return false;
    if (!is_written_to(fd))
        return true;
    errno = EBUSY;
    return false;
}
