/* test_postgresql_cleanup.c -- who cleans up a PostgreSQL store: one run at a time, and nothing that is to be kept.
 *
 * Goal:   a run is claimed once, stops when another took its place, goes on over a new connection; the cut-off is the
 *         beginning of a day and never younger than keep_days; a clock that cannot be right deletes nothing; a role
 *         that only records can clean up, and can delete in no other way.
 * Method: two connections through the back-end, a third to look; roles.sql as it is shipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/postgresql_cleaning.h"

static struct cleaning cleaning;

static int make(void **state)
{
    (void)state;
    cleaning_open(&cleaning);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cleaning_close(&cleaning);
    return 0;
}

static int64_t number(const char *sql)
{
    return database_number(&cleaning.database, sql);
}

static struct cleanup_answer ask(const struct store_cleanup_request *request)
{
    struct cleanup_answer answer;
    struct store_cleanup *cleanup = NULL;
    assert_int_equal(store_cleanup_begin(cleaning.writer.store, request, &answer, &cleanup, NULL), TRAIL_OK);
    assert_int_equal(cleanup != NULL, answer.verdict == CLEANUP_CLAIMED);
    store_cleanup_free(cleanup);
    return answer;
}

static void one_of_many_leads(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleaning_request(10);
    request.interval_us = INT64_C(3600) * 1000000;
    struct store_cleanup *cleanup = cleaning_claim(cleaning.writer.store, &request);
    assert_int_equal(ask(&request).verdict, CLEANUP_NOT_DUE);
    (void)cleaning_run_out(cleaning.writer.store, cleanup);
    assert_int_equal(ask(&request).verdict, CLEANUP_NOT_DUE);
    assert_int_equal(number("SELECT count(*) FROM audit_cleanups WHERE finished_at IS NOT NULL AND duration = 7"), 1);
}

static void a_run_whose_place_was_taken_does_nothing_more(void **state)
{
    (void)state;
    cleaning_write(&cleaning, 20, 3, "old");
    struct store_cleanup_request request = cleaning_request(10);
    struct store_cleanup        *slow = cleaning_claim(cleaning.writer.store, &request);
    struct store_cleanup        *quick = cleaning_claim(cleaning.writer.store, &request);
    struct cleanup_step          step = cleaning_step(cleaning.writer.store, slow);
    assert_true(step.superseded && step.finished);
    assert_int_equal(number("SELECT count(*) FROM audit_events"), 3);
    assert_int_equal(cleaning_run_out(cleaning.writer.store, quick).events, 3);
    store_cleanup_free(slow);
}

static void a_run_goes_on_over_a_new_connection_and_a_dead_one_is_taken_up(void **state)
{
    (void)state;
    cleaning_write(&cleaning, 20, 3, "old");
    cleaning_write(&cleaning, 21, 4, "older");
    struct store_cleanup_request request = cleaning_request(10);
    struct store_cleanup        *dead = cleaning_claim(cleaning.writer.store, &request);
    assert_int_equal(cleaning_step(cleaning.writer.store, dead).work.partitions, 1);
    store_cleanup_free(dead); /* Its day is detached, and nobody has counted it. */
    assert_int_equal(number("SELECT count(*) FROM audit_expired_days"), 1);

    struct store_cleanup *cleanup = cleaning_claim(cleaning.writer.store, &request);
    (void)cleaning_step(cleaning.writer.store, cleanup);
    struct store       *second = database_open_store(&cleaning.database);
    struct cleanup_work work = cleaning_run_out(second, cleanup);
    store_close(second);
    assert_int_equal(work.events, 7);
    assert_int_equal(number("SELECT sum(events_deleted) FROM audit_cleanups"), 7);
    assert_int_equal(number("SELECT sum(partitions_dropped) FROM audit_cleanups"), 2);
    assert_int_equal(number("SELECT count(*) FROM audit_expired_days"), 0);
    assert_int_equal(number("SELECT count(*) FROM pg_class WHERE relname LIKE 'audit_expired_2%'"), 0);
}

static void the_cut_off_is_a_midnight_that_keep_days_holds_back(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleaning_request(10);
    (void)ask(&request);
    assert_int_equal(number("SELECT count(*) FROM audit_cleanups WHERE cut_off = date_trunc('day', now(), 'UTC') - "
                            "interval '240 hours'"),
                     1);
    database_execute(&cleaning.database, "UPDATE audit_store SET keep_days = 30");
    cleaning_write(&cleaning, 29, 3, "kept");
    cleaning_write(&cleaning, 32, 3, "old");
    assert_int_equal(cleaning_all(cleaning.writer.store, 10).events, 3);
    assert_int_equal(number("SELECT count(*) FROM audit_events"), 3);

    /* A row that says otherwise is of no use. */
    database_execute(&cleaning.database, "INSERT INTO audit_cleanups (started_at, cut_off) VALUES (now(), now())");
    PGconn   *pg = database_connect(&cleaning.database);
    PGresult *result = PQexec(pg, "SELECT audit_detach_day((SELECT max(id) FROM audit_cleanups), 0, -1000000, 10)");
    assert_string_equal(PQresultErrorField(result, PG_DIAG_SQLSTATE), "42501");
    assert_non_null(strstr(PQresultErrorMessage(result), "audit_store.keep_days is 30"));
    PQclear(result);
    PQfinish(pg);
    assert_int_equal(number("SELECT count(*) FROM audit_events"), 3);
}

static void a_clock_ahead_of_the_database_refuses(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleaning_request(10);
    cleaning_write(&cleaning, 0, 3, "fresh");
    request.now_us += INT64_C(400) * 86400 * 1000000;
    request.cut_off_us += INT64_C(400) * 86400 * 1000000;
    struct cleanup_answer answer = ask(&request);
    assert_int_equal(answer.verdict, CLEANUP_REFUSED);
    assert_non_null(strstr(answer.reason, "but that of the database says"));
    assert_int_equal(ask(&request).verdict, CLEANUP_STILL_REFUSED);

    /* Who insists still cannot delete what is fresh. */
    request.accept_clock = true;
    (void)cleaning_run_out(cleaning.writer.store, cleaning_claim(cleaning.writer.store, &request));
    assert_int_equal(number("SELECT count(*) FROM audit_events"), 3);
}

/* ---- Roles ---- */

static void apply_roles(void)
{
    static char sql[32768];
    FILE       *file = fopen(ROLES_SQL, "r");
    assert_non_null(file);
    sql[fread(sql, 1, sizeof sql - 1, file)] = '\0';
    fclose(file);
    database_execute(&cleaning.database, sql);
    database_execute(&cleaning.database, "DO $$ BEGIN CREATE ROLE test_writer LOGIN IN ROLE audittrail_writer; "
                                         "CREATE ROLE test_reader LOGIN IN ROLE audittrail_reader; "
                                         "EXCEPTION WHEN duplicate_object THEN NULL; END $$");
}

static void expect(PGconn *pg, const char *sql, const char *sqlstate)
{
    PGresult   *result = PQexec(pg, sql);
    const char *found = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (strcmp(found != NULL ? found : "", sqlstate) != 0)
        fail_msg("%s: %s instead of %s: %s", sql, found != NULL ? found : "no error", sqlstate, PQerrorMessage(pg));
    PQclear(result);
}

static PGconn *connect_as(const char *role)
{
    char url[256];
    database_url_as(&cleaning.database, role, url);
    PGconn *pg = PQconnectdb(url);
    assert_int_equal(PQstatus(pg), CONNECTION_OK);
    expect(pg, "SET search_path = audittrail, pg_catalog", "");
    return pg;
}

static void a_role_that_records_stores_and_cleans_up_and_can_remove_nothing_else(void **state)
{
    (void)state;
    static const char *const forbidden[] = {
        "DELETE FROM audit_events",
        "DELETE FROM audit_events_stray",
        "UPDATE audit_events SET outcome = 0",
        "TRUNCATE audit_events",
        "TRUNCATE audit_events_stray",
        "DELETE FROM audit_batches",
        "UPDATE audit_batches SET event_count = 0",
        "DELETE FROM audit_actors",
        "UPDATE audit_actors SET user_id = 'nobody'",
        "DELETE FROM audit_dead_letters",
        "DELETE FROM audit_writers",
        "UPDATE audit_writers SET service = 'other'",
        "DELETE FROM audit_cleanups",
        "UPDATE audit_cleanups SET cut_off = now()",
        "UPDATE audit_store SET keep_days = 1",
        "INSERT INTO audit_expired_days VALUES (current_date, 'audit_events_stray')",
        "INSERT INTO audit_unused_references VALUES (0, 1, 3)",
        "CREATE TABLE audittrail.mine (i integer)",
    };
    char url[256];
    char drop[1100];
    char name[1024];
    cleaning_write(&cleaning, 20, 3, "old");
    apply_roles();
    apply_roles();
    database_url_as(&cleaning.database, "test_writer", url);
    pg_writer_close(&cleaning.writer);
    struct trail_error error = { 0 };
    if (store_open(&cleaning.writer.store, url, NULL, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    cleaning_write(&cleaning, 33, 3, "older"); /* Makes a day. */
    cleaning_write(&cleaning, 200, 3, "stray");
    cleaning_write(&cleaning, 0, 3, "fresh");
    assert_int_equal(number("SELECT count(*) FROM audit_trail"), 12);

    PGconn *pg = connect_as("test_writer");
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        expect(pg, forbidden[i], "42501");
    database_text(&cleaning.database, "SELECT min(partition) FROM audit_days", name);
    snprintf(drop, sizeof drop, "DROP TABLE %s", name);
    expect(pg, drop, "42501");
    snprintf(drop, sizeof drop, "DELETE FROM %s", name);
    expect(pg, drop, "42501");
    expect(pg, "INSERT INTO audit_cleanups (started_at, cut_off) VALUES (now(), now() - interval '23 hours')", "");
    expect(pg, "SELECT audit_delete_strays((SELECT max(id) FROM audit_cleanups), 0, 0, 10)", "42501");
    PQfinish(pg);
    assert_int_equal(number("SELECT count(*) FROM audit_trail"), 12);

    struct cleanup_work work = cleaning_all(cleaning.writer.store, 10);
    assert_int_equal(work.events, 9);
    assert_int_equal(work.references, 9);
    assert_int_equal(number("SELECT count(*) FROM audit_trail"), 3);
    assert_int_equal(cleaning_orphans(&cleaning), 0);
}

static void a_role_that_reads_sees_the_view_and_changes_nothing(void **state)
{
    (void)state;
    apply_roles();
    cleaning_write(&cleaning, 5, 3, "member");
    PGconn   *pg = connect_as("test_reader");
    PGresult *rows = PQexec(pg, "SELECT user_id FROM audit_trail");
    assert_int_equal(PQntuples(rows), 3);
    PQclear(rows);
    expect(pg, "INSERT INTO audit_actors (digest, user_id) VALUES (gen_random_uuid(), 'me')", "42501");
    expect(pg, "DELETE FROM audit_events", "42501");
    expect(pg, "INSERT INTO audit_cleanups (started_at, cut_off) VALUES (now(), now())", "42501");
    expect(pg, "SELECT audit_create_days(current_date, current_date)", "42501");
    expect(pg, "SELECT audit_detach_day(1, 0, 0, 10)", "42501");
    PQfinish(pg);

    char                    url[256];
    struct store           *store = NULL;
    struct cleanup_forecast forecast;
    struct trail_error      error = { 0 };
    database_url_as(&cleaning.database, "test_reader", url);
    if (store_open_reader(&store, url, &error) != TRAIL_OK ||
        store_cleanup_forecast(store, clock_wall_us(&clock_system), TRAIL_TEXT("host"), &forecast, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    assert_int_equal(forecast.work.events, 3);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_of_many_leads, make, stop),
        cmocka_unit_test_setup_teardown(a_run_whose_place_was_taken_does_nothing_more, make, stop),
        cmocka_unit_test_setup_teardown(a_run_goes_on_over_a_new_connection_and_a_dead_one_is_taken_up, make, stop),
        cmocka_unit_test_setup_teardown(the_cut_off_is_a_midnight_that_keep_days_holds_back, make, stop),
        cmocka_unit_test_setup_teardown(a_clock_ahead_of_the_database_refuses, make, stop),
        cmocka_unit_test_setup_teardown(a_role_that_records_stores_and_cleans_up_and_can_remove_nothing_else, make,
                                        stop),
        cmocka_unit_test_setup_teardown(a_role_that_reads_sees_the_view_and_changes_nothing, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
