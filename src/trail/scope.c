/* scope.c -- the guard: an operation and its outcome as one event. */
#include "base/err.h"
#include "trail/trail_state.h"

void trail_begin(struct trail_scope *scope, struct trail *trail, const struct trail_event *event)
{
    struct trail_event        storage;
    const struct trail_event *wide = event != NULL ? event_widen(event, &storage) : NULL;

    scope->trail = trail;
    /* What is no event has size 0 from here on: trail_end() will say so. */
    scope->event = wide != NULL ? *wide : (struct trail_event){ 0 };
    scope->event.outcome = TRAIL_OUTCOME_UNKNOWN;
}

enum trail_err trail_end(struct trail_scope *scope, enum trail_outcome outcome, struct trail_text error_message)
{
    struct trail *trail = scope->trail;
    if (trail == NULL)
        return TRAIL_OK;

    scope->trail = NULL;
    scope->event.outcome = outcome;
    if (error_message.size > 0)
        scope->event.error_message = error_message;
    return trail_record(trail, &scope->event, NULL, NULL);
}

void trail_scope_done(struct trail_scope *scope)
{
    if (scope->trail != NULL)
        (void)trail_end(scope, TRAIL_OUTCOME_UNKNOWN, (struct trail_text){ 0 });
}
