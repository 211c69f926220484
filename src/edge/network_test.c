#include "edge/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct network_address address_of(const char *text)
{
    struct network_address address;
    assert_true(network_address_read(span_of(text), &address));
    return address;
}

static void test_addresses(void **state)
{
    static const char *const valid[] = {"192.0.2.7", "127.0.0.1", "::1", "2001:db8::7", "0.0.0.0"};
    static const char *const invalid[] = {"",         "1",         "1.2.3",     "1.2.3.4.5",
                                          "01.2.3.4", "256.0.0.1", "[::1]",     "fe80::1%eth0",
                                          "1.2.3.4 ", "localhost", "1.2.3.4:80"};
    char text[NETWORK_TEXT_SIZE];
    struct network_address address;
    for (size_t n = 0; n < sizeof valid / sizeof valid[0]; n++) {
        address = address_of(valid[n]);
        network_address_write(&address, text);
        assert_string_equal(text, valid[n]);
    }
    for (size_t n = 0; n < sizeof invalid / sizeof invalid[0]; n++)
        assert_false(network_address_read(span_of(invalid[n]), &address));
    assert_false(network_address_read(SPAN("1.2.3.4\0"), &address));
    /* The two forms of an IPv4 address are one. */
    address = address_of("::ffff:192.0.2.7");
    network_address_write(&address, text);
    assert_string_equal(text, "192.0.2.7");
}

static void test_socket_addresses(void **state)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_addr = {htonl(0x7F000001)}};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct network_address address;
    assert_true(network_address_of((struct sockaddr *)&ipv4, &address));
    assert_true(network_address_is_loopback(&address));
    assert_true(network_address_of((struct sockaddr *)&ipv6, &address));
    assert_true(network_address_is_loopback(&address));
    assert_false(network_address_of(&other, &address));
    address = address_of("128.0.0.1");
    assert_false(network_address_is_loopback(&address));
    address = address_of("::2");
    assert_false(network_address_is_loopback(&address));
}

static void test_networks(void **state)
{
    static const struct {
        const char *network, *address;
        bool holds;
    } rows[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"192.0.2.128/25", "192.0.2.255", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.6", false},
        {"0.0.0.0/0", "192.0.2.7", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "192.0.2.7", true},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
    };
    static const char *const invalid[] = {
        "",          "10.0.0.0/",    "10.0.0.0/33", "10.0.0.1/8",  "10.0.0.0/-1", "::/129",
        "fd00::1/8", "10.0.0.0/8/8", "/8",          "10.0.0.0/ 8", "a/8"};
    struct network network;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct network_address address = address_of(rows[n].address);
        assert_true(network_read(span_of(rows[n].network), &network));
        assert_int_equal(network_holds(&network, &address), rows[n].holds);
    }
    for (size_t n = 0; n < sizeof invalid / sizeof invalid[0]; n++)
        assert_false(network_read(span_of(invalid[n]), &network));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_socket_addresses),
        cmocka_unit_test(test_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
