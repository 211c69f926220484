/* Requests about keys and tenants, and what is answered when they are carried out as asked. */
#include "dialect/native_keys.h"

#include "catalog/fixture.h"
#include "dialect/dialect_test_rig.h"

#include <stdlib.h>
#include <string.h>

static const char *golden;

static void copy(const char *text, char *target, size_t capacity)
{
    assert_true(span_copy(span_of(text), target, capacity));
}

/* What the app adds to a key that a client asked for. */
static struct api_key_row made_key(const struct rig *rig, const struct call *call)
{
    struct api_key_row row = call->api_key;
    copy("key_00000000000010000000000007", row.id, sizeof row.id);
    copy("reel_0a1b2c3d", row.prefix, sizeof row.prefix);
    if (!row.tenant[0])
        copy("acme", row.tenant, sizeof row.tenant);
    row.created_at = rig->scene.now;
    return row;
}

static struct api_key_row old_key(const struct rig *rig, enum call_kind kind)
{
    struct api_key_row row = {.scopes = SCOPE_ALL, .spend_limit = 1500000, .rate = 90};
    copy("key_00000000000010000000000007", row.id, sizeof row.id);
    copy("acme", row.tenant, sizeof row.tenant);
    copy("Studio", row.name, sizeof row.name);
    copy("reel_0a1b2c3d", row.prefix, sizeof row.prefix);
    row.created_at = rig->scene.now - MS_DAY;
    row.used_at = rig->scene.now - MS_HOUR;
    row.expires_at = kind == CALL_KEY ? rig->scene.now : 0;
    row.revoked_at = kind == CALL_KEY_REVOKE ? rig->scene.now : 0;
    return row;
}

static void answer(const struct rig *rig, const struct call *call, struct buffer *target)
{
    struct api_key_row key =
        call->kind == CALL_KEY_MAKE ? made_key(rig, call) : old_key(rig, call->kind);
    struct answer_tenant tenant = {.weight = 4,
                                   .in_flight_max = 3,
                                   .queued_max = 0,
                                   .rate = 60,
                                   .in_flight = 2,
                                   .queued = 5,
                                   .waiting = 1};
    tenant.row = call->kind == CALL_TENANT_SET ? call->tenant : tenant_row_make("acme");
    struct answer answer = {.now = rig->scene.now,
                            .keys = &key,
                            .key_count = 1,
                            .key_text = "reel_0a1b2c3d…",
                            .tenants = &tenant,
                            .tenant_count = 1,
                            .next_name = call->name.size ? NULL : "a-cursor"};
    struct http_response response = {.status = 0};
    struct buffer body;
    buffer_init(&body, 1 << 16);
    native_dialect.write(&rig->scene, call, &answer, &body, &response);
    buffer_print(target, "%d", response.status);
    json_t *value = rig_json(response.body);
    char *text = json_dumps(value, JSON_INDENT(1) | JSON_REAL_PRECISION(15));
    buffer_print(target, "\n%s", text);
    free(text); /* jansson's own memory */
    json_decref(value);
    buffer_done(&body);
}

static void translate(struct rig *rig, const char *name, struct span sent, struct buffer *outcome)
{
    (void)name;
    struct faults faults;
    struct call call;
    rig_read(rig, rig_request(rig, sent), &faults, &call);
    if (faults_any(&faults))
        rig_write_faults(&faults, outcome);
    else
        answer(rig, &call, outcome);
    call_done(&call);
}

static void reads_and_answers(void **state)
{
    rig_exchanges(*state, golden, translate);
}

int main(int count, char **arguments)
{
    struct rig rig;
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(reads_and_answers, &rig)};
    if (count < 2)
        return 2;
    golden = arguments[1];
    rig_make(&rig);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_free(&rig);
    return failed;
}
