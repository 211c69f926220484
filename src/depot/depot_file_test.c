#include "depot/depot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/reel-file-XXXXXX";
static int folder_fd;

static void tells_errors_apart(void **state)
{
    errno = ENOSPC;
    assert_int_equal(depot_file_result("x"), DEPOT_FULL);
    errno = EDQUOT;
    assert_int_equal(depot_file_result("x"), DEPOT_FULL);
    errno = ENOENT;
    assert_int_equal(depot_file_result("x"), DEPOT_MISSING);
    errno = EIO;
    assert_int_equal(depot_file_result("x"), DEPOT_BROKEN);
}

static void copies_and_digests(void **state)
{
    static char content[200000], again[sizeof content];
    for (size_t n = 0; n < sizeof content; n++)
        content[n] = (char)(n * 31 + n / 255);
    char from[100], to[100];
    (void)snprintf(from, sizeof from, "%s/from", folder);
    (void)snprintf(to, sizeof to, "%s/to", folder);
    int fd = open(from, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, content, sizeof content), sizeof content);
    struct depot_kept kept, copy;
    assert_true(depot_file_digest(fd, &kept));
    (void)close(fd);
    unsigned char bytes[CRYPTO_SHA256_SIZE];
    char hex[CRYPTO_SHA256_HEX];
    crypto_sha256(span_make(content, sizeof content), bytes);
    crypto_hex(bytes, sizeof bytes, hex);
    assert_string_equal(kept.sha256, hex);
    assert_true(depot_file_copy(from, to));
    fd = open(to, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, again, sizeof again), sizeof again);
    assert_memory_equal(again, content, sizeof again);
    assert_true(depot_file_digest(fd, &copy));
    (void)close(fd);
    assert_int_equal(copy.size, sizeof content);
    struct stat status;
    assert_int_equal(stat(to, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0400);
    assert_false(depot_file_copy(from, to)); /* nothing is written over */
    assert_int_equal(errno, EEXIST);
    assert_false(depot_file_copy("/nowhere", to));
    assert_false(depot_file_copy(from, "/dev/full"));
    assert_int_equal(unlink(from), 0);
    assert_int_equal(unlink(to), 0);
    assert_false(depot_file_digest(-1, &kept));
}

static void removes_trees_that_are_not_too_deep(void **state)
{
    char path[400];
    int size = snprintf(path, sizeof path, "%s", folder);
    for (int n = 0; n < 70; n++) {
        size += snprintf(path + size, sizeof path - (size_t)size, "/d");
        assert_int_equal(mkdir(path, 0700), 0);
    }
    /* Deeper than anything that a program of the user's makes, usually: left, and said. */
    assert_false(depot_file_remove_tree(folder_fd, "d"));
    assert_int_equal(errno, ENOTEMPTY);
    for (int n = 0; n < 6; n++) {
        assert_int_equal(rmdir(path), 0);
        *strrchr(path, '/') = '\0';
    }
    assert_true(depot_file_remove_tree(folder_fd, "d"));
    assert_int_equal(faccessat(folder_fd, "d", F_OK, 0), -1);
    assert_true(depot_file_remove_tree(folder_fd, "d"));
}

static int begin(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder_fd < 0 ? -1 : 0;
}

static int end(void **state)
{
    (void)close(folder_fd);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_errors_apart),
        cmocka_unit_test(copies_and_digests),
        cmocka_unit_test(removes_trees_that_are_not_too_deep),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
