/* format.h -- the bytes of a spool on disk: this comment is the specification.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * A writer is one process. Its spool is a directory named by the writer's uuid:
 *
 *     <spool_dir>/<uuid>/lock            held (OFD write lock, whole file) as long as the owner lives
 *                        accounts        what was refused, counted by operation and reason (struct accounts_header)
 *                        00000001.seg    segments, ascending; gaps in the numbers mean nothing
 *                        00000002.seg
 *                        00000003.seg.new   its disk space is being reserved; renamed when that is done
 *     <spool_dir>/.<uuid>                a directory that is being made; renamed once it is locked
 *
 * A segment is preallocated, mapped, filled from front to back, never recycled, only unlinked:
 *
 *     0      struct segment_header, then zeros up to SPOOL_PAGE_SIZE; written when the segment's first frame
 *            is about to be, never changed. All zero: prepared and not used yet.
 *     4096   frames, each at a multiple of 8, each directly behind the one before
 *     ...    zeros
 *
 * Frame:
 *
 *      0  u32  length    header and payload, without the padding to 8. Written last (release); 0 = no frame here
 *      4  u32  crc       CRC32C of payload, then of the header without this field (length, then bytes 8 .. 35)
 *      8  u64  seq       1, 2, 3 ... per writer; 0 in a pad frame
 *     16  u64  position  the segment's nonce XOR the frame's offset
 *     24  i64  wall_us   when it was appended
 *     32  u16  type      enum frame_type
 *     34  u16  flags     enum trail_flag
 *     36       payload   event: see event/event_wire.h; pad: whatever is there, not covered by crc
 *
 * Valid is a frame whose length lies between FRAME_HEADER_SIZE and the room left, whose position fits this very
 * place in this very segment (so neither stale bytes nor a copied frame nor a frame quoted inside a payload can
 * pass) and whose crc is right.
 *
 * A pad frame moves the tail to the next page boundary, so that the pages before it can be written to the disk
 * while events are appended behind it: whoever stores into a page under write-back has to wait for the disk. It takes
 * no seq. A remainder smaller than a frame header is added to the page that follows.
 *
 * Recovery: the frames of all segments are read in order. Where a frame is absent (length 0) and nothing valid
 * follows in the segment, the segment ends. Where one is invalid, or absent with valid ones behind it, every later
 * multiple of 8 is tried until a frame is valid again. A jump in seq, to a frame or to the base_seq of a later
 * header, is a gap, exact; damage with nothing valid behind it, or a last file shorter than its header says, is a
 * lost tail of unknown length. What the store already has (seq <= last_seq of the writer) is skipped. A recovered
 * segment is never appended to.
 *
 * Integers are little-endian.
 *
 * Thread: constants and layouts only.
 * Memory: none.
 * Errors: none.
 */
#ifndef TRAIL_SPOOL_FORMAT_H
#define TRAIL_SPOOL_FORMAT_H

#include "base/uuid.h"

#define SPOOL_PAGE_SIZE 4096
#define SPOOL_MAGIC "ATSPOOL1"
#define SPOOL_ACCOUNTS_MAGIC "ATCOUNT1"
#define SPOOL_VERSION 1
#define SEGMENT_MAKING_SUFFIX ".new"

/* Features a reader may ignore, and features it must know or refuse the file. None so far. */
#define SPOOL_COMPATIBLE_KNOWN 0u
#define SPOOL_INCOMPATIBLE_KNOWN 0u

/* 16 MiB: at 20,000 events of 500 bytes a second a segment lasts 1.6 s, and a full one is unlinked soon after. */
#define SPOOL_SEGMENT_SIZE (16u * 1024 * 1024)
/* Holds the largest event twice. */
#define SPOOL_SEGMENT_SIZE_MIN (2u * 1024 * 1024)

enum spool_destination_kind {
    SPOOL_DESTINATION_URL = 1,  /* First 16 bytes of the SHA-256 of the store's URL: the store was not reached yet. */
    SPOOL_DESTINATION_STORE = 2 /* The store's own uuid. */
};

/* Who wrote it and for which store: the same in the header of every file of a writer. */
struct spool_identity {
    struct uuid writer;
    struct uuid destination;      /* See destination_kind. */
    struct uuid boot;             /* The boot in which it was written. */
    uint32_t    destination_kind; /* enum spool_destination_kind */
    uint32_t    pid;
    uint64_t    pid_start_ticks; /* /proc/PID/stat field 22: a pid alone is reused. */
    int64_t     started_us;      /* When the writer began. */
    char        service[104];    /* NUL-padded. */
};

struct segment_header {
    char                  magic[8];
    uint32_t              version;
    uint32_t              compatible;
    uint32_t              incompatible;
    uint32_t              number;   /* As in the file's name. */
    uint64_t              size;     /* Bytes of the file. */
    uint64_t              base_seq; /* Of the first event in it. */
    uint64_t              nonce;    /* Random. */
    int64_t               created_us;
    struct spool_identity identity;
    uint32_t              reserved;
    uint32_t              crc; /* CRC32C of everything before it. */
};

struct accounts_header {
    char                  magic[8];
    uint32_t              version;
    uint32_t              slot_count;
    struct spool_identity identity;
    uint32_t              reserved;
    uint32_t              crc;
};

_Static_assert(sizeof(struct spool_identity) == 176, "on disk");
_Static_assert(sizeof(struct segment_header) == 240, "on disk");
_Static_assert(sizeof(struct accounts_header) == 200, "on disk");

enum frame_type { FRAME_EVENT = 1, FRAME_PAD = 2 };

#define FRAME_HEADER_SIZE 36
#define FRAME_ALIGNMENT 8
/* A store keeps it in a signed 64-bit column. */
#define FRAME_SEQ_MAX (UINT64_MAX / 2)

struct frame_header {
    uint32_t length;
    uint32_t crc;
    uint64_t seq;
    uint64_t position;
    int64_t  wall_us;
    uint16_t type;
    uint16_t flags;
};

_Static_assert(offsetof(struct frame_header, flags) + sizeof(uint16_t) == FRAME_HEADER_SIZE, "on disk");

#endif
