/* test_arena.c -- what an arena hands out stays where it is and whole until everything is given back.
 *
 * Goal:   no two pieces overlap, none moves, nothing leaks, and no memory is NULL and not a crash.
 * Method: pieces of many sizes across block boundaries, each filled with its own byte; malloc fails at each call in
 * turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "support/fault.h"

#define PIECES 400

static struct fault malloc_fault;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
    return fault_strikes(&malloc_fault) ? NULL : __real_malloc(size);
}

static size_t piece_size(size_t i)
{
    return i * 37 % 3000 + (i % 50 == 49 ? 100000 : 0); /* Now and then one larger than a block. */
}

static void pieces_neither_overlap_nor_move(void **state)
{
    (void)state;
    struct arena   arena = { 0 };
    unsigned char *pieces[PIECES];

    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < PIECES; i++) {
            pieces[i] = arena_take(&arena, piece_size(i));
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % 8, 0);
            memset(pieces[i], (int)(i % 251), piece_size(i));
        }
        for (size_t i = 0; i < PIECES; i++) {
            for (size_t j = 0; j < piece_size(i); j++)
                assert_int_equal(pieces[i][j], i % 251);
        }
        arena_clear(&arena);
    }
    arena_done(&arena);
    arena_done(&arena);
}

static void clearing_keeps_one_block_for_reuse(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    assert_non_null(arena_take(&arena, 10));
    arena_clear(&arena);
    fault_arm(&malloc_fault, 0, FAULT_FOREVER, ENOMEM);
    void    *again = arena_take(&arena, 1000);
    void    *none = arena_take(&arena, 1000000);
    unsigned struck = fault_struck(&malloc_fault);
    fault_arm(&malloc_fault, 0, 0, 0);
    assert_non_null(again);
    assert_null(none);
    assert_int_equal(struck, 1);
    arena_done(&arena);
}

static void a_size_that_wraps_is_refused(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    assert_null(arena_take(&arena, SIZE_MAX));
    assert_null(arena_take(&arena, SIZE_MAX - 8));
    assert_non_null(arena_take(&arena, 8));
    assert_null(arena_take(&arena, SIZE_MAX - 3));
    arena_done(&arena);
}

static void a_copy_is_equal_and_its_own_and_absent_without_memory(void **state)
{
    (void)state;
    struct arena      arena = { 0 };
    char              bytes[] = "who did what";
    struct trail_text copy = arena_copy(&arena, trail_str(bytes));
    bytes[0] = 'X';
    assert_true(text_equal(copy, TRAIL_TEXT("who did what")));
    assert_null(arena_copy(&arena, (struct trail_text){ 0 }).data);
    arena_done(&arena);

    fault_arm(&malloc_fault, 0, 1, ENOMEM);
    copy = arena_copy(&arena, trail_str(bytes));
    assert_int_equal(fault_struck(&malloc_fault), 1);
    assert_null(copy.data);
    assert_int_equal(copy.size, 0);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_neither_overlap_nor_move),
        cmocka_unit_test(clearing_keeps_one_block_for_reuse),
        cmocka_unit_test(a_size_that_wraps_is_refused),
        cmocka_unit_test(a_copy_is_equal_and_its_own_and_absent_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
