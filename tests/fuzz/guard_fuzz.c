/* The URL guard with any bytes: a line is the URL, the rest what a redirect from it names. Another
 * parser, libcurl's, must find the same host and port in whatever the guard lets through, for the
 * HTTP library is handed that text; and a host that any inet_aton takes for a number is one of four
 * plain decimal numbers. */
#include "edge/guard.h"

#include <arpa/inet.h>
#include <assert.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct guard *closed(void)
{
    static struct guard *guard;
    char fault[GUARD_WHY_SIZE];
    if (!guard)
        guard = guard_make(NULL, "*", fault);
    assert(guard);
    return guard;
}

static void check_part(CURLU *parsed, CURLUPart part, const char *expected)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(parsed, part, &text, CURLU_DEFAULT_PORT);
    assert(code == CURLUE_OK && strcmp(text, expected) == 0);
    curl_free(text);
}

/* What libcurl makes of the canonical text. */
static void check_other_parser(const struct guard_url *url, const char *text)
{
    char host[GUARD_HOST_SIZE + 2], port[8];
    bool six = url->is_address && url->address.ss_family == AF_INET6;
    (void)snprintf(host, sizeof host, six ? "[%s]" : "%s", url->host);
    (void)snprintf(port, sizeof port, "%u", url->port);
    CURLU *parsed = curl_url();
    assert(parsed && curl_url_set(parsed, CURLUPART_URL, text, CURLU_PATH_AS_IS) == CURLUE_OK);
    check_part(parsed, CURLUPART_SCHEME, url->https ? "https" : "http");
    check_part(parsed, CURLUPART_HOST, host);
    check_part(parsed, CURLUPART_PORT, port);
    char *user = NULL;
    assert(curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_NO_USER);
    curl_url_cleanup(parsed);
}

static void check_number(const struct guard_url *url)
{
    struct in_addr number, plain;
    if (inet_aton(url->host, &number) == 0)
        return;
    assert(url->is_address && inet_pton(AF_INET, url->host, &plain) == 1);
    assert(plain.s_addr == number.s_addr);
}

static void check_canonical(const struct guard_url *url, struct span text)
{
    struct guard_url again;
    struct buffer second;
    char why[GUARD_WHY_SIZE];
    for (size_t n = 0; n < text.size; n++)
        assert(text.data[n] > ' ' && text.data[n] < 0x7F && text.data[n] != '\\');
    assert(text.size > GUARD_URL_MAX || guard_url_read(text, &again, why));
    if (text.size > GUARD_URL_MAX)
        return; /* escapes made it too long, and the egress refuses it */
    buffer_init(&second, 4 * GUARD_URL_MAX);
    guard_url_write(&again, &second);
    assert(span_equal(text, buffer_span(&second)) && guard_url_same_origin(url, &again));
    buffer_done(&second);
}

/* False when it is refused. */
static bool check_url(struct span text)
{
    struct guard_url url;
    struct buffer canonical;
    char why[GUARD_WHY_SIZE] = "";
    bool read = guard_url_read(text, &url, why);
    assert(read == (why[0] == '\0') && strlen(why) < GUARD_WHY_SIZE);
    if (!read)
        return false;
    buffer_init(&canonical, 4 * GUARD_URL_MAX);
    guard_url_write(&url, &canonical);
    assert(!canonical.failed);
    check_canonical(&url, buffer_span(&canonical));
    check_other_parser(&url, canonical.data);
    check_number(&url);
    buffer_done(&canonical);
    /* The verdict is the same however often it is asked for. */
    struct guard_url judged;
    bool taken = guard_url(closed(), text, &judged, why);
    assert(taken == (why[0] == '\0') && (!taken || guard_url_same_origin(&url, &judged)));
    return true;
}

static void check_redirect(struct span base, struct span location)
{
    struct guard_url url;
    struct buffer joined;
    char why[GUARD_WHY_SIZE];
    if (!guard_url_read(base, &url, why))
        return;
    buffer_init(&joined, 4 * GUARD_URL_MAX);
    guard_url_join(&url, location, &joined);
    if (!joined.failed)
        (void)check_url(buffer_span(&joined));
    buffer_done(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of just the right size, so that a read behind it is seen. */
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    struct span rest = {text, size}, url = {text, 0};
    (void)span_take(&rest, '\n', &url);
    (void)check_url(url);
    if (rest.data)
        check_redirect(url, rest);
    char fault[GUARD_WHY_SIZE];
    guard_free(guard_make(text, text, fault));
    free(text);
    return 0;
}
