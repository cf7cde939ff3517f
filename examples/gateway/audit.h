/* audit.h -- every audit call of the gateway: one event per request, with the outcome it really had.
 *
 *     audit_begin()   who wants to do what to which resource
 *     ...             the handler does it, and notes what it learned in call->facts
 *     audit_end()     how it ended, as the response will say it
 *
 * Together with the opening and closing in main.c and the numbers in metrics.c this is all that a service needs.
 * The response does not depend on it: when auditing fails, the code is counted and the client is answered.
 *
 * Thread: as the call.
 * Memory: the scope borrows the call's texts until audit_end().
 * Errors: none come back; metrics hold them, and the first of each kind goes to stderr.
 */
#ifndef GATEWAY_AUDIT_H
#define GATEWAY_AUDIT_H

#include "call.h"

#include <audittrail.h>

void audit_begin(struct trail_scope *scope, const struct call *call);
void audit_end(struct trail_scope *scope, const struct call *call);

#endif
