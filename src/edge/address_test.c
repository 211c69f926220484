#include "edge/address.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct network_address address_of(const char *text)
{
    struct network_address address;
    assert_true(network_address_read(span_of(text), &address));
    return address;
}

static void test_counts(void **state)
{
    struct address_book book;
    struct network_address one = address_of("192.0.2.7"), other = address_of("192.0.2.8");
    address_book_init(&book);
    assert_null(address_take(&book, &one, 0));
    struct address *first = address_take(&book, &one, 2);
    assert_non_null(first);
    assert_ptr_equal(address_take(&book, &one, 2), first);
    assert_null(address_take(&book, &one, 2));
    struct address *another = address_take(&book, &other, 1);
    assert_ptr_not_equal(another, first);
    address_release(&book, first);
    assert_non_null(address_take(&book, &one, 2));
    address_release(&book, first);
    address_release(&book, first);
    address_release(&book, another);
    address_release(&book, NULL);
    address_book_done(&book);
}

/* What one customer is given counts as one. */
static void test_ipv6_by_64(void **state)
{
    struct address_book book;
    struct network_address one = address_of("2001:db8:0:1::1"),
                           same = address_of("2001:db8:0:1:2::2");
    struct network_address other = address_of("2001:db8:0:2::1");
    address_book_init(&book);
    struct address *first = address_take(&book, &one, 1);
    assert_non_null(first);
    assert_null(address_take(&book, &same, 1));
    struct address *second = address_take(&book, &other, 1);
    assert_non_null(second);
    address_release(&book, first);
    address_release(&book, second);
    address_book_done(&book);
}

static void test_many(void **state)
{
    enum { COUNT = 2000 };
    static struct address *taken[COUNT];
    struct address_book book;
    address_book_init(&book);
    for (int round = 0; round < 3; round++) {
        for (int n = 0; n < COUNT; n++) {
            char text[32];
            (void)snprintf(text, sizeof text, "10.0.%d.%d", n / 250, n % 250);
            struct network_address address = address_of(text);
            taken[n] = address_take(&book, &address, 1);
            assert_non_null(taken[n]);
            assert_null(address_take(&book, &address, 1));
        }
        for (int n = 0; n < COUNT; n++)
            address_release(&book, taken[n]);
    }
    address_book_done(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_ipv6_by_64),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
