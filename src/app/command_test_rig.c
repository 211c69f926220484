#include "app/command_test_rig.h"

#include "app/command.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { REQUEST_MAX = 1 << 21, REPLIES_MAX = 16, LOG_MAX = 1 << 21, POLL_MS = 5 };

/* Shared with the server's process. */
struct shared {
    atomic_uint requests;
    unsigned used[REPLIES_MAX];
    size_t size;
    char log[LOG_MAX];
};

static struct shared *shared;
static pid_t server;
static int port;
static char request[REQUEST_MAX + 1];

static const struct rig_reply *choose(const struct rig_reply *replies)
{
    for (size_t n = 0; replies[n].request; n++) {
        size_t size = strlen(replies[n].request);
        if (strncmp(request, replies[n].request, size) != 0)
            continue;
        if (replies[n].times && shared->used[n] >= replies[n].times)
            continue;
        shared->used[n]++;
        return &replies[n];
    }
    return NULL;
}

/* One whole request into `request`; false when the connection ended. */
static bool read_request(int fd)
{
    size_t size = 0;
    request[0] = '\0';
    for (;;) {
        char *end = strstr(request, "\r\n\r\n");
        if (end && size == (size_t)(end + 4 - request) && strcasestr(request, "\r\nexpect:"))
            (void)dprintf(fd, "HTTP/1.1 100 Continue\r\n\r\n");
        if (end) {
            const char *length = strcasestr(request, "\r\ncontent-length:");
            size_t body = length && length < end ? (size_t)strtoul(length + 17, NULL, 10) : 0;
            if (size >= (size_t)(end + 4 - request) + body)
                return true;
        }
        ssize_t got = read(fd, request + size, REQUEST_MAX - size);
        if (got <= 0)
            return false;
        size += (size_t)got;
        request[size] = '\0';
    }
}

static void answer(int fd, const struct rig_reply *replies)
{
    static const char nothing[] =
        "{\"success\":false,\"error\":\"There is no such thing.\",\"errorCode\":\"not_found\"}";
    const struct rig_reply *reply = choose(replies);
    size_t size = strlen(request);
    if (shared->size + size + 2 < LOG_MAX) {
        memcpy(shared->log + shared->size, request, size + 1);
        shared->size += size;
        shared->log[shared->size++] = '\n';
        shared->log[shared->size] = '\0';
    }
    atomic_fetch_add(&shared->requests, 1);
    if (reply && reply->status == RIG_DROP)
        return;
    const char *body = reply ? reply->body : nothing;
    (void)dprintf(fd,
                  "HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\n"
                  "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                  reply ? reply->status : 404, strlen(body), body);
}

void rig_serve(const struct rig_reply *replies)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    port = ntohs(address.sin_port);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    fflush(NULL);
    server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        /* A test that fails does not come to rig_stop. */
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (fd >= 0 && read_request(fd))
                answer(fd, replies);
            close(fd);
        }
    }
    close(listener);
}

void rig_stop(void)
{
    (void)kill(server, SIGKILL);
    (void)waitpid(server, NULL, 0);
    (void)munmap(shared, sizeof *shared);
}

const char *rig_requests(void)
{
    return shared->log;
}

unsigned rig_request_count(void)
{
    return atomic_load(&shared->requests);
}

/* ---------------------------------------------------------------- the command line */

static void run_child(const char *const *words, FILE *out, FILE *error)
{
    char url[64], *copies[64];
    int count = 0;
    for (; words[count] && count < 63; count++)
        copies[count] = (char *)(uintptr_t)words[count];
    copies[count] = NULL;
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    (void)setenv("REEL_SERVER", url, 1);
    if (!getenv("AUTH_TOKEN_FILE"))
        (void)setenv("AUTH_TOKEN", "test-key", 1);
    (void)setenv("TZ", "UTC", 1);
    (void)dup2(fileno(out), STDOUT_FILENO);
    (void)dup2(fileno(error), STDERR_FILENO);
    exit(command_main(count, copies));
}

static void take(FILE *file, char target[static RIG_TEXT_MAX])
{
    rewind(file);
    size_t size = fread(target, 1, RIG_TEXT_MAX - 1, file);
    target[size] = '\0';
    (void)fclose(file);
}

const struct rig_run *rig_interrupt(const char *const *words, unsigned count)
{
    static struct rig_run run;
    FILE *out = tmpfile(), *error = tmpfile();
    int status;
    assert_non_null(out);
    assert_non_null(error);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        run_child(words, out, error);
    while (count > 0 && rig_request_count() < count) {
        struct timespec pause = {0, POLL_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
    if (count > 0)
        (void)kill(child, SIGINT);
    assert_int_equal(waitpid(child, &status, 0), child);
    run.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    take(out, run.out);
    take(error, run.error);
    return &run;
}

const struct rig_run *rig_run(const char *const *words)
{
    return rig_interrupt(words, 0);
}
