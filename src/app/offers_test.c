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

static const char house[] =
    "{'models':[" MODEL("own", ",'offers':[{'provider':'command','slug':'a','without':['fps'],"
                               "'command':['/nowhere/a.py']},{'provider':'command','slug':'b',"
                               "'command':['/bin/sh'],'price':{'unit':'run','amount':1}},"
                               "{'provider':'command','slug':'c','command':['/etc']}]") "]}";

static void a_command_is_there_when_it_can_be_run(void **state)
{
    struct setting *setting = *state;
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog = fixture_with(house, fault);
    if (!catalog)
        fail_msg("%s", fault);
    const struct model *model = fixture_model(catalog, "own");
    json_t *plain = fixture_json("{'prompt':'x','fps':24}");
    const struct offer *route[4];
    const struct offers_wish wish = {SPAN(""), false};
    assert_false(offers_configured(NULL, model->offers[0]));
    assert_true(offers_configured(NULL, model->offers[1]));
    assert_false(offers_configured(NULL, model->offers[2]));
    assert_string_equal(
        offers_missing(model->offers[0], &setting->arena),
        "own runs a program that can't be run: /nowhere/a.py: No such file or directory.");
    assert_string_equal(offers_missing(model->offers[2], &setting->arena),
                        "own runs a program that can't be run: /etc: it is no file.");
    /* One that can be run goes first, and it is no route to elsewhere. */
    assert_int_equal(offers_route(model, plain, &wish, route, 4), 3);
    assert_string_equal(route[0]->slug, "b");
    assert_ptr_equal(offers_command(model, plain), model->offers[1]);
    assert_true(offers_is_ours(route[0]) && offers_is_command(route[0]));
    struct offers_bill bill = {.assume = -1};
    assert_int_equal(offers_write(route, 3, plain, &setting->arena, &bill).size, 0);
    assert_int_equal(bill.max, 0);
    const struct model *still = fixture_model(setting->catalog, "local/still");
    assert_null(offers_command(still, plain));
    assert_true(offers_is_ours(still->offers[0]) && !offers_is_command(still->offers[0]));
    json_decref(plain);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_is_configured),
        cmocka_unit_test(routes_in_order),
        cmocka_unit_test(a_command_is_there_when_it_can_be_run),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
