#include "app/budget.h"

#include "provider/provider.h"

enum { DECIMALS = 6, DOLLARS_MAX = 1000000000, PER_DOLLAR = 1000000 };

static bool is_digits(struct span text)
{
    for (size_t n = 0; n < text.size; n++) {
        if (text.data[n] < '0' || text.data[n] > '9')
            return false;
    }
    return text.size > 0;
}

bool budget_amount(struct span text, int64_t *ret_micros)
{
    struct span whole, part = text;
    int64_t dollars, micros = 0;
    bool has_part = span_find(text, '.') >= 0;
    (void)span_take(&part, '.', &whole);
    if (!is_digits(whole) || !span_integer(whole, 0, DOLLARS_MAX, &dollars) ||
        (has_part && (!is_digits(part) || part.size > DECIMALS)))
        return false;
    for (size_t n = 0; n < DECIMALS; n++)
        micros = micros * 10 + (has_part && n < part.size ? part.data[n] - '0' : 0);
    micros += dollars * PER_DOLLAR;
    if (micros > (int64_t)DOLLARS_MAX * PER_DOLLAR)
        return false;
    *ret_micros = micros;
    return true;
}

bool budget_read(struct span text, struct arena *arena, struct core_budget *ret_budget)
{
    struct span name, amount, period = text;
    if (!span_take(&period, '=', &name) || !period.data || !span_take(&period, '/', &amount) ||
        !period.data)
        return false;
    name = span_trim(name);
    struct core_budget budget;
    if (!provider_find(name) || !budget_amount(span_trim(amount), &budget.amount) ||
        !tenant_period_find(span_trim(period), &budget.period))
        return false;
    budget.provider = arena_copy(arena, name);
    *ret_budget = budget;
    return true;
}
