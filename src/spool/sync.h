/* sync.h -- the thread that writes a spool's pages to the disk and prepares what the appender needs next.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * Thread: sync_main() is the thread; the spool starts and joins it.
 * Memory: none of its own.
 * Errors: a failed sync seals the segment and is told to on_notice; it is never retried as if it could succeed: after a
 *         failed write-back the kernel may have dropped the pages and report success next time.
 */
#ifndef TRAIL_SPOOL_SYNC_H
#define TRAIL_SPOOL_SYNC_H

/* Runs until the spool is stopping, then syncs a last time. `argument` is a struct spool. */
void *sync_main(void *argument);

#endif
