/* sampling_key.h -- the secret on which it hangs which correlation ids sampling keeps: one per state directory.
 *
 *     event  ->  [policy]  ->  spool  ->  drain  ->  store
 *
 * The file `sampling.key` holds 16 random bytes, mode 0600. Whoever needs it first makes it: whole and on the disk
 * under a name of its own, then renamed unless the name is taken by then, so that processes which start
 * together agree on one, and none reads half a key. Hosts that share no state directory but are to keep the same
 * requests are given the same file.
 *
 * Thread: any; processes too.
 * Memory: allocates nothing.
 * Errors: the file cannot be read, made, or is no key; *ret_key is untouched. A damaged key is not replaced: others may
 *         sample by what it was.
 */
#ifndef TRAIL_POLICY_SAMPLING_KEY_H
#define TRAIL_POLICY_SAMPLING_KEY_H

#include "base/hash.h"

#define SAMPLING_KEY_FILE_NAME "sampling.key"
#define SAMPLING_KEY_SIZE sizeof(struct hash_key)

/* Read the key of a state directory, or make both. TRAIL_ECORRUPT: not SAMPLING_KEY_SIZE bytes; TRAIL_EIO,
 * TRAIL_EFULL. */
TRAIL_MUST_CHECK enum trail_err sampling_key_load(const char *state_dir, struct hash_key *ret_key,
                                                  struct trail_error *ret_error);

#endif
