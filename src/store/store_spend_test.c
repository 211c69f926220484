/* The sums of what jobs came to, over every kind of store. */
#include "base/memory.h"
#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { DAY = 20700, KEPT_MAX = 8 };

static struct spend_row *add(struct store_scene *scene, int64_t day, const char *tenant,
                             const char *model, const char *provider)
{
    struct spend_row *row = &output_change(&scene->output, CHANGE_SPEND)->spend;
    row->day = day;
    assert_true(span_copy(span_of(tenant), row->tenant, sizeof row->tenant));
    assert_true(span_copy(span_of(model), row->model, sizeof row->model));
    assert_true(span_copy(span_of(provider), row->provider, sizeof row->provider));
    return row;
}

static void add_job(struct store_scene *scene, int64_t day, const char *tenant, const char *model,
                    const char *provider, int64_t spent)
{
    struct spend_row *row = add(scene, day, tenant, model, provider);
    row->jobs = row->succeeded = 1;
    row->spent = spent;
    add(scene, MONEY_NOW, tenant, model, provider)->spent = spent;
}

/* Two tenants, two models, two providers, three days. */
static void fill(struct store_scene *scene)
{
    add_job(scene, DAY, "ann", "film", "fal", 1);
    add_job(scene, DAY, "ann", "film", "replicate", 10);
    add_job(scene, DAY + 1, "ann", "song", "fal", 100);
    add_job(scene, DAY + 1, "bob", "film", "fal", 1000);
    add_job(scene, DAY + 2, "bob", "film", "fal", 10000);
    add(scene, MONEY_NOW, "ann", "film", "fal")->reserved = 7;
    struct spend_row *row = add(scene, DAY + 2, "bob", "film", "fal");
    row->jobs = 2;
    row->failed = 1;
    store_scene_turn(scene);
}

static struct reader_usage usage(struct store_scene *scene, const char *tenant, int64_t from,
                                 int64_t to, enum spend_by by)
{
    static struct spend_row rows[READER_USAGE_MAX];
    struct reader_usage usage = {.rows = rows};
    const struct reader_usage_filter filter = {tenant, from, to, by};
    assert_int_equal(reader_usage(scene->reader, &filter, &usage), STORE_OK);
    return usage;
}

static void assert_figures(const struct spend_row *row, int64_t jobs, int64_t succeeded,
                           int64_t failed, int64_t spent, int64_t reserved)
{
    assert_int_equal(row->jobs, jobs);
    assert_int_equal(row->succeeded, succeeded);
    assert_int_equal(row->failed, failed);
    assert_int_equal(row->spent, spent);
    assert_int_equal(row->reserved, reserved);
}

static void test_sums_by_tenant(struct store_scene *scene)
{
    fill(scene);
    store_scene_reopen(scene);
    struct reader_usage all = usage(scene, NULL, DAY, DAY + 2, SPEND_BY_TENANT);
    assert_int_equal(all.count, 2);
    assert_false(all.more);
    assert_string_equal(all.rows[0].tenant, "ann");
    assert_string_equal(all.rows[1].tenant, "bob");
    assert_string_equal(all.rows[0].model, "");
    assert_figures(&all.rows[0], 3, 3, 0, 111, 7);
    assert_figures(&all.rows[1], 4, 2, 1, 11000, 0);
    assert_figures(&all.total, 7, 5, 1, 11111, 7);
    all = usage(scene, NULL, DAY + 2, DAY + 30, SPEND_BY_TENANT);
    assert_int_equal(all.count, 2); /* ann has something reserved now */
    assert_figures(&all.rows[0], 0, 0, 0, 0, 7);
    assert_figures(&all.rows[1], 3, 1, 1, 10000, 0);
    all = usage(scene, "bob", DAY, DAY + 1, SPEND_BY_TENANT);
    assert_int_equal(all.count, 1);
    assert_figures(&all.rows[0], 1, 1, 0, 1000, 0);
    assert_int_equal(usage(scene, "zoe", DAY, DAY + 2, SPEND_BY_TENANT).count, 0);
}

static void test_sums_by_model_provider_and_day(struct store_scene *scene)
{
    fill(scene);
    struct reader_usage all = usage(scene, NULL, DAY, DAY + 2, SPEND_BY_MODEL);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.rows[0].model, "film");
    assert_figures(&all.rows[0], 6, 4, 1, 11011, 7);
    assert_string_equal(all.rows[1].model, "song");
    all = usage(scene, "ann", DAY, DAY + 2, SPEND_BY_PROVIDER);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.rows[0].provider, "fal");
    assert_figures(&all.rows[0], 2, 2, 0, 101, 7);
    assert_figures(&all.rows[1], 1, 1, 0, 10, 0);
    all = usage(scene, NULL, DAY, DAY + 2, SPEND_BY_DAY);
    assert_int_equal(all.count, 3); /* what is reserved is of no day */
    assert_int_equal(all.rows[0].day, DAY);
    assert_int_equal(all.rows[2].day, DAY + 2);
    assert_figures(&all.rows[1], 2, 2, 0, 1100, 0);
    assert_figures(&all.total, 7, 5, 1, 11111, 7);
}

static void test_groups_have_a_limit(struct store_scene *scene)
{
    for (int n = 0; n < READER_USAGE_MAX + 5; n++) {
        char model[JOB_MODEL_SIZE];
        (void)snprintf(model, sizeof model, "m%04d", n);
        add(scene, DAY, "ann", model, "fal")->jobs = 1;
    }
    store_scene_turn(scene);
    struct reader_usage all = usage(scene, NULL, DAY, DAY, SPEND_BY_MODEL);
    assert_int_equal(all.count, READER_USAGE_MAX);
    assert_true(all.more);
    assert_string_equal(all.rows[READER_USAGE_MAX - 1].model, "m0999");
    assert_int_equal(all.total.jobs, READER_USAGE_MAX + 5);
}

/* ---------------------------------------------------------------- the start */

struct kept {
    struct spend_row rows[KEPT_MAX];
    unsigned count;
};

static void keep(void *context, const struct spend_row *row)
{
    struct kept *kept = context;
    assert_true(kept->count < KEPT_MAX);
    kept->rows[kept->count++] = *row;
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

static struct kept start(struct store_scene *scene)
{
    struct kept kept = {.count = 0};
    const struct store_sink sink = {.context = &kept,
                                    .meta = skip_meta,
                                    .pace = skip_pace,
                                    .bucket = skip_bucket,
                                    .job = skip_job,
                                    .spend = keep};
    assert_int_equal(store_start(scene->store, &sink), STORE_OK);
    return kept;
}

static void test_a_start_is_told_what_is_reserved_and_spent(struct store_scene *scene)
{
    scene->now = DAY * MS_DAY;
    add(scene, MONEY_NOW, "ann", "film", "fal")->reserved = 9;
    add_job(scene, DAY, "ann", "film", "fal", 5);
    store_scene_turn(scene);
    add(scene, MONEY_NOW, "ann", "film", "fal")->reserved = -4;
    store_scene_turn(scene);
    store_scene_reopen(scene);
    struct kept kept = start(scene);
    assert_int_equal(kept.count, 2);
    const struct spend_row *now = &kept.rows[kept.rows[0].day == MONEY_NOW ? 0 : 1];
    const struct spend_row *day = &kept.rows[kept.rows[0].day == MONEY_NOW ? 1 : 0];
    assert_string_equal(now->tenant, "ann");
    assert_string_equal(now->provider, "fal");
    assert_figures(now, 0, 0, 0, 5, 5);
    assert_int_equal(day->day, DAY);
    assert_figures(day, 1, 1, 0, 5, 0);
}

static void test_rollback_leaves_no_trace(struct store_scene *scene)
{
    add_job(scene, DAY, "ann", "film", "fal", 5);
    store_scene_turn(scene);
    store_scene_begin(scene);
    add_job(scene, DAY, "ann", "film", "fal", 6);
    add_job(scene, DAY, "bob", "film", "fal", 7);
    store_scene_apply(scene);
    assert_int_equal(usage(scene, NULL, DAY, DAY, SPEND_BY_DAY).total.spent, 5);
    store_rollback(scene->store);
    assert_int_equal(usage(scene, NULL, DAY, DAY, SPEND_BY_DAY).total.spent, 5);
    assert_int_equal(usage(scene, NULL, DAY, DAY, SPEND_BY_DAY).total.jobs, 1);
    add_job(scene, DAY, "bob", "film", "fal", 8);
    store_scene_turn(scene);
    assert_int_equal(usage(scene, "bob", DAY, DAY, SPEND_BY_DAY).total.spent, 8);
}

static void test_no_sum_is_below_nothing(struct store_scene *scene)
{
    store_scene_begin(scene);
    add(scene, MONEY_NOW, "ann", "film", "fal")->reserved = -1;
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
    store_scene_begin(scene);
    add(scene, DAY, "ann", "film", "fal")->reserved = 1;
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
    store_scene_begin(scene);
    add(scene, DAY, "ann", "film", "fal")->spent = -1;
    assert_int_equal(store_scene_try_apply(scene), STORE_BROKEN);
}

static const struct store_scene_test tests[] = {
    {"sums by tenant", test_sums_by_tenant},
    {"sums by model, provider and day", test_sums_by_model_provider_and_day},
    {"groups have a limit", test_groups_have_a_limit},
    {"a start is told what is reserved and spent", test_a_start_is_told_what_is_reserved_and_spent},
    {"rollback leaves no trace", test_rollback_leaves_no_trace},
    {"no sum is below nothing", test_no_sum_is_below_nothing},
};

int main(void)
{
    return store_scene_run(tests, sizeof tests / sizeof tests[0]);
}
