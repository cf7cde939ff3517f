/* hash.h -- a keyed hash for tables whose keys come from outside.
 *
 * SipHash-1-3: who does not know the key cannot choose texts that fall into one bucket, which is what keeps a
 * table of user agents or paths from being flooded, nor ids that sampling leaves out. Not a signature: one round per
 * word is enough where nobody outside ever sees a hash, and for nothing else.
 *
 * Thread: any.
 * Memory: allocates nothing.
 * Errors: hash_key_random() when the kernel has no randomness to give.
 */
#ifndef TRAIL_BASE_HASH_H
#define TRAIL_BASE_HASH_H

#include "audittrail.h"

struct hash_key {
    uint64_t k0;
    uint64_t k1;
};

/* A key from getrandom(2). */
TRAIL_MUST_CHECK enum trail_err hash_key_random(struct hash_key *ret_key);

/* SipHash-1-3 of `size` bytes. */
uint64_t hash_bytes(const struct hash_key *key, const void *data, size_t size);

#endif
