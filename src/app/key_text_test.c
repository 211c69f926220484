#include "app/key_text.h"

#include "base/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static void the_row_knows_the_key_by_its_digest(void **context)
{
    (void)context;
    struct api_key_row row = {.rate = 0};
    char text[KEY_TEXT_SIZE];
    unsigned char hash[CRYPTO_SHA256_SIZE];
    int64_t key;
    key_text_make(1790000000000, &row, text);
    assert_int_equal(strlen(text), KEY_TEXT_SIZE - 1);
    assert_true(span_starts(span_of(text), "reel_"));
    crypto_sha256(span_of(text), hash);
    assert_memory_equal(row.hash, hash, sizeof hash);
    assert_true(span_starts(span_of(text), row.prefix));
    assert_int_equal(strlen(row.prefix), 13);
    assert_true(id_read(span_of(row.id), "key_", &key));
    assert_int_equal(id_time(key), 1790000000000);
}

static void no_two_are_equal(void **context)
{
    (void)context;
    enum { COUNT = 200 };
    static struct api_key_row rows[COUNT];
    static char texts[COUNT][KEY_TEXT_SIZE];
    for (int n = 0; n < COUNT; n++) {
        key_text_make(1790000000000, &rows[n], texts[n]);
        for (int earlier = 0; earlier < n; earlier++) {
            assert_string_not_equal(texts[n], texts[earlier]);
            assert_string_not_equal(rows[n].id, rows[earlier].id);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_row_knows_the_key_by_its_digest),
        cmocka_unit_test(no_two_are_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
