/* tail_state.h -- what the files of the tail share.
 *
 * tail.c          opens, looks, sorts, saves and resumes
 * tail_writers.c  the table of writers
 * tail_spool.c    the spools: which there are, and their frames
 * tail_store.c    the store: how far each writer is, and the events that no spool had
 * tail_history.c  the newest events before the first look
 *
 * Thread: one owner.
 * Memory: see tail.h. An event of a spool borrows from its mapping, one of the store from the arena.
 * Errors: TRAIL_ENOMEM; a store that fails is closed and told of.
 */
#ifndef TRAIL_QUERY_TAIL_STATE_H
#define TRAIL_QUERY_TAIL_STATE_H

#include "base/arena.h"
#include "base/settings.h"
#include "query/filter_match.h"
#include "query/query_sql.h"
#include "query/tail.h"
#include "spool/follow.h"

/* Frames, and rows, that one look takes of one writer: no writer keeps the others waiting, and what a look holds
 * stays small. */
#define TAIL_TAKE_MAX 1024

struct tail_writer {
    struct uuid    uuid;
    uint32_t       id_hash;
    char           service[SETTING_SERVICE_BYTES_MAX + 1];
    int64_t        pid;
    uint64_t       next;       /* Smaller numbers were shown or are accounted for. 0: none of it is followed. */
    int64_t        store_id;   /* audit_writers.id; 0: the store does not know it. */
    uint64_t       store_last; /* How far the store is. */
    struct follow *follow;     /* Its spool here; NULL: none. */
    bool           foreign;    /* Its spool is meant for another store ... */
    unsigned       judged;     /* ... as far as could be told when the tail's `identities` stood here. */
    uint64_t       held_last;  /* The spool lacks next .. held_last; 0: it lacks nothing. */
    bool           held_told;
    int64_t        order_us; /* Of its last item in this look. */
};

struct tail {
    struct trail_filter filter; /* Its texts are the caller's. */
    struct filter_match match;
    char               *database_url;
    char               *spool_dir; /* NULL: none. */
    struct uuid         url_hash;
    int64_t             opened_us; /* By the wall clock. */

    struct tail_writer **writers; /* Ascending by uuid. */
    size_t               writer_count;
    size_t               writer_capacity;
    bool                 joined; /* Writers that the store has and the table has not are new. */

    struct store    *store; /* NULL: away. */
    int64_t          retry_at_us;
    bool             away_told;
    unsigned         identities; /* Counts how often it became known, or changed, who the store is. */
    struct uuid      store_uuid; /* Valid when identities > 0. */
    int64_t          ledger_id;  /* The store's newest batch, when its writers were last read. */
    int64_t          ledger_at;
    struct query_sql sql;

    struct arena      arena; /* Of the items. */
    struct tail_item *items;
    size_t            item_count;
    size_t            item_capacity;
    char            **payloads; /* Of spool events in the history: copies, as their segments may be gone. */
    size_t            payload_count;
    bool              more;
};

/* ---- tail.c ---- */

/* Forget the items and what they needed. */
void tail_forget(struct tail *tail);

/* Add an item. `writer` NULL: it is about the store. */
TRAIL_MUST_CHECK enum trail_err tail_add(struct tail *tail, struct tail_writer *writer, const struct tail_item *item);

/* Add an event if the filter takes it; it is copied, its texts are not. */
TRAIL_MUST_CHECK enum trail_err tail_add_event(struct tail *tail, struct tail_writer *writer,
                                               const struct trail_stored_event *event);

/* Put the items in the order that a look shows them in. */
void tail_sort(struct tail *tail);

/* ---- tail_writers.c ---- */

/* The writer's entry; NULL: none. */
struct tail_writer *tail_writer_find(const struct tail *tail, const struct uuid *uuid);

/* Make one, which begins at next_seq. NULL: out of memory. */
struct tail_writer *tail_writer_add(struct tail *tail, const struct uuid *uuid, uint64_t next_seq);

void tail_writers_done(struct tail *tail);

/* ---- tail_spool.c ---- */

/* Find the spools that came, and give each its writer. `fresh`: their writers begin at 1; else at what is there. */
TRAIL_MUST_CHECK enum trail_err tail_spool_list(struct tail *tail, bool fresh);

/* A frame as an event; false: it cannot be decoded. Its texts borrow from the payload. */
bool tail_spool_event(const struct tail_writer *writer, const struct frame *frame,
                      struct trail_stored_event *ret_event);

/* Take the frames of one writer's spool. */
TRAIL_MUST_CHECK enum trail_err tail_spool_take(struct tail *tail, struct tail_writer *writer);

/* Unmap what was read, and leave the spools that are gone. */
void tail_spool_release(struct tail *tail);

/* ---- tail_store.c ---- */

/* Connect, if it is time to. An error that will not pass: TRAIL_ECONFIG, TRAIL_EVERSION, TRAIL_ECORRUPT. */
TRAIL_MUST_CHECK enum trail_err tail_store_connect(struct tail *tail, struct trail_error *ret_error);

/* Close it after a failure, and tell of it, once. */
TRAIL_MUST_CHECK enum trail_err tail_store_lost(struct tail *tail, const char *why);

/* Read how far each writer is, if that changed. */
TRAIL_MUST_CHECK enum trail_err tail_store_scan(struct tail *tail, struct trail_error *ret_error);

/* Take the events of every writer that the store has and no spool had. */
TRAIL_MUST_CHECK enum trail_err tail_store_take(struct tail *tail, struct trail_error *ret_error);

/* A row's event, copied with its texts into the arena. NULL: out of memory. */
struct trail_stored_event *tail_store_keep(struct tail *tail, const struct trail_stored_event *event);

/* ---- tail_history.c ---- */

/* Do what tail_start() says. The spools are listed, the store is connected or away. */
TRAIL_MUST_CHECK enum trail_err tail_history(struct tail *tail, size_t count, bool follow,
                                             struct trail_error *ret_error);

#endif
