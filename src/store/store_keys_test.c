/* API keys, tenants, the counts of waiting jobs and pauses, over every kind of store. */
#include "base/scope.h"
#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

enum { KEPT_MAX = 8 };

/* What a reader or a start tells. */
struct kept {
    struct tenant_row tenants[KEPT_MAX];
    struct api_key_row keys[KEPT_MAX];
    struct waiting_change waiting[KEPT_MAX];
    struct api_key_row limited[KEPT_MAX];
    struct pause_row pauses[KEPT_MAX];
    unsigned tenant_count, key_count, waiting_count, limited_count, pause_count;
};

static void keep_tenant(void *context, const struct tenant_row *row)
{
    struct kept *kept = context;
    assert_true(kept->tenant_count < KEPT_MAX);
    kept->tenants[kept->tenant_count++] = *row;
}

static void keep_key(void *context, const struct api_key_row *row)
{
    struct kept *kept = context;
    assert_true(kept->key_count < KEPT_MAX);
    kept->keys[kept->key_count++] = *row;
}

static void keep_waiting(void *context, const char *tenant, int64_t count)
{
    struct kept *kept = context;
    struct waiting_change *waiting = &kept->waiting[kept->waiting_count++];
    assert_true(span_copy(span_of(tenant), waiting->tenant, sizeof waiting->tenant));
    waiting->delta = count;
}

static void keep_limited(void *context, const struct api_key_row *row)
{
    struct kept *kept = context;
    assert_true(kept->limited_count < KEPT_MAX);
    kept->limited[kept->limited_count++] = *row;
}

static void keep_pause(void *context, const struct pause_row *row)
{
    struct kept *kept = context;
    assert_true(kept->pause_count < KEPT_MAX);
    kept->pauses[kept->pause_count++] = *row;
}

static void skip_meta(void *context, int64_t turn, ms_t now, int64_t last_key, ms_t next_due)
{
    (void)context;
}

static void skip_pace(void *context, const struct pace *pace)
{
    (void)context;
}

static void skip_bucket(void *context, const struct bucket_change *totals, ms_t head_at)
{
    (void)context;
}

static void skip_job(void *context, struct job *job)
{
    (void)context;
    job_free(job);
}

static void read_all(struct store_scene *scene, struct kept *ret_kept)
{
    *ret_kept = (struct kept){.key_count = 0};
    const struct reader_keys_sink sink = {ret_kept, keep_tenant, keep_key};
    assert_int_equal(reader_api_keys(scene->reader, &sink), STORE_OK);
}

static void start(struct store_scene *scene, struct kept *ret_kept)
{
    *ret_kept = (struct kept){.key_count = 0};
    const struct store_sink sink = {.context = ret_kept,
                                    .meta = skip_meta,
                                    .pace = skip_pace,
                                    .bucket = skip_bucket,
                                    .job = skip_job,
                                    .tenant = keep_tenant,
                                    .waiting = keep_waiting,
                                    .key = keep_limited,
                                    .pause = keep_pause};
    assert_int_equal(store_start(scene->store, &sink), STORE_OK);
}

/* Distinct values in every field. */
static struct api_key_row full_key(const char *id)
{
    struct api_key_row row = {.scopes = SCOPE_BIT(SCOPE_READ) | SCOPE_BIT(SCOPE_OPERATOR),
                              .rate = 3,
                              .spend_limit = 4,
                              .created_at = 5,
                              .expires_at = 6,
                              .revoked_at = 7,
                              .used_at = 8};
    assert_true(span_copy(span_of(id), row.id, sizeof row.id));
    assert_true(span_copy(SPAN("ann"), row.tenant, sizeof row.tenant));
    assert_true(span_copy(SPAN("Ann's key, \xC3\xA4"), row.name, sizeof row.name));
    assert_true(span_copy(SPAN("reel_0a"), row.prefix, sizeof row.prefix));
    memset(row.hash, id[4], sizeof row.hash);
    return row;
}

static void change_key(struct store_scene *scene, enum api_key_act act, const char *id, ms_t at)
{
    struct api_key_change *change = &output_change(&scene->output, CHANGE_API_KEY)->api_key;
    change->act = act;
    if (act == API_KEY_MADE)
        change->row = full_key(id);
    else
        (void)span_copy(span_of(id), change->row.id, sizeof change->row.id);
    if (act == API_KEY_MADE)
        change->row.revoked_at = at;
    else
        *(act == API_KEY_USED ? &change->row.used_at : &change->row.revoked_at) = at;
}

static void assert_keys_equal(const struct api_key_row *a, const struct api_key_row *b)
{
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->tenant, b->tenant);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->prefix, b->prefix);
    assert_memory_equal(a->hash, b->hash, sizeof a->hash);
    assert_int_equal(a->scopes, b->scopes);
    assert_int_equal(a->rate, b->rate);
    assert_int_equal(a->spend_limit, b->spend_limit);
    assert_int_equal(a->created_at, b->created_at);
    assert_int_equal(a->expires_at, b->expires_at);
    assert_int_equal(a->revoked_at, b->revoked_at);
    assert_int_equal(a->used_at, b->used_at);
}

static void test_every_field_of_a_key_is_read_back(struct store_scene *scene)
{
    struct kept kept;
    const struct api_key_row first = full_key("key_a");
    change_key(scene, API_KEY_MADE, "key_b", 7);
    change_key(scene, API_KEY_MADE, "key_a", 7);
    store_scene_turn(scene);
    store_scene_reopen(scene);
    read_all(scene, &kept);
    assert_int_equal(kept.key_count, 2); /* by id */
    assert_keys_equal(&kept.keys[0], &first);
    assert_string_equal(kept.keys[1].id, "key_b");
}

static void test_a_key_is_used_and_revoked(struct store_scene *scene)
{
    struct kept kept;
    change_key(scene, API_KEY_MADE, "key_a", 0);
    change_key(scene, API_KEY_USED, "key_a", 70);
    store_scene_turn(scene);
    change_key(scene, API_KEY_USED, "key_a", 60); /* late word */
    change_key(scene, API_KEY_REVOKED, "key_a", 80);
    change_key(scene, API_KEY_REVOKED, "key_a", 90); /* it stays revoked when it was */
    change_key(scene, API_KEY_REVOKED, "key_none", 90);
    change_key(scene, API_KEY_USED, "key_none", 90);
    store_scene_turn(scene);
    read_all(scene, &kept);
    assert_int_equal(kept.key_count, 1);
    assert_int_equal(kept.keys[0].used_at, 70);
    assert_int_equal(kept.keys[0].revoked_at, 80);
}

static struct tenant_row full_tenant(const char *name)
{
    struct tenant_row row = tenant_row_make(name);
    assert_true(span_copy(SPAN("gold"), row.tier, sizeof row.tier));
    row.in_flight = 1;
    row.queued = 2;
    row.rate = 3;
    row.budget = 4;
    row.period = TENANT_TOTAL;
    row.updated_at = 5;
    return row;
}

static void assert_tenants_equal(const struct tenant_row *a, const struct tenant_row *b)
{
    assert_string_equal(a->tenant, b->tenant);
    assert_string_equal(a->tier, b->tier);
    assert_int_equal(a->in_flight, b->in_flight);
    assert_int_equal(a->queued, b->queued);
    assert_int_equal(a->rate, b->rate);
    assert_int_equal(a->budget, b->budget);
    assert_int_equal(a->period, b->period);
    assert_int_equal(a->updated_at, b->updated_at);
}

static void test_a_tenant_is_replaced_whole(struct store_scene *scene)
{
    struct kept kept;
    const struct tenant_row full = full_tenant("ann"), plain = tenant_row_make("ann");
    output_change(&scene->output, CHANGE_TENANT)->tenant = full;
    output_change(&scene->output, CHANGE_TENANT)->tenant = full_tenant("bob");
    store_scene_turn(scene);
    store_scene_reopen(scene);
    read_all(scene, &kept);
    assert_int_equal(kept.tenant_count, 2);
    assert_tenants_equal(&kept.tenants[0], &full);
    output_change(&scene->output, CHANGE_TENANT)->tenant = plain;
    store_scene_turn(scene);
    start(scene, &kept);
    assert_int_equal(kept.tenant_count, 2);
    assert_tenants_equal(&kept.tenants[0], &plain);
}

static void wait_for(struct store_scene *scene, const char *tenant, int64_t delta)
{
    struct waiting_change *change = &output_change(&scene->output, CHANGE_WAITING)->waiting;
    assert_true(span_copy(span_of(tenant), change->tenant, sizeof change->tenant));
    change->delta = delta;
}

static void charge(struct store_scene *scene, const char *id, int64_t spent, int64_t reserved)
{
    struct api_key_change *change = &output_change(&scene->output, CHANGE_API_KEY)->api_key;
    *change = (struct api_key_change){API_KEY_CHARGED, {.spent = spent, .reserved = reserved}};
    assert_true(span_copy(span_of(id), change->row.id, sizeof change->row.id));
}

static void test_keys_are_charged(struct store_scene *scene)
{
    struct kept kept;
    for (int n = 0; n < 2; n++) {
        struct api_key_change *change = &output_change(&scene->output, CHANGE_API_KEY)->api_key;
        *change = (struct api_key_change){API_KEY_MADE, full_key(n ? "key_b" : "key_a")};
        change->row.hash[0] ^= (unsigned char)n;
        change->row.spend_limit = n ? API_KEY_NO_LIMIT : 1000;
    }
    charge(scene, "key_a", 0, 600);
    store_scene_turn(scene);
    charge(scene, "key_a", 500, -600);
    store_scene_turn(scene);
    store_scene_begin(scene);
    charge(scene, "key_a", 7, 7);
    store_scene_apply(scene);
    store_rollback(scene->store);
    store_scene_reopen(scene);
    start(scene, &kept);
    assert_int_equal(kept.limited_count, 1); /* the other may spend what it likes */
    assert_string_equal(kept.limited[0].id, "key_a");
    assert_int_equal(kept.limited[0].spend_limit, 1000);
    assert_int_equal(kept.limited[0].spent, 500);
    assert_int_equal(kept.limited[0].reserved, 0);
    read_all(scene, &kept);
    assert_int_equal(kept.keys[0].spent, 500);
    store_scene_begin(scene);
    charge(scene, "key_a", 0, -1);
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
}

static void pause_at(struct store_scene *scene, const char *provider, ms_t since)
{
    struct pause_row *row = &output_change(&scene->output, CHANGE_PAUSE)->pause;
    *row = (struct pause_row){.since = since};
    assert_true(span_copy(span_of(provider), row->provider, sizeof row->provider));
}

static void test_pauses_are_kept_until_they_end(struct store_scene *scene)
{
    struct kept kept;
    pause_at(scene, "fal", 7);
    pause_at(scene, "sky", 8);
    store_scene_turn(scene);
    pause_at(scene, "fal", 0);
    pause_at(scene, "fal", 0); /* no fault */
    store_scene_turn(scene);
    store_scene_begin(scene);
    pause_at(scene, "sky", 0);
    pause_at(scene, "cloud", 9);
    store_scene_apply(scene);
    store_rollback(scene->store);
    store_scene_reopen(scene);
    start(scene, &kept);
    assert_int_equal(kept.pause_count, 1);
    assert_string_equal(kept.pauses[0].provider, "sky");
    assert_int_equal(kept.pauses[0].since, 8);
}

static void test_waiting_jobs_are_counted(struct store_scene *scene)
{
    struct kept kept;
    wait_for(scene, "ann", 3);
    wait_for(scene, "bob", 1);
    store_scene_turn(scene);
    wait_for(scene, "ann", -1);
    wait_for(scene, "bob", -1);
    store_scene_turn(scene);
    store_scene_reopen(scene);
    start(scene, &kept);
    assert_int_equal(kept.waiting_count, 1); /* none of bob's */
    assert_string_equal(kept.waiting[0].tenant, "ann");
    assert_int_equal(kept.waiting[0].delta, 2);
    store_scene_begin(scene);
    wait_for(scene, "ann", -3);
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
}

static void test_rollback_leaves_no_trace(struct store_scene *scene)
{
    struct kept kept;
    change_key(scene, API_KEY_MADE, "key_a", 0);
    output_change(&scene->output, CHANGE_TENANT)->tenant = tenant_row_make("ann");
    wait_for(scene, "ann", 1);
    store_scene_turn(scene);
    store_scene_begin(scene);
    change_key(scene, API_KEY_REVOKED, "key_a", 9);
    change_key(scene, API_KEY_MADE, "key_b", 0);
    output_change(&scene->output, CHANGE_TENANT)->tenant = full_tenant("ann");
    output_change(&scene->output, CHANGE_TENANT)->tenant = full_tenant("bob");
    wait_for(scene, "ann", 4);
    wait_for(scene, "bob", 4);
    store_scene_apply(scene);
    read_all(scene, &kept); /* nothing is seen before the commit */
    assert_int_equal(kept.tenant_count, 1);
    assert_int_equal(kept.key_count, 1);
    assert_int_equal(kept.keys[0].revoked_at, 0);
    assert_string_equal(kept.tenants[0].tier, "");
    store_rollback(scene->store);
    start(scene, &kept);
    assert_int_equal(kept.tenant_count, 1);
    assert_string_equal(kept.tenants[0].tier, "");
    assert_int_equal(kept.waiting_count, 1);
    assert_int_equal(kept.waiting[0].delta, 1);
}

static void test_broken_rules_are_found(struct store_scene *scene)
{
    change_key(scene, API_KEY_MADE, "key_a", 0);
    store_scene_turn(scene);
    store_scene_begin(scene);
    change_key(scene, API_KEY_MADE, "key_a", 0);
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
    store_scene_begin(scene);
    output_change(&scene->output, CHANGE_TENANT)->tenant = tenant_row_make("ann");
    scene->output.changes.list[0].tenant.queued = -2;
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
}

static const struct store_scene_test tests[] = {
    {"every field of a key is read back", test_every_field_of_a_key_is_read_back},
    {"a key is used and revoked", test_a_key_is_used_and_revoked},
    {"a tenant is replaced whole", test_a_tenant_is_replaced_whole},
    {"waiting jobs are counted", test_waiting_jobs_are_counted},
    {"keys are charged", test_keys_are_charged},
    {"pauses are kept until they end", test_pauses_are_kept_until_they_end},
    {"rollback leaves no trace", test_rollback_leaves_no_trace},
    {"broken rules are found", test_broken_rules_are_found},
};

int main(void)
{
    return store_scene_run(tests, sizeof tests / sizeof tests[0]);
}
