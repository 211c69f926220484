/* An upload's form: the first byte says how the rest is cut, a line is the Content-Type, the rest
 * the body. However it is cut, the same parts and the same content come out of it. */
#include "edge/multipart.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    unsigned parts;
    size_t size;
    uint64_t sum; /* of all content, each byte with its place */
    enum multipart_event last;
};

static void take(struct multipart *multipart, struct span run, struct seen *seen)
{
    struct span data = {"", 0};
    const char *start = run.data, *end = run.data + run.size;
    enum multipart_event event;
    while ((event = multipart_read(multipart, &run, &data)) != MULTIPART_MORE) {
        assert(run.data >= start && run.data + run.size == end);
        seen->last = event;
        if (event == MULTIPART_BROKEN || (event == MULTIPART_END && run.size == 0))
            break; /* what stands behind the end is read too */
        seen->parts += event == MULTIPART_PART;
        for (size_t n = 0; event == MULTIPART_DATA && n < data.size; n++)
            seen->sum += (uint64_t)(unsigned char)data.data[n] * ++seen->size;
    }
    assert(event != MULTIPART_BROKEN || (multipart->fault && multipart->fault[0]));
    assert(strlen(multipart->name) < MULTIPART_NAME_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct multipart whole, pieces;
    const char *fault = NULL;
    if (size < 1)
        return 0;
    char *text = malloc(size);
    if (!text)
        abort();
    memcpy(text, data + 1, size - 1);
    struct span rest = {text, size - 1}, type = {text, 0};
    (void)span_take(&rest, '\n', &type);
    if (!rest.data)
        rest = (struct span){"", 0};
    if (multipart_init(&whole, type, &fault) && multipart_init(&pieces, type, &fault)) {
        struct seen once = {0}, again = {0};
        size_t step = 1 + (size_t)data[0] % 64;
        take(&whole, rest, &once);
        for (size_t at = 0; at < rest.size; at += step) {
            size_t left = rest.size - at;
            take(&pieces, (struct span){rest.data + at, left < step ? left : step}, &again);
        }
        assert(multipart_is_whole(&whole) == multipart_is_whole(&pieces));
        assert(once.parts == again.parts && once.size == again.size && once.sum == again.sum);
    } else {
        assert(fault && fault[0]);
    }
    free(text);
    return 0;
}
