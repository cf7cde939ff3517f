/* image.h -- segments as a dead process leaves them, written frame by frame, and what a reader makes of them, as text.
 *
 * Thread: one owner.
 * Memory: segments are freed with segment_free().
 * Errors: aborts: without its image a test cannot tell anything.
 */
#ifndef TESTS_SUPPORT_IMAGE_H
#define TESTS_SUPPORT_IMAGE_H

#include "spool/reader.h"

#define IMAGE_SIZE (64u * 1024)
#define IMAGE_WALL_US INT64_C(1795500000000000)

/* A writer whose uuid is sixteen times `letter`, for the store whose URL hashes to sixteen times 'u'. */
struct spool_identity image_identity(char letter);

/* A mapped file <directory>/<number>.seg of IMAGE_SIZE bytes, activated at base_seq; 0: prepared and never used. */
struct segment *image_make(const char *directory, uint32_t number, uint64_t base_seq);

/* Append a frame with this payload; it is appended at IMAGE_WALL_US + seq. */
void image_put_payload(struct segment *segment, uint64_t seq, struct trail_text payload);

/* Append frames first .. last, payload "event <seq>". */
void image_put(struct segment *segment, uint64_t first, uint64_t last);

/* Append the frames of real events first .. last with this action. */
void image_put_events(struct segment *segment, uint64_t first, uint64_t last, const char *action);

/* Encode an event with this action into `out`; its size. */
size_t image_event(const char *action, char *out, size_t size);

/* Fill up to the next page boundary. */
void image_pad(struct segment *segment);

/* What a reader says: "1 2 [3-5] 6 [7..]": events, an exact gap, a gap with an open end. At most 100 events and gaps;
 * "!" at the end: it went on. */
#define IMAGE_TEXT_SIZE 2048
void image_read(struct reader *reader, char out[IMAGE_TEXT_SIZE]);

/* The same from the first segment on, for what a store does not have that stands at next_seq - 1. */
const char *image_read_from(const struct segment *first, uint64_t next_seq);

#endif
