/* sqlite_store.h -- the SQLite back-end's connection and what its files share.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * sqlite_store.c   opens, closes, waits for locks, says what an SQLite result code means
 * sqlite_schema.c  creates the schema, brings it up to date, refuses a newer one
 * sqlite_script.c  the same as a script for sqlite3
 * sqlite_refs.c    turns the repeated parts of a batch's events into row ids
 * sqlite_write.c   one batch, one transaction
 * sqlite_read.c    SELECTs of the query layer
 * sqlite_cleanup.h names the files of the clean-up
 *
 * Layout: one database file in WAL mode (beside it FILE-wal and FILE-shm); tables as in migrations/.
 * Validity: what SQLite says; a row of audit_events counts because its transaction also moved last_seq.
 * Recovery: SQLite's own, when the file is next opened. After it, last_seq of each writer says which of its
 *           events are there, no more and no fewer.
 *
 * Thread: one owner per connection (it is opened without SQLite's mutex).
 * Memory: the connection owns its statements, caches and scratch; a batch allocates nothing once these have grown.
 * Errors: every function rolls back what it began. A connection that could not even do that is `broken`: it
 *         answers TRAIL_EAWAY until it is closed and opened again.
 * Crash:  synchronous=FULL: what was committed survives a power cut.
 */
#ifndef TRAIL_STORE_SQLITE_STORE_H
#define TRAIL_STORE_SQLITE_STORE_H

#include <sqlite3.h>

#include "store/backend.h"
#include "store/ref_resolver.h"

/* How often a batch resolves its references again because a clean-up came between. A clean-up runs once an hour. */
#define SQLITE_RESOLVE_TRIES_MAX 5

/* "ATRL": marks the file as ours for file(1) and for us. */
#define SQLITE_APPLICATION_ID 0x4154524c

/* As many versions as there are files in migrations/sqlite/. */
#define SQLITE_SCHEMA_NEWEST 2
extern const struct migration sqlite_migrations[SQLITE_SCHEMA_NEWEST];

/* Prepared once per connection that writes. */
enum sqlite_statement {
#define STATEMENT(symbol, text) SQLITE_STATEMENT_##symbol,
#include "store/sqlite_statements.def"
#undef STATEMENT
    SQLITE_STATEMENT_COUNT
};

struct sqlite_store {
    struct store  base;
    sqlite3      *db;
    char         *path;
    const bool   *interrupted;     /* May be NULL. */
    uint32_t      wait_ms;         /* How long a lock is waited for. */
    int64_t       wait_started_us; /* Monotonic, of the wait that is going on. */
    bool          broken;          /* Must be closed and opened again. */
    bool          is_full;         /* The disk was, at some failure since this was last taken back. */
    int64_t       dims_generation; /* What the caches and the ids of this batch are valid for. */
    sqlite3_stmt *statements[SQLITE_STATEMENT_COUNT];

    struct ref_resolver resolver;
};

static inline struct sqlite_store *sqlite_store_of(struct store *store)
{
    return (struct sqlite_store *)store; /* base is the first member. */
}

/* ---- sqlite_store.c ---- */

/* What an SQLite result code means, "doing" and SQLite's own words in ret_error. */
enum trail_err sqlite_failed(struct sqlite_store *store, int code, const char *doing, struct trail_error *ret_error);

/* Step a statement that returns no row (or whose rows do not matter) and reset it. TRAIL_OK or sqlite_failed(). */
TRAIL_MUST_CHECK enum trail_err sqlite_run(struct sqlite_store *store, enum sqlite_statement statement,
                                           const char *doing, struct trail_error *ret_error);

/* Step a statement that returns at most one row of at most two integers; *ret_found says whether there was one. */
TRAIL_MUST_CHECK enum trail_err sqlite_run_integers(struct sqlite_store *store, enum sqlite_statement statement,
                                                    int64_t ret_values[2], bool *ret_found,
                                                    struct trail_error *ret_error);

/* End a transaction that failed. Marks the store as broken when even that fails. */
void sqlite_rollback(struct sqlite_store *store);

/* Refuse to go on with a connection that is broken, or whose file is no longer what `path` names: TRAIL_EAWAY. */
TRAIL_MUST_CHECK enum trail_err sqlite_check_usable(struct sqlite_store *store, struct trail_error *ret_error);

/* The busy handler: sleep 1-5 ms and return 1, or 0 when `wait_ms` have passed or the owner was interrupted. */
int sqlite_wait_for_lock(void *context, int earlier_waits);

/* Bind text; an absent or empty one is NULL. Borrowed until the statement is run. */
static inline int sqlite_bind_text(sqlite3_stmt *statement, int at, struct trail_text text)
{
    if (text.size == 0)
        return sqlite3_bind_null(statement, at);
    return sqlite3_bind_text64(statement, at, text.data, text.size, SQLITE_STATIC, SQLITE_UTF8);
}

/* ---- sqlite_schema.c ---- */

/* Create the schema, or bring it up to date; with base.read_only only check it. Fills in base.identity and
 * dims_generation. TRAIL_EVERSION: newer than this library. TRAIL_ECONFIG: somebody else's database. TRAIL_EAWAY:
 * nothing there yet to read. */
TRAIL_MUST_CHECK enum trail_err sqlite_schema_open(struct sqlite_store *store, struct trail_error *ret_error);

/* ---- sqlite_script.c ---- */

/* As store_backend.script. */
void sqlite_script(struct buf *out);

/* ---- sqlite_refs.c ---- */

/* Fill resolver.ids for every event, inserting what is new in a transaction of its own. */
TRAIL_MUST_CHECK enum trail_err sqlite_refs_resolve(struct sqlite_store *store, const struct event_record *events,
                                                    size_t event_count, struct trail_error *ret_error);

/* Forget every id: references were deleted, and the generation is now this one. */
void sqlite_refs_forget(struct sqlite_store *store, int64_t dims_generation);

/* ---- sqlite_write.c ---- */

TRAIL_MUST_CHECK enum trail_err sqlite_writer_add(struct store *store, const struct store_writer *writer,
                                                  uint64_t *ret_last_seq, struct trail_error *ret_error);
TRAIL_MUST_CHECK enum trail_err sqlite_write(struct store *store, const struct store_batch *batch,
                                             uint64_t *ret_last_seq, struct trail_error *ret_error);

/* ---- sqlite_read.c ---- */

TRAIL_MUST_CHECK enum trail_err sqlite_select(struct store *store, const struct store_query *query,
                                              struct trail_error *ret_error);

#endif
