/* test_tail_spool.c -- the spools that a tail follows.
 *
 * Goal:   another store's spool is left alone; a spool that holds nothing yet is met when it does; one look takes so
 *         much of one writer and no more; a frame that is no event holds its writer.
 * Method: as test_tail.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/tail_bench.h"
#include "query/tail_state.h"

static struct tail_bench bench;

static int make(void **state)
{
    (void)state;
    tail_bench_init(&bench);
    tail_bench_store(&bench, 'z', 1, 1);
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

static void another_stores_spool_is_left_alone(void **state)
{
    (void)state;
    struct segment *segment = tail_bench_foreign(&bench, 'f');
    tail_bench_put(segment, 1, 3);
    assert_string_equal(tail_bench_look(&bench), "");
    assert_string_equal(tail_bench_look(&bench), "");
    /* It is no position to be saved. */
    struct buf saved;
    buf_init(&saved, NULL, 0);
    tail_save(bench.tail, &saved);
    assert_int_equal(saved.size, UUID_TEXT_SIZE - 1 + 2); /* That of z: "<uuid>=2". */
    buf_done(&saved);
    segment_free(segment);
}

static void a_spool_that_was_only_prepared_is_met_when_it_is_used(void **state)
{
    (void)state;
    struct spool_identity identity = { .writer = tail_bench_writer('a'),
                                       .destination_kind = SPOOL_DESTINATION_STORE,
                                       .service = "late" };
    identity.destination = *store_identity(bench.store.store);
    struct segment *segment = tail_bench_segment(&bench, 'a', 1, 0);
    assert_string_equal(tail_bench_look(&bench), "");
    segment_activate(segment, &identity, 1, FIXTURE_TIME_US);
    assert_string_equal(tail_bench_look(&bench), "");
    tail_bench_put(segment, 1, 1);
    assert_string_equal(tail_bench_look(&bench), "a1");
    segment_free(segment);
}

static void nobody_is_called_foreign_while_the_store_cannot_be_asked(void **state)
{
    (void)state;
    struct spool_identity identity = { .writer = tail_bench_writer('a'),
                                       .destination_kind = SPOOL_DESTINATION_STORE,
                                       .service = "own?" };
    struct segment       *segment = tail_bench_segment(&bench, 'a', 1, 0);
    identity.destination = tail_bench_writer('s');
    segment_activate(segment, &identity, 1, FIXTURE_TIME_US);
    tail_bench_put(segment, 1, 1);
    assert_string_equal(tail_bench_look(&bench), ""); /* The store says who it is, and it is not s. */

    tail_close(bench.tail);
    bench.look_away = true;
    tail_bench_open(&bench);
    assert_string_equal(tail_bench_start(&bench, 10, true), "away a1");
    segment_free(segment);
}

static void one_look_takes_so_much_of_a_writer(void **state)
{
    (void)state;
    struct segment *segment = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(segment, 1, TAIL_TAKE_MAX + 1);
    bool   more = false;
    size_t count;
    assert_int_equal(tail_look(bench.tail, &more, NULL), TRAIL_OK);
    (void)tail_items(bench.tail, &count);
    assert_int_equal(count, TAIL_TAKE_MAX);
    assert_true(more);
    assert_int_equal(tail_look(bench.tail, &more, NULL), TRAIL_OK);
    (void)tail_items(bench.tail, &count);
    assert_int_equal(count, 1);
    assert_false(more);
    segment_free(segment);
}

static void a_frame_that_is_no_event_holds_its_writer_and_no_other(void **state)
{
    (void)state;
    struct segment *a = tail_bench_segment(&bench, 'a', 1, 1);
    struct segment *b = tail_bench_segment(&bench, 'b', 1, 1);
    tail_bench_put(a, 1, 1);
    tail_bench_put_broken(a, 2);
    tail_bench_put(a, 3, 3);
    tail_bench_put(b, 1, 2);
    assert_string_equal(tail_bench_look(&bench), "a1 a{2-2} b1 b2");
    tail_bench_store(&bench, 'a', 1, 1);
    tail_bench_store_lost(&bench, 'a', 2, 2, "{\"reason\":\"unreadable\",\"first_seq\":2,\"last_seq\":2,\"count\":1}");
    assert_string_equal(tail_bench_look(&bench), "a2 a3");
    segment_free(a);
    segment_free(b);
}

static void the_next_segment_is_read_and_the_last_one_unmapped(void **state)
{
    (void)state;
    const struct uuid uuid = tail_bench_writer('a');
    struct segment   *first = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(first, 1, 2);
    assert_string_equal(tail_bench_look(&bench), "a1 a2");
    struct segment *second = tail_bench_segment(&bench, 'a', 2, 3);
    tail_bench_put(second, 3, 4);
    assert_string_equal(tail_bench_look(&bench), "a3 a4");
    assert_string_equal(tail_bench_look(&bench), "");
    const struct follow *follow = tail_writer_find(bench.tail, &uuid)->follow;
    assert_ptr_equal(follow->first, follow->last);
    segment_free(first);
    segment_free(second);
}

static void a_spool_that_is_gone_is_let_go(void **state)
{
    (void)state;
    const struct uuid uuid = tail_bench_writer('a');
    struct segment   *segment = tail_bench_segment(&bench, 'a', 1, 1);
    tail_bench_put(segment, 1, 2);
    assert_string_equal(tail_bench_look(&bench), "a1 a2");
    tail_bench_put(segment, 3, 3);
    tail_bench_store(&bench, 'a', 1, 4); /* 4 came and was stored between two looks. */
    tail_bench_remove_spool(&bench, 'a');
    assert_string_equal(tail_bench_look(&bench), "a3 a4");
    assert_string_equal(tail_bench_look(&bench), "");
    assert_null(tail_writer_find(bench.tail, &uuid)->follow);
    segment_free(segment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(another_stores_spool_is_left_alone, make, remove_all),
        cmocka_unit_test_setup_teardown(a_spool_that_was_only_prepared_is_met_when_it_is_used, make, remove_all),
        cmocka_unit_test_setup_teardown(nobody_is_called_foreign_while_the_store_cannot_be_asked, make, remove_all),
        cmocka_unit_test_setup_teardown(one_look_takes_so_much_of_a_writer, make, remove_all),
        cmocka_unit_test_setup_teardown(a_frame_that_is_no_event_holds_its_writer_and_no_other, make, remove_all),
        cmocka_unit_test_setup_teardown(the_next_segment_is_read_and_the_last_one_unmapped, make, remove_all),
        cmocka_unit_test_setup_teardown(a_spool_that_is_gone_is_let_go, make, remove_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
