#include "catalog/fixture.h"

#include "catalog/price.h"

enum { UNKNOWN = -1 };

#define PARAMETERS                                                                                 \
    "'duration':{'type':'number','default':5,'min':1,'max':10},"                                   \
    "'length':{'type':'integer','choices':[4,8]},'words':{'type':'text','maxLength':100},"         \
    "'open':{'type':'integer'},'width':{'type':'integer','default':1000},"                         \
    "'height':{'type':'integer','default':500},'resolution':{'type':'text','default':'720p'},"     \
    "'sound':{'type':'boolean','default':false}"
#define OFFERS ",'offers':[{'price':{%s},'hardware':{'coldSeconds':[120,300]}}]"

static void check(const char *price, const char *given, int64_t least, int64_t most)
{
    char file[4000];
    int64_t found[2] = {UNKNOWN, UNKNOWN};
    (void)snprintf(file, sizeof file, FIXTURE_MODEL(PARAMETERS, OFFERS), price);
    struct catalog *catalog = fixture_alone(file);
    json_t *input = given ? fixture_json(given) : NULL;
    bool known = price_of(fixture_model(catalog, "m")->offers[0], input, &found[0], &found[1]);
    assert_int_equal(known, least != UNKNOWN);
    assert_int_equal(found[0], least);
    assert_int_equal(found[1], most);
    json_decref(input);
    catalog_free(catalog);
}

static void each_unit_has_its_price(void **state)
{
    check("'unit':'free'", "{}", 0, 0);
    check("'unit':'run','amount':'0.25'", "{}", 250000, 250000);
    check("'unit':'image','amount':0.04", "{}", 40000, 40000);
    check("'unit':'second','amount':'0.10','quantity':['duration']", "{'duration':8}", 800000,
          800000);
    check("'unit':'second','amount':'0.10','quantity':['duration']", "{'duration':5.04}", 504000,
          504000);
    check("'unit':'second','amount':'0.10','quantity':['duration']", NULL, 500000, 500000);
    check("'unit':'second','amount':'0.1','base':'0.05','quantity':['duration']", NULL, 550000,
          550000);
    check("'unit':'character','amount':'0.000015','quantity':['words']", "{'words':'aä狐'}", 45,
          45);
    check("'unit':'megapixel','amount':'0.04','quantity':['width','height']", "{}", 20000, 20000);
}

static void fractions_of_a_micro_dollar_are_rounded_apart(void **state)
{
    check("'unit':'character','amount':'0.0000003','quantity':['words']", "{'words':'abcde'}", 1,
          2);
    check("'unit':'second','amount':'0.000725','quantity':['duration']", "{'duration':3}", 2175,
          2175);
}

static void what_is_open_gives_a_range(void **state)
{
    check("'unit':'second','amount':1,'quantity':['length']", "{}", 4000000, 8000000);
    check("'unit':'second','amount':1,'quantity':['length']", "{'length':4}", 4000000, 4000000);
    check("'unit':'character','amount':1,'quantity':['words']", "{}", 0, 100000000);
    check("'unit':'second','amount':1,'quantity':['open']", "{}", UNKNOWN, UNKNOWN);
    check("'unit':'run','amount':1,'amountMax':2", "{}", 1000000, 2000000);
}

static void the_first_row_that_holds_is_the_price(void **state)
{
    const char *rows = "'unit':'second','quantity':['duration'],'rows':["
                       "{'when':{'resolution':'1080p','sound':true},'amount':'0.4'},"
                       "{'when':{'resolution':'1080p'},'amount':'0.3'},"
                       "{'when':{'sound':true},'amount':'0.2'}],'amount':'0.1'";
    check(rows, "{}", 500000, 500000);
    check(rows, "{'sound':true}", 1000000, 1000000);
    check(rows, "{'resolution':'1080p'}", 1500000, 1500000);
    check(rows, "{'resolution':'1080p','sound':true}", 2000000, 2000000);
    check("'unit':'run','rows':[{'when':{'resolution':'4k'},'amount':1}]", "{}", UNKNOWN, UNKNOWN);
}

static void a_gpu_costs_by_the_hour(void **state)
{
    /* 10 s typical; 20 s slow after 300 s of cold start; at 3.60 an hour, 0.001 a second. */
    check("'unit':'gpuHour','amount':'3.60'", "{}", 10000, 320000);
}

static void the_built_in_models_have_their_prices(void **state)
{
    static const struct {
        const char *id;
        int64_t least, most;
    } cases[] = {
        {"local/still", 0, 0},
        {"local/kenburns", 0, 0},
        {"local/animatic", 0, 0},
        /* 45.1 s typical; 135.2 s slow and 300 s cold. */
        {"ltx2", 10763, 103956},
        {"zimage", 2409, 43891},
        {"longcat", 57333, 315334},
        {"wav2lip", UNKNOWN, UNKNOWN},
    };
    struct catalog *catalog = fixture_catalog();
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        int64_t least = UNKNOWN, most = UNKNOWN;
        (void)price_of(fixture_model(catalog, cases[n].id)->offers[0], NULL, &least, &most);
        if (llabs(least - cases[n].least) > 50 || llabs(most - cases[n].most) > 50)
            fail_msg("%s %lld %lld", cases[n].id, (long long)least, (long long)most);
    }
    catalog_free(catalog);
}

static void the_list_price_spans_the_rows(void **state)
{
    int64_t least, most;
    struct catalog *catalog = fixture_alone(FIXTURE_MODEL(
        "'r':{'type':'text'}", ",'offers':[{'slug':'a','price':{'unit':'second','rows':["
                               "{'when':{'r':'x'},'amount':'0.4'}],'amount':'0.1'}},"
                               "{'slug':'b'},{'slug':'c','price':{'unit':'free'}}]"));
    const struct model *model = fixture_model(catalog, "m");
    assert_true(price_per_unit(model->offers[0], &least, &most));
    assert_int_equal(least, 100000);
    assert_int_equal(most, 400000);
    assert_false(price_per_unit(model->offers[1], &least, &most));
    assert_true(price_per_unit(model->offers[2], &least, &most));
    assert_int_equal(most, 0);
    catalog_free(catalog);
}

static void money_is_read_exactly(void **state)
{
    static const struct {
        const char *text;
        nano_t amount;
    } cases[] = {
        {"'0.86'", 860000000},
        {"0.86", 860000000},
        {"0.1", 100000000},
        {"1.1", 1100000000},
        {"0.000000001", 1},
        {"1e-6", 1000},
        {"'0.000000001'", 1},
        {"999999.999999999", INT64_C(999999999999999)},
        {"'999999.999999999'", INT64_C(999999999999999)},
        {"1000000", INT64_C(1000000000000000)},
        {"3", INT64_C(3000000000)},
        {"'3'", INT64_C(3000000000)},
        {"0", 0},
        {"'1000000.1'", UNKNOWN},
        {"1000001", UNKNOWN},
        {"-1", UNKNOWN},
        {"'-1'", UNKNOWN},
        {"0.0000000001", UNKNOWN},
        {"'0.0000000001'", UNKNOWN},
        {"''", UNKNOWN},
        {"'.5'", UNKNOWN},
        {"'5.'", UNKNOWN},
        {"'1e3'", UNKNOWN},
        {"' 1'", UNKNOWN},
        {"true", UNKNOWN},
        {"null", UNKNOWN},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        nano_t amount = UNKNOWN;
        json_t *value = fixture_json(cases[n].text);
        (void)price_read(value, &amount);
        if (amount != cases[n].amount)
            fail_msg("%s gave %lld", cases[n].text, (long long)amount);
        json_decref(value);
    }
}

static void money_is_written_in_dollars(void **state)
{
    static const struct {
        int64_t micros;
        const char *text;
    } cases[] = {{0, "0"},        {1, "0.000001"},         {860000, "0.86"},
                 {1000000, "1"},  {12345678, "12.345678"}, {-250000, "-0.25"},
                 {100, "0.0001"}, {10000000, "10"}};
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        char text[PRICE_TEXT_SIZE];
        price_write(cases[n].micros, text);
        assert_string_equal(text, cases[n].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_unit_has_its_price),
        cmocka_unit_test(fractions_of_a_micro_dollar_are_rounded_apart),
        cmocka_unit_test(what_is_open_gives_a_range),
        cmocka_unit_test(the_first_row_that_holds_is_the_price),
        cmocka_unit_test(a_gpu_costs_by_the_hour),
        cmocka_unit_test(the_built_in_models_have_their_prices),
        cmocka_unit_test(the_list_price_spans_the_rows),
        cmocka_unit_test(money_is_read_exactly),
        cmocka_unit_test(money_is_written_in_dollars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
