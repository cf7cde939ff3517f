/* frame.h -- writes and checks one frame of a segment.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * Thread: frame_write() under the spool's lock; frame_read() from any thread, also while later frames are written:
 *         a frame exists from the moment its length is published.
 * Memory: a frame that was read borrows its payload from the segment.
 * Errors: none; a frame is valid, absent or invalid.
 * Crash:  a process killed inside frame_write() leaves no frame: the length is stored last.
 */
#ifndef TRAIL_SPOOL_FRAME_H
#define TRAIL_SPOOL_FRAME_H

#include "spool/format.h"

struct frame {
    uint64_t          seq;
    int64_t           wall_us;
    enum frame_type   type;
    uint16_t          flags;
    struct trail_text payload;
};

/* Where a segment's frames lie: its mapping and what makes positions in it unique. */
struct frame_area {
    uint8_t *map;
    size_t   size; /* Bytes that may be read or written. */
    uint64_t nonce;
};

enum frame_state { FRAME_VALID, FRAME_ABSENT, FRAME_INVALID };

/* Bytes that a frame with such a payload takes in the segment. */
size_t frame_size(size_t payload_size);

/* Write a frame at `offset`. `payload_crc` is crc32c(0, payload): it is computed outside the lock, and only
 * extended here. */
void frame_write(const struct frame_area *area, size_t offset, const struct frame *frame, uint32_t payload_crc);

/* Write a pad frame from `offset` up to `end`, at least FRAME_HEADER_SIZE further on. */
void frame_write_pad(const struct frame_area *area, size_t offset, size_t end, int64_t wall_us);

/* Look at the frame at `offset`; when it is valid, *ret_frame and *ret_next (the offset behind it) are set. */
enum frame_state frame_read(const struct frame_area *area, size_t offset, struct frame *ret_frame, size_t *ret_next);

/* The offset of the next valid frame at or behind `offset`, or 0 if there is none. */
size_t frame_find(const struct frame_area *area, size_t offset);

#endif
