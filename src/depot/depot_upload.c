#include "depot/depot_upload.h"

#include "depot/depot_file.h"
#include "depot/depot_give.h"
#include "depot/depot_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* False for what is no upload's id. */
static bool read_id(struct span id, char name[static DEPOT_NAME_SIZE])
{
    return depot_is_id(id) && span_starts(id, "upl_") && span_copy(id, name, DEPOT_NAME_SIZE);
}

enum depot_result depot_upload_begin(struct depot *depot, struct span id, int *ret_fd)
{
    char name[DEPOT_NAME_SIZE];
    if (!read_id(id, name))
        return DEPOT_REFUSED;
    int fd =
        openat(depot->staging, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST ? DEPOT_TAKEN : depot_file_result("an upload can't be begun");
    *ret_fd = fd;
    return DEPOT_OK;
}

static bool move(struct depot *depot, const char *name)
{
    if (renameat2(depot->staging, name, depot->uploads, name, RENAME_NOREPLACE) == 0)
        return true;
    /* Some file systems can't promise that; ids are never given twice. */
    return errno == EINVAL && renameat(depot->staging, name, depot->uploads, name) == 0;
}

enum depot_result depot_upload_keep(struct depot *depot, struct span id, int fd)
{
    char name[DEPOT_NAME_SIZE];
    if (!read_id(id, name))
        return DEPOT_REFUSED;
    if (fchmod(fd, 0444) != 0 || fsync(fd) != 0)
        return depot_file_result("an upload can't be synced");
    if (!move(depot, name))
        return errno == EEXIST ? DEPOT_TAKEN
                               : depot_file_result("an upload can't be moved into place");
    if (fsync(depot->uploads) != 0)
        return depot_file_result("the folder of uploads can't be synced");
    return DEPOT_OK;
}

static enum depot_result take_away(int folder, struct span id)
{
    char name[DEPOT_NAME_SIZE];
    if (!read_id(id, name))
        return DEPOT_REFUSED;
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return DEPOT_OK;
    return depot_file_result("an upload can't be removed");
}

enum depot_result depot_upload_abort(struct depot *depot, struct span id)
{
    return take_away(depot->staging, id);
}

enum depot_result depot_upload_path(const struct depot *depot, struct span id,
                                    char ret_path[static DEPOT_PATH_SIZE])
{
    char name[DEPOT_NAME_SIZE];
    if (!read_id(id, name))
        return DEPOT_REFUSED;
    (void)snprintf(ret_path, DEPOT_PATH_SIZE, "%s/uploads/%s", depot->home, name);
    return DEPOT_OK;
}

enum depot_result depot_upload_remove(struct depot *depot, struct span id)
{
    return take_away(depot->uploads, id);
}

enum depot_result depot_upload_link(struct depot *depot, struct span id, const char *work_folder,
                                    struct span name)
{
    char path[DEPOT_PATH_SIZE], text[DEPOT_NAME_SIZE];
    if (!read_id(id, text))
        return DEPOT_REFUSED;
    (void)snprintf(path, sizeof path, "%s/uploads/%s", depot->home, text);
    return depot_link(path, work_folder, name);
}

struct sweep {
    bool (*is_known)(void *context, struct span id);
    void *context;
};

static bool is_any(void *context, const char *name, ms_t changed_at)
{
    (void)context;
    (void)name;
    (void)changed_at;
    return true;
}

static bool is_orphan(void *context, const char *name, ms_t changed_at)
{
    const struct sweep *sweep = context;
    (void)changed_at;
    return span_starts(span_of(name), "upl_") && !sweep->is_known(sweep->context, span_of(name));
}

unsigned depot_upload_sweep(struct depot *depot, bool (*is_known)(void *context, struct span id),
                            void *context)
{
    struct sweep sweep = {is_known, context};
    return depot_file_sweep(depot->staging, is_any, NULL) +
           depot_file_sweep(depot->uploads, is_orphan, &sweep);
}
