#include "media/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE_MAX = 512, STEP_SIZE_MAX = 255, FILE_MODE = 0640, FOLDER_MODE = 0750 };

bool folder_open(const char *path, struct folder *ret_folder)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ret_folder->fd = fd;
    return true;
}

void folder_close(struct folder *folder)
{
    if (folder->fd >= 0)
        close(folder->fd);
    folder->fd = -1;
}

bool folder_path_ok(const char *path)
{
    size_t size = strnlen(path, PATH_SIZE_MAX + 1);
    if (size == 0 || size > PATH_SIZE_MAX)
        return false;
    for (const char *step = path;; step++) {
        size_t length = strcspn(step, "/");
        if (length == 0 || length > STEP_SIZE_MAX || (length == 1 && step[0] == '.') ||
            (length == 2 && step[0] == '.' && step[1] == '.'))
            return false;
        for (size_t i = 0; i < length; i++) {
            if ((unsigned char)step[i] < ' ' || step[i] == 0x7f)
                return false;
        }
        step += length;
        if (!*step)
            return true;
    }
}

/* Walks to the folder that holds the last step; the caller closes the answer. -1 with errno. */
static int walk(int root, const char *path, bool make, const char **ret_last)
{
    int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
    for (const char *slash; at >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
        char step[STEP_SIZE_MAX + 1];
        memcpy(step, path, (size_t)(slash - path));
        step[slash - path] = '\0';
        if (make && mkdirat(at, step, FOLDER_MODE) != 0 && errno != EEXIST) {
            int error = errno;
            close(at);
            errno = error;
            return -1;
        }
        int next = openat(at, step, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int error = errno;
        close(at);
        errno = error;
        at = next;
    }
    *ret_last = path;
    return at;
}

static int open_inside(int root, const char *path, int flags)
{
    const char *last = NULL;
    int parent = walk(root, path, (flags & O_CREAT) != 0, &last);
    if (parent < 0)
        return -1;
    int fd = openat(parent, last, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, FILE_MODE);
    int error = errno;
    close(parent);
    errno = error;
    return fd;
}

static bool is_regular(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

bool folder_read(const struct folder *folder, const char *path, const char *field,
                 struct failure *failure, int *ret_fd)
{
    if (!folder_path_ok(path))
        return failure_set(failure, ERROR_VALIDATION, field,
                           "The file name of %s must be a relative path inside the work folder, "
                           "without \"..\" steps.",
                           field);
    int fd = open_inside(folder->fd, path, O_RDONLY);
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return failure_set(failure, ERROR_VALIDATION, field,
                           "The file of %s is a link or lies behind one; only plain files inside "
                           "the work folder are read.",
                           field);
    if (fd < 0)
        return failure_set(failure, ERROR_INPUT_UNREACHABLE, field,
                           "The file of %s could not be opened: %s.", field, strerror(errno));
    if (!is_regular(fd)) {
        close(fd);
        return failure_set(failure, ERROR_VALIDATION, field, "%s does not name a plain file.",
                           field);
    }
    *ret_fd = fd;
    return true;
}

bool folder_create(const struct folder *folder, const char *path, struct failure *failure,
                   int *ret_fd)
{
    if (!folder_path_ok(path))
        return failure_set(failure, ERROR_VALIDATION, NULL,
                           "An output's name must be a relative path inside the work folder, "
                           "without \"..\" steps.");
    int fd = open_inside(folder->fd, path, O_RDWR | O_CREAT | O_TRUNC);
    if (fd >= 0 && is_regular(fd)) {
        *ret_fd = fd;
        return true;
    }
    int error = fd < 0 ? errno : EISDIR;
    if (fd >= 0)
        close(fd);
    if (error == ENOSPC || error == EDQUOT)
        return failure_set(failure, ERROR_STORAGE_FULL, NULL,
                           "The disk has no room for the output.");
    return failure_set(failure, ERROR_INTERNAL, NULL, "The output could not be created: %s.",
                       strerror(error));
}

void folder_remove(const struct folder *folder, const char *path)
{
    const char *last = NULL;
    if (!folder_path_ok(path))
        return;
    int parent = walk(folder->fd, path, false, &last);
    if (parent < 0)
        return;
    /* In the cage nothing can be removed, but emptied. */
    if (unlinkat(parent, last, 0) != 0) {
        int fd = openat(parent, last, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (fd >= 0)
            close(fd);
    }
    close(parent);
}
