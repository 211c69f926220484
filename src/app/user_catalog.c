#include "app/user_catalog.h"

#include "base/arena.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct files {
    struct arena arena;
    struct catalog_file list[USER_CATALOG_FILES_MAX];
    size_t count;
    char *fault; /* CATALOG_FAULT_SIZE bytes; empty while all is well */
};

static int is_json(const struct dirent *entry)
{
    return span_ends(span_of(entry->d_name), ".json") && entry->d_name[0] != '.';
}

static void read_file(struct files *files, int folder, const char *name)
{
    struct stat status;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would hold us up */
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size > USER_CATALOG_FILE_SIZE_MAX) {
        (void)snprintf(files->fault, CATALOG_FAULT_SIZE,
                       "%s can't be read: a plain file of at most 8 MiB is allowed", name);
    } else {
        size_t size = 0, want = (size_t)status.st_size;
        char *text = arena_make(&files->arena, want + 1);
        ssize_t part;
        while (size < want && (part = read(fd, text + size, want - size)) > 0)
            size += (size_t)part;
        files->list[files->count++] =
            (struct catalog_file){span_of(arena_copy(&files->arena, span_of(name))), {text, size}};
    }
    if (fd >= 0)
        (void)close(fd);
}

static void read_folder(struct files *files, const char *path)
{
    struct dirent **names = NULL;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int count = folder < 0 ? -1 : scandirat(folder, ".", &names, is_json, alphasort);
    if (count < 0)
        (void)snprintf(files->fault, CATALOG_FAULT_SIZE, "the folder %.300s can't be read: %s",
                       path, strerror(errno));
    else if (count > USER_CATALOG_FILES_MAX)
        (void)snprintf(files->fault, CATALOG_FAULT_SIZE, "more than %d files in %.300s",
                       USER_CATALOG_FILES_MAX, path);
    for (int n = 0; n < count; n++) {
        if (!files->fault[0])
            read_file(files, folder, names[n]->d_name);
        memory_free(names[n]);
    }
    memory_free(names);
    if (folder >= 0)
        (void)close(folder);
}

static struct files *open_files(const char *folder, char ret_fault[static CATALOG_FAULT_SIZE])
{
    struct files *files = memory_new(struct files);
    ret_fault[0] = '\0';
    files->fault = ret_fault;
    arena_init(&files->arena);
    if (folder)
        read_folder(files, folder);
    return files;
}

static void close_files(struct files *files)
{
    arena_done(&files->arena);
    memory_free(files);
}

struct catalog *user_catalog_make(const char *folder, char ret_fault[static CATALOG_FAULT_SIZE])
{
    struct files *files = open_files(folder, ret_fault);
    struct catalog *catalog = NULL;
    if (!ret_fault[0])
        catalog = catalog_make(catalog_builtin, files->list, files->count, ret_fault);
    close_files(files);
    return catalog;
}

bool user_catalog_digest(const char *folder, unsigned char ret_digest[static CRYPTO_SHA256_SIZE],
                         char ret_fault[static CATALOG_FAULT_SIZE])
{
    struct files *files = open_files(folder, ret_fault);
    struct crypto_sha256 *digest = crypto_sha256_make();
    for (size_t n = 0; n < files->count; n++) {
        const struct catalog_file *file = &files->list[n];
        uint64_t sizes[] = {file->name.size, file->text.size};
        crypto_sha256_add(digest, span_make((const char *)sizes, sizeof sizes));
        crypto_sha256_add(digest, file->name);
        crypto_sha256_add(digest, file->text);
    }
    crypto_sha256_take(digest, ret_digest);
    close_files(files);
    return !ret_fault[0];
}
