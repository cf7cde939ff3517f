/* test_id_set.c -- ids that are gathered, and crossed off when they are seen in use.
 *
 * Goal:   each id once, however often and in whatever order it came; exactly those that were marked are used.
 * Method: many repeats, more ids than fit at first, an allocator that fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "store/id_set.h"
#include "support/fault.h"

static struct fault no_memory;

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_realloc(void *old, size_t size)
{
    return fault_strikes(&no_memory) ? NULL : __real_realloc(old, size);
}

static void each_id_is_there_once_and_in_order(void **state)
{
    (void)state;
    struct id_set set = { 0 };
    for (int64_t i = 0; i < 50000; i++)
        assert_true(id_set_add(&set, 1 + i * 7919 % 5000));
    id_set_seal(&set);
    assert_int_equal(set.count, 5000);
    assert_int_equal(set.unused, 5000);
    for (size_t i = 0; i < set.count; i++)
        assert_int_equal(set.entries[i].id, i + 1);
    assert_true(set.capacity < 50000); /* Repeats take no room. */
    id_set_done(&set);
}

static void what_is_marked_is_used_and_counted_once(void **state)
{
    (void)state;
    struct id_set set = { 0 };
    for (int64_t i = 1; i <= 10; i++)
        assert_true(id_set_add(&set, i * 10));
    id_set_seal(&set);
    id_set_mark(&set, 30);
    id_set_mark(&set, 30);
    id_set_mark(&set, 31);
    id_set_mark(&set, 0);
    assert_int_equal(set.unused, 9);
    for (size_t i = 0; i < set.count; i++)
        assert_int_equal(set.entries[i].used, set.entries[i].id == 30);
    id_set_done(&set);
}

static void an_empty_set_holds_nothing(void **state)
{
    (void)state;
    struct id_set set = { 0 };
    id_set_seal(&set);
    id_set_mark(&set, 1);
    assert_int_equal(set.count + set.unused, 0);
    id_set_done(&set);
}

static void without_memory_it_stays_as_it_was(void **state)
{
    (void)state;
    struct id_set set = { 0 };
    int64_t       id = 1;
    assert_true(id_set_add(&set, id++));
    fault_arm(&no_memory, 0, FAULT_FOREVER, 0);
    while (id_set_add(&set, id))
        id++;
    assert_true(fault_struck(&no_memory) > 0);
    assert_int_equal(set.count, id - 1);
    fault_arm(&no_memory, 0, 0, 0);
    assert_true(id_set_add(&set, id));
    assert_int_equal(set.entries[set.count - 1].id, id);
    id_set_done(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_id_is_there_once_and_in_order),
        cmocka_unit_test(what_is_marked_is_used_and_counted_once),
        cmocka_unit_test(an_empty_set_holds_nothing),
        cmocka_unit_test(without_memory_it_stays_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
