/* tail.h -- follows every writer's events as they are recorded: from the spools on this machine and from the store.
 *
 *     spool, store  ->  [query]
 *
 * What is followed is each writer's seq, never a timestamp: of every writer there is one number, below which everything
 * was shown or accounted for. A look reads on from there, first in the spools, where an event is the moment it is
 * accepted, then in the store, which has what no spool here holds: other machines' events, and a spool that was emptied
 * and removed between two looks. So each event comes once, whichever of the two had it first, and the numbers, which
 * are the whole state, can be saved and taken up again (`tail -f`, and Last-Event-ID of a live view).
 *
 * A number that neither has is a gap. A spool that lacks one says nothing: the segment may have been stored and
 * unlinked before we came. So a gap is believed only when the store stands behind it; until then the writer is held.
 * Where the store has the `events_lost` record for it, that record is shown and explains it.
 *
 * Thread: one owner.
 * Memory: the filter and its texts are borrowed for the tail's life. Items, and what they point to, live until the next
 *         tail_start(), tail_look() or tail_close().
 * Errors: a store that is away is no error but an item: the spools alone are shown meanwhile.
 */
#ifndef TRAIL_QUERY_TAIL_H
#define TRAIL_QUERY_TAIL_H

#include "base/buf.h"
#include "base/uuid.h"

struct tail;

/* The most that tail_start() shows. */
#define TAIL_HISTORY_MAX 10000

/* How often to look: soon enough for people to call it at once, and cheap: a directory, and a word of memory and one of
 * the ledger. */
#define TAIL_LOOK_MS 100

struct tail_options {
    const char                *database_url;
    const char                *spool_dir; /* NULL: the store alone. */
    const struct trail_filter *filter;    /* `after` and `oldest_first` mean nothing here. */
};

enum tail_item_kind {
    TAIL_EVENT,
    TAIL_GAP,         /* first .. last: neither spool nor store has them. */
    TAIL_DEAD_LETTER, /* first: the store refused it; `text` says why. */
    TAIL_HELD,        /* first .. last are missing in the spool; the store decides, and what follows waits. */
    TAIL_STORE_AWAY,  /* `text` says why. Told once, until it is back. */
    TAIL_STORE_BACK
};

struct tail_item {
    enum tail_item_kind              kind;
    const struct trail_stored_event *event;   /* TAIL_EVENT; without the changes that the drain derives, if a spool
                                                 had it. */
    const struct uuid               *writer;  /* The first four kinds. */
    const char                      *service; /* Its service, as text, and pid. */
    int64_t                          pid;
    uint64_t                         first;
    uint64_t                         last;
    const char                      *text;

    int64_t order_us; /* For sorting: never falls along a writer's items. */
};

/* TRAIL_ECONFIG, TRAIL_EINVAL: the URL or the filter is wrong; TRAIL_EVERSION, TRAIL_ECORRUPT: the store cannot be
 * read by us. */
TRAIL_MUST_CHECK enum trail_err tail_open(struct tail **ret_tail, const struct tail_options *options,
                                          struct trail_error *ret_error);
void                            tail_close(struct tail *tail);

/* Show the newest `count` events so far, by time, and begin behind them. `follow`: in the order of a look, and what is
 * held (see above) is left for tail_look(); false: there is no later, show what there is, the oldest first. */
TRAIL_MUST_CHECK enum trail_err tail_start(struct tail *tail, size_t count, bool follow, struct trail_error *ret_error);

/* Instead of tail_start(): go on where tail_save() was. TRAIL_EINVAL: no such text. */
TRAIL_MUST_CHECK enum trail_err tail_resume(struct tail *tail, struct trail_text saved, struct trail_error *ret_error);

/* Find what is new. Each writer's items ascend by seq; those of different writers stand by time. *ret_more: there is
 * more already, look again at once. TRAIL_ENOMEM. */
TRAIL_MUST_CHECK enum trail_err tail_look(struct tail *tail, bool *ret_more, struct trail_error *ret_error);

/* What the last call found. */
const struct tail_item *tail_items(const struct tail *tail, size_t *ret_count);

/* True while the store can be read. */
bool tail_sees_store(const struct tail *tail);

/* Append where each writer stands: "<uuid>=<next seq>", separated by commas. Everything in tail_items() counts as
 * shown. */
void tail_save(const struct tail *tail, struct buf *out);

#endif
