/* test_waker.c -- a sleeper never misses work that was made visible before it was woken.
 *
 * Goal:   no lost wake-up, and no system call where nobody sleeps.
 * Method: the eventfd is looked at directly; then a sleeper and several callers race, and every piece of work is
 * counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/waker.h"

#define CALLERS 3
#define WORK_EACH 20000

static bool is_readable(const struct waker *waker)
{
    struct pollfd look = { .fd = waker->fd, .events = POLLIN };
    return poll(&look, 1, 0) == 1;
}

static void waking_nobody_is_no_system_call(void **state)
{
    (void)state;
    struct waker waker;
    assert_int_equal(waker_init(&waker, NULL), TRAIL_OK);
    waker_wake(&waker);
    assert_false(is_readable(&waker));

    waker_prepare(&waker);
    waker_wake(&waker);
    assert_true(is_readable(&waker));
    waker_sleep(&waker, 60000); /* Returns at once, or the test times out. */
    assert_false(is_readable(&waker));

    waker_prepare(&waker);
    waker_cancel(&waker);
    waker_wake(&waker);
    assert_false(is_readable(&waker));
    waker_done(&waker);
    assert_int_equal(waker.fd, -1);
    waker_done(&waker);
}

static void sleep_ends_by_itself(void **state)
{
    (void)state;
    struct waker waker;
    assert_int_equal(waker_init(&waker, NULL), TRAIL_OK);
    int64_t before_us = clock_mono_us(&clock_system);
    waker_prepare(&waker);
    waker_sleep(&waker, 20);
    assert_true(clock_mono_us(&clock_system) - before_us >= 19000);
    waker_done(&waker);
}

struct bench {
    struct waker waker;
    uint64_t     made; /* Atomic. */
};

static void *make_work(void *argument)
{
    struct bench *bench = argument;
    for (unsigned i = 0; i < WORK_EACH; i++) {
        __atomic_fetch_add(&bench->made, 1, __ATOMIC_RELEASE);
        waker_wake(&bench->waker);
    }
    return NULL;
}

/* A lost wake-up would let the sleeper sleep for a minute with work to do. */
static void no_wake_up_is_lost(void **state)
{
    (void)state;
    struct bench bench = { 0 };
    pthread_t    callers[CALLERS];
    uint64_t     seen = 0;
    assert_int_equal(waker_init(&bench.waker, NULL), TRAIL_OK);

    int64_t before_us = clock_mono_us(&clock_system);
    for (unsigned i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&callers[i], NULL, make_work, &bench), 0);
    while (seen < (uint64_t)CALLERS * WORK_EACH) {
        waker_prepare(&bench.waker);
        uint64_t made = __atomic_load_n(&bench.made, __ATOMIC_ACQUIRE);
        if (made != seen)
            waker_cancel(&bench.waker);
        else
            waker_sleep(&bench.waker, 60000);
        seen = made;
    }
    for (unsigned i = 0; i < CALLERS; i++)
        pthread_join(callers[i], NULL);
    assert_true(clock_mono_us(&clock_system) - before_us < INT64_C(50) * 1000000);
    waker_done(&bench.waker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waking_nobody_is_no_system_call),
        cmocka_unit_test(sleep_ends_by_itself),
        cmocka_unit_test(no_wake_up_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
