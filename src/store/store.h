/* store.h -- where events end up: one interface, one file per database behind it.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * A store keeps rows that anyone can read with SQL, and for every writer (a process's spool) the number of
 * the last event it holds. Both change in one transaction, which begins with the fence:
 *
 *     UPDATE audit_writers SET last_seq = :last WHERE uuid = :writer AND last_seq = :first - 1
 *
 * Zero rows: someone else has moved this writer on (a transaction of a drain that was thought dead, or a
 * take-over); nothing is written and the caller learns where the writer stands. That, and nothing else, makes
 * storage exactly-once: there is no unique index on the events.
 *
 * Thread: one owner per store (a connection). Other processes and connections may work on the same database.
 * Memory: everything passed in is borrowed for the call.
 * Errors: TRAIL_EAWAY     try again later (unreachable, locked, read-only, disk full); nothing changed, or, when the
 *                         answer to COMMIT was lost, everything: the fence tells at the next attempt.
 *         TRAIL_EFENCE    *ret_last_seq says where the writer really stands; nothing changed.
 *         TRAIL_EDATA     the database refuses the data of some event; nothing changed.
 *         TRAIL_EVERSION  the schema is newer than this library; nothing changed.
 *         TRAIL_ENOMEM, TRAIL_ECORRUPT.
 * Crash:  a batch for which store_write() returned TRAIL_OK survives a power cut.
 */
#ifndef TRAIL_STORE_STORE_H
#define TRAIL_STORE_STORE_H

#include "base/buf.h"
#include "event/event.h"

struct store;

/* Who records: one row of audit_writers. */
struct store_writer {
    struct uuid       uuid;
    struct trail_text service;
    struct trail_text host;
    struct trail_text version;
    int64_t           pid;
    int64_t           started_us;
};

/* An event that the store refused, kept as text so that it is not lost. */
struct store_dead_letter {
    uint64_t             seq;
    enum trail_operation operation;
    bool                 control;
    struct trail_text    event_json; /* The event, as event_to_json() writes it. */
    struct trail_text    error;      /* What the store said. */
};

/* What one transaction moves: the writer from first_seq - 1 to last_seq. */
struct store_batch {
    const struct uuid              *writer;
    uint64_t                        first_seq;
    uint64_t                        last_seq;
    const struct event_record      *events; /* Ascending seq, gaps allowed. */
    size_t                          event_count;
    const struct store_dead_letter *dead_letters;
    size_t                          dead_letter_count;
    const struct trail_account
           *accounts; /* TRAIL_OPERATION_COUNT totals of refusals so far (`recorded` ignored); NULL = unchanged. */
    int64_t recorded_at_us;
};

/* Connect, create the schema or bring it up to date. `url`: "sqlite:PATH".
 * TRAIL_ECONFIG: no back-end for such a URL, or the database is somebody else's. `interrupted` (may be NULL) is
 * read, atomically, while waiting for a lock: when it becomes true the call gives up with TRAIL_EAWAY; it stays in
 * force for the store's life. */
TRAIL_MUST_CHECK enum trail_err store_open(struct store **ret_store, const char *url, const bool *interrupted,
                                           struct trail_error *ret_error);

/* The same for reading only: creates and changes nothing. TRAIL_EAWAY: no database there. */
TRAIL_MUST_CHECK enum trail_err store_open_reader(struct store **ret_store, const char *url,
                                                  struct trail_error *ret_error);

void store_close(struct store *store);

/* In a child that nobody prepared the fork() of: let go of what it inherited, without a word to the database, whose
 * connection is the parent's. *store is not to be used again, and is not freed. */
void store_abandon(struct store *store);

/* Is the URL one that store_open() could take? Connects to nothing. TRAIL_ECONFIG. */
TRAIL_MUST_CHECK enum trail_err store_check_url(const char *url, struct trail_error *ret_error);

/* Append to *out what store_open() does to the schema of such a store, as a script for psql or sqlite3. Connects to
 * nothing. TRAIL_ECONFIG, and what backend_find() says. */
TRAIL_MUST_CHECK enum trail_err store_script(const char *url, struct buf *out, struct trail_error *ret_error);

/* The version of the schema that was found when the store was opened (0: there was none), and the one it has now. */
int64_t store_schema_was(const struct store *store);
int64_t store_schema_is(const struct store *store);

/* The store's own identity: what a spool's destination is compared with. */
const struct uuid *store_identity(const struct store *store);

/* Give the writer its row if it has none; *ret_last_seq is where it stands (0: nothing stored yet). */
TRAIL_MUST_CHECK enum trail_err store_writer_add(struct store *store, const struct store_writer *writer,
                                                 uint64_t *ret_last_seq, struct trail_error *ret_error);

/* Store one batch in one transaction. first_seq > last_seq with no events: only the accounts are written.
 * *ret_last_seq (TRAIL_OK, TRAIL_EFENCE): where the writer stands afterwards. TRAIL_EDATA from an event: its seq is in
 * ret_error->offset. After TRAIL_EAWAY close the store and open it again: the database may be another one now. */
TRAIL_MUST_CHECK enum trail_err store_write(struct store *store, const struct store_batch *batch,
                                            uint64_t *ret_last_seq, struct trail_error *ret_error);

/* Disk taken by the whole store, 0 when it cannot be found out. */
uint64_t store_bytes(struct store *store);

/* ---- Reading: SQL made by the query layer, rows handed to a function ---- */

/* TIME: microseconds since 1970 UTC in `integer`, for a column of times; BLOB of 16 bytes: a uuid. Both are for
 * parameters: a time is read as an INTEGER, a boolean as 0 or 1. */
enum store_value_kind { STORE_NULL, STORE_INTEGER, STORE_REAL, STORE_TEXT, STORE_BLOB, STORE_TIME };

struct store_value {
    enum store_value_kind kind;
    int64_t               integer;
    double                real;
    struct trail_text     text; /* TEXT and BLOB; borrowed for the call. */
};

/* Called for each row; false stops. */
typedef bool (*store_row_fn)(void *context, const struct store_value *columns, size_t column_count);

/* One SELECT, with parameters written `?` or `?1`, `?2`, and where its rows go. */
struct store_query {
    const char               *sql;
    const struct store_value *parameters;
    size_t                    parameter_count;
    store_row_fn              on_row;
    void                     *context;
    bool                      by_index; /* It finds few rows through an index; a planner must not read everything. */
};

/* What the SQL of a store is like where SQLite and PostgreSQL differ. */
enum store_dialect { STORE_DIALECT_SQLITE, STORE_DIALECT_POSTGRESQL };

enum store_dialect store_dialect(const struct store *store);

/* Run one SELECT. The read transaction ends before this returns. */
TRAIL_MUST_CHECK enum trail_err store_run_query(struct store *store, const struct store_query *query,
                                                struct trail_error *ret_error);

/* The same, with everything said in the call. */
TRAIL_MUST_CHECK enum trail_err store_select(struct store *store, const char *sql, const struct store_value *parameters,
                                             size_t parameter_count, store_row_fn on_row, void *context,
                                             struct trail_error *ret_error);

#endif
