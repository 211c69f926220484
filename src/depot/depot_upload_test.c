#include "depot/depot_upload.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char home[] = "/tmp/reel-upload-XXXXXX";
static struct depot *depot;

static bool is_there(const char *below)
{
    char path[DEPOT_PATH_SIZE];
    struct stat status;
    (void)snprintf(path, sizeof path, "%s/%s", home, below);
    return lstat(path, &status) == 0;
}

static void stage(const char *id, const char *text, bool keep)
{
    int fd = -1;
    assert_int_equal(depot_upload_begin(depot, span_of(id), &fd), DEPOT_OK);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    if (keep)
        assert_int_equal(depot_upload_keep(depot, span_of(id), fd), DEPOT_OK);
    assert_int_equal(close(fd), 0);
}

static void a_file_appears_when_it_is_whole(void **state)
{
    stage("upl_1", "hello", false);
    assert_true(is_there("uploads/staging/upl_1"));
    assert_false(is_there("uploads/upl_1"));
    assert_int_equal(depot_upload_abort(depot, SPAN("upl_1")), DEPOT_OK);
    assert_int_equal(depot_upload_abort(depot, SPAN("upl_1")), DEPOT_OK);
    assert_false(is_there("uploads/staging/upl_1"));
    stage("upl_1", "hello", true);
    assert_false(is_there("uploads/staging/upl_1"));
    assert_true(is_there("uploads/upl_1"));
    int fd = -1;
    assert_int_equal(depot_upload_begin(depot, SPAN("upl_1"), &fd), DEPOT_OK);
    assert_int_equal(depot_upload_keep(depot, SPAN("upl_1"), fd), DEPOT_TAKEN);
    assert_int_equal(close(fd), 0);
    assert_int_equal(depot_upload_abort(depot, SPAN("upl_1")), DEPOT_OK);
    assert_int_equal(depot_upload_remove(depot, SPAN("upl_1")), DEPOT_OK);
    assert_int_equal(depot_upload_remove(depot, SPAN("upl_1")), DEPOT_OK);
    assert_false(is_there("uploads/upl_1"));
}

static void a_job_gets_it_by_a_link(void **state)
{
    char folder[DEPOT_PATH_SIZE], path[DEPOT_PATH_SIZE + 16];
    struct stat status;
    stage("upl_2", "hello", true);
    assert_int_equal(depot_work_folder(depot, SPAN("gen_1"), 1, folder), DEPOT_OK);
    assert_int_equal(depot_upload_link(depot, SPAN("upl_2"), folder, SPAN("input-0")), DEPOT_OK);
    (void)snprintf(path, sizeof path, "%s/input-0", folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0444);
    assert_int_equal(status.st_nlink, 2);
    /* The job keeps what it has when the upload goes. */
    assert_int_equal(depot_upload_remove(depot, SPAN("upl_2")), DEPOT_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(depot_upload_link(depot, SPAN("upl_2"), folder, SPAN("input-1")),
                     DEPOT_MISSING);
}

static void nothing_leads_out_of_the_folder(void **state)
{
    static const char *const names[] = {
        "", "..", "upl_/x", "upl_..", "../upl_1", "gen_1", "staging", "upl_\n", "upl_%2e",
    };
    int fd = -1;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        assert_int_equal(depot_upload_begin(depot, span_of(names[n]), &fd), DEPOT_REFUSED);
        assert_int_equal(depot_upload_remove(depot, span_of(names[n])), DEPOT_REFUSED);
        assert_int_equal(depot_upload_link(depot, span_of(names[n]), home, SPAN("x")),
                         DEPOT_REFUSED);
    }
    stage("upl_3", "x", true);
    assert_int_equal(depot_upload_link(depot, SPAN("upl_3"), home, SPAN("../x")), DEPOT_REFUSED);
}

static bool knows(void *context, struct span id)
{
    return span_is(id, context);
}

static void a_start_sweeps_what_nobody_names(void **state)
{
    char known[] = "upl_4";
    (void)depot_upload_sweep(depot, knows, known);
    stage("upl_4", "x", true);
    stage("upl_5", "x", true);
    stage("upl_6", "x", false);
    assert_int_equal(depot_upload_sweep(depot, knows, known), 2);
    assert_true(is_there("uploads/upl_4"));
    assert_false(is_there("uploads/upl_5"));
    assert_false(is_there("uploads/staging/upl_6"));
    assert_true(is_there("uploads/staging"));
    char job[] = "gen_7";
    char folder[DEPOT_PATH_SIZE];
    (void)snprintf(folder, sizeof folder, "%s/outputs/gen_7", home);
    assert_int_equal(mkdir(folder, 0700), 0);
    (void)snprintf(folder, sizeof folder, "%s/outputs/gen_8", home);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(depot_sweep_outputs(depot, knows, job), 1);
    assert_true(is_there("outputs/gen_7"));
    assert_false(is_there("outputs/gen_8"));
}

static int begin(void **state)
{
    char fault[DEPOT_FAULT_SIZE];
    if (!mkdtemp(home))
        return -1;
    depot = depot_make(home, fault);
    return depot ? 0 : -1;
}

static int take_away(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    return remove(path);
}

static int end(void **state)
{
    depot_free(depot);
    return nftw(home, take_away, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_appears_when_it_is_whole),
        cmocka_unit_test(a_job_gets_it_by_a_link),
        cmocka_unit_test(nothing_leads_out_of_the_folder),
        cmocka_unit_test(a_start_sweeps_what_nobody_names),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
