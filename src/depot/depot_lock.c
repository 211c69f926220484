/* The home belongs to one server at a time. */
#include "base/log.h"
#include "base/memory.h"
#include "depot/depot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct depot_lock {
    int fd;
};

/* A new home must not vanish with the power. Where that can't be had it is used all the same. */
static void sync_parent(const char *home)
{
    char path[DEPOT_PATH_SIZE];
    int size = snprintf(path, sizeof path, "%s/..", home);
    int fd = size < (int)sizeof path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0 || fsync(fd) != 0)
        log_warn("the folder above the home could not be synced", log_text("home", home));
    if (fd >= 0)
        (void)close(fd);
}

static bool make_home(const char *home, char fault[static DEPOT_FAULT_SIZE])
{
    struct stat status;
    if (mkdir(home, 0700) == 0) {
        sync_parent(home);
        return true;
    }
    if (errno == ENOENT) {
        (void)snprintf(fault, DEPOT_FAULT_SIZE,
                       "%.300s can't be made: the folder above it does not exist", home);
        return false;
    }
    if (errno != EEXIST) {
        (void)snprintf(fault, DEPOT_FAULT_SIZE, "%.300s can't be made: %s", home, strerror(errno));
        return false;
    }
    if (stat(home, &status) == 0 && S_ISDIR(status.st_mode))
        return true;
    (void)snprintf(fault, DEPOT_FAULT_SIZE, "%.300s is no folder", home);
    return false;
}

static void say_holder(int fd, const char *home, char fault[static DEPOT_FAULT_SIZE])
{
    char pid[24] = "";
    ssize_t size = pread(fd, pid, sizeof pid - 1, 0);
    pid[size > 0 ? strcspn(pid, "\n") : 0] = '\0';
    (void)snprintf(fault, DEPOT_FAULT_SIZE, "another server (process %s) runs on %.300s",
                   pid[0] ? pid : "unknown", home);
}

struct depot_lock *depot_lock(const char *home, char ret_fault[static DEPOT_FAULT_SIZE])
{
    char path[DEPOT_PATH_SIZE], pid[24];
    if (!make_home(home, ret_fault))
        return NULL;
    if (snprintf(path, sizeof path, "%s/lock", home) >= (int)sizeof path) {
        (void)snprintf(ret_fault, DEPOT_FAULT_SIZE, "the path of the home is too long");
        return NULL;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        (void)snprintf(ret_fault, DEPOT_FAULT_SIZE, "%.300s can't be written: %s", home,
                       strerror(errno));
        return NULL;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            say_holder(fd, home, ret_fault);
        else
            (void)snprintf(ret_fault, DEPOT_FAULT_SIZE, "%.300s can't be locked: %s", home,
                           strerror(errno));
        (void)close(fd);
        return NULL;
    }
    int size = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* The pid is for people; a full disk is no reason not to start. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)size, 0) != size)
        log_warn("the process's number could not be written into the lock file");
    struct depot_lock *lock = memory_new(struct depot_lock);
    lock->fd = fd;
    return lock;
}

bool depot_is_locked(const char *home)
{
    char path[DEPOT_PATH_SIZE];
    int size = snprintf(path, sizeof path, "%s/lock", home);
    int fd = size < (int)sizeof path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0)
        return false;
    bool is_locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    (void)close(fd);
    return is_locked;
}

void depot_unlock(struct depot_lock *lock)
{
    if (!lock)
        return;
    (void)close(lock->fd);
    memory_free(lock);
}
