/* test_sqlite_cleanup_rows.c -- exactly what is too old goes: events, dead letters, ledger rows, writers that are gone.
 *
 * Goal:   the boundary is exact, what hangs on an event goes with it, and whatever is still needed stays; the sums over
 *         all writers stay as they were.
 * Method: rows on both sides of each condition; then a run, and a look through another connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "store/cleanup_fixture.h"

static struct fixture fixture;
static struct uuid    living; /* The writer that lives. */

static int make(void **state)
{
    (void)state;
    fixture_open(&fixture);
    memset(&living, 0, sizeof living);
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

/* One batch: an event of each second from the first to the last. */
static void store_events(unsigned first, unsigned last)
{
    struct event_record events[100];
    for (unsigned i = 0; i <= last - first; i++) {
        events[i] = fixture_event(fixture.last_seq + 1 + i);
        events[i].event.timestamp_us = CUT_OFF(first + i);
        events[i].event.new_values = TRAIL_TEXT("{}");
    }
    assert_int_equal(fixture_write(&fixture, events, last - first + 1), TRAIL_OK);
}

static bool one_lives(void *context, const struct uuid *writer, int64_t pid)
{
    assert_ptr_equal(context, &living);
    assert_int_equal(pid, 1);
    return uuid_equal(writer, &living);
}

static void events_before_the_cut_off_go_with_their_values(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(5);
    store_events(1, 10);
    struct cleanup_work work = cleanup_all(&fixture, &request);
    assert_int_equal(work.events, 4);
    assert_int_equal(work.batches, 1);
    assert_int_equal(number("SELECT min(seq) * 100 + count(*) FROM audit_events"), 506); /* The fifth is at it. */
    assert_int_equal(number("SELECT count(*) FROM audit_payloads"), 6);
    assert_int_equal(number("SELECT count(*) FROM audit_payloads WHERE event IN (SELECT id FROM audit_events)"), 6);
}

static void with_nothing_too_old_nothing_goes(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(0);
    store_events(1, 10);
    unsigned                  steps = 0;
    struct cleanup_work       work = cleanup_run_out(&fixture, cleanup_claim(&fixture, &request), &steps);
    const struct cleanup_work nothing = { 0 };
    assert_memory_equal(&work, &nothing, sizeof work);
    assert_int_equal(number("SELECT count(*) FROM audit_events"), 10);
}

static void dead_letters_go_by_when_they_were_stored(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(5);
    request.rows_max = 2;
    store_events(1, 1);
    fixture_execute(&fixture, "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 9) "
                              "INSERT INTO audit_dead_letters SELECT 1, i, 1767225600000000 + i * 1000000, 'no', '{}' "
                              "FROM n ORDER BY i % 3");
    assert_int_equal(cleanup_all(&fixture, &request).dead_letters, 3);
    assert_int_equal(number("SELECT min(seq) FROM audit_dead_letters"), 5);
}

static void ledger_rows_go_when_their_events_are_gone_but_for_a_writers_newest(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(20);
    request.context = &living;
    request.may_live = one_lives;
    living = fixture.writer.uuid;
    store_events(1, 3);
    store_events(4, 6);
    store_events(30, 31); /* Its events are younger than the cut-off. */
    store_events(9, 9);   /* The writer's newest. */
    struct cleanup_work work = cleanup_all(&fixture, &request);
    assert_int_equal(work.ledger_rows, 2);
    assert_int_equal(number("SELECT group_concat(last_seq, '') FROM audit_batches"), 89);

    /* Recorded after the cut-off, though all its events are older. */
    fixture_execute(&fixture, "UPDATE audit_batches SET recorded_at = recorded_at + 86400000000");
    store_events(10, 11);
    request.cut_off_us = CUT_OFF(3600);
    assert_int_equal(cleanup_all(&fixture, &request).ledger_rows, 0);
}

/* A writer of 2025 with two batches and some accounts. */
static void add_dead_writer(int id, const char *host)
{
    char sql[900];
    snprintf(sql, sizeof sql,
             "INSERT INTO audit_writers (id, uuid, id_hash, last_seq, host, pid, started_at) "
             "VALUES (%d, x'000000000000000000000000000000%02x', 0, 9, '%s', 1, 1700000000000000);"
             "INSERT INTO audit_batches (writer, first_seq, last_seq, event_count, min_timestamp, max_timestamp, "
             "recorded_at) VALUES (%d, 1, 5, 5, 1, 5, 1700000000000000), (%d, 6, 9, 4, 6, 9, 1700000000000000);"
             "INSERT INTO audit_accounting VALUES (%d, 0, 1, 0, 0, 0, 0, 0, 0), (%d, 1, 8, 7, 6, 5, 4, 3, 2)",
             id, (unsigned)id, host, id, id, id, id);
    fixture_execute(&fixture, sql);
}

static void writers_that_are_gone_go_and_what_they_counted_stays(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(3600);
    request.context = &living;
    request.may_live = one_lives;
    living = fixture.writer.uuid;
    store_events(1, 2);
    add_dead_writer(10, "host");
    add_dead_writer(11, "host");
    const char *const sums = "SELECT sum(stored) || sum(dead_lettered) || sum(level) || sum(excluded) || "
                             "sum(sampled) || sum(rejected) || sum(dropped) FROM audit_accounting";
    int64_t           before = number(sums);

    struct cleanup_work work = cleanup_all(&fixture, &request);
    assert_int_equal(work.writers, 2);
    assert_int_equal(number("SELECT count(*) FROM audit_writers"), 1); /* Ours: it lives. */
    assert_int_equal(number("SELECT last_seq FROM audit_writers"), 2);
    assert_int_equal(number("SELECT count(*) FROM audit_batches WHERE writer >= 10"), 0);
    assert_int_equal(number("SELECT count(*) FROM audit_accounting WHERE writer >= 10"), 0);
    assert_int_equal(number(sums), before);
    assert_int_equal(number("SELECT stored * 100 + level FROM audit_accounting WHERE writer = 0 AND operation = 1"),
                     1612);

    /* Once more, into a bucket that is there already. */
    add_dead_writer(12, "host");
    assert_int_equal(cleanup_all(&fixture, &request).writers, 1);
    assert_int_equal(number("SELECT stored * 100 + level FROM audit_accounting WHERE writer = 0 AND operation = 1"),
                     2418);
}

/* Another host's spools cannot be seen from here, and a process without one is nobody's. */
static void writers_that_may_be_needed_stay(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(3600);
    const char *const                  reasons[] = {
                         "UPDATE audit_writers SET host = 'elsewhere' WHERE id = 10",
                         "UPDATE audit_writers SET host = NULL WHERE id = 10",
                         "UPDATE audit_writers SET started_at = 1767312000000000 WHERE id = 10",
                         "UPDATE audit_batches SET recorded_at = 1767312000000000 WHERE writer = 10 AND last_seq = 9",
                         "UPDATE audit_batches SET max_timestamp = 1767312000000000 WHERE writer = 10 AND last_seq = 9",
                         "INSERT INTO audit_dead_letters VALUES (10, 7, 1767312000000000, 'no', '{}')",
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        add_dead_writer(10, "host");
        fixture_execute(&fixture, reasons[i]);
        assert_int_equal(cleanup_all(&fixture, &request).writers, i == 0 ? 1 : 0); /* The fixture's own, once. */
        assert_int_equal(number("SELECT count(*) FROM audit_writers WHERE id = 10"), 1);
        fixture_execute(&fixture, "DELETE FROM audit_writers; DELETE FROM audit_batches; DELETE FROM "
                                  "audit_dead_letters; DELETE FROM audit_accounting");
    }
    add_dead_writer(10, "host"); /* The control. */
    assert_int_equal(cleanup_all(&fixture, &request).writers, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_before_the_cut_off_go_with_their_values, make, stop),
        cmocka_unit_test_setup_teardown(with_nothing_too_old_nothing_goes, make, stop),
        cmocka_unit_test_setup_teardown(dead_letters_go_by_when_they_were_stored, make, stop),
        cmocka_unit_test_setup_teardown(ledger_rows_go_when_their_events_are_gone_but_for_a_writers_newest, make, stop),
        cmocka_unit_test_setup_teardown(writers_that_are_gone_go_and_what_they_counted_stays, make, stop),
        cmocka_unit_test_setup_teardown(writers_that_may_be_needed_stay, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
