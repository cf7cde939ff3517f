/* spool_state.h -- the inside of a spool, shared by spool.c, room.c and sync.c alone.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * Two locks, taken in this order: `sync_lock` keeps segments mapped while their pages are written out (the sync
 * thread holds it over msync; spool_release() takes it to unmap); `lock` is the appender's, held for some tens of
 * nanoseconds, over no system call but the creation of a segment that was not prepared in time.
 *
 * Thread: see the fields.
 * Memory: owned by the spool.
 * Errors: none.
 */
#ifndef TRAIL_SPOOL_SPOOL_STATE_H
#define TRAIL_SPOOL_SPOOL_STATE_H

#include <pthread.h>

#include "base/buf.h"
#include "spool/spool.h"

struct spool {
    /* Hot: what an append touches. */
    pthread_mutex_t lock;
    struct segment *current;         /* Appended to. */
    struct segment *prepared;        /* Ready to follow; NULL: none yet. */
    size_t          ordinary_end;    /* Ordinary events end here in `current`: all of it, or all but the reserve. */
    size_t          prepare_at;      /* When the tail passes it, the sync thread is asked for the next segment. */
    size_t          touch_at;        /* When the tail passes it, the sync thread is asked for writable pages. */
    uint64_t        last_seq;        /* Atomic for readers; written under `lock`. */
    uint64_t        event_count;     /* Ordinary events ever appended. Atomic for readers. */
    int64_t         last_wall_us;    /* Of the last frame. */
    uint64_t        released_events; /* Atomic: ordinary events ever stored. */

    /* Under `lock`, cold. */
    struct segment *first;         /* Oldest still mapped. */
    uint32_t        segment_count; /* Files that exist or are being made. */
    uint32_t        segment_count_max;
    size_t          segment_size;
    uint32_t        next_number;
    int64_t         create_again_us; /* After a failure: not before (monotonic). */
    bool            preparing;       /* The sync thread is making `prepared`. */
    bool            asked;           /* The sync thread was asked for something and has not looked yet. */
    size_t          touched_end;     /* Pages of `current` are writable up to here. */
    size_t          touch_window;    /* How far ahead of the tail that was. */
    struct buf      preamble;        /* Empty once written. */
    uint64_t        room_epoch;      /* Raised whenever room was made. */
    pthread_cond_t  room_made;       /* Also: `preparing` is over. */

    /* Syncing, under `lock` unless said otherwise. */
    pthread_mutex_t sync_lock;
    pthread_cond_t  synced;     /* synced_seq or failed_seq moved. */
    uint64_t        synced_seq; /* On the disk. */
    uint64_t        failed_seq; /* The last event of a segment that could not be synced. */
    bool            urgent;     /* Atomic; see spool_take_urgent(). */
    bool            stopping;   /* Atomic. */
    struct waker    waker;      /* Wakes the sync thread. */
    pthread_t       thread;
    bool            thread_started;

    /* Constant after opening. */
    struct home           home;
    struct accounts       accounts;
    struct spool_identity identity; /* destination changes once, under `lock`. */
    enum durability       durability;
    uint32_t              sync_interval_ms;
    const struct clock   *clock;
    trail_notice_fn       on_notice;
    void                 *notice_context;
    struct waker         *drain_waker;
};

/* Ask the drain to empty the spool at once: see spool_take_urgent(). */
void spool_hurry(struct spool *spool);

void spool_notice(const struct spool *spool, const struct trail_error *notice);

#endif
