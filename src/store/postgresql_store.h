/* postgresql_store.h -- the PostgreSQL back-end's store and what its files share.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * postgresql_connection.c  libpq without blocking; results, errors
 * postgresql_value.c       our values as parameters and results of libpq
 * postgresql_store.c       opens and closes; the table of the back-end; the entry of the loadable object
 * postgresql_schema.c      creates the schema, brings it up to date, refuses a newer one
 * postgresql_refs.c        turns the repeated parts of a batch's events into row ids, in one round trip
 * postgresql_copy.c        events as the bytes of a binary COPY
 * postgresql_days.c        which days have a partition; makes those that are needed
 * postgresql_write.c       one batch, one transaction
 * postgresql_read.c        SELECTs of the query layer
 * postgresql_cleanup.h     names the files of the clean-up
 *
 * Layout: the schema `audittrail`; tables as in migrations/postgresql/.
 * Validity: a row of audit_events counts because its transaction also moved last_seq.
 * Recovery: PostgreSQL's own. After it, last_seq of each writer says which of its events are there, no more and no
 *           fewer.
 *
 * All of it is a loadable object: an embedder that stores in SQLite needs no libpq.
 *
 * Thread: one owner per store.
 * Memory: the store owns its connection, caches and scratch.
 * Errors: as store.h and postgresql_connection.h; every function rolls back what it began.
 * Crash:  synchronous_commit is on for every batch, whatever the server's default: what was committed is on its disk.
 */
#ifndef TRAIL_STORE_POSTGRESQL_STORE_H
#define TRAIL_STORE_POSTGRESQL_STORE_H

#include "store/postgresql_connection.h"
#include "store/ref_resolver.h"

/* As many versions as there are files in migrations/postgresql/. */
#define POSTGRESQL_SCHEMA_NEWEST 2
extern const struct migration postgresql_migrations[POSTGRESQL_SCHEMA_NEWEST];

/* How often a batch is begun anew because a clean-up deleted references or dropped a day meanwhile. */
#define POSTGRESQL_TRIES_MAX 5

/* Days are numbered from 1970-01-01. The known ones, ascending. */
struct postgresql_days {
    int32_t *known;
    size_t   count;
    size_t   capacity;
    int32_t  ahead_until;      /* The last day that was made ahead; 0: none yet. */
    bool     looked;           /* known is what the catalogue said. */
    int64_t  refused_until_us; /* Monotonic; the server said no, and is not asked again before. 0: it did not. */
};

struct postgresql_store {
    struct store           base;
    struct pg_connection   connection;
    uint32_t               retention_days;
    int64_t                dims_generation; /* What the caches and the ids of this batch are valid for. */
    struct ref_resolver    resolver;
    struct postgresql_days days;
    struct buf             sql;  /* Scratch for one message. */
    struct buf             copy; /* Scratch for the bytes of a COPY. */
};

static inline struct postgresql_store *postgresql_store_of(struct store *store)
{
    return (struct postgresql_store *)store; /* base is the first member. */
}

extern const struct store_backend postgresql_backend;

/* ---- postgresql_schema.c ---- */

/* Create the schema, or bring it up to date; with base.read_only only check it. Fills in base.identity, base.schema_was
 * and dims_generation. TRAIL_EVERSION: newer than this library. TRAIL_EAWAY: it is missing or older, and this role may
 * not change it (the message says so, and names `audittrail migrate`). TRAIL_ECONFIG: the database is not UTF-8. */
TRAIL_MUST_CHECK enum trail_err postgresql_schema_open(struct postgresql_store *store, struct trail_error *ret_error);

/* ---- postgresql_refs.c ---- */

/* Fill resolver.ids for every event, inserting what is new in a transaction of its own: one round trip. */
TRAIL_MUST_CHECK enum trail_err postgresql_refs_resolve(struct postgresql_store   *store,
                                                        const struct event_record *events, size_t event_count,
                                                        struct trail_error *ret_error);

/* ---- postgresql_days.c ---- */

/* Make sure that every day of these events that may have a partition has one, and today's and the next two besides.
 * What cannot be made now is no error: its events are strays. */
TRAIL_MUST_CHECK enum trail_err postgresql_days_prepare(struct postgresql_store   *store,
                                                        const struct event_record *events, size_t event_count,
                                                        struct trail_error *ret_error);

/* Does the event's day have a partition, as far as we know? */
bool postgresql_days_has(const struct postgresql_store *store, int64_t timestamp_us);

/* A partition was dropped: what is known is no longer true. */
void postgresql_days_forget(struct postgresql_store *store);

/* ---- postgresql_copy.c ---- */

/* Append the header, one event, the trailer of a binary COPY of audit_events (every column, in the table's order). */
void postgresql_copy_begin(struct buf *out);
void postgresql_copy_event(struct buf *out, int32_t writer, const struct event_record *record,
                           const struct reference_ids *references);
void postgresql_copy_end(struct buf *out);

/* ---- postgresql_write.c ---- */

TRAIL_MUST_CHECK enum trail_err postgresql_writer_add(struct store *store, const struct store_writer *writer,
                                                      uint64_t *ret_last_seq, struct trail_error *ret_error);
TRAIL_MUST_CHECK enum trail_err postgresql_write(struct store *store, const struct store_batch *batch,
                                                 uint64_t *ret_last_seq, struct trail_error *ret_error);

/* ---- postgresql_read.c ---- */

TRAIL_MUST_CHECK enum trail_err postgresql_select(struct store *store, const struct store_query *query,
                                                  struct trail_error *ret_error);
uint64_t                        postgresql_bytes(struct store *store);

#endif
