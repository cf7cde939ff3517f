/* frame.c -- writes and checks one frame of a segment. */
#include "spool/frame.h"

#include <assert.h>
#include <string.h>

#include "base/crc32c.h"

static size_t aligned(size_t size)
{
    return (size + FRAME_ALIGNMENT - 1) & ~(size_t)(FRAME_ALIGNMENT - 1);
}

size_t frame_size(size_t payload_size)
{
    return aligned(FRAME_HEADER_SIZE + payload_size);
}

static uint32_t header_crc(uint32_t payload_crc, const struct frame_header *header)
{
    uint8_t bytes[FRAME_HEADER_SIZE - sizeof header->crc];
    memcpy(bytes, &header->length, sizeof header->length);
    memcpy(bytes + sizeof header->length, &header->seq, sizeof bytes - sizeof header->length);
    return crc32c(payload_crc, bytes, sizeof bytes);
}

/* Everything but the length, then the length: only with it the frame exists. */
static void publish(uint8_t *at, const struct frame_header *header)
{
    memcpy(at + sizeof header->length, &header->crc, FRAME_HEADER_SIZE - sizeof header->length);
    __atomic_store_n((uint32_t *)(void *)at, header->length, __ATOMIC_RELEASE);
}

void frame_write(const struct frame_area *area, size_t offset, const struct frame *frame, uint32_t payload_crc)
{
    assert(offset % FRAME_ALIGNMENT == 0);
    assert(offset >= SPOOL_PAGE_SIZE && offset + frame_size(frame->payload.size) <= area->size);
    assert(frame->type == FRAME_EVENT && frame->seq > 0);

    struct frame_header header = {
        .length = (uint32_t)(FRAME_HEADER_SIZE + frame->payload.size),
        .seq = frame->seq,
        .position = area->nonce ^ offset,
        .wall_us = frame->wall_us,
        .type = FRAME_EVENT,
        .flags = frame->flags,
    };
    header.crc = header_crc(payload_crc, &header);
    if (frame->payload.size > 0)
        memcpy(area->map + offset + FRAME_HEADER_SIZE, frame->payload.data, frame->payload.size);
    publish(area->map + offset, &header);
}

void frame_write_pad(const struct frame_area *area, size_t offset, size_t end, int64_t wall_us)
{
    assert(offset % FRAME_ALIGNMENT == 0 && end % FRAME_ALIGNMENT == 0);
    assert(end >= offset + FRAME_HEADER_SIZE && end <= area->size);

    struct frame_header header = {
        .length = (uint32_t)(end - offset),
        .position = area->nonce ^ offset,
        .wall_us = wall_us,
        .type = FRAME_PAD,
    };
    header.crc = header_crc(0, &header);
    publish(area->map + offset, &header);
}

enum frame_state frame_read(const struct frame_area *area, size_t offset, struct frame *ret_frame, size_t *ret_next)
{
    struct frame_header header;

    assert(offset % FRAME_ALIGNMENT == 0);
    if (offset + FRAME_HEADER_SIZE > area->size)
        return FRAME_ABSENT;
    header.length = __atomic_load_n((const uint32_t *)(const void *)(area->map + offset), __ATOMIC_ACQUIRE);
    if (header.length == 0)
        return FRAME_ABSENT;
    memcpy(&header.crc, area->map + offset + sizeof header.length, FRAME_HEADER_SIZE - sizeof header.length);

    if (header.length < FRAME_HEADER_SIZE || header.length > area->size - offset ||
        header.position != (area->nonce ^ offset))
        return FRAME_INVALID;
    bool              is_event = header.type == FRAME_EVENT && header.seq > 0 && header.seq <= FRAME_SEQ_MAX;
    bool              is_pad = header.type == FRAME_PAD && header.seq == 0;
    const char       *payload = (const char *)area->map + offset + FRAME_HEADER_SIZE;
    struct trail_text covered = { payload, is_event ? header.length - FRAME_HEADER_SIZE : 0 };
    if ((!is_event && !is_pad) || header_crc(crc32c(0, covered.data, covered.size), &header) != header.crc)
        return FRAME_INVALID;

    *ret_frame = (struct frame){
        .seq = header.seq,
        .wall_us = header.wall_us,
        .type = is_event ? FRAME_EVENT : FRAME_PAD,
        .flags = header.flags,
        .payload = covered,
    };
    *ret_next = offset + aligned(header.length);
    return FRAME_VALID;
}

/* True for a whole page of zeros at a page boundary. No frame begins in one: its length would not be 0. */
static bool is_empty_page(const struct frame_area *area, size_t at)
{
    const uint8_t *page = area->map + at;
    return at % SPOOL_PAGE_SIZE == 0 && at + SPOOL_PAGE_SIZE <= area->size && page[0] == 0 &&
           memcmp(page, page + 1, SPOOL_PAGE_SIZE - 1) == 0;
}

size_t frame_find(const struct frame_area *area, size_t offset)
{
    struct frame frame;
    size_t       next;
    size_t       at = aligned(offset);
    while (at + FRAME_HEADER_SIZE <= area->size) {
        uint64_t position;
        if (is_empty_page(area, at)) { /* Most of a segment that its owner did not live to fill. */
            at += SPOOL_PAGE_SIZE;
            continue;
        }
        memcpy(&position, area->map + at + offsetof(struct frame_header, position), sizeof position);
        if (position == (area->nonce ^ at) && frame_read(area, at, &frame, &next) == FRAME_VALID)
            return at;
        at += FRAME_ALIGNMENT;
    }
    return 0;
}
