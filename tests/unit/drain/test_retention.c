/* test_retention.c -- the engine of the clean-up: when it looks, how it goes on, what it tells.
 *
 * Goal:   a process looks a minute after its start and then as often as the store says; it leaves the store alone for
 *         as long as a step took; what fails is tried again, later each time; a refusal is told once; a writer whose
 *         spool is there is kept.
 * Method: a real SQLite store, a clock turned by hand (or one that moves by itself with every look), a lock held by
 *         another connection.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drain/retention.h"
#include "store/fixture.h"
#include "support/manual_clock.h"

#define S INT64_C(1000000)
#define HOUR (3600 * S)
#define DAY (24 * HOUR)

static struct fixture           fixture;
static struct manual_clock      manual;
static struct settings          settings;
static struct retention_options options;
static struct retention         retention;
static struct retention_report  report;
static struct trail_error       error;
static unsigned                 notices;
static char                     last_notice[256];

static void on_notice(void *context, const struct trail_error *notice)
{
    (void)context;
    notices++;
    snprintf(last_notice, sizeof last_notice, "%s", notice->message);
}

/* Twenty events of 2026-01-01; it is November. */
static int make(void **state)
{
    (void)state;
    struct event_record events[20];
    static char         service[] = "test";
    fixture_open(&fixture);
    for (uint64_t i = 0; i < 20; i++)
        events[i] = fixture_event(i + 1);
    assert_int_equal(fixture_write(&fixture, events, 20), TRAIL_OK);
    manual_clock_init(&manual);
    settings = (struct settings){
        .retention_days = 90,
        .cleanup_enabled = true,
        .cleanup_batch_size = 8,
        .cleanup_interval_s = 3600,
        .service = service,
        .spool_dir = fixture.folder,
    };
    options = (struct retention_options){ .settings = &settings, .clock = &manual.clock, .on_notice = on_notice };
    notices = 0;
    last_notice[0] = '\0';
    error = (struct trail_error){ 0 };
    return 0;
}

static int stop(void **state)
{
    (void)state;
    retention_done(&retention);
    fixture_close(&fixture);
    return 0;
}

static enum retention_result step(void)
{
    return retention_step(&retention, fixture.store, &report, &error);
}

/* Until the run is over; how many steps that took. */
static unsigned run_out(enum retention_result expected)
{
    unsigned              steps = 0;
    enum retention_result result = RETENTION_WORKING;
    while (result == RETENTION_WORKING) {
        assert_true(++steps < 100);
        result = step();
    }
    assert_int_equal(result, expected);
    return steps;
}

static void the_first_look_comes_after_a_minute_and_not_for_all_at_once(void **state)
{
    (void)state;
    int64_t last = 0;
    for (uint32_t spread = 0; spread < 1024; spread += 255) {
        options.spread = spread;
        retention_init(&retention, &options);
        int64_t wait_us = retention_wait_us(&retention);
        assert_true(wait_us >= 60 * S && wait_us <= 68 * S);
        assert_true(spread == 0 || wait_us > last);
        last = wait_us;
    }
    settings.cleanup_interval_s = 2; /* More often than that is asked for. */
    options.spread = 0;
    retention_init(&retention, &options);
    assert_int_equal(retention_wait_us(&retention), 2 * S);
    manual_clock_advance(&manual, 2 * S);
    assert_int_equal(retention_wait_us(&retention), 0);
    options.now = true;
    retention_init(&retention, &options);
    assert_int_equal(retention_wait_us(&retention), 0);
}

static void switched_off_it_never_looks(void **state)
{
    (void)state;
    settings.cleanup_enabled = false;
    retention_init(&retention, &options);
    manual_clock_advance(&manual, 400 * DAY);
    assert_true(retention_wait_us(&retention) == INT64_MAX);
}

static void a_run_deletes_reports_and_comes_again_after_the_interval(void **state)
{
    (void)state;
    struct retention_numbers numbers;
    retention_init(&retention, &options);
    assert_true(run_out(RETENTION_FINISHED) > 3);
    assert_int_equal(report.work.events, 20);
    assert_int_equal(report.work.batches, 3);
    assert_int_equal(report.days, 90);
    assert_int_equal(report.cut_off_us, MANUAL_CLOCK_START_US - 90 * DAY);
    assert_true(retention_is_worth_a_record(&report));
    assert_int_equal(retention_wait_us(&retention), HOUR);
    assert_int_equal(fixture_number(&fixture, "SELECT service = 'test' FROM audit_cleanups"), 1);

    retention_read_numbers(&retention, &numbers);
    assert_int_equal(numbers.runs * 1000 + numbers.deleted * 10 + numbers.batches, 1203);
    assert_int_equal(numbers.last_us, MANUAL_CLOCK_START_US);

    manual_clock_advance(&manual, HOUR);
    run_out(RETENTION_FINISHED);
    assert_false(retention_is_worth_a_record(&report)); /* An hour in which nothing became too old. */
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_cleanups"), 2);
    assert_int_equal(notices, 0);
}

static void another_process_that_did_it_is_enough(void **state)
{
    (void)state;
    struct retention other;
    retention_init(&retention, &options);
    run_out(RETENTION_FINISHED);
    manual_clock_advance(&manual, 600 * S);
    retention_init(&other, &options);
    manual_clock_advance(&manual, 60 * S);
    assert_int_equal(retention_step(&other, fixture.store, &report, &error), RETENTION_IDLE);
    assert_int_equal(retention_wait_us(&other), HOUR - 660 * S); /* When it is due, and not an hour from now. */
    retention_done(&other);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_cleanups"), 1);
}

/* A clock by which each look takes 10 ms. */
static int64_t slow_mono(void *context)
{
    *(int64_t *)context += 10000;
    return *(int64_t *)context;
}

static int64_t slow_wall(void *context)
{
    (void)context;
    return MANUAL_CLOCK_START_US;
}

static void it_leaves_the_store_alone_for_as_long_as_the_step_took(void **state)
{
    (void)state;
    int64_t            now_us = S;
    const struct clock slow = { slow_wall, slow_mono, &now_us, NULL };
    options.clock = &slow;
    options.now = true;
    retention_init(&retention, &options);
    assert_int_equal(step(), RETENTION_WORKING); /* The claim. */
    int64_t before_us = now_us;
    assert_int_equal(step(), RETENTION_WORKING); /* Eight events. */
    int64_t took_us = now_us - before_us;
    assert_int_equal(retention.next_us - now_us, took_us - 10000); /* Less the look at its beginning. */
    assert_true(took_us >= 20000);
}

static void what_fails_is_tried_again_later_each_time_and_told_once(void **state)
{
    (void)state;
    sqlite3 *lock = NULL;
    retention_init(&retention, &options);
    assert_int_equal(step(), RETENTION_WORKING);
    assert_int_equal(sqlite3_open(fixture.path, &lock), SQLITE_OK);
    assert_int_equal(sqlite3_exec(lock, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(step(), RETENTION_FAILED);
        assert_int_equal(error.code, TRAIL_EAWAY);
        assert_int_equal(retention_wait_us(&retention), S << (i < 6 ? i : 6));
        assert_int_equal(notices, i < 2 ? 0 : 1); /* A lock that is held for a moment is no news. */
    }
    assert_non_null(strstr(last_notice, "the clean-up fails and is tried again: "));
    sqlite3_close(lock);
    fixture_disconnect(&fixture); /* As its owner does after a failure. */
    fixture_connect(&fixture);
    run_out(RETENTION_FINISHED);
    assert_int_equal(report.work.events, 20); /* Each once. */
    assert_int_equal(retention.failures, 0);
}

static void a_clock_that_jumped_is_told_once_until_it_is_accepted(void **state)
{
    (void)state;
    struct retention_numbers numbers;
    retention_init(&retention, &options);
    settings.retention_days = 3650;
    run_out(RETENTION_FINISHED);
    manual_clock_advance(&manual, HOUR);
    manual_clock_step_wall(&manual, 3650 * DAY);
    assert_int_equal(step(), RETENTION_REFUSED);
    assert_non_null(strstr(report.refused, "the clock says 2036-"));
    assert_true(retention_is_worth_a_record(&report));
    assert_int_equal(notices, 1);
    assert_non_null(strstr(last_notice, "--accept-clock"));
    assert_int_equal(retention_wait_us(&retention), HOUR);

    manual_clock_advance(&manual, HOUR);
    assert_int_equal(step(), RETENTION_HELD);
    assert_int_equal(notices, 1);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 20);
    retention_read_numbers(&retention, &numbers);
    assert_int_equal(numbers.refused, 1);

    struct retention command;
    options.accept_clock = options.now = true;
    retention_init(&command, &options);
    enum retention_result result = RETENTION_WORKING;
    while (result == RETENTION_WORKING)
        result = retention_step(&command, fixture.store, &report, &error);
    assert_int_equal(result, RETENTION_FINISHED);
    retention_done(&command);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 0);

    /* The run that was accepted is now what others go by. */
    manual_clock_advance(&manual, HOUR);
    assert_int_equal(step(), RETENTION_WORKING);
}

static void a_writer_is_kept_for_its_spool(void **state)
{
    (void)state;
    char path[256];
    char name[UUID_TEXT_SIZE];
    char host[OS_HOST_SIZE];
    char sql[256];
    os_host_name(host);
    snprintf(sql, sizeof sql, "UPDATE audit_writers SET host = '%s', pid = %d", host, (int)getpid());
    fixture_execute(&fixture, sql); /* A number that is ours now. */
    uuid_format(&fixture.writer.uuid, name);
    snprintf(path, sizeof path, "%s/%s", fixture.folder, name);
    assert_int_equal(mkdir(path, 0700), 0);
    options.now = true;
    retention_init(&retention, &options);
    run_out(RETENTION_FINISHED);
    assert_int_equal(report.work.writers, 0);
    assert_int_equal(rmdir(path), 0);

    settings.spool_dir = path; /* A spool directory that is not there says nothing about anybody. */
    run_out(RETENTION_FINISHED);
    assert_int_equal(report.work.writers, 0);

    settings.spool_dir = fixture.folder;
    snprintf(sql, sizeof sql, "UPDATE audit_writers SET pid = %d", (int)getppid());
    fixture_execute(&fixture, sql); /* It lives, and its spool may be elsewhere. */
    run_out(RETENTION_FINISHED);
    assert_int_equal(report.work.writers, 0);

    snprintf(sql, sizeof sql, "UPDATE audit_writers SET pid = %d", (int)getpid());
    fixture_execute(&fixture, sql);
    run_out(RETENTION_FINISHED);
    assert_int_equal(report.work.writers, 1);
}

static void the_record_says_what_was_done_and_why_not(void **state)
{
    (void)state;
    struct buf                    text;
    const struct retention_report done = {
        .work = { .events = 5,
                  .batches = 4,
                  .partitions = 3,
                  .dead_letters = 2,
                  .references = 1,
                  .ledger_rows = 6,
                  .writers = 7 },
        .cut_off_us = MANUAL_CLOCK_START_US,
        .days = 90,
        .duration_us = 1234567,
    };
    retention_init(&retention, &options);
    buf_init(&text, NULL, 0);
    retention_describe(&done, &text);
    buf_append(&text, "", 1);
    assert_string_equal(text.data, "{\"deleted\":5,\"batches\":4,\"partitions\":3,\"dead_letters\":2,\"references\":1,"
                                   "\"ledger_rows\":6,\"writers\":7,\"duration_ms\":1234,"
                                   "\"cut_off\":\"2026-11-24T06:00:00.000000Z\",\"days\":90}");
    const struct retention_report refused = { .refused = "the \"clock\"" };
    buf_clear(&text);
    retention_describe(&refused, &text);
    buf_append(&text, "", 1);
    assert_non_null(strstr(text.data, "\"refused\":\"the \\\"clock\\\"\"}"));
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_look_comes_after_a_minute_and_not_for_all_at_once, make, stop),
        cmocka_unit_test_setup_teardown(switched_off_it_never_looks, make, stop),
        cmocka_unit_test_setup_teardown(a_run_deletes_reports_and_comes_again_after_the_interval, make, stop),
        cmocka_unit_test_setup_teardown(another_process_that_did_it_is_enough, make, stop),
        cmocka_unit_test_setup_teardown(it_leaves_the_store_alone_for_as_long_as_the_step_took, make, stop),
        cmocka_unit_test_setup_teardown(what_fails_is_tried_again_later_each_time_and_told_once, make, stop),
        cmocka_unit_test_setup_teardown(a_clock_that_jumped_is_told_once_until_it_is_accepted, make, stop),
        cmocka_unit_test_setup_teardown(a_writer_is_kept_for_its_spool, make, stop),
        cmocka_unit_test_setup_teardown(the_record_says_what_was_done_and_why_not, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
