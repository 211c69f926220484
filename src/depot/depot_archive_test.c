/* Trees as tar files: there and back, by our hand and by the system's tar; what is refused. */
#include "depot/depot_archive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/depot-archive-XXXXXX";
static char fault[DEPOT_FAULT_SIZE];

static int shell(const char *line)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        if (chdir(folder) == 0)
            execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static const char *at(const char *name)
{
    static char paths[4][200];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static bool pack(const char *tree, const char *file, bool (*stops)(void))
{
    int fd = open(at(file), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    bool good = depot_archive_write(at(tree), "left-out", fd, stops, fault);
    close(fd);
    return good;
}

static bool unpack(const char *file, const char *tree)
{
    int fd = open(at(file), O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(mkdir(at(tree), 0700), 0);
    bool good = depot_archive_read(fd, at(tree), NULL, fault);
    close(fd);
    return good;
}

static void make_tree(void)
{
    assert_int_equal(shell("chmod -R u+w . 2>/dev/null; rm -rf ./*; mkdir -p a/outputs/gen_1 && "
                           "printf hello > a/outputs/gen_1/output.png && : > a/empty && "
                           "head -c 700000 /dev/urandom > a/reel.db && head -c 512 /dev/zero > "
                           "a/block && echo x > a/left-out && chmod 444 a/outputs/gen_1/*"),
                     0);
}

static void test_there_and_back(void **state)
{
    make_tree();
    assert_true(pack("a", "a.tar", NULL));
    assert_true(unpack("a.tar", "b"));
    assert_int_equal(shell("rm a/left-out && diff -r a b && "
                           "test $(stat -c %a b/outputs/gen_1/output.png) = 444"),
                     0);
    /* The system's tar reads ours, and we read its. */
    assert_int_equal(shell("mkdir c && tar -xf a.tar -C c && diff -r a c && "
                           "tar -C a -cf d.tar . && tar --format=pax -C a -cf e.tar ."),
                     0);
    assert_true(unpack("d.tar", "d"));
    assert_true(unpack("e.tar", "e"));
    assert_int_equal(shell("diff -r a d && diff -r a e"), 0);
}

static void test_what_is_refused(void **state)
{
    static const struct {
        const char *make, *fault;
    } cases[] = {
        {"tar -cPf x.tar ../etc/passwd 2>/dev/null || tar -cPf x.tar /etc/passwd", "no backup"},
        {"cd a && tar -cPf ../x.tar ../a/empty", "no backup"},
        {"ln -s /etc/passwd a/link && tar -C a -cf x.tar link", "something else than plain files"},
        {"mkfifo a/pipe && tar -C a -cf x.tar pipe", "something else than plain files"},
        {"mkdir -p a/1/2/3 && : > a/1/2/3/4 && tar -C a -cf x.tar 1", "no backup"},
        {": > a/.hidden && tar -C a -cf x.tar .hidden", "no backup"},
        {"tar -C a -cf x.tar empty && cat x.tar > y && head -c 512 y > z && cat z x.tar > x", NULL},
        {"tar -C a -cf y reel.db && head -c 100000 y > x.tar", "ends too early"},
        {"head -c 2048 /dev/urandom > x.tar", "damaged, or no tar file"},
        {": > x.tar", "ends too early"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof cases[0]; n++) {
        make_tree();
        assert_int_equal(shell(cases[n].make), 0);
        bool good = unpack("x.tar", "out");
        assert_int_equal(good, cases[n].fault == NULL);
        if (cases[n].fault && !strstr(fault, cases[n].fault))
            print_message("%s: %s\n", cases[n].make, fault);
        if (cases[n].fault)
            assert_non_null(strstr(fault, cases[n].fault));
    }
}

/* Every byte of the headers turned: nothing comes out wrong without a word, nothing crashes. */
static void test_damage(void **state)
{
    char whole[4096];
    make_tree();
    assert_int_equal(shell("rm a/reel.db a/empty a/left-out; rm -r a/outputs"), 0);
    assert_true(pack("a", "a.tar", NULL));
    int fd = open(at("a.tar"), O_RDONLY);
    ssize_t size = read(fd, whole, sizeof whole);
    close(fd);
    assert_int_equal(size, 2048);
    for (int n = 0; n < 512; n += 3) {
        whole[n] ^= 0x41;
        fd = open(at("x.tar"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, whole, (size_t)size), size);
        close(fd);
        whole[n] ^= 0x41;
        assert_false(unpack("x.tar", "out"));
        assert_int_equal(shell("rm -rf out"), 0);
    }
}

static bool always(void)
{
    return true;
}

static void test_interrupted(void **state)
{
    make_tree();
    assert_false(pack("a", "a.tar", always));
    assert_string_equal(fault, "it was interrupted");
}

static int make_folder(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)shell("chmod -R u+w .; rm -rf ./*");
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_what_is_refused),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
