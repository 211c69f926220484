#include "app/user_catalog.h"

#include "catalog/fixture.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/reel-catalog-XXXXXX";

static void path_in(char target[static 200], const char *name)
{
    (void)snprintf(target, 200, "%s/%s", folder, name);
}

/* ' stands for ". */
static void write_file(const char *name, const char *text)
{
    char path[200];
    char *quoted = fixture_quote(text);
    path_in(path, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(quoted, file) >= 0);
    assert_int_equal(fclose(file), 0);
    test_free(quoted);
}

static void remove_file(const char *name)
{
    char path[200];
    path_in(path, name);
    assert_int_equal(remove(path), 0);
}

/* The folder as it is must be refused with a sentence that holds `expected`. */
static void refused(const char *where, const char *expected)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog = user_catalog_make(where, fault);
    if (catalog)
        fail_msg("not refused: %s", expected);
    if (!strstr(fault, expected))
        fail_msg("\"%s\" is not in \"%s\"", expected, fault);
}

static void reads_every_json_file(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "old";
    struct catalog *catalog = user_catalog_make(NULL, fault);
    assert_non_null(catalog);
    size_t builtin = catalog_model_count(catalog);
    assert_true(builtin > 0);
    catalog_free(catalog);
    catalog = user_catalog_make(folder, fault);
    assert_non_null(catalog);
    assert_int_equal(catalog_model_count(catalog), builtin);
    catalog_free(catalog);
    write_file("a.json", FIXTURE_MODEL("", ""));
    write_file(".b.json", "nothing");
    write_file("c.json~", "nothing");
    write_file("json", "nothing");
    write_file("d.JSON", "nothing");
    catalog = user_catalog_make(folder, fault);
    if (!catalog)
        fail_msg("%s", fault);
    assert_int_equal(catalog_model_count(catalog), builtin + 1);
    assert_non_null(catalog_find(catalog, SPAN("m")));
    catalog_free(catalog);
    static const char *const names[] = {"a.json", ".b.json", "c.json~", "json", "d.JSON"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++)
        remove_file(names[n]);
}

static void names_the_file_at_fault(void **state)
{
    char path[200];
    refused("/tmp/reel-nowhere", "the folder /tmp/reel-nowhere can't be read: No such file");
    write_file("good.json", FIXTURE_MODEL("", ""));
    path_in(path, "good.json");
    refused(path, "can't be read: Not a directory");
    write_file("twin.json", FIXTURE_MODEL("", ""));
    refused(folder, "twin.json");
    remove_file("twin.json");
    write_file("bad.json", "{'models':7}");
    refused(folder, "bad.json");
    write_file("bad.json", "{");
    refused(folder, "bad.json");
    write_file("bad.json", "");
    refused(folder, "bad.json");
    remove_file("bad.json");
    path_in(path, "folder.json");
    assert_int_equal(mkdir(path, 0700), 0);
    refused(folder, "folder.json can't be read: a plain file of at most 8 MiB");
    remove_file("folder.json");
    path_in(path, "link.json");
    assert_int_equal(symlink("nowhere", path), 0);
    refused(folder, "link.json can't be read");
    remove_file("link.json");
    write_file("large.json", "");
    path_in(path, "large.json");
    assert_int_equal(truncate(path, USER_CATALOG_FILE_SIZE_MAX + 1), 0);
    refused(folder, "large.json can't be read");
    remove_file("large.json");
    remove_file("good.json");
}

/* Nobody writes into it: reading would wait for ever. */
static void does_not_wait_for_a_pipe(void **state)
{
    char path[200];
    path_in(path, "pipe.json");
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)alarm(10);
    refused(folder, "pipe.json can't be read");
    (void)alarm(0);
    remove_file("pipe.json");
}

static void bounds_the_number_of_files(void **state)
{
    char name[32];
    for (int n = 0; n <= USER_CATALOG_FILES_MAX; n++) {
        (void)snprintf(name, sizeof name, "%03d.json", n);
        write_file(name, "{}");
    }
    refused(folder, "more than 256 files");
    for (int n = 0; n <= USER_CATALOG_FILES_MAX; n++) {
        (void)snprintf(name, sizeof name, "%03d.json", n);
        remove_file(name);
    }
}

static int begin(void **state)
{
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_json_file),
        cmocka_unit_test(names_the_file_at_fault),
        cmocka_unit_test(does_not_wait_for_a_pipe),
        cmocka_unit_test(bounds_the_number_of_files),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
