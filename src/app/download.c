#include "app/download.h"

#include "app/interrupt.h"
#include "base/crypto.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOW_S = 30, CONNECT_S = 10, AUTHORIZATION_MAX = 8192 };

struct receiving {
    int fd;
    uint64_t size;
    struct crypto_sha256 *digest;
    int error; /* errno of the write that failed */
};

static size_t take(char *data, size_t size, size_t count, void *context)
{
    struct receiving *receiving = context;
    size_t left = size * count;
    crypto_sha256_add(receiving->digest, span_make(data, left));
    while (left > 0) {
        ssize_t written = write(receiving->fd, data, left);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            receiving->error = errno;
            return 0;
        }
        data += written;
        left -= (size_t)written;
    }
    receiving->size += size * count;
    return size * count;
}

static int check_interrupt(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    return interrupt_seen() ? 1 : 0;
}

/* The key goes to our server alone, and only where the link carries no signature of its own. */
static struct curl_slist *make_headers(const struct client *client, const char *url)
{
    struct buffer line;
    struct curl_slist *list = NULL;
    if (client->token.size == 0 || !client_is_own(client, url) || strstr(url, "signature="))
        return NULL;
    buffer_init(&line, AUTHORIZATION_MAX);
    buffer_add_text(&line, "Authorization: Bearer ");
    buffer_add(&line, span_make(client->token.bytes, client->token.size));
    list = curl_slist_append(NULL, line.data);
    explicit_bzero(line.data, line.size);
    buffer_done(&line);
    return list;
}

static bool receive(struct client *client, const char *url, struct receiving *receiving,
                    struct buffer *fault)
{
    char detail[CURL_ERROR_SIZE] = "";
    CURL *curl = client->handle;
    struct buffer whole;
    long status = 0;
    buffer_init(&whole, CLIENT_URL_SIZE * 4);
    buffer_print(&whole, "%s%s", url[0] == '/' ? client->base : "", url);
    struct curl_slist *headers = make_headers(client, url);
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, whole.data);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "127.0.0.1,localhost,::1");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_S);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "reel/" REEL_VERSION);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, receiving);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, check_interrupt);
    CURLcode code = whole.failed ? CURLE_URL_MALFORMAT : curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    buffer_done(&whole);
    if (code == CURLE_OK && status == 200)
        return true;
    if (receiving->error)
        buffer_print(fault, "The file can't be written: %s.", strerror(receiving->error));
    else if (code == CURLE_OK || code == CURLE_HTTP_RETURNED_ERROR)
        buffer_print(fault, "The server answered with HTTP status %ld for %s.", status, url);
    else
        buffer_print(fault, "The file can't be fetched: %s.",
                     detail[0] ? detail : curl_easy_strerror(code));
    return false;
}

static bool verify(const struct download *download, struct receiving *receiving,
                   struct buffer *fault)
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    char hex[CRYPTO_SHA256_HEX];
    crypto_sha256_take(receiving->digest, digest);
    receiving->digest = NULL;
    crypto_hex(digest, sizeof digest, hex);
    if (download->size >= 0 && (uint64_t)download->size != receiving->size) {
        buffer_print(fault, "%" PRIu64 " bytes came instead of %" PRId64 ".", receiving->size,
                     download->size);
        return false;
    }
    if (download->sha256 && download->sha256[0] && strcasecmp(hex, download->sha256) != 0) {
        buffer_print(fault, "The file's SHA-256 is %s instead of %s.", hex, download->sha256);
        return false;
    }
    return true;
}

static bool settle(int fd, const char *draft, const char *path, struct buffer *fault)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    if (fchmod(fd, 0666 & ~mask) == 0 && fsync(fd) == 0 && rename(draft, path) == 0)
        return true;
    buffer_print(fault, "%s can't be written: %s.", path, strerror(errno));
    return false;
}

bool download_run(struct client *client, const struct download *download, struct buffer *fault)
{
    char draft[DOWNLOAD_PATH_SIZE + 16];
    int size = snprintf(draft, sizeof draft, "%s.part-XXXXXX", download->path);
    if (size < 0 || (size_t)size >= sizeof draft) {
        buffer_add_text(fault, "The path is too long.");
        return false;
    }
    struct receiving receiving = {.fd = mkostemp(draft, O_CLOEXEC)};
    if (receiving.fd < 0) {
        buffer_print(fault, "%s can't be written: %s.", download->path, strerror(errno));
        return false;
    }
    receiving.digest = crypto_sha256_make();
    bool good = receive(client, download->url, &receiving, fault);
    if (good)
        good = verify(download, &receiving, fault) &&
               settle(receiving.fd, draft, download->path, fault);
    if (receiving.digest) {
        unsigned char digest[CRYPTO_SHA256_SIZE];
        crypto_sha256_take(receiving.digest, digest);
    }
    (void)close(receiving.fd);
    if (!good)
        (void)unlink(draft);
    return good;
}

bool download_name(const char *url, char *target, size_t capacity)
{
    struct span path = span_of(url), name;
    for (size_t n = 0; n < path.size; n++) {
        if (path.data[n] == '?' || path.data[n] == '#')
            path.size = n;
    }
    name = path;
    while (span_find(name, '/') >= 0) {
        size_t at = (size_t)span_find(name, '/') + 1;
        name = span_make(name.data + at, name.size - at);
    }
    for (size_t n = 0; n < name.size; n++) {
        if (!isalnum((unsigned char)name.data[n]) && !strchr("-_.", name.data[n]))
            return false;
    }
    return name.size > 0 && name.data[0] != '.' && span_copy(name, target, capacity);
}
