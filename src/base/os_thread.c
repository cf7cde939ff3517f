/* os_thread.c -- starts a background thread that stays out of the host's way, and makes the conditions it waits for. */
#include "base/os_thread.h"

#include <signal.h>
#include <time.h>

#include "base/err.h"

enum trail_err os_thread_start(pthread_t *ret_thread, const char *name, os_thread_fn main, void *argument,
                               struct trail_error *ret_error)
{
    sigset_t ours;
    sigset_t callers;

    /* A thread inherits the mask of its creator. What the processor itself raises must not be blocked. */
    sigfillset(&ours);
    sigdelset(&ours, SIGBUS);
    sigdelset(&ours, SIGSEGV);
    sigdelset(&ours, SIGFPE);
    sigdelset(&ours, SIGILL);
    pthread_sigmask(SIG_SETMASK, &ours, &callers);
    int failed = pthread_create(ret_thread, NULL, main, argument);
    pthread_sigmask(SIG_SETMASK, &callers, NULL);
    if (failed != 0)
        return error_set_sys(ret_error, TRAIL_EIO, failed, "cannot start the thread %s", name);
    pthread_setname_np(*ret_thread, name);
    return TRAIL_OK;
}

void os_condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}
