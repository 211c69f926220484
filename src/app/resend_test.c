#include "app/resend.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1000 };

static struct http_request request_of(const char *target, const char *body)
{
    return (struct http_request){.method_name = SPAN("POST"),
                                 .target = span_of(target),
                                 .headers = {{SPAN("Authorization"), SPAN("Key k")}},
                                 .header_count = 1,
                                 .body = span_of(body)};
}

/* A create of ann's that ends so; gives its key. */
static void create(struct resend *resend, const struct http_request *request, enum resend_end end,
                   char ret_key[static RESEND_KEY_SIZE])
{
    struct resend_ticket ticket = {.tries = 0};
    assert_true(resend_open(resend, request, "ann", NOW, &ticket));
    memcpy(ret_key, ticket.key, RESEND_KEY_SIZE);
    resend_close(resend, &ticket, end, NOW);
}

/* Whether a create has the key of one of "/a" with body "x" that was closed before. */
static bool is_same(const struct http_request *second, const char *tenant, bool delivered, ms_t at)
{
    struct resend *resend = resend_make();
    struct resend_ticket again = {.tries = 0};
    const struct http_request request = request_of("/a", "x");
    char first[RESEND_KEY_SIZE];
    create(resend, &request, delivered ? RESEND_DELIVERED : RESEND_LOST, first);
    assert_true(resend_open(resend, second, tenant, at, &again));
    bool same = strcmp(first, again.key) == 0;
    resend_free(resend);
    return same;
}

static void what_was_lost_is_the_same_again(void **state)
{
    struct http_request request = request_of("/a", "x");
    (void)state;
    assert_true(is_same(&request, "ann", false, NOW));
    assert_true(is_same(&request, "ann", false, NOW + RESEND_KEEP_MS - 1));
    assert_false(is_same(&request, "ann", false, NOW + RESEND_KEEP_MS));
    assert_false(is_same(&request, "ann", true, NOW));
    assert_false(is_same(&request, "eve", false, NOW));
    request.headers[0].value = SPAN("Key other");
    assert_false(is_same(&request, "ann", false, NOW));
}

static void another_request_is_another(void **state)
{
    const struct http_request others[] = {request_of("/b", "x"), request_of("/a", "y"),
                                          request_of("/ax", "")};
    (void)state;
    for (size_t n = 0; n < sizeof others / sizeof others[0]; n++)
        assert_false(is_same(&others[n], "ann", false, NOW));
}

static void a_retry_that_says_so_is_the_same(void **state)
{
    static const struct {
        const char *name, *value;
        bool same;
    } rows[] = {{"X-Stainless-Retry-Count", "1", true},
                {"X-Stainless-Retry-Count", "0", false},
                {"x-retry-attempt", "2", true},
                {"x-other", "1", false}};
    (void)state;
    for (size_t n = 0; n < sizeof rows / sizeof rows[0]; n++) {
        struct http_request request = request_of("/a", "x");
        request.headers[request.header_count++] =
            (struct http_header){span_of(rows[n].name), span_of(rows[n].value)};
        assert_int_equal(is_same(&request, "ann", true, NOW), rows[n].same);
    }
}

/* Once: then the same request makes a job of its own, unless it was lost again. */
static void a_note_is_taken_once(void **state)
{
    static const enum resend_end ends[] = {RESEND_LOST, RESEND_DELIVERED, RESEND_LOST,
                                           RESEND_DELIVERED};
    struct resend *resend = resend_make();
    char keys[4][RESEND_KEY_SIZE];
    const struct http_request request = request_of("/a", "x");
    (void)state;
    for (size_t n = 0; n < 4; n++)
        create(resend, &request, ends[n], keys[n]);
    assert_string_equal(keys[0], keys[1]);
    assert_string_not_equal(keys[1], keys[2]);
    assert_string_equal(keys[2], keys[3]);
    resend_free(resend);
}

/* What was refused made no job: nothing is to be had from it. */
static void a_refused_one_leaves_nothing(void **state)
{
    struct resend *resend = resend_make();
    char keys[2][RESEND_KEY_SIZE];
    const struct http_request request = request_of("/a", "x");
    (void)state;
    create(resend, &request, RESEND_REFUSED, keys[0]);
    create(resend, &request, RESEND_LOST, keys[1]);
    assert_string_not_equal(keys[0], keys[1]);
    resend_free(resend);
}

/* One that comes before the first is known to be lost waits for that, and is the same then. */
static void it_waits_for_an_equal_one(void **state)
{
    struct resend *resend = resend_make();
    struct resend_ticket first = {.tries = 0}, second = {.tries = 0};
    char key[RESEND_KEY_SIZE];
    const struct http_request request = request_of("/a", "x");
    (void)state;
    assert_true(resend_open(resend, &request, "ann", NOW, &first));
    memcpy(key, first.key, sizeof key);
    assert_false(resend_open(resend, &request, "ann", NOW + 1, &second));
    assert_false(resend_open(resend, &request, "ann", NOW + 5, &second));
    resend_close(resend, &first, RESEND_LOST, NOW + 6);
    assert_true(resend_open(resend, &request, "ann", NOW + 10, &second));
    assert_string_equal(second.key, key);
    resend_free(resend);
}

/* When the first one's answer arrives, or takes long, they are two. */
static void equal_ones_that_are_meant_are_two(void **state)
{
    struct resend *resend = resend_make();
    struct resend_ticket first = {.tries = 0}, second = {.tries = 0}, third = {.tries = 0};
    const struct http_request request = request_of("/a", "x");
    char key[RESEND_KEY_SIZE];
    (void)state;
    assert_true(resend_open(resend, &request, "ann", NOW, &first));
    memcpy(key, first.key, sizeof key);
    assert_false(resend_open(resend, &request, "ann", NOW, &second));
    resend_close(resend, &first, RESEND_DELIVERED, NOW + 1);
    assert_true(resend_open(resend, &request, "ann", NOW + 2, &second));
    assert_string_not_equal(second.key, key);
    for (unsigned n = 0; n < RESEND_TRIES; n++)
        assert_false(resend_open(resend, &request, "ann", NOW + 2, &third));
    assert_true(resend_open(resend, &request, "ann", NOW + 2, &third));
    assert_string_not_equal(third.key, second.key);
    resend_free(resend);
}

/* So many at once are no resends. */
static void a_crowd_does_not_wait(void **state)
{
    struct resend *resend = resend_make();
    struct resend_ticket tickets[RESEND_BESIDE + 1];
    const struct http_request request = request_of("/a", "x");
    (void)state;
    memset(tickets, 0, sizeof tickets);
    for (size_t n = 0; n <= RESEND_BESIDE; n++)
        assert_int_equal(resend_open(resend, &request, "ann", NOW, &tickets[n]),
                         n == 0 || n == RESEND_BESIDE);
    resend_free(resend);
}

static void the_oldest_give_way(void **state)
{
    struct resend *resend = resend_make();
    char first[RESEND_KEY_SIZE], again[RESEND_KEY_SIZE];
    const struct http_request request = request_of("/a", "x"), more = request_of("/b", "");
    (void)state;
    create(resend, &request, RESEND_LOST, first);
    for (size_t n = 0; n < RESEND_MAX; n++)
        create(resend, &more, RESEND_DELIVERED, again);
    create(resend, &request, RESEND_DELIVERED, again);
    assert_string_not_equal(first, again);
    resend_free(resend);
    resend_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_lost_is_the_same_again),
        cmocka_unit_test(another_request_is_another),
        cmocka_unit_test(a_retry_that_says_so_is_the_same),
        cmocka_unit_test(a_note_is_taken_once),
        cmocka_unit_test(a_refused_one_leaves_nothing),
        cmocka_unit_test(it_waits_for_an_equal_one),
        cmocka_unit_test(equal_ones_that_are_meant_are_two),
        cmocka_unit_test(a_crowd_does_not_wait),
        cmocka_unit_test(the_oldest_give_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
