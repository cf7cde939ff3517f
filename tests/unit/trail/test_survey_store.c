/* test_survey_store.c -- what the store says of itself: flow, last flush, clean-ups, dead letters.
 *
 * Goal:   spans end where they end; the newest is the newest by time; what there is not is zero; no table with a row
 *         per event is read, and the ledger only where the span lies.
 * Method: a real SQLite store, its rows put there by hand; every statement's plan is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "store/fixture.h"
#include "trail/survey_store.h"

#define NOW_US INT64_C(1795500000000000)

static struct fixture      fixture;
static struct survey_store numbers;
static const char         *statements[16];
static size_t              statement_count;

enum trail_err __real_store_select(struct store *store, const char *sql, const struct store_value *parameters,
                                   size_t parameter_count, store_row_fn on_row, void *context,
                                   struct trail_error *ret_error);
enum trail_err __wrap_store_select(struct store *store, const char *sql, const struct store_value *parameters,
                                   size_t parameter_count, store_row_fn on_row, void *context,
                                   struct trail_error *ret_error);

enum trail_err __wrap_store_select(struct store *store, const char *sql, const struct store_value *parameters,
                                   size_t parameter_count, store_row_fn on_row, void *context,
                                   struct trail_error *ret_error)
{
    if (statement_count < sizeof statements / sizeof statements[0])
        statements[statement_count++] = sql;
    return __real_store_select(store, sql, parameters, parameter_count, on_row, context, ret_error);
}

static int make(void **state)
{
    (void)state;
    statement_count = 0;
    memset(&numbers, 0x55, sizeof numbers);
    fixture_open(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static void look(void)
{
    assert_int_equal(survey_store_read(&numbers, fixture.store, NOW_US, NULL), TRAIL_OK);
}

static void add_batch(int64_t age_us, unsigned events)
{
    char sql[256];
    snprintf(
        sql, sizeof sql,
        "INSERT INTO audit_batches (writer, first_seq, last_seq, event_count, recorded_at) VALUES (1, 1, 1, %u, %lld)",
        events, (long long)(NOW_US - age_us));
    fixture_execute(&fixture, sql);
}

static void in_an_empty_store_there_is_nothing(void **state)
{
    (void)state;
    static const struct survey_store nothing;
    look();
    assert_int_equal(numbers.day.events + numbers.day.transactions + numbers.week.events + numbers.week.transactions,
                     0);
    assert_int_equal(numbers.ledger_since_us, 0);
    assert_int_equal(numbers.flush_us, 0);
    assert_false(numbers.cleanup.any);
    assert_int_equal(numbers.events_deleted, 0);
    assert_int_equal(numbers.dead_letters, 0);
    assert_int_equal(numbers.dead_letter_us, 0);
    assert_memory_equal(&numbers, &nothing, sizeof nothing);
}

static void spans_end_where_they_end(void **state)
{
    (void)state;
    add_batch(0, 1);
    add_batch(SURVEY_DAY_US, 20);
    add_batch(SURVEY_DAY_US + 1, 300);
    add_batch(7 * SURVEY_DAY_US, 4000);
    add_batch(7 * SURVEY_DAY_US + 1, 50000);
    look();
    assert_int_equal(numbers.day.events, 21);
    assert_int_equal(numbers.day.transactions, 2);
    assert_int_equal(numbers.week.events, 4321);
    assert_int_equal(numbers.week.transactions, 4);
    assert_int_equal(numbers.ledger_since_us, NOW_US - 7 * SURVEY_DAY_US - 1);
}

static void the_last_flush_is_the_newest_by_time(void **state)
{
    (void)state;
    add_batch(5, 7);
    add_batch(1000, 9); /* A process that was slower to say so. */
    look();
    assert_int_equal(numbers.flush_us, NOW_US - 5);
    assert_int_equal(numbers.flush_events, 7);
}

static void the_last_cleanup_is_the_one_begun_last(void **state)
{
    (void)state;
    fixture_execute(&fixture,
                    "INSERT INTO audit_cleanups (started_at, finished_at, cut_off, events_deleted, batches, duration) "
                    "VALUES (100, 200, 10, 50, 5, 77)");
    look();
    assert_true(numbers.cleanup.any);
    assert_int_equal(numbers.cleanup.started_us, 100);
    assert_int_equal(numbers.cleanup.finished_us, 200);
    assert_int_equal(numbers.cleanup.cut_off_us, 10);
    assert_int_equal(numbers.cleanup.events_deleted, 50);
    assert_int_equal(numbers.cleanup.batches, 5);
    assert_int_equal(numbers.cleanup.duration_us, 77);
    assert_string_equal(numbers.cleanup.refused, "");

    fixture_execute(&fixture, "INSERT INTO audit_cleanups (started_at, cut_off, events_deleted, refused) "
                              "VALUES (90, 11, 6, 'the clock jumped')");
    look();
    assert_int_equal(numbers.cleanup.started_us, 90);
    assert_int_equal(numbers.cleanup.finished_us, 0);
    assert_string_equal(numbers.cleanup.refused, "the clock jumped");
    assert_int_equal(numbers.events_deleted, 56);
}

static void dead_letters_are_counted_and_the_newest_is_told(void **state)
{
    (void)state;
    fixture_execute(&fixture, "INSERT INTO audit_dead_letters (writer, seq, recorded_at, error) VALUES "
                              "(1, 1, 50, 'first'), (1, 2, 70, 'newest'), (2, 1, 60, 'second')");
    look();
    assert_int_equal(numbers.dead_letters, 3);
    assert_int_equal(numbers.dead_letter_us, 70);
    assert_string_equal(numbers.dead_letter_error, "newest");
}

static void texts_are_cut_between_characters(void **state)
{
    (void)state;
    fixture_execute(&fixture, "INSERT INTO audit_dead_letters (writer, seq, recorded_at, error) VALUES "
                              "(1, 1, 50, printf('%.*c', 199, 'x') || char(8364) || 'y')");
    look();
    assert_int_equal(strlen(numbers.dead_letter_error), 199);
}

static void a_failure_touches_nothing(void **state)
{
    (void)state;
    struct survey_store before;
    struct trail_error  error = { .code = TRAIL_OK };

    memset(&before, 0x55, sizeof before);
    fixture_execute(&fixture, "DROP TABLE audit_dead_letters");
    assert_int_not_equal(survey_store_read(&numbers, fixture.store, NOW_US, &error), TRAIL_OK);
    assert_int_not_equal(error.code, TRAIL_OK);
    assert_memory_equal(&numbers, &before, sizeof before);
}

/* Fail if any line of the statement's plan reads a whole table that has a row per event or per batch. */
static void assert_plan_is_cheap(sqlite3 *db, const char *sql)
{
    char          explain[1024];
    sqlite3_stmt *plan = NULL;

    snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(plan, 3);
        if (strstr(line, "audit_events") != NULL || strcmp(line, "SCAN audit_batches") == 0)
            fail_msg("%s: %s", sql, line);
    }
    sqlite3_finalize(plan);
}

static void nothing_is_read_that_grows_with_the_events(void **state)
{
    (void)state;
    sqlite3 *db = NULL;

    fixture_execute(&fixture, "INSERT INTO audit_dead_letters (writer, seq, recorded_at) VALUES (1, 1, 1)");
    look();
    assert_int_equal(statement_count, 7);
    assert_int_equal(sqlite3_open(fixture.path, &db), SQLITE_OK);
    for (size_t i = 0; i < statement_count; i++)
        assert_plan_is_cheap(db, statements[i]);
    sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_an_empty_store_there_is_nothing, make, stop),
        cmocka_unit_test_setup_teardown(spans_end_where_they_end, make, stop),
        cmocka_unit_test_setup_teardown(the_last_flush_is_the_newest_by_time, make, stop),
        cmocka_unit_test_setup_teardown(the_last_cleanup_is_the_one_begun_last, make, stop),
        cmocka_unit_test_setup_teardown(dead_letters_are_counted_and_the_newest_is_told, make, stop),
        cmocka_unit_test_setup_teardown(texts_are_cut_between_characters, make, stop),
        cmocka_unit_test_setup_teardown(a_failure_touches_nothing, make, stop),
        cmocka_unit_test_setup_teardown(nothing_is_read_that_grows_with_the_events, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
