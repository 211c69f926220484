#include "edge/egress_resolver.h"

#include "base/memory.h"
#include "edge/clock.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static atomic_uint asked, notified;
static atomic_bool stuck;

/* "slow" names wait until they are let go, as a dead name server makes them. */
static unsigned resolve(void *context, const char *host, struct sockaddr_storage *addresses,
                        unsigned capacity)
{
    (void)atomic_fetch_add(&asked, 1);
    while (strncmp(host, "slow", 4) == 0 && atomic_load(&stuck))
        (void)usleep(2000);
    addresses[0].ss_family = AF_INET;
    return strncmp(host, "none", 4) != 0;
}

static void notify(void *context)
{
    (void)atomic_fetch_add(&notified, 1);
}

static struct egress_lookup *await(struct egress_resolver *resolver)
{
    ms_t until = clock_monotonic() + 10000;
    struct egress_lookup *lookup;
    while (!(lookup = egress_resolver_take(resolver)) && clock_monotonic() < until)
        (void)usleep(1000);
    assert_non_null(lookup);
    return lookup;
}

static struct egress_resolver *make(ms_t names_kept)
{
    static struct egress_config config;
    config = (struct egress_config){.resolve = resolve, .names_kept = names_kept};
    atomic_store(&asked, 0);
    atomic_store(&notified, 0);
    atomic_store(&stuck, true);
    return egress_resolver_make(&config, notify, NULL);
}

static void remembers_for_a_while(void **state)
{
    struct egress_resolver *resolver = make(200);
    for (uint64_t n = 1; n <= 3; n++) {
        assert_true(egress_resolver_ask(resolver, n, "a.test", false));
        struct egress_lookup *lookup = await(resolver);
        assert_int_equal(lookup->token, n);
        assert_int_equal(lookup->count, 1);
        assert_string_equal(lookup->host, "a.test");
        memory_free(lookup);
    }
    assert_int_equal(atomic_load(&asked), 1);
    assert_int_equal(atomic_load(&notified), 3);
    (void)usleep(250 * 1000);
    assert_true(egress_resolver_ask(resolver, 4, "a.test", false));
    memory_free(await(resolver));
    assert_int_equal(atomic_load(&asked), 2);
    /* What was not found is asked for anew. */
    for (int n = 0; n < 2; n++) {
        assert_true(egress_resolver_ask(resolver, 5, "none.test", false));
        struct egress_lookup *lookup = await(resolver);
        assert_int_equal(lookup->count, 0);
        memory_free(lookup);
    }
    assert_int_equal(atomic_load(&asked), 4);
    /* Any number of names: the memory of them is bounded. */
    for (int n = 0; n < 1500; n++) {
        char host[32];
        (void)snprintf(host, sizeof host, "%d.test", n);
        assert_true(egress_resolver_ask(resolver, 6, host, false));
        memory_free(await(resolver));
    }
    egress_resolver_free(resolver, 1000);
}

/* However many dead names strangers send, the providers' names are looked up. */
static void keeps_a_lane_for_the_trusted(void **state)
{
    struct egress_resolver *resolver = make(200);
    unsigned taken = 0;
    for (char host[32]; taken < 10000; taken++) {
        (void)snprintf(host, sizeof host, "slow%u.test", taken);
        if (!egress_resolver_ask(resolver, taken + 1, host, false))
            break;
    }
    assert_in_range(taken, 2048, 2060);
    assert_true(egress_resolver_ask(resolver, 99999, "provider.test", true));
    struct egress_lookup *lookup = await(resolver);
    assert_int_equal(lookup->token, 99999);
    memory_free(lookup);
    /* It does not wait for those who are stuck longer than told; they clean up when they come back.
     */
    ms_t start = clock_monotonic();
    egress_resolver_free(resolver, 50);
    assert_true(clock_monotonic() - start < 2000);
    atomic_store(&stuck, false);
    (void)usleep(100 * 1000);
}

static void asks_the_system(void **state)
{
    const struct egress_config config = {.names_kept = 1000};
    struct egress_resolver *resolver = egress_resolver_make(&config, notify, NULL);
    assert_true(egress_resolver_ask(resolver, 1, "localhost", false));
    struct egress_lookup *lookup = await(resolver);
    assert_true(lookup->count > 0);
    memory_free(lookup);
    egress_resolver_free(resolver, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(remembers_for_a_while),
        cmocka_unit_test(keeps_a_lane_for_the_trusted),
        cmocka_unit_test(asks_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
