/* test_thread_slot.c -- living threads have different numbers, until there are none left; then they share the last.
 *
 * Goal:   two threads never count in one place without atomics.
 * Method: more threads than numbers hold theirs at a barrier; numbers come back when threads end; a forked child
 *         forgets the threads it does not have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/thread_slot.h"

#define THREADS (THREAD_SLOT_COUNT + 10)

static pthread_barrier_t all_have_one;
static unsigned          slots[THREADS];

static void *hold_slot(void *argument)
{
    unsigned index = (unsigned)(uintptr_t)argument;
    slots[index] = thread_slot();
    pthread_barrier_wait(&all_have_one);
    pthread_barrier_wait(&all_have_one);
    return (void *)(uintptr_t)(thread_slot() == slots[index]);
}

static void hold_many(pthread_t threads[THREADS])
{
    pthread_barrier_init(&all_have_one, NULL, THREADS + 1);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_slot, (void *)(uintptr_t)i), 0);
    pthread_barrier_wait(&all_have_one);
}

static void let_go(pthread_t threads[THREADS])
{
    pthread_barrier_wait(&all_have_one);
    for (unsigned i = 0; i < THREADS; i++) {
        void *kept = NULL;
        pthread_join(threads[i], &kept);
        assert_non_null(kept);
    }
    pthread_barrier_destroy(&all_have_one);
}

static void no_two_living_threads_have_the_same_number_but_the_shared_one(void **state)
{
    (void)state;
    pthread_t threads[THREADS];

    for (unsigned round = 0; round < 3; round++) { /* Numbers that did not come back would run out. */
        unsigned users[THREAD_SLOT_COUNT] = { 0 };
        users[thread_slot()]++;
        hold_many(threads);
        for (unsigned i = 0; i < THREADS; i++)
            users[slots[i]]++;
        let_go(threads);
        for (unsigned slot = 0; slot < THREAD_SLOT_SHARED; slot++)
            assert_int_equal(users[slot], 1);
        assert_int_equal(users[THREAD_SLOT_SHARED], THREADS + 1 - THREAD_SLOT_SHARED);
    }
}

/* Runs in the child: 0 when there are numbers to give although the parent's threads held them all. Asked for without a
 * new thread, because the thread sanitizer cannot follow one that a forked child starts. */
static int child_has_numbers(unsigned own)
{
    if (thread_slot_assign() != THREAD_SLOT_SHARED)
        return 3; /* The control: they were all taken. */
    thread_slot_plus_one = (uint8_t)(own + 1);
    thread_slot_after_fork();
    if (thread_slot() != own)
        return 1;
    unsigned slot = thread_slot_assign();
    return slot < THREAD_SLOT_SHARED && slot != own ? 0 : 2;
}

static void a_child_gets_back_the_numbers_of_threads_that_it_does_not_have(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned  own = thread_slot();
    int       status = -1;

    hold_many(threads);
    pid_t child = fork();
    if (child == 0)
        _exit(child_has_numbers(own));
    assert_int_equal(waitpid(child, &status, 0), child);
    let_go(threads);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_living_threads_have_the_same_number_but_the_shared_one),
        cmocka_unit_test(a_child_gets_back_the_numbers_of_threads_that_it_does_not_have),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
