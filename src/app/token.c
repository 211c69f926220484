#include "app/token.h"

#include "app/config_file.h"
#include "app/home.h"
#include "base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RANDOM_SIZE = 24, TOKEN_MAX = 4096 };

void token_path(const char *home, char target[static TOKEN_PATH_SIZE])
{
    (void)snprintf(target, TOKEN_PATH_SIZE, "%s/token", home);
}

struct secret token_read(const char *home)
{
    char path[TOKEN_PATH_SIZE];
    struct arena arena;
    struct span text;
    struct secret token = {0};
    token_path(home, path);
    arena_init(&arena);
    if (config_file_load(path, TOKEN_MAX, &arena, &text)) {
        size_t size = text.size;
        while (span_ends(text, "\n"))
            text.size--;
        if (text.size > 0)
            token = secret_make(text);
        explicit_bzero((void *)(uintptr_t)text.data, size);
    }
    arena_done(&arena);
    return token;
}

/* Appears whole or not at all: it is linked into place, and another server that was quicker wins.
 */
static bool make_token(const char *path)
{
    unsigned char random[RANDOM_SIZE];
    char hex[2 * RANDOM_SIZE + 1], draft[TOKEN_PATH_SIZE + 8];
    (void)snprintf(draft, sizeof draft, "%s.XXXXXX", path);
    int fd = mkostemp(draft, O_CLOEXEC);
    if (fd < 0)
        return false;
    crypto_random(random, sizeof random);
    crypto_hex(random, sizeof random, hex);
    hex[2 * RANDOM_SIZE] = '\n';
    bool good = write(fd, hex, sizeof hex) == (ssize_t)sizeof hex && fsync(fd) == 0;
    explicit_bzero(hex, sizeof hex);
    int why = errno;
    (void)close(fd);
    if (good && link(draft, path) != 0 && errno != EEXIST) {
        why = errno;
        good = false;
    }
    (void)unlink(draft);
    errno = why;
    return good;
}

bool token_ensure(struct config *config, struct buffer *faults)
{
    char path[TOKEN_PATH_SIZE];
    if (config->auth_token.size > 0 || config->no_auth)
        return true;
    token_path(config->home, path);
    if (!home_make(config, faults))
        return false;
    if (access(path, F_OK) != 0 && !make_token(path)) {
        buffer_print(faults, "%s: the key can't be written: %s\n", path, strerror(errno));
        return false;
    }
    config->auth_token = token_read(config->home);
    if (config->auth_token.size == 0) {
        buffer_print(
            faults, "%s: holds no key, or can't be read; remove it to have a new one made\n", path);
        return false;
    }
    return true;
}
