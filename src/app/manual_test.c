/* The manual page holds every command and option, as roff that means what it says. */
#include "app/manual.h"

#include "app/command.h"
#include "app/command_test_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char page[512 * 1024];

static void test_everything_is_there(void **state)
{
    char line[200];
    size_t count;
    const struct command *commands = command_all(&count);
    for (size_t n = 0; n < count; n++) {
        (void)snprintf(line, sizeof line, ".SS \"reel %s ", commands[n].name);
        assert_int_equal(strstr(page, line) != NULL, commands[n].summary != NULL);
    }
    assert_non_null(strstr(page, ".TP\n\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fIFILE|DIR\\fR\n"));
    assert_non_null(strstr(page, ".SH \"EXIT STATUS\"\n.TP\n.B 0\nIt succeeded.\n"));
    assert_non_null(strstr(page, ".B 130\n"));
    assert_non_null(strstr(page, ".B NO_COLOR\n"));
}

/* No line begins with a dot that is no macro, no character is outside ASCII, and each .nf ends. */
static void test_it_is_roff(void **state)
{
    int open = 0;
    for (const char *at = page; *at; at += strcspn(at, "\n") + 1) {
        assert_true(at[0] != '\'');
        if (at[0] == '.')
            assert_true(at[1] >= 'A' && at[1] <= 'z');
        open += strncmp(at, ".nf", 3) == 0 ? 1 : strncmp(at, ".fi", 3) == 0 ? -1 : 0;
        assert_true(open == 0 || open == 1);
    }
    for (const char *at = page; *at; at++)
        assert_true((unsigned char)*at < 0x80);
    assert_int_equal(open, 0);
    assert_non_null(strstr(page, "gen_01K\\[u2026]"));
}

static int write_page(void **state)
{
    FILE *file = fmemopen(page, sizeof page, "w");
    if (!file)
        return -1;
    manual_write(file);
    return fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_is_there),
        cmocka_unit_test(test_it_is_roff),
    };
    return cmocka_run_group_tests(tests, write_page, NULL);
}
