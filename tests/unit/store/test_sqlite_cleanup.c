/* test_sqlite_cleanup.c -- who cleans up: one run at a time, by the newest row of audit_cleanups.
 *
 * Goal:   a run is claimed once, moves its row in the transaction that deletes, stops when another took its place, goes
 *         on over a new connection, can be broken off at any time, and is taken up when its process died.
 * Method: two connections to one file; rows are looked at through a third.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <string.h>

#include "store/cleanup_fixture.h"

static struct fixture fixture;

/* Ten events, of seconds 1 to 10. */
static int make(void **state)
{
    (void)state;
    struct event_record events[10];
    fixture_open(&fixture);
    for (uint64_t i = 0; i < 10; i++)
        events[i] = fixture_event(i + 1);
    assert_int_equal(fixture_write(&fixture, events, 10), TRAIL_OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static int64_t number(const char *sql)
{
    return fixture_number(&fixture, sql);
}

static enum cleanup_verdict ask(const struct store_cleanup_request *request)
{
    struct cleanup_answer answer;
    struct store_cleanup *cleanup = NULL;
    assert_int_equal(store_cleanup_begin(fixture.store, request, &answer, &cleanup, NULL), TRAIL_OK);
    assert_int_equal(cleanup != NULL, answer.verdict == CLEANUP_CLAIMED);
    store_cleanup_free(cleanup);
    return answer.verdict;
}

static void a_run_deletes_in_batches_and_its_row_says_so(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(9);
    request.rows_max = 4;
    struct store_cleanup *cleanup = cleanup_claim(&fixture, &request);
    assert_int_equal(number("SELECT finished_at IS NULL AND events_deleted = 0 FROM audit_cleanups"), 1);
    cleanup_step_into(&fixture, cleanup, "events", 1);
    assert_int_equal(number("SELECT count(*) FROM audit_events"), 6);
    assert_int_equal(number("SELECT events_deleted * 100 + batches FROM audit_cleanups"), 401);
    struct cleanup_work work = cleanup_run_out(&fixture, cleanup, NULL);
    assert_int_equal(work.events, 4); /* The other half. */
    assert_int_equal(number("SELECT min(seq) FROM audit_events"), 9);
    assert_int_equal(number("SELECT events_deleted * 100 + batches FROM audit_cleanups"), 802);
    assert_int_equal(number("SELECT finished_at IS NOT NULL AND duration = 7 FROM audit_cleanups"), 1);
}

static void while_it_goes_on_nobody_else_begins(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(9);
    request.interval_us = 1;
    struct store_cleanup *cleanup = cleanup_claim(&fixture, &request);
    request.now_us += CLEANUP_QUIET_US - 1;
    assert_int_equal(ask(&request), CLEANUP_NOT_DUE);
    assert_int_equal(number("SELECT count(*) FROM audit_cleanups"), 1);
    store_cleanup_free(cleanup);
}

static void a_run_whose_place_was_taken_stops_and_deletes_nothing_more(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(9);
    struct cleanup_step          step;
    request.rows_max = 2;
    struct store_cleanup *slow = cleanup_claim(&fixture, &request);
    cleanup_step_into(&fixture, slow, "events", 1);
    struct store_cleanup *other = cleanup_claim(&fixture, &request); /* It was asked for: no interval. */

    assert_int_equal(store_cleanup_step(fixture.store, slow, 1, &step, NULL), TRAIL_OK);
    assert_true(step.finished && step.superseded);
    assert_int_equal(step.work.events, 0);
    assert_int_equal(number("SELECT count(*) FROM audit_events"), 8);
    assert_int_equal(store_cleanup_end(fixture.store, slow, FIXTURE_TIME_US, 1, NULL), TRAIL_OK);
    store_cleanup_free(slow);
    assert_int_equal(cleanup_run_out(&fixture, other, NULL).events, 6);
    assert_int_equal(number("SELECT group_concat(events_deleted, '') FROM audit_cleanups"), 26);
}

static void a_run_outlives_its_connection(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(9);
    request.rows_max = 3;
    struct store_cleanup *cleanup = cleanup_claim(&fixture, &request);
    cleanup_step_into(&fixture, cleanup, "events", 2);
    fixture_disconnect(&fixture);
    fixture_connect(&fixture);
    assert_int_equal(cleanup_run_out(&fixture, cleanup, NULL).events, 2);
    assert_int_equal(number("SELECT events_deleted FROM audit_cleanups"), 8);
}

/* As fork() and a stop do it. */
static void an_interrupt_rolls_the_step_back_and_it_can_be_done_again(void **state)
{
    (void)state;
    bool                            interrupted = false;
    const struct store_open_options options = { .wait_ms = 50, .interrupted = &interrupted };
    struct event_record             events[500];
    struct cleanup_step             step;
    struct store_cleanup_request    request = cleanup_request(10000);

    for (uint64_t i = 0; i < 500; i++)
        events[i] = fixture_event(i + 11);
    assert_int_equal(fixture_write(&fixture, events, 500), TRAIL_OK);
    fixture_disconnect(&fixture);
    assert_int_equal(store_open_with(&fixture.store, fixture.url, &options, NULL), TRAIL_OK);

    struct store_cleanup *cleanup = cleanup_claim(&fixture, &request);
    interrupted = true;
    assert_int_equal(store_cleanup_step(fixture.store, cleanup, 1, &step, NULL), TRAIL_EAWAY);
    assert_int_equal(number("SELECT count(*) FROM audit_events"), 510);
    interrupted = false;
    assert_int_equal(cleanup_run_out(&fixture, cleanup, NULL).events, 510);
}

static void a_locked_store_is_left_alone_and_tried_again(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(9);
    struct cleanup_step          step;
    struct store_cleanup        *cleanup = cleanup_claim(&fixture, &request);
    sqlite3                     *lock = NULL;
    assert_int_equal(sqlite3_open(fixture.path, &lock), SQLITE_OK);
    assert_int_equal(sqlite3_exec(lock, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_cleanup_step(fixture.store, cleanup, 1, &step, NULL), TRAIL_EAWAY);
    sqlite3_close(lock);
    assert_int_equal(cleanup_run_out(&fixture, cleanup, NULL).events, 8);
}

static void a_refusal_is_on_record_once_and_stays(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(9);
    request.interval_us = 1;
    request.now_us = FIXTURE_TIME_US - INT64_C(3600) * 1000000; /* Before the events were stored. */
    assert_int_equal(ask(&request), CLEANUP_REFUSED);
    request.now_us = FIXTURE_TIME_US + INT64_C(3600) * 1000000;
    assert_int_equal(ask(&request), CLEANUP_STILL_REFUSED);
    assert_int_equal(number("SELECT count(*) FROM audit_cleanups WHERE refused LIKE 'the clock says %'"), 1);
    assert_int_equal(number("SELECT count(*) FROM audit_events"), 10);
    request.accept_clock = true;
    assert_int_equal(cleanup_all(&fixture, &request).events, 8);
    request.accept_clock = false;
    request.now_us += 10;
    assert_int_equal(ask(&request), CLEANUP_CLAIMED);
}

static void old_runs_are_forgotten_but_not_how_much_they_deleted(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(9);
    request.accept_clock = true; /* These runs are said to be of 1970. */
    fixture_execute(&fixture,
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700) INSERT INTO "
                    "audit_cleanups (started_at, finished_at, cut_off, events_deleted) SELECT i, i, i, i FROM n");
    assert_int_equal(cleanup_all(&fixture, &request).events, 8);
    assert_int_equal(number("SELECT count(*) FROM audit_cleanups"), 500);
    assert_int_equal(number("SELECT max(id) FROM audit_cleanups"), 701);
    assert_int_equal(number("SELECT sum(events_deleted) FROM audit_cleanups"), 700 * 701 / 2 + 8);
    assert_int_equal(number("SELECT events_deleted FROM audit_cleanups WHERE id = 202"), 202 * 203 / 2);
    assert_int_equal(number("SELECT events_deleted FROM audit_cleanups WHERE id = 203"), 203);

    /* The oldest goes in its turn. */
    assert_int_equal(cleanup_all(&fixture, &request).events, 0);
    assert_int_equal(number("SELECT min(id) FROM audit_cleanups"), 203);
    assert_int_equal(number("SELECT events_deleted FROM audit_cleanups WHERE id = 203"), 203 * 204 / 2);
    assert_int_equal(number("SELECT sum(events_deleted) FROM audit_cleanups"), 700 * 701 / 2 + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_deletes_in_batches_and_its_row_says_so, make, stop),
        cmocka_unit_test_setup_teardown(while_it_goes_on_nobody_else_begins, make, stop),
        cmocka_unit_test_setup_teardown(a_run_whose_place_was_taken_stops_and_deletes_nothing_more, make, stop),
        cmocka_unit_test_setup_teardown(a_run_outlives_its_connection, make, stop),
        cmocka_unit_test_setup_teardown(an_interrupt_rolls_the_step_back_and_it_can_be_done_again, make, stop),
        cmocka_unit_test_setup_teardown(a_locked_store_is_left_alone_and_tried_again, make, stop),
        cmocka_unit_test_setup_teardown(a_refusal_is_on_record_once_and_stays, make, stop),
        cmocka_unit_test_setup_teardown(old_runs_are_forgotten_but_not_how_much_they_deleted, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
