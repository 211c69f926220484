#include "edge/multipart.h"

#include "base/buffer.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#define TYPE "multipart/form-data; boundary=xYz"

/* What came of a body: "(file)content(other)…", then "." for a good end or "!" and the fault. */
static void read_run(struct multipart *multipart, struct span run, struct buffer *told)
{
    struct span data;
    enum multipart_event event;
    while ((event = multipart_read(multipart, &run, &data)) != MULTIPART_MORE) {
        if (event == MULTIPART_PART) {
            buffer_print(told, "(%s%s)", multipart->name, multipart->has_filename ? "*" : "");
        } else if (event == MULTIPART_DATA) {
            buffer_add(told, data);
        } else if (event == MULTIPART_BROKEN) {
            return;
        }
    }
}

static void end(const struct multipart *multipart, struct buffer *told)
{
    if (multipart->place == MULTIPART_OVER)
        buffer_print(told, "!%s", multipart->fault);
    else
        buffer_add_text(told, multipart_is_whole(multipart) ? "." : "...");
}

/* The body cut into runs of `step` bytes. */
static void read_all(struct span body, size_t step, struct buffer *told)
{
    struct multipart multipart;
    const char *fault = NULL;
    buffer_init(told, 1 << 20);
    assert_true(multipart_init(&multipart, SPAN(TYPE), &fault));
    for (size_t at = 0; at < body.size; at += step) {
        size_t size = body.size - at < step ? body.size - at : step;
        read_run(&multipart, (struct span){body.data + at, size}, told);
    }
    end(&multipart, told);
}

static void expect_span(struct span body, const char *expected)
{
    for (size_t step = 1; step <= body.size + 1; step++) {
        struct buffer told;
        read_all(body, step, &told);
        assert_string_equal(told.data ? told.data : "", expected);
        buffer_done(&told);
    }
}

#define EXPECT(body, expected) expect_span((struct span){body, sizeof(body) - 1}, expected)
#define HEAD(name)             "Content-Disposition: form-data; name=\"" name "\"\r\n"
#define START                  "--xYz\r\n"
#define NEXT                   "\r\n--xYz\r\n"
#define LAST                   "\r\n--xYz--"

static void forms_as_clients_send_them(void **state)
{
    EXPECT(START HEAD("file") "\r\nhello" LAST "\r\n", "(file)hello.");
    EXPECT(START HEAD("file") "\r\nhello" LAST, "(file)hello.");
    EXPECT(START HEAD("file") "\r\n" LAST "\r\n", "(file).");
    EXPECT(START
           "Content-Disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\" ; c.png\"\r\n"
           "Content-Type: image/png\r\n\r\n\x89PNG" NEXT HEAD("note") "\r\nx" LAST "\r\n",
           "(file*)\x89PNG(note)x.");
    EXPECT(START "content-disposition:form-data;name=file;filename*=UTF-8''%e2%82%ac.png\r\n"
                 "X-Other: anything\r\nContent-Transfer-Encoding: binary\r\n\r\nx" LAST "\r\n",
           "(file*)x.");
}

static void content_may_look_like_a_delimiter(void **state)
{
    EXPECT(START HEAD("file") "\r\n\r\r\n\r\n-\r\n--\r\n--xY\r\n--xyz\r\r\n--x\r\n" LAST "\r\n",
           "(file)\r\r\n\r\n-\r\n--\r\n--xY\r\n--xyz\r\r\n--x\r\n.");
    EXPECT(START HEAD("file") "\r\n--xYz--" LAST "\r\n", "(file)--xYz--.");
}

static void what_two_readers_could_cut_differently_is_refused(void **state)
{
    EXPECT("preamble\r\n" START HEAD("file") "\r\nx" LAST,
           "!The form does not begin with its boundary.");
    EXPECT("\r\n" START HEAD("file") "\r\nx" LAST, "!The form does not begin with its boundary.");
    EXPECT(START HEAD("file") "\r\nx\r\n--xYzz\r\n",
           "(file)x!Something other than a line end follows a boundary.");
    EXPECT(START HEAD("file") "\r\nx\r\n--xYz \r\n",
           "(file)x!Something other than a line end follows a boundary.");
    EXPECT(START HEAD("file") "\r\nx\r\n--xYz\n", "(file)x...");
    EXPECT(START HEAD("file") "\r\nx" LAST "\r\n\r\n",
           "(file)x!Something follows the closing boundary.");
    EXPECT(START HEAD("file") "\r\nx" LAST "epilogue",
           "(file)x!Something follows the closing boundary.");
    EXPECT("--xYz--\r\n", "!The form has no field.");
    EXPECT(START "\r\nx" LAST, "!A field has no Content-Disposition.");
    EXPECT(START "Content-Type: text/plain\r\n\r\nx" LAST, "!A field has no Content-Disposition.");
    EXPECT(START HEAD("a") HEAD("b") "\r\nx" LAST, "!A field's Content-Disposition can't be read.");
    EXPECT(START "Content-Disposition: form-data; name=\"a\"; name=\"file\"\r\n\r\nx" LAST,
           "!A field's Content-Disposition can't be read.");
    EXPECT(START "Content-Disposition: attachment; name=\"a\"\r\n\r\nx" LAST,
           "!A field's Content-Disposition can't be read.");
    EXPECT(START "Content-Disposition: form-data; name=\"a\r\n\r\nx" LAST,
           "!A field's Content-Disposition can't be read.");
    EXPECT(START HEAD("a") " folded\r\n\r\nx" LAST, "!A field's header can't be read.");
    EXPECT(START "Content-Disposition: form-data; name=\"a\"\n\r\n\r\nx" LAST,
           "!A field's header ends with a bare line feed.");
    EXPECT(START HEAD("a") "Content-Transfer-Encoding: base64\r\n\r\nx" LAST,
           "!A field is encoded; send its bytes as they are.");
}

static void what_is_cut_off_is_not_whole(void **state)
{
    static const char body[] = START HEAD("file") "\r\nhello" LAST;
    for (size_t size = 0; size + 1 < sizeof body - 1; size++) {
        struct buffer told;
        read_all((struct span){body, size}, 7, &told);
        assert_true(span_ends(buffer_span(&told), "..."));
        buffer_done(&told);
    }
}

static void heads_and_fields_are_bounded(void **state)
{
    struct buffer body, told;
    buffer_init(&body, 1 << 20);
    buffer_add_text(&body, START "X-Long: ");
    for (size_t n = 0; n < MULTIPART_HEAD_MAX; n++)
        buffer_add_byte(&body, 'x');
    read_all(buffer_span(&body), 100, &told);
    assert_string_equal(told.data, "!The headers of a field are too large.");
    buffer_done(&told);
    buffer_clear(&body);
    buffer_add_text(&body, START);
    for (size_t n = 0; n <= MULTIPART_PARTS_MAX; n++)
        buffer_add_text(&body, HEAD("a") "\r\nx" NEXT);
    read_all(buffer_span(&body), 1000, &told);
    assert_true(span_ends(buffer_span(&told), "!The form has too many fields."));
    buffer_done(&told);
    buffer_done(&body);
}

static bool is_form(const char *type)
{
    struct multipart multipart;
    const char *fault = NULL;
    bool good = multipart_init(&multipart, span_of(type), &fault);
    assert_non_null(fault);
    return good;
}

static void boundaries(void **state)
{
    assert_true(is_form("multipart/form-data; boundary=----WebKitFormBoundaryAbc123"));
    assert_true(is_form("Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a b'()+_,-./:=?\""));
    assert_false(is_form("multipart/form-data"));
    assert_false(is_form("multipart/form-data; boundary="));
    assert_false(is_form("multipart/form-data; boundary=\"\""));
    assert_false(is_form("multipart/form-data; boundary=\"a \""));
    assert_false(is_form("multipart/form-data; boundary=\"a\\\"\""));
    assert_false(is_form("multipart/form-data; boundary=a; boundary=b"));
    assert_false(is_form("multipart/form-data; boundary=a b"));
    assert_false(is_form("multipart/form-data; boundary=\"a"));
    assert_false(is_form("multipart/form-data boundary=a"));
    assert_false(is_form("multipart/mixed; boundary=a"));
    assert_false(
        is_form("multipart/form-data; boundary="
                "12345678901234567890123456789012345678901234567890123456789012345678901"));
}

/* Damaged forms: however the bytes are cut into runs, the same comes out, and it ends. */
static void damaged_forms_read_alike_in_any_pieces(void **state)
{
    static const char good[] =
        START HEAD("file") "Content-Type: image/png\r\n\r\nab\r\n--c\r\nd" NEXT HEAD(
            "note") "\r\n" LAST "\r\n";
    static const char bytes[] = "\r\n-xYz\";:= a";
    struct rng rng;
    rng_init(&rng, 20260930);
    for (unsigned round = 0; round < 20000; round++) {
        char body[sizeof good];
        size_t size = sizeof good - 1;
        memcpy(body, good, size);
        for (uint64_t n = 1 + rng_below(&rng, 3); n > 0; n--) {
            size_t at = (size_t)rng_below(&rng, size);
            if (rng_below(&rng, 3) == 0)
                memmove(body + at, body + at + 1, --size - at);
            else
                body[at] = bytes[rng_below(&rng, sizeof bytes - 1)];
        }
        struct buffer whole, parts;
        read_all((struct span){body, size}, size, &whole);
        read_all((struct span){body, size}, 1 + (size_t)rng_below(&rng, 9), &parts);
        if (!span_equal(buffer_span(&whole), buffer_span(&parts)))
            fail_msg("round %u: \"%s\" and \"%s\"", round, whole.data, parts.data);
        buffer_done(&whole);
        buffer_done(&parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_as_clients_send_them),
        cmocka_unit_test(content_may_look_like_a_delimiter),
        cmocka_unit_test(what_two_readers_could_cut_differently_is_refused),
        cmocka_unit_test(what_is_cut_off_is_not_whole),
        cmocka_unit_test(heads_and_fields_are_bounded),
        cmocka_unit_test(boundaries),
        cmocka_unit_test(damaged_forms_read_alike_in_any_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
