#include "app/keyring.h"

#include "app/key_text.h"
#include "base/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { NOW = 1000000 };

/* A key that the keyring has been told of; gives its text. */
static struct api_key_change add(struct keyring *keyring, const char *tenant,
                                 char ret_text[static KEY_TEXT_SIZE])
{
    struct api_key_change change = {.act = API_KEY_MADE};
    change.row.scopes = SCOPE_BIT(SCOPE_READ);
    change.row.spend_limit = API_KEY_NO_LIMIT;
    assert_true(span_copy(span_of(tenant), change.row.tenant, sizeof change.row.tenant));
    key_text_make(NOW, &change.row, ret_text);
    keyring_take_key(keyring, &change);
    return change;
}

static void a_key_opens_until_it_is_revoked(void **context)
{
    (void)context;
    struct keyring *keyring = keyring_make(0);
    struct keyring_pass pass;
    char text[KEY_TEXT_SIZE];
    struct api_key_change change = add(keyring, "ann", text);
    assert_int_equal(keyring_find(keyring, span_of(text), NOW, &pass), KEYRING_GOOD);
    assert_string_equal(pass.tenant, "ann");
    assert_int_equal(pass.scopes, SCOPE_BIT(SCOPE_READ));
    change.act = API_KEY_REVOKED;
    change.row.revoked_at = NOW + 1;
    keyring_take_key(keyring, &change);
    assert_int_equal(keyring_find(keyring, span_of(text), NOW, &pass), KEYRING_REVOKED);
    change.act = API_KEY_MADE; /* as the store tells it to another node */
    change.row.revoked_at = 0;
    keyring_take_key(keyring, &change);
    assert_int_equal(keyring_find(keyring, span_of(text), NOW, &pass), KEYRING_REVOKED);
    keyring_free(keyring);
}

static void other_texts_are_unknown(void **context)
{
    (void)context;
    struct keyring *keyring = keyring_make(0);
    struct keyring_pass pass;
    char text[KEY_TEXT_SIZE], long_text[KEYRING_TEXT_MAX + 2];
    struct api_key_change change = add(keyring, "ann", text);
    memset(long_text, 'x', sizeof long_text);
    assert_int_equal(keyring_find(keyring, SPAN(""), NOW, &pass), KEYRING_UNKNOWN);
    assert_int_equal(keyring_find(keyring, span_make(long_text, sizeof long_text), NOW, &pass),
                     KEYRING_UNKNOWN);
    /* Not even who reads the store can come in with what stands there. */
    assert_int_equal(keyring_find(keyring, span_make(change.row.hash, 32), NOW, &pass),
                     KEYRING_UNKNOWN);
    text[10] = text[10] == 'a' ? 'b' : 'a';
    assert_int_equal(keyring_find(keyring, span_of(text), NOW, &pass), KEYRING_UNKNOWN);
    keyring_free(keyring);
}

static void a_key_expires(void **context)
{
    (void)context;
    struct keyring *keyring = keyring_make(0);
    struct keyring_pass pass;
    char text[KEY_TEXT_SIZE];
    struct api_key_change change = {.act = API_KEY_MADE};
    change.row.expires_at = NOW + 10;
    (void)span_copy(SPAN("ann"), change.row.tenant, sizeof change.row.tenant);
    key_text_make(NOW, &change.row, text);
    keyring_take_key(keyring, &change);
    assert_int_equal(keyring_find(keyring, span_of(text), NOW + 9, &pass), KEYRING_GOOD);
    assert_int_equal(keyring_find(keyring, span_of(text), NOW + 10, &pass), KEYRING_EXPIRED);
    keyring_free(keyring);
}

static void set_rate(struct keyring *keyring, const char *tenant, int64_t rate)
{
    struct tenant_row row = tenant_row_make(tenant);
    row.rate = rate;
    keyring_take_tenant(keyring, &row);
}

static void the_keys_of_a_tenant_share_its_rate(void **context)
{
    (void)context;
    struct keyring *keyring = keyring_make(3); /* of tenants that say nothing */
    struct keyring_pass one, two, bob;
    char texts[3][KEY_TEXT_SIZE];
    (void)add(keyring, "ann", texts[0]);
    (void)add(keyring, "ann", texts[1]);
    (void)add(keyring, "bob", texts[2]);
    assert_int_equal(keyring_find(keyring, span_of(texts[0]), NOW, &one), KEYRING_GOOD);
    assert_int_equal(keyring_find(keyring, span_of(texts[1]), NOW, &two), KEYRING_GOOD);
    assert_int_equal(keyring_find(keyring, span_of(texts[2]), NOW, &bob), KEYRING_GOOD);
    assert_true(keyring_admit(keyring, &one, NOW));
    assert_true(one.is_limited);
    assert_int_equal(one.rate.remaining, 2);
    assert_true(keyring_admit(keyring, &two, NOW));
    assert_true(keyring_admit(keyring, &two, NOW));
    assert_false(keyring_admit(keyring, &one, NOW));
    assert_int_equal(one.rate.retry, 20000);
    assert_true(keyring_admit(keyring, &bob, NOW));
    set_rate(keyring, "ann", 0); /* no limit */
    assert_true(keyring_admit(keyring, &one, NOW));
    assert_false(one.is_limited);
    keyring_free(keyring);
}

static void the_tighter_of_two_limits_is_shown(void **context)
{
    (void)context;
    struct keyring *keyring = keyring_make(0);
    struct keyring_pass pass;
    char text[KEY_TEXT_SIZE];
    struct api_key_change change = {.act = API_KEY_MADE, .row = {.rate = 2}};
    (void)span_copy(SPAN("ann"), change.row.tenant, sizeof change.row.tenant);
    key_text_make(NOW, &change.row, text);
    keyring_take_key(keyring, &change);
    assert_int_equal(keyring_find(keyring, span_of(text), NOW, &pass), KEYRING_GOOD);
    set_rate(keyring, "ann", 100);
    assert_true(keyring_admit(keyring, &pass, NOW));
    assert_int_equal(pass.rate.limit, 2);
    set_rate(keyring, "ann", 1);
    assert_false(keyring_admit(keyring, &pass, NOW));
    assert_int_equal(pass.rate.limit, 1);
    /* What the tenant's limit refused was not taken from the key's. */
    set_rate(keyring, "ann", 100);
    assert_true(keyring_admit(keyring, &pass, NOW));
    assert_int_equal(pass.rate.remaining, 0);
    assert_false(keyring_admit(keyring, &pass, NOW));
    assert_int_equal(pass.rate.limit, 2);
    keyring_free(keyring);
}

static void use_is_written_down_seldom(void **context)
{
    (void)context;
    struct keyring *keyring = keyring_make(0);
    struct keyring_pass pass;
    struct api_key_row row;
    char text[KEY_TEXT_SIZE];
    const char *id = NULL;
    struct api_key_change change = add(keyring, "ann", text);
    assert_int_equal(keyring_find(keyring, span_of(text), NOW, &pass), KEYRING_GOOD);
    assert_true(keyring_used(&pass, NOW, &id));
    assert_string_equal(id, change.row.id);
    assert_false(keyring_used(&pass, NOW + 1, &id));
    assert_false(keyring_used(&pass, NOW + KEYRING_USED_EVERY - 1, &id));
    assert_true(keyring_used(&pass, NOW + KEYRING_USED_EVERY, &id));
    assert_true(keyring_key(keyring, span_of(change.row.id), &row));
    assert_int_equal(row.used_at, NOW + KEYRING_USED_EVERY);
    keyring_free(keyring);
}

static void keys_are_listed_newest_first(void **context)
{
    (void)context;
    struct keyring *keyring = keyring_make(0);
    struct api_key_row rows[4];
    bool more;
    /* Another node's key may be older than the newest that is known here. */
    for (int n = 0; n < 5; n++) {
        static const char *const ids[] = {"key_a", "key_c", "key_e", "key_b", "key_d"};
        struct api_key_change change = {.act = API_KEY_MADE};
        (void)span_copy(span_of(ids[n]), change.row.id, sizeof change.row.id);
        (void)span_copy(span_of(n == 4 ? "bob" : "ann"), change.row.tenant,
                        sizeof change.row.tenant);
        memset(change.row.hash, n, sizeof change.row.hash);
        keyring_take_key(keyring, &change);
    }
    assert_int_equal(keyring_keys(keyring, NULL, SPAN(""), 4, rows, &more), 4);
    assert_true(more);
    assert_string_equal(rows[0].id, "key_e");
    assert_string_equal(rows[3].id, "key_b");
    assert_int_equal(keyring_keys(keyring, NULL, span_of(rows[3].id), 4, rows, &more), 1);
    assert_false(more);
    assert_int_equal(keyring_keys(keyring, "ann", SPAN("key_e"), 2, rows, &more), 2);
    assert_true(more);
    assert_string_equal(rows[0].id, "key_c");
    assert_int_equal(keyring_keys(keyring, "carol", SPAN(""), 2, rows, &more), 0);
    assert_false(more);
    keyring_free(keyring);
}

static void tenants_are_those_with_rows_or_keys(void **context)
{
    (void)context;
    struct keyring *keyring = keyring_make(0);
    struct tenant_row rows[4], row;
    char text[KEY_TEXT_SIZE];
    bool more;
    (void)add(keyring, "zoe", text);
    set_rate(keyring, "ann", 7);
    assert_int_equal(keyring_tenants(keyring, SPAN(""), 2, rows, &more), 2);
    assert_true(more);
    assert_string_equal(rows[0].tenant, "ann");
    assert_string_equal(rows[1].tenant, KEYRING_DEFAULT_TENANT);
    assert_int_equal(keyring_tenants(keyring, span_of(rows[1].tenant), 2, rows, &more), 1);
    assert_false(more);
    assert_string_equal(rows[0].tenant, "zoe");
    assert_string_equal(keyring_tenant(keyring, SPAN("ann"), &row), "ann");
    assert_int_equal(row.rate, 7);
    assert_null(keyring_tenant(keyring, SPAN("bob"), NULL));
    keyring_free(keyring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_opens_until_it_is_revoked),
        cmocka_unit_test(other_texts_are_unknown),
        cmocka_unit_test(a_key_expires),
        cmocka_unit_test(the_keys_of_a_tenant_share_its_rate),
        cmocka_unit_test(the_tighter_of_two_limits_is_shown),
        cmocka_unit_test(use_is_written_down_seldom),
        cmocka_unit_test(keys_are_listed_newest_first),
        cmocka_unit_test(tenants_are_those_with_rows_or_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
