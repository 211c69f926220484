#include "media/sequence.h"

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Of the cross-fade between two clips: at most half of each, so that three never meet. */
static int fade_between(const struct sequence *sequence, int a, int b)
{
    return least(sequence->fade, least(sequence->frames[a], sequence->frames[b]) / 2);
}

int sequence_length(const struct sequence *sequence)
{
    int length = sequence->frames[0];
    for (int i = 1; i < sequence->count; i++)
        length += sequence->frames[i] - fade_between(sequence, i - 1, i);
    return length;
}

/* Whether something comes after a piece that ends at `end`; what is left to fill after a loop must
 * be worth a new beginning, and a film of less than a second flickers when it is repeated. */
static bool goes_on(const struct sequence *sequence, int index, int end)
{
    if (end >= sequence->total)
        return false;
    if (index + 1 < sequence->count)
        return true;
    return sequence->loop && sequence->total - end > sequence->fps / 2 &&
           sequence_length(sequence) >= sequence->fps;
}

static void complete(const struct sequence *sequence, struct sequence_piece *piece)
{
    piece->frames = sequence->frames[piece->clip];
    if (goes_on(sequence, piece->index, piece->first + piece->frames)) {
        int next = (piece->clip + 1) % sequence->count;
        piece->fade_out = fade_between(sequence, piece->clip, next);
    } else {
        piece->frames = sequence->total - piece->first;
        piece->fade_out = 0;
    }
}

bool sequence_first(const struct sequence *sequence, struct sequence_piece *ret_piece)
{
    *ret_piece = (struct sequence_piece){0};
    complete(sequence, ret_piece);
    return sequence->total > 0;
}

bool sequence_next(const struct sequence *sequence, const struct sequence_piece *piece,
                   struct sequence_piece *ret_piece)
{
    int end = piece->first + piece->frames;
    if (end >= sequence->total)
        return false;
    struct sequence_piece next = {.index = piece->index + 1,
                                  .clip = (piece->clip + 1) % sequence->count,
                                  .first = end - piece->fade_out,
                                  .fade_in = piece->fade_out};
    complete(sequence, &next);
    *ret_piece = next;
    return true;
}

double sequence_weight(const struct sequence_piece *piece, int frame)
{
    int at = frame - piece->first;
    return at >= piece->fade_in ? 1 : (at + 1.0) / (piece->fade_in + 1);
}
