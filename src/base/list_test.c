#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct bead {
    char name;
    struct list link;
};

static const char *names(struct list *head)
{
    static char text[16];
    size_t n = 0;
    LIST_EACH(head, link)
        text[n++] = LIST_OWNER(link, struct bead, link)->name;
    text[n] = '\0';
    return text;
}

static void keeps_order(void **state)
{
    struct list head;
    struct bead a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'};
    list_init(&head);
    assert_true(list_empty(&head));
    assert_string_equal(names(&head), "");
    assert_null(list_take(&head));
    list_add(&head, &a.link);
    list_add(&head, &b.link);
    list_add(&head, &c.link);
    assert_false(list_empty(&head));
    assert_string_equal(names(&head), "abc");
    list_remove(&b.link);
    list_remove(&b.link); /* harmless */
    assert_string_equal(names(&head), "ac");
    list_add(&head, &b.link);
    assert_string_equal(names(&head), "acb");
    assert_ptr_equal(list_take(&head), &a.link);
    assert_true(list_empty(&a.link));
    assert_ptr_equal(list_take(&head), &c.link);
    assert_ptr_equal(list_take(&head), &b.link);
    assert_null(list_take(&head));
    assert_true(list_empty(&head));
}

static void lets_go_while_walking(void **state)
{
    struct list head, other;
    struct bead beads[6];
    list_init(&head);
    list_init(&other);
    for (int n = 0; n < 6; n++) {
        beads[n].name = (char)('a' + n);
        list_add(&head, &beads[n].link);
    }
    LIST_EACH(&head, link) {
        struct bead *bead = LIST_OWNER(link, struct bead, link);
        if (bead->name % 2 == 0) {
            list_remove(link);
            list_add(&other, link);
        }
    }
    assert_string_equal(names(&head), "ace");
    assert_string_equal(names(&other), "bdf");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(lets_go_while_walking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
