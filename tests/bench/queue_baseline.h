/* queue_baseline.h -- what a service writes when it has no audit library: a queue under a mutex.
 *
 * Each field is copied with strndup(), the event is linked to a list under a mutex, a condition variable wakes one
 * consumer thread, which writes a line of text per event to a file. The gateway's MetricsBufferService, in C.
 *
 * Thread: queue_push() from any thread.
 * Memory: owns copies of everything.
 * Errors: end the program.
 * Crash:  everything that was not written yet is lost.
 */
#ifndef TRAIL_TESTS_QUEUE_BASELINE_H
#define TRAIL_TESTS_QUEUE_BASELINE_H

#include "audittrail.h"

struct queue;

/* Write to <directory>/queue.log. */
struct queue *queue_open(const char *directory);
void          queue_push(struct queue *queue, const struct trail_event *event);
void          queue_close(struct queue *queue);

#endif
