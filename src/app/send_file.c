#include "app/send_file.h"

#include "app/command.h"
#include "app/progress_bar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN_FROM = 2 << 20 /* smaller files are there before anybody has read the bar */ };

struct sending {
    struct terminal terminal;
    const char *label;
    unsigned percent; /* shown last; above 100: nothing yet */
};

static void show(void *context, uint64_t done, uint64_t size)
{
    struct sending *sending = context;
    unsigned percent = size > 0 ? (unsigned)(done * 100 / size) : 100;
    struct buffer text;
    if (percent == sending->percent)
        return;
    sending->percent = percent;
    buffer_init(&text, 8192);
    const struct progress_bar bar = {
        .label = sending->label, .percent = percent, .stage = "Uploading", .left = MS_NEVER};
    buffer_add_text(&text, "\r");
    progress_bar_write(&bar, &sending->terminal, &text);
    buffer_add_text(&text, "\033[K");
    fprintf(stderr, "%.*s", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
}

static int post(struct client *client, const struct client_file *file, bool as_json,
                char ret_url[static SEND_FILE_URL_SIZE])
{
    struct client_answer answer;
    const struct client_request request = {
        .method = "POST", .path = "/api/v1/uploads", .file = file};
    int status = COMMAND_SUCCEEDED;
    if (client_ask(client, &request, &answer) != CLIENT_OK) {
        status = client_complain(client, &answer, as_json);
    } else {
        struct span url = json_span(json_object_get(answer.json, "url"));
        if (!span_starts(url, "reel://") || !span_copy(url, ret_url, SEND_FILE_URL_SIZE)) {
            fprintf(stderr, "reel: the server's answer names no upload\n");
            status = COMMAND_UNREACHABLE;
        }
    }
    client_answer_done(&answer);
    return status;
}

int send_file_run(struct client *client, const char *path, bool is_quiet, bool as_json,
                  char ret_url[static SEND_FILE_URL_SIZE])
{
    struct stat found;
    const char *slash = strrchr(path, '/');
    struct sending sending = {.label = slash ? slash + 1 : path, .percent = UINT32_MAX};
    struct client_file file = {.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.fd < 0 || fstat(file.fd, &found) != 0 || !S_ISREG(found.st_mode)) {
        fprintf(stderr, "reel: ");
        command_print(stderr, path);
        fprintf(stderr, "This file can't be read: %s.\n",
                file.fd < 0 ? strerror(errno) : "it is no plain file");
        if (file.fd >= 0)
            (void)close(file.fd);
        return COMMAND_USAGE;
    }
    file.size = (uint64_t)found.st_size;
    terminal_init(&sending.terminal, stderr);
    bool shows = sending.terminal.is_terminal && !is_quiet && file.size >= SHOWN_FROM;
    file.progress = shows ? show : NULL;
    file.context = &sending;
    int status = post(client, &file, as_json, ret_url);
    if (sending.percent <= 100)
        fprintf(stderr, status == COMMAND_SUCCEEDED ? "\r\033[K" : "\n");
    (void)close(file.fd);
    return status;
}
