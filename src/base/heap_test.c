#include "base/heap.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NODES = 300 };

struct alarm {
    int name;
    struct heap_node node;
};

static void gives_the_earliest(void **state)
{
    static const ms_t times[] = {5, 3, 9, 3, MS_NEVER, -1, 0, 3};
    static const int order[] = {5, 6, 1, 3, 7, 0, 2, 4}; /* equal times by their tie */
    struct heap heap;
    struct alarm alarms[8];
    heap_init(&heap);
    assert_null(heap_first(&heap));
    for (int n = 0; n < 8; n++) {
        alarms[n] = (struct alarm){.name = n, .node = {.tie = n}};
        heap_set(&heap, &alarms[n].node, times[n]);
    }
    for (int n = 0; n < 8; n++) {
        struct heap_node *first = heap_first(&heap);
        assert_int_equal(HEAP_OWNER(first, struct alarm, node)->name, order[n]);
        heap_remove(&heap, first);
        assert_int_equal(first->place, 0);
    }
    assert_null(heap_first(&heap));
    heap_remove(&heap, &alarms[0].node); /* harmless */
    heap_done(&heap);
}

static void moves_a_node(void **state)
{
    struct heap heap;
    struct alarm a = {.node.tie = 1}, b = {.node.tie = 2}, c = {.node.tie = 3};
    heap_init(&heap);
    heap_set(&heap, &a.node, 10);
    heap_set(&heap, &b.node, 20);
    heap_set(&heap, &c.node, 30);
    heap_set(&heap, &c.node, 5);
    assert_ptr_equal(heap_first(&heap), &c.node);
    heap_set(&heap, &c.node, 25);
    assert_ptr_equal(heap_first(&heap), &a.node);
    assert_int_equal(heap.size, 3);
    heap_done(&heap);
}

/* The earliest by the plain way: a look at all of them. */
static const struct heap_node *earliest(const struct heap_node *nodes)
{
    const struct heap_node *best = NULL;
    for (int n = 0; n < NODES; n++) {
        const struct heap_node *node = &nodes[n];
        if (node->place &&
            (!best || node->at < best->at || (node->at == best->at && node->tie < best->tie)))
            best = node;
    }
    return best;
}

static void agrees_with_the_plain_way(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rng rng;
        struct heap heap;
        struct heap_node nodes[NODES] = {0};
        size_t size = 0;
        rng_init(&rng, seed);
        heap_init(&heap);
        for (int n = 0; n < NODES; n++)
            nodes[n].tie = n;
        for (int step = 0; step < 3000; step++) {
            struct heap_node *node = &nodes[rng_below(&rng, NODES)];
            /* Grows in the first half, shrinks in the second. */
            if (rng_below(&rng, 10) < (step < 1500 ? 7u : 3u)) {
                size += node->place == 0;
                heap_set(&heap, node, (ms_t)rng_below(&rng, 50));
            } else {
                size -= node->place != 0;
                heap_remove(&heap, node);
            }
            assert_int_equal(heap.size, size);
            assert_ptr_equal(heap_first(&heap), earliest(nodes));
        }
        while (heap_first(&heap)) {
            assert_ptr_equal(heap_first(&heap), earliest(nodes));
            heap_remove(&heap, heap_first(&heap));
        }
        heap_done(&heap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_earliest),
        cmocka_unit_test(moves_a_node),
        cmocka_unit_test(agrees_with_the_plain_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
