/* What a program of the user's made: the files in its folder, none of which is trusted to be one.
 * By now nobody writes there any more. */
#include "app/work_private.h"

#include "base/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES_MAX = 10000 /* of its folder */ };

static bool has_extension(const struct model *model, const char *name)
{
    const char *dot = strrchr(name, '.');
    for (unsigned n = 0; dot && n < model->extensions.count; n++) {
        if (strcasecmp(dot + 1, model->extensions.items[n]) == 0)
            return true;
    }
    return false;
}

/* Into the attempt's folder, under a name of ours. */
static bool take_file(struct work *work, int outputs, int folder, const char *name)
{
    struct stat found;
    char shown[64];
    (void)snprintf(shown, sizeof shown, "%.60s", name);
    const char *text = span_is_utf8(span_of(shown)) ? shown : "a file";
    if (fstatat(outputs, name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
        work_fail(work, ERROR_OUTPUT_INVALID, true, "The program names the output %s, %s", text,
                  "and made no such file.");
    } else if (!S_ISREG(found.st_mode) || found.st_nlink != 1) {
        work_fail(work, ERROR_OUTPUT_INVALID, false, "The program left %s, which is no plain file.",
                  text);
    } else if (!has_extension(work->model, name)) {
        work_fail(work, ERROR_OUTPUT_INVALID, false,
                  "The program names the output %s, which is no file of the model's kind.", text);
    } else if ((uint64_t)found.st_size > work->works->config.output_max) {
        work_fail(work, ERROR_TOO_LARGE, false,
                  "The output %s is larger than the %llu MB of local.maxOutput.", text,
                  (unsigned long long)(work->works->config.output_max >> 20));
    } else if (work->file_count == JOB_OUTPUTS_MAX) {
        work_fail(work, ERROR_OUTPUT_INVALID, false, "The program made more than %d files.",
                  JOB_OUTPUTS_MAX);
    } else {
        struct work_input *file = &work->inputs[work->file_count++];
        (void)snprintf(file->name, sizeof file->name, "file-%u", work->file_count - 1);
        if (renameat(outputs, name, folder, file->name) != 0)
            work_fail(work, ERROR_INTERNAL, true, "The output %s could not be moved.", text);
    }
    return work->error == ERROR_NONE;
}

static void take_named(struct work *work, int outputs, int folder, const json_t *names)
{
    const json_t *value;
    size_t n;
    json_array_foreach(names, n, value) {
        const char *name = json_string_value(value);
        if (!name || !name[0] || name[0] == '.' || strchr(name, '/'))
            work_fail(work, ERROR_OUTPUT_INVALID, false,
                      "The program names an output amiss: a plain name in its folder is allowed.");
        else if (!take_file(work, outputs, folder, name))
            return;
    }
}

/* By bytes, so that the order is the same in every language. */
static int compare(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

/* Files of other kinds and folders are passed over; what is neither is not. */
static void take_found(struct work *work, int outputs, int folder)
{
    struct dirent **names = NULL;
    int count = scandirat(outputs, ".", &names, NULL, compare);
    if (count < 0)
        work_fail(work, ERROR_INTERNAL, true, "The folder of its outputs could not be read.");
    if (count > ENTRIES_MAX)
        work_fail(work, ERROR_OUTPUT_INVALID, false, "The program left more than %d files.",
                  ENTRIES_MAX);
    for (int n = 0; n < count; n++) {
        const char *name = names[n]->d_name;
        struct stat found;
        if (work->error == ERROR_NONE && name[0] != '.' &&
            fstatat(outputs, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(found.st_mode) &&
            (!S_ISREG(found.st_mode) || has_extension(work->model, name)))
            (void)take_file(work, outputs, folder, name);
        memory_free(names[n]);
    }
    memory_free(names);
}

void work_collect(uv_work_t *request)
{
    struct work *work = request->data;
    const json_t *named = json_object_get(work->command->word, "outputs");
    int folder = open(work->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    int outputs = openat(folder, WORK_OUTPUTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    work->file_count = 0;
    if (folder < 0 || outputs < 0)
        work_fail(work, ERROR_OUTPUT_INVALID, true, "The folder of its outputs is not there.");
    else if (json_is_array(named))
        take_named(work, outputs, folder, named);
    else if (named)
        work_fail(work, ERROR_OUTPUT_INVALID, false,
                  "The program's \"outputs\" must be a list of names.");
    else
        take_found(work, outputs, folder);
    if (work->file_count == 0)
        work_fail(work, ERROR_OUTPUT_INVALID, true, "The program made no %s.",
                  work->model->extensions.items[0]);
    if (outputs >= 0)
        (void)close(outputs);
    if (folder >= 0)
        (void)close(folder);
}
