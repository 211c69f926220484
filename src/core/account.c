#include "core/account.h"

#include <stdio.h>
#include <string.h>

enum { PER_DOLLAR = 1000000, CENT_DIGITS = 2 };

/* The number of the period that holds the day. */
static int64_t number_of(enum tenant_period period, int64_t day)
{
    return period == TENANT_DAY ? day : period == TENANT_MONTH ? time_month(day) : 0;
}

int64_t account_spent(const struct account *account, enum tenant_period period, int64_t day)
{
    bool is_same = number_of(period, account->day) == number_of(period, day);
    return is_same ? account->spent[period] : 0;
}

int64_t account_used(const struct account *account, int64_t day)
{
    return account->reserved + account_spent(account, account->period, day);
}

enum account_fit account_fits(const struct account *account, int64_t price, int64_t day)
{
    if (account->budget == TENANT_NO_BUDGET || price == 0)
        return ACCOUNT_FITS;
    if (price > account->budget || account->budget == 0)
        return ACCOUNT_NEVER;
    int64_t left = account->budget - account_used(account, day);
    return left >= (price == ACCOUNT_UNKNOWN ? 1 : price) ? ACCOUNT_FITS : ACCOUNT_LATER;
}

void account_unspend(struct account *account, int64_t day, int64_t micros)
{
    for (int period = 0; period < TENANT_PERIOD_COUNT; period++) {
        if (number_of((enum tenant_period)period, day) !=
            number_of((enum tenant_period)period, account->day))
            continue;
        int64_t left = account->spent[period] - micros;
        account->spent[period] = left > 0 ? left : 0;
    }
}

void account_spend(struct account *account, int64_t day, int64_t micros)
{
    for (int period = 0; period < TENANT_PERIOD_COUNT; period++) {
        int64_t then = number_of((enum tenant_period)period, day);
        int64_t newest = number_of((enum tenant_period)period, account->day);
        if (then > newest)
            account->spent[period] = 0;
        if (then >= newest)
            account->spent[period] += micros;
    }
    if (day > account->day)
        account->day = day;
}

unsigned account_tells(struct account *account, int64_t day)
{
    int64_t number = number_of(account->period, day), used = account_used(account, day);
    if (account->told_in != number)
        account->told = 0;
    account->told_in = number;
    if (account->budget <= 0)
        return 0;
    /* Sooner by division: a budget times a hundred may be more than a number holds. */
    unsigned percent = used >= account->budget                            ? 100
                       : used / ACCOUNT_WARNS_AT >= account->budget / 100 ? ACCOUNT_WARNS_AT
                                                                          : 0;
    if (percent <= account->told)
        return 0;
    account->told = percent;
    return percent;
}

ms_t account_renews(const struct account *account, int64_t day)
{
    if (account->period == TENANT_DAY)
        return (day + 1) * MS_DAY;
    return account->period == TENANT_MONTH ? time_month_begins(time_month(day) + 1) * MS_DAY : 0;
}

void account_write(int64_t micros, char target[static ACCOUNT_TEXT_SIZE])
{
    uint64_t size = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    (void)snprintf(target, ACCOUNT_TEXT_SIZE, "%s$%llu.%06llu", micros < 0 ? "-" : "",
                   (unsigned long long)(size / PER_DOLLAR),
                   (unsigned long long)(size % PER_DOLLAR));
    size_t end = strlen(target), least = end - 6 + CENT_DIGITS;
    while (end > least && target[end - 1] == '0')
        end--;
    target[end] = '\0';
}

void account_write_budget(const struct account *account, char target[static ACCOUNT_BUDGET_SIZE])
{
    static const char *const words[TENANT_PERIOD_COUNT] = {
        [TENANT_DAY] = " a day", [TENANT_MONTH] = " a month", [TENANT_TOTAL] = ""};
    char amount[ACCOUNT_TEXT_SIZE];
    account_write(account->budget, amount);
    (void)snprintf(target, ACCOUNT_BUDGET_SIZE, "%s%s", amount, words[account->period]);
}
