/* records.c -- the drain's records about what it did besides storing: losses, spools taken over, clean-ups. */
#include "drain/records.h"

#include <inttypes.h>

#include "event/control.h"
#include "spool/control_append.h"

void record_loss(struct spool *spool, struct losses *losses, int64_t now_us)
{
    struct buf  context;
    struct loss loss;
    char        storage[RECORD_LOSS_BYTES];

    if (!losses_take(losses, &loss))
        return;
    buf_init(&context, storage, sizeof storage);
    loss_describe(&loss, &context);
    if (control_append(spool, CONTROL_EVENTS_LOST, &context, now_us) != TRAIL_OK)
        losses_put_back(losses, &loss);
    buf_done(&context);
}

void record_recovery(struct spool *spool, const struct adopt_report *report, int64_t now_us)
{
    struct buf context;
    char       storage[512];
    char       writer[UUID_TEXT_SIZE];

    uuid_format(&report->identity.writer, writer);
    buf_init(&context, storage, sizeof storage);
    buf_printf(&context,
               "{\"writer\":\"%s\",\"pid\":%" PRIu32 ",\"events\":%" PRIu64 ",\"gaps\":%" PRIu64
               ",\"quarantined_segments\":%" PRIu64 ",\"system_restarted\":%s}",
               writer, report->identity.pid, report->events, report->gaps, report->quarantined,
               report->other_boot ? "true" : "false");
    (void)!control_append(spool, CONTROL_RECOVERED, &context, now_us);
    buf_done(&context);
}

void record_retention(struct spool *spool, const struct retention_report *report, int64_t now_us)
{
    struct buf context;
    char       storage[768];

    buf_init(&context, storage, sizeof storage);
    retention_describe(report, &context);
    (void)!control_append(spool, CONTROL_RETENTION_APPLIED, &context, now_us);
    buf_done(&context);
}
