/* accounts.h -- counts what was refused, in a mapped file, so that the numbers survive what the events survive.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * The file holds one set of counters per thread slot (base/thread_slot.h); a total is their sum. A counter is raised
 * before the call that refused the event returns. `recorded` is not counted here: the published frames say it.
 *
 * Thread: accounts_count() from any thread; totals may be read by anyone at any time and are then a moment old.
 * Memory: owns its mapping.
 * Errors: creating and opening.
 * Crash:  survives kill -9. A power cut may take back the last half minute: the file is not synced, because a page
 *         under write-back would stall whoever counts in it.
 */
#ifndef TRAIL_SPOOL_ACCOUNTS_H
#define TRAIL_SPOOL_ACCOUNTS_H

#include "base/thread_slot.h"
#include "spool/format.h"

#define ACCOUNTS_FILE_NAME "accounts"

enum account_reason {
    ACCOUNT_LEVEL,
    ACCOUNT_EXCLUDED,
    ACCOUNT_SAMPLED,
    ACCOUNT_REJECTED,
    ACCOUNT_DROPPED,
    ACCOUNT_REASON_COUNT
};

/* On disk, behind the header page. 576 bytes: whole cache lines, so threads do not share one. */
struct accounts_slot {
    uint64_t refused[TRAIL_OPERATION_COUNT][ACCOUNT_REASON_COUNT];
    uint64_t unclassified; /* Actions whose name said nothing. */
    uint64_t reserved[6];
};

_Static_assert(sizeof(struct accounts_slot) == 576, "on disk");

struct accounts {
    struct accounts_slot *slots; /* THREAD_SLOT_COUNT of them. */
    uint8_t              *map;
    size_t                map_size;
};

/* Create <directory>/accounts. */
TRAIL_MUST_CHECK enum trail_err accounts_create(struct accounts *accounts, const char *directory,
                                                const struct spool_identity *identity, struct trail_error *ret_error);

/* Map another writer's, read-only. TRAIL_ENOTFOUND, TRAIL_ECORRUPT. */
TRAIL_MUST_CHECK enum trail_err accounts_open(struct accounts *accounts, const char *directory,
                                              struct spool_identity *ret_identity, struct trail_error *ret_error);

void accounts_close(struct accounts *accounts);

/* Add the totals to the refusals in totals[0 .. TRAIL_OPERATION_COUNT) and to *unclassified. */
void accounts_total(const struct accounts *accounts, struct trail_account *totals, uint64_t *unclassified);

static inline void accounts_raise(uint64_t *counter, unsigned slot)
{
    if (slot == THREAD_SLOT_SHARED)
        __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
    else
        __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/* One event of this operation was refused. */
static inline void accounts_count(const struct accounts *accounts, enum trail_operation operation,
                                  enum account_reason reason)
{
    unsigned slot = thread_slot();
    accounts_raise(&accounts->slots[slot].refused[operation][reason], slot);
}

static inline void accounts_count_unclassified(const struct accounts *accounts)
{
    unsigned slot = thread_slot();
    accounts_raise(&accounts->slots[slot].unclassified, slot);
}

#endif
