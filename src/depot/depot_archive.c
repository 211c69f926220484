#include "depot/depot_archive.h"

#include "base/span.h"
#include "depot/depot_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, PIECE = 128 * BLOCK, LEVELS = 3, OCTAL_MAX = 11 };

/* As POSIX.1-1988 lays it out. */
struct header {
    char name[100], mode[8], user[8], group[8], size[12], changed[12], sum[8], kind, link[100];
    char magic[6], version[2], user_name[32], group_name[32], major[8], minor[8], prefix[155];
    char rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is a block");

struct archive {
    int fd;
    bool (*stops)(void);
    char *fault; /* DEPOT_FAULT_SIZE bytes */
    char piece[PIECE];
};

static bool fail(struct archive *archive, const char *name, const char *what)
{
    (void)snprintf(archive->fault, DEPOT_FAULT_SIZE, "%.200s %s", name, what);
    return false;
}

static bool fail_errno(struct archive *archive, const char *name, const char *what)
{
    (void)snprintf(archive->fault, DEPOT_FAULT_SIZE, "%.200s %s: %s", name, what, strerror(errno));
    return false;
}

static bool goes_on(struct archive *archive)
{
    return !archive->stops || !archive->stops() || fail(archive, "it", "was interrupted");
}

static unsigned sum_of(const struct header *header)
{
    const unsigned char *bytes = (const void *)header;
    unsigned sum = 0;
    for (size_t n = 0; n < sizeof *header; n++) {
        bool in_sum = n >= offsetof(struct header, sum) && n < offsetof(struct header, kind);
        sum += in_sum ? ' ' : bytes[n];
    }
    return sum;
}

/* ---------------------------------------------------------------- writing */

static bool put(struct archive *archive, const void *bytes, size_t size)
{
    for (const char *at = bytes; size > 0;) {
        ssize_t wrote = write(archive->fd, at, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return fail_errno(archive, "the archive", "can't be written");
        at += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

static void put_size(char target[static 12], uint64_t size)
{
    char text[24];
    if (size >> (3 * OCTAL_MAX) == 0) {
        (void)snprintf(text, sizeof text, "%011" PRIo64, size);
        memcpy(target, text, 12);
        return;
    }
    target[0] = '\x80';
    for (int n = 11; n > 3; n--, size >>= 8)
        target[n] = (char)(size & 0xFF);
}

static bool put_header(struct archive *archive, const char *name, const struct stat *status)
{
    struct header header = {.kind = '0', .magic = "ustar", .version = {'0', '0'}};
    char text[24];
    if (!span_copy(span_of(name), header.name, sizeof header.name))
        return fail(archive, name, "has too long a name");
    (void)snprintf(header.mode, sizeof header.mode, "%07o", (unsigned)status->st_mode & 0777);
    memcpy(header.user, "0000000", 8);
    memcpy(header.group, "0000000", 8);
    put_size(header.size, (uint64_t)status->st_size);
    put_size(header.changed, status->st_mtime > 0 ? (uint64_t)status->st_mtime : 0);
    (void)snprintf(text, sizeof text, "%06o", sum_of(&header) & 0777777);
    memcpy(header.sum, text, 7);
    header.sum[7] = ' ';
    return put(archive, &header, sizeof header);
}

static bool put_file(struct archive *archive, int fd, const char *name)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return fail(archive, name, "is no plain file");
    if (!put_header(archive, name, &status))
        return false;
    uint64_t left = (uint64_t)status.st_size;
    while (left > 0) {
        ssize_t got = read(fd, archive->piece, left < PIECE ? (size_t)left : PIECE);
        if (got <= 0)
            return fail_errno(archive, name, "can't be read");
        if (!put(archive, archive->piece, (size_t)got) || !goes_on(archive))
            return false;
        left -= (uint64_t)got;
    }
    static const char nothing[BLOCK];
    size_t over = (size_t)status.st_size % BLOCK;
    return over == 0 || put(archive, nothing, BLOCK - over);
}

static bool put_folder(struct archive *archive, int fd, const char *name, const char *but);

static bool put_entry(struct archive *archive, int folder, const char *above, const char *name)
{
    char path[DEPOT_PATH_SIZE];
    struct stat status;
    unsigned level = 1;
    int size = snprintf(path, sizeof path, "%s%s%s", above, above[0] ? "/" : "", name);
    for (const char *at = path; *at; at++)
        level += *at == '/';
    if (size >= (int)sizeof path || level > LEVELS || !depot_copy_name(name))
        return fail(archive, name, "has no name or place that belongs into an archive");
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0)
        return fail_errno(archive, path, "can't be read");
    if (S_ISDIR(status.st_mode))
        return put_folder(archive, fd, path, ""); /* takes the descriptor over */
    bool good = put_file(archive, fd, path);
    (void)close(fd);
    return good;
}

static bool put_folder(struct archive *archive, int fd, const char *name, const char *but)
{
    DIR *entries = fdopendir(fd);
    bool good = entries != NULL;
    for (struct dirent *entry; good && (entry = readdir(entries));) {
        const char *part = entry->d_name;
        if (strcmp(part, ".") != 0 && strcmp(part, "..") != 0 && strcmp(part, but) != 0)
            good = put_entry(archive, dirfd(entries), name, part);
    }
    if (entries)
        (void)closedir(entries);
    else
        (void)close(fd);
    return good;
}

bool depot_archive_write(const char *tree, const char *but, int fd, bool (*stops)(void),
                         char ret_fault[static DEPOT_FAULT_SIZE])
{
    static const char nothing[2 * BLOCK];
    struct archive archive = {.fd = fd, .stops = stops, .fault = ret_fault};
    int folder = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return fail_errno(&archive, tree, "can't be read");
    return put_folder(&archive, folder, "", but) && put(&archive, nothing, sizeof nothing);
}

/* ---------------------------------------------------------------- reading */

static bool get(struct archive *archive, void *target, size_t size)
{
    for (char *at = target; size > 0;) {
        ssize_t got = read(archive->fd, at, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail(archive, "the archive", got < 0 ? "can't be read" : "ends too early");
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static bool get_size(const char field[static 12], uint64_t *ret_size)
{
    uint64_t size = 0;
    if (field[0] == '\x80') {
        for (int n = 1; n < 12; n++) {
            if (size >> 55)
                return false;
            size = size << 8 | (unsigned char)field[n];
        }
        *ret_size = size;
        return true;
    }
    int n = 0;
    while (n < 12 && field[n] == ' ')
        n++;
    for (; n < 12 && field[n] >= '0' && field[n] <= '7'; n++)
        size = size << 3 | (uint64_t)(field[n] - '0');
    *ret_size = size;
    return n == 12 || field[n] == '\0' || field[n] == ' ';
}

/* The folders above a file, made where they are missing; only names that a home can have. */
static bool open_place(struct archive *archive, const char *tree, struct span name, int *ret_fd)
{
    char path[DEPOT_PATH_SIZE], part_text[100];
    struct span rest = name, part;
    size_t size = strlen(tree);
    unsigned level = 0;
    if (!span_copy(span_of(tree), path, sizeof path))
        return fail(archive, tree, "is too long a path");
    while (span_take(&rest, '/', &part)) {
        if (++level > LEVELS || !span_copy(part, part_text, sizeof part_text) ||
            !depot_copy_name(part_text))
            return fail(archive, "the archive", "holds a name that no backup of reel has");
        if (level > 1 && mkdir(path, 0700) != 0 && errno != EEXIST)
            return fail_errno(archive, path, "can't be made");
        int more = snprintf(path + size, sizeof path - size, "/%s", part_text);
        if (more < 0 || size + (size_t)more >= sizeof path)
            return fail(archive, tree, "is too long a path");
        size += (size_t)more;
    }
    *ret_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return *ret_fd >= 0 || fail_errno(archive, path, "can't be written");
}

static bool get_content(struct archive *archive, uint64_t size, int fd)
{
    struct archive target = {.fd = fd, .fault = archive->fault};
    while (size > 0) {
        size_t part = size < PIECE ? (size_t)size : PIECE;
        size_t whole = (part + BLOCK - 1) / BLOCK * BLOCK;
        if (!goes_on(archive) || !get(archive, archive->piece, whole) ||
            (fd >= 0 && !put(&target, archive->piece, part)))
            return false;
        size -= part;
    }
    return true;
}

static bool get_file(struct archive *archive, const char *tree, const struct header *header,
                     uint64_t size)
{
    char name[260];
    int fd = -1;
    bool has_prefix = memcmp(header->magic, "ustar", 5) == 0 && header->prefix[0];
    (void)snprintf(name, sizeof name, "%.*s%s%.*s",
                   has_prefix ? (int)strnlen(header->prefix, 155) : 0, header->prefix,
                   has_prefix ? "/" : "", (int)strnlen(header->name, 100), header->name);
    struct span text = span_of(name);
    if (span_starts(text, "./"))
        text = span_make(text.data + 2, text.size - 2);
    if (!open_place(archive, tree, text, &fd))
        return false;
    bool good = get_content(archive, size, fd);
    mode_t mode = (mode_t)strtoul(header->mode, NULL, 8) & 0755;
    if (good && fchmod(fd, mode | 0400) != 0)
        good = fail_errno(archive, name, "can't be written");
    if (close(fd) != 0 && good)
        good = fail_errno(archive, name, "can't be written");
    return good;
}

static bool is_blank(const struct header *header)
{
    const char *bytes = (const void *)header;
    for (size_t n = 0; n < sizeof *header; n++) {
        if (bytes[n])
            return false;
    }
    return true;
}

bool depot_archive_read(int fd, const char *tree, bool (*stops)(void),
                        char ret_fault[static DEPOT_FAULT_SIZE])
{
    struct archive archive = {.fd = fd, .stops = stops, .fault = ret_fault};
    struct header header;
    for (;;) {
        uint64_t size;
        if (!get(&archive, &header, sizeof header))
            return false;
        if (is_blank(&header))
            return true;
        char sum[9] = "";
        memcpy(sum, header.sum, 8);
        if (strtoul(sum, NULL, 8) != sum_of(&header) || !get_size(header.size, &size))
            return fail(&archive, "the archive", "is damaged, or no tar file");
        /* Folders come by their files; further facts of other tar programs are passed over. */
        bool passes = header.kind == '5' || header.kind == 'x' || header.kind == 'g';
        if (!passes && header.kind != '0' && header.kind != '\0')
            return fail(&archive, "the archive", "holds something else than plain files");
        if (passes ? !get_content(&archive, size, -1) : !get_file(&archive, tree, &header, size))
            return false;
    }
}
