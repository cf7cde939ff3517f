/* test_os_thread.c -- a background thread has a name, hears none of the host's signals, and leaves its creator as it
 * was.
 *
 * Goal:   a host's signal handler never runs on our threads.
 * Method: the thread looks at its own mask; pthread_create fails when told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/os_thread.h"
#include "support/fault.h"

static struct fault create_fault;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, os_thread_fn main, void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, os_thread_fn main, void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, os_thread_fn main, void *argument)
{
    return fault_strikes(&create_fault) ? create_fault.error
                                        : __real_pthread_create(thread, attributes, main, argument);
}

static void *report_mask(void *argument)
{
    pthread_sigmask(SIG_BLOCK, NULL, argument);
    return argument;
}

static void it_hears_no_signal_but_those_of_the_processor(void **state)
{
    (void)state;
    static const struct {
        int  signal;
        bool blocked;
    } cases[] = { { SIGTERM, true }, { SIGINT, true },   { SIGHUP, true },  { SIGALRM, true },
                  { SIGPROF, true }, { SIGUSR1, true },  { SIGCHLD, true }, { SIGPIPE, true },
                  { SIGBUS, false }, { SIGSEGV, false }, { SIGFPE, false }, { SIGILL, false } };
    pthread_t thread;
    sigset_t  mask;

    assert_int_equal(os_thread_start(&thread, "trail-test", report_mask, &mask, NULL), TRAIL_OK);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(sigismember(&mask, cases[i].signal), cases[i].blocked);
}

static void its_creator_keeps_its_mask(void **state)
{
    (void)state;
    pthread_t thread;
    sigset_t  theirs;
    sigset_t  before;
    sigset_t  after;

    sigemptyset(&before);
    sigaddset(&before, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    for (unsigned fails = 0; fails < 2; fails++) {
        fault_arm(&create_fault, 0, fails, EAGAIN);
        if (os_thread_start(&thread, "trail-test", report_mask, &theirs, NULL) == TRAIL_OK)
            pthread_join(thread, NULL);
        pthread_sigmask(SIG_BLOCK, NULL, &after);
        for (int signal = 1; signal < SIGRTMIN; signal++)
            assert_int_equal(sigismember(&after, signal), signal == SIGUSR2);
    }
    assert_int_equal(fault_struck(&create_fault), 1);
}

static void a_system_without_threads_to_give_is_an_error(void **state)
{
    (void)state;
    struct trail_error error = { 0 };
    pthread_t          thread;
    fault_arm(&create_fault, 0, 1, EAGAIN);
    assert_int_equal(os_thread_start(&thread, "trail-test", report_mask, NULL, &error), TRAIL_EIO);
    assert_int_equal(fault_struck(&create_fault), 1);
    assert_int_equal(error.sys_errno, EAGAIN);
    assert_non_null(strstr(error.message, "trail-test"));
}

/* By the real-time clock the moment would have been over for decades. */
static void a_condition_waits_by_the_monotonic_clock(void **state)
{
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t  condition;
    struct timespec deadline = clock_deadline(20);
    int             waited = 0;

    os_condition_init(&condition);
    pthread_mutex_lock(&lock);
    while (waited == 0)
        waited = pthread_cond_timedwait(&condition, &lock, &deadline);
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&condition);
    assert_int_equal(waited, ETIMEDOUT);
    struct timespec now = clock_deadline(0);
    assert_true(now.tv_sec > deadline.tv_sec || (now.tv_sec == deadline.tv_sec && now.tv_nsec >= deadline.tv_nsec));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_hears_no_signal_but_those_of_the_processor),
        cmocka_unit_test(its_creator_keeps_its_mask),
        cmocka_unit_test(a_system_without_threads_to_give_is_an_error),
        cmocka_unit_test(a_condition_waits_by_the_monotonic_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
