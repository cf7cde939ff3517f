/* ref_cache.h -- remembers the row ids of recently used references, within fixed bounds.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * One cache per dimension table. The key is the length-prefixed tuple itself and is compared byte by byte, so
 * that a hit is proof and costs no SHA-256. The least recently used entries leave when there are too many
 * entries or too many bytes: a flood of distinct texts costs look-ups, never memory.
 *
 * Only ids whose COMMIT is confirmed may be put here. An id of a transaction that was rolled back is given
 * to the next tuple, and would attribute one person's events to another.
 *
 * Thread: one owner.
 * Memory: owns copies of the keys; ref_cache_done() frees them.
 * Errors: ref_cache_init() only. A put that cannot get memory is forgotten, which a cache may do.
 */
#ifndef TRAIL_STORE_REF_CACHE_H
#define TRAIL_STORE_REF_CACHE_H

#include "base/hash.h"

struct ref_entry {
    uint64_t hash;
    int64_t  id;
    char    *key;      /* key_size bytes on the heap; NULL while the entry is free. */
    uint32_t key_size; /* Keys are a few hundred bytes; the byte bound keeps them below 4 GiB. */
    uint32_t chain;    /* Next entry of the same bucket, or of the free list. */
    uint32_t newer;    /* Neighbours in the order of use. */
    uint32_t older;
};

struct ref_cache {
    struct hash_key   hash_key; /* Random per cache: nobody outside can aim at one bucket. */
    size_t            entries_max;
    size_t            bytes_max; /* Of keys and entries together. */
    struct ref_entry *entries;   /* entry_capacity of them; grows by doubling, a small process stays small. */
    uint32_t         *buckets;   /* entry_capacity of them: first entry of each chain. */
    size_t            entry_capacity;
    size_t            entry_count; /* In use. */
    size_t            bytes;
    uint32_t          newest;
    uint32_t          oldest;
    uint32_t          free_list;
};

/* `entries_max` is rounded up to a power of two. TRAIL_ENOMEM; TRAIL_EIO: no randomness. */
TRAIL_MUST_CHECK enum trail_err ref_cache_init(struct ref_cache *cache, size_t entries_max, size_t bytes_max);
void                            ref_cache_done(struct ref_cache *cache);

/* Forget every entry. */
void ref_cache_clear(struct ref_cache *cache);

/* Look `key` up and mark it as just used. False: not there. */
bool ref_cache_find(struct ref_cache *cache, struct trail_text key, int64_t *ret_id);

/* Remember `key` (copied), or give it a new id. Pushes out what was not used for longest. */
void ref_cache_put(struct ref_cache *cache, struct trail_text key, int64_t id);

#endif
