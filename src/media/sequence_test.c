#include "media/sequence.h"

#include "media/fixture.h"

/* Every frame of the film is shown by some piece, pieces overlap by their fades and no more. */
static int walk(const struct sequence *sequence)
{
    struct sequence_piece piece = {0}, next;
    int pieces = 0, end = 0;
    for (bool more = sequence_first(sequence, &next); more;
         more = sequence_next(sequence, &piece, &next)) {
        assert_int_equal(next.first, end - next.fade_in);
        assert_int_equal(next.fade_in, pieces ? piece.fade_out : 0);
        assert_true(next.fade_in + next.fade_out <= next.frames);
        piece = next;
        end = piece.first + piece.frames;
        pieces++;
    }
    assert_int_equal(end, sequence->total);
    assert_int_equal(piece.fade_out, 0);
    return pieces;
}

static void clips_follow_each_other(void **state)
{
    struct sequence sequence = {.fps = 10, .count = 3, .frames = {10, 5, 20}};
    sequence.total = sequence_length(&sequence);
    assert_int_equal(sequence.total, 35);
    assert_int_equal(walk(&sequence), 3);
    sequence.fade = 4;
    /* The second has five frames, of which a neighbour may have two. */
    sequence.total = sequence_length(&sequence);
    assert_int_equal(sequence.total, 35 - 2 - 2);
    assert_int_equal(walk(&sequence), 3);
}

static void a_film_is_cut_filled_or_held(void **state)
{
    struct sequence sequence = {.fps = 10, .count = 2, .frames = {10, 10}, .total = 7};
    assert_int_equal(walk(&sequence), 1);
    sequence.total = 56;
    assert_int_equal(walk(&sequence), 2);
    sequence.loop = true;
    assert_int_equal(walk(&sequence), 6);
    /* Half a second more than four pieces is not worth a new one. */
    sequence.total = 45;
    assert_int_equal(walk(&sequence), 4);
    sequence.fade = 3;
    sequence.total = 46;
    assert_int_equal(walk(&sequence), 6);
    /* A film of an instant is not repeated. */
    sequence.frames[0] = sequence.frames[1] = 1;
    assert_int_equal(walk(&sequence), 2);
}

static void a_fade_passes_through_the_middle(void **state)
{
    struct sequence_piece piece = {.first = 100, .frames = 50, .fade_in = 5};
    assert_true(sequence_weight(&piece, 100) > 0);
    assert_true(sequence_weight(&piece, 102) == 0.5);
    assert_true(sequence_weight(&piece, 104) < 1);
    assert_true(sequence_weight(&piece, 105) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clips_follow_each_other),
        cmocka_unit_test(a_film_is_cut_filled_or_held),
        cmocka_unit_test(a_fade_passes_through_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
