/* What a file is, by its bytes alone: names and declared types lie. The server looks at uploads
 * with it, the workers at what they shall decode. For the image types the size in
 * pixels is read from the header too, so that a bomb is refused before any decoder sees it. Pure.
 */
#ifndef BASE_SNIFF_H
#define BASE_SNIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNIFF_KINDS(X)                                                                             \
    X(SNIFF_UNKNOWN, "an unknown type", "application/octet-stream")                                \
    X(SNIFF_JPEG, "JPEG", "image/jpeg")                                                            \
    X(SNIFF_PNG, "PNG", "image/png")                                                               \
    X(SNIFF_GIF, "GIF", "image/gif")                                                               \
    X(SNIFF_WEBP, "WebP", "image/webp")                                                            \
    X(SNIFF_BMP, "BMP", "image/bmp")                                                               \
    X(SNIFF_TIFF, "TIFF", "image/tiff")                                                            \
    X(SNIFF_AVIF, "AVIF", "image/avif")                                                            \
    X(SNIFF_HEIC, "HEIC", "image/heic")                                                            \
    X(SNIFF_SVG, "SVG", "image/svg+xml")                                                           \
    X(SNIFF_MP4, "MP4", "video/mp4")                                                               \
    X(SNIFF_MATROSKA, "WebM or Matroska", "video/webm")                                            \
    X(SNIFF_WAV, "WAV", "audio/wav")                                                               \
    X(SNIFF_MP3, "MP3", "audio/mpeg")                                                              \
    X(SNIFF_FLAC, "FLAC", "audio/flac")                                                            \
    X(SNIFF_OGG, "Ogg", "audio/ogg")                                                               \
    X(SNIFF_AAC, "AAC", "audio/aac")                                                               \
    X(SNIFF_PDF, "PDF", "application/pdf")                                                         \
    X(SNIFF_PLAYLIST, "a playlist", "application/vnd.apple.mpegurl")                               \
    X(SNIFF_HTML, "a web page", "text/html")

#define X(name, word, type) name,
enum sniff_kind { SNIFF_KINDS(X) SNIFF_KIND_COUNT };
#undef X

struct sniff {
    enum sniff_kind kind;
    uint32_t width, height; /* of an image; 0 when the header does not say */
};

/* Up to the whole file; a few KB are enough for the kind, not always for the size of a JPEG. */
struct sniff sniff_bytes(const uint8_t *data, size_t size);
/* "PNG", for people. */
const char *sniff_word(enum sniff_kind kind);
const char *sniff_content_type(enum sniff_kind kind);

enum { SNIFF_HEAD = 4096 /* bytes that are enough for sniff_media */ };

/* The content type of a picture, a sound or a film as finely as the first bytes tell it: audio/mp4
 * apart from video/mp4 and video/quicktime, video/x-matroska from video/webm, audio/ogg from
 * video/ogg. NULL for anything else: documents, playlists, web pages, SVG, and what is unknown. */
const char *sniff_media(const uint8_t *data, size_t size);

#endif
