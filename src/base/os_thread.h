/* os_thread.h -- starts a background thread that stays out of the host's way, and makes the conditions it waits for.
 *
 * Thread: any.
 * Memory: none.
 * Errors: TRAIL_EIO when the system has no more threads to give.
 */
#ifndef TRAIL_BASE_OS_THREAD_H
#define TRAIL_BASE_OS_THREAD_H

#include <pthread.h>

#include "audittrail.h"

typedef void *(*os_thread_fn)(void *argument);

/* Start a thread that receives none of the host's signals. `name`: at most 15 characters. */
TRAIL_MUST_CHECK enum trail_err os_thread_start(pthread_t *ret_thread, const char *name, os_thread_fn main,
                                                void *argument, struct trail_error *ret_error);

/* Make a condition that is waited for by the monotonic clock: until a clock_deadline(). */
void os_condition_init(pthread_cond_t *condition);

#endif
