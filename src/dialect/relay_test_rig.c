#include "dialect/relay_test_rig.h"

#include "catalog/fixture.h"

static void address(void *context, struct span path, struct buffer *target)
{
    buffer_print(target, "%s%.*s", (const char *)context, SPAN_PRINT(path));
}

void relay_rig_translate(struct rig *rig, const char *name, struct span sent,
                         struct buffer *outcome)
{
    struct show show;
    struct faults faults;
    struct call call;
    struct http_response response = {.status = 0};
    struct buffer body;
    rig_read(rig, rig_request(rig, sent), &faults, &call);
    if (faults_any(&faults))
        fail_msg("%s: %s", name, faults.sentence);
    bool fal = strcmp(call.route->provider->name, "fal") == 0;
    show_begin(&show, rig);
    show_set(&show, name);
    show.answer.address = address;
    show.answer.request_id = "req_1";
    show.job.input = arena_copy(&rig->arena, SPAN("{\"aspectRatio\":\"9:16\",\"duration\":5,"
                                                  "\"prompt\":\"x\",\"resolution\":\"720p\"}"));
    assert_true(span_copy(fal ? SPAN("veo3/text-to-video") : SPAN("wan2.5/text-to-video"),
                          show.job.model, sizeof show.job.model));
    buffer_init(&body, 1 << 20);
    relay_dialect.write(&rig->scene, &call, &show.answer, &body, &response);
    assert_false(body.failed);
    rig_write_response(&response, outcome);
    buffer_done(&body);
    call_done(&call);
}
