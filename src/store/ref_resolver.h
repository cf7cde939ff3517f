/* ref_resolver.h -- turns the repeated parts of a batch's events into row ids: what is the same for every database.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * resolver_ask_caches() answers what the caches know and lists the rest, sorted by table and digest, so that every
 * process inserts in the same order and equal tuples stand together. The back-end finds or adds the rows of the list in
 * a transaction of its own and fills in their ids. After its COMMIT resolver_settle() hands the ids to the batch and to
 * the caches.
 *
 * Thread: one owner.
 * Memory: owns its caches and scratch; a batch allocates nothing once these have grown.
 * Errors: TRAIL_ENOMEM; TRAIL_EIO: no randomness for the caches.
 */
#ifndef TRAIL_STORE_REF_RESOLVER_H
#define TRAIL_STORE_REF_RESOLVER_H

#include "store/ref_cache.h"
#include "store/reference.h"

/* Enough for 64k users, resources or paths at 200 bytes each; four tables make at most 64 MiB. */
#define RESOLVER_CACHE_ENTRIES_MAX 65536
#define RESOLVER_CACHE_BYTES_MAX (16 * 1024 * 1024)

/* A tuple that no cache knew. */
struct ref_miss {
    struct reference_digest digest;
    uint32_t                event; /* Index into the batch. */
    uint8_t                 kind;  /* enum reference_kind */
    int64_t                 id;    /* 0 until it is known. */
};

struct ref_resolver {
    struct sha256         sha256;
    struct ref_cache      caches[REFERENCE_KIND_COUNT];
    struct reference_ids *ids; /* One per event of the batch; ids_capacity of them. */
    size_t                ids_capacity;
    struct ref_miss      *misses; /* miss_count of them, sorted; equal ones follow each other. */
    size_t                miss_count;
    size_t                miss_capacity;
    struct buf            key; /* Scratch for one key. */
    char                  key_storage[2048];
};

TRAIL_MUST_CHECK enum trail_err resolver_init(struct ref_resolver *resolver, struct trail_error *ret_error);
void                            resolver_done(struct ref_resolver *resolver);

/* Fill ids with what the caches know, misses with what they do not. */
TRAIL_MUST_CHECK enum trail_err resolver_ask_caches(struct ref_resolver *resolver, const struct event_record *events,
                                                    size_t event_count, struct trail_error *ret_error);

/* True when misses[i] is the same tuple as misses[i - 1]. */
bool resolver_is_repeat(const struct ref_resolver *resolver, size_t i);

/* The ids of the first of each run of equal misses are committed: hand them on. */
void resolver_settle(struct ref_resolver *resolver, const struct event_record *events);

/* References were deleted: forget every id. */
void resolver_forget(struct ref_resolver *resolver);

#endif
