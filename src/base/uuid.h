/* uuid.h -- random identities for writers and stores, and the derived identity of an event.
 *
 * An event's id is not stored: it is a UUIDv7 computed from what is stored anyway,
 *
 *     48 bits of milliseconds | 7 | 12 bits of hash | 10b | 20 bits of hash, 42 bits of seq
 *
 * where hash is 32 bits derived from the writer's uuid. Every face of the product shows the same id, and a
 * look-up takes the id apart again: scan that millisecond, compare hash and seq.
 *
 * Thread: any.
 * Memory: allocates nothing.
 * Errors: uuid_random() when the kernel has no randomness to give.
 */
#ifndef TRAIL_BASE_UUID_H
#define TRAIL_BASE_UUID_H

#include "audittrail.h"

struct uuid {
    uint8_t bytes[16];
};

#define UUID_TEXT_SIZE 37 /* 36 characters and a NUL. */

/* The parts an event id is made of. */
struct event_id_parts {
    int64_t  timestamp_ms; /* Milliseconds since 1970. */
    uint32_t writer_hash;  /* uuid_hash32() of the writer. */
    uint64_t seq;          /* Low 42 bits of the writer's sequence number. */
};

#define EVENT_ID_SEQ_MASK ((UINT64_C(1) << 42) - 1)

/* A random (version 4) uuid from getrandom(2). */
TRAIL_MUST_CHECK enum trail_err uuid_random(struct uuid *ret_uuid);

bool uuid_equal(const struct uuid *a, const struct uuid *b);
void uuid_format(const struct uuid *uuid, char out[UUID_TEXT_SIZE]);
bool uuid_parse(struct trail_text text, struct uuid *ret_uuid);

/* 32 bits that stand for a writer inside event ids: CRC32C of the 16 bytes. */
uint32_t uuid_hash32(const struct uuid *uuid);

void event_id_format(int64_t timestamp_us, uint32_t writer_hash, uint64_t seq, struct trail_id *ret_id);
bool event_id_parse(struct trail_text text, struct event_id_parts *ret_parts);

#endif
