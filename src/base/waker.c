/* waker.c -- lets one background thread sleep until there is work. */
#include "base/waker.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"

enum trail_err waker_init(struct waker *waker, struct trail_error *ret_error)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        waker->fd = -1;
        return error_set_sys(ret_error, TRAIL_EIO, errno, "cannot make an eventfd");
    }
    waker->fd = fd;
    waker->asleep = false;
    return TRAIL_OK;
}

void waker_done(struct waker *waker)
{
    if (waker->fd >= 0)
        close(waker->fd);
    waker->fd = -1;
}

void waker_prepare(struct waker *waker)
{
    __atomic_store_n(&waker->asleep, true, __ATOMIC_SEQ_CST);
}

void waker_cancel(struct waker *waker)
{
    __atomic_store_n(&waker->asleep, false, __ATOMIC_SEQ_CST);
}

void waker_sleep(struct waker *waker, uint32_t timeout_ms)
{
    struct pollfd wait = { .fd = waker->fd, .events = POLLIN };
    uint64_t      count;

    (void)poll(&wait, 1, timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX);
    __atomic_store_n(&waker->asleep, false, __ATOMIC_SEQ_CST);
    (void)!read(waker->fd, &count, sizeof count);
}

void waker_wake(struct waker *waker)
{
    const uint64_t one = 1;
    /* The exchange orders the caller's work before the look at `asleep`, as a load alone would not. */
    if (__atomic_exchange_n(&waker->asleep, false, __ATOMIC_SEQ_CST))
        (void)!write(waker->fd, &one, sizeof one);
}
