/* review.h -- decides whether a person must look at an event, when its caller did not say.
 *
 *     [event]  ->  policy  ->  spool  ->  drain  ->  store
 *
 * Yes for: confidential or restricted data; the delete of a server, tool, resource or gateway; a bulk delete;
 * a change of sensitive configuration.
 *
 * Thread: any.
 * Memory: allocates nothing.
 * Errors: none.
 */
#ifndef TRAIL_EVENT_REVIEW_H
#define TRAIL_EVENT_REVIEW_H

#include "audittrail.h"

/* `operation` is the effective one (given, or classified). Honours event->requires_review when it is set. */
bool review_required(const struct trail_event *event, enum trail_operation operation);

#endif
