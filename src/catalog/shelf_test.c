#include "catalog/fixture.h"

#include "catalog/shelf.h"

static void a_later_group_replaces_in_place(void **state)
{
    struct arena arena;
    struct shelf shelf;
    char fault[CATALOG_FAULT_SIZE] = "";
    arena_init(&arena);
    shelf_init(&shelf);
    struct reader reader = {.arena = &arena, .file = "a.json", .fault = fault};
    struct node node = {.reader = &reader, .path = "things[1]"};
    int *one = shelf_put(&shelf, &node, 1, "one", sizeof *one);
    int *two = shelf_put(&shelf, &node, 1, "two", sizeof *two);
    *one = 1;
    *two = 2;
    assert_ptr_equal(shelf_put(&shelf, &node, 2, "one", sizeof *one), one);
    assert_int_equal(*one, 0);
    assert_int_equal(shelf.count, 2);
    assert_ptr_equal(shelf_get(&shelf, SPAN("two")), two);
    assert_null(shelf_get(&shelf, SPAN("three")));
    reader.file = "b.json";
    assert_null(shelf_put(&shelf, &node, 2, "one", sizeof *one));
    assert_string_equal(fault, "b.json: things[1] is \"one\", which a.json has already.");
    shelf_done(&shelf);
    arena_done(&arena);
}

static void it_grows_and_keeps_the_order(void **state)
{
    struct arena arena;
    struct shelf shelf;
    arena_init(&arena);
    shelf_init(&shelf);
    struct reader reader = {.arena = &arena, .file = "a.json"};
    struct node node = {.reader = &reader, .path = ""};
    for (int n = 0; n < 500; n++) {
        int *thing = shelf_put(&shelf, &node, 1, arena_print(&arena, "%d", n), sizeof *thing);
        *thing = n;
    }
    for (int n = 0; n < 500; n++)
        assert_int_equal(*(int *)shelf.items[n]->thing, n);
    shelf_done(&shelf);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_later_group_replaces_in_place),
        cmocka_unit_test(it_grows_and_keeps_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
