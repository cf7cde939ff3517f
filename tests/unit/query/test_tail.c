/* test_tail.c -- every event once, from the spool or from the store, whichever had it first.
 *
 * Goal:   what is published shows at the next look; what was stored and unlinked before we looked shows from the store;
 *         nothing shows twice; writers ascend by number and stand by time among each other; a position is taken up
 *         again where it was saved.
 * Method: spools and a store made by hand, step by step; what each look shows, as text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "query/tail_bench.h"

static struct tail_bench bench;

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

static void a_frame_shows_at_the_next_look_and_not_again_when_stored(void **state)
{
    (void)state;
    tail_bench_store(&bench, 'z', 1, 1);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 10, true), "z1");
    assert_string_equal(tail_bench_look(&bench), "");

    struct segment *segment = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(segment, 1, 3);
    assert_string_equal(tail_bench_look(&bench), "a1 a2 a3");
    tail_bench_put(segment, 4, 4);
    assert_string_equal(tail_bench_look(&bench), "a4");
    tail_bench_store(&bench, 'a', 1, 4);
    assert_string_equal(tail_bench_look(&bench), "");
    tail_bench_put(segment, 5, 5);
    assert_string_equal(tail_bench_look(&bench), "a5");
    tail_bench_store(&bench, 'a', 5, 5);
    tail_bench_remove_spool(&bench, 'a');
    assert_string_equal(tail_bench_look(&bench), "");
    segment_free(segment);
}

static void what_no_spool_had_comes_from_the_store(void **state)
{
    (void)state;
    tail_bench_store(&bench, 'a', 1, 2);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 0, true), "");

    tail_bench_store(&bench, 'a', 3, 5);
    tail_bench_store(&bench, 'b', 1, 2);
    assert_string_equal(tail_bench_look(&bench), "b1 b2 a3 a4 a5");
    assert_string_equal(tail_bench_look(&bench), "");
}

static void a_spool_whose_first_segments_are_gone_is_completed_from_the_store(void **state)
{
    (void)state;
    tail_bench_store(&bench, 'z', 1, 1);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 0, true), "");

    struct segment *segment = tail_bench_segment(&bench, 'a', 3, 6);
    tail_bench_put(segment, 6, 7);
    tail_bench_store(&bench, 'a', 1, 5);
    assert_string_equal(tail_bench_look(&bench), "a1 a2 a3 a4 a5 a6 a7");
    segment_free(segment);
}

static void what_the_store_has_of_a_spool_is_not_told_as_held(void **state)
{
    (void)state;
    tail_bench_store(&bench, 'z', 1, 1);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 0, true), "");

    struct segment *segment = tail_bench_segment(&bench, 'a', 9, 3001);
    tail_bench_put(segment, 3001, 3001);
    tail_bench_store(&bench, 'a', 1, 3000); /* More than one look takes. */
    size_t shown = 0;
    for (bool more = true; more;) {
        size_t count;
        assert_int_equal(tail_look(bench.tail, &more, NULL), TRAIL_OK);
        const struct tail_item *items = tail_items(bench.tail, &count);
        for (size_t i = 0; i < count; i++)
            assert_true(items[i].kind == TAIL_EVENT && items[i].event->seq == ++shown);
    }
    assert_int_equal(shown, 3001);
    segment_free(segment);
}

static void a_spool_that_lacks_some_is_held_until_the_store_knows(void **state)
{
    (void)state;
    tail_bench_store(&bench, 'z', 1, 1);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 0, true), "");

    struct segment *segment = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(segment, 1, 2);
    tail_bench_put(segment, 6, 7);
    assert_string_equal(tail_bench_look(&bench), "a1 a2 a{3-5}");
    tail_bench_store(&bench, 'a', 1, 2);
    assert_string_equal(tail_bench_look(&bench), "");
    tail_bench_store_lost(&bench, 'a', 3, 5, "{\"reason\":\"damaged\",\"first_seq\":3,\"last_seq\":5,\"count\":3}");
    assert_string_equal(tail_bench_look(&bench), "a3 a6 a7");
    segment_free(segment);
}

static void writers_stand_by_time_and_each_by_number(void **state)
{
    (void)state;
    tail_bench_store(&bench, 'z', 1, 1);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 0, true), "");

    struct segment *a = tail_bench_segment(&bench, 'a', 1, 1);
    struct segment *b = tail_bench_segment(&bench, 'b', 1, 1);
    tail_bench_put(b, 1, 3);
    tail_bench_put(a, 1, 3);
    assert_string_equal(tail_bench_look(&bench), "a1 b1 a2 b2 a3 b3");
    segment_free(a);
    segment_free(b);
}

static void spools_alone_while_the_store_is_away_and_the_rest_when_it_is_there(void **state)
{
    (void)state;
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 0, true), "away");
    struct segment *segment = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(segment, 1, 2);
    assert_string_equal(tail_bench_look(&bench), "a1 a2");
    assert_false(tail_sees_store(bench.tail));

    /* A writer that started before us and was stored before we could look is history; its later events are not. */
    tail_bench_store(&bench, 'b', 1, 3);
    tail_bench_store(&bench, 'a', 1, 2);
    const char *text = "";
    for (int i = 0; i < 1000000 && !tail_sees_store(bench.tail); i++)
        text = tail_bench_look(&bench);
    assert_string_equal(text, "back");
    tail_bench_store(&bench, 'b', 4, 4);
    tail_bench_store(&bench, 'c', 1, 1);
    assert_string_equal(tail_bench_look(&bench), "c1 b4");
    segment_free(segment);
}

static void a_saved_position_is_taken_up_again(void **state)
{
    (void)state;
    struct buf saved;
    buf_init(&saved, NULL, 0);
    struct segment *segment = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(segment, 1, 3);
    tail_bench_store(&bench, 'b', 1, 2);
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 10, true), "a1 b1 a2 b2 a3");
    tail_save(bench.tail, &saved);
    tail_close(bench.tail);

    tail_bench_put(segment, 4, 4);
    tail_bench_store(&bench, 'b', 3, 3);
    tail_bench_store(&bench, 'c', 1, 1);
    tail_bench_open(&bench);
    assert_int_equal(tail_resume(bench.tail, buf_text(&saved), NULL), TRAIL_OK);
    assert_string_equal(tail_bench_look(&bench), "c1 b3 a4");
    buf_done(&saved);
    segment_free(segment);
}

static void what_is_no_position_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "x",
        "61616161-6161-6161-6161-616161616161",
        "61616161-6161-6161-6161-616161616161=",
        "61616161-6161-6161-6161-616161616161=0",
        "61616161-6161-6161-6161-616161616161=-1",
        "61616161-6161-6161-6161-616161616161=99999999999999999999",
        "61616161-6161-6161-6161-61616161616g=1",
    };
    tail_bench_open(&bench);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct trail_error error = { 0 };
        assert_int_equal(tail_resume(bench.tail, trail_str(wrong[i]), &error), TRAIL_EINVAL);
        assert_non_null(strstr(error.message, wrong[i]));
    }
}

static void a_filter_shows_some_and_moves_past_the_rest(void **state)
{
    (void)state;
    tail_bench_store(&bench, 'z', 1, 1);
    bench.filter.since_us = FIXTURE_TIME_US + 2 * 1000000;
    bench.filter.until_us = FIXTURE_TIME_US + 4 * 1000000;
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 10, true), "");
    struct segment *segment = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(segment, 1, 5);
    tail_bench_store(&bench, 'b', 1, 5);
    assert_string_equal(tail_bench_look(&bench), "a2 b2 a3 b3");
    segment_free(segment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_frame_shows_at_the_next_look_and_not_again_when_stored, make, remove_all),
        cmocka_unit_test_setup_teardown(what_no_spool_had_comes_from_the_store, make, remove_all),
        cmocka_unit_test_setup_teardown(a_spool_whose_first_segments_are_gone_is_completed_from_the_store, make,
                                        remove_all),
        cmocka_unit_test_setup_teardown(what_the_store_has_of_a_spool_is_not_told_as_held, make, remove_all),
        cmocka_unit_test_setup_teardown(a_spool_that_lacks_some_is_held_until_the_store_knows, make, remove_all),
        cmocka_unit_test_setup_teardown(writers_stand_by_time_and_each_by_number, make, remove_all),
        cmocka_unit_test_setup_teardown(spools_alone_while_the_store_is_away_and_the_rest_when_it_is_there, make,
                                        remove_all),
        cmocka_unit_test_setup_teardown(a_saved_position_is_taken_up_again, make, remove_all),
        cmocka_unit_test_setup_teardown(what_is_no_position_is_refused, make, remove_all),
        cmocka_unit_test_setup_teardown(a_filter_shows_some_and_moves_past_the_rest, make, remove_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
