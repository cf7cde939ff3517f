/* postgresql_connection.h -- one libpq connection whose calls end: by an answer, a time-out, or an interruption.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * libpq is used without ever blocking in it: every wait is our own poll(), which looks at `interrupted` and at for how
 * long the call may still wait. A call that had to be broken off leaves the server in the middle of something: the
 * connection is `broken` and answers TRAIL_EAWAY until it is closed and opened again. What the server makes of the
 * transaction the fence tells.
 *
 * Everything works through PgBouncer in transaction mode, so nothing is left in a session: no SET, no prepared
 * statement, no temporary table, no session lock. A transaction begins with PG_BEGIN, which says for itself where our
 * tables are.
 *
 * Thread: one owner.
 * Memory: results belong to the caller, who clears them with PQclear(); texts passed in are borrowed for the call.
 * Errors: TRAIL_EAWAY     unreachable, refused, too slow, interrupted, shutting down, full, read-only, no privilege.
 *         TRAIL_EDATA     the data are refused (SQLSTATE classes 22 and 23).
 *         TRAIL_ECORRUPT  a table of ours is missing or not as it was; the server says its files are damaged.
 *         TRAIL_ECONFIG   the URL is wrong. TRAIL_ENOMEM.
 *         Messages name the database as an operator knows it, never its password.
 */
#ifndef TRAIL_STORE_POSTGRESQL_CONNECTION_H
#define TRAIL_STORE_POSTGRESQL_CONNECTION_H

#include "store/backend.h"
#include "store/postgresql_value.h"

/* Opens a transaction of ours, in one message with what follows it. Temporary tables come last: in a pool, somebody
 * else's session may have left one with our name. The server gives up before we do, so that it does not go on with what
 * nobody waits for. */
#define PG_BEGIN                                                                                          \
    "BEGIN; SET LOCAL search_path = audittrail, pg_catalog, pg_temp; SET LOCAL synchronous_commit = on; " \
    "SET LOCAL statement_timeout = '25s'; SET LOCAL lock_timeout = '5s'; "

/* How many statements that is: where the answers to what follows begin in pg_run(). */
#define PG_BEGIN_RESULTS 5

/* How long an answer is waited for, connecting apart. */
#define PG_ANSWER_WAIT_MS 30000

/* First of the two keys of every advisory lock of ours ("ATRL"); the second says what is locked. */
#define PG_LOCK_CLASS 1096045132
enum pg_lock { PG_LOCK_REFERENCES = 1, PG_LOCK_SCHEMA = 2, PG_LOCK_DAYS = 3, PG_LOCK_CLEANUP = 4 };

struct pg_connection {
    PGconn     *pg;
    const bool *interrupted; /* May be NULL. */
    char        name[160];   /* "audit at db.example.org:5432", for messages. */
    bool        broken;
    int         left_ms;     /* For how long the call may still wait. */
    char        sqlstate[6]; /* Of the last error that the server reported, "" when it was not the server. */
    uint64_t    error_row;   /* TRAIL_EDATA from a COPY: the row, from 1, that the server names; 0: it names none. */
};

/* *connection needs no initialisation and is to be closed whatever is returned. Each host of the URL has wait_ms to
 * answer: one that is switched off must not keep us from the next. Names of hosts are looked up inside libpq, which no
 * deadline and no interruption ends: where the name service may hang, write addresses (hostaddr=). */
TRAIL_MUST_CHECK enum trail_err pg_connect(struct pg_connection *connection, const char *url,
                                           const struct store_open_options *options, struct trail_error *ret_error);
void                            pg_close(struct pg_connection *connection);

/* In a child that inherited it: let go of the socket without a word to the server, whose session is the parent's.
 * Memory is left alone. */
void pg_abandon(struct pg_connection *connection);

/* TRAIL_EAWAY when the connection is broken. */
TRAIL_MUST_CHECK enum trail_err pg_check_usable(const struct pg_connection *connection, struct trail_error *ret_error);

/* Run one or several statements (simple protocol, text results) in one message. results[i] is what the i-th statement
 * answered; result_max of them are kept, those that are not there are NULL; NULL and 0: none is wanted. A COPY ... FROM
 * STDIN must be the last: its answer is PGRES_COPY_IN. `doing` completes "cannot ... NAME": "lock the schema of". */
TRAIL_MUST_CHECK enum trail_err pg_run(struct pg_connection *connection, const char *sql, const char *doing,
                                       PGresult *results[], size_t result_max, struct trail_error *ret_error);

/* A statement and its parameters, in the types that stand in store.h, written `?` or `?N`. */
struct pg_statement {
    const char               *sql;
    const struct store_value *parameters;
    size_t                    parameter_count;
};

/* Run statements in one round trip (pipeline; binary results), the whole in a transaction that begins as PG_BEGIN says
 * and is committed: all of them happened, or none. results[i] is the answer to statements[i]. */
TRAIL_MUST_CHECK enum trail_err pg_run_together(struct pg_connection *connection, const struct pg_statement *statements,
                                                size_t statement_count, const char *doing, PGresult *results[],
                                                struct trail_error *ret_error);

/* One statement in a transaction that only reads: one round trip, binary result. `by_index`: the planner is to go
 * through indexes, row by row: its statistics of a day that has just begun say nothing. */
TRAIL_MUST_CHECK enum trail_err pg_read(struct pg_connection *connection, const struct pg_statement *statement,
                                        bool by_index, PGresult **ret_result, struct trail_error *ret_error);

/* One statement with parameters, binary result, in whatever transaction is open. */
TRAIL_MUST_CHECK enum trail_err pg_run_with(struct pg_connection *connection, const struct pg_statement *statement,
                                            const char *doing, PGresult **ret_result, struct trail_error *ret_error);

/* While a COPY is open: hand over bytes; then end it. `give_up` not NULL: the server is told to forget it, and why. */
TRAIL_MUST_CHECK enum trail_err pg_copy_bytes(struct pg_connection *connection, const char *bytes, size_t size,
                                              struct trail_error *ret_error);
TRAIL_MUST_CHECK enum trail_err pg_copy_end(struct pg_connection *connection, const char *give_up,
                                            struct trail_error *ret_error);

/* End a transaction that failed; marks the connection as broken when even that fails. */
void pg_rollback(struct pg_connection *connection);

#endif
