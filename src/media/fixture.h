/* What the tests of this room share: a folder that vanishes, files, pictures of known colours. */
#ifndef MEDIA_FIXTURE_H
#define MEDIA_FIXTURE_H

/* cmocka wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "media/folder.h"
#include "media/plane.h"

#include <libavcodec/avcodec.h>

struct fixture {
    char path[64];
    struct folder folder;
};

/* Both assert. fixture_done removes the folder with all that is in it. */
void fixture_init(struct fixture *fixture);
void fixture_done(struct fixture *fixture);

/* Writes a file in the folder; fixture_open opens one for reading and writing. */
void fixture_write(const struct fixture *fixture, const char *name, const void *data, size_t size);
int fixture_open(const struct fixture *fixture, const char *name);
/* The file's bytes; the caller frees. */
uint8_t *fixture_read(const struct fixture *fixture, const char *name, size_t *ret_size);

/* Four areas, clockwise from the upper left: red, green, blue, white. */
struct picture fixture_quarters(int width, int height);
/* Encodes a picture with any of libav's image encoders. */
void fixture_encode(const struct fixture *fixture, const char *name, const struct picture *picture,
                    enum AVCodecID codec, enum AVPixelFormat format);
/* Asserts that the sample at (x, y) is within `near` of a 0xRRGGBB colour. */
void fixture_expect(const struct picture *picture, int x, int y, uint32_t colour, int near);

#endif
