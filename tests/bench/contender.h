/* contender.h -- something that takes events from callers: our trail, or what it is measured beside.
 *
 * Thread: open() and close() on one thread, record() on any between them.
 * Memory: record() copies what it needs of the event.
 * Errors: whatever fails ends the program.
 */
#ifndef TRAIL_TESTS_CONTENDER_H
#define TRAIL_TESTS_CONTENDER_H

#include "audittrail.h"

#ifdef __cplusplus
extern "C" {
#endif

struct contender {
    const char *name;
    /* Whatever it writes goes into `directory`. `settings` (may be NULL) are for the trail only. */
    void *(*open)(const char *directory, const char *const *settings);
    void (*record)(void *context, const struct trail_event *event);
    /* Returns when everything that was recorded is written. */
    void (*close)(void *context);
};

extern const struct contender contender_trail;
extern const struct contender contender_queue;
extern const struct contender contender_spdlog; /* Only where spdlog is installed. */

/* By name; ends the program when there is no such one. */
const struct contender *contender_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif
