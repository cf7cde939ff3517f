/* remains.h -- what a dead process left in its spool: its segments, mapped and in order, and its accounts.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * Damaged files never stop anything: a segment without a valid header is set aside under another name
 * ("00000003.seg.quarantine"), and what it held comes out of the reader as a gap.
 *
 * Thread: one owner.
 * Memory: owns segments and accounts; remains_close() frees them.
 * Errors: opening.
 * Crash:  nothing is written but quarantine names; the files go only with remains_remove().
 */
#ifndef TRAIL_SPOOL_REMAINS_H
#define TRAIL_SPOOL_REMAINS_H

#include "spool/accounts.h"
#include "spool/home.h"
#include "spool/reader.h"

struct remains {
    struct home           home;
    struct segment       *first;            /* Ascending; NULL: no segment with frames. */
    struct accounts       accounts;         /* slots NULL: none that is valid. */
    struct spool_identity identity;         /* From the newest valid header. */
    bool                  has_identity;     /* False: no file says who wrote it and for which store. */
    uint64_t              disk_bytes;       /* Of all segment files. */
    uint32_t              last_number;      /* Of the newest segment that could be opened. */
    uint32_t              quarantined_last; /* Of the newest segment set aside. */
    uint32_t              quarantined;      /* Segments set aside, now or before. */
    bool                  unreadable;       /* Some segment holds something that could not be read. */
};

enum remains_mode {
    REMAINS_LOOK, /* The owner may live: change nothing. */
    REMAINS_TAKE  /* The lock is ours: set broken segments aside. */
};

/* Open what is in home->path; takes over `home` (also on failure, when it is released). */
TRAIL_MUST_CHECK enum trail_err remains_open(struct remains *remains, const struct home *home, enum remains_mode mode,
                                             struct trail_error *ret_error);

/* Forget it; the files stay. */
void remains_close(struct remains *remains);

/* Everything is stored: remove the files, then forget it. */
void remains_remove(struct remains *remains);

/* True when its owner died before it could accept or count anything: no file was ever used. */
bool remains_are_unused(const struct remains *remains);

/* True when it was written for this store: by the store's uuid, or, from a writer that never reached its store, by
 * the URL. */
bool remains_belong_to(const struct remains *remains, const struct uuid *store, const struct uuid *url_hash);

#endif
