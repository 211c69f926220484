#include "store/ram_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

struct number {
    struct ram_node node;
    int64_t major, minor;
};

static int compare(const void *a, const void *b)
{
    const struct number *const *x = a, *const *y = b;
    if ((*x)->major != (*y)->major)
        return (*x)->major < (*y)->major ? -1 : 1;
    return (*x)->minor < (*y)->minor ? -1 : (*x)->minor > (*y)->minor;
}

static void check_order(const struct ram_tree *tree, struct number **sorted, size_t count)
{
    const struct ram_node *node = ram_tree_from(tree, INT64_MIN, INT64_MIN);
    for (size_t n = 0; n < count; n++) {
        assert_ptr_equal(node, &sorted[n]->node);
        assert_ptr_equal(ram_tree_from(tree, node->major, node->minor), node);
        const struct ram_node *before = ram_tree_before(tree, node->major, node->minor);
        assert_ptr_equal(before, n ? &sorted[n - 1]->node : NULL);
        node = ram_tree_after(tree, node);
    }
    assert_null(node);
}

static void test_tree_keeps_its_order(void **state)
{
    enum { COUNT = 500 };
    static struct number numbers[COUNT];
    struct number *sorted[COUNT];
    struct ram_tree tree = {NULL};
    uint32_t random = 1;
    for (int n = 0; n < COUNT; n++) {
        random = random * 1664525 + 1013904223;
        numbers[n].major = (int)(random >> 16) % 50 - 25;
        numbers[n].minor = n % 3 ? n : -n;
        ram_tree_add(&tree, &numbers[n].node, numbers[n].major, numbers[n].minor);
        sorted[n] = &numbers[n];
    }
    qsort(sorted, COUNT, sizeof sorted[0], compare);
    check_order(&tree, sorted, COUNT);
    size_t left = 0;
    for (size_t n = 0; n < COUNT; n++) {
        if (n % 3 == 0)
            sorted[left++] = sorted[n];
        else
            ram_tree_remove(&sorted[n]->node);
    }
    check_order(&tree, sorted, left);
    while (left > 0)
        ram_tree_remove(&sorted[--left]->node);
    ram_tree_remove(&sorted[0]->node); /* twice is harmless */
    assert_null(tree.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
