#include "base/sniff.h"

#include "base/bytes.h"

#define IS(at, text) bytes_are(bytes, at, text, sizeof(text) - 1)

enum { TIFF_ENTRIES_MAX = 512, JPEG_SEGMENTS_MAX = 4096, TEXT_LOOK_MAX = 512 };

const char *sniff_word(enum sniff_kind kind)
{
#define X(name, word, type) [name] = word,
    static const char *const words[] = {SNIFF_KINDS(X)};
#undef X
    return words[kind];
}

const char *sniff_content_type(enum sniff_kind kind)
{
#define X(name, word, type) [name] = type,
    static const char *const types[] = {SNIFF_KINDS(X)};
#undef X
    return types[kind];
}

/* ITU T.81: the frame header (SOF) holds the size; segments before it are skipped by length. */
static struct sniff jpeg(struct bytes bytes)
{
    struct sniff sniff = {.kind = SNIFF_JPEG};
    size_t at = 2;
    for (int i = 0; i < JPEG_SEGMENTS_MAX && at + 4 <= bytes.size; i++) {
        if (bytes_u8(bytes, at) != 0xff)
            break;
        uint8_t marker = bytes_u8(bytes, at + 1);
        if (marker == 0xff) { /* fill byte */
            at++;
            continue;
        }
        bool frame =
            marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
        if (frame) {
            sniff.height = bytes_be16(bytes, at + 5);
            sniff.width = bytes_be16(bytes, at + 7);
            break;
        }
        if (marker == 0xda || marker == 0xd9)
            break;
        at += 2 + bytes_be16(bytes, at + 2);
    }
    return sniff;
}

static struct sniff webp(struct bytes bytes)
{
    struct sniff sniff = {.kind = SNIFF_WEBP};
    if (IS(12, "VP8X")) {
        sniff.width = bytes_le24(bytes, 24) + 1;
        sniff.height = bytes_le24(bytes, 27) + 1;
    } else if (IS(12, "VP8L")) {
        uint32_t bits = bytes_le32(bytes, 21);
        sniff.width = (bits & 0x3fff) + 1;
        sniff.height = (bits >> 14 & 0x3fff) + 1;
    } else if (IS(12, "VP8 ")) {
        sniff.width = bytes_le16(bytes, 26) & 0x3fff;
        sniff.height = bytes_le16(bytes, 28) & 0x3fff;
    }
    return sniff;
}

static struct sniff bmp(struct bytes bytes)
{
    struct sniff sniff = {.kind = SNIFF_BMP};
    if (bytes_le32(bytes, 14) == 12) { /* the OS/2 header */
        sniff.width = bytes_le16(bytes, 18);
        sniff.height = bytes_le16(bytes, 20);
        return sniff;
    }
    sniff.width = bytes_le32(bytes, 18);
    uint32_t height = bytes_le32(bytes, 22);
    /* Negative: stored top down. */
    sniff.height = height > INT32_MAX ? 0u - height : height;
    return sniff;
}

static struct sniff tiff(struct bytes bytes)
{
    struct sniff sniff = {.kind = SNIFF_TIFF};
    bool little = bytes_u8(bytes, 0) == 'I';
    size_t at = little ? bytes_le32(bytes, 4) : bytes_be32(bytes, 4);
    uint32_t entries = little ? bytes_le16(bytes, at) : bytes_be16(bytes, at);
    for (uint32_t i = 0; i < entries && i < TIFF_ENTRIES_MAX; i++) {
        size_t entry = at + 2 + (size_t)i * 12;
        uint32_t tag = little ? bytes_le16(bytes, entry) : bytes_be16(bytes, entry);
        uint32_t type = little ? bytes_le16(bytes, entry + 2) : bytes_be16(bytes, entry + 2);
        uint32_t value = 0;
        if (type == 3) /* SHORT, LONG */
            value = little ? bytes_le16(bytes, entry + 8) : bytes_be16(bytes, entry + 8);
        else
            value = little ? bytes_le32(bytes, entry + 8) : bytes_be32(bytes, entry + 8);
        if (tag == 256)
            sniff.width = value;
        if (tag == 257)
            sniff.height = value;
    }
    return sniff;
}

/* ISO base media: the first box is `ftyp`; its brands tell a still picture from a film. */
static struct sniff boxes(struct bytes bytes)
{
    struct sniff sniff = {.kind = SNIFF_MP4};
    size_t end = bytes_be32(bytes, 0);
    if (end > 256)
        end = 256;
    for (size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {
        if (IS(at, "avif") || IS(at, "avis"))
            sniff.kind = SNIFF_AVIF;
        else if (IS(at, "heic") || IS(at, "heix") || IS(at, "hevc") || IS(at, "heim"))
            sniff.kind = SNIFF_HEIC;
        if (sniff.kind != SNIFF_MP4)
            break;
    }
    return sniff;
}

static struct sniff text(struct bytes bytes)
{
    struct sniff sniff = {0};
    size_t at = IS(0, "\xef\xbb\xbf") ? 3 : 0;
    while (at < TEXT_LOOK_MAX && (bytes_u8(bytes, at) == ' ' || bytes_u8(bytes, at) == '\t' ||
                                  bytes_u8(bytes, at) == '\r' || bytes_u8(bytes, at) == '\n'))
        at++;
    if (IS(at, "#EXTM3U") || IS(at, "ffconcat") || IS(at, "[playlist]"))
        sniff.kind = SNIFF_PLAYLIST;
    else if (IS(at, "<!DOCTYPE html") || IS(at, "<!doctype html") || IS(at, "<html"))
        sniff.kind = SNIFF_HTML;
    else if (IS(at, "<svg"))
        sniff.kind = SNIFF_SVG;
    if (IS(at, "<?xml")) {
        for (size_t i = at; i < TEXT_LOOK_MAX && sniff.kind == SNIFF_UNKNOWN; i++) {
            if (IS(i, "<svg"))
                sniff.kind = SNIFF_SVG;
        }
    }
    return sniff;
}

/* MP3 and AAC are bare frames, each with a header that begins with eleven or twelve set bits; MP3
 * mostly comes with a tag before them. */
static enum sniff_kind sound(struct bytes bytes)
{
    if (IS(0, "RIFF") && IS(8, "WAVE"))
        return SNIFF_WAV;
    if (IS(0, "fLaC"))
        return SNIFF_FLAC;
    if (IS(0, "OggS"))
        return SNIFF_OGG;
    uint32_t header = bytes_be16(bytes, 0);
    if (IS(0, "ID3") || (header & 0xffe6) == 0xffe2)
        return SNIFF_MP3;
    return (header & 0xfff6) == 0xfff0 ? SNIFF_AAC : SNIFF_UNKNOWN;
}

struct sniff sniff_bytes(const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, size};
    if (IS(0, "\xff\xd8\xff"))
        return jpeg(bytes);
    if (IS(0, "\x89PNG\r\n\x1a\n") && IS(12, "IHDR"))
        return (struct sniff){SNIFF_PNG, bytes_be32(bytes, 16), bytes_be32(bytes, 20)};
    if (IS(0, "GIF87a") || IS(0, "GIF89a"))
        return (struct sniff){SNIFF_GIF, bytes_le16(bytes, 6), bytes_le16(bytes, 8)};
    if (IS(0, "RIFF") && IS(8, "WEBP"))
        return webp(bytes);
    if (IS(0, "II*\0") || IS(0, "MM\0*"))
        return tiff(bytes);
    if (IS(4, "ftyp"))
        return boxes(bytes);
    if (IS(0, "\x1a\x45\xdf\xa3"))
        return (struct sniff){.kind = SNIFF_MATROSKA};
    if (IS(0, "%PDF-"))
        return (struct sniff){.kind = SNIFF_PDF};
    /* "BM" alone is two letters of any text; the header's own size must be one that exists. */
    uint32_t header = bytes_le32(bytes, 14);
    if (IS(0, "BM") && (header == 12 || (header >= 40 && header <= 124)))
        return bmp(bytes);
    enum sniff_kind kind = sound(bytes);
    return kind == SNIFF_UNKNOWN ? text(bytes) : (struct sniff){.kind = kind};
}

/* ISO 14496-12: the major brand says what kind of player the file was made for. */
static const char *boxes_type(struct bytes bytes)
{
    if (IS(8, "M4A ") || IS(8, "M4B ") || IS(8, "M4P "))
        return "audio/mp4";
    return IS(8, "qt  ") ? "video/quicktime" : "video/mp4";
}

/* Whether the text stands anywhere in the first bytes. */
static bool has(struct bytes bytes, const char *text, size_t size)
{
    for (size_t at = 0; at < bytes.size && at < SNIFF_HEAD; at++) {
        if (bytes_are(bytes, at, text, size))
            return true;
    }
    return false;
}

#define HAS(text) has(bytes, text, sizeof(text) - 1)

const char *sniff_media(const uint8_t *data, size_t size)
{
    struct bytes bytes = {data, size};
    enum sniff_kind kind = sniff_bytes(data, size).kind;
    switch (kind) {
    case SNIFF_MP4:
        return boxes_type(bytes);
    case SNIFF_MATROSKA: /* RFC 9559: the EBML header holds the DocType in plain letters */
        return HAS("matroska") ? "video/x-matroska" : "video/webm";
    case SNIFF_OGG: /* RFC 5334: each stream's first packet names its codec */
        return HAS("\x80theora") ? "video/ogg" : "audio/ogg";
    case SNIFF_JPEG:
    case SNIFF_PNG:
    case SNIFF_GIF:
    case SNIFF_WEBP:
    case SNIFF_BMP:
    case SNIFF_TIFF:
    case SNIFF_AVIF:
    case SNIFF_HEIC:
    case SNIFF_WAV:
    case SNIFF_MP3:
    case SNIFF_FLAC:
    case SNIFF_AAC:
        return sniff_content_type(kind);
    case SNIFF_UNKNOWN:
    case SNIFF_SVG:
    case SNIFF_PDF:
    case SNIFF_PLAYLIST:
    case SNIFF_HTML:
    case SNIFF_KIND_COUNT:
        break;
    }
    return NULL;
}
