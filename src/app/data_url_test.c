#include "app/data_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/reel-data-url-XXXXXX";

static void put(const char *bytes, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void test_types(void **state)
{
    assert_string_equal(data_url_type(SPAN("\x89PNG\r\n\x1a\n....")), "image/png");
    assert_string_equal(data_url_type(SPAN("\xFF\xD8\xFF\xE0")), "image/jpeg");
    assert_string_equal(data_url_type(SPAN("RIFF\1\2\3\4WEBPVP8 ")), "image/webp");
    assert_string_equal(data_url_type(SPAN("RIFF\1\2\3\4WAVEfmt ")), "audio/wav");
    assert_string_equal(data_url_type(SPAN("\0\0\0\x18"
                                           "ftypisom")),
                        "video/mp4");
    assert_string_equal(data_url_type(SPAN("\0\0\0\x18"
                                           "ftypavif")),
                        "image/avif");
    assert_null(data_url_type(SPAN("<html>")));
    assert_null(data_url_type(SPAN("")));
}

static void test_file(void **state)
{
    struct buffer url, fault;
    buffer_init(&url, 1000);
    buffer_init(&fault, 1000);
    put("GIF89a", 6);
    assert_true(data_url_make(path, 6, &url, &fault));
    assert_string_equal(url.data, "data:image/gif;base64,R0lGODlh");
    assert_false(data_url_make(path, 5, &url, &fault));
    assert_non_null(strstr(fault.data, "has 6 B; a file that is sent along may have 5 B."));
    buffer_clear(&fault);
    put("nothing", 7);
    assert_false(data_url_make(path, 100, &url, &fault));
    assert_non_null(strstr(fault.data, "is no image, audio or video"));
    buffer_clear(&fault);
    assert_false(data_url_make("/nowhere/x", 100, &url, &fault));
    assert_string_equal(fault.data, "/nowhere/x can't be read: No such file or directory.");
    buffer_clear(&fault);
    assert_false(data_url_make("/tmp", 100, &url, &fault));
    assert_string_equal(fault.data, "/tmp can't be read: Is a directory.");
    buffer_done(&url);
    buffer_done(&fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_file),
    };
    int fd = mkstemp(path);
    if (fd < 0 || close(fd) != 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failed;
}
