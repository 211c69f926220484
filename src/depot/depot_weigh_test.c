#include "depot/depot_weigh.h"

/* cmocka wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/depot-weigh-XXXXXX";
static int folder;

static void write_file(const char *name, size_t size)
{
    static const char block[4096] = {1};
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_true(fd >= 0);
    for (size_t done = 0; done < size; done += sizeof block)
        assert_int_equal(write(fd, block, sizeof block), sizeof block);
    assert_int_equal(fsync(fd), 0);
    assert_int_equal(close(fd), 0);
}

static uint64_t added_since(uint64_t before)
{
    uint64_t now = depot_weigh(path);
    assert_true(now != UINT64_MAX && now >= before);
    return now - before;
}

static void weighs_what_lies_beneath(void **state)
{
    uint64_t before = depot_weigh(path);
    write_file("one", 1 << 20);
    uint64_t one = added_since(before);
    assert_in_range(one, 1 << 20, (1 << 20) + 65536);
    assert_int_equal(mkdirat(folder, "sub", 0700), 0);
    assert_int_equal(mkdirat(folder, "sub/.hidden", 0700), 0);
    write_file("sub/.hidden/two", 2 << 20);
    assert_in_range(added_since(before), 3 << 20, (3 << 20) + 131072);
    /* A hole takes no room, a link leads nowhere. */
    char one_path[100];
    (void)snprintf(one_path, sizeof one_path, "%s/one", path);
    assert_int_equal(truncate(one_path, (off_t)1 << 40), 0);
    assert_int_equal(symlinkat("/", folder, "link"), 0);
    assert_in_range(added_since(before), 3 << 20, (3 << 20) + 131072);
    assert_int_equal(unlinkat(folder, "one", 0), 0);
    assert_in_range(added_since(before), 2 << 20, (2 << 20) + 131072);
}

static void no_folder_weighs_nothing(void **state)
{
    assert_int_equal(depot_weigh("/tmp/no-such-folder-of-depot"), 0);
    assert_int_equal(depot_weigh("/dev/null"), UINT64_MAX);
}

static void too_much_to_look_at_is_too_heavy(void **state)
{
    char name[64];
    assert_int_equal(mkdirat(folder, "many", 0700), 0);
    for (int n = 0; n <= DEPOT_WEIGH_ENTRIES_MAX; n++) {
        (void)snprintf(name, sizeof name, "many/%d", n);
        assert_int_equal(linkat(folder, n ? "many/0" : "file", folder, name, 0), 0);
    }
    assert_int_equal(depot_weigh(path), UINT64_MAX);
    for (int n = 0; n <= DEPOT_WEIGH_ENTRIES_MAX; n++) {
        (void)snprintf(name, sizeof name, "many/%d", n);
        assert_int_equal(unlinkat(folder, name, 0), 0);
    }
    assert_true(depot_weigh(path) != UINT64_MAX);
}

static void too_deep_is_too_heavy(void **state)
{
    char name[64] = "deep";
    size_t size = 4;
    for (int depth = 1; depth <= DEPOT_WEIGH_DEPTH_MAX + 1; depth++) {
        assert_int_equal(mkdirat(folder, name, 0700), 0);
        bool is_too_deep = depth > DEPOT_WEIGH_DEPTH_MAX;
        assert_true((depot_weigh(path) == UINT64_MAX) == is_too_deep);
        size += (size_t)snprintf(name + size, sizeof name - size, "/d");
    }
}

static int begin_all(void **state)
{
    if (!mkdtemp(path) || (folder = open(path, O_RDONLY | O_DIRECTORY)) < 0)
        return -1;
    write_file("file", 1);
    return 0;
}

static int remove_one(const char *name, const struct stat *status, int kind, struct FTW *walk)
{
    return remove(name);
}

static int end_all(void **state)
{
    (void)close(folder);
    return nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weighs_what_lies_beneath),
        cmocka_unit_test(no_folder_weighs_nothing),
        cmocka_unit_test(too_much_to_look_at_is_too_heavy),
        cmocka_unit_test(too_deep_is_too_heavy),
    };
    return cmocka_run_group_tests(tests, begin_all, end_all);
}
