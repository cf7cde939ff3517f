/* batch.c -- events read from a spool that will be stored together. */
#include "drain/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drain/changes.h"
#include "event/control.h"
#include "event/event_wire.h"

void batch_init(struct batch *batch, size_t changes_bytes_max)
{
    *batch = (struct batch){ .changes_bytes_max = changes_bytes_max };
    buf_init(&batch->derived, NULL, 0);
}

void batch_done(struct batch *batch)
{
    if (batch == NULL)
        return;
    free(batch->records);
    free(batch->covers);
    arena_done(&batch->arena);
    buf_done(&batch->derived);
    *batch = (struct batch){ 0 };
}

static bool grow(struct batch *batch)
{
    if (batch->record_count < batch->capacity)
        return true;
    size_t               capacity = batch->capacity == 0 ? 64 : batch->capacity * 2;
    struct event_record *records = realloc(batch->records, capacity * sizeof *records);
    if (records == NULL)
        return false;
    batch->records = records;
    uint64_t *covers = realloc(batch->covers, capacity * sizeof *covers);
    if (covers == NULL)
        return false;
    batch->covers = covers;
    batch->capacity = capacity;
    return true;
}

static void add(struct batch *batch, const struct event_record *record, uint64_t covers)
{
    batch->records[batch->record_count] = *record;
    batch->covers[batch->record_count] = covers;
    batch->record_count++;
    batch->last_seq = covers;
}

/* What is missing becomes a record of its own, in the place of the first event that is missing. */
static bool add_gap(struct batch *batch, const struct reader_gap *gap, int64_t now_us, const char *reason)
{
    char                text[192];
    struct event_record record = { .seq = gap->first, .flags = TRAIL_FLAG_CONTROL, .weight = 1 };

    int size =
        gap->open_end
            ? snprintf(text, sizeof text, "{\"reason\":\"%s\",\"after_seq\":%" PRIu64 "}", reason, gap->first - 1)
            : snprintf(text, sizeof text,
                       "{\"reason\":\"%s\",\"first_seq\":%" PRIu64 ",\"last_seq\":%" PRIu64 ",\"count\":%" PRIu64 "}",
                       reason, gap->first, gap->last, gap->last - gap->first + 1);
    struct trail_text context = arena_copy(&batch->arena, (struct trail_text){ text, (size_t)size });
    if (context.data == NULL)
        return false;
    control_event(&record.event, CONTROL_EVENTS_LOST, context, gap->not_after_us != 0 ? gap->not_after_us : now_us);
    add(batch, &record, gap->last);
    batch->gap_count++;
    return true;
}

/* An update whose changes cannot be worked out, for want of memory or room, is stored without them. */
static void derive_changes(struct batch *batch, struct event_record *record)
{
    enum changes_verdict verdict = CHANGES_NONE;
    buf_clear(&batch->derived);
    if (changes_derive(&record->event, batch->changes_bytes_max, &batch->derived, &verdict) != TRAIL_OK)
        return;
    if (verdict == CHANGES_DERIVED)
        record->event.changes = arena_copy(&batch->arena, buf_text(&batch->derived));
    if (verdict == CHANGES_CUT)
        record->flags |= TRAIL_FLAG_TRUNCATED;
}

static bool add_event(struct batch *batch, const struct frame *frame)
{
    struct event_record record;
    if (event_decode(frame->payload, &record) != TRAIL_OK) {
        struct reader_gap gap = { .first = frame->seq, .last = frame->seq, .not_after_us = frame->wall_us };
        return add_gap(batch, &gap, frame->wall_us, "unreadable");
    }
    record.seq = frame->seq;
    record.flags = frame->flags;
    derive_changes(batch, &record);
    add(batch, &record, frame->seq);
    batch->payload_bytes += frame->payload.size;
    return true;
}

enum trail_err batch_fill(struct batch *batch, struct reader *reader, size_t events_max, int64_t now_us)
{
    struct frame      frame;
    struct reader_gap gap;
    size_t            limit = events_max < BATCH_EVENTS_MAX ? events_max : BATCH_EVENTS_MAX;

    arena_clear(&batch->arena);
    batch->record_count = 0;
    batch->payload_bytes = 0;
    batch->gap_count = 0;
    batch->first_seq = reader->next_seq;
    batch->last_seq = reader->next_seq - 1;

    while (batch->record_count < limit && batch->payload_bytes < BATCH_BYTES_MAX) {
        struct reader before = *reader;
        if (!grow(batch))
            return batch->record_count > 0 ? TRAIL_OK : TRAIL_ENOMEM;
        enum reader_result result = reader_next(reader, &frame, &gap);
        if (result == READER_END)
            break;
        bool added = result == READER_EVENT ? add_event(batch, &frame) : add_gap(batch, &gap, now_us, "damaged");
        if (!added) {
            *reader = before;
            return batch->record_count > 0 ? TRAIL_OK : TRAIL_ENOMEM;
        }
    }
    return TRAIL_OK;
}

uint64_t batch_ordinary_events(const struct batch *batch, uint64_t after_seq, uint64_t last_seq)
{
    uint64_t count = 0;
    for (size_t i = 0; i < batch->record_count && batch->records[i].seq <= last_seq; i++) {
        if (batch->records[i].seq > after_seq && (batch->records[i].flags & TRAIL_FLAG_CONTROL) == 0)
            count++;
    }
    return count;
}
