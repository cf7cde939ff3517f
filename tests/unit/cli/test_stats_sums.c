/* test_stats_sums.c -- the sums over a survey's writers.
 *
 * Goal:   offered = recorded + reasons, recorded = stored + waiting + dead-lettered; departed writers belong to it,
 *         other stores do not; averages and sizes are told only when they can be known.
 * Method: the survey of stats_fixture.c, and changes to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "unit/cli/stats_fixture.h"

static struct stats_fixture fixture;

static int make(void **state)
{
    (void)state;
    stats_fixture_make(&fixture);
    return 0;
}

static void an_account_adds_up(void **state)
{
    (void)state;
    const struct survey_account account = { 1, 20, 300, 4000, 50000, 600000, 7000000, 80000000 };
    assert_int_equal(stats_recorded(&account), 321);
    assert_int_equal(stats_offered(&account), 87654321);
}

static void every_writer_of_this_store_is_added_and_no_other(void **state)
{
    (void)state;
    struct stats_sums sums = stats_sums_of(&fixture.survey);
    assert_int_equal(sums.all.stored, 1 + 1000 + 500 + 30000);
    assert_int_equal(sums.all.waiting, 22);
    assert_int_equal(sums.all.level, 94);
    assert_int_equal(sums.all.excluded, 6);
    assert_int_equal(sums.operations[TRAIL_OPERATION_CREATE].stored, 31500);
    assert_int_equal(sums.operations[TRAIL_OPERATION_READ].level, 90);
    assert_int_equal(sums.operations[TRAIL_OPERATION_DELETE].waiting, 0);
    assert_int_equal(sums.waiting_bytes, 21 * 1024);
    assert_int_equal(sums.oldest_waiting_us, 40000000);
    assert_int_equal(sums.spool_bytes, 40 * 1024 * 1024);
}

static void each_writer_is_counted_once(void **state)
{
    (void)state;
    fixture.writers[3].operations[TRAIL_OPERATION_DELETE].waiting = 3;
    struct stats_sums sums = stats_sums_of(&fixture.survey);
    assert_int_equal(sums.alive, 1);
    assert_int_equal(sums.gone, 1);
    assert_int_equal(sums.orphaned, 1);
    assert_int_equal(sums.foreign, 2);
    assert_int_equal(sums.foreign_orphaned, 1);
    assert_int_equal(sums.foreign_waiting, 10);
}

static void refusals_are_those_of_the_living_or_else_of_the_last(void **state)
{
    (void)state;
    struct stats_refusals refusals = stats_sums_of(&fixture.survey).refusals;
    assert_int_equal(refusals.living, 1);
    assert_int_equal(refusals.account.level, 4);
    assert_int_equal(refusals.account.excluded, 5);

    fixture.writers[0].alive = false;
    fixture.writers[2].operations[TRAIL_OPERATION_READ].level = 33;
    refusals = stats_sums_of(&fixture.survey).refusals;
    assert_int_equal(refusals.living, 0);
    assert_ptr_equal(refusals.last, &fixture.writers[2]); /* Foreign ones started then as well. */
    assert_int_equal(refusals.account.level, 33);

    fixture.survey.writer_count = 0;
    assert_null(stats_sums_of(&fixture.survey).refusals.last);
}

static void what_is_kept_is_what_was_not_deleted(void **state)
{
    (void)state;
    assert_int_equal(stats_events_kept(&fixture.survey), 11501);
    fixture.survey.store.events_deleted = 40000;
    assert_int_equal(stats_events_kept(&fixture.survey), 0);
}

static void bytes_per_event_are_told_of_many_events_only(void **state)
{
    (void)state;
    assert_int_equal(stats_bytes_per_event(&fixture.survey), 12 * 1024 * 1024 / 11501);
    fixture.survey.store.events_deleted = 21501;
    assert_int_not_equal(stats_bytes_per_event(&fixture.survey), 0);
    fixture.survey.store.events_deleted = 21502;
    assert_int_equal(stats_bytes_per_event(&fixture.survey), 0);
}

static void rows_per_day_are_an_average_over_the_days_that_were_seen(void **state)
{
    (void)state;
    struct survey_store *store = &fixture.survey.store;
    assert_int_equal(stats_rows_per_day(&fixture.survey), 1500); /* 10,501 in 7 days. */
    store->ledger_since_us = FIXTURE_NOW_US - 2 * SURVEY_DAY_US;
    assert_int_equal(stats_rows_per_day(&fixture.survey), 5251);
    store->ledger_since_us = FIXTURE_NOW_US - SURVEY_DAY_US + 1;
    assert_int_equal(stats_rows_per_day(&fixture.survey), 0);
    store->ledger_since_us = 0;
    assert_int_equal(stats_rows_per_day(&fixture.survey), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_adds_up),
        cmocka_unit_test_setup(every_writer_of_this_store_is_added_and_no_other, make),
        cmocka_unit_test_setup(each_writer_is_counted_once, make),
        cmocka_unit_test_setup(refusals_are_those_of_the_living_or_else_of_the_last, make),
        cmocka_unit_test_setup(what_is_kept_is_what_was_not_deleted, make),
        cmocka_unit_test_setup(bytes_per_event_are_told_of_many_events_only, make),
        cmocka_unit_test_setup(rows_per_day_are_an_average_over_the_days_that_were_seen, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
