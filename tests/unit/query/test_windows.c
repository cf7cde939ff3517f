/* test_windows.c -- which stretch of time to look through next.
 *
 * Goal:   the windows together are the whole of what is asked for, without a gap and without an overlap, in the order
 *         asked for; they begin small and grow; SQLite and correlation ids have one.
 * Method: a walk over each, with ends that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/windows.h"

#define HOUR_US (INT64_C(3600) * 1000000)
#define NOW_US (INT64_C(20000) * 24 * HOUR_US)

/* A walk to its end; its windows join one another. Returns how many there were. */
static size_t walk(struct windows *windows, int64_t oldest_us, const struct query_position *after,
                   struct query_window *ret_first, struct query_window *ret_last)
{
    size_t count = 1;
    bool   forward = windows->filter->oldest_first;
    if (windows_need_oldest(windows, true)) {
        windows->oldest_us = oldest_us;
        windows->oldest_known = true;
    }
    windows_start(windows, after);
    *ret_first = windows->window;
    while (!windows->last) {
        struct query_window before = windows->window;
        if (windows_need_oldest(windows, false)) {
            windows->oldest_us = oldest_us;
            windows->oldest_known = true;
        }
        windows_advance(windows);
        if (forward)
            assert_true(windows->window.from_us == before.to_us);
        else
            assert_true(windows->window.to_us == before.from_us);
        assert_true(++count < 100);
    }
    *ret_last = windows->window;
    return count;
}

static struct windows windows_of(const struct trail_filter *filter)
{
    struct windows windows;
    windows_init(&windows, filter, STORE_DIALECT_POSTGRESQL, QUERY_BY_ACTOR, NOW_US);
    return windows;
}

static void the_newest_come_first_from_what_is_to_come(void **state)
{
    (void)state;
    const struct trail_filter filter = { TRAIL_FILTER_INIT };
    struct windows            windows = windows_of(&filter);
    struct query_window       first;
    struct query_window       last;
    size_t                    count = walk(&windows, NOW_US - 90 * 24 * HOUR_US, NULL, &first, &last);
    assert_true(first.from_us == NOW_US - WINDOWS_FIRST_US && first.to_us == 0);
    assert_true(last.from_us == 0);
    assert_in_range(count, 4, 8);
}

static void the_oldest_come_first_and_what_is_to_come_last(void **state)
{
    (void)state;
    const struct trail_filter filter = { TRAIL_FILTER_INIT, .oldest_first = true };
    struct windows            windows = windows_of(&filter);
    struct query_window       first;
    struct query_window       last;
    size_t                    count = walk(&windows, NOW_US - 90 * 24 * HOUR_US, NULL, &first, &last);
    assert_true(first.from_us <= NOW_US - 90 * 24 * HOUR_US && first.to_us != 0);
    assert_true(last.to_us == 0);
    assert_in_range(count, 4, 8);
}

static void the_bounds_of_the_filter_are_the_ends(void **state)
{
    (void)state;
    for (int forward = 0; forward < 2; forward++) {
        const struct trail_filter filter = { TRAIL_FILTER_INIT, .since_us = NOW_US - 100 * HOUR_US,
                                             .until_us = NOW_US - 50 * HOUR_US, .oldest_first = forward != 0 };
        struct windows            windows = windows_of(&filter);
        struct query_window       first;
        struct query_window       last;
        assert_false(windows_need_oldest(&windows, true));
        assert_true(walk(&windows, 0, NULL, &first, &last) > 1);
        assert_true((forward != 0 ? first : last).from_us == filter.since_us);
        assert_true((forward != 0 ? last : first).to_us == filter.until_us);
    }
}

static void a_page_goes_on_where_the_one_before_ended(void **state)
{
    (void)state;
    const struct query_position after = { NOW_US - 70 * HOUR_US, 3, 4 };
    for (int forward = 0; forward < 2; forward++) {
        const struct trail_filter filter = { TRAIL_FILTER_INIT, .oldest_first = forward != 0 };
        struct windows            windows = windows_of(&filter);
        struct query_window       first;
        struct query_window       last;
        (void)walk(&windows, NOW_US - 90 * 24 * HOUR_US, &after, &first, &last);
        /* Others may have the same time: it is in the first window. */
        if (forward != 0)
            assert_true(first.from_us <= after.timestamp_us && first.from_us > after.timestamp_us - HOUR_US);
        else
            assert_true(first.to_us > after.timestamp_us && first.to_us <= after.timestamp_us + HOUR_US);
    }
}

static void an_empty_store_has_an_end_too(void **state)
{
    (void)state;
    for (int forward = 0; forward < 2; forward++) {
        const struct trail_filter filter = { TRAIL_FILTER_INIT, .oldest_first = forward != 0 };
        struct windows            windows = windows_of(&filter);
        struct query_window       first;
        struct query_window       last;
        assert_true(walk(&windows, INT64_MAX, NULL, &first, &last) <= 2);
    }
}

/* An event of 1970 is no reason to look a thousand times. */
static void a_single_old_event_costs_few_looks(void **state)
{
    (void)state;
    for (int forward = 0; forward < 2; forward++) {
        const struct trail_filter filter = { TRAIL_FILTER_INIT, .oldest_first = forward != 0 };
        struct windows            windows = windows_of(&filter);
        struct query_window       first;
        struct query_window       last;
        assert_true(walk(&windows, 1, NULL, &first, &last) <= 16);
    }
}

static void sqlite_and_correlation_ids_have_one_window(void **state)
{
    (void)state;
    const struct trail_filter filter = { TRAIL_FILTER_INIT, .oldest_first = true };
    struct windows            windows;
    windows_init(&windows, &filter, STORE_DIALECT_SQLITE, QUERY_BY_ACTOR, NOW_US);
    windows_start(&windows, NULL);
    assert_true(windows.last && windows.window.from_us == 0 && windows.window.to_us == 0);
    windows_init(&windows, &filter, STORE_DIALECT_POSTGRESQL, QUERY_BY_CORRELATION, NOW_US);
    windows_start(&windows, NULL);
    assert_true(windows.last && windows.window.from_us == 0 && windows.window.to_us == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_come_first_from_what_is_to_come),
        cmocka_unit_test(the_oldest_come_first_and_what_is_to_come_last),
        cmocka_unit_test(the_bounds_of_the_filter_are_the_ends),
        cmocka_unit_test(a_page_goes_on_where_the_one_before_ended),
        cmocka_unit_test(an_empty_store_has_an_end_too),
        cmocka_unit_test(a_single_old_event_costs_few_looks),
        cmocka_unit_test(sqlite_and_correlation_ids_have_one_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
