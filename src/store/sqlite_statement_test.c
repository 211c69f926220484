/* How the statements find their rows. */
#include "store/sqlite_statement.h"

#include "store/sqlite_write.h"
#include "store/store_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static int explain(void *context, int count, char **values, char **names)
{
    int *bad = context;
    const char *plan = values[count - 1];
    if (strstr(plan, "TEMP B-TREE") || strcmp(plan, "SCAN jobs") == 0)
        *bad += 1;
    return 0;
}

/* No statement of the writing side walks through the jobs or sorts. */
static void test_no_statement_scans_jobs(void **state)
{
    struct store_scene scene;
    store_scene_open(&scene, false);
    sqlite3 *db = sqlite_of(scene.store)->writer.db;
    for (int n = 0; n < STATEMENT_COUNT; n++) {
        char text[4096];
        int bad = 0;
        (void)snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sqlite_statements[n]);
        assert_int_equal(sqlite3_exec(db, text, explain, &bad, NULL), SQLITE_OK);
        if (bad)
            fail_msg("%s", sqlite_statements[n]);
    }
    store_scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_statement_scans_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
