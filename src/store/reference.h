/* reference.h -- which parts of an event are stored once and referred to, and what makes such a tuple unique.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * Four dimensions: who (actor), on what (resource), which action, which route. A tuple's key is its parts in
 * the order of the table's columns, each as a 32-bit little-endian length and its bytes, so ("a", "bc") and
 * ("ab", "c") differ; absent and empty are the same. Its digest, the first 16 bytes of the key's SHA-256, is
 * the unique column of the table, and the same in every database.
 *
 * Thread: any; the tables are constant.
 * Memory: keys are appended to the caller's buffer.
 * Errors: reference_key() through buf_failed(); reference_digest() when libcrypto has no memory.
 */
#ifndef TRAIL_STORE_REFERENCE_H
#define TRAIL_STORE_REFERENCE_H

#include "base/buf.h"
#include "base/sha256.h"
#include "event/event.h"

enum reference_kind { REFERENCE_ACTOR, REFERENCE_RESOURCE, REFERENCE_ACTION, REFERENCE_ROUTE, REFERENCE_KIND_COUNT };

#define REFERENCE_FIELDS_MAX 7

/* A dimension table: its text columns, then, for actions, the operation as a number. */
struct reference_info {
    const char      *table;
    size_t           field_count;
    enum event_field fields[REFERENCE_FIELDS_MAX];
    bool             with_operation;
    bool             optional; /* An event without any of the fields refers to nothing. */
};

extern const struct reference_info reference_infos[REFERENCE_KIND_COUNT];

/* Row ids of one event's references; 0 = none (optional ones only). */
struct reference_ids {
    int64_t ids[REFERENCE_KIND_COUNT];
};

#define REFERENCE_DIGEST_SIZE 16

struct reference_digest {
    uint8_t bytes[REFERENCE_DIGEST_SIZE];
};

/* Append the event's key for this dimension. False: the event refers to nothing here, nothing was appended. */
bool reference_key(enum reference_kind kind, const struct trail_event *event, struct buf *out);

/* The digest of such a key; sha256 is the caller's, for use again. TRAIL_ENOMEM. */
TRAIL_MUST_CHECK enum trail_err reference_digest(struct sha256 *sha256, struct trail_text key,
                                                 struct reference_digest *ret_digest);

#endif
