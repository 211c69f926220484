#include "base/sniff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static void expect(const char *bytes, size_t size, enum sniff_kind kind, unsigned width,
                   unsigned height)
{
    struct sniff sniff = sniff_bytes((const uint8_t *)bytes, size);
    assert_string_equal(sniff_word(sniff.kind), sniff_word(kind));
    assert_int_equal(sniff.width, width);
    assert_int_equal(sniff.height, height);
}

#define EXPECT(text, kind, width, height) expect(text, sizeof(text) - 1, kind, width, height)

static void headers_tell_kind_and_size(void **state)
{
    EXPECT("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\2\0\0\0\1\0", SNIFF_PNG, 512, 256);
    EXPECT("GIF89a\x40\1\xf0\0", SNIFF_GIF, 320, 240);
    EXPECT("\xff\xd8\xff\xe0\0\4xx\xff\xff\xc2\0\x11\10\0\x64\0\xc8", SNIFF_JPEG, 200, 100);
    EXPECT("RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0\x1f\3\0\x57\2\0", SNIFF_WEBP, 800, 600);
    EXPECT("RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x1f\x03\x10\0", SNIFF_WEBP, 800, 65);
    EXPECT("BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0\x0a\0\0\0\xec\xff\xff\xff", SNIFF_BMP, 10, 20);
    EXPECT("II*\0\10\0\0\0\2\0\0\1\3\0\1\0\0\0\x11\0\0\0\1\1\4\0\1\0\0\0\x22\0\0\0", SNIFF_TIFF, 17,
           34);
    EXPECT("MM\0*\0\0\0\10\0\1\1\0\0\3\0\0\0\1\0\x11\0\0", SNIFF_TIFF, 17, 0);
    EXPECT("\0\0\0\x1c"
           "ftypmif1\0\0\0\0mif1avif",
           SNIFF_AVIF, 0, 0);
    EXPECT("\0\0\0\x18"
           "ftypheic\0\0\0\0mif1heic",
           SNIFF_HEIC, 0, 0);
    EXPECT("\0\0\0\x18"
           "ftypisom\0\0\2\0isommp42",
           SNIFF_MP4, 0, 0);
    EXPECT("BMW drives", SNIFF_UNKNOWN, 0, 0);
    EXPECT("  \n<svg xmlns=", SNIFF_SVG, 0, 0);
    EXPECT("", SNIFF_UNKNOWN, 0, 0);
    assert_string_equal(sniff_content_type(SNIFF_WEBP), "image/webp");
}

/* Every prefix of every header is safe to look at. */
static void short_files_are_safe(void **state)
{
    static const char *const heads[] = {
        "\xff\xd8\xff\xe0\xff\xff",      "II*\0\xff\xff\xff\xff",          "RIFFxxxxWEBPVP8 ",
        "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "BM\0\0\0\0\0\0\0\0\0\0\0\0\x28", "<?xml version",
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        uint8_t bytes[32] = {0};
        memcpy(bytes, heads[i], strlen(heads[i]));
        for (size_t size = 0; size <= sizeof bytes; size++)
            sniff_bytes(bytes, size);
    }
}

static void expect_media(const char *bytes, size_t size, const char *type)
{
    const char *found = sniff_media((const uint8_t *)bytes, size);
    assert_string_equal(found ? found : "none", type);
}

#define EXPECT_MEDIA(text, type) expect_media(text, sizeof(text) - 1, type)

static void media_are_told_apart(void **state)
{
    EXPECT_MEDIA("\0\0\0\x18"
                 "ftypM4A \0\0\2\0isommp42",
                 "audio/mp4");
    EXPECT_MEDIA("\0\0\0\x14"
                 "ftypqt  \0\0\2\0qt  ",
                 "video/quicktime");
    EXPECT_MEDIA("\0\0\0\x18"
                 "ftypisom\0\0\2\0isommp42",
                 "video/mp4");
    EXPECT_MEDIA("\x1a\x45\xdf\xa3\x93\x42\x82\x84webm", "video/webm");
    EXPECT_MEDIA("\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska", "video/x-matroska");
    EXPECT_MEDIA("OggS\0\2\0\0\x01vorbis", "audio/ogg");
    EXPECT_MEDIA("OggS\0\2\0\0\x80theora", "video/ogg");
    EXPECT_MEDIA("RIFF\0\0\0\0WAVEfmt ", "audio/wav");
    EXPECT_MEDIA("ID3\4\0\0\0\0\0\0", "audio/mpeg");
    EXPECT_MEDIA("fLaC\0\0\0\x22", "audio/flac");
    EXPECT_MEDIA("<svg xmlns=", "none");
    EXPECT_MEDIA("#EXTM3U\n", "none");
    EXPECT_MEDIA("%PDF-1.7", "none");
    EXPECT_MEDIA("<!DOCTYPE html>", "none");
    EXPECT_MEDIA("{\"model\":\"local/still\"}", "none");
    EXPECT_MEDIA("", "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_tell_kind_and_size),
        cmocka_unit_test(media_are_told_apart),
        cmocka_unit_test(short_files_are_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
