/* `reel watch ID…` */
#include "app/command.h"
#include "app/follow.h"
#include "app/job_view.h"

#include <stdio.h>

static void say_end(const struct command_call *call, const struct follow_job *job)
{
    struct arena arena;
    const char *url = job_view_text(json_object_get(job->status, "result"), "url");
    arena_init(&arena);
    if (job_view_exit(job->status) != COMMAND_SUCCEEDED) {
        fprintf(stderr, "reel: %s: ", job->id);
        command_print(stderr, job_view_fault(job->status, &arena));
    } else if (url[0]) {
        command_print(stdout,
                      arena_print(&arena, "%s%s", url[0] == '/' ? call->client.base : "", url));
    }
    arena_done(&arena);
}

int command_watch_run(struct command_call *call)
{
    static struct follow follow;
    follow_init(&follow, &call->client);
    follow.has_lines = call->as_json;
    for (unsigned n = 0; n < call->arguments.word_count; n++) {
        if (!follow_add(&follow, call->arguments.words[n])) {
            follow_done(&follow);
            return command_refuse(call, "\"%s\" is no job's id; `reel jobs` lists them.",
                                  call->arguments.words[n]);
        }
    }
    int status = follow_run(&follow, call->as_json);
    for (unsigned n = 0; n < follow.count; n++) {
        /* As JSON the last line has said it. */
        if (follow.jobs[n].ended && status != COMMAND_INTERRUPTED && !call->as_json)
            say_end(call, &follow.jobs[n]);
    }
    follow_done(&follow);
    return status;
}
