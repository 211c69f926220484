#include "app/offers.h"

#include "catalog/fixture.h"

#define MODEL(id, rest)                                                                            \
    "{'id':'" id "','family':'f','title':'T','summary':'S.','task':'text-to-video',"               \
    "'output':'video','extensions':['mp4'],'time':{'baseSeconds':1},"                              \
    "'parameters':{'prompt':{'type':'text'},'fps':{'type':'integer','default':24,'min':1,"         \
    "'max':60}}" rest "}"

/* Three offers of one model, of which only the local one is spoken. */
static const char acme[] = "{'provider':{'name':'acme','title':'Acme','needs':['REEL_TEST_KEY']},"
                           "'models':[" MODEL("m", ",'offers':[{'slug':'one'},{'slug':'two',"
                                                   "'without':['fps']}]") "]}";

struct setting {
    struct catalog *catalog;
    struct arena arena;
};

static int begin(void **state)
{
    static struct setting setting;
    char fault[CATALOG_FAULT_SIZE] = "";
    setting.catalog = fixture_with(acme, fault);
    if (!setting.catalog)
        fail_msg("%s", fault);
    arena_init(&setting.arena);
    *state = &setting;
    return 0;
}

static int end(void **state)
{
    struct setting *setting = *state;
    arena_done(&setting->arena);
    catalog_free(setting->catalog);
    return 0;
}

static void knows_what_is_configured(void **state)
{
    struct setting *setting = *state;
    const struct offer *local = fixture_model(setting->catalog, "local/still")->offers[0];
    const struct offer *acme_one = fixture_model(setting->catalog, "m")->offers[0];
    assert_true(offers_configured(NULL, local));
    assert_int_equal(unsetenv("REEL_TEST_KEY"), 0);
    assert_false(offers_configured(NULL, acme_one));
    assert_string_equal(offers_missing(acme_one, &setting->arena),
                        "m runs on Acme, which is not configured: set REEL_TEST_KEY.");
    assert_int_equal(setenv("REEL_TEST_KEY", "", 1), 0); /* empty is unset */
    assert_non_null(strstr(offers_missing(acme_one, &setting->arena), "set REEL_TEST_KEY"));
    /* The key alone does not make us speak to it. */
    assert_int_equal(setenv("REEL_TEST_KEY", "k", 1), 0);
    assert_false(offers_configured(NULL, acme_one));
    assert_non_null(strstr(offers_missing(acme_one, &setting->arena), "does not speak to yet"));
    assert_null(strstr(offers_missing(acme_one, &setting->arena), " k"));
    const struct model *ltx2 = fixture_model(setting->catalog, "ltx2");
    assert_int_equal(unsetenv("RUNPOD_API_KEY"), 0);
    assert_non_null(strstr(offers_missing(ltx2->offers[0], &setting->arena), "RUNPOD_API_KEY"));
}

static void routes_in_order(void **state)
{
    struct setting *setting = *state;
    const struct model *model = fixture_model(setting->catalog, "m");
    const struct offer *route[4];
    json_t *plain = fixture_json("{'prompt':'x','fps':24}");
    json_t *fast = fixture_json("{'prompt':'x','fps':30}");
    struct offers_wish wish = {SPAN(""), false};
    assert_int_equal(offers_route(model, plain, &wish, route, 4), 2);
    assert_string_equal(route[0]->slug, "one");
    assert_string_equal(route[1]->slug, "two");
    /* What an offer can't do is not asked of it. */
    assert_int_equal(offers_route(model, fast, &wish, route, 4), 1);
    assert_string_equal(route[0]->slug, "one");
    assert_int_equal(offers_route(model, plain, &wish, route, 1), 1);
    wish = (struct offers_wish){SPAN("acme"), true};
    assert_int_equal(offers_route(model, plain, &wish, route, 4), 2);
    wish = (struct offers_wish){SPAN("local"), false};
    assert_int_equal(offers_route(model, plain, &wish, route, 4), 2);
    wish = (struct offers_wish){SPAN("local"), true};
    assert_int_equal(offers_route(model, plain, &wish, route, 4), 0);
    json_decref(plain);
    json_decref(fast);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_is_configured),
        cmocka_unit_test(routes_in_order),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
