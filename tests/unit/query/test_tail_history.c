/* test_tail_history.c -- the newest events of spools and store together, and where a tail begins behind them.
 *
 * Goal:   the newest of both, each once, by time; what a spool lacks is left for later only when there is a later; the
 *         first look shows nothing that the history showed, and everything it did not.
 * Method: as test_tail.c; what happens while the history is put together is made to happen between two SELECTs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/tail_bench.h"

static struct tail_bench bench;

/* Before the SELECT with this number (from 1), the writer appends its next event, and everything is stored. */
static int             strike_before;
static struct segment *struck;
static uint64_t        next_seq;

enum trail_err __real_store_run_query(struct store *store, const struct store_query *query,
                                      struct trail_error *ret_error);
enum trail_err __wrap_store_run_query(struct store *store, const struct store_query *query,
                                      struct trail_error *ret_error);
enum trail_err __real_store_select(struct store *store, const char *sql, const struct store_value *parameters,
                                   size_t count, store_row_fn on_row, void *context, struct trail_error *ret_error);
enum trail_err __wrap_store_select(struct store *store, const char *sql, const struct store_value *parameters,
                                   size_t count, store_row_fn on_row, void *context, struct trail_error *ret_error);

static void strike(void)
{
    if (strike_before > 0 && --strike_before == 0) {
        tail_bench_put(struck, next_seq, next_seq);
        tail_bench_store(&bench, 'a', bench.store.last_seq + 1, next_seq);
    }
}

enum trail_err __wrap_store_select(struct store *store, const char *sql, const struct store_value *parameters,
                                   size_t count, store_row_fn on_row, void *context, struct trail_error *ret_error)
{
    strike();
    return __real_store_select(store, sql, parameters, count, on_row, context, ret_error);
}

enum trail_err __wrap_store_run_query(struct store *store, const struct store_query *query,
                                      struct trail_error *ret_error)
{
    strike();
    return __real_store_run_query(store, query, ret_error);
}

static int make(void **state)
{
    (void)state;
    tail_bench_init(&bench);
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    tail_bench_done(&bench);
    return 0;
}

static void the_newest_of_spool_and_store(void **state)
{
    (void)state;
    struct segment *segment = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(segment, 1, 8); /* 1 to 4 are stored and not unlinked. */
    tail_bench_store(&bench, 'a', 1, 4);
    tail_bench_store(&bench, 'b', 1, 7);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 4, true), "b6 a7 b7 a8");
    assert_string_equal(tail_bench_look(&bench), "");
    tail_bench_put(segment, 9, 9);
    tail_bench_store(&bench, 'a', 5, 9);
    tail_bench_store(&bench, 'b', 8, 8);
    assert_string_equal(tail_bench_look(&bench), "b8 a9");
    segment_free(segment);
}

static void all_there_is_when_more_is_asked_for(void **state)
{
    (void)state;
    struct segment *segment = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(segment, 1, 5);
    tail_bench_store(&bench, 'a', 1, 3);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, TAIL_HISTORY_MAX, false), "a1 a2 a3 a4 a5");
    segment_free(segment);
}

static void a_long_spool_gives_its_newest(void **state)
{
    (void)state;
    struct segment *segment = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(segment, 1, 500);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 3, true), "away a498 a499 a500");
    assert_string_equal(tail_bench_look(&bench), "");
    segment_free(segment);
}

static void what_a_spool_lacks_waits_only_when_there_is_a_later(void **state)
{
    (void)state;
    struct segment *segment = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(segment, 1, 2);
    tail_bench_put_broken(segment, 3);
    tail_bench_put(segment, 6, 6);
    tail_bench_store(&bench, 'b', 1, 1);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 10, false), "a1 b1 a2 a6");
    tail_close(bench.tail);

    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 10, true), "a1 b1 a2");
    assert_string_equal(tail_bench_look(&bench), "a{3-3}");
    tail_bench_store(&bench, 'a', 1, 2);
    tail_bench_store_lost(&bench, 'a', 3, 3, "{\"last_seq\":3}");
    assert_string_equal(tail_bench_look(&bench), "a3 a{4-5}");
    tail_bench_store_lost(&bench, 'a', 4, 5, "{\"last_seq\":5}");
    assert_string_equal(tail_bench_look(&bench), "a4 a6");
    segment_free(segment);
}

static void a_filter_reaches_back_beyond_the_newest(void **state)
{
    (void)state;
    tail_bench_store(&bench, 'a', 1, 1000);
    bench.filter.until_us = FIXTURE_TIME_US + 4 * 1000000;
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 2, true), "a2 a3");
    tail_close(bench.tail);
    bench.filter = (struct trail_filter){ TRAIL_FILTER_INIT, .user_id = TRAIL_TEXT("alice"), .oldest_first = true };
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 2, true), "a999 a1000");
}

/* Whatever the moment at which an event is appended and stored, it is shown once: by the history or by a look. */
static void an_event_that_comes_meanwhile_is_shown_once(void **state)
{
    (void)state;
    static const struct {
        int         before;
        const char *history;
        const char *look;
    } cases[] = {
        { 0, "a1 a2 a3", "" },
        { 1, "a1 a2 a3 a4", "" }, /* Before the ledger is read: the store answers for it. */
        { 2, "a1 a2 a3 a4", "" }, /* Before the writers are. */
        { 3, "a1 a2 a3", "a4" },  /* Before the events are: it is behind what the writers' numbers said. */
    };
    struck = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(struck, 1, 3);
    tail_bench_store(&bench, 'a', 1, 2);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 10, true), cases[0].history);
    assert_string_equal(tail_bench_look(&bench), cases[0].look);
    for (size_t i = 1; i < sizeof cases / sizeof cases[0]; i++) {
        segment_free(struck);
        tail_bench_done(&bench);
        tail_bench_init(&bench);
        struck = tail_bench_segment(&bench, 'a', 1, 1);
        tail_bench_put(struck, 1, 3);
        tail_bench_store(&bench, 'a', 1, 2);
        tail_bench_open(&bench);
        next_seq = 4;
        strike_before = cases[i].before;
        assert_string_equal(tail_bench_start(&bench, 10, true), cases[i].history);
        assert_int_equal(strike_before, 0);
        assert_string_equal(tail_bench_look(&bench), cases[i].look);
        assert_string_equal(tail_bench_look(&bench), "");
        /* The same while a look goes on: the store has it, the spool shows it no second time. */
        next_seq = 5;
        strike_before = 1;
        assert_string_equal(tail_bench_look(&bench), "a5");
        assert_string_equal(tail_bench_look(&bench), "");
    }
    segment_free(struck);
}

static void what_goes_on_by_number_begins_by_number(void **state)
{
    (void)state;
    struct segment *a = tail_bench_segment(&bench, 'a', 1, 1);
    struct segment *b = tail_bench_segment(&bench, 'b', 1, 1);
    tail_bench_put(a, 1, 4);
    tail_bench_put_late(a, 5, 2); /* An import, or a clock that was set back. */
    tail_bench_put(a, 6, 6);
    tail_bench_put(b, 1, 6);
    tail_bench_store(&bench, 'z', 1, 1);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 8, false), "b2 a3 b3 a4 b4 b5 a6 b6");
    tail_close(bench.tail);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 9, false), "a5 b2 a3 b3 a4 b4 b5 a6 b6");
    tail_close(bench.tail);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 9, true), "b2 a3 b3 a4 a5 b4 b5 a6 b6");
    tail_bench_put_late(b, 7, 1);
    tail_bench_put_late(a, 7, 9);
    tail_bench_put_late(b, 8, 8);
    assert_string_equal(tail_bench_look(&bench), "b7 b8 a7");
    segment_free(a);
    segment_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_newest_of_spool_and_store, make, remove_all),
        cmocka_unit_test_setup_teardown(all_there_is_when_more_is_asked_for, make, remove_all),
        cmocka_unit_test_setup_teardown(a_long_spool_gives_its_newest, make, remove_all),
        cmocka_unit_test_setup_teardown(what_a_spool_lacks_waits_only_when_there_is_a_later, make, remove_all),
        cmocka_unit_test_setup_teardown(an_event_that_comes_meanwhile_is_shown_once, make, remove_all),
        cmocka_unit_test_setup_teardown(what_goes_on_by_number_begins_by_number, make, remove_all),
        cmocka_unit_test_setup_teardown(a_filter_reaches_back_beyond_the_newest, make, remove_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
