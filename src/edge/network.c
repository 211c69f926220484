#include "edge/network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static bool is_mapped(const struct network_address *address)
{
    return memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

static struct network_address of_ipv4(const void *four)
{
    struct network_address address;
    memcpy(address.bytes, mapped, sizeof mapped);
    memcpy(address.bytes + 12, four, 4);
    return address;
}

bool network_address_of(const struct sockaddr *socket_address, struct network_address *ret_address)
{
    if (socket_address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, socket_address, sizeof ipv4);
        *ret_address = of_ipv4(&ipv4.sin_addr);
        return true;
    }
    if (socket_address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, socket_address, sizeof ipv6);
        memcpy(ret_address->bytes, &ipv6.sin6_addr, sizeof ret_address->bytes);
        return true;
    }
    return false;
}

bool network_address_read(struct span text, struct network_address *ret_address)
{
    char copy[NETWORK_TEXT_SIZE];
    unsigned char four[4];
    if (!span_copy(text, copy, sizeof copy))
        return false;
    if (inet_pton(AF_INET, copy, four) == 1) {
        *ret_address = of_ipv4(four);
        return true;
    }
    return inet_pton(AF_INET6, copy, ret_address->bytes) == 1;
}

void network_address_write(const struct network_address *address,
                           char target[static NETWORK_TEXT_SIZE])
{
    const char *written = is_mapped(address)
                              ? inet_ntop(AF_INET, address->bytes + 12, target, NETWORK_TEXT_SIZE)
                              : inet_ntop(AF_INET6, address->bytes, target, NETWORK_TEXT_SIZE);
    if (!written)
        target[0] = '\0';
}

bool network_address_is_loopback(const struct network_address *address)
{
    static const unsigned char one[16] = {[15] = 1};
    if (is_mapped(address))
        return address->bytes[12] == 127;
    return memcmp(address->bytes, one, sizeof one) == 0;
}

static unsigned bit_of(const struct network_address *address, unsigned n)
{
    return (unsigned)(address->bytes[n / 8] >> (7 - n % 8)) & 1u;
}

bool network_read(struct span text, struct network *ret_network)
{
    struct network network;
    struct span rest = text, base;
    if (!span_take(&rest, '/', &base) || !network_address_read(base, &network.base))
        return false;
    bool ipv4 = span_find(base, ':') < 0;
    int64_t bits = ipv4 ? 32 : 128;
    if (rest.data && !span_integer(rest, 0, bits, &bits))
        return false;
    network.bits = (unsigned)bits + (ipv4 ? 96 : 0);
    for (unsigned n = network.bits; n < 128; n++) {
        if (bit_of(&network.base, n))
            return false;
    }
    *ret_network = network;
    return true;
}

bool network_holds(const struct network *network, const struct network_address *address)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (memcmp(network->base.bytes, address->bytes, whole) != 0)
        return false;
    unsigned difference =
        rest ? (unsigned)(network->base.bytes[whole] ^ address->bytes[whole]) >> (8 - rest) : 0;
    return difference == 0;
}
