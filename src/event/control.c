/* control.c -- the trail's records about itself. */
#include "event/control.h"

void control_event(struct trail_event *ret_event, const char *action, struct trail_text context, int64_t now_us)
{
    *ret_event = (struct trail_event){
        TRAIL_EVENT_INIT,
        .timestamp_us = now_us,
        .operation = TRAIL_OPERATION_AUDIT,
        .requires_review = TRAIL_REVIEW_NO,
        .action = trail_str(action),
        .resource_type = TRAIL_TEXT("audit_trail"),
        .user_id = TRAIL_TEXT("system"),
        .context = context,
    };
}
