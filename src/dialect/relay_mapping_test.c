/* What each model of Replicate and fal is sent, field by field: golden/relay_mapping.txt has, for
 * every model, a canonical input with what must be given and one with everything, and below it the
 * provider's own object and the price. The same object has to lead back to the same input. */
#include "catalog/fixture.h"
#include "catalog/input.h"
#include "catalog/mapping.h"
#include "catalog/price.h"
#include "catalog/reverse.h"
#include "dialect/dialect_test_rig.h"

static const char *golden;
static json_t *seen; /* by model, an object of the parameters that were given */

static json_t *checked(const struct model *model, const json_t *body, struct arena *arena)
{
    struct faults faults;
    json_t *input = NULL;
    faults_init(&faults, arena);
    if (!input_check(model, body, &faults, &input))
        fail_msg("%s: %s", model->id, faults.sentence);
    return input;
}

static void check_way_back(const struct offer *offer, const json_t *input, const json_t *theirs,
                           struct arena *arena)
{
    struct faults faults;
    struct reverse names;
    struct buffer one, other;
    faults_init(&faults, arena);
    json_t *ours = reverse_apply(offer, theirs, &faults, &names);
    if (faults_any(&faults))
        fail_msg("%s: %s", offer->model->id, faults.sentence);
    json_t *again = checked(offer->model, ours, arena);
    buffer_init(&one, 1 << 20);
    buffer_init(&other, 1 << 20);
    json_canonical(input, &one);
    json_canonical(again, &other);
    assert_string_equal(one.data, other.data);
    buffer_done(&one);
    buffer_done(&other);
    json_decref(again);
    json_decref(ours);
}

static void write_price(const struct offer *offer, const json_t *input, struct buffer *outcome)
{
    int64_t least, most;
    char text[2][PRICE_TEXT_SIZE];
    if (!price_of(offer, input, &least, &most)) {
        buffer_add_text(outcome, "price unknown");
        return;
    }
    price_write(least, text[0]);
    price_write(most, text[1]);
    buffer_print(outcome, "price $%s", text[0]);
    if (least != most)
        buffer_print(outcome, " to $%s", text[1]);
}

/* "the model's id, and more": its first offer's name of the model, its fields, and the price. */
static void translate(struct rig *rig, const char *name, struct span sent, struct buffer *outcome)
{
    struct span rest = span_of(name), id;
    (void)span_take(&rest, ',', &id);
    const struct model *model = catalog_find(rig->catalog, id);
    if (!model)
        fail_msg("no model %s", name);
    const struct offer *offer = model->offers[0];
    json_t *body = rig_json(sent), *input = checked(model, body, &rig->arena);
    json_t *theirs = mapping_apply(offer, input, SPAN("gen_1"));
    const char *key;
    json_t *value;
    buffer_print(outcome, "%s %s\n", offer->provider->name, offer->slug);
    json_object_foreach(theirs, key, value) {
        buffer_print(outcome, "%s ", key);
        json_canonical(value, outcome);
        buffer_add_byte(outcome, '\n');
    }
    write_price(offer, input, outcome);
    check_way_back(offer, input, theirs, &rig->arena);
    if (!json_object_get(seen, model->id))
        (void)json_object_set_new(seen, model->id, json_object());
    (void)json_object_update(json_object_get(seen, model->id), body);
    json_decref(theirs);
    json_decref(input);
    json_decref(body);
}

static void every_model_is_sent_as_its_provider_wants(void **state)
{
    struct rig *rig = *state;
    seen = json_object();
    rig_exchanges(rig, golden, translate);
    for (size_t n = 0; n < catalog_model_count(rig->catalog); n++) {
        const struct model *model = catalog_model_at(rig->catalog, n);
        const char *provider = model->offer_count ? model->offers[0]->provider->name : "";
        if (strcmp(provider, "fal") != 0 && strcmp(provider, "replicate") != 0)
            continue;
        for (unsigned at = 0; at < model->parameter_count; at++)
            if (!json_object_get(json_object_get(seen, model->id), model->parameters[at].name))
                fail_msg("%s: no exchange gives %s", model->id, model->parameters[at].name);
    }
    json_decref(seen);
}

int main(int count, char **arguments)
{
    struct rig rig;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_model_is_sent_as_its_provider_wants, &rig),
    };
    if (count < 2)
        return 2;
    golden = arguments[1];
    rig_make(&rig);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_free(&rig);
    return failed;
}
