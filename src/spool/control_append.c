/* control_append.c -- puts one of the trail's records about itself into its own spool. */
#include "spool/control_append.h"

#include "event/control.h"
#include "event/event_wire.h"

/* Such a record has some hundred bytes of context; a long list of exclusions goes to the heap. */
#define STACK_SIZE 2048

enum trail_err control_encode(const char *action, const struct buf *context, int64_t now_us, struct buf *out)
{
    struct trail_event event;
    uint32_t           flags = 0;
    if (buf_failed(context))
        return TRAIL_ENOMEM;
    control_event(&event, action, buf_text(context), now_us);
    return event_encode(&event, 1, out, &flags);
}

enum trail_err control_append_then(struct spool *spool, const struct control_record *record)
{
    struct buf payload;
    char       storage[STACK_SIZE];
    uint64_t   seq = 0;

    buf_init(&payload, storage, sizeof storage);
    enum trail_err err = control_encode(record->action, record->context, record->now_us, &payload);
    if (err == TRAIL_OK) {
        struct spool_entry entry = {
            .payload = buf_text(&payload),
            .wall_us = record->now_us,
            .flags = TRAIL_FLAG_CONTROL,
            .control = true,
            .on_published = record->on_published,
            .published_context = record->published_context,
        };
        err = spool_append(spool, &entry, &seq, NULL);
    }
    buf_done(&payload);
    return err;
}

enum trail_err control_append(struct spool *spool, const char *action, const struct buf *context, int64_t now_us)
{
    return control_append_then(spool,
                               &(struct control_record){ .action = action, .context = context, .now_us = now_us });
}
