/* spool.h -- keeps accepted events in mapped files until the store has them.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * One spool per process. An event is accepted when its frame is published: from then on it survives the process. The
 * drain reads behind the appender and gives segments back when their events are stored. A sync thread writes pages to
 * the disk behind the appender, prepares the next segment and keeps the pages ahead writable, so that an append costs
 * a copy.
 *
 * Thread: spool_append() from any thread; spool_release() from the one thread that drains; the rest as said.
 * Memory: payloads are copied.
 * Errors: spool_append() says TRAIL_EFULL (limit or disk) or TRAIL_EIO; nothing was taken then.
 * Crash:  kill -9 loses nothing that was accepted. An operating system crash or a power cut may lose the last sync
 *         interval; with durability `machine` nothing for which spool_wait_synced() said TRAIL_OK.
 */
#ifndef TRAIL_SPOOL_SPOOL_H
#define TRAIL_SPOOL_SPOOL_H

#include "base/clock.h"
#include "base/settings.h"
#include "base/waker.h"
#include "spool/accounts.h"
#include "spool/home.h"
#include "spool/segment.h"

struct spool;

/* Room that ordinary events leave to control records when a spool is full: some hundred of them. */
#define SPOOL_CONTROL_RESERVE_BYTES (64u * 1024)

struct spool_options {
    const char           *directory; /* AUDIT_TRAIL_SPOOL_DIR. */
    struct spool_identity identity;  /* Copied into every file. */
    uint64_t              bytes_max; /* Of all segments together. */
    enum durability       durability;
    uint32_t              sync_interval_ms; /* For `process`. */
    struct trail_text     preamble;         /* Payload of the control record that goes before the first event. */
    const struct clock   *clock;            /* Borrowed. */
    trail_notice_fn       on_notice;        /* May be NULL. */
    void                 *notice_context;
    struct waker         *drain_waker; /* Woken when the spool must be emptied at once. Borrowed. */
};

/* One event on its way in. */
struct spool_entry {
    struct trail_text payload;
    int64_t           wall_us;
    uint16_t          flags;
    bool              control; /* May use the reserve; not counted among the waiting events. */
    /* Called when it is published and nothing behind it is: appends that come after wait for it, so it must be short.
     * NULL: nobody is. */
    void (*on_published)(void *context);
    void *published_context;
};

/* Make the directory, the accounts and the first segment, and start the sync thread. */
TRAIL_MUST_CHECK enum trail_err spool_open(struct spool **ret_spool, const struct spool_options *options,
                                           struct trail_error *ret_error);

/* Stop the sync thread (after a last sync). `remove`: every event is stored; take the files away. Otherwise they stay
 * for the next start. */
void spool_close(struct spool *spool, bool remove);

/* In a forked child: close the inherited descriptors without unlocking, unmap, free nothing: the parent's threads may
 * have held anything. The caller held spool_fork_lock() while forking. */
void spool_abandon(struct spool *spool);
void spool_fork_lock(struct spool *spool);
void spool_fork_unlock(struct spool *spool);

/* Accept one event; *ret_seq is its number. */
TRAIL_MUST_CHECK enum trail_err spool_append(struct spool *spool, const struct spool_entry *entry, uint64_t *ret_seq,
                                             struct trail_error *ret_error);

/* Wait until the disk has everything up to seq. TRAIL_PENDING: the disk failed to sync it, or timeout_ms passed. */
TRAIL_MUST_CHECK enum trail_err spool_wait_synced(struct spool *spool, uint64_t seq, uint32_t timeout_ms);

/* True when an ordinary event of `payload_size` bytes fits, now or into a segment that may still be made. */
bool spool_has_room(struct spool *spool, size_t payload_size);

/* Wait until room may have been made since the append that failed, at most timeout_ms. False: it was not. */
bool spool_wait_room(struct spool *spool, uint32_t timeout_ms);

/* Everything up to seq is stored; event_count ordinary events more than at the last call. Unlinks the segments that are
 * no longer needed, but never the one that the drain's reader stands in, nor what follows it. */
void spool_release(struct spool *spool, uint64_t seq, uint64_t event_count, const struct segment *reading);

/* Later segments carry the store's own uuid instead of the hash of its URL. */
void spool_set_destination(struct spool *spool, const struct uuid *store);

/* The oldest segment: where a reader starts. Valid until spool_release() unlinks it. */
const struct segment *spool_first_segment(struct spool *spool);

/* The last number given, the ordinary events that wait, the control records ever appended, the disk taken. */
uint64_t spool_last_seq(const struct spool *spool);
uint64_t spool_waiting_events(const struct spool *spool);
uint64_t spool_control_records(const struct spool *spool);
uint64_t spool_bytes(struct spool *spool);

/* True once after a sync failed, or when the spool is nearly full: what is in it should go to the store at once. */
bool spool_take_urgent(struct spool *spool);

const struct accounts       *spool_accounts(const struct spool *spool);
const struct spool_identity *spool_identity(const struct spool *spool);
const char                  *spool_path(const struct spool *spool);

#endif
