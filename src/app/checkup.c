#include "app/checkup.h"

#include "app/glyph.h"
#include "app/human.h"
#include "app/link.h"
#include "app/terminal.h"
#include "app/token.h"
#include "base/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>

enum { TEXT_MAX = 2000, PATH_ROOM = 4200, TOKEN_LEAST = 16, ANSWER_S = 2, REPORT_MAX = 1 << 20 };

void checkup_init(struct checkup *checkup)
{
    checkup->count = 0;
    arena_init(&checkup->arena);
}

void checkup_done(struct checkup *checkup)
{
    arena_done(&checkup->arena);
}

void checkup_add(struct checkup *checkup, enum checkup_grade grade, const char *subject,
                 const char *hint, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list arguments;
    if (checkup->count == CHECKUP_MAX)
        return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    checkup->findings[checkup->count++] =
        (struct checkup_finding){grade, subject, arena_copy(&checkup->arena, span_of(text)), hint};
}

bool checkup_failed(const struct checkup *checkup)
{
    for (unsigned n = 0; n < checkup->count; n++) {
        if (checkup->findings[n].grade == CHECKUP_FAIL)
            return true;
    }
    return false;
}

static const char *const grades[] = {
    [CHECKUP_OK] = "ok", [CHECKUP_WARN] = "warn", [CHECKUP_FAIL] = "fail"};

static void write_json(const struct checkup *checkup, struct buffer *text)
{
    struct json_writer json;
    json_writer_init(&json, text);
    json_open_object(&json, NULL);
    json_bool(&json, "ok", !checkup_failed(checkup));
    json_open_array(&json, "checks");
    for (unsigned n = 0; n < checkup->count; n++) {
        const struct checkup_finding *finding = &checkup->findings[n];
        json_open_object(&json, NULL);
        json_text(&json, "check", span_of(finding->subject));
        json_text(&json, "status", span_of(grades[finding->grade]));
        json_text(&json, "message", span_of(finding->text));
        json_text_if(&json, "hint", finding->hint);
        json_close_object(&json);
    }
    json_close_array(&json);
    json_close_object(&json);
    buffer_add_byte(text, '\n');
}

static void write_lines(const struct checkup *checkup, bool has_colour, struct buffer *text)
{
    static const enum terminal_ink inks[] = {TERMINAL_GREEN, TERMINAL_YELLOW, TERMINAL_RED};
    for (unsigned n = 0; n < checkup->count; n++) {
        const struct checkup_finding *finding = &checkup->findings[n];
        buffer_print(text, "%s%-5s%s %-14s ", terminal_ink(has_colour, inks[finding->grade]),
                     grades[finding->grade], terminal_ink(has_colour, TERMINAL_PLAIN),
                     finding->subject);
        glyph_add(text, span_of(finding->text));
        buffer_add_byte(text, '\n');
        if (finding->hint)
            buffer_print(text, "%21s→ %s\n", "", finding->hint);
    }
}

void checkup_write(const struct checkup *checkup, bool as_json, FILE *target)
{
    struct terminal terminal;
    struct buffer text;
    buffer_init(&text, REPORT_MAX);
    terminal_init(&terminal, target);
    if (as_json)
        write_json(checkup, &text);
    else
        write_lines(checkup, terminal.has_colour, &text);
    fprintf(target, "%.*s", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
}

/* ---------------------------------------------------------------- environment */

void checkup_environment(struct checkup *checkup, const char *const *environment)
{
    static const struct {
        const char *start, *text;
    } idle[] = {
        {"DATABASE_URL=", "is set, but this version keeps jobs in SQLite alone"},
        {"REDIS_URL=", "is set, but this version needs no Redis and uses none"},
        {"S3_", "is set, but this version keeps outputs in the home alone"},
    };
    for (; *environment; environment++) {
        struct span rest = span_of(*environment), name;
        (void)span_take(&rest, '=', &name);
        for (size_t n = 0; rest.size > 0 && n < sizeof idle / sizeof idle[0]; n++) {
            if (span_starts(span_of(*environment), idle[n].start))
                checkup_add(checkup, CHECKUP_WARN, "environment", NULL, "%.*s %s", SPAN_PRINT(name),
                            idle[n].text);
        }
    }
}

/* ---------------------------------------------------------------- home and key */

static void check_room(struct checkup *checkup, const struct config *config, const char *folder)
{
    struct statvfs room;
    char left[HUMAN_SIZE], reserve[HUMAN_SIZE];
    if (statvfs(folder, &room) != 0)
        return;
    uint64_t bytes = (uint64_t)room.f_bavail * room.f_frsize;
    human_size(bytes, left);
    human_size(config->disk_reserve, reserve);
    if (bytes < config->disk_reserve)
        checkup_add(checkup, CHECKUP_FAIL, "disk",
                    "Make room, or lower disk.reserve; new jobs are refused until then.",
                    "%s free at %s, less than the %s that are kept free", left, folder, reserve);
    else if (bytes < 4 * config->disk_reserve + (1ULL << 30))
        checkup_add(checkup, CHECKUP_WARN, "disk", "Make room before it runs full.",
                    "only %s free at %s", left, folder);
    else
        checkup_add(checkup, CHECKUP_OK, "disk", NULL, "%s free", left);
}

void checkup_home(struct checkup *checkup, const struct config *config)
{
    char parent[PATH_ROOM];
    struct stat found;
    const char *home = config->home;
    if (stat(home, &found) == 0) {
        if (!S_ISDIR(found.st_mode))
            checkup_add(checkup, CHECKUP_FAIL, "home", "Name another with --home or REEL_HOME.",
                        "%s is no folder", home);
        else if (access(home, W_OK | X_OK) != 0)
            checkup_add(checkup, CHECKUP_FAIL, "home",
                        "Give it to the user who runs reel, or name another with --home.",
                        "%s can't be written: %s", home, strerror(errno));
        else
            checkup_add(checkup, CHECKUP_OK, "home", NULL, "%s", home);
        check_room(checkup, config, home);
        return;
    }
    /* What is there of the way to it decides whether it can be made. */
    (void)span_copy(span_of(home), parent, sizeof parent);
    for (char *slash = strrchr(parent, '/'); slash; slash = strrchr(parent, '/')) {
        *slash = '\0';
        if (stat(parent[0] ? parent : "/", &found) == 0 || !config->home_is_default)
            break;
    }
    const char *above = parent[0] ? parent : "/";
    if (access(above, W_OK | X_OK) == 0)
        checkup_add(checkup, CHECKUP_OK, "home", NULL, "%s will be made", home);
    else
        checkup_add(checkup, CHECKUP_FAIL, "home", "Make it, or name another with --home.",
                    "%s is missing and can't be made: %s: %s", home, above, strerror(errno));
    check_room(checkup, config, above);
}

void checkup_key(struct checkup *checkup, const struct config *config)
{
    struct stat found;
    if (config->file && config->auth_token.size > 0 && stat(config->file, &found) == 0 &&
        (found.st_mode & 077) != 0 &&
        strncmp(config->origins[config_find(SPAN("authToken")) - config_table], config->file,
                strlen(config->file)) == 0)
        checkup_add(checkup, CHECKUP_WARN, "key", "chmod 600 it, or use AUTH_TOKEN_FILE.",
                    "%s holds the key, and others can read it", config->file);
    if (config->no_auth) {
        checkup_add(checkup, config->listen.is_loopback ? CHECKUP_WARN : CHECKUP_FAIL, "key",
                    config->listen.is_loopback ? NULL : "Set AUTH_TOKEN instead of noAuth.",
                    "none is asked for (noAuth)");
    } else if (config->auth_token.size == 0) {
        struct secret token = token_read(config->home);
        checkup_add(checkup, CHECKUP_OK, "key", NULL,
                    token.size > 0 ? "in %s/token" : "will be made in %s/token", config->home);
        secret_done(&token);
    } else if (config->auth_token.size < TOKEN_LEAST) {
        checkup_add(checkup, CHECKUP_WARN, "key", "openssl rand -hex 24 makes a good one.",
                    "it has only %zu characters and may be guessed", config->auth_token.size);
    } else {
        checkup_add(checkup, CHECKUP_OK, "key", NULL, "from %s",
                    config->origins[config_find(SPAN("authToken")) - config_table]);
    }
}

/* ---------------------------------------------------------------- address */

static socklen_t make_address(const struct config_address *address,
                              struct sockaddr_storage *ret_storage)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(address->port)};
    *ret_storage = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, address->host, &four.sin_addr) == 1) {
        memcpy(ret_storage, &four, sizeof four);
        return sizeof four;
    }
    (void)inet_pton(AF_INET6, address->host, &six.sin6_addr);
    memcpy(ret_storage, &six, sizeof six);
    return sizeof six;
}

/* Whether what listens there answers /healthz as a web server does. */
static bool answers(const struct sockaddr_storage *address, socklen_t size)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
                                  "Connection: close\r\n\r\n";
    char reply[16] = "";
    struct timeval patience = {.tv_sec = ANSWER_S};
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    bool good = connect(fd, (const struct sockaddr *)address, size) == 0 &&
                send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 &&
                recv(fd, reply, sizeof reply - 1, MSG_WAITALL) > 12 &&
                strncmp(reply, "HTTP/1.1 200", 12) == 0;
    (void)close(fd);
    return good;
}

void checkup_address(struct checkup *checkup, const struct config *config)
{
    struct sockaddr_storage address;
    socklen_t size = make_address(&config->listen, &address);
    const char *host = config->listen.host;
    unsigned port = config->listen.port;
    int on = 1, fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        checkup_add(checkup, CHECKUP_FAIL, "address", NULL, "%s: %s", host, strerror(errno));
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)&address, size) == 0 && listen(fd, 1) == 0) {
        checkup_add(checkup, CHECKUP_OK, "address", NULL, "%s port %u is free", host, port);
    } else if (errno == EADDRINUSE) {
        if (answers(&address, size))
            checkup_add(checkup, CHECKUP_OK, "address", NULL, "a server answers at %s port %u",
                        host, port);
        else
            checkup_add(checkup, CHECKUP_FAIL, "address",
                        "Stop the other program, or listen elsewhere: --listen ADDR:PORT",
                        "%s port %u is in use by something else", host, port);
    } else {
        checkup_add(checkup, CHECKUP_FAIL, "address",
                    errno == EACCES ? "Use a port from 1024 on, or give the right to bind it."
                                    : "`ip address` shows the addresses that there are.",
                    "%s port %u can't be had: %s", host, port, strerror(errno));
    }
    (void)close(fd);
}

void checkup_webhooks(struct checkup *checkup, const struct config *config)
{
    struct buffer base;
    buffer_init(&base, 4096);
    link_base(config, config->listen.port, &base);
    if (config->public_url)
        checkup_add(checkup, CHECKUP_OK, "webhooks", NULL, "links in them start with %s",
                    config->public_url);
    else
        checkup_add(checkup, CHECKUP_WARN, "webhooks",
                    "Set publicUrl to the address at which receivers reach this server.",
                    "links to outputs in them start with %s, for publicUrl is not set", base.data);
    buffer_done(&base);
    checkup_add(checkup, CHECKUP_OK, "webhooks",
                "GET /api/v1/jobs/{id}/deliveries says why one did not arrive; POST "
                "/api/v1/webhooks/test tries a receiver.",
                "%u tries, %lld s for each answer", config->webhooks.schedule_count,
                (long long)(config->webhooks.timeout / MS_SECOND));
    if (config->alerts.url && config->alerts.secret.size == 0)
        checkup_add(checkup, CHECKUP_WARN, "alerts", "Set alerts.secret.",
                    "alerts are sent without a signature");
}

/* ---------------------------------------------------------------- store */

/* A server holds a lock on the home while it runs; then its database is left alone. */
static bool home_is_held(const char *home)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "%s/lock", home);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (fd >= 0)
        (void)close(fd);
    return held;
}

static void check_pages(struct checkup *checkup, sqlite3 *database, const char *path)
{
    sqlite3_stmt *statement = NULL;
    const char *word = NULL;
    int code = sqlite3_prepare_v2(database, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        word = (const char *)sqlite3_column_text(statement, 0);
    if (word && strcmp(word, "ok") == 0)
        checkup_add(checkup, CHECKUP_OK, "database", NULL, "%s is sound", path);
    else
        checkup_add(checkup, CHECKUP_FAIL, "database",
                    "Keep a copy of the home, then restore a backup.", "%s: %s", path,
                    word ? word : sqlite3_errmsg(database));
    sqlite3_finalize(statement);
}

void checkup_store(struct checkup *checkup, const struct config *config)
{
    char path[PATH_ROOM];
    sqlite3 *database = NULL;
    (void)snprintf(path, sizeof path, "%s/reel.db", config->home);
    if (access(path, F_OK) != 0) {
        checkup_add(checkup, CHECKUP_OK, "database", NULL, "will be made at the first start");
        return;
    }
    if (home_is_held(config->home)) {
        checkup_add(checkup, CHECKUP_OK, "database", NULL,
                    "in use by a running server; not looked into");
        return;
    }
    if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK)
        check_pages(checkup, database, path);
    else
        checkup_add(checkup, CHECKUP_FAIL, "database", NULL, "%s can't be opened: %s", path,
                    sqlite3_errmsg(database));
    sqlite3_close(database);
}
