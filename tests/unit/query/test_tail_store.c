/* test_tail_store.c -- the store as a tail sees it.
 *
 * Goal:   a number that no event has is a gap, a dead letter, or covered by the record in front of it; batches larger
 *         than one look come whole; ledger rows that were cleaned up leave a gap; a store that is replaced is opened
 *         again.
 * Method: as test_tail.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "query/tail_bench.h"
#include "query/tail_state.h"

static struct tail_bench bench;

static int make(void **state)
{
    (void)state;
    tail_bench_init(&bench);
    tail_bench_store(&bench, 'a', 1, 2);
    tail_bench_open(&bench);
    (void)tail_bench_start(&bench, 0, true);
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    tail_bench_done(&bench);
    return 0;
}

static void numbers_without_an_event_are_a_gap(void **state)
{
    (void)state;
    tail_bench_store_lost(&bench, 'a', 3, 6, NULL);
    tail_bench_store(&bench, 'a', 7, 7);
    assert_string_equal(tail_bench_look(&bench), "a[3-6] a7");
}

static void a_record_of_lost_events_covers_those_it_names(void **state)
{
    (void)state;
    tail_bench_store_lost(&bench, 'a', 3, 9, "{\"reason\":\"damaged\",\"first_seq\":3,\"last_seq\":7,\"count\":5}");
    tail_bench_store_lost(&bench, 'a', 10, 12, "{\"reason\":\"spool_full\",\"count\":99,\"last\":\"12\"}");
    tail_bench_store_lost(&bench, 'a', 13, 14, "{\"x\":{\"last_seq\":14}}");
    tail_bench_store_lost(&bench, 'a', 15, 16, "{\"last_seq\":99}");
    assert_string_equal(tail_bench_look(&bench), "a3 a[8-9] a10 a[11-12] a13 a[14-14] a15");
}

static void a_dead_letter_is_told_in_its_place(void **state)
{
    (void)state;
    tail_bench_store_dead(&bench, 'a', 3);
    tail_bench_store(&bench, 'a', 4, 4);
    tail_bench_store_lost(&bench, 'a', 5, 8, NULL);
    place_execute(&bench.store, "INSERT INTO audit_dead_letters VALUES (1, 6, '2026-01-01', 'no', '{}')");
    bool                    more;
    size_t                  count;
    const struct tail_item *items;
    assert_int_equal(tail_look(bench.tail, &more, NULL), TRAIL_OK);
    items = tail_items(bench.tail, &count);
    assert_int_equal(count, 1);
    assert_string_equal(items[0].text, "no");
    assert_string_equal(items[0].service, "bench");
    assert_int_equal(items[0].pid, 4711);
    assert_string_equal(tail_bench_look(&bench), "a4 a[5-5] a6! a[7-8]");
}

static void many_dead_letters_come_in_turn(void **state)
{
    (void)state;
    char sql[128];
    tail_bench_store_lost(&bench, 'a', 3, 200, NULL);
    for (int seq = 3; seq <= 150; seq++) {
        snprintf(sql, sizeof sql, "INSERT INTO audit_dead_letters VALUES (1, %d, '2026-01-01', 'no', '{}')", seq);
        place_execute(&bench.store, sql);
    }
    const char *text = tail_bench_look(&bench);
    assert_memory_equal(text, "a3! a4! ", 8);
    assert_non_null(strstr(text, " a149! a150! a[151-200]"));
}

static void a_batch_larger_than_one_look_comes_whole(void **state)
{
    (void)state;
    size_t shown = 0;
    bool   more = true;
    tail_bench_store(&bench, 'a', 3, 3 * TAIL_TAKE_MAX);
    while (more) {
        size_t                  count;
        const struct tail_item *items;
        assert_int_equal(tail_look(bench.tail, &more, NULL), TRAIL_OK);
        items = tail_items(bench.tail, &count);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(items[i].event->seq, 3 + shown++);
    }
    assert_int_equal(shown, 3 * TAIL_TAKE_MAX - 2);
}

static void what_was_cleaned_up_before_it_was_seen_is_a_gap(void **state)
{
    (void)state;
    tail_bench_store(&bench, 'a', 3, 5);
    tail_bench_store(&bench, 'a', 6, 6);
    place_execute(&bench.store, "DELETE FROM audit_batches WHERE last_seq < 6;"
                                "DELETE FROM audit_events WHERE seq < 6");
    assert_string_equal(tail_bench_look(&bench), "a[3-5] a6");
    tail_bench_store(&bench, 'a', 7, 7);
    place_execute(&bench.store, "DELETE FROM audit_batches WHERE last_seq = 7");
    tail_bench_store(&bench, 'b', 1, 1);
    assert_string_equal(tail_bench_look(&bench), "a[7-7] b1");
}

static void a_store_that_is_replaced_is_opened_again(void **state)
{
    (void)state;
    unsigned identities = bench.tail->identities;
    fixture_disconnect(&bench.store);
    place_empty(&bench.store);
    tail_bench_store(&bench, 'b', 1, 1);
    assert_string_equal(tail_bench_look(&bench), "away");
    const char *text = "";
    for (int i = 0; i < 1000000 && text[0] == '\0'; i++)
        text = tail_bench_look(&bench);
    assert_string_equal(text, "back b1");
    assert_int_equal(bench.tail->identities, identities + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_without_an_event_are_a_gap, make, remove_all),
        cmocka_unit_test_setup_teardown(a_record_of_lost_events_covers_those_it_names, make, remove_all),
        cmocka_unit_test_setup_teardown(a_dead_letter_is_told_in_its_place, make, remove_all),
        cmocka_unit_test_setup_teardown(many_dead_letters_come_in_turn, make, remove_all),
        cmocka_unit_test_setup_teardown(a_batch_larger_than_one_look_comes_whole, make, remove_all),
        cmocka_unit_test_setup_teardown(what_was_cleaned_up_before_it_was_seen_is_a_gap, make, remove_all),
        cmocka_unit_test_setup_teardown(a_store_that_is_replaced_is_opened_again, make, remove_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
