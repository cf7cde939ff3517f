/* test_sqlite_schema.c -- creating the schema, and whose schema it is.
 *
 * Goal: one creator wins and the others find its work; a newer, foreign or damaged database is left alone.
 * Method: real files, changed by hand; several processes that start at the same moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/fixture.h"

static enum trail_err open_store(struct fixture *fixture, struct trail_error *ret_error)
{
    return store_open(&fixture->store, fixture->url, NULL, ret_error);
}

static void a_newer_schema_is_refused_and_both_versions_are_named(void **state)
{
    (void)state;
    struct fixture     fixture;
    struct trail_error error = { 0 };
    struct store      *reader = NULL;
    fixture_open(&fixture);
    fixture_disconnect(&fixture);
    fixture_execute(&fixture, "UPDATE audit_store SET schema_version = 99");
    assert_int_equal(open_store(&fixture, &error), TRAIL_EVERSION);
    assert_non_null(strstr(error.message, "99"));
    assert_non_null(strstr(error.message, "up to 2"));
    assert_int_equal(store_open_reader(&reader, fixture.url, NULL), TRAIL_EVERSION);
    assert_int_equal(fixture_number(&fixture, "SELECT schema_version FROM audit_store"), 99);
    fixture_close(&fixture);
}

static void somebody_elses_database_is_left_alone(void **state)
{
    (void)state;
    struct fixture     fixture;
    struct trail_error error = { 0 };
    fixture_folder(&fixture);
    fixture_execute(&fixture, "CREATE TABLE theirs (x)");
    assert_int_equal(open_store(&fixture, &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, fixture.path));
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM sqlite_schema"), 1);
    char mode[512];
    fixture_text(&fixture, "PRAGMA journal_mode", mode);
    assert_string_equal(mode, "delete");
    fixture_close(&fixture);
}

static void a_damaged_store_row_is_found(void **state)
{
    (void)state;
    static const char *const damages[] = { "DELETE FROM audit_store",
                                           "DROP TABLE audit_store; CREATE TABLE audit_store (x)" };
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        fixture_open(&fixture);
        fixture_disconnect(&fixture);
        fixture_execute(&fixture, damages[i]);
        assert_int_equal(open_store(&fixture, NULL), TRAIL_ECORRUPT);
        fixture_close(&fixture);
    }
}

static void a_reader_waits_for_the_first_writer(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store  *reader = NULL;
    fixture_folder(&fixture);
    FILE *file = fopen(fixture.path, "w"); /* A creator that has got no further than this. */
    assert_non_null(file);
    fclose(file);
    assert_int_equal(store_open_reader(&reader, fixture.url, NULL), TRAIL_EAWAY);
    fixture_connect(&fixture);
    assert_int_equal(store_open_reader(&reader, fixture.url, NULL), TRAIL_OK);
    store_close(reader);
    fixture_close(&fixture);
}

static void a_database_that_cannot_shrink_is_refused(void **state)
{
    (void)state;
    struct fixture     fixture;
    struct trail_error error = { 0 };
    fixture_folder(&fixture);
    fixture_execute(&fixture, "PRAGMA user_version = 1"); /* No table, but its first page is written. */
    assert_int_equal(open_store(&fixture, &error), TRAIL_EUNSUPPORTED);
    assert_non_null(strstr(error.message, "auto-vacuum"));
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM sqlite_schema"), 0);
    fixture_close(&fixture);
}

static void the_schema_holds_what_the_design_lists(void **state)
{
    (void)state;
    struct fixture fixture;
    char           names[512];
    fixture_open(&fixture);
    fixture_text(&fixture,
                 "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND "
                 "name LIKE 'audit%' ORDER BY name)",
                 names);
    assert_string_equal(names,
                        "audit_accounting,audit_actions,audit_actors,audit_batches,audit_cleanups,audit_dead_letters,"
                        "audit_events,audit_payloads,audit_resources,audit_routes,audit_store,audit_trail,"
                        "audit_writers");
    assert_int_equal(fixture_number(&fixture, "SELECT schema_version FROM audit_store"), 2);
    fixture_close(&fixture);
}

#define CREATORS 6

/* Waits until all are there, then creates; its exit code says whether it could. */
static int create_at_once(const struct fixture *fixture, int start)
{
    char          byte;
    struct store *store = NULL;
    if (read(start, &byte, 1) != 0) /* End of file: the parent let go. */
        return 2;
    struct trail_error error = { 0 };
    enum trail_err     err = store_open(&store, fixture->url, NULL, &error);
    if (err != TRAIL_OK)
        fprintf(stderr, "%s\n", error.message);
    store_close(store);
    return err == TRAIL_OK ? 0 : 1;
}

static void processes_that_create_at_once_agree(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        struct fixture fixture;
        int            start[2];
        pid_t          children[CREATORS];
        fixture_folder(&fixture);
        assert_int_equal(pipe(start), 0);
        for (size_t i = 0; i < CREATORS; i++) {
            children[i] = fork();
            if (children[i] == 0) {
                close(start[1]);
                _exit(create_at_once(&fixture, start[0]));
            }
        }
        close(start[0]);
        close(start[1]);
        for (size_t i = 0; i < CREATORS; i++) {
            int status;
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        }
        assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_store"), 1);
        assert_int_equal(fixture_number(&fixture, "PRAGMA auto_vacuum"), 2);
        fixture_close(&fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_that_create_at_once_agree), /* First: it forks. */
        cmocka_unit_test(a_newer_schema_is_refused_and_both_versions_are_named),
        cmocka_unit_test(somebody_elses_database_is_left_alone),
        cmocka_unit_test(a_damaged_store_row_is_found),
        cmocka_unit_test(a_reader_waits_for_the_first_writer),
        cmocka_unit_test(a_database_that_cannot_shrink_is_refused),
        cmocka_unit_test(the_schema_holds_what_the_design_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
