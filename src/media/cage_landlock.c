#include "media/cage_landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debian 12's header ends at version 2 of what kernels offer; the rest is written down in the
 * kernel's Documentation/userspace-api/landlock.rst. An older kernel takes the first fields. */
struct ruleset {
    uint64_t files;
    uint64_t network; /* from version 4 */
    uint64_t scoped;  /* from version 6 */
};

enum {
    RIGHT_TRUNCATE = 1 << 14,       /* from version 3 */
    RIGHT_DEVICE_CONTROL = 1 << 15, /* from version 5 */
    NETWORK_BIND = 1,
    NETWORK_CONNECT = 2, /* TCP */
    SCOPE_ABSTRACT_SOCKETS = 1,
    SCOPE_SIGNALS = 2
};

/* glibc 2.36 has no wrappers for these. */
static int create_ruleset(const struct ruleset *rules, size_t size, uint32_t flags)
{
    return (int)syscall(SYS_landlock_create_ruleset, rules, size, flags);
}

static uint64_t handled(int version)
{
    uint64_t rights =
        LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
        LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |
        LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
        LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
        LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;
    if (version >= 2)
        rights |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3)
        rights |= RIGHT_TRUNCATE;
    if (version >= 5)
        rights |= RIGHT_DEVICE_CONTROL;
    return rights;
}

/* What no rule below gives back. */
static int forbid(int version)
{
    struct ruleset rules = {
        .files = handled(version),
        .network = version >= 4 ? NETWORK_BIND | NETWORK_CONNECT : 0,
        .scoped = version >= 6 ? SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS : 0,
    };
    size_t size = version >= 6   ? sizeof rules
                  : version >= 4 ? offsetof(struct ruleset, scoped)
                                 : offsetof(struct ruleset, network);
    return create_ruleset(&rules, size, 0);
}

static bool allow(int ruleset, int fd, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

/* What rendering reads: fonts and their configuration, the tables of ICU and libc, and how many
 * processors there are. What does not exist on a machine is left out. */
static void allow_readable(int ruleset)
{
    static const char *const folders[] = {
        "/usr/share/fonts",
        "/usr/local/share/fonts",
        "/usr/share/fontconfig",
        "/etc/fonts",
        "/var/cache/fontconfig",
        "/usr/share/icu",
        "/usr/share/libass",
        "/usr/lib",
        "/lib",
        "/lib64",
        "/usr/local/lib",
        "/sys/devices/system/cpu",
#ifdef REEL_SANITIZED
        "/proc", /* where the leak checker looks for our threads */
#endif
    };
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        int fd = open(folders[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            continue;
        allow(ruleset, fd, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
        close(fd);
    }
    static const char *const files[] = {"/etc/ld.so.cache", "/etc/localtime", "/dev/urandom",
                                        "/proc/cpuinfo",    "/proc/meminfo",  "/proc/self/maps"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        int fd = open(files[i], O_PATH | O_CLOEXEC);
        if (fd < 0)
            continue;
        allow(ruleset, fd, LANDLOCK_ACCESS_FS_READ_FILE);
        close(fd);
    }
}

bool cage_landlock(int folder_fd, char *note, size_t note_size)
{
    int version = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) {
        snprintf(note, note_size, "the kernel has none: %s", strerror(errno));
        return false;
    }
    uint64_t rights = handled(version);
    int ruleset = forbid(version);
    if (ruleset < 0) {
        snprintf(note, note_size, "no rule set: %s", strerror(errno));
        return false;
    }
    const uint64_t refused = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                             LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                             LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |
                             RIGHT_DEVICE_CONTROL;
    bool done = allow(ruleset, folder_fd, rights & ~refused);
    allow_readable(ruleset);
    done = done && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    if (done)
        snprintf(note, note_size, "version %d", version);
    else
        snprintf(note, note_size, "refused: %s", strerror(errno));
    close(ruleset);
    return done;
}
