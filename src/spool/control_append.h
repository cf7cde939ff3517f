/* control_append.h -- puts one of the trail's records about itself into its own spool.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * Whoever has something to say (started, stopped, recovered, events lost, policy changed, retention applied) says it
 * through here. Such a record may use the room that ordinary events leave to it in a full spool.
 *
 * Thread: any.
 * Memory: the context is borrowed for the call.
 * Errors: TRAIL_EFULL, TRAIL_EIO, TRAIL_ENOMEM; nothing was appended then.
 */
#ifndef TRAIL_SPOOL_CONTROL_APPEND_H
#define TRAIL_SPOOL_CONTROL_APPEND_H

#include "base/buf.h"
#include "spool/spool.h"

/* Append the record `action` (event/control.h) with this JSON object as its context. A context that ran out of memory
 * is TRAIL_ENOMEM. */
TRAIL_MUST_CHECK enum trail_err control_append(struct spool *spool, const char *action, const struct buf *context,
                                               int64_t now_us);

struct control_record {
    const char       *action;
    const struct buf *context;
    int64_t           now_us;
    void (*on_published)(void *context); /* As in struct spool_entry. */
    void *published_context;
};

/* The same for a record that something takes effect with: no event that is accepted afterwards stands before it, and
 * none that was accepted before comes after. */
TRAIL_MUST_CHECK enum trail_err control_append_then(struct spool *spool, const struct control_record *record);

/* The payload of such a record, for a spool that is not open yet. */
TRAIL_MUST_CHECK enum trail_err control_encode(const char *action, const struct buf *context, int64_t now_us,
                                               struct buf *out);

#endif
