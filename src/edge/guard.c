#include "edge/guard.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { NETWORKS_MAX = 64, PORTS_MAX = 64, ADDRESS_TEXT_SIZE = 64, LABEL_MAX = 63 };

struct network {
    int family;
    unsigned length; /* of the prefix, in bits */
    unsigned char bytes[16];
};

struct port_range {
    uint16_t low, high;
};

struct guard {
    struct network networks[NETWORKS_MAX];
    unsigned network_count;
    struct port_range ports[PORTS_MAX];
    unsigned port_count;
};

/* IANA's special-purpose registries, and a public address that leads inside all the same. What is
 * not listed is global in IPv4; in IPv6 only 2000::/3 is given out at all, and everything outside
 * it is refused even without a line here. */
static const struct {
    const char *network;
    const char *why;
} forbidden[] = {
    {"0.0.0.0/8", "stands for this host"},
    {"10.0.0.0/8", "is a private address"},
    {"100.64.0.0/10", "is a carrier's shared address"},
    {"127.0.0.0/8", "is a loopback address"},
    {"168.63.129.16/32", "is a cloud's own service"}, /* Azure's, in its virtual machines */
    {"169.254.0.0/16", "is a link-local address"},
    {"172.16.0.0/12", "is a private address"},
    {"192.0.0.0/24", "is reserved for protocols"},
    {"192.0.2.0/24", "is reserved for documentation"},
    {"192.88.99.0/24", "is a 6to4 relay"},
    {"192.168.0.0/16", "is a private address"},
    {"198.18.0.0/15", "is reserved for benchmarks"},
    {"198.51.100.0/24", "is reserved for documentation"},
    {"203.0.113.0/24", "is reserved for documentation"},
    {"224.0.0.0/4", "is a multicast address"},
    {"255.255.255.255/32", "is the broadcast address"},
    {"240.0.0.0/4", "is reserved"},
    {"::/128", "stands for this host"},
    {"::1/128", "is a loopback address"},
    {"::ffff:0:0/96", "is an IPv4 address inside an IPv6 address"},
    {"::ffff:0:0:0/96", "is an IPv4 address inside an IPv6 address"},
    {"::/96", "is an IPv4 address inside an IPv6 address"},
    {"64:ff9b::/96", "is an IPv4 address inside an IPv6 address"},
    {"64:ff9b:1::/48", "is an IPv4 address inside an IPv6 address"},
    {"100::/64", "is a discard address"},
    {"2001::/32", "is a Teredo address"},
    {"2001::/23", "is reserved for protocols"},
    {"2001:db8::/32", "is reserved for documentation"},
    {"2002::/16", "is a 6to4 address"},
    {"3ffe::/16", "is reserved"},
    {"3fff::/20", "is reserved for documentation"},
    {"fc00::/7", "is a private address"},
    {"fe80::/10", "is a link-local address"},
    {"fec0::/10", "is a site-local address"},
    {"ff00::/8", "is a multicast address"},
};

static void say(char target[static GUARD_WHY_SIZE], const char *sentence)
{
    (void)snprintf(target, GUARD_WHY_SIZE, "%s", sentence);
}

static bool network_read(struct span text, struct network *ret_network)
{
    struct span address = text, length = {NULL, 0};
    ptrdiff_t slash = span_find(text, '/');
    if (slash >= 0) {
        address.size = (size_t)slash;
        length = (struct span){text.data + slash + 1, text.size - (size_t)slash - 1};
    }
    char copy[ADDRESS_TEXT_SIZE];
    if (!span_copy(address, copy, sizeof copy))
        return false;
    struct network network = {.family = span_find(address, ':') >= 0 ? AF_INET6 : AF_INET};
    if (inet_pton(network.family, copy, network.bytes) != 1)
        return false;
    int64_t bits = network.family == AF_INET6 ? 128 : 32;
    if (length.data && !span_integer(length, 0, bits, &bits))
        return false;
    network.length = (unsigned)bits;
    *ret_network = network;
    return true;
}

static bool network_holds(const struct network *network, int family, const unsigned char *bytes)
{
    if (network->family != family)
        return false;
    unsigned whole = network->length / 8, rest = network->length % 8;
    if (memcmp(network->bytes, bytes, whole) != 0)
        return false;
    return rest == 0 || (network->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0;
}

static bool ports_read(struct span text, struct port_range *ret_range)
{
    if (span_is(text, "*")) {
        *ret_range = (struct port_range){1, UINT16_MAX};
        return true;
    }
    struct span low = text, high = text;
    ptrdiff_t dash = span_find(text, '-');
    if (dash >= 0) {
        low.size = (size_t)dash;
        high = (struct span){text.data + dash + 1, text.size - (size_t)dash - 1};
    }
    int64_t first, last;
    if (!span_integer(low, 1, UINT16_MAX, &first) || !span_integer(high, first, UINT16_MAX, &last))
        return false;
    *ret_range = (struct port_range){(uint16_t)first, (uint16_t)last};
    return true;
}

/* The next word of a list that commas and blanks separate. */
static bool next_word(struct span *rest, struct span *ret_word)
{
    static const char separators[] = ", \t\r\n";
    while (rest->size && strchr(separators, rest->data[0]) && rest->data[0])
        *rest = (struct span){rest->data + 1, rest->size - 1};
    size_t size = 0;
    while (size < rest->size && !(rest->data[size] && strchr(separators, rest->data[size])))
        size++;
    *ret_word = (struct span){rest->data, size};
    *rest = (struct span){rest->data + size, rest->size - size};
    return size > 0;
}

static bool misread(struct span word, const char *what, char ret_fault[static GUARD_WHY_SIZE])
{
    int shown = word.size < 60 ? (int)word.size : 60;
    (void)snprintf(ret_fault, GUARD_WHY_SIZE, "\"%.*s\" is not %s.", shown, word.data, what);
    return false;
}

static bool read_networks(struct guard *guard, struct span text,
                          char ret_fault[static GUARD_WHY_SIZE])
{
    for (struct span word; next_word(&text, &word);) {
        struct network network;
        if (!network_read(word, &network))
            return misread(word, "a network such as 10.0.0.0/8 or fd00::/8", ret_fault);
        if (guard->network_count == NETWORKS_MAX)
            return misread(word, "allowed: 64 networks are the most", ret_fault);
        guard->networks[guard->network_count++] = network;
    }
    return true;
}

static bool read_ports(struct guard *guard, struct span text, char ret_fault[static GUARD_WHY_SIZE])
{
    for (struct span word; next_word(&text, &word);) {
        struct port_range range;
        if (!ports_read(word, &range))
            return misread(word, "a port, a range such as 8000-8099, or *", ret_fault);
        if (guard->port_count == PORTS_MAX)
            return misread(word, "allowed: 64 ranges of ports are the most", ret_fault);
        guard->ports[guard->port_count++] = range;
    }
    return true;
}

struct guard *guard_make(const char *networks, const char *ports,
                         char ret_fault[static GUARD_WHY_SIZE])
{
    struct guard *guard = memory_new(struct guard);
    if (read_networks(guard, span_of(networks), ret_fault) &&
        read_ports(guard, span_of(ports), ret_fault))
        return guard;
    guard_free(guard);
    return NULL;
}

void guard_free(struct guard *guard)
{
    memory_free(guard);
}

/* An IPv6 address whose lower half is built from an IPv4 address (RFC 5214) leads into that IPv4
 * network, wherever its upper half points. */
static bool is_isatap(const unsigned char *bytes)
{
    return (bytes[8] & 0xFD) == 0 && bytes[9] == 0 && bytes[10] == 0x5E && bytes[11] == 0xFE;
}

static const char *why_forbidden(int family, const unsigned char *bytes)
{
    for (size_t n = 0; n < sizeof forbidden / sizeof forbidden[0]; n++) {
        struct network network;
        bool read = network_read(span_of(forbidden[n].network), &network);
        assert(read);
        if (network_holds(&network, family, bytes))
            return forbidden[n].why;
    }
    if (family == AF_INET6 && (bytes[0] & 0xE0) != 0x20)
        return "is not a global address";
    if (family == AF_INET6 && is_isatap(bytes))
        return "is an IPv4 address inside an IPv6 address";
    return NULL;
}

bool guard_address(const struct guard *guard, const struct sockaddr *address,
                   char ret_why[static GUARD_WHY_SIZE])
{
    /* Copied, because a caller's sockaddr need not be aligned for its true type. */
    unsigned char bytes[16] = {0};
    if (address->sa_family == AF_INET) {
        memcpy(bytes, (const char *)address + offsetof(struct sockaddr_in, sin_addr), 4);
    } else if (address->sa_family == AF_INET6) {
        memcpy(bytes, (const char *)address + offsetof(struct sockaddr_in6, sin6_addr), 16);
    } else {
        say(ret_why, "is not an internet address");
        return false;
    }
    for (unsigned n = 0; n < guard->network_count; n++) {
        if (network_holds(&guard->networks[n], address->sa_family, bytes))
            return true;
    }
    const char *why = why_forbidden(address->sa_family, bytes);
    if (why)
        say(ret_why, why);
    return !why;
}

bool guard_port(const struct guard *guard, uint16_t port)
{
    if (port == 80 || port == 443 || port == 8443)
        return true;
    for (unsigned n = 0; n < guard->port_count; n++) {
        if (port >= guard->ports[n].low && port <= guard->ports[n].high)
            return true;
    }
    return false;
}

static bool refuse(char ret_why[static GUARD_WHY_SIZE], const char *sentence)
{
    say(ret_why, sentence);
    return false;
}

static struct span tail(struct span text, size_t from)
{
    return (struct span){text.data + from, text.size - from};
}

/* The length of what stands before the first of these bytes. */
static size_t until_any(struct span text, const char *stops)
{
    size_t size = 0;
    while (size < text.size && !(text.data[size] && strchr(stops, text.data[size])))
        size++;
    return size;
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex(char byte)
{
    return is_digit(byte) || (lower(byte) >= 'a' && lower(byte) <= 'f');
}

/* Whether some parser might take this host for a number: its last label is decimal, or hexadecimal
 * after "0x". That is WHATWG's rule; inet_aton accepts nothing beyond it. */
static bool looks_numeric(const char *host)
{
    const char *dot = strrchr(host, '.');
    const char *label = dot ? dot + 1 : host;
    bool hex = label[0] == '0' && label[1] == 'x';
    for (const char *at = hex ? label + 2 : label; *at; at++) {
        if (hex ? !is_hex(*at) : !is_digit(*at))
            return false;
    }
    return true;
}

static bool read_ipv4(struct guard_url *url, char ret_why[static GUARD_WHY_SIZE])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(url->port)};
    if (inet_pton(AF_INET, url->host, &address.sin_addr) != 1)
        return refuse(ret_why, "An IPv4 address in a URL must be four plain decimal numbers.");
    memcpy(&url->address, &address, sizeof address);
    url->is_address = true;
    return true;
}

static bool read_ipv6(struct guard_url *url, struct span text, char ret_why[static GUARD_WHY_SIZE])
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(url->port)};
    char copy[ADDRESS_TEXT_SIZE];
    if (span_find(text, '%') >= 0)
        return refuse(ret_why, "An address in a URL must not name a zone.");
    if (!span_copy(text, copy, sizeof copy) || inet_pton(AF_INET6, copy, &address.sin6_addr) != 1)
        return refuse(ret_why, "The IPv6 address in the URL can't be read.");
    const char *written = inet_ntop(AF_INET6, &address.sin6_addr, url->host, sizeof url->host);
    assert(written);
    memcpy(&url->address, &address, sizeof address);
    url->is_address = true;
    return true;
}

static bool read_name(struct guard_url *url, struct span text, char ret_why[static GUARD_WHY_SIZE])
{
    if (span_ends(text, "."))
        text.size--;
    if (text.size == 0)
        return refuse(ret_why, "The URL names no host.");
    if (text.size >= GUARD_HOST_SIZE)
        return refuse(ret_why, "The URL's host is longer than 253 characters.");
    size_t label = 0;
    for (size_t n = 0; n <= text.size; n++) {
        char byte = n < text.size ? lower(text.data[n]) : '.';
        url->host[n] = n < text.size ? byte : '\0';
        if (byte == '.') {
            if (label == 0 || label > LABEL_MAX)
                return refuse(ret_why, "A part of the URL's host is empty or too long.");
            label = 0;
            continue;
        }
        bool plain = (byte >= 'a' && byte <= 'z') || is_digit(byte) || byte == '_';
        if (!plain && !(byte == '-' && label > 0))
            return refuse(ret_why,
                          "The URL's host may hold letters, digits, hyphens and dots; write "
                          "other scripts as xn--….");
        label++;
    }
    return looks_numeric(url->host) ? read_ipv4(url, ret_why) : true;
}

/* `text` is what follows the host: nothing, or a colon and a number. */
static bool read_port(struct guard_url *url, struct span text, char ret_why[static GUARD_WHY_SIZE])
{
    url->port = url->https ? 443 : 80;
    if (text.size == 0)
        return true;
    int64_t port = 0;
    bool number = text.data[0] == ':' && text.size > 1 && text.size <= 6 &&
                  is_digit(text.data[1]) && span_integer(tail(text, 1), 1, UINT16_MAX, &port);
    if (!number)
        return refuse(ret_why, "The URL's port must be a number from 1 to 65535.");
    url->port = (uint16_t)port;
    return true;
}

static bool read_authority(struct guard_url *url, struct span text,
                           char ret_why[static GUARD_WHY_SIZE])
{
    if (span_find(text, '@') >= 0)
        return refuse(ret_why, "A URL must not hold a user name or password.");
    if (span_starts(text, "[")) {
        ptrdiff_t end = span_find(text, ']');
        if (end < 0)
            return refuse(ret_why, "The IPv6 address in the URL can't be read.");
        struct span inside = {text.data + 1, (size_t)end - 1};
        return read_port(url, tail(text, (size_t)end + 1), ret_why) &&
               read_ipv6(url, inside, ret_why);
    }
    size_t size = until_any(text, ":");
    return read_port(url, tail(text, size), ret_why) &&
           read_name(url, (struct span){text.data, size}, ret_why);
}

static bool has_blank_or_control(struct span text)
{
    for (size_t n = 0; n < text.size; n++) {
        unsigned char byte = (unsigned char)text.data[n];
        if (byte <= ' ' || byte == 0x7F)
            return true;
    }
    return false;
}

static size_t scheme_size(struct span url, const char *scheme)
{
    struct span start = {url.data, strlen(scheme)};
    return url.size >= start.size && span_is_nocase(start, scheme) ? start.size : 0;
}

bool guard_url_read(struct span url, struct guard_url *ret_url, char ret_why[static GUARD_WHY_SIZE])
{
    struct guard_url read = {.https = scheme_size(url, "https://") > 0};
    size_t scheme = scheme_size(url, read.https ? "https://" : "http://");
    if (url.size > GUARD_URL_MAX)
        return refuse(ret_why, "A URL may have at most 4096 bytes.");
    if (scheme == 0)
        return refuse(ret_why, "A URL must begin with https:// or http://.");
    if (has_blank_or_control(url))
        return refuse(ret_why, "A URL must not hold blanks or control characters.");
    if (!span_is_utf8(url))
        return refuse(ret_why, "A URL must be valid UTF-8.");
    struct span rest = tail(url, scheme);
    struct span authority = {rest.data, until_any(rest, "/?#")};
    if (!read_authority(&read, authority, ret_why))
        return false;
    rest = tail(rest, authority.size);
    rest.size = until_any(rest, "#");
    read.path = (struct span){rest.data, until_any(rest, "?")};
    rest = tail(rest, read.path.size);
    read.has_query = rest.size > 0;
    read.query = read.has_query ? tail(rest, 1) : rest;
    *ret_url = read;
    return true;
}

bool guard_url(const struct guard *guard, struct span url, struct guard_url *ret_url,
               char ret_why[static GUARD_WHY_SIZE])
{
    struct guard_url read;
    if (!guard_url_read(url, &read, ret_why))
        return false;
    if (!guard_port(guard, read.port)) {
        (void)snprintf(ret_why, GUARD_WHY_SIZE, "Port %u is not allowed in a URL.", read.port);
        return false;
    }
    char kind[GUARD_WHY_SIZE];
    if (read.is_address &&
        !guard_address(guard, (const struct sockaddr *)(const void *)&read.address, kind)) {
        (void)snprintf(ret_why, GUARD_WHY_SIZE, "%.64s %.80s, which must not be fetched.",
                       read.host, kind);
        return false;
    }
    *ret_url = read;
    return true;
}

static void write_escaped(struct span text, struct buffer *target)
{
    for (size_t n = 0; n < text.size; n++) {
        unsigned char byte = (unsigned char)text.data[n];
        if (byte <= ' ' || byte >= 0x7F || byte == '\\')
            buffer_print(target, "%%%02X", byte);
        else
            buffer_add_byte(target, (char)byte);
    }
}

static void write_origin(const struct guard_url *url, struct buffer *target)
{
    bool brackets = url->is_address && url->address.ss_family == AF_INET6;
    buffer_print(target, "%s://%s%s%s", url->https ? "https" : "http", brackets ? "[" : "",
                 url->host, brackets ? "]" : "");
    if (url->port != (url->https ? 443 : 80))
        buffer_print(target, ":%u", url->port);
}

void guard_url_write(const struct guard_url *url, struct buffer *target)
{
    write_origin(url, target);
    if (url->path.size == 0)
        buffer_add_byte(target, '/');
    write_escaped(url->path, target);
    if (url->has_query) {
        buffer_add_byte(target, '?');
        write_escaped(url->query, target);
    }
}

bool guard_url_same_origin(const struct guard_url *a, const struct guard_url *b)
{
    return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* "https:" and the like at the beginning: the URL stands for itself then. */
static bool has_scheme(struct span text)
{
    size_t size = until_any(text, ":/?#");
    if (size == 0 || size == text.size || text.data[size] != ':')
        return false;
    for (size_t n = 0; n < size; n++) {
        char byte = lower(text.data[n]);
        bool letter = byte >= 'a' && byte <= 'z';
        if (!letter && (n == 0 || !(is_digit(byte) || byte == '+' || byte == '-' || byte == '.')))
            return false;
    }
    return true;
}

void guard_url_join(const struct guard_url *base, struct span location, struct buffer *target)
{
    location = span_trim(location);
    location.size = until_any(location, "#");
    if (has_scheme(location)) {
        write_escaped(location, target);
        return;
    }
    if (span_starts(location, "//")) {
        buffer_add_text(target, base->https ? "https:" : "http:");
        write_escaped(location, target);
        return;
    }
    if (location.size == 0) {
        guard_url_write(base, target);
        return;
    }
    write_origin(base, target);
    if (location.data[0] != '/') {
        struct span path = base->path.size ? base->path : SPAN("/");
        while (location.data[0] != '?' && path.data[path.size - 1] != '/')
            path.size--;
        write_escaped(path, target);
    }
    write_escaped(location, target);
}
