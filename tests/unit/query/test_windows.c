/* test_windows.c -- windows of time lie one beside the other, from one end to the other, and leave nothing out.
 *
 * Goal:   whichever way and within whichever bounds, every moment is in exactly one window; there are few of them; a store
 *         or a query without such an order has one window without bounds.
 * Method: walks are taken to their end for a table of filters; the bounds of neighbours are compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "query/windows.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define NOW_US INT64_C(1795500000000000)
#define MOST 12

struct walk {
    struct query_window windows[MOST];
    size_t              count;
};

static void start_walk(struct windows *windows, const struct trail_filter *filter, int64_t oldest_us,
                       const struct query_position *after)
{
    windows_init(windows, filter, STORE_DIALECT_POSTGRESQL, QUERY_BY_ACTOR, NOW_US);
    if (windows_need_oldest(windows, true)) {
        windows->oldest_us = oldest_us;
        windows->oldest_known = true;
    }
    windows_start(windows, after);
}

static struct walk walk(const struct trail_filter *filter, int64_t oldest_us, const struct query_position *after)
{
    struct windows windows;
    struct walk    walk = { .count = 0 };
    start_walk(&windows, filter, oldest_us, after);
    for (;;) {
        assert_true(walk.count < MOST);
        walk.windows[walk.count++] = windows.window;
        if (windows.last)
            return walk;
        if (windows_need_oldest(&windows, false)) {
            windows.oldest_us = oldest_us;
            windows.oldest_known = true;
        }
        windows_advance(&windows);
    }
}

/* From `from_us` to `to_us` (0: no bound) without a hole or an overlap. */
static void assert_covers(const struct walk *walk, bool forward, int64_t from_us, int64_t to_us)
{
    size_t first = forward ? 0 : walk->count - 1;
    size_t last = forward ? walk->count - 1 : 0;
    assert_int_equal(walk->windows[first].from_us, from_us);
    assert_int_equal(walk->windows[last].to_us, to_us);
    for (size_t i = 1; i < walk->count; i++) {
        const struct query_window *older = &walk->windows[forward ? i - 1 : i];
        const struct query_window *newer = &walk->windows[forward ? i : i - 1];
        assert_int_equal(older->to_us, newer->from_us);
        assert_true(older->from_us < older->to_us);
    }
}

static void every_moment_is_in_one_window(void **state)
{
    (void)state;
    static const struct {
        int64_t since_us;
        int64_t until_us;
        int64_t oldest_us;
        size_t  most;
    } cases[] = {
        { 0, 0, NOW_US - 90 * DAY_US, 7 },
        { 0, 0, NOW_US - 60 * 1000000, 2 },
        { 0, 0, INT64_MAX, 2 },
        { 0, 0, 0, 11 },
        { NOW_US - DAY_US, 0, 0, 4 },
        { NOW_US - 90 * DAY_US, NOW_US - DAY_US, 0, 7 },
        { NOW_US - 10 * DAY_US, NOW_US + 10 * DAY_US, 0, 7 },
        { 0, NOW_US - DAY_US, NOW_US - 90 * DAY_US, 7 },
        { 0, NOW_US - 100 * DAY_US, NOW_US - 90 * DAY_US, 2 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int forward = 0; forward <= 1; forward++) {
            const struct trail_filter filter = { TRAIL_FILTER_INIT, .since_us = cases[i].since_us,
                                                 .until_us = cases[i].until_us, .oldest_first = forward };
            struct walk               found = walk(&filter, cases[i].oldest_us, NULL);
            int64_t from_us = forward && cases[i].since_us == 0 ? cases[i].oldest_us : cases[i].since_us;
            assert_covers(&found, forward, from_us, cases[i].until_us);
            assert_true(found.count <= cases[i].most);
        }
    }
}

static void it_goes_on_from_a_place(void **state)
{
    (void)state;
    const struct query_position after = { .timestamp_us = NOW_US - DAY_US, .writer = 1, .seq = 5 };
    struct trail_filter         filter = { TRAIL_FILTER_INIT };
    struct walk                 back = walk(&filter, NOW_US - 90 * DAY_US, &after);
    assert_covers(&back, false, 0, after.timestamp_us + 1); /* Others may be of the same moment. */
    filter.oldest_first = true;
    struct walk on = walk(&filter, 0, &after);
    assert_covers(&on, true, after.timestamp_us, 0);
}

static void where_there_is_no_such_order_there_is_one_window(void **state)
{
    (void)state;
    const struct trail_filter filter = { TRAIL_FILTER_INIT };
    static const struct {
        enum store_dialect dialect;
        enum query_drive   drive;
    } cases[] = { { STORE_DIALECT_SQLITE, QUERY_BY_ACTOR }, { STORE_DIALECT_POSTGRESQL, QUERY_BY_CORRELATION } };
    for (size_t i = 0; i < 2; i++) {
        struct windows windows;
        windows_init(&windows, &filter, cases[i].dialect, cases[i].drive, NOW_US);
        assert_false(windows_need_oldest(&windows, true));
        windows_start(&windows, NULL);
        assert_true(windows.last);
        assert_int_equal(windows.window.from_us, 0);
        assert_int_equal(windows.window.to_us, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_moment_is_in_one_window),
        cmocka_unit_test(it_goes_on_from_a_place),
        cmocka_unit_test(where_there_is_no_such_order_there_is_one_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
