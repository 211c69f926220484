/* Files of words, and what is written: short texts in full. */
#include "media/subtitle.h"

#include "media/fixture.h"
#include "media/font.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_words(const char *json, struct subtitle_words *words, struct failure *failure)
{
    *failure = (struct failure){0};
    return subtitle_read(span_of(json), "wordsUrl", words, failure);
}

static struct subtitle_words words_of(const char *json)
{
    struct subtitle_words words;
    struct failure failure;
    if (!read_words(json, &words, &failure))
        fail_msg("%s", failure.text);
    return words;
}

#define WORD(text, start, end) "{\"word\":\"" text "\",\"startMs\":" #start ",\"endMs\":" #end "}"

static void a_file_of_words_is_read(void **state)
{
    struct subtitle_words words = words_of(
        "{\"language\":\"en-us\",\"durationMs\":1500,\"other\":[1,{}],\"words\":["
        "{\"word\":\" Hello,\\n\\u0007 big \",\"startMs\":0,\"endMs\":400.7,\"score\":0.3},"
        "{\"word\":\"\\u200e \",\"startMs\":1,\"endMs\":2}," WORD("world", 300, 900) "]}");
    assert_int_equal(words.count, 2);
    assert_string_equal(words.word[0].text, "Hello, big");
    assert_int_equal(words.word[0].end_ms, 300);
    assert_int_equal(words.word[1].start_ms, 300);
    assert_int_equal(words.duration_ms, 1500);
    assert_string_equal(words.language, "en-us");
    subtitle_words_free(&words);
    words = words_of("[" WORD("你好,", 0, 1) "," WORD("世界", 1, 2) "," WORD(
        "ok", 2, 3) ","
                    "{\"word\":\"é\",\"startMs\":3,\"endMs\":3}]");
    assert_true(words.word[1].joined);
    assert_false(words.word[2].joined || words.word[3].joined || words.word[0].joined);
    subtitle_words_free(&words);
    words = words_of("[{\"word\":\"a\",\"startMs\":0,\"endMs\":1,\"joined\":true},"
                     "{\"word\":\"b\",\"startMs\":1,\"endMs\":2,\"joined\":true},"
                     "{\"word\":\"你\",\"startMs\":2,\"endMs\":3},"
                     "{\"word\":\"好\",\"startMs\":2,\"endMs\":3}]");
    assert_false(words.word[0].joined || words.word[2].joined || words.word[3].joined);
    assert_true(words.word[1].joined);
    subtitle_words_free(&words);
    words = words_of("{\"words\":[]}");
    assert_int_equal(words.count, 0);
    subtitle_words_free(&words);
}

static void hostile_files_are_refused(void **state)
{
    static const struct {
        const char *json, *part;
    } rows[] = {
        {"", "no JSON"},
        {"{", "no JSON"},
        {"[1}", "no JSON"},
        {"{\"words\":[],\"words\":[]}", "no JSON"},
        {"[\"\xff\"]", "no JSON"},
        {"3", "no JSON"},
        {"{}", "list of words"},
        {"{\"words\":{}}", "list of words"},
        {"{\"words\":[1]}", "words[0] must be an object"},
        {"[[]]", "words[0] must be an object"},
        {"[{}]", "words[0].word"},
        {"[{\"word\":5,\"startMs\":0,\"endMs\":1}]", "words[0].word"},
        {"[{\"word\":\"a\",\"endMs\":1}]", "words[0].startMs"},
        {"[{\"word\":\"a\",\"startMs\":\"0\",\"endMs\":1}]", "words[0].startMs"},
        {"[{\"word\":\"a\",\"startMs\":-1,\"endMs\":1}]", "words[0].startMs"},
        {"[{\"word\":\"a\",\"startMs\":0,\"endMs\":1e300}]", "words[0].endMs"},
        {"[{\"word\":\"a\",\"startMs\":0,\"endMs\":99999999999999999999}]", "words[0].endMs"},
        {"[" WORD("a", 5, 4) "]", "ends before it starts"},
        {"[" WORD("a", 5, 6) "," WORD("b", 4, 9) "]", "words[1] starts before"},
        {"[{\"word\":\"a\",\"startMs\":0,\"endMs\":1,\"joined\":1}]", "joined"},
        {"{\"words\":[],\"durationMs\":-1}", "durationMs"},
        {"{\"words\":[],\"durationMs\":\"1\"}", "durationMs"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct subtitle_words words;
        struct failure failure;
        if (read_words(rows[i].json, &words, &failure))
            fail_msg("%s was read", rows[i].json);
        assert_int_equal(failure.code, ERROR_VALIDATION);
        assert_string_equal(failure.field, "wordsUrl");
        bool said = strstr(failure.text, rows[i].part) || strcmp(rows[i].json, "3") == 0;
        if (!said)
            fail_msg("%s: %s", rows[i].json, failure.text);
    }
}

static void huge_files_are_refused(void **state)
{
    struct subtitle_words words;
    struct failure failure;
    char *json = malloc(SUBTITLE_JSON_MAX + 2);
    assert_non_null(json);
    memset(json, ' ', SUBTITLE_JSON_MAX + 1);
    json[SUBTITLE_JSON_MAX + 1] = '\0';
    assert_false(read_words(json, &words, &failure));
    size_t size = 1;
    json[0] = '[';
    for (int n = 0; n <= SUBTITLE_WORDS_MAX; n++)
        size += (size_t)snprintf(json + size, 100, "%s" WORD("a", 1, 2), n ? "," : "");
    snprintf(json + size, 2, "]");
    assert_false(read_words(json, &words, &failure));
    assert_non_null(strstr(failure.text, "at most 15000"));
    size = (size_t)snprintf(json, 100, "[{\"startMs\":0,\"endMs\":1,\"word\":\"");
    memset(json + size, 'a', SUBTITLE_WORD_SIZE_MAX + 1);
    snprintf(json + size + SUBTITLE_WORD_SIZE_MAX + 1, 10, "\"}]");
    assert_false(read_words(json, &words, &failure));
    memset(json, '[', 1000);
    assert_false(read_words(json, &words, &failure));
    free(json);
}

/* Bytes changed, dropped and doubled at random: whatever is still read can be cut and written. */
static void mutated_files_do_no_harm(void **state)
{
    static const char seed[] =
        "{\"language\":\"ar\",\"durationMs\":9000,\"words\":[" WORD("Dr.", 1, 2) "," WORD(
            "السفينة،", 2, 400) "," WORD("\\u200f\\ud83d\\ude00", 500,
                                         900) "," WORD("你好世界你好世界", 900, 8000) "]}";
    uint32_t random = 1;
    int read = 0;
    for (int round = 0; round < 1500; round++) {
        char json[sizeof seed + 8];
        size_t size = sizeof seed - 1;
        memcpy(json, seed, sizeof seed);
        for (int change = 0; change < 1 + round % 2; change++) {
            random = random * 1664525 + 1013904223;
            size_t at = (random >> 8) % size;
            if (random >> 31)
                json[at] = (char)(random >> 16 & (random >> 30 ? 0x7f : 0xff));
            else
                memmove(json + at, json + at + 1, size-- - at);
        }
        struct subtitle_words words;
        struct failure failure = {0};
        if (!subtitle_read(span_make(json, size), NULL, &words, &failure))
            continue;
        struct subtitle_options options = {.width = 360, .height = 640};
        struct subtitle_cues cues;
        struct buffer buffer;
        buffer_init(&buffer, SUBTITLE_OUTPUT_MAX);
        assert_true(subtitle_cut(&words, &options, &cues, &failure));
        subtitle_write(SUBTITLE_TO_VTT, &cues, &buffer);
        subtitle_write(SUBTITLE_TO_ASS, &cues, &buffer);
        assert_true(span_is_utf8(buffer_span(&buffer)));
        buffer_done(&buffer);
        subtitle_cues_free(&cues);
        subtitle_words_free(&words);
        read++;
    }
    assert_true(read > 20);
}

static void expect_written(const char *json, struct subtitle_options options,
                           enum subtitle_format format, const char *expected)
{
    struct subtitle_words words = words_of(json);
    struct subtitle_cues cues;
    struct failure failure = {0};
    struct buffer buffer;
    assert_true(subtitle_cut(&words, &options, &cues, &failure));
    buffer_init(&buffer, SUBTITLE_OUTPUT_MAX);
    subtitle_write(format, &cues, &buffer);
    assert_false(buffer.failed);
    const char *text = buffer.data ? buffer.data : "";
    /* Of ASS the events only: the head names the fonts of this machine. */
    const char *events = strstr(text, "Dialogue:");
    assert_string_equal(format == SUBTITLE_TO_ASS && events ? events : text, expected);
    buffer_done(&buffer);
    subtitle_cues_free(&cues);
    subtitle_words_free(&words);
}

static const char two_sentences[] =
    "{\"words\":[" WORD("Good", 105, 400) "," WORD("morning.", 400, 1000) "," WORD(
        "The", 3601000, 3601200) "," WORD("sun", 3601200,
                                          3601500) "," WORD("is", 3601500,
                                                            3601600) "," WORD("up!", 3601600,
                                                                              3602005) "]}";

static const struct subtitle_options wide = {.width = 1280, .height = 720};

static void srt_is_written(void **state)
{
    expect_written(two_sentences, wide, SUBTITLE_TO_SRT,
                   "1\n00:00:00,105 --> 00:00:01,150\nGood morning.\n\n"
                   "2\n01:00:01,000 --> 01:00:02,155\nThe sun is up!\n\n");
    struct subtitle_options options = wide;
    options.offset_ms = 500;
    options.duration_ms = 1400;
    expect_written(two_sentences, options, SUBTITLE_TO_SRT,
                   "1\n00:00:00,605 --> 00:00:01,400\nGood morning.\n\n");
    expect_written("{\"words\":[]}", wide, SUBTITLE_TO_SRT, "");
}

static void vtt_is_written(void **state)
{
    struct subtitle_options options = wide;
    options.style = SUBTITLE_KARAOKE;
    expect_written(two_sentences, options, SUBTITLE_TO_VTT,
                   "WEBVTT\n\nSTYLE\n::cue(:future) { opacity: 0.6; }\n\n"
                   "00:00:00.105 --> 00:00:01.150\nGood <00:00:00.400>morning.\n\n"
                   "01:00:01.000 --> 01:00:02.155\nThe <01:00:01.200>sun <01:00:01.500>is "
                   "<01:00:01.600>up!\n\n");
    options = (struct subtitle_options){.width = 1080, .height = 1920};
    expect_written("[" WORD("Hi.", 0, 900) "]", options, SUBTITLE_TO_VTT,
                   "WEBVTT\n\n00:00:00.000 --> 00:00:01.050 line:61%\nHi.\n\n");
}

static void ass_is_written(void **state)
{
    struct subtitle_options options = wide;
    expect_written(two_sentences, options, SUBTITLE_TO_ASS,
                   "Dialogue: 1,0:00:00.10,0:00:01.15,Default,,0,0,0,,\u200eGood morning.\n"
                   "Dialogue: 1,1:00:01.00,1:00:02.15,Default,,0,0,0,,\u200eThe sun is up!\n");
    options.style = SUBTITLE_KARAOKE;
    expect_written("[" WORD("One", 105, 400) "," WORD("two.", 405, 700) "]", options,
                   SUBTITLE_TO_ASS,
                   "Dialogue: 1,0:00:00.10,0:00:00.40,Default,,0,0,0,,"
                   "\u200e{\\1c&H23D5FF&}One{\\1c&HFFFFFF&} two.\n"
                   "Dialogue: 1,0:00:00.40,0:00:00.90,Default,,0,0,0,,"
                   "\u200eOne {\\1c&H23D5FF&}two.{\\1c&HFFFFFF&}\n");
}

static void texts_are_never_commands(void **state)
{
    const char *json = "[" WORD("{\\\\b1}a\\\\N<i>&amp;-->", 0, 900) "]";
    expect_written(json, wide, SUBTITLE_TO_SRT,
                   "1\n00:00:00,000 --> 00:00:01,117\n"
                   "{\u2060\\\u2060b1}a\\\u2060N<\u2060i>&amp;-->\n\n");
    expect_written(json, wide, SUBTITLE_TO_VTT,
                   "WEBVTT\n\n00:00:00.000 --> 00:00:01.117\n"
                   "{\\b1}a\\N&lt;i&gt;&amp;amp;--&gt;\n\n");
    expect_written(json, wide, SUBTITLE_TO_ASS,
                   "Dialogue: 1,0:00:00.00,0:00:01.11,Default,,0,0,0,,\u200e"
                   "\\{\\\u2060b1\\}a\\\u2060N<i>&amp;-->\n");
}

static void right_to_left_lines_are_marked(void **state)
{
    const char *json = "[" WORD("GPS", 0, 300) "," WORD("في", 300, 600) "," WORD(
        "السفينة،", 600, 900) "," WORD("الكبيرة.", 900, 1500) "]";
    expect_written(json, wide, SUBTITLE_TO_SRT,
                   "1\n00:00:00,000 --> 00:00:01,650\n\u200fGPS في السفينة، الكبيرة.\n\n");
    expect_written(
        "[" WORD("Hello", 0, 300) "," WORD("שלום", 300, 900) "," WORD("you", 900, 1000) "]", wide,
        SUBTITLE_TO_SRT, "1\n00:00:00,000 --> 00:00:01,150\nHello שלום you\n\n");
}

static void names_are_found(void **state)
{
    enum subtitle_style style = SUBTITLE_PLAIN;
    enum subtitle_format format = SUBTITLE_TO_SRT;
    assert_true(subtitle_find_style("boxed", &style) && style == SUBTITLE_BOXED);
    assert_true(subtitle_find_format("ass", &format) && format == SUBTITLE_TO_ASS);
    assert_false(subtitle_find_style("Plain", &style) || subtitle_find_format("", &format));
}

static void options_are_checked(void **state)
{
    struct subtitle_words words = words_of("[]");
    static const struct subtitle_options wrong[] = {
        {.width = 0, .height = 720},
        {.width = 1280, .height = 1 << 20},
        {.width = 1280, .height = 720, .duration_ms = -1},
        {.width = 1280, .height = 720, .offset_ms = INT64_MAX},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct subtitle_cues cues;
        struct failure failure = {0};
        assert_false(subtitle_cut(&words, &wrong[i], &cues, &failure));
        assert_int_equal(failure.code, ERROR_VALIDATION);
    }
    subtitle_words_free(&words);
}

static int end(void **state)
{
    font_done();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_words_is_read),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(huge_files_are_refused),
        cmocka_unit_test(mutated_files_do_no_harm),
        cmocka_unit_test(srt_is_written),
        cmocka_unit_test(vtt_is_written),
        cmocka_unit_test(ass_is_written),
        cmocka_unit_test(texts_are_never_commands),
        cmocka_unit_test(right_to_left_lines_are_marked),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
