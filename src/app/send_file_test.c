/* Files of this machine on their way into a request: inside it, or up before it. */
#include "app/send_file.h"

#include "app/command.h"
#include "app/command_test_rig.h"
#include "app/parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MODEL                                                                                      \
    "{\"id\":\"m\",\"parameters\":{\"properties\":{\"imageUrl\":{\"type\":\"string\",\"format\":"  \
    "\"uri\"},\"imageUrls\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"format\":"        \
    "\"uri\"}}}}}"
#define ACCEPTED "{\"success\":true,\"jobId\":\"gen_01m7ydch57000bs84t645vp8sw\"}"
#define UPLOADED "{\"url\":\"reel://upl_01m7ydch57000bs84t645vp8sw\",\"contentType\":\"image/png\"}"

enum { SMALL = 1000, LARGE = PARAMETERS_FILE_MAX + 1 };

static char folder[] = "/tmp/reel-upload-XXXXXX";
static char small[100], large[100], middle[100];

static void put(const char *path, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("\x89PNG\r\n\x1a\n", file) >= 0);
    for (size_t n = 8; n < size; n++)
        assert_true(fputc('a' + (int)(n % 26), file) != EOF);
    assert_int_equal(fclose(file), 0);
}

static void test_small_files_go_inside(void **state)
{
    static const struct rig_reply replies[] = {{"GET /api/v1/models/m ", 200, MODEL, 0},
                                               {"POST /api/v1/generate ", 202, ACCEPTED, 0},
                                               {0}};
    char at[110];
    (void)snprintf(at, sizeof at, "@%s", small);
    rig_serve(replies);
    assert_int_equal(RIG("generate", "m", "--image-url", small)->status, COMMAND_SUCCEEDED);
    assert_non_null(strstr(rig_requests(), "\"imageUrl\":\"data:image/png;base64,iVBORw0KGgp"));
    assert_int_equal(RIG("generate", "m", "--image-urls", at)->status, COMMAND_SUCCEEDED);
    assert_non_null(strstr(rig_requests(), "\"imageUrls\":[\"data:image/png;base64,iVBORw0KGgp"));
    assert_null(strstr(rig_requests(), "/api/v1/uploads"));
    rig_stop();
}

static void test_large_files_go_up_first(void **state)
{
    static const struct rig_reply replies[] = {{"GET /api/v1/models/m ", 200, MODEL, 0},
                                               {"POST /api/v1/uploads ", 201, UPLOADED, 0},
                                               {"POST /api/v1/generate ", 202, ACCEPTED, 0},
                                               {0}};
    rig_serve(replies);
    const struct rig_run *run = RIG("generate", "m", "--image-url", large);
    assert_int_equal(run->status, COMMAND_SUCCEEDED);
    const char *up = strstr(rig_requests(), "POST /api/v1/uploads ");
    assert_non_null(up);
    assert_non_null(strstr(up, "Content-Length: 700001\r\n"));
    assert_non_null(strstr(up, "Authorization: Bearer test-key\r\n"));
    assert_non_null(strstr(up, "Content-Type: application/octet-stream\r\n"));
    assert_non_null(strstr(up, "\"imageUrl\":\"reel://upl_01m7ydch57000bs84t645vp8sw\""));
    rig_stop();
    /* Several that are small each and too much together: what does not fit goes up. */
    rig_serve(replies);
    run = RIG("generate", "m", "--image-urls", middle, "--image-urls", middle);
    assert_int_equal(run->status, COMMAND_SUCCEEDED);
    assert_non_null(strstr(rig_requests(), "POST /api/v1/uploads "));
    assert_non_null(strstr(rig_requests(), "\",\"reel://upl_01m7ydch57000bs84t645vp8sw\"]"));
    rig_stop();
}

static void test_what_goes_wrong(void **state)
{
    static const struct rig_reply refusing[] = {
        {"GET /api/v1/models/m ", 200, MODEL, 0},
        {"POST /api/v1/uploads ", 413,
         "{\"success\":false,\"error\":\"The file is too large.\",\"errorCode\":\"too_large\"}", 0},
        {0}};
    static const struct rig_reply odd[] = {{"GET /api/v1/models/m ", 200, MODEL, 0},
                                           {"POST /api/v1/uploads ", 201, "{\"url\":\"x\"}", 0},
                                           {0}};
    static const struct rig_reply lost[] = {{"GET /api/v1/models/m ", 200, MODEL, 0},
                                            {"POST /api/v1/uploads ", 201, UPLOADED, 0},
                                            {"POST ", RIG_DROP, "", 0},
                                            {0}};
    rig_serve(refusing);
    const struct rig_run *run = RIG("generate", "m", "--image-url", large);
    assert_int_equal(run->status, COMMAND_FAILED);
    assert_string_equal(run->error, "reel: The file is too large.\n");
    assert_null(strstr(rig_requests(), "POST /api/v1/generate"));
    run = RIG("generate", "m", "--image-url", folder);
    assert_int_equal(run->status, COMMAND_USAGE);
    assert_non_null(strstr(run->error, "it is no plain file"));
    rig_stop();
    rig_serve(odd);
    run = RIG("generate", "m", "--image-url", large);
    assert_int_equal(run->status, COMMAND_UNREACHABLE);
    assert_non_null(strstr(run->error, "names no upload"));
    rig_stop();
    /* Asking again is safe with the key and with what is up already. */
    rig_serve(lost);
    run = RIG("generate", "m", "--image-url", large);
    assert_int_equal(run->status, COMMAND_UNREACHABLE);
    assert_non_null(strstr(run->error, "--idempotency-key cli-"));
    assert_non_null(strstr(run->error, "and with reel://upl_01m7ydch57000bs84t645vp8sw in place"));
    rig_stop();
}

static int make_files(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(small, sizeof small, "%s/small.png", folder);
    (void)snprintf(middle, sizeof middle, "%s/middle.png", folder);
    (void)snprintf(large, sizeof large, "%s/large.png", folder);
    put(small, SMALL);
    put(middle, PARAMETERS_FILE_MAX / 2 + 1);
    put(large, LARGE);
    return 0;
}

static int remove_files(void **state)
{
    return unlink(small) | unlink(middle) | unlink(large) | rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_files_go_inside),
        cmocka_unit_test(test_large_files_go_up_first),
        cmocka_unit_test(test_what_goes_wrong),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
