/* image.c -- segments as a dead process leaves them, and what a reader makes of them, as text. */
#include "support/image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "event/event_wire.h"

#define ITEMS_MAX 100

struct spool_identity image_identity(char letter)
{
    struct spool_identity identity = {
        .destination_kind = SPOOL_DESTINATION_URL,
        .pid = 4711,
        .started_us = IMAGE_WALL_US,
        .service = "image",
    };
    memset(identity.writer.bytes, letter, sizeof identity.writer.bytes);
    memset(identity.destination.bytes, 'u', sizeof identity.destination.bytes);
    return identity;
}

struct segment *image_make(const char *directory, uint32_t number, uint64_t base_seq)
{
    struct trail_error    error;
    struct segment       *segment = NULL;
    struct spool_identity identity = image_identity('w');
    if (segment_create(&segment, directory, number, IMAGE_SIZE, &error) != TRAIL_OK) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    if (base_seq != 0)
        segment_activate(segment, &identity, base_seq, IMAGE_WALL_US);
    return segment;
}

void image_put_payload(struct segment *segment, uint64_t seq, struct trail_text payload)
{
    struct frame frame = {
        .seq = seq, .wall_us = IMAGE_WALL_US + (int64_t)seq, .type = FRAME_EVENT, .payload = payload
    };
    frame_write(&segment->area, segment->tail, &frame, crc32c(0, payload.data, payload.size));
    segment->tail += frame_size(payload.size);
    segment->last_seq = seq;
}

void image_put(struct segment *segment, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++) {
        char text[32];
        snprintf(text, sizeof text, "event %" PRIu64, seq);
        image_put_payload(segment, seq, trail_str(text));
    }
}

size_t image_event(const char *action, char *out, size_t size)
{
    struct trail_event event = {
        TRAIL_EVENT_INIT,
        .timestamp_us = IMAGE_WALL_US,
        .operation = TRAIL_OPERATION_CREATE,
        .requires_review = TRAIL_REVIEW_NO,
        .action = trail_str(action),
        .resource_type = TRAIL_TEXT("tool"),
        .user_id = TRAIL_TEXT("alice"),
    };
    struct buf buf;
    uint32_t   flags = 0;
    buf_init(&buf, out, size);
    if (event_encode(&event, 1, &buf, &flags) != TRAIL_OK || buf.on_heap)
        abort();
    return buf.size;
}

void image_put_events(struct segment *segment, uint64_t first, uint64_t last, const char *action)
{
    char   bytes[512];
    size_t size = image_event(action, bytes, sizeof bytes);
    for (uint64_t seq = first; seq <= last; seq++)
        image_put_payload(segment, seq, (struct trail_text){ bytes, size });
}

void image_pad(struct segment *segment)
{
    size_t end = (segment->tail + FRAME_HEADER_SIZE + SPOOL_PAGE_SIZE - 1) & ~(size_t)(SPOOL_PAGE_SIZE - 1);
    frame_write_pad(&segment->area, segment->tail, end, IMAGE_WALL_US);
    segment->tail = end;
}

void image_read(struct reader *reader, char out[IMAGE_TEXT_SIZE])
{
    struct frame      frame;
    struct reader_gap gap;
    size_t            size = 0;

    out[0] = '\0';
    for (unsigned item = 0; item < ITEMS_MAX; item++) {
        enum reader_result result = reader_next(reader, &frame, &gap);
        const char        *space = item > 0 ? " " : "";
        if (result == READER_END)
            return;
        if (result == READER_EVENT)
            size += (size_t)snprintf(out + size, IMAGE_TEXT_SIZE - size, "%s%" PRIu64, space, frame.seq);
        else if (gap.open_end)
            size += (size_t)snprintf(out + size, IMAGE_TEXT_SIZE - size, "%s[%" PRIu64 "..]", space, gap.first);
        else
            size += (size_t)snprintf(out + size, IMAGE_TEXT_SIZE - size, "%s[%" PRIu64 "-%" PRIu64 "]", space,
                                     gap.first, gap.last);
    }
    snprintf(out + size, IMAGE_TEXT_SIZE - size, "!");
}

const char *image_read_from(const struct segment *first, uint64_t next_seq)
{
    static char   text[IMAGE_TEXT_SIZE];
    struct reader reader;
    reader_init(&reader, first, next_seq);
    image_read(&reader, text);
    return text;
}
