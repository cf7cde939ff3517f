/* test_tail_writers.c -- the writers that a tail knows.
 *
 * Goal:   a thousand of them are found again, in whatever order they came; a stranger is not.
 * Method: random uuids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "query/tail_state.h"

#define WRITERS 1000

static void writers_are_found_again(void **state)
{
    (void)state;
    static struct uuid uuids[WRITERS];
    struct tail        tail = { .writers = NULL };
    struct uuid        stranger;

    for (size_t i = 0; i < WRITERS; i++) {
        assert_int_equal(uuid_random(&uuids[i]), TRAIL_OK);
        assert_non_null(tail_writer_add(&tail, &uuids[i], i + 1));
    }
    assert_int_equal(tail.writer_count, WRITERS);
    for (size_t i = 0; i < WRITERS; i++) {
        const struct tail_writer *writer = tail_writer_find(&tail, &uuids[i]);
        assert_non_null(writer);
        assert_int_equal(writer->next, i + 1);
        assert_int_equal(writer->id_hash, uuid_hash32(&uuids[i]));
    }
    for (size_t i = 1; i < WRITERS; i++)
        assert_true(memcmp(&tail.writers[i - 1]->uuid, &tail.writers[i]->uuid, sizeof stranger) < 0);
    assert_int_equal(uuid_random(&stranger), TRAIL_OK);
    assert_null(tail_writer_find(&tail, &stranger));
    tail_writers_done(&tail);
    assert_null(tail_writer_find(&tail, &uuids[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(writers_are_found_again) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
