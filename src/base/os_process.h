/* os_process.h -- which process, boot and host this is: who wrote a spool, told to those who find it.
 *
 * Thread: any.
 * Memory: allocates nothing.
 * Errors: none; what cannot be found out is zero or empty.
 */
#ifndef TRAIL_BASE_OS_PROCESS_H
#define TRAIL_BASE_OS_PROCESS_H

#include "base/uuid.h"

#define OS_HOST_SIZE 65

/* This boot of the operating system: another one means that the page cache was lost in between. */
struct uuid os_boot_id(void);

/* When this process started, in clock ticks since boot: with the pid it names a process for good. */
uint64_t os_process_start_ticks(void);

/* The host's name, NUL-terminated. */
void os_host_name(char out[OS_HOST_SIZE]);

#endif
