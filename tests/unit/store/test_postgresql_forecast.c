/* test_postgresql_forecast.c -- what a clean-up would remove is what it then removes.
 *
 * Goal:   every number of the forecast is that of the run that follows; nothing changes; nothing that keep_days holds
 *         back is forecast.
 * Method: one of each kind, forecast, run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/postgresql_cleaning.h"

static struct cleaning cleaning;

static int make(void **state)
{
    (void)state;
    cleaning_open(&cleaning);
    cleaning_write(&cleaning, 20, 5, "old");
    cleaning_write(&cleaning, 19, 5, "old");
    cleaning_write(&cleaning, 200, 2, "stray");
    cleaning_write(&cleaning, 3, 5, "fresh");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cleaning_close(&cleaning);
    return 0;
}

static struct cleanup_forecast forecast(int days)
{
    struct cleanup_forecast numbers;
    struct trail_error      error = { 0 };
    int64_t                 cut_off_us = cleaning_request(days).cut_off_us;
    if (store_cleanup_forecast(cleaning.writer.store, cut_off_us, TRAIL_TEXT("host"), &numbers, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    return numbers;
}

static void it_says_what_the_run_removes(void **state)
{
    (void)state;
    struct cleanup_forecast said = forecast(10);
    assert_int_equal(said.work.events, 12);
    assert_int_equal(said.work.partitions, 2);
    assert_int_equal(said.work.references, 6);
    assert_true(said.oldest_us > 0 && said.oldest_us < said.newest_us);
    assert_int_equal(database_number(&cleaning.database, "SELECT count(*) FROM audit_trail"), 17);

    struct cleanup_work done = cleaning_all(cleaning.writer.store, 10);
    assert_int_equal(done.events, said.work.events);
    assert_int_equal(done.partitions, said.work.partitions);
    assert_int_equal(done.references, said.work.references);
    assert_int_equal(done.ledger_rows, said.work.ledger_rows);
    assert_int_equal(done.writers, said.work.writers);
    struct cleanup_forecast nothing = forecast(10);
    assert_int_equal(nothing.work.events + nothing.work.partitions + nothing.work.references, 0);
    assert_int_equal(nothing.oldest_us, 0);
}

static void what_keep_days_holds_back_is_not_forecast(void **state)
{
    (void)state;
    database_execute(&cleaning.database, "UPDATE audit_store SET keep_days = 90");
    struct cleanup_forecast said = forecast(10);
    assert_int_equal(said.work.events, 2);
    assert_int_equal(said.work.partitions, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_says_what_the_run_removes, make, stop),
        cmocka_unit_test_setup_teardown(what_keep_days_holds_back_is_not_forecast, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
