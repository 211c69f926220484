#include "app/backup.h"

#include "app/interrupt.h"
#include "base/json.h"
#include "depot/depot_archive.h"
#include "depot/depot_copy.h"
#include "edge/clock.h"
#include "store/sqlite_backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 3, MANIFEST_MAX = 128 * 1024 };

#define DATABASE "reel.db"
#define MANIFEST "backup.json"
#define DRAFT    "restore.part"
#define UNPACKED "unpacked.part"
#define ARCHIVE  "archive.tar"

struct carrying {
    const struct backup_order *order;
    struct backup_report *report;
    const char *from, *to; /* trees */
    int64_t done;
    enum backup_result result;
};

void backup_report_init(struct backup_report *report)
{
    *report = (struct backup_report){0};
    buffer_init(&report->damages, BACKUP_DAMAGES_MAX);
}

void backup_report_done(struct backup_report *report)
{
    buffer_done(&report->damages);
}

__attribute__((format(printf, 2, 3))) static enum backup_result fail(struct backup_report *report,
                                                                     const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(report->fault, sizeof report->fault, format, arguments);
    va_end(arguments);
    return BACKUP_FAILED;
}

static void path_in(const char *tree, const char *name, char target[static DEPOT_PATH_SIZE])
{
    if (snprintf(target, DEPOT_PATH_SIZE, "%s/%s", tree, name) >= DEPOT_PATH_SIZE)
        target[0] = '\0'; /* opens nothing */
}

/* ---------------------------------------------------------------- files */

static void note_damage(struct carrying *carrying, const struct sqlite_backup_file *file,
                        const char *what)
{
    carrying->report->damaged++;
    buffer_print(&carrying->report->damages, "%s/%s/%s %s\n", file->folder, file->owner, file->name,
                 what);
}

static void judge(struct carrying *carrying, const struct sqlite_backup_file *file,
                  enum depot_result result, const struct depot_kept *kept)
{
    struct backup_report *report = carrying->report;
    if (result == DEPOT_OK && file->size >= 0 && (uint64_t)file->size != kept->size)
        note_damage(carrying, file, "has another size than it should");
    else if (result == DEPOT_OK && file->sha256 && strcasecmp(file->sha256, kept->sha256) != 0)
        note_damage(carrying, file, "has another SHA-256 than it should");
    else if (result == DEPOT_MISSING)
        note_damage(carrying, file, "is missing");
    else if (result == DEPOT_REFUSED)
        note_damage(carrying, file, "is no plain file");
    else if (result == DEPOT_FULL)
        carrying->result = fail(report, "the disk is full");
    else if (result != DEPOT_OK)
        carrying->result =
            fail(report, "%s/%s/%s can't be copied: %s", file->folder, file->owner, file->name,
                 result == DEPOT_TAKEN ? "it came twice" : strerror(errno));
    if (result == DEPOT_OK) {
        report->files++;
        report->bytes += kept->size;
    }
}

static bool carry_file(void *context, const struct sqlite_backup_file *file)
{
    struct carrying *carrying = context;
    struct depot_kept kept;
    const struct depot_copy copy = {carrying->from, carrying->to, file->folder,
                                    file->owner,    file->name,   carrying->order->may_link};
    if (interrupt_seen()) {
        carrying->result = BACKUP_INTERRUPTED;
        return false;
    }
    judge(carrying, file, depot_copy_file(&copy, &kept), &kept);
    carrying->done++;
    return carrying->result == BACKUP_DONE;
}

struct counting {
    struct carrying *carrying;
    int64_t files;
};

static bool carry_and_show(void *context, const struct sqlite_backup_file *file)
{
    struct counting *counting = context;
    const struct backup_order *order = counting->carrying->order;
    bool more = carry_file(counting->carrying, file);
    if (order->progress)
        order->progress(order->context, counting->carrying->done, counting->files);
    return more;
}

/* The copied database is checked and says which files there must be; they are brought after it. */
static enum backup_result carry_files(struct carrying *carrying)
{
    struct backup_report *report = carrying->report;
    struct sqlite_backup_facts facts;
    char database[DEPOT_PATH_SIZE], fault[STORE_FAULT_SIZE];
    report->files = report->damaged = 0;
    report->bytes = 0;
    carrying->done = 0;
    carrying->result = BACKUP_DONE;
    buffer_clear(&report->damages);
    path_in(carrying->to, DATABASE, database);
    if (!sqlite_backup_check(database, &facts, fault))
        return fail(report, "%s", fault);
    report->jobs = facts.jobs;
    struct counting counting = {carrying, facts.files};
    if (!sqlite_backup_files(database, carry_and_show, &counting, fault))
        return fail(report, "%s", fault);
    if (carrying->result == BACKUP_DONE && report->damaged > 0)
        return BACKUP_DAMAGED;
    return carrying->result;
}

/* A file of the home's own folder; one that is not there is none. Never linked, for it may be
 * written to in its place. */
static enum backup_result carry_own(struct carrying *carrying, const char *name)
{
    struct depot_kept kept;
    const struct depot_copy copy = {carrying->from, carrying->to, "", "", name, false};
    enum depot_result result = depot_copy_file(&copy, &kept);
    if (result == DEPOT_OK || result == DEPOT_MISSING)
        return BACKUP_DONE;
    return fail(carrying->report, "%s can't be copied: %s", name, depot_result_name(result));
}

/* ---------------------------------------------------------------- making one */

static enum backup_result write_manifest(struct carrying *carrying)
{
    const struct backup_report *report = carrying->report;
    struct buffer text;
    struct json_writer json;
    char path[DEPOT_PATH_SIZE];
    buffer_init(&text, MANIFEST_MAX);
    json_writer_init(&json, &text);
    json_open_object(&json, NULL);
    json_text(&json, "reel", SPAN(REEL_VERSION));
    json_time(&json, "createdAt", clock_wall());
    json_number(&json, "jobs", report->jobs);
    json_number(&json, "files", report->files);
    json_number(&json, "bytes", (int64_t)report->bytes);
    json_number(&json, "damaged", report->damaged);
    json_close_object(&json);
    buffer_add_byte(&text, '\n');
    path_in(carrying->to, MANIFEST, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, text.data, text.size) == (ssize_t)text.size;
    good = fd >= 0 && close(fd) == 0 && good;
    buffer_done(&text);
    return good ? BACKUP_DONE
                : fail(carrying->report, "%s can't be written: %s", path, strerror(errno));
}

static enum backup_result copy_database(struct carrying *carrying)
{
    char from[DEPOT_PATH_SIZE], to[DEPOT_PATH_SIZE], fault[STORE_FAULT_SIZE];
    path_in(carrying->from, DATABASE, from);
    path_in(carrying->to, DATABASE, to);
    return sqlite_backup_copy(from, to, fault) ? BACKUP_DONE : fail(carrying->report, "%s", fault);
}

/* Jobs are removed while we look: then the files of an earlier moment are gone, and the database as
 * it is now no longer names them. */
static enum backup_result fill(struct carrying *carrying, struct depot_draft *draft)
{
    enum backup_result result = BACKUP_DAMAGED;
    for (int tries = 0; tries < TRIES && result == BACKUP_DAMAGED; tries++) {
        if (!depot_draft_clear(draft))
            return fail(carrying->report, "%s can't be emptied", carrying->to);
        result = copy_database(carrying);
        if (result == BACKUP_DONE)
            result = carry_files(carrying);
    }
    if (result == BACKUP_DAMAGED && carrying->order->keeps_damaged)
        result = BACKUP_DONE;
    if (result == BACKUP_DONE)
        result = carry_own(carrying, "token");
    if (result == BACKUP_DONE)
        result = carry_own(carrying, "reel.yaml");
    return result == BACKUP_DONE ? write_manifest(carrying) : result;
}

static bool is_archive_name(const char *place)
{
    return span_ends(span_of(place), ".tar");
}

/* The folder becomes a file in itself, which then gets the place; the rest goes with the draft. */
static enum backup_result settle_archive(struct carrying *carrying, const struct depot_draft *draft)
{
    struct backup_report *report = carrying->report;
    char path[DEPOT_PATH_SIZE], fault[DEPOT_FAULT_SIZE] = "";
    path_in(depot_draft_path(draft), ARCHIVE, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good =
        fd >= 0 && depot_archive_write(depot_draft_path(draft), ARCHIVE, fd, interrupt_seen, fault);
    good = good && fsync(fd) == 0;
    /* Neither replaces anything. */
    const char *place = carrying->order->place;
    good = good && (renameat2(AT_FDCWD, path, AT_FDCWD, place, RENAME_NOREPLACE) == 0 ||
                    (errno == EINVAL && link(path, place) == 0));
    good = good && depot_draft_sync_above(draft);
    int error = errno;
    if (fd >= 0)
        (void)close(fd);
    if (good)
        return BACKUP_DONE;
    if (interrupt_seen())
        return BACKUP_INTERRUPTED;
    return fault[0] ? fail(report, "%s", fault)
                    : fail(report, "%.300s can't be written: %s", carrying->order->place,
                           strerror(error));
}

enum backup_result backup_run(const struct backup_order *order, struct backup_report *report)
{
    char database[DEPOT_PATH_SIZE], fault[DEPOT_FAULT_SIZE];
    path_in(order->home, DATABASE, database);
    if (access(database, R_OK) != 0)
        return fail(report, "%.300s can't be read: %s", database, strerror(errno));
    struct depot_draft *draft = depot_draft_make(order->place, fault);
    if (!draft)
        return fail(report, "%s", fault);
    struct carrying carrying = {order, report, order->home, depot_draft_path(draft), 0, 0};
    enum backup_result result = fill(&carrying, draft);
    if (result == BACKUP_DONE && is_archive_name(order->place))
        result = settle_archive(&carrying, draft);
    else if (result == BACKUP_DONE && !depot_draft_settle(draft, fault))
        result = fail(report, "%s", fault);
    depot_draft_free(draft);
    return result;
}

/* ---------------------------------------------------------------- and back */

bool backup_half_restored(const char *home)
{
    char draft[DEPOT_PATH_SIZE], database[DEPOT_PATH_SIZE];
    path_in(home, DRAFT, draft);
    path_in(home, DATABASE, database);
    return access(draft, F_OK) == 0 && access(database, F_OK) != 0;
}

/* What a restore moves into a home, but for the database. */
static const char *const moved[] = {"outputs", "uploads", "token"};

/* Of a restore that was cut off, the parts that had been moved go back into its draft, which the
 * next one empties. */
static void take_back(const char *home)
{
    for (size_t n = 0; n < sizeof moved / sizeof moved[0]; n++) {
        char from[DEPOT_PATH_SIZE], to[DEPOT_PATH_SIZE], name[64];
        (void)snprintf(name, sizeof name, DRAFT "/%s", moved[n]);
        path_in(home, moved[n], from);
        path_in(home, name, to);
        (void)rename(from, to);
    }
}

static bool may_lie_there(const char *name)
{
    static const char *const names[] = {".",          "..",  "lock",  "reel.yaml",
                                        "lost+found", DRAFT, UNPACKED};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        if (strcmp(name, names[n]) == 0)
            return true;
    }
    return false;
}

static enum backup_result check_empty(const char *home, struct backup_report *report)
{
    enum backup_result result = BACKUP_DONE;
    DIR *entries = opendir(home);
    if (!entries)
        return fail(report, "%.300s can't be read: %s", home, strerror(errno));
    for (struct dirent *entry; result == BACKUP_DONE && (entry = readdir(entries));) {
        if (!may_lie_there(entry->d_name))
            result = fail(report,
                          "%.250s is not empty (%.60s lies there); restore into a new folder, or "
                          "move it away first",
                          home, entry->d_name);
    }
    (void)closedir(entries);
    return result;
}

/* What rows name is read-only, and so the copied database would be. */
static bool make_writable(const char *tree)
{
    char path[DEPOT_PATH_SIZE];
    path_in(tree, DATABASE, path);
    return chmod(path, 0600) == 0;
}

static enum backup_result refill(struct carrying *carrying)
{
    char own[DEPOT_PATH_SIZE];
    enum backup_result result = carry_own(carrying, DATABASE);
    if (result == BACKUP_DONE && !make_writable(carrying->to))
        result = fail(carrying->report, "%.300s holds no " DATABASE, carrying->from);
    if (result == BACKUP_DONE)
        result = carry_files(carrying);
    if (result == BACKUP_DAMAGED && carrying->order->keeps_damaged)
        result = BACKUP_DONE;
    if (result == BACKUP_DONE)
        result = carry_own(carrying, "token");
    path_in(carrying->order->home, "reel.yaml", own);
    if (result == BACKUP_DONE && access(own, F_OK) != 0)
        result = carry_own(carrying, "reel.yaml");
    return result;
}

/* A tar file as a folder beside what will be the home, for as long as the restore takes. */
static struct depot_draft *unpack(const struct backup_order *order, struct backup_report *report)
{
    char place[DEPOT_PATH_SIZE], fault[DEPOT_FAULT_SIZE];
    path_in(order->home, "unpacked", place);
    int fd = open(order->place, O_RDONLY | O_CLOEXEC);
    struct depot_draft *draft = depot_draft_make(place, fault);
    bool good =
        draft && fd >= 0 && depot_archive_read(fd, depot_draft_path(draft), interrupt_seen, fault);
    if (fd >= 0)
        (void)close(fd);
    if (good)
        return draft;
    depot_draft_free(draft);
    (void)fail(report, "%.250s: %.200s", order->place, fd < 0 ? "can't be read" : fault);
    return NULL;
}

static enum backup_result restore_tree(const struct backup_order *order,
                                       struct backup_report *report)
{
    char place[DEPOT_PATH_SIZE], fault[DEPOT_FAULT_SIZE];
    path_in(order->home, "restore", place);
    struct depot_draft *draft = depot_draft_make(place, fault);
    if (!draft)
        return fail(report, "%s", fault);
    struct carrying carrying = {order, report, order->place, depot_draft_path(draft), 0, 0};
    enum backup_result result = refill(&carrying);
    if (result == BACKUP_DONE && !depot_draft_spill(draft, order->home, DATABASE, fault))
        result = fail(report, "%s", fault);
    depot_draft_free(draft);
    return result;
}

static enum backup_result restore(const struct backup_order *order, struct backup_report *report,
                                  bool is_file)
{
    struct backup_order inner = *order;
    if (backup_half_restored(order->home))
        take_back(order->home);
    enum backup_result result = check_empty(order->home, report);
    if (result != BACKUP_DONE)
        return result;
    struct depot_draft *unpacked = is_file ? unpack(order, report) : NULL;
    if (is_file && !unpacked)
        return interrupt_seen() ? BACKUP_INTERRUPTED : BACKUP_FAILED;
    if (unpacked) {
        inner.place = depot_draft_path(unpacked);
        inner.may_link = true; /* to what goes in a moment */
    }
    result = restore_tree(&inner, report);
    depot_draft_free(unpacked);
    return result;
}

enum backup_result backup_restore(const struct backup_order *order, struct backup_report *report)
{
    char database[DEPOT_PATH_SIZE], fault[DEPOT_FAULT_SIZE];
    struct stat status;
    bool is_file = stat(order->place, &status) == 0 && S_ISREG(status.st_mode);
    path_in(order->place, DATABASE, database);
    if (!is_file && access(database, R_OK) != 0)
        return fail(report, "%.250s is no backup: its " DATABASE " can't be read: %s", order->place,
                    strerror(errno));
    struct depot_lock *lock = depot_lock(order->home, fault);
    if (!lock)
        return fail(report, "%s", fault);
    enum backup_result result = restore(order, report, is_file);
    depot_unlock(lock);
    return result;
}
