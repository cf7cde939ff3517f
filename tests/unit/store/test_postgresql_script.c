/* test_postgresql_script.c -- the schema of a PostgreSQL store as a script.
 *
 * Goal: every migration is in the script, each behind its own condition; the lock is the program's.
 * Method: the text; what psql makes of it is tests/integration/test_migrate.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "store/postgresql_store.h"

static void every_migration_stands_behind_its_condition(void **state)
{
    (void)state;
    struct buf script;
    buf_init(&script, NULL, 0);
    postgresql_script(&script);
    buf_append(&script, "", 1);
    assert_false(buf_failed(&script));
    const char *at = strstr(script.data, PG_BEGIN);
    for (size_t i = 0; i < POSTGRESQL_SCHEMA_NEWEST; i++) {
        char due[64];
        snprintf(due, sizeof due, "SELECT :version < %zu AS due \\gset\n\\if :due\n", i + 1);
        assert_non_null(at);
        at = strstr(at, due);
        assert_non_null(at);
        assert_int_equal(strncmp(at + strlen(due), postgresql_migrations[i].sql, strlen(postgresql_migrations[i].sql)),
                         0);
        at = strstr(at, "\\endif\n");
    }
    assert_non_null(at);
    assert_non_null(strstr(at, "COMMIT;"));
    buf_done(&script);
}

static void it_takes_the_lock_of_the_program_and_stops_at_an_error(void **state)
{
    (void)state;
    struct buf script;
    char       lock[64];
    buf_init(&script, NULL, 0);
    postgresql_script(&script);
    buf_append(&script, "", 1);
    snprintf(lock, sizeof lock, "pg_advisory_xact_lock(%d, %d)", PG_LOCK_CLASS, PG_LOCK_SCHEMA);
    assert_non_null(strstr(script.data, lock));
    assert_true(strstr(script.data, "\\set ON_ERROR_STOP on\n") < strstr(script.data, "BEGIN;"));
    buf_done(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_migration_stands_behind_its_condition),
        cmocka_unit_test(it_takes_the_lock_of_the_program_and_stops_at_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
