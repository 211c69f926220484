#include "dialect/native_ask.h"

#include "catalog/fixture.h"
#include "dialect/dialect_test_rig.h"

static const char *golden;

static void reads_requests(void **state)
{
    rig_exchanges(*state, golden, rig_translate_read);
}

/* A request for acme/clip with one more member; faults and call are the caller's to look at. */
static void read_with(struct rig *rig, const char *member, struct faults *faults,
                      struct call *ret_call)
{
    const char *sent = arena_print(
        &rig->arena, "POST /api/v1/generate\n\n{\"model\":\"acme/clip\",\"prompt\":\"x\",%s}",
        member);
    rig_read(rig, rig_request(rig, span_of(sent)), faults, ret_call);
}

/* `member` has one %s, which takes `size` times `part`. */
static const char *filled(struct rig *rig, const char *member, const char *part, size_t size)
{
    struct buffer text;
    const char *slot = strstr(member, "%s");
    buffer_init(&text, 1 << 20);
    buffer_add(&text, span_make(member, (size_t)(slot - member)));
    for (size_t n = 0; n < size; n++)
        buffer_add_text(&text, part);
    buffer_add_text(&text, slot + 2);
    const char *copy = arena_copy(&rig->arena, buffer_span(&text));
    buffer_done(&text);
    return copy;
}

/* What fits to the last byte is taken, a byte more is refused under the field's name. */
static void bounds_every_field(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *field, *member, *part;
        size_t most;
    } rows[] = {
        {"idempotencyKey", "\"idempotencyKey\":\"%s\"", "k", 255},
        {"idempotencyKey", "\"idempotencyKey\":\"%s\"", "\xC3\xBC", 127},
        {"metadata", "\"metadata\":{\"a\":\"%s\"}", "m", 4096 - 8},
        {"metadata", "\"metadata\":{\"a\":\"%s\"}", "\\\"", (4096 - 8) / 2},
        {"webhookUrl", "\"webhookUrl\":\"https://a.b/%s\"", "x", 2048 - 12},
        {"webhookSecret", "\"webhookSecret\":\"whsec_%s\"", "AAAA", 21}, /* 63 bytes */
        {"webhookEvents", "\"webhookEvents\":[\"progress\"%s]", ",\"started\"", 2},
        {"dependsOn", "\"dependsOn\":[\"gen_000000000000100aywaheppjw7\"%s]",
         ",\"gen_000000000000200aywaheppjw7\"", 31},
        {"prompt", "\"count\":1,\"duration\":1%s", "", 0},
    };
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct faults faults;
        struct call call;
        read_with(rig, filled(rig, rows[n].member, rows[n].part, rows[n].most), &faults, &call);
        if (faults_any(&faults))
            fail_msg("%s: %s", rows[n].field, faults.sentence);
        call_done(&call);
        if (rows[n].most == 0)
            continue;
        read_with(rig, filled(rig, rows[n].member, rows[n].part, rows[n].most + 1), &faults, &call);
        if (faults.count != 1 || strcmp(faults.list[0].field, rows[n].field) != 0)
            fail_msg("%s: %s", rows[n].field, faults.sentence ? faults.sentence : "no fault");
        assert_int_equal(faults.code, ERROR_VALIDATION);
        call_done(&call);
        arena_clear(&rig->arena);
    }
}

/* Nothing that a field admits is lost on its way into the options. */
static void keeps_the_largest_options(void **state)
{
    struct rig *rig = *state;
    struct faults faults;
    struct call call;
    const char *member = filled(
        rig,
        filled(rig, "\"webhookUrl\":\"https://a.b/%s\",\"webhookSecret\":\"whsec_%s\"", "x", 2036),
        "AAAA", 21);
    read_with(rig, member, &faults, &call);
    assert_false(faults_any(&faults));
    json_t *options = rig_json(call.ask.options);
    assert_int_equal(json_string_length(json_object_get(options, "webhookUrl")), 2048);
    assert_int_equal(json_string_length(json_object_get(options, "webhookSecret")), 90);
    json_decref(options);
    call_done(&call);
}

/* Dependencies beyond the most are refused, however they are hidden among others. */
static void drops_no_dependency(void **state)
{
    struct rig *rig = *state;
    struct faults faults;
    struct call call;
    struct buffer member;
    char id[ID_SIZE];
    buffer_init(&member, 1 << 20);
    buffer_add_text(&member, "\"dependsOn\":[");
    for (int64_t n = 0; n < 60; n++) {
        id_write("gen_", n < 50 ? 1 : n, 7, id);
        buffer_print(&member, "%s\"%s\"", n ? "," : "", id);
    }
    buffer_add_text(&member, "]");
    read_with(rig, member.data, &faults, &call);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.list[0].field, "dependsOn");
    call_done(&call);
    /* The list and the references count together. */
    buffer_clear(&member);
    buffer_add_text(&member, "\"dependsOn\":[");
    for (int64_t n = 1; n <= 32; n++) {
        id_write("gen_", n, 7, id);
        buffer_print(&member, "%s\"%s\"", n > 1 ? "," : "", id);
    }
    id_write("gen_", 33, 7, id);
    buffer_print(&member, "],\"imageUrls\":[\"reel://%s\"]", id);
    read_with(rig, member.data, &faults, &call);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.list[0].field, "imageUrls[0]");
    call_done(&call);
    buffer_done(&member);
}

/* Metadata is shown inside other objects, and every answer must stay readable JSON. */
static void bounds_the_depth_of_metadata(void **state)
{
    struct rig *rig = *state;
    for (unsigned depth = 1; depth <= 31; depth++) {
        struct buffer member;
        struct faults faults;
        struct call call;
        buffer_init(&member, 1 << 20);
        buffer_add_text(&member, "\"metadata\":{\"[[[[\":\"{{{{\",\"a\":");
        for (unsigned n = 1; n < depth; n++)
            buffer_add_text(&member, "[");
        buffer_add_text(&member, "1");
        for (unsigned n = 1; n < depth; n++)
            buffer_add_text(&member, "]");
        buffer_add_text(&member, "}");
        read_with(rig, member.data, &faults, &call);
        if (faults_any(&faults) != (depth > NATIVE_METADATA_DEPTH))
            fail_msg("%u levels: %s", depth, faults.sentence ? faults.sentence : "taken");
        call_done(&call);
        buffer_done(&member);
    }
}

/* A body of a hundred thousand unknown fields would cost as many searches and sentences. */
static void bounds_the_members_of_a_body(void **state)
{
    struct rig *rig = *state;
    for (unsigned count = NATIVE_MEMBERS_MAX - 1; count <= NATIVE_MEMBERS_MAX + 1; count++) {
        struct buffer member;
        struct faults faults;
        struct call call;
        buffer_init(&member, 1 << 20);
        for (unsigned n = 2; n < count; n++) /* beside model and prompt */
            buffer_print(&member, "%s\"k%u\":1", n > 2 ? "," : "", n);
        read_with(rig, member.data, &faults, &call);
        assert_int_equal(faults.code, ERROR_VALIDATION);
        assert_true((faults.count == 0) == (count > NATIVE_MEMBERS_MAX));
        assert_true(!strstr(faults.sentence, "257 members") == (count <= NATIVE_MEMBERS_MAX));
        call_done(&call);
        buffer_done(&member);
    }
}

/* "The same body" is what was sent, to the byte; the body outlives the reading. */
static void hashes_what_was_sent(void **state)
{
    struct rig *rig = *state;
    struct faults faults;
    struct call call;
    read_with(rig, "\"count\":2", &faults, &call);
    assert_true(
        span_is(call.ask.hash_of, "{\"model\":\"acme/clip\",\"prompt\":\"x\",\"count\":2}"));
    call_done(&call);
}

int main(int count, char **arguments)
{
    struct rig rig;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(reads_requests, &rig),
        cmocka_unit_test_prestate(bounds_every_field, &rig),
        cmocka_unit_test_prestate(keeps_the_largest_options, &rig),
        cmocka_unit_test_prestate(drops_no_dependency, &rig),
        cmocka_unit_test_prestate(bounds_the_depth_of_metadata, &rig),
        cmocka_unit_test_prestate(bounds_the_members_of_a_body, &rig),
        cmocka_unit_test_prestate(hashes_what_was_sent, &rig),
    };
    if (count < 2)
        return 2;
    golden = arguments[1];
    rig_make(&rig);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_free(&rig);
    return failed;
}
