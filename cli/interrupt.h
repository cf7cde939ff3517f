/* interrupt.h -- notices SIGINT and SIGTERM, so that a command can end in order.
 *
 * The first signal asks to stop taking in more; a second one asks to stop waiting as well.
 *
 * Thread: interrupt_install() once, on the main thread; the rest from any.
 * Memory: none.
 * Errors: without an eventfd a signal is noticed only between two reads.
 */
#ifndef AUDITTRAIL_CLI_INTERRUPT_H
#define AUDITTRAIL_CLI_INTERRUPT_H

void interrupt_install(void);

/* How many signals came. */
int interrupt_count(void);

/* Readable from the first signal on; -1 if there is none. */
int interrupt_fd(void);

#endif
