/* Mistakes that an adapter could have. */
#include "plant.h"
#include "wire_private.h"

enum { PLANT_FIELDS_MIN = 2 };

void plant_ask(struct world *world, struct wire *wire)
{
    if (world->plant != PLANT_FORGET_FIELD || json_object_size(wire->mapped) < PLANT_FIELDS_MIN)
        return;
    (void)json_object_del(wire->mapped, json_object_iter_key(json_object_iter(wire->mapped)));
}

static void forget_date(struct http_response *response)
{
    for (unsigned n = 0; n < response->header_count; n++) {
        if (span_is_nocase(response->headers[n].name, "date"))
            response->headers[n].value = SPAN("Fri, 31 Dec 9999 23:59:59 GMT");
    }
}

static void mistake(enum plant plant, const struct wire *wire, struct told *told)
{
    bool is_submission = wire->question.call == PROVIDER_CALL_SUBMIT;
    if (plant == PLANT_BAD_GATEWAY && is_submission && wire->response.status >= 500)
        told->kind = TOLD_REFUSED;
    if (plant == PLANT_HALF_A_WORD && is_submission && told->kind == TOLD_NOTHING &&
        wire->response.status < 300)
        told->kind = TOLD_ACCEPTED;
    for (unsigned n = 0; n < told->found_count; n++)
        told->found[n].exact |= plant == PLANT_ALIKE;
}

bool plant_read(struct world *world, struct wire *wire)
{
    struct question *question = &wire->question;
    if (world->plant == PLANT_OWN_CLOCK)
        forget_date(&wire->response);
    bool is_planted = world->plant == PLANT_BAD_GATEWAY || world->plant == PLANT_HALF_A_WORD ||
                      world->plant == PLANT_ALIKE;
    bool is_last = world->plant == PLANT_LAST_WORD && question->call == PROVIDER_CALL_CANCEL;
    if (is_last)
        question->provider->read(PROVIDER_CALL_POLL, &question->ask, &wire->response, &wire->told);
    /* Pages and files go on as ever. */
    if (is_planted && (question->call == PROVIDER_CALL_SUBMIT ||
                       (question->call == PROVIDER_CALL_FIND && !question->pages))) {
        question->provider->read(question->call, &question->ask, &wire->response, &wire->told);
        mistake(world->plant, wire, &wire->told);
        return wire->told.kind != TOLD_MORE;
    }
    return is_last;
}

bool plant_forgets_key(struct world *world)
{
    return world->plant == PLANT_UNSIGNED;
}
