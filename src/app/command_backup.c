/* `reel backup` and `reel restore` */
#include "app/backup.h"
#include "app/command.h"
#include "app/config.h"
#include "app/glyph.h"
#include "app/human.h"
#include "app/interrupt.h"
#include "app/progress_bar.h"
#include "base/json.h"

#include <stdio.h>
#include <sys/resource.h>

enum { NICENESS = 10, JSON_MAX = 2 * BACKUP_DAMAGES_MAX };

const struct arguments_option command_backup_options[] = {
    {"--home", 0, "DIR", "The server's home."},
    {"--config", 'c', "FILE", "The configuration, where that names the home."},
    {"--copy", 0, NULL, "Copy files even where hard links would do."},
    {"--keep-damaged", 0, NULL, "Go on though files are missing or damaged; they are named."},
    {"--quiet", 'q', NULL, "Show no progress."},
    {0},
};

struct showing {
    struct terminal terminal;
    unsigned percent; /* shown last; above 100: nothing yet */
    const char *stage;
};

static void show(void *context, int64_t done, int64_t files)
{
    struct showing *showing = context;
    unsigned percent = files > 0 ? (unsigned)(done * 100 / files) : 100;
    struct buffer text;
    if (percent == showing->percent)
        return;
    showing->percent = percent;
    buffer_init(&text, 4096);
    const struct progress_bar bar = {
        .label = "", .percent = percent, .stage = showing->stage, .left = MS_NEVER};
    buffer_add_text(&text, "\r");
    progress_bar_write(&bar, &showing->terminal, &text);
    buffer_add_text(&text, "\033[K");
    fprintf(stderr, "%.*s", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
}

static void hide(const struct showing *showing)
{
    if (showing->percent <= 100)
        fprintf(stderr, "\r\033[K");
}

static void say_damages(const struct backup_report *report)
{
    struct buffer text;
    buffer_init(&text, 2 * BACKUP_DAMAGES_MAX);
    struct span rest = buffer_span(&report->damages), line;
    while (span_take(&rest, '\n', &line)) {
        if (line.size == 0)
            continue;
        buffer_add_text(&text, "  ");
        glyph_add(&text, line);
        buffer_add_byte(&text, '\n');
    }
    fprintf(stderr, "%.*s", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
}

static void say_json(const struct backup_order *order, const struct backup_report *report)
{
    struct buffer text;
    struct json_writer json;
    buffer_init(&text, JSON_MAX);
    json_writer_init(&json, &text);
    json_open_object(&json, NULL);
    json_text(&json, "home", span_of(order->home));
    json_text(&json, "backup", span_of(order->place));
    json_number(&json, "jobs", report->jobs);
    json_number(&json, "files", report->files);
    json_number(&json, "bytes", (int64_t)report->bytes);
    json_number(&json, "damaged", report->damaged);
    json_open_array(&json, "damages");
    struct span rest = buffer_span(&report->damages), line;
    while (span_take(&rest, '\n', &line)) {
        if (line.size > 0)
            json_text(&json, NULL, line);
    }
    json_close_array(&json);
    json_close_object(&json);
    printf("%.*s\n", SPAN_PRINT(buffer_span(&text)));
    buffer_done(&text);
}

static void say_done(const struct command_call *call, const struct backup_order *order,
                     const struct backup_report *report, bool is_restore)
{
    char size[HUMAN_SIZE];
    if (call->as_json) {
        say_json(order, report);
        return;
    }
    human_size(report->bytes, size);
    printf("%lld jobs and %lld files (%s) are in %s.\n", (long long)report->jobs,
           (long long)report->files, size, is_restore ? order->home : order->place);
    if (report->damaged > 0) {
        fprintf(stderr, "reel: %lld files are missing or damaged:\n", (long long)report->damaged);
        say_damages(report);
    }
}

static int say_end(const struct command_call *call, const struct backup_order *order,
                   const struct backup_report *report, enum backup_result result, bool is_restore)
{
    switch (result) {
    case BACKUP_DONE:
        say_done(call, order, report, is_restore);
        return report->damaged > 0 ? COMMAND_FAILED : COMMAND_SUCCEEDED;
    case BACKUP_DAMAGED:
        fprintf(stderr,
                "reel: %lld files are missing or damaged, so nothing was made; --keep-damaged goes "
                "on without them:\n",
                (long long)report->damaged);
        say_damages(report);
        return COMMAND_FAILED;
    case BACKUP_INTERRUPTED:
        fprintf(stderr, "reel: interrupted; nothing was made\n");
        return COMMAND_INTERRUPTED;
    case BACKUP_FAILED:
        break;
    }
    fprintf(stderr, "reel: ");
    command_print(stderr, report->fault);
    return COMMAND_FAILED;
}

static int run(struct command_call *call, bool is_restore)
{
    struct config config;
    struct backup_report report;
    struct showing showing = {.percent = UINT32_MAX,
                              .stage = is_restore ? "restoring files" : "backing up files"};
    if (!command_load_config(call, &config)) {
        config_done(&config);
        return COMMAND_USAGE;
    }
    terminal_init(&showing.terminal, stderr);
    bool shows = showing.terminal.is_terminal && !arguments_count(&call->arguments, "--quiet");
    const struct backup_order order = {
        .home = config.home,
        .place = call->arguments.words[0],
        .may_link = arguments_count(&call->arguments, "--copy") == 0,
        .keeps_damaged = arguments_count(&call->arguments, "--keep-damaged") > 0,
        .progress = shows ? show : NULL,
        .context = &showing,
    };
    /* A server beside us comes first. */
    (void)setpriority(PRIO_PROCESS, 0, NICENESS);
    interrupt_catch();
    backup_report_init(&report);
    enum backup_result result =
        is_restore ? backup_restore(&order, &report) : backup_run(&order, &report);
    hide(&showing);
    int status = say_end(call, &order, &report, result, is_restore);
    backup_report_done(&report);
    config_done(&config);
    return status;
}

int command_backup_run(struct command_call *call)
{
    return run(call, false);
}

int command_restore_run(struct command_call *call)
{
    return run(call, true);
}
