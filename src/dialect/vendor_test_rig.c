#include "dialect/vendor_test_rig.h"

#include "catalog/fixture.h"
#include "dialect/vendor.h"

static const char *golden_read, *golden_write;

static void address(void *context, struct span path, struct buffer *target)
{
    buffer_print(target, "%s%.*s", (const char *)context, SPAN_PRINT(path));
}

static void signed_address(void *context, struct span path, struct buffer *target)
{
    address(context, path, target);
    buffer_add_text(target, "?signed");
}

/* ---------------------------------------------------------------- further cases */

static void set_secret(struct show *show)
{
    static const struct hook_secret secret = {.text = "whsec_MDEyMzQ1"};
    show->answer.secret = &secret;
}

static void set_account(struct show *show)
{
    show->answer.account = "ann";
}

static void set_hook_key(struct show *show)
{
    static const unsigned char key[32] = {0xfb, 0xff, 0xfe};
    show->answer.hook_key = key;
}

static void set_upload_begin(struct show *show)
{
    static const struct upload upload = {.id = "upl_000000000000200aywaheppjw7"};
    show->answer.upload = &upload;
    show->answer.upload_path = "/fal/storage/files/ann/upl_000000000000200aywaheppjw7?signed";
}

static void set_load(struct show *show)
{
    static const struct answer_load load = {.queued = 5,
                                            .in_flight = 2,
                                            .succeeded = 17,
                                            .failed = 1,
                                            .workers = 4,
                                            .workers_active = 2};
    show->answer.load = &load;
}

static void set_purged(struct show *show)
{
    show->answer.removed = 2;
}

static void set_a_model(struct show *show)
{
    show->answer.model = fixture_model(show->rig->catalog, "acme/clip");
}

static const struct {
    const char *name;
    void (*set)(struct show *show);
} further[] = {
    {"a secret", set_secret},
    {"an account", set_account},
    {"a key of webhooks", set_hook_key},
    {"an upload to come", set_upload_begin},
    {"a load", set_load},
    {"a purge", set_purged},
    {"a model of ours", set_a_model},
};

static void set(struct show *show, struct span name)
{
    for (size_t n = 0; n < sizeof further / sizeof further[0]; n++) {
        if (span_is(name, further[n].name)) {
            further[n].set(show);
            return;
        }
    }
    show_set(show, arena_copy(&show->rig->arena, name));
}

/* ---------------------------------------------------------------- showing */

static struct span case_of(const char *name)
{
    struct span text = span_of(name);
    const char *bracket = strstr(name, " (");
    return bracket ? (struct span){name, (size_t)(bracket - name)} : text;
}

static void begin(struct show *show, struct rig *rig, const char *dialect, struct span name)
{
    struct span model = strcmp(dialect, "fal") == 0      ? SPAN("veo3/text-to-video")
                        : strcmp(dialect, "runpod") == 0 ? SPAN("ltx2")
                                                         : SPAN("wan2.5/text-to-video");
    show_begin(show, rig);
    set(show, name);
    show->answer.address = address;
    show->answer.signed_address = signed_address;
    show->answer.request_id = "req_1";
    show->job.input = arena_copy(&rig->arena, SPAN("{\"aspectRatio\":\"9:16\",\"duration\":5,"
                                                   "\"prompt\":\"x\",\"resolution\":\"720p\"}"));
    assert_true(span_copy(model, show->job.model, sizeof show->job.model));
}

void vendor_rig_answer(struct rig *rig, const char *name, struct span sent, struct buffer *outcome)
{
    struct show show;
    struct faults faults;
    struct call call;
    struct http_response response = {.status = 0};
    struct buffer body;
    rig_read(rig, rig_request(rig, sent), &faults, &call);
    if (faults_any(&faults))
        fail_msg("%s: %s", name, faults.sentence);
    const struct dialect *dialect = dialect_find(span_of(call.route->dialect));
    begin(&show, rig, dialect->name, case_of(name));
    buffer_init(&body, 1 << 20);
    dialect->write(&rig->scene, &call, &show.answer, &body, &response);
    assert_false(body.failed);
    rig_write_response(&response, outcome);
    buffer_done(&body);
    call_done(&call);
}

static const struct dialect *begin_named(struct show *show, struct rig *rig, const char *name)
{
    struct span rest = case_of(name), word;
    (void)span_take(&rest, ' ', &word);
    const struct dialect *dialect = dialect_find(word);
    assert_non_null(dialect);
    begin(show, rig, dialect->name, rest);
    return dialect;
}

void vendor_rig_event(struct rig *rig, const char *name, struct span sent, struct buffer *outcome)
{
    struct show show;
    const struct call call = {.kind = CALL_STREAM, .base = SPAN("a/b"), .shows_logs = true};
    (void)sent;
    begin_named(&show, rig, name)->event(&rig->scene, &call, &show.answer, outcome);
    while (outcome->size > 0 && outcome->data[outcome->size - 1] == '\n')
        outcome->size--; /* empty lines at the end are not kept in the file */
}

void vendor_rig_hook(struct rig *rig, const char *name, struct span sent, struct buffer *outcome)
{
    struct show show;
    struct json_writer writer;
    const struct call call = {.kind = CALL_STATUS};
    struct buffer body;
    (void)sent;
    const struct dialect *dialect = begin_named(&show, rig, name);
    buffer_init(&body, 1 << 20);
    json_writer_init(&writer, &body);
    struct vendor_job told = vendor_job_of(&rig->scene, &call, &show.answer, &writer);
    told.signed_address = NULL;
    dialect->hook(&told, NULL);
    const struct http_response response = {.status = 0, .body = buffer_span(&body)};
    rig_write_response(&response, outcome);
    buffer_done(&body);
}

/* ---------------------------------------------------------------- the tests */

static void reads_requests(void **state)
{
    rig_exchanges(*state, golden_read, rig_translate_read);
}

static void writes_answers(void **state)
{
    rig_exchanges(*state, golden_write, vendor_rig_answer);
}

int vendor_rig_main(int count, char **arguments)
{
    struct rig rig;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(reads_requests, &rig),
        cmocka_unit_test_prestate(writes_answers, &rig),
    };
    if (count < 3)
        return 2;
    golden_read = arguments[1];
    golden_write = arguments[2];
    rig_make(&rig);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_free(&rig);
    return failed;
}
