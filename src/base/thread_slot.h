/* thread_slot.h -- gives each living thread a small number of its own, so that it can count without sharing.
 *
 * A counter that one thread alone writes costs 0.4 ns; one that threads share costs 6-23 ns (measured). So every set
 * of counters in the product has THREAD_SLOT_COUNT places, and a thread always uses the place of its number. A number
 * is given at the thread's first use and goes back when the thread ends. Threads beyond the numbers
 * share the last place, with atomic additions.
 *
 * Thread: any.
 * Memory: process-wide, static; survives fork() (the child keeps its one thread's number).
 * Errors: none.
 */
#ifndef TRAIL_BASE_THREAD_SLOT_H
#define TRAIL_BASE_THREAD_SLOT_H

#include <stdint.h>

/* One u64 says which are taken. 63 threads that record at once are more than any host runs on its cores. */
#define THREAD_SLOT_COUNT 64
#define THREAD_SLOT_SHARED (THREAD_SLOT_COUNT - 1)

/* Plus one, so that zero means "none yet". */
extern __thread uint8_t thread_slot_plus_one __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Give the calling thread its number. */
unsigned thread_slot_assign(void);

/* The calling thread's number, 0 .. THREAD_SLOT_COUNT - 1. */
static inline unsigned thread_slot(void)
{
    unsigned plus_one = thread_slot_plus_one;
    return plus_one != 0 ? plus_one - 1 : thread_slot_assign();
}

/* Forget the threads that did not survive fork(). Call in the child, before it has other threads. */
void thread_slot_after_fork(void);

#endif
