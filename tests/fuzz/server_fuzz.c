/* libFuzzer on what reads a stranger's bytes before any handler does: the end of a head, what it
 * says, and the chunks of a body. The first byte says how the rest is cut into two pieces; both
 * ways of reading must agree.
 */
#include "edge/chunked.h"
#include "edge/head.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct head_limits limits = {8192, 4096};

static void check_piece(struct span text, struct head_piece piece)
{
    assert((size_t)piece.at + piece.size <= text.size);
    for (size_t n = 0; n < piece.size; n++)
        assert(!strchr("\r\n", text.data[piece.at + n]));
}

/* False when it is refused. */
static bool check_head(struct span text)
{
    static struct head head;
    struct head_fault fault;
    if (!head_read(text, &limits, &head, &fault)) {
        assert(fault.status >= 400 && fault.status < 600 && fault.sentence);
        return false;
    }
    assert(head.header_count <= HEAD_HEADERS_MAX && head.target.size <= limits.target_max);
    assert((head.body == HEAD_LENGTH) == (head.length > 0));
    check_piece(text, head.method);
    check_piece(text, head.target);
    check_piece(text, head.path);
    check_piece(text, head.query);
    for (unsigned n = 0; n < head.header_count; n++) {
        check_piece(text, head.headers[n].name);
        check_piece(text, head.headers[n].value);
    }
    return true;
}

/* Gives how much of the text the coding took. */
static size_t decode(struct chunked *chunked, struct span text, size_t *body)
{
    struct span rest = text, run;
    while ((run = chunked_read(chunked, &rest)).size > 0)
        *body += run.size;
    return text.size - rest.size;
}

static void check_chunks(struct span text, size_t cut)
{
    struct chunked whole, pieces;
    size_t whole_body = 0, pieces_body = 0;
    chunked_init(&whole);
    chunked_init(&pieces);
    size_t taken = decode(&whole, text, &whole_body);
    size_t first = decode(&pieces, (struct span){text.data, cut}, &pieces_body);
    if (first == cut)
        first += decode(&pieces, (struct span){text.data + cut, text.size - cut}, &pieces_body);
    assert(whole.place == pieces.place && taken == first && whole_body == pieces_body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t cut = (size_t)data[0] * (size - 1) / 256, end = 0, cut_end = 0;
    /* A copy of just the right size, so that a read behind it is seen. */
    char *text = malloc(size - 1);
    if (!text)
        abort();
    memcpy(text, data + 1, size - 1);
    struct span bytes = {text, size - 1};
    struct head_scan scan = {0}, cut_scan = {0};
    struct head_fault fault;
    enum head_progress whole = head_look(&scan, bytes, &limits, &end, &fault);
    enum head_progress pieces =
        head_look(&cut_scan, (struct span){text, cut}, &limits, &cut_end, &fault);
    if (pieces == HEAD_PART)
        pieces = head_look(&cut_scan, bytes, &limits, &cut_end, &fault);
    bool taken =
        whole == HEAD_WHOLE && check_head((struct span){text + scan.start, end - scan.start});
    /* A first line that is too long is refused earlier when it comes in pieces. */
    assert(whole == pieces || (pieces == HEAD_BROKEN && !taken));
    assert(pieces != HEAD_WHOLE || end == cut_end);
    if (whole == HEAD_WHOLE) {
        bytes = (struct span){text + end, bytes.size - end};
        cut = cut > end ? cut - end : 0;
    }
    check_chunks(bytes, cut);
    free(text);
    return 0;
}
