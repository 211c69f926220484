/* Money in the configuration: amounts ("12.50", "0.000001"), and the budgets of providers
 * ("fal=100/month, replicate=20/day"). */
#ifndef APP_BUDGET_H
#define APP_BUDGET_H

#include "base/arena.h"
#include "core/core.h"

enum { BUDGET_MAX = 16 /* providers with one */ };

/* Dollars as decimal text, to a millionth, up to 1000000000; in micro-dollars. */
bool budget_amount(struct span text, int64_t *ret_micros);
/* PROVIDER=AMOUNT/PERIOD with a provider that this version speaks to and the period day, month or
 * total. */
bool budget_read(struct span text, struct arena *arena, struct core_budget *ret_budget);

#endif
