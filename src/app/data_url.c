#include "app/data_url.h"

#include "app/config_file.h"
#include "app/human.h"
#include "base/crypto.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

const char *data_url_type(struct span bytes)
{
    static const struct {
        size_t at;
        const char *mark;
        size_t size;
        const char *type;
    } marks[] = {
        {0, "\x89PNG\r\n\x1a\n", 8, "image/png"},
        {0, "\xFF\xD8\xFF", 3, "image/jpeg"},
        {0, "GIF8", 4, "image/gif"},
        {0, "BM", 2, "image/bmp"},
        {8, "WEBP", 4, "image/webp"},
        {0, "II*\0", 4, "image/tiff"},
        {0, "MM\0*", 4, "image/tiff"},
        {4, "ftypavif", 8, "image/avif"},
        {4, "ftypheic", 8, "image/heic"},
        {4, "ftypM4A", 7, "audio/mp4"},
        {4, "ftypqt", 6, "video/quicktime"},
        {4, "ftyp", 4, "video/mp4"},
        {0, "\x1A\x45\xDF\xA3", 4, "video/webm"},
        {8, "WAVE", 4, "audio/wav"},
        {0, "ID3", 3, "audio/mpeg"},
        {0, "\xFF\xFB", 2, "audio/mpeg"},
        {0, "OggS", 4, "audio/ogg"},
        {0, "fLaC", 4, "audio/flac"},
    };
    for (size_t n = 0; n < sizeof marks / sizeof marks[0]; n++) {
        if (bytes.size >= marks[n].at + marks[n].size &&
            memcmp(bytes.data + marks[n].at, marks[n].mark, marks[n].size) == 0)
            return marks[n].type;
    }
    return NULL;
}

bool data_url_make(const char *path, size_t max, struct buffer *target, struct buffer *fault)
{
    struct arena arena;
    struct span bytes;
    bool good = false;
    arena_init(&arena);
    if (!config_file_load(path, max, &arena, &bytes)) {
        struct stat stat_now;
        char size[HUMAN_SIZE], most[HUMAN_SIZE];
        if (errno == EFBIG && stat(path, &stat_now) == 0) {
            human_size((uint64_t)stat_now.st_size, size);
            human_size(max, most);
            buffer_print(fault,
                         "%s has %s; a file that is sent along may have %s. Put it where the "
                         "server can fetch it, and give that URL.",
                         path, size, most);
        } else {
            buffer_print(fault, "%s can't be read: %s.", path, strerror(errno));
        }
    } else if (!data_url_type(bytes)) {
        buffer_print(fault, "%s is no image, audio or video that is known here.", path);
    } else {
        buffer_print(target, "data:%s;base64,", data_url_type(bytes));
        crypto_base64(bytes, target);
        good = !target->failed;
    }
    arena_done(&arena);
    return good;
}
