/* `reel uncertain` and `reel uncertain ID --link … [--attempt N] | --resubmit | --give-up` */
#include "app/command.h"
#include "app/job_view.h"
#include "core/event.h"

#include <stdio.h>

enum { PATH_SIZE = 100 };

const struct arguments_option command_uncertain_options[] = {
    {"--link", 0, "REMOTE-ID", "The provider has it, under that id."},
    {"--attempt", 0, "NUMBER", "Link it to this attempt, which has been sent again since."},
    {"--resubmit", 0, NULL, "Send it again; the first may cost too."},
    {"--give-up", 0, NULL, "It failed."},
    {0},
};

static void show_list(const json_t *answer)
{
    command_write_jobs(json_object_get(answer, "items"),
                       json_is_string(json_object_get(answer, "nextCursor")));
}

static void show_job(const json_t *answer)
{
    printf("%s  %s\n", job_view_text(answer, "jobId"), job_view_word(answer));
}

static int list(struct command_call *call)
{
    const struct client_request request = {.method = "GET", .path = "/api/v1/uncertain?limit=200"};
    return command_ask(call, &request, show_list);
}

/* The one action that was given; NULL when there was none, or several. */
static json_t *make_body(const struct arguments *arguments, int64_t attempt)
{
    const char *id = arguments_value(arguments, "--link");
    unsigned links = arguments_count(arguments, "--link"),
             resubmits = arguments_count(arguments, "--resubmit"),
             ends = arguments_count(arguments, "--give-up");
    if (links + resubmits + ends != 1)
        return NULL;
    json_t *body = json_object();
    (void)json_object_set_new(body, "action",
                              json_string(links       ? "link"
                                          : resubmits ? "resubmit"
                                                      : "give_up"));
    if (links)
        (void)json_object_set_new(body, "remoteId", json_string(id));
    if (attempt)
        (void)json_object_set_new(body, "attempt", json_integer(attempt));
    return body;
}

static int resolve(struct command_call *call, const char *id, const json_t *body)
{
    char path[PATH_SIZE];
    struct buffer text;
    (void)snprintf(path, sizeof path, "/api/v1/jobs/%s/resolve", id);
    buffer_init(&text, CLIENT_URL_SIZE);
    json_canonical(body, &text);
    const struct client_request request = {
        .method = "POST", .path = path, .body = buffer_span(&text)};
    int status = command_ask(call, &request, show_job);
    buffer_done(&text);
    return status;
}

int command_uncertain_run(struct command_call *call)
{
    const struct arguments *arguments = &call->arguments;
    const char *id = arguments->word_count ? arguments->words[0] : NULL;
    const char *attempt = arguments_value(arguments, "--attempt");
    int64_t number = 0;
    if (attempt && !span_integer(span_of(attempt), 1, RESOLVE_ATTEMPT_MAX, &number))
        return command_refuse(call, "--attempt is \"%s\"; allowed: 1 to %d", attempt,
                              RESOLVE_ATTEMPT_MAX);
    json_t *body = make_body(arguments, number);
    int status;
    if (!id && !body)
        status = list(call);
    else if (!id)
        status = command_refuse(call, "Which job? `reel uncertain` lists them.");
    else if (!command_is_job(id))
        status = command_refuse(call, "\"%s\" is no job's id; `reel uncertain` lists them.", id);
    else if (!body)
        status = command_refuse(call, "Give one of --link, --resubmit and --give-up.");
    else
        status = resolve(call, id, body);
    json_decref(body);
    return status;
}
