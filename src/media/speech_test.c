/* What is spoken, and whether the words' times are those of the sound. */
#include "media/speech.h"

#include "base/bytes.h"
#include "media/cage.h"
#include "media/fixture.h"
#include "media/job.h"
#include "media/speech_engine.h"
#include "media/speech_text.h"
#include "media/subtitle.h"
#include "media/wave.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ONSETS_MAX = 64, AGREE_MS = 80 };

static struct fixture fixture;

struct said {
    bool done;
    struct failure failure;
    int warnings;
    struct probe output;
    struct subtitle_words words;
    uint8_t *file;
    size_t size;
    const int16_t *samples;
    size_t count;
};

static void read_output(const struct job *job, struct said *said)
{
    size_t size;
    said->file = fixture_read(&fixture, "out/output.wav", &said->size);
    said->samples = (const int16_t *)(const void *)(said->file + WAVE_HEADER_SIZE);
    said->count = (said->size - WAVE_HEADER_SIZE) / 2;
    char *words = (char *)fixture_read(&fixture, "out/words.json", &size);
    assert_true(subtitle_read(span_make(words, size), NULL, &said->words, &said->failure));
    free(words);
    assert_int_equal(job->extra_count, 1);
    assert_int_equal(job->extras[0].bytes, size);
}

/* `input` is JSON with ' for ". */
static struct said speak(const char *input)
{
    char text[24000];
    snprintf(text, sizeof text, "%s", input);
    for (char *at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    json_t *read = json_loads(text, 0, NULL);
    assert_non_null(read);
    struct report report = {.fd = open("/dev/null", O_WRONLY)};
    struct job job = {
        .folder = &fixture.folder, .directory = "out", .input = read, .report = &report};
    struct said said = {.done = speech_render(&job)};
    said.failure = job.failure;
    said.warnings = job.warning_count;
    said.output = job.output;
    if (said.done)
        read_output(&job, &said);
    else
        job_discard(&job);
    free(job.words);
    json_decref(read);
    close(report.fd);
    return said;
}

static void forget(struct said *said)
{
    if (said->done)
        subtitle_words_free(&said->words);
    free(said->file);
}

/* First, while no text has been spoken by this process. */
static void the_same_text_is_the_same_sound(void **state)
{
    uint8_t *first = NULL;
    size_t first_size = 0;
    for (int round = 0; round < 3; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            srand((unsigned)round); /* tidy: call */
            struct said said = speak("{'text':'Who whispers here? 25 foxes, Dr. Brown.',"
                                     "'voice':'whisper','speed':1.3}");
            bool done = said.done;
            forget(&said);
            _exit(done ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        size_t size;
        uint8_t *file = fixture_read(&fixture, "out/output.wav", &size);
        if (first) {
            assert_int_equal(size, first_size);
            assert_memory_equal(file, first, size);
            free(file);
        } else {
            first = file;
            first_size = size;
        }
    }
    free(first);
}

/* As reel-media does it: the engine begins inside the cage, without its sockets and folders. */
static void it_is_spoken_inside_the_cage(void **state)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct cage cage;
        struct cage_settings settings = {.folder_fd = fixture.folder.fd,
                                         .memory_bytes = (uint64_t)1 << 30,
                                         .file_bytes = 1 << 24,
                                         .cpu_seconds = 60};
        if (!cage_enter(&settings, &cage))
            _exit(2);
        struct said said = speak("{'text':'From within.','language':'de','voice':'f2'}");
        bool done = said.done;
        forget(&said);
        _exit(done ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void the_file_is_a_wave_of_the_length_told(void **state)
{
    struct said said = speak("{'text':'Hello, big world.'}");
    assert_true(said.done);
    struct bytes bytes = {said.file, said.size};
    assert_true(bytes_are(bytes, 0, "RIFF", 4) && bytes_are(bytes, 8, "WAVEfmt ", 8));
    assert_int_equal(bytes_le32(bytes, 4), said.size - 8);
    assert_int_equal(bytes_le16(bytes, 20), 1);
    assert_int_equal(bytes_le16(bytes, 22), 1);
    assert_int_equal(bytes_le32(bytes, 24), 22050);
    assert_int_equal(bytes_le32(bytes, 28), 44100);
    assert_int_equal(bytes_le16(bytes, 34), 16);
    assert_true(bytes_are(bytes, 36, "data", 4));
    assert_int_equal(bytes_le32(bytes, 40), said.size - WAVE_HEADER_SIZE);
    assert_int_equal(said.output.bytes, said.size);
    assert_int_equal(said.output.duration_ms, said.count * 1000 / 22050);
    assert_int_equal(said.words.duration_ms, said.output.duration_ms);
    assert_true(said.output.has_audio);
    assert_string_equal(said.output.content_type, "audio/wav");
    assert_string_equal(said.words.language, "en-us");
    forget(&said);
}

/* The words put together again are the text. */
static void expect_cover(const struct subtitle_words *words, const char *text)
{
    char joined[4000] = "";
    size_t size = 0;
    for (int w = 0; w < words->count; w++) {
        const char *blank = w > 0 && !words->word[w].joined ? " " : "";
        size += (size_t)snprintf(joined + size, sizeof joined - size, "%s%s", blank,
                                 words->word[w].text);
    }
    assert_string_equal(joined, text);
}

static void expect_order(const struct subtitle_words *words)
{
    int64_t at = 0;
    for (int w = 0; w < words->count; w++) {
        assert_true(words->word[w].start_ms >= at);
        assert_true(words->word[w].end_ms >= words->word[w].start_ms);
        at = words->word[w].end_ms;
    }
    assert_true(at <= words->duration_ms);
}

static void words_cover_the_text_in_order(void **state)
{
    static const struct {
        const char *language, *text;
        int words;
    } rows[] = {
        {"en-us", "I paid $3.50 at 10:45 — ok? 50% & more (a@b.com)!", 10},
        {"de", "Der Zug nach Köln fährt um 7 Uhr ab; „wirklich“?", 10},
        {"fr", "« Bonjour », dit-il : ça va ?", 4},
        {"es", "¿Qué tal? ¡Muy bien!", 4},
        {"ru", "Привет, мир! Как дела?", 4},
        {"ar", "مرحبا بالعالم، كيف حالك اليوم؟", 5},
        {"he", "שלום עולם, מה שלומך?", 4},
        {"hi", "नमस्ते दुनिया, आप कैसे हैं?", 5},
        {"cmn", "你好,世界。今天天气很好。", 5},
        {"ja", "今日はいい天気ですね。", 6},
        {"ko", "안녕하세요, 만나서 반갑습니다.", 3},
        {"th", "สวัสดีครับ ยินดีต้อนรับ", 4},
        {"vi", "Xin chào thế giới.", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char input[1000];
        snprintf(input, sizeof input, "{'text':'%s','language':'%s'}", rows[i].text,
                 rows[i].language);
        struct said said = speak(input);
        if (!said.done)
            fail_msg("%s: %s", rows[i].language, said.failure.text);
        expect_cover(&said.words, rows[i].text);
        expect_order(&said.words);
        assert_int_equal(said.words.count, rows[i].words);
        assert_true(said.words.duration_ms > 150 * said.words.count);
        forget(&said);
    }
}

/* Where sound begins after at least `gap` samples without any. */
static int find_onsets(const struct said *said, size_t gap, int64_t ret_ms[static ONSETS_MAX])
{
    int count = 0;
    size_t quiet = gap;
    for (size_t i = 0; i < said->count; i++) {
        if (abs(said->samples[i]) < 400) {
            quiet++;
            continue;
        }
        if (quiet >= gap && count < ONSETS_MAX)
            ret_ms[count++] = (int64_t)i * 1000 / 22050;
        quiet = 0;
    }
    return count;
}

static void expect_onsets(const char *input)
{
    int64_t onset[ONSETS_MAX];
    struct said said = speak(input);
    assert_true(said.done);
    int count = find_onsets(&said, 22050 / 4, onset);
    assert_int_equal(count, said.words.count);
    for (int w = 0; w < count; w++) {
        int64_t off = said.words.word[w].start_ms - onset[w];
        if (off < -AGREE_MS || off > AGREE_MS)
            fail_msg("%s: \"%s\" at %lld ms, sounds at %lld ms", input, said.words.word[w].text,
                     (long long)said.words.word[w].start_ms, (long long)onset[w]);
    }
    forget(&said);
}

static void words_start_when_they_sound(void **state)
{
    expect_onsets("{'text':'Morning. Apples. Never. Garden. Lemon. Under. Window. Yellow.',"
                  "'pauseMs':500}");
    expect_onsets("{'text':'Peter. Table. Carbon. Cheese. Strong. Fish. House.','pauseMs':500}");
    expect_onsets("{'text':'Eins. Zwei. Polizei. Kartoffel. Tor.','language':'de',"
                  "'speed':0.6,'pauseMs':400,'voice':'f2'}");
    expect_onsets("{'text':'Один. Два. Три. Пять.','language':'ru','pauseMs':300}");
}

/* Without pauses added: after a comma the engine itself waits. */
static void a_pause_belongs_to_no_word(void **state)
{
    struct said said = speak("{'text':'Before, after, and never.','speed':0.7}");
    assert_true(said.done);
    int64_t gap = said.words.word[1].start_ms - said.words.word[0].end_ms;
    assert_true(gap > 100 && gap < 800);
    forget(&said);
    struct said longer = speak("{'text':'Before. After.','pauseMs':2000}");
    assert_true(longer.done);
    gap = longer.words.word[1].start_ms - longer.words.word[0].end_ms;
    assert_true(gap > 2000 && gap < 3000);
    forget(&longer);
}

static void expect_refused(const char *input, const char *field, const char *part)
{
    struct said said = speak(input);
    assert_false(said.done);
    assert_int_equal(said.failure.code, ERROR_VALIDATION);
    assert_string_equal(said.failure.field, field);
    if (!strstr(said.failure.text, part))
        print_error("%.40s: %s\n", input, said.failure.text), fail();
    forget(&said);
}

static void wrong_parameters_are_refused_by_name(void **state)
{
    expect_refused("{'text':'a','language':'en-uk'}", "language", "en-gb");
    expect_refused("{'text':'a','language':'frr'}", "language", "fr-fr");
    expect_refused("{'text':'a','language':'klingon'}", "language", "\"klingon\" is not known");
    expect_refused("{'text':'a','language':'../../etc/passwd'}", "language", "not known");
    expect_refused("{'text':'a','language':'mb/mb-us1'}", "language", "not known");
    expect_refused("{'text':'a','voice':'f9'}", "voice", "f1, f2");
    expect_refused("{'text':'a','voice':'../f1'}", "voice", "not known");
    expect_refused("{'text':'a','speed':3}", "speed", "from 0.5 to 2");
    expect_refused("{'text':'a','pitch':100}", "pitch", "from 0 to 99");
    expect_refused("{'text':'a','pauseMs':-1}", "pauseMs", "from 0 to 5000");
    expect_refused("{}", "text", "missing");
    expect_refused("{'text':''}", "text", "nothing that can be spoken");
    expect_refused("{'text':' … — !? \\n'}", "text", "nothing that can be spoken");
    char huge[SPEECH_CHARACTERS_MAX + 100];
    memset(huge, 'a', sizeof huge);
    memcpy(huge, "{'text':'", 9);
    snprintf(huge + sizeof huge - 3, 3, "'}");
    expect_refused(huge, "text", "at most 5000 characters");
}

/* Control characters would begin commands of the engine; markup is none to it. */
static void a_text_is_never_a_command(void **state)
{
    struct said plain = speak("{'text':'one 200S two'}");
    struct said tried = speak("{'text':'one \\u0001200S two'}");
    assert_true(plain.done && tried.done);
    assert_true(llabs(plain.words.duration_ms - tried.words.duration_ms) < 100);
    struct said markup = speak("{'text':'<audio src=\\\"/etc/passwd\\\"/> [[h@loU]] {x}'}");
    assert_true(markup.done);
    expect_order(&markup.words);
    forget(&plain);
    forget(&tried);
    forget(&markup);
}

static void odd_texts_are_spoken(void **state)
{
    static const char *const texts[] = {"a",
                                        "7",
                                        "$",
                                        "😀 ok",
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                        "a\\n\\nb\\tc",
                                        "\\u200fשלום\\u200e",
                                        "1234567890123456789"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char input[400];
        snprintf(input, sizeof input, "{'text':'%s'}", texts[i]);
        struct said said = speak(input);
        assert_true(said.done);
        assert_true(said.words.count > 0);
        expect_order(&said.words);
        forget(&said);
    }
}

static void speed_and_pitch_are_heard(void **state)
{
    struct said slow = speak("{'text':'The quick brown fox jumps.','speed':0.5}");
    struct said fast = speak("{'text':'The quick brown fox jumps.','speed':2,'pitch':90}");
    assert_true(slow.done && fast.done);
    assert_true(slow.words.duration_ms > fast.words.duration_ms * 2);
    forget(&slow);
    forget(&fast);
}

static void the_longest_text_is_spoken(void **state)
{
    static char input[SPEECH_CHARACTERS_MAX + 100];
    size_t size = (size_t)snprintf(input, sizeof input, "{'text':'");
    for (int n = 0; n < SPEECH_CHARACTERS_MAX / 5; n++)
        size +=
            (size_t)snprintf(input + size, sizeof input - size, "%s", n % 12 ? "word " : "end. ");
    snprintf(input + size, sizeof input - size, "','speed':2}");
    struct said said = speak(input);
    assert_true(said.done);
    assert_int_equal(said.words.count, SPEECH_CHARACTERS_MAX / 5);
    assert_int_equal(said.warnings, 0);
    expect_order(&said.words);
    forget(&said);
}

static void languages_and_voices_are_listed(void **state)
{
    const char *names[SPEECH_NAMES_MAX];
    bool german = false, woman = false;
    int count = speech_engine_languages(names);
    assert_true(count > 100);
    for (int i = 0; i < count; i++)
        german = german || strcmp(names[i], "de") == 0;
    count = speech_engine_variants(names);
    for (int i = 0; i < count; i++)
        woman = woman || strcmp(names[i], "f2") == 0;
    assert_true(german && woman);
    assert_true(strncmp(speech_engine_version(), "1.", 2) == 0);
}

static int open_folder(void **state)
{
    fixture_init(&fixture);
    return 0;
}

static int close_folder(void **state)
{
    fixture_done(&fixture);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_text_is_the_same_sound),
        cmocka_unit_test(it_is_spoken_inside_the_cage),
        cmocka_unit_test(the_file_is_a_wave_of_the_length_told),
        cmocka_unit_test(words_cover_the_text_in_order),
        cmocka_unit_test(words_start_when_they_sound),
        cmocka_unit_test(a_pause_belongs_to_no_word),
        cmocka_unit_test(wrong_parameters_are_refused_by_name),
        cmocka_unit_test(a_text_is_never_a_command),
        cmocka_unit_test(odd_texts_are_spoken),
        cmocka_unit_test(speed_and_pitch_are_heard),
        cmocka_unit_test(the_longest_text_is_spoken),
        cmocka_unit_test(languages_and_voices_are_listed),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
