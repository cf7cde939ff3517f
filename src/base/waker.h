/* waker.h -- lets one background thread sleep until there is work, and lets callers wake it cheaply.
 *
 * Sleeping is a poll() on an eventfd with a relative timeout. The sleeper announces itself before it looks for work
 * a last time, so a caller that finds nobody asleep pays one load and no system call.
 *
 *     sleeper:  waker_prepare(); if (work) waker_cancel(); else waker_sleep();
 *     caller:   make the work visible; waker_wake();
 *
 * Thread: one sleeper; any number of callers.
 * Memory: a plain value; waker_done() closes the descriptor.
 * Errors: opening only.
 */
#ifndef TRAIL_BASE_WAKER_H
#define TRAIL_BASE_WAKER_H

#include "audittrail.h"

struct waker {
    int  fd;     /* eventfd, -1 when closed. */
    bool asleep; /* Atomic: the sleeper is (about to be) in poll(). */
};

TRAIL_MUST_CHECK enum trail_err waker_init(struct waker *waker, struct trail_error *ret_error);
void                            waker_done(struct waker *waker);

/* Announce that the sleeper is going to sleep; then look for work once more. */
void waker_prepare(struct waker *waker);
void waker_cancel(struct waker *waker);

/* Sleep until woken or for at most timeout_ms. */
void waker_sleep(struct waker *waker, uint32_t timeout_ms);

/* Wake the sleeper if it sleeps. */
void waker_wake(struct waker *waker);

#endif
