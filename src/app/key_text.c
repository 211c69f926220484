#include "app/key_text.h"

#include "base/crypto.h"

#include <string.h>

#define START "reel_"

enum { RANDOM_SIZE = 32, SHOWN = 8 /* digits of the prefix */, COUNTER_BITS = 15 };

void key_text_make(ms_t now, struct api_key_row *row, char ret_text[static KEY_TEXT_SIZE])
{
    unsigned char random[RANDOM_SIZE];
    size_t start = sizeof START - 1;
    crypto_random(random, sizeof random);
    memcpy(ret_text, START, start);
    crypto_hex(random, sizeof random, ret_text + start);
    explicit_bzero(random, sizeof random);
    crypto_sha256(span_of(ret_text), row->hash);
    (void)span_copy((struct span){ret_text, start + SHOWN}, row->prefix, sizeof row->prefix);
    /* Nobody counts these ids: two of one millisecond differ by chance, here and in the rest. */
    int64_t key = id_next_key(0, now) + (int64_t)(crypto_random_number() >> (64 - COUNTER_BITS));
    id_write("key_", key, crypto_random_number(), row->id);
}
