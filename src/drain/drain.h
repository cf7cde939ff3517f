/* drain.h -- the thread that moves accepted events from the spool to the store.
 *
 *     event  ->  policy  ->  spool  ->  [drain]  ->  store
 *
 * One thread per process, one transaction in flight, ascending. When it writes is decided by four settings:
 *
 *     async,  buffer      when the oldest waiting event is flush_interval old, or buffer_max_size events wait
 *     async,  no buffer   at once; whatever gathered meanwhile goes together
 *     sync,   buffer      at once; callers that wait share a transaction
 *     sync,   no buffer   at once; one transaction per event
 *
 * A store that is away changes nothing for callers: the spool grows, and the drain tries again with back-off. When
 * its own events are stored it empties the spools of dead processes (adopt.h); in between it takes the clean-up of the
 * store a step further (retention.h).
 *
 * Thread: everything but start and stop from any thread.
 * Memory: owns the store's connection; borrows the spool and the settings.
 * Errors: starting only; what happens later is told to on_notice and counted.
 */
#ifndef TRAIL_DRAIN_DRAIN_H
#define TRAIL_DRAIN_DRAIN_H

#include "base/clock.h"
#include "base/settings.h"
#include "drain/retention.h"
#include "spool/spool.h"

struct drain;

/* Numbers since the drain was started. */
struct drain_numbers {
    uint64_t                 stored; /* Ordinary events. */
    uint64_t                 dead_lettered;
    uint64_t                 transactions;
    uint64_t                 store_errors;
    struct retention_numbers retention;
};

struct drain_options {
    const struct settings *settings;  /* Borrowed. */
    struct spool          *spool;     /* Borrowed. */
    struct waker          *waker;     /* The drain sleeps on it; the owner made it. Borrowed. */
    struct uuid            url_hash;  /* Of settings->database_url. */
    const struct clock    *clock;     /* Borrowed. */
    trail_notice_fn        on_notice; /* May be NULL. */
    void                  *notice_context;
    void (*on_interval)(void *context); /* Called by the thread every interval_us, also while the store is away. */
    void   *interval_context;
    int64_t interval_us; /* 0: not called. */
};

TRAIL_MUST_CHECK enum trail_err drain_start(struct drain **ret_drain, const struct drain_options *options,
                                            struct trail_error *ret_error);

/* Store what waits, at most timeout_ms, then end the thread. Returns how many events are still in the spool;
 * *ret_complete is true when the store has everything, the accounts included. */
uint64_t drain_stop(struct drain *drain, uint32_t timeout_ms, bool *ret_complete);

/* After drain_stop(). Apart from it, because another thread may fork() while the stop waits. */
void drain_free(struct drain *drain);

/* An event was appended: wake the thread if it must do something now. Cheap when it need not. */
void drain_note_appended(struct drain *drain);

/* An event could not be appended because the spool is full; told as `events_lost` once there is room, and to
 * on_notice when it is the first. */
void drain_note_lost(struct drain *drain, bool dropped, int64_t now_us);

/* Ask that everything up to seq is stored now, and wait for it, at most timeout_ms. TRAIL_PENDING: not yet. */
TRAIL_MUST_CHECK enum trail_err drain_wait_stored(struct drain *drain, uint64_t seq, uint32_t timeout_ms);

void drain_read_numbers(const struct drain *drain, struct drain_numbers *ret_numbers);

/* How long the oldest event has waited, in microseconds; 0 when none waits. */
int64_t drain_oldest_waiting_us(struct drain *drain);

/* Around fork(): the drain lets go of the store's connection, so that a child inherits none of its state. */
void drain_fork_lock(struct drain *drain);
void drain_fork_unlock(struct drain *drain);

/* In a child: close what was inherited, without unlocking. `prepared`: the caller held drain_fork_lock() while forking.
 * Otherwise the store's connection is there as well and is closed, and what was in use at that moment is left alone. */
void drain_abandon(struct drain *drain, bool prepared);

#endif
