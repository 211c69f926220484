#include "depot/sign.h"

#include "base/crypto.h"

#include <assert.h>
#include <string.h>

enum { SIGN_HEX = 2 * CRYPTO_SHA256_SIZE };

/* The code of "PATH\nSECONDS" in hex. */
static void code_of(struct secret secret, struct span path, int64_t seconds,
                    char target[static SIGN_HEX + 1])
{
    unsigned char digest[CRYPTO_SHA256_SIZE];
    struct buffer text;
    buffer_init(&text, path.size + 32); /* room for any number */
    buffer_add(&text, path);
    buffer_print(&text, "\n%lld", (long long)seconds);
    crypto_hmac_sha256(secret, buffer_span(&text), digest);
    crypto_hex(digest, sizeof digest, target);
    buffer_done(&text);
}

void sign_path(struct secret secret, struct span path, ms_t expires, struct buffer *target)
{
    assert(secret.size > 0);
    char code[SIGN_HEX + 1];
    int64_t seconds = expires / MS_SECOND + (expires % MS_SECOND > 0);
    if (seconds > INT64_MAX / MS_SECOND)
        seconds = INT64_MAX / MS_SECOND; /* MS_NEVER */
    code_of(secret, path, seconds, code);
    buffer_print(target, "?expires=%lld&signature=%s", (long long)seconds, code);
}

/* The one parameter of that name, as it stands; false when it is missing or comes twice. */
static bool only(struct span query, const char *name, struct span *ret_value)
{
    unsigned found = 0;
    struct span rest = query, pair;
    size_t size = strlen(name);
    while (span_take(&rest, '&', &pair)) {
        if (pair.size <= size || memcmp(pair.data, name, size) != 0 || pair.data[size] != '=')
            continue;
        *ret_value = (struct span){pair.data + size + 1, pair.size - size - 1};
        found++;
    }
    return found == 1;
}

bool sign_check(struct secret secret, struct span path, struct span query, ms_t now)
{
    struct span expires, signature;
    int64_t seconds;
    if (!only(query, "expires", &expires) || !only(query, "signature", &signature) ||
        !span_integer(expires, 1, INT64_MAX / MS_SECOND, &seconds) || secret.size == 0)
        return false;
    char code[SIGN_HEX + 1];
    code_of(secret, path, seconds, code);
    struct secret ours = secret_make((struct span){code, SIGN_HEX});
    bool equal = secret_equal(ours, signature);
    secret_done(&ours);
    return equal && seconds * MS_SECOND > now;
}
