/* `reel cancel ID…` and `reel retry ID` */
#include "app/command.h"
#include "app/job_view.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 128 };

static const char *receipt_sentence(const char *receipt)
{
    static const struct {
        const char *receipt, *sentence;
    } sentences[] = {
        {"not_submitted", "canceled before anything was sent; it costs nothing"},
        {"stopped", "stopped; the provider confirmed it"},
        {"too_late", "too late: it had ended, and keeps its output"},
        {"unconfirmed", "canceled, but the provider has not confirmed that it stopped"},
    };
    for (size_t n = 0; n < sizeof sentences / sizeof sentences[0]; n++) {
        if (strcmp(sentences[n].receipt, receipt) == 0)
            return sentences[n].sentence;
    }
    return receipt[0] ? receipt : "canceled";
}

static void show_receipt(const json_t *answer)
{
    printf("%s  %s\n", job_view_text(answer, "jobId"),
           receipt_sentence(job_view_text(answer, "receipt")));
}

static int cancel(struct command_call *call, const char *id)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "/api/v1/generate/%s", id);
    return command_ask(call, &(struct client_request){.method = "DELETE", .path = path},
                       show_receipt);
}

int command_cancel_run(struct command_call *call)
{
    int first = COMMAND_SUCCEEDED;
    for (unsigned n = 0; n < call->arguments.word_count; n++) {
        if (!command_is_job(call->arguments.words[n]))
            return command_refuse(call, "\"%s\" is no job's id; `reel jobs` lists them.",
                                  call->arguments.words[n]);
    }
    for (unsigned n = 0; n < call->arguments.word_count; n++) {
        int status = cancel(call, call->arguments.words[n]);
        first = first == COMMAND_SUCCEEDED ? status : first;
        if (status == COMMAND_UNREACHABLE || status == COMMAND_INTERRUPTED)
            break;
    }
    return first;
}

const struct arguments_option command_retry_options[] = {
    {"--accept-double-charge", 0, NULL, "Even if a provider may have been paid for it already."},
    {0},
};

static void show_retry(const json_t *answer)
{
    const char *id = job_view_text(answer, "jobId");
    command_print(stdout, id);
    fprintf(stderr, "A new job of the same input. `reel watch %s` follows it.\n", id);
}

int command_retry_run(struct command_call *call)
{
    bool twice = arguments_count(&call->arguments, "--accept-double-charge") > 0;
    char path[PATH_SIZE];
    const char *id = call->arguments.words[0];
    if (!command_is_job(id))
        return command_refuse(call, "\"%s\" is no job's id; `reel jobs` lists them.", id);
    (void)snprintf(path, sizeof path, "/api/v1/generate/%s/retry", id);
    const struct client_request request = {
        .method = "POST",
        .path = path,
        .body = twice ? SPAN("{\"acceptDoubleCharge\":true}") : SPAN("{}"),
    };
    return command_ask(call, &request, show_retry);
}
