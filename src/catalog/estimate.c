#include "catalog/estimate.h"

#include "catalog/value.h"

#include <math.h>

static bool value_quantity(const struct parameter *parameter, const json_t *value,
                           double *ret_quantity)
{
    bool number = parameter->kind == PARAMETER_INTEGER || parameter->kind == PARAMETER_NUMBER;
    if (number && json_is_number(value))
        *ret_quantity = json_number_value(value);
    else if (parameter->kind == PARAMETER_TEXT && json_is_string(value))
        *ret_quantity = (double)value_characters(json_span(value));
    else if (parameter->kind == PARAMETER_LIST && json_is_array(value))
        *ret_quantity = (double)json_array_size(value);
    else
        return false;
    return *ret_quantity >= 0;
}

static bool limit_quantity(const struct parameter *parameter, double ret_range[static 2])
{
    double least = parameter->min, most = parameter->max;
    if (parameter->kind == PARAMETER_TEXT || parameter->kind == PARAMETER_LIST) {
        least = (double)parameter->size_min;
        most = (double)parameter->size_max;
    } else if (parameter->kind != PARAMETER_INTEGER && parameter->kind != PARAMETER_NUMBER) {
        return false;
    } else if (parameter->choices) {
        least = INFINITY;
        most = 0;
        for (size_t n = 0; n < json_array_size(parameter->choices); n++) {
            least = fmin(least, json_number_value(json_array_get(parameter->choices, n)));
            most = fmax(most, json_number_value(json_array_get(parameter->choices, n)));
        }
    }
    if (!isfinite(least) || !isfinite(most) || least < 0)
        return false;
    ret_range[0] = least;
    ret_range[1] = most;
    return true;
}

bool estimate_quantity(const struct model *model, const json_t *input, const char *name,
                       double ret_range[static 2])
{
    const struct parameter *parameter = catalog_find_parameter(model, span_of(name));
    double quantity;
    if (!parameter)
        return false;
    const json_t *value = json_object_get(input, name);
    if (!value)
        value = parameter->fallback;
    if (!value_quantity(parameter, value, &quantity))
        return limit_quantity(parameter, ret_range);
    ret_range[0] = ret_range[1] = quantity;
    return true;
}

static bool holds(const struct model *model, const struct condition *when, const json_t *input)
{
    if (!when->parameter)
        return true;
    const struct parameter *parameter = catalog_find_parameter(model, span_of(when->parameter));
    const json_t *value = json_object_get(input, when->parameter);
    if (!value && parameter)
        value = parameter->fallback;
    return value && json_equal(value, when->value);
}

ms_t estimate_typical(const struct model *model, const json_t *input)
{
    double total = (double)model->time.base_ms;
    for (unsigned n = 0; n < model->time.term_count; n++) {
        const struct time_term *term = &model->time.terms[n];
        double product = term->ms, range[2];
        if (!holds(model, &term->when, input))
            continue;
        for (unsigned of = 0; of < term->of.count; of++) {
            /* The middle stands for what is open; what nothing bounds adds nothing. */
            bool known = estimate_quantity(model, input, term->of.items[of], range);
            product *= known ? (range[0] + range[1]) / 2 : 0;
        }
        total += product;
    }
    if (!(total >= 1))
        return 1;
    return total < (double)model->timeout_ms ? (ms_t)llround(total) : model->timeout_ms;
}

ms_t estimate_long(const struct offer *offer, const json_t *input)
{
    const struct model *model = offer->model;
    double slow = (double)estimate_typical(model, input) * model->time.long_factor;
    ms_t run = slow < (double)model->timeout_ms ? (ms_t)llround(slow) : model->timeout_ms;
    return run + offer->hardware.cold_max_ms;
}
