#include "base/log.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char written[100000];
static FILE *caught;
static int standard_error;

/* From here to release() the log goes to a file. */
static void catch (enum log_level least, enum log_format format)
{
    log_set(least, format);
    standard_error = dup(STDERR_FILENO);
    caught = tmpfile();
    assert_non_null(caught);
    assert_true(dup2(fileno(caught), STDERR_FILENO) >= 0);
}

/* What was written since, as a terminated text. */
static const char *release(void)
{
    assert_true(dup2(standard_error, STDERR_FILENO) >= 0);
    (void)close(standard_error);
    rewind(caught);
    size_t size = fread(written, 1, sizeof written - 1, caught);
    written[size] = '\0';
    (void)fclose(caught);
    return written;
}

/* One line, which is an object. */
static json_t *release_line(void)
{
    char fault[JSON_FAULT_SIZE] = "";
    const char *line = release();
    const char *end = strchr(line, '\n');
    assert_non_null(end);
    assert_int_equal(end[1], '\0');
    json_t *value = json_read((struct span){line, (size_t)(end - line)}, fault);
    if (!json_is_object(value))
        fail_msg("%s: %s", fault, line);
    return value;
}

static const char *text_of(const json_t *line, const char *name)
{
    const char *text = json_string_value(json_object_get(line, name));
    return text ? text : "(absent)";
}

static void writes_json(void **state)
{
    catch (LOG_INFO, LOG_JSON);
    log_info("job ended", log_text("job", "gen_1"), log_number("tries", -2), log_text("why", NULL));
    json_t *line = release_line();
    assert_string_equal(text_of(line, "level"), "info");
    assert_string_equal(text_of(line, "message"), "job ended");
    assert_string_equal(text_of(line, "job"), "gen_1");
    assert_string_equal(text_of(line, "why"), "");
    assert_int_equal(json_integer_value(json_object_get(line, "tries")), -2);
    assert_int_equal(strlen(text_of(line, "at")), 24);
    json_decref(line);
}

static void writes_plain(void **state)
{
    catch (LOG_INFO, LOG_PLAIN);
    log_warn("slow", log_text("who", "a \"b\""), log_number("ms", 7));
    assert_string_equal(release() + 8, " warn  slow who=\"a \\\"b\\\"\" ms=7\n");
}

static void keeps_levels(void **state)
{
    catch (LOG_WARN, LOG_PLAIN);
    log_debug("one");
    log_info("two");
    log_warn("three");
    log_error("four");
    const char *text = release();
    assert_null(strstr(text, "one"));
    assert_null(strstr(text, "two"));
    assert_non_null(strstr(text, "three"));
    assert_non_null(strstr(text, "four"));
    enum log_level level = LOG_INFO;
    assert_true(log_level_find(SPAN("error"), &level));
    assert_int_equal(level, LOG_ERROR);
    assert_false(log_level_find(SPAN("fatal"), &level));
    assert_int_equal(level, LOG_ERROR);
}

/* No byte of a stranger ends a line, starts an escape sequence or breaks the JSON. */
static void no_field_can_forge_a_line(void **state)
{
    static const enum log_format formats[] = {LOG_JSON, LOG_PLAIN};
    char all[256];
    for (int byte = 0; byte < 256; byte++)
        all[byte] = (char)byte;
    for (size_t n = 0; n < sizeof formats / sizeof formats[0]; n++) {
        catch (LOG_INFO, formats[n]);
        log_info("all", log_span("bytes", (struct span){all, 256}), log_number("after", 1));
        const char *text = release();
        for (const char *at = text; at[1]; at++)
            assert_true((unsigned char)*at >= 0x20 && *at != 0x7F);
        assert_int_equal(text[strlen(text) - 1], '\n');
        assert_true(span_is_utf8(span_of(text)));
        assert_non_null(strstr(text, "\\u001b"));
        assert_non_null(strstr(text, "after"));
    }
    catch (LOG_INFO, LOG_JSON);
    log_info("quotes", log_text("text", "\"},{\"level\":\"\\"));
    json_t *line = release_line();
    assert_string_equal(text_of(line, "text"), "\"},{\"level\":\"\\");
    json_decref(line);
}

/* However much is said, a line is a line: what does not fit is cut or left out, never the end. */
static void long_fields_keep_the_line_whole(void **state)
{
    static char euros[3 * 5000 + 1], bells[5001];
    for (size_t n = 0; n < 5000; n++)
        memcpy(euros + 3 * n, "\xE2\x82\xAC", 4);
    memset(bells, '\a', 5000);
    catch (LOG_INFO, LOG_JSON);
    log_info("long", log_text("euros", euros), log_text("bells", bells), log_text("more", bells),
             log_number("small", 5));
    json_t *line = release_line();
    assert_in_range(strlen(text_of(line, "euros")), 2000, 2100);
    assert_int_equal(strlen(text_of(line, "bells")), 2048);
    assert_int_equal(json_integer_value(json_object_get(line, "small")), 5);
    assert_string_equal(text_of(line, "more"), "(absent)");
    assert_true(json_is_true(json_object_get(line, "cut")));
    json_decref(line);
    catch (LOG_INFO, LOG_PLAIN);
    log_info("long", log_text("euros", euros), log_text("bells", bells), log_text("more", bells),
             log_text("still", bells), log_text("not", euros));
    log_info("next");
    const char *text = release();
    assert_non_null(strstr(text, " cut=true\n"));
    assert_non_null(strstr(text, " info  next\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_json),
        cmocka_unit_test(writes_plain),
        cmocka_unit_test(keeps_levels),
        cmocka_unit_test(no_field_can_forge_a_line),
        cmocka_unit_test(long_fields_keep_the_line_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
