/* operation.h -- what kind of thing was done, found from an action's name, and which levels take it.
 *
 *     [event]  ->  policy  ->  spool  ->  drain  ->  store
 *
 * Actions are free-form names (`create_tool`, `tools/call`, `health_check`). A name is taken apart at `_`
 * and everything treated like it (`.` `/` `-`, case ignored), then: the verb in front, a verb behind it, the last word
 * (operation.c has the rules). What says nothing becomes `other`, which every level from mutations_only up
 * takes: never lost for want of a name.
 *
 * Thread: any; the tables are constant.
 * Memory: allocates nothing.
 * Errors: none.
 */
#ifndef TRAIL_EVENT_OPERATION_H
#define TRAIL_EVENT_OPERATION_H

#include "audittrail.h"

/* The operation that an action's name tells of; TRAIL_OPERATION_OTHER if it tells nothing. */
enum trail_operation operation_classify(struct trail_text action);

/* True when a word of the action says that it is done to many at once: `bulk`, `batch`, `all`. */
bool action_is_bulk(struct trail_text action);

/* Names as they are written in settings, NDJSON, SQL. NULL / false for what is out of range or unknown.
 * Names are compared without case. AUTO has no name; the classification NONE is the empty name. */
const char *operation_name(enum trail_operation operation);
bool        operation_from_name(struct trail_text name, enum trail_operation *ret_operation);
const char *outcome_name(enum trail_outcome outcome);
bool        outcome_from_name(struct trail_text name, enum trail_outcome *ret_outcome);
const char *classification_name(enum trail_classification classification);
bool        classification_from_name(struct trail_text name, enum trail_classification *ret_classification);
const char *level_name(enum trail_level level);
bool        level_from_name(struct trail_text name, enum trail_level *ret_level);

/* The operations that a level takes, as bits 1 << operation. FAILURES_ONLY takes every operation; it
 * looks at the outcome instead. */
uint32_t level_operations(enum trail_level level);

/* True when the level alone would keep an event of this operation and outcome. */
bool level_takes(enum trail_level level, enum trail_operation operation, enum trail_outcome outcome);

/* The narrowest of deletes_only, mutations_only, writes_only, all that takes the operation. */
enum trail_level level_of_operation(enum trail_operation operation);

#endif
