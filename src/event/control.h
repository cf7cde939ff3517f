/* control.h -- the trail's records about itself: started, stopped, recovered, events lost, policy changed, and so on.
 *
 *     [event]  ->  policy  ->  spool  ->  drain  ->  store
 *
 * They are ordinary events with operation `audit`, done by `system` to the resource type `audit_trail`, and flagged as
 * control records. No policy refuses them.
 *
 * Thread: any.
 * Memory: borrows the context.
 * Errors: none.
 */
#ifndef TRAIL_EVENT_CONTROL_H
#define TRAIL_EVENT_CONTROL_H

#include "event/event.h"

#define CONTROL_STARTED "trail_started"
#define CONTROL_STOPPED "trail_stopped"
#define CONTROL_RECOVERED "trail_recovered"
#define CONTROL_EVENTS_LOST "events_lost"
#define CONTROL_POLICY_CHANGED "policy_changed"
#define CONTROL_RETENTION_APPLIED "retention_applied"

/* Fill in a control record. `action` is one of the names above; `context` a JSON object. */
void control_event(struct trail_event *ret_event, const char *action, struct trail_text context, int64_t now_us);

#endif
