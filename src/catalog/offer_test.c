#include "catalog/fixture.h"

#define AT "mine.json: models[0].offers[0]"
#define O(offer)                                                                                   \
    FIXTURE_MODEL("'n':{'type':'integer'},'b':{'type':'boolean'}", ",'offers':[" offer "]")
#define PRICE(price) O("{'price':" price "}")
#define MAP(mapping) O("{'mapping':" mapping "}")

static void a_broken_offer_is_refused(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {O("5"), AT " is 5; allowed is an object."},
        {O("{'slugs':'x'}"), AT " has the unknown key 'slugs'; allowed is one of model, provider"},
        {O("{'slug':5}"), AT ".slug is 5; allowed is a text that is not empty."},
        {O("{'endpointVariable':'id'}"), AT ".endpointVariable is 'id'; allowed is an environment"},
        {O("{'without':['x']}"), AT ".without names 'x', which is no parameter of this model."},
        {O("{'allow':{'x':[1]}}"), AT ".allow.x names 'x', which is no parameter"},
        {O("{'allow':{'n':[]}}"), AT ".allow.n is []; allowed is a list that is not empty."},
        {O("{'allow':{'n':['a']}}"), AT ".allow.n[0] is 'a'; allowed is a whole number."},
        {O("{'hardware':{'coldSeconds':[5]}}"), AT ".hardware.coldSeconds is [5]; allowed is a"},
        {O("{'hardware':{'coldSeconds':[5,4]}}"), AT ".hardware.coldSeconds is [5,4]; allowed"},
        {O("{'hardware':{'vram':5}}"), AT ".hardware has the unknown key 'vram'; allowed is one"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        fixture_refused(cases[n].text, cases[n].fault);
}

static void a_broken_table_is_refused(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {MAP("{'tables':[]}"), AT ".mapping.tables is []; allowed is a list of 1 to 8 tables."},
        {MAP("{'tables':[{'to':'size','of':['n']}]}"), AT ".mapping.tables[0] has no 'rows'."},
        {MAP("{'tables':[{'to':'a b','of':['n'],'rows':[[1,2]]}]}"),
         AT ".mapping.tables[0] is 'a b'; allowed is a path"},
        {MAP("{'tables':[{'to':'size','of':['n'],'rows':[[1]]}]}"),
         AT ".mapping.tables[0].rows[0] is [1]; allowed is a list of a value for each of 'of'"},
        {MAP("{'tables':[{'to':'size','of':['n'],'rows':[['x',2]]}]}"),
         AT ".mapping.tables[0].rows[0][0] is 'x'; allowed is a whole number."},
        {MAP("{'tables':[{'to':'size','of':['x'],'rows':[[1,2]]}]}"),
         AT ".mapping.tables[0].rows[0][0] names 'x', which is no parameter"},
        {MAP("{'parameters':{'n':{'to':'a','alias':'b'}}}"),
         AT ".mapping.parameters.n.alias is 'b'; allowed is a list"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        fixture_refused(cases[n].text, cases[n].fault);
}

static void a_broken_price_is_refused(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {PRICE("{}"), AT ".price has no 'unit'."},
        {PRICE("{'unit':'minute'}"), AT ".price.unit is 'minute'; allowed is one of free, run, "
                                        "second, image, character, megapixel, gpuHour."},
        {PRICE("{'unit':'free','amount':1}"), AT ".price is free and has more than a unit."},
        {PRICE("{'unit':'run'}"), AT ".price wants an 'amount', or 1 to 64 'rows'."},
        {PRICE("{'unit':'run','rows':[]}"), AT ".price wants an 'amount', or 1 to 64 'rows'."},
        {PRICE("{'unit':'run','amount':-1}"), AT ".price.amount is -1; allowed is dollars from"},
        {PRICE("{'unit':'run','amount':'1,5'}"), AT ".price.amount is '1,5'; allowed is dollars"},
        {PRICE("{'unit':'run','amount':'$1'}"), AT ".price.amount is '$1'; allowed is dollars"},
        {PRICE("{'unit':'run','amount':2,'amountMax':1}"), AT ".price has an amount above its am"},
        {PRICE("{'unit':'second','amount':1,'quantity':['x']}"),
         AT ".price.quantity names 'x', which is no parameter"},
        {PRICE("{'unit':'second','amount':1,'quantity':['b']}"),
         AT ".price.quantity names 'b'; allowed is parameters that are numbers, texts or lists."},
        {PRICE("{'unit':'run','rows':[{'amount':1}]}"), AT ".price.rows[0] has no 'when'."},
        {PRICE("{'unit':'run','rows':[{'when':[],'amount':1}]}"),
         AT ".price.rows[0].when is []; allowed is an object of parameters and values."},
        {PRICE("{'unit':'run','rows':[{'when':{'x':1},'amount':1}]}"),
         AT ".price.rows[0].when.x names 'x', which is no parameter"},
        {PRICE("{'unit':'run','rows':[{'when':{'b':1},'amount':1}]}"),
         AT ".price.rows[0].when.b is 1; allowed is true or false."},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        fixture_refused(cases[n].text, cases[n].fault);
}

static void a_broken_mapping_is_refused(void **state)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {MAP("5"), AT ".mapping is 5; allowed is an object."},
        {MAP("{'names':'kebab'}"), AT ".mapping.names is 'kebab'; allowed is one of asIs, snake_c"},
        {MAP("{'parameters':[]}"), AT ".mapping.parameters is []; allowed is an object."},
        {MAP("{'parameters':{'x':'y'}}"), AT ".mapping.parameters.x names 'x', which is no"},
        {MAP("{'parameters':{'n':'a..b'}}"), AT ".mapping.parameters.n is 'a..b'; allowed is a pa"},
        {MAP("{'parameters':{'n':'a[99]'}}"), AT ".mapping.parameters.n is 'a[99]'; allowed is a"},
        {MAP("{'parameters':{'n':{}}}"), AT ".mapping.parameters.n has no 'to'."},
        {MAP("{'parameters':{'n':{'to':'a','as':'float'}}}"),
         AT ".mapping.parameters.n.as is 'float'; allowed is one of text, integer, number."},
        {MAP("{'parameters':{'n':{'to':'a','form':[[[[[[[[[['$']]]]]]]]]]}}}"),
         AT ".mapping.parameters.n.form is nested too deep."},
        {MAP("{'set':{'':1}}"), AT ".mapping.set. is ''; allowed is a path"},
        {MAP("{'set':{'a':'{x}'}}"), AT ".mapping.set.a names 'x', which is no parameter"},
        {MAP("{'set':{'a':'{n'}}"), AT ".mapping.set.a has a { without its }."},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        fixture_refused(cases[n].text, cases[n].fault);
}

#define OWN(output, rest)                                                                          \
    "{'models':[{'id':'m','family':'m','title':'M','summary':'A model.','task':'t',"               \
    "'output':'" output "','extensions':['x'],'time':{'baseSeconds':10},'parameters':{},"          \
    "'offers':[{'provider':'command'" rest "}]}]}"

static void a_command_has_its_words(void **state)
{
    char fault[CATALOG_FAULT_SIZE] = "";
    struct catalog *catalog = fixture_with(
        OWN("image", ",'command':['/opt/run.py','-v','-v'],'silenceSeconds':90"), fault);
    if (!catalog)
        fail_msg("%s", fault);
    const struct offer *offer = fixture_model(catalog, "m")->offers[0];
    assert_int_equal(offer->command.count, 3);
    assert_string_equal(offer->command.items[0], "/opt/run.py");
    assert_string_equal(offer->command.items[2], "-v"); /* a word may come twice */
    assert_int_equal(offer->silence_ms, 90 * MS_SECOND);
    assert_string_equal(offer->provider->name, CATALOG_COMMAND);
    assert_int_equal(offer->provider->limit, 1); /* for there is one GPU, usually */
    catalog_free(catalog);
}

static void a_broken_command_is_refused(void **state)
{
    static const char words[] = "; allowed is a list of 1 to 64 texts, of which the first is a pat";
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {OWN("image", ""), AT ".command is missing"},
        {OWN("image", ",'command':[]"), AT ".command is []"},
        {OWN("image", ",'command':'/opt/run.py --fast'"), AT ".command is '/opt/run.py --fast'"},
        {OWN("image", ",'command':['run.py']"), AT ".command is ['run.py']"},
        {OWN("image", ",'command':['/run.py',5]"), AT ".command is ['/run.py',5]"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        fixture_refused(cases[n].text, cases[n].fault);
        fixture_refused(cases[n].text, words);
    }
    fixture_refused(OWN("text", ",'command':['/run.py']"),
                    AT " is by command, which makes images, audio and video alone.");
    fixture_refused(O("{'command':['/run.py']}"),
                    AT " is by acme, and has 'command', which is for offers by command.");
    fixture_refused(O("{'silenceSeconds':5}"),
                    AT " is by acme, and has 'silenceSeconds', which is for offers by command.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_offer_is_refused), cmocka_unit_test(a_broken_table_is_refused),
        cmocka_unit_test(a_broken_price_is_refused), cmocka_unit_test(a_broken_mapping_is_refused),
        cmocka_unit_test(a_command_has_its_words),   cmocka_unit_test(a_broken_command_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
