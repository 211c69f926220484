#include "media/fixture.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void only_plain_relative_names_pass(void **state)
{
    static const char *const good[] = {"a", "a.png", "a/b/c.mp4", "..a", "a..", "日本.png"};
    static const char *const bad[] = {"",    "/a",   "a/",     "a//b", ".",   "..",
                                      "a/.", "../a", "a/../b", "a\nb", "\x7f"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(folder_path_ok(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(folder_path_ok(bad[i]));
    char longest[600];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_false(folder_path_ok(longest));
}

static void links_lead_nowhere(void **state)
{
    struct fixture fixture;
    fixture_init(&fixture);
    struct folder *folder = &fixture.folder;
    int fd = -1;
    assert_int_equal(symlinkat("/etc/passwd", folder->fd, "link"), 0);
    assert_int_equal(symlinkat("/etc", folder->fd, "folder"), 0);
    assert_int_equal(mkfifoat(folder->fd, "pipe", 0600), 0);
    static const char *const names[] = {"link", "folder/passwd", "folder", "pipe"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct failure failure = {0};
        assert_false(folder_read(folder, names[i], "imageUrl", &failure, &fd));
        assert_int_equal(failure.code, ERROR_VALIDATION);
        assert_string_equal(failure.field, "imageUrl");
    }
    struct failure failure = {0};
    assert_false(folder_create(folder, "link", &failure, &fd));
    failure = (struct failure){0};
    assert_false(folder_create(folder, "folder/new", &failure, &fd));
    failure = (struct failure){0};
    assert_false(folder_read(folder, "none", "imageUrl", &failure, &fd));
    assert_int_equal(failure.code, ERROR_INPUT_UNREACHABLE);
    fixture_done(&fixture);
}

static void outputs_are_made_with_their_folders_and_removed(void **state)
{
    struct fixture fixture;
    struct failure failure = {0};
    int fd;
    fixture_init(&fixture);
    assert_true(folder_create(&fixture.folder, "a/b/out.mp4", &failure, &fd));
    assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    assert_true(folder_read(&fixture.folder, "a/b/out.mp4", "f", &failure, &fd));
    close(fd);
    folder_remove(&fixture.folder, "a/b/out.mp4");
    assert_false(folder_read(&fixture.folder, "a/b/out.mp4", "f", &failure, &fd));
    folder_remove(&fixture.folder, "a/none/x");
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_plain_relative_names_pass),
        cmocka_unit_test(links_lead_nowhere),
        cmocka_unit_test(outputs_are_made_with_their_folders_and_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
