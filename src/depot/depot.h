/* Outputs: files that belong to jobs. On disk the layout under the home folder is
 *
 *     lock                              who runs here (depot_lock)
 *     outputs/{jobId}/output[-n].{ext}  what clients fetch; never changed once there
 *     outputs/{jobId}/thumbnail[-n].jpg
 *     work/{jobId}.{attempt}/           private folders of work under way
 *     uploads/{uploadId}                what clients sent (depot_upload.h)
 *     uploads/staging/                  … and are still sending
 *
 * An output is durable before a row names it: depot_keep counts its digest, syncs the file, renames
 * it into place and syncs the folders. All calls block on the disk and may come from any thread,
 * for one job from one thread at a time. Nothing here reads a clock. */
#ifndef DEPOT_DEPOT_H
#define DEPOT_DEPOT_H

#include "base/crypto.h"
#include "base/time.h"

enum { DEPOT_PATH_SIZE = 1024, DEPOT_NAME_SIZE = 64, DEPOT_FAULT_SIZE = 400 };

#define DEPOT_RESULT_LIST(X)                                                                       \
    X(OK, ok)                                                                                      \
    X(FULL, full)       /* no room on the disk, or the quota is spent */                           \
    X(MISSING, missing) /* there is no such file */                                                \
    X(REFUSED, refused) /* a name or id that no file of ours has */                                \
    X(TAKEN, taken)     /* another file has that place already */                                  \
    X(BROKEN, broken)   /* anything else; the log has the errno */

enum depot_result {
#define DEPOT_RESULT_ENUM(name, text) DEPOT_##name,
    DEPOT_RESULT_LIST(DEPOT_RESULT_ENUM)
#undef DEPOT_RESULT_ENUM
        DEPOT_RESULT_COUNT
};

const char *depot_result_name(enum depot_result result);

struct depot;
struct depot_lock;

/* Takes the home for this process: makes the folder when only it is missing, checks that it can be
 * written, and holds an flock until depot_unlock or death. NULL, with a sentence, when the parent
 * is missing, it is no folder, it can't be written, or a server holds it (the sentence names its
 * pid). */
struct depot_lock *depot_lock(const char *home, char ret_fault[static DEPOT_FAULT_SIZE]);
/* Whether somebody holds it; for who was refused it. */
bool depot_is_locked(const char *home);
/* What was made or renamed in the folder outlives a power cut from then on; false with errno. */
bool depot_sync_folder(const char *path);
/* Accepts NULL. */
void depot_unlock(struct depot_lock *lock);

/* Makes the folders that are missing; `home` must be there. NULL with a sentence on failure. */
struct depot *depot_make(const char *home, char ret_fault[static DEPOT_FAULT_SIZE]);
/* Leaves the files. Accepts NULL. */
void depot_free(struct depot *depot);

/* Where we are root, the workers are the user and group `user`; 0, or not being root, leaves them
 * ours. Called before the first work folder. False, logged, when it can't be. */
bool depot_set_user(struct depot *depot, unsigned user);

struct depot_kept {
    uint64_t size;
    char sha256[CRYPTO_SHA256_HEX];
};

/* An empty folder that only we may enter; what an earlier life left in it is removed. */
enum depot_result depot_work_folder(struct depot *depot, struct span job, unsigned attempt,
                                    char ret_path[static DEPOT_PATH_SIZE]);
/* Makes the folder and the inputs in it the workers', once all inputs are there. */
enum depot_result depot_give_work(struct depot *depot, struct span job, unsigned attempt);
enum depot_result depot_remove_work(struct depot *depot, struct span job, unsigned attempt);
/* Moves a file from under the work folder into the job's outputs, durably. When the same content is
 * there already (a crash came between this and the row) that is fine too, whether or not `path`
 * still exists; other content there is TAKEN. A symbolic link or anything but a plain file is
 * REFUSED. The file becomes ours and read-only; one that is still being written to is BROKEN. */
enum depot_result depot_keep(struct depot *depot, const char *path, struct span job,
                             struct span name, struct depot_kept *ret_kept);
/* The path of an output; says nothing about whether it exists. REFUSED for names that are not
 * `output`, `output-2` …, `thumbnail`, `thumbnail-2` … with a known extension. */
enum depot_result depot_path(const struct depot *depot, struct span job, struct span name,
                             char ret_path[static DEPOT_PATH_SIZE]);
/* A descriptor for reading (the caller closes it) and the size. Follows no links. */
enum depot_result depot_open(const struct depot *depot, struct span job, struct span name,
                             int *ret_fd, uint64_t *ret_size);
/* Puts another job's output into a work folder as `name` (one plain file name), read-only: a hard
 * link where that works, else a copy. */
enum depot_result depot_link_input(struct depot *depot, struct span source_job,
                                   struct span source_name, const char *work_folder,
                                   struct span name);
/* All outputs of a job; OK when there are none. */
enum depot_result depot_remove_job(struct depot *depot, struct span job);
/* … but the first `kept`, with their thumbnails. */
enum depot_result depot_remove_outputs(struct depot *depot, struct span job, unsigned kept);
/* At start: removes work folders, and what is left of a crash, last changed before `older_than`
 * (wall clock) unless `is_known` says that the job may still use them. Gives the number removed. */
unsigned depot_sweep(struct depot *depot, ms_t older_than,
                     bool (*is_known)(void *context, struct span job), void *context);
/* Removes the outputs of jobs that `is_known` does not know. Safe at any time as long as it knows
 * every job that may still keep one. Gives the number removed. */
unsigned depot_sweep_outputs(struct depot *depot, bool (*is_known)(void *context, struct span job),
                             void *context);
/* Room for us on the outputs' file system; 0 when it can't be asked. */
uint64_t depot_free_bytes(const struct depot *depot);

/* "video/mp4" for a name's extension, "application/octet-stream" for none that we know. */
const char *depot_type(struct span name);
/* ".mp4" for "video/mp4", NULL for a type that no output has. */
const char *depot_extension(struct span type);

#endif
