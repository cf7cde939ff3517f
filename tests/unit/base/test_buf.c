/* test_buf.c -- a buffer keeps what is appended, moves from lent storage to the heap, and fails for good.
 *
 * Goal:   no append loses or overwrites a byte; one check at the end sees any failure.
 * Method: appends across every boundary; failure is had by asking for more than BUF_BYTES_MAX.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

static void lent_storage_is_used_until_it_is_full(void **state)
{
    (void)state;
    char       storage[8];
    struct buf buf;
    buf_init(&buf, storage, sizeof storage);
    buf_append(&buf, "12345678", 8);
    assert_ptr_equal(buf.data, storage);
    assert_false(buf.on_heap);
    buf_append(&buf, "9", 1);
    assert_ptr_not_equal(buf.data, storage);
    assert_true(text_equal(buf_text(&buf), TRAIL_TEXT("123456789")));
    buf_done(&buf);
    assert_null(buf.data);
}

static void growing_keeps_every_byte(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, NULL, 0);
    for (unsigned i = 0; i < 10000; i++)
        buf_append(&buf, &(char){ (char)(i % 251) }, 1);
    assert_int_equal(buf.size, 10000);
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal((unsigned char)buf.data[i], i % 251);
    buf_done(&buf);
}

static void appends_of_every_kind_stand_behind_each_other(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, NULL, 0);
    buf_append(&buf, "a", 1);
    buf_append(&buf, NULL, 0);
    buf_append_text(&buf, TRAIL_TEXT("b"));
    buf_append_text(&buf, (struct trail_text){ 0 });
    buf_append_string(&buf, "c");
    buf_printf(&buf, "%d-%s", 42, "d");
    buf_printf(&buf, "%100s", "e");
    assert_int_equal(buf.size, 107);
    assert_memory_equal(buf.data, "abc42-d ", 8);
    assert_int_equal(buf.data[106], 'e');
    buf_done(&buf);
}

static void reserved_room_does_not_move_until_it_is_used_up(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, NULL, 0);
    char *room = buf_reserve(&buf, 1000);
    assert_non_null(room);
    assert_int_equal(buf.size, 0);
    for (size_t i = 0; i < 100; i++)
        buf_append(&buf, "0123456789", 10);
    assert_ptr_equal(buf.data, room);
    buf_done(&buf);
}

static void clearing_keeps_the_room_and_forgets_a_failure(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, NULL, 0);
    buf_append(&buf, "abc", 3);
    size_t capacity = buf.capacity;
    assert_null(buf_reserve(&buf, SIZE_MAX / 4));
    assert_true(buf_failed(&buf));
    buf_clear(&buf);
    assert_false(buf_failed(&buf));
    assert_int_equal(buf.size, 0);
    assert_int_equal(buf.capacity, capacity);
    buf_append(&buf, "d", 1);
    assert_true(text_equal(buf_text(&buf), TRAIL_TEXT("d")));
    buf_done(&buf);
}

static void sizes_over_the_limit_fail_at_once_and_keep_failing(void **state)
{
    (void)state;
    static const size_t absurd[] = { SIZE_MAX, SIZE_MAX - 3, SIZE_MAX / 2, SIZE_MAX / 2 + 2, BUF_BYTES_MAX };
    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
        struct buf buf;
        buf_init(&buf, NULL, 0);
        buf_append(&buf, "abc", 3);
        assert_null(buf_reserve(&buf, absurd[i]));
        buf_append(&buf, "d", 1);
        buf_printf(&buf, "%d", 1);
        assert_true(buf_failed(&buf));
        assert_int_equal(buf.size, 0);
        buf_done(&buf);
    }
}

static void done_takes_null_and_empty_buffers(void **state)
{
    (void)state;
    struct buf buf;
    buf_done(NULL);
    buf_init(&buf, NULL, 100);
    assert_int_equal(buf.capacity, 0);
    buf_done(&buf);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lent_storage_is_used_until_it_is_full),
        cmocka_unit_test(growing_keeps_every_byte),
        cmocka_unit_test(appends_of_every_kind_stand_behind_each_other),
        cmocka_unit_test(reserved_room_does_not_move_until_it_is_used_up),
        cmocka_unit_test(clearing_keeps_the_room_and_forgets_a_failure),
        cmocka_unit_test(sizes_over_the_limit_fail_at_once_and_keep_failing),
        cmocka_unit_test(done_takes_null_and_empty_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
