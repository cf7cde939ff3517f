/* interrupt.c -- notices SIGINT and SIGTERM, so that a command can end in order. */
#include "cli/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static volatile sig_atomic_t signal_count;   /* mutable: what a handler can change is at file scope */
static int                   signal_fd = -1; /* mutable: likewise; set before the handler is */

static void on_signal(int number)
{
    static const uint64_t one = 1;
    int                   saved = errno;

    (void)number;
    if (signal_count < 100)
        signal_count = signal_count + 1;
    if (signal_fd >= 0) {
        /* Nobody reads it, so it stays readable; should its counter be full, it is readable already. */
        ssize_t written = write(signal_fd, &one, sizeof one);
        (void)written;
    }
    errno = saved;
}

void interrupt_install(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal; /* No SA_RESTART: a blocking call must come back. */
    sigemptyset(&action.sa_mask);

    signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int interrupt_count(void)
{
    return signal_count;
}

int interrupt_fd(void)
{
    return signal_fd;
}
