/* own_record.c -- records what the trail does to itself, for the parts of it that have no spool at hand. */
#include "trail/own_record.h"

#include "base/err.h"
#include "spool/control_append.h"
#include "trail/trail_state.h"

enum trail_err trail_record_control(struct trail *trail, const char *action, const struct buf *context,
                                    struct trail_error *ret_error)
{
    struct trail_error error = { 0 };

    if (trail_policy_now(trail) == NULL && trail_live_now(trail) == NULL)
        return error_set(ret_error, TRAIL_REFUSED, 0, "the audit trail is disabled");
    (void)fork_unnoticed(trail);
    struct live *live = trail_live(trail, &error);
    if (live == NULL) {
        if (ret_error != NULL)
            *ret_error = error;
        return error.code;
    }
    enum trail_err err = control_append(live->spool, action, context, clock_wall_us(trail->clock));
    if (err != TRAIL_OK)
        return error_set(ret_error, err, 0, "cannot record %s: %s", action, trail_strerror(err));
    drain_note_appended(live->drain);
    return TRAIL_OK;
}
