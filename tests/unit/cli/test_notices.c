/* test_notices.c -- notices are kept once each, and bounded.
 *
 * Goal:   a sentence said a thousand times is kept once; more sentences than there is room for are counted.
 * Method: notices are taken as the library would hand them over, from two threads at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

#include "cli/notices.h"

static void take(struct notices *notices, enum trail_err code, int number)
{
    struct trail_error notice = { .code = code };
    snprintf(notice.message, sizeof notice.message, "sentence %d", number);
    notices_take(notices, &notice);
}

static void *take_many(void *notices)
{
    for (int i = 0; i < 10000; i++)
        take(notices, TRAIL_EAWAY, i % 10);
    return NULL;
}

static void a_sentence_is_kept_once(void **state)
{
    (void)state;
    struct notices notices = NOTICES_INIT;
    pthread_t      other;
    assert_int_equal(pthread_create(&other, NULL, take_many, &notices), 0);
    take_many(&notices);
    pthread_join(other, NULL);
    assert_int_equal(notices.kept_count, 10);
    assert_int_equal(notices.unkept_count, 0);
}

static void what_finds_no_room_is_counted(void **state)
{
    (void)state;
    struct notices notices = NOTICES_INIT;
    for (int i = 0; i < NOTICES_MAX + 5; i++)
        take(&notices, TRAIL_EAWAY, i);
    assert_int_equal(notices.kept_count, NOTICES_MAX);
    assert_int_equal(notices.unkept_count, 5);
}

static void new_ones_are_new_until_they_are_printed(void **state)
{
    (void)state;
    struct notices notices = NOTICES_INIT;
    assert_false(notices_are_new(&notices));
    take(&notices, TRAIL_EAWAY, 1);
    assert_true(notices_are_new(&notices));
    notices_print(&notices, "test");
    assert_false(notices_are_new(&notices));
    take(&notices, TRAIL_EAWAY, 1);
    assert_false(notices_are_new(&notices));
    for (int i = 2; i < NOTICES_MAX + 3; i++)
        take(&notices, TRAIL_EAWAY, i);
    notices_print(&notices, "test");
    assert_false(notices_are_new(&notices));
    take(&notices, TRAIL_EAWAY, NOTICES_MAX + 9);
    assert_true(notices_are_new(&notices));
}

static void codes_are_found(void **state)
{
    (void)state;
    struct notices notices = NOTICES_INIT;
    assert_false(notices_have(&notices, TRAIL_EVERSION));
    take(&notices, TRAIL_EAWAY, 1);
    assert_false(notices_have(&notices, TRAIL_EVERSION));
    take(&notices, TRAIL_EVERSION, 2);
    assert_true(notices_have(&notices, TRAIL_EVERSION));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sentence_is_kept_once),
        cmocka_unit_test(what_finds_no_room_is_counted),
        cmocka_unit_test(new_ones_are_new_until_they_are_printed),
        cmocka_unit_test(codes_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
