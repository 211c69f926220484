/* Golden traces: each file of traces/ is a story. Its plain lines go in; its lines with a bar are
 * what must come out, change by change and effect by effect. UPDATE_TRACES=1 writes what comes out
 * into the files instead: read the difference before you commit it. */
#include "core/trace_story.h"

#include "base/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_TEST_FILE_MAX = 1024 * 1024, TRACE_TEST_PATH = 512 };

static bool read_file(const char *path, struct buffer *ret_text)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    buffer_init(ret_text, TRACE_TEST_FILE_MAX);
    char part[4096];
    for (size_t size; (size = fread(part, 1, sizeof part, file)) > 0;)
        buffer_add(ret_text, span_make(part, size));
    (void)fclose(file);
    return !ret_text->failed;
}

static bool write_file(const char *path, struct span text)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    bool written = fwrite(text.data, 1, text.size, file) == text.size;
    return fclose(file) == 0 && written;
}

/* Shows the first line that differs. */
static void show_difference(const char *path, struct span expected, struct span found)
{
    struct span of_expected = {"", 0}, of_found = {"", 0};
    bool more_expected = true, more_found = true;
    for (unsigned line = 1; more_expected || more_found; line++) {
        of_expected = of_found = (struct span){"(the end)", 9};
        more_expected = span_take(&expected, '\n', &of_expected);
        more_found = span_take(&found, '\n', &of_found);
        if (!span_equal(of_expected, of_found)) {
            (void)printf("%s:%u:\n  expected: %.*s\n  found:    %.*s\n", path, line,
                         SPAN_PRINT(of_expected), SPAN_PRINT(of_found));
            return;
        }
    }
}

static void tell(struct trace_story *story, struct span text, const char *path)
{
    struct span line;
    unsigned number = 0;
    while (!story->fault && span_take(&text, '\n', &line)) {
        number++;
        if (line.size || text.data)
            trace_story_line(story, line);
    }
    if (story->fault)
        (void)printf("%s:%u: %s\n", path, number, story->fault);
    else
        trace_story_end(story);
}

static bool check(const char *path, bool updates)
{
    struct buffer file;
    if (!read_file(path, &file)) {
        (void)printf("%s: cannot be read\n", path);
        return false;
    }
    struct trace_story *story = memory_new(struct trace_story);
    trace_story_init(story);
    tell(story, buffer_span(&file), path);
    struct span found = buffer_span(&story->text), expected = buffer_span(&file);
    bool is_well = !story->fault && span_equal(expected, found);
    if (!story->fault && !is_well && updates)
        is_well = write_file(path, found);
    else if (!story->fault && !is_well)
        show_difference(path, expected, found);
    trace_story_done(story);
    memory_free(story);
    buffer_done(&file);
    return is_well;
}

static int compare(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int main(int count, char **arguments)
{
    if (count != 2) {
        (void)fprintf(stderr, "usage: trace_test FOLDER\n");
        return 2;
    }
    struct dirent **entries;
    int entry_count = scandir(arguments[1], &entries, NULL, compare);
    unsigned failed = 0, told = 0;
    for (int n = 0; n < entry_count; n++) {
        char path[TRACE_TEST_PATH];
        int size = snprintf(path, sizeof path, "%s/%s", arguments[1], entries[n]->d_name);
        if (span_ends(span_of(path), ".txt") && size > 0 && (size_t)size < sizeof path) {
            told++;
            failed += !check(path, getenv("UPDATE_TRACES") != NULL);
        }
        free(entries[n]);
    }
    if (entry_count >= 0)
        free(entries);
    (void)printf("%u traces, %u of them differ\n", told, failed);
    return failed || told == 0 ? 1 : 0;
}
