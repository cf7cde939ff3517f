/* test_sqlite_forecast.c -- what a clean-up would remove is what it then removes.
 *
 * Goal:   the same numbers, nothing changed, through a connection that cannot write.
 * Method: a forecast, a look, a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "store/cleanup_fixture.h"

static struct fixture fixture;

static int make(void **state)
{
    (void)state;
    fixture_open(&fixture);
    for (uint64_t seq = 1; seq <= 20; seq++) {
        struct event_record event = fixture_event(seq);
        event.event.user_id = seq < 10 ? TRAIL_TEXT("old") : TRAIL_TEXT("new");
        event.event.action = seq < 15 ? TRAIL_TEXT("create_old") : TRAIL_TEXT("create_new");
        event.event.request_path = seq < 10 ? TRAIL_TEXT("/old") : TRAIL_TEXT("");
        assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    }
    fixture_execute(&fixture, "INSERT INTO audit_dead_letters VALUES (1, 99, 1767225600000000, 'no', '{}')");
    fixture_execute(&fixture,
                    "INSERT INTO audit_writers (uuid, id_hash, last_seq, host, started_at) VALUES "
                    "(zeroblob(16), 0, 0, 'host', 0), (x'00000000000000000000000000000001', 0, 0, 'elsewhere', 0)");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static struct cleanup_forecast look(int64_t cut_off_s)
{
    struct store           *reader = NULL;
    struct cleanup_forecast forecast;
    assert_int_equal(store_open_reader(&reader, fixture.url, NULL), TRAIL_OK);
    assert_int_equal(store_cleanup_forecast(reader, CUT_OFF(cut_off_s), TRAIL_TEXT("host"), &forecast, NULL), TRAIL_OK);
    store_close(reader);
    return forecast;
}

static void it_says_what_then_happens(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(17);
    struct cleanup_forecast            forecast = look(17);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 20);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_cleanups"), 0);
    assert_int_equal(forecast.oldest_us, CUT_OFF(1));
    assert_int_equal(forecast.newest_us, CUT_OFF(16));

    struct cleanup_work work = cleanup_all(&fixture, &request);
    assert_int_equal(forecast.work.events, work.events);
    assert_int_equal(forecast.work.references, work.references);
    assert_int_equal(forecast.work.ledger_rows, work.ledger_rows);
    assert_int_equal(forecast.work.dead_letters, work.dead_letters);
    assert_int_equal(forecast.work.writers, work.writers);
    assert_int_equal(work.events, 16);
    assert_int_equal(work.references, 3); /* The actor, the action, the route. */
    assert_int_equal(work.ledger_rows, 16);
    assert_int_equal(work.dead_letters, 1);
    assert_int_equal(work.writers, 1);
}

static void with_nothing_too_old_it_names_no_time(void **state)
{
    (void)state;
    struct cleanup_forecast forecast = look(0);
    assert_int_equal(forecast.work.events + forecast.work.references + forecast.work.ledger_rows, 0);
    assert_int_equal(forecast.oldest_us, 0);
    assert_int_equal(forecast.newest_us, 0);
    assert_string_equal(forecast.refused, "");
}

static void it_says_that_the_last_run_was_refused(void **state)
{
    (void)state;
    fixture_execute(&fixture, "INSERT INTO audit_cleanups (started_at, cut_off, refused) VALUES (1, 1, 'the clock')");
    assert_string_equal(look(17).refused, "the clock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_says_what_then_happens, make, stop),
        cmocka_unit_test_setup_teardown(with_nothing_too_old_it_names_no_time, make, stop),
        cmocka_unit_test_setup_teardown(it_says_that_the_last_run_was_refused, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
