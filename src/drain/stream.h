/* stream.h -- one writer's events on their way from its spool to the store, in order, each exactly once.
 *
 *     event  ->  policy  ->  spool  ->  [drain]  ->  store
 *
 * Our own spool is a stream, and so are the remains of every dead process that are taken over. A stream knows where
 * the store says its writer stands (stored_seq), and moves it on batch by batch. What the fence answers always wins
 * over what the stream believed.
 *
 * Thread: one owner.
 * Memory: borrows segments and accounts; owns its batch.
 * Errors: as store.h; the stream can be advanced again after each of them.
 */
#ifndef TRAIL_DRAIN_STREAM_H
#define TRAIL_DRAIN_STREAM_H

#include "base/clock.h"
#include "base/err.h"
#include "base/os_process.h"
#include "drain/batch.h"
#include "spool/accounts.h"
#include "store/store.h"

/* What one advance did. */
struct stream_progress {
    uint64_t events;       /* Ordinary events that came to the store (or its dead letters) for the first time. */
    uint64_t dead_letters; /* Of these: refused by the store, kept as dead letters. */
    uint64_t gaps;         /* Gap records stored. */
    uint64_t transactions; /* Committed. */
    bool     at_end;       /* Nothing (more) was waiting. */
};

struct stream {
    struct spool_identity  identity;
    char                   host[OS_HOST_SIZE];
    const struct accounts *accounts; /* Borrowed; NULL: none. */
    const struct clock    *clock;    /* Borrowed. */
    struct reader          reader;
    uint64_t               stored_seq;  /* What the store holds, as far as we know. */
    uint64_t               counted_seq; /* The largest that stored_seq ever was: a restored store gets events again. */
    bool                   registered_once;
    bool                   registered; /* The store has the writer's row. */
    bool                   tail_lost;  /* See reader.h; set once, before the first advance. */
    struct batch           batch;
    struct trail_account   written[TRAIL_OPERATION_COUNT]; /* Accounts as last stored. */
};

/* value_bytes_max: AUDIT_TRAIL_MAX_VALUE_BYTES, for the changes that are derived. */
void stream_init(struct stream *stream, const struct spool_identity *identity, const struct accounts *accounts,
                 const struct clock *clock, size_t value_bytes_max);
void stream_done(struct stream *stream);

/* Store one batch of at most events_max events, reading from `first` (the oldest segment that still exists) when the
 * position has to be found anew. */
TRAIL_MUST_CHECK enum trail_err stream_advance(struct stream *stream, struct store *store, const struct segment *first,
                                               size_t events_max, struct stream_progress *ret_progress,
                                               struct trail_error *ret_error);

/* Store the accounts alone, if they changed since they were last stored. */
TRAIL_MUST_CHECK enum trail_err stream_write_accounts(struct stream *stream, struct store *store,
                                                      struct trail_error *ret_error);

/* True when something was refused since the accounts were last stored. */
bool stream_accounts_changed(const struct stream *stream);

#endif
