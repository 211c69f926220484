#include "catalog/fixture.h"

static void the_built_in_models_are_there(void **state)
{
    static const char *const ids[] = {
        "local/still",
        "local/kenburns",
        "local/animatic",
        "local/speech",
        "local/compose",
        "local/milestone",
        "ltx2",
        "zimage",
        "longcat",
        "wav2lip",
        "veo3.1/fast/text-to-video",
        "sora2/pro/image-to-video",
        "seedance1/pro-fast/text-to-video",
    };
    struct catalog *catalog = fixture_catalog();
    for (size_t n = 0; n < sizeof ids / sizeof *ids; n++)
        assert_string_equal(fixture_model(catalog, ids[n])->id, ids[n]);
    assert_null(catalog_find(catalog, SPAN("ltx")));
    assert_null(catalog_find(catalog, SPAN("")));
    catalog_free(catalog);
}

/* By the names of their files, and inside of a file by their places. */
static void models_are_in_order(void **state)
{
    struct catalog *catalog = fixture_catalog();
    const char *before = "";
    assert_string_equal(catalog_model_at(catalog, 0)->id, "veo3/text-to-video");
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        const struct model *model = catalog_model_at(catalog, n);
        const char *provider = model->offers[0]->provider->name;
        assert_ptr_equal(catalog_find(catalog, span_of(model->id)), model);
        assert_true(strcmp(before, provider) <= 0);
        before = provider;
    }
    catalog_free(catalog);
}

/* {family}/{tier}/{task}: what the providers of the seeds' routes run is found by its id's parts.
 */
static void ids_are_made_of_family_tier_and_task(void **state)
{
    struct catalog *catalog = fixture_catalog();
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        const struct model *model = catalog_model_at(catalog, n);
        const char *provider = model->offers[0]->provider->name;
        struct span id = span_of(model->id), family;
        if (strcmp(provider, "fal") != 0 && strcmp(provider, "replicate") != 0)
            continue;
        assert_true(span_take(&id, '/', &family));
        assert_true(span_is(family, model->family));
        assert_true(span_ends(id, model->task));
    }
    catalog_free(catalog);
}

static void every_model_has_the_facts_that_forms_and_documents_want(void **state)
{
    struct catalog *catalog = fixture_catalog();
    for (size_t n = 0; n < catalog_model_count(catalog); n++) {
        const struct model *model = catalog_model_at(catalog, n);
        assert_non_null(model->title);
        assert_true(span_ends(span_of(model->summary), "."));
        assert_true(model->time.base_ms > 0 &&
                    (model->extensions.count > 0) == (model->output != MEDIA_NONE));
        assert_true(model->offer_count > 0);
        for (unsigned at = 0; at < model->parameter_count; at++) {
            if (!model->parameters[at].description)
                fail_msg("%s.%s has no description", model->id, model->parameters[at].name);
        }
    }
    catalog_free(catalog);
}

static void local_models_say_that_they_are_no_ai(void **state)
{
    struct catalog *catalog = fixture_catalog();
    static const char *const ids[] = {"local/still", "local/kenburns", "local/animatic"};
    for (size_t n = 0; n < 3; n++) {
        const struct model *model = fixture_model(catalog, ids[n]);
        assert_string_equal(model->offers[0]->provider->name, "local");
        assert_non_null(strstr(model->summary, "not an AI model") ? model->summary
                                                                  : strstr(model->summary, "Not"));
        assert_true(model->deterministic);
        assert_int_equal(model->offers[0]->needs.count, 0);
    }
    catalog_free(catalog);
}

static void runpod_carries_the_facts_of_its_endpoints(void **state)
{
    static const struct {
        const char *id, *variable, *gpu;
        unsigned workers, memory_gb;
    } facts[] = {
        {"ltx2", "RUNPOD_LTX2_ENDPOINT_ID", "L40S", 2, 20},
        {"zimage", "RUNPOD_ZIMAGE_ENDPOINT_ID", "RTX A5000/4090", 2, 16},
        {"longcat", "RUNPOD_LONGCAT_ENDPOINT_ID", "two L40S or A100 80 GB", 1, 40},
    };
    struct catalog *catalog = fixture_catalog();
    for (size_t n = 0; n < 3; n++) {
        const struct offer *offer = fixture_model(catalog, facts[n].id)->offers[0];
        assert_string_equal(offer->provider->name, "runpod");
        assert_string_equal(offer->endpoint_variable, facts[n].variable);
        assert_int_equal(offer->needs.count, 2);
        assert_string_equal(offer->needs.items[0], "RUNPOD_API_KEY");
        assert_string_equal(offer->needs.items[1], facts[n].variable);
        assert_string_equal(offer->hardware.gpu, facts[n].gpu);
        assert_int_equal(offer->hardware.workers_max, facts[n].workers);
        assert_true(offer->hardware.memory_gb == facts[n].memory_gb);
        assert_true(offer->hardware.scale_to_zero);
        assert_int_equal(offer->hardware.cold_min_ms, 2 * MS_MINUTE);
        assert_int_equal(offer->hardware.cold_max_ms, 5 * MS_MINUTE);
        assert_int_equal(offer->hardware.warm_min_ms, 10 * MS_SECOND);
        assert_int_equal(offer->hardware.warm_max_ms, 30 * MS_SECOND);
    }
    const struct provider_entry *runpod = catalog_find_provider(catalog, SPAN("runpod"));
    assert_int_equal(runpod->limit, 50);
    assert_int_equal(runpod->reads, 12000);
    assert_int_equal(runpod->fetches, CATALOG_FETCHES);
    assert_string_equal(runpod->base_url_variable, "RUNPOD_BASE_URL");
    assert_null(catalog_find_provider(catalog, SPAN("acme")));
    catalog_free(catalog);
}

static void a_users_file_adds_a_model(void **state)
{
    char fault[CATALOG_FAULT_SIZE];
    struct catalog *catalog = fixture_with(
        FIXTURE_MODEL("'prompt':{'type':'text'}", ",'limit':3,'timeoutSeconds':60,'offers':[{}]"),
        fault);
    assert_non_null(catalog);
    const struct model *model = fixture_model(catalog, "m");
    assert_ptr_equal(model, catalog_model_at(catalog, catalog_model_count(catalog) - 1));
    assert_int_equal(model->limit, 3);
    assert_int_equal(model->timeout_ms, MS_MINUTE);
    assert_string_equal(model->offers[0]->provider->title, "Acme");
    catalog_free(catalog);
}

static void a_users_file_replaces_a_model_with_all_its_offers(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog = fixture_with(
        "{'models':[{'id':'ltx2','family':'ltx','title':'Mine','summary':'Mine.',"
        "'task':'image-to-video','output':'video','extensions':['mp4'],'time':{'baseSeconds':1},"
        "'parameters':{'imageUrl':{'type':'url','media':['image']}},"
        "'offers':[{'provider':'runpod','slug':'mine'}]}]}",
        fault);
    if (!catalog)
        fail_msg("%s", fault);
    const struct model *model = fixture_model(catalog, "ltx2");
    size_t last = catalog_model_count(catalog) - 1; /* RunPod's file is the last, and has four */
    assert_string_equal(model->title, "Mine");
    assert_ptr_equal(model, catalog_model_at(catalog, last - 3));
    assert_int_equal(model->offer_count, 1);
    assert_string_equal(model->offers[0]->slug, "mine");
    assert_ptr_equal(model->offers[0]->model, model);
    assert_string_equal(model->offers[0]->needs.items[0], "RUNPOD_API_KEY");
    catalog_free(catalog);
}

static void a_users_file_replaces_or_adds_an_offer(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog = fixture_with(
        "{'provider':{'name':'acme','title':'Acme','needs':['ACME_KEY']},"
        "'offers':[{'model':'ltx2','slug':'fast','needs':['ACME_KEY','ACME_POOL']},"
        "{'model':'ltx2','provider':'runpod','slug':'ltx2','price':{'unit':'run','amount':'1'}}]}",
        fault);
    if (!catalog)
        fail_msg("%s", fault);
    const struct model *model = fixture_model(catalog, "ltx2");
    assert_int_equal(model->offer_count, 2);
    assert_int_equal(model->offers[0]->price.unit, PRICE_RUN);
    assert_null(model->offers[0]->endpoint_variable);
    assert_string_equal(model->offers[1]->slug, "fast");
    assert_int_equal(model->offers[1]->needs.count, 2);
    assert_string_equal(model->offers[1]->needs.items[1], "ACME_POOL");
    catalog_free(catalog);
}

static void a_users_file_replaces_a_provider(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog =
        fixture_with("{'provider':{'name':'runpod','title':'Ours','limit':4,'readsPerMinute':120,"
                     "'needs':['OUR_KEY']}}",
                     fault);
    if (!catalog)
        fail_msg("%s", fault);
    const struct offer *offer = fixture_model(catalog, "ltx2")->offers[0];
    assert_int_equal(offer->provider->limit, 4);
    assert_int_equal(offer->provider->reads, 120);
    assert_string_equal(offer->provider->title, "Ours");
    assert_string_equal(offer->needs.items[0], "OUR_KEY");
    assert_int_equal(catalog_provider_count(catalog), 5);
    catalog_free(catalog);
}

static void a_retired_model_names_its_successor(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog =
        fixture_with(FIXTURE_MODEL("", ",'retired':{'successor':'ltx2'}"), fault);
    if (!catalog)
        fail_msg("%s", fault);
    const struct model *model = fixture_model(catalog, "m");
    assert_true(model->retired);
    assert_string_equal(model->successor, "ltx2");
    assert_false(fixture_model(catalog, "ltx2")->retired);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_built_in_models_are_there),
        cmocka_unit_test(models_are_in_order),
        cmocka_unit_test(ids_are_made_of_family_tier_and_task),
        cmocka_unit_test(every_model_has_the_facts_that_forms_and_documents_want),
        cmocka_unit_test(local_models_say_that_they_are_no_ai),
        cmocka_unit_test(runpod_carries_the_facts_of_its_endpoints),
        cmocka_unit_test(a_users_file_adds_a_model),
        cmocka_unit_test(a_users_file_replaces_a_model_with_all_its_offers),
        cmocka_unit_test(a_users_file_replaces_or_adds_an_offer),
        cmocka_unit_test(a_users_file_replaces_a_provider),
        cmocka_unit_test(a_retired_model_names_its_successor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
