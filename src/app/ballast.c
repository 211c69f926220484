#include "app/ballast.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

bool ballast_lay(const char *path, uint64_t size)
{
    struct stat status;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool laid = fstat(fd, &status) == 0 && (uint64_t)status.st_size >= size &&
                (uint64_t)status.st_blocks * 512 >= size;
    /* posix_fallocate takes real blocks: a hole would give nothing back. */
    if (!laid)
        laid = posix_fallocate(fd, 0, (off_t)size) == 0;
    (void)close(fd);
    if (!laid)
        (void)unlink(path);
    return laid;
}

bool ballast_drop(const char *path)
{
    return unlink(path) == 0;
}
