/* test_sqlite_script.c -- the schema of an SQLite store as a script.
 *
 * Goal: the script says what opening does, and nothing of a migration is left out.
 * Method: the text; what it does when it is run is tests/integration/test_migrate.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "store/sqlite_store.h"

static void every_migration_is_there_in_order_and_whole(void **state)
{
    (void)state;
    struct buf script;
    buf_init(&script, NULL, 0);
    sqlite_script(&script);
    buf_append(&script, "", 1);
    assert_false(buf_failed(&script));
    const char *at = strstr(script.data, "BEGIN IMMEDIATE;");
    for (size_t i = 0; i < SQLITE_SCHEMA_NEWEST; i++) {
        assert_non_null(at);
        at = strstr(at, sqlite_migrations[i].sql);
    }
    assert_non_null(at);
    assert_non_null(strstr(at, "COMMIT;"));
    assert_int_equal(strncmp(strstr(script.data, ".bail"), ".bail on\n", 9), 0);
    buf_done(&script);
}

static void a_url_leads_to_its_script(void **state)
{
    (void)state;
    struct trail_error error = { 0 };
    struct buf         script;
    buf_init(&script, NULL, 0);
    assert_int_equal(store_script("sqlite:/nowhere/at/all.db", &script, &error), TRAIL_OK);
    assert_true(script.size > 1000);
    buf_clear(&script);
    assert_int_equal(store_script("oracle:x", &script, &error), TRAIL_ECONFIG);
    assert_int_equal(script.size, 0);
    buf_done(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_migration_is_there_in_order_and_whole),
        cmocka_unit_test(a_url_leads_to_its_script),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
