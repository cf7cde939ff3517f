/* segment.h -- one mapped file of frames, and the list of them that is a spool.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * A segment is created empty (prepared), activated with its first seq, filled, sealed and at last unlinked. Segments of
 * one writer form a list in ascending order; `next` and `sealed` are published with release, so that
 * a reader follows the list without the appender's lock.
 *
 * Thread: as said at each function; a segment is freed by the thread that drains it.
 * Memory: segment_free() unmaps; the file stays unless segment_unlink() was called.
 * Errors: creating and opening; nothing is left behind when they fail.
 * Crash:  the file and its name are on the disk when segment_create() returns.
 */
#ifndef TRAIL_SPOOL_SEGMENT_H
#define TRAIL_SPOOL_SEGMENT_H

#include "base/os_file.h"
#include "spool/frame.h"

/* So much of a new segment is writable without a page fault, while it is new. */
#define SEGMENT_TOUCHED_BYTES (256u * 1024)

struct segment {
    struct frame_area area;
    struct segment   *next;     /* Atomic; the segment that follows, NULL so far. */
    size_t            tail;     /* Appender: where the next frame goes. */
    size_t            synced;   /* Sync thread: everything before it is on the disk. */
    uint64_t          base_seq; /* Of its first event. */
    uint64_t          last_seq; /* Appender: of its last event; base_seq - 1 while it has none. */
    uint32_t          number;
    bool              sealed;    /* Atomic: nothing is appended any more. */
    bool              failed;    /* The disk refused to sync it. */
    bool              cut_short; /* Opened: the file is shorter than its header says. */
    char              path[OS_PATH_SIZE];
};

/* Create the file <directory>/<number>.seg with real disk behind it, mapped, its first pages touched. */
TRAIL_MUST_CHECK enum trail_err segment_create(struct segment **ret_segment, const char *directory, uint32_t number,
                                               size_t size, struct trail_error *ret_error);

/* Write its header: from now on it holds events from base_seq on. */
void segment_activate(struct segment *segment, const struct spool_identity *identity, uint64_t base_seq,
                      int64_t now_us);

/* Map a file that another process wrote, read-only. TRAIL_ENOTFOUND: prepared and never used, or gone;
 * TRAIL_EVERSION: features this library does not know; TRAIL_ECORRUPT: no valid header. */
TRAIL_MUST_CHECK enum trail_err segment_open(struct segment **ret_segment, const char *path,
                                             struct segment_header *ret_header, struct trail_error *ret_error);

/* "00000012.seg" is 12; false: not the name of a segment. */
bool segment_number_of(const char *name, uint32_t *ret_number);

void segment_unlink(const struct segment *segment);
void segment_free(struct segment *segment);

static inline struct segment *segment_next(const struct segment *segment)
{
    return __atomic_load_n(&segment->next, __ATOMIC_ACQUIRE);
}

static inline bool segment_is_sealed(const struct segment *segment)
{
    return __atomic_load_n(&segment->sealed, __ATOMIC_ACQUIRE);
}

#endif
