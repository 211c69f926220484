#include "catalog/price.h"

#include "catalog/estimate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide_t;

/* Quantities are counted in millionths, so that a megapixel or 5.04 seconds are exact too. */
#define PER_UNIT      1000000
#define NANO_DOLLAR   INT64_C(1000000000)
#define AMOUNT_MAX    (1000000 * NANO_DOLLAR)
#define MICROS_MAX    INT64_C(1000000000000000)
#define QUANTITY_MAX  1e9
#define FRACTION_SIZE 9

static bool read_decimal(struct span text, nano_t *ret_amount)
{
    struct span rest = text, whole;
    int64_t units, part = 0;
    if (!span_take(&rest, '.', &whole) || !span_integer(whole, 0, 1000000, &units))
        return false;
    if (rest.data) {
        if (rest.size == 0 || rest.size > FRACTION_SIZE ||
            !span_integer(rest, 0, NANO_DOLLAR - 1, &part))
            return false;
        for (size_t n = rest.size; n < FRACTION_SIZE; n++)
            part *= 10;
    }
    if (units * NANO_DOLLAR + part > AMOUNT_MAX)
        return false;
    *ret_amount = units * NANO_DOLLAR + part;
    return true;
}

bool price_read(const json_t *value, nano_t *ret_amount)
{
    char text[40];
    double number = json_number_value(value);
    if (json_is_string(value))
        return read_decimal(json_span(value), ret_amount);
    if (!json_is_number(value) || !(number >= 0 && number <= 1e6))
        return false;
    /* Nine decimals that give this double back are what stood in the file. */
    (void)snprintf(text, sizeof text, "%.9f", number);
    return fabs(strtod(text, NULL) - number) <= number * 1e-15 &&
           read_decimal(span_of(text), ret_amount);
}

void price_write(int64_t micros, char target[static PRICE_TEXT_SIZE])
{
    uint64_t size = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    (void)snprintf(target, PRICE_TEXT_SIZE, "%s%llu.%06llu", micros < 0 ? "-" : "",
                   (unsigned long long)(size / PER_UNIT), (unsigned long long)(size % PER_UNIT));
    size_t end = strlen(target);
    while (target[end - 1] == '0')
        end--;
    end -= target[end - 1] == '.';
    target[end] = '\0';
}

static bool row_holds(const struct offer *offer, const struct price_row *row, const json_t *input)
{
    for (unsigned n = 0; n < row->when_count; n++) {
        const char *name = row->when[n].parameter;
        const struct parameter *parameter = catalog_find_parameter(offer->model, span_of(name));
        const json_t *value = json_object_get(input, name);
        if (!value && parameter)
            value = parameter->fallback;
        if (!value || !json_equal(value, row->when[n].value))
            return false;
    }
    return true;
}

/* How many units, least and most, as counts of which `per` make one. */
struct units {
    uint64_t count[2];
    uint64_t per;
};

static bool count_units(const struct offer *offer, const json_t *input, struct units *ret_units)
{
    const struct price *price = &offer->price;
    double least = 1, most = 1, range[2];
    if (price->unit == PRICE_GPU_HOUR) {
        *ret_units = (struct units){{(uint64_t)estimate_typical(offer->model, input),
                                     (uint64_t)estimate_long(offer, input)},
                                    MS_HOUR};
        return true;
    }
    for (unsigned n = 0; n < price->quantity.count; n++) {
        if (!estimate_quantity(offer->model, input, price->quantity.items[n], range))
            return false;
        least *= range[0];
        most *= range[1];
    }
    if (price->unit == PRICE_MEGAPIXEL) {
        least /= PER_UNIT;
        most /= PER_UNIT;
    }
    if (!(most <= QUANTITY_MAX))
        return false;
    *ret_units = (struct units){
        {(uint64_t)llround(least * PER_UNIT), (uint64_t)llround(most * PER_UNIT)}, PER_UNIT};
    return true;
}

/* Micro-dollars of so many units at `amount`, and `base` once. */
static bool cost(const struct price_row *row, const struct units *units, bool up,
                 int64_t *ret_micros)
{
    const wide_t scale = (wide_t)units->per * 1000;
    wide_t total = (wide_t)(up ? row->amount_max : row->amount) * units->count[up] +
                   (wide_t)row->base * units->per;
    wide_t micros = (total + (up ? scale - 1 : 0)) / scale;
    if (micros > MICROS_MAX)
        return false;
    *ret_micros = (int64_t)micros;
    return true;
}

bool price_of(const struct offer *offer, const json_t *input, int64_t *ret_min_micros,
              int64_t *ret_max_micros)
{
    const struct price *price = &offer->price;
    int64_t least, most;
    struct units units;
    if (price->unit == PRICE_FREE) {
        *ret_min_micros = *ret_max_micros = 0;
        return true;
    }
    unsigned n = 0;
    while (n < price->row_count && !row_holds(offer, &price->rows[n], input))
        n++;
    if (n == price->row_count || !count_units(offer, input, &units))
        return false;
    if (!cost(&price->rows[n], &units, false, &least) ||
        !cost(&price->rows[n], &units, true, &most))
        return false;
    *ret_min_micros = least;
    *ret_max_micros = most;
    return true;
}

bool price_per_unit(const struct offer *offer, int64_t *ret_min_micros, int64_t *ret_max_micros)
{
    const struct price *price = &offer->price;
    if (price->unit == PRICE_UNKNOWN || (price->unit != PRICE_FREE && price->row_count == 0))
        return false;
    nano_t least = price->unit == PRICE_FREE ? 0 : INT64_MAX, most = 0;
    for (unsigned n = 0; n < price->row_count; n++) {
        if (price->rows[n].amount < least)
            least = price->rows[n].amount;
        if (price->rows[n].amount_max > most)
            most = price->rows[n].amount_max;
    }
    *ret_min_micros = least / 1000;
    *ret_max_micros = (most + 999) / 1000;
    return true;
}
