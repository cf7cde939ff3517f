/* postgresql_baseline.h -- what stands beside our trail in PostgreSQL, and what both are measured with.
 *
 * The gateway's table in its two ways of writing, and the least that can be done for our own rows: they are read out of
 * the trail's tables and copied, in batches of the same size and as the same bytes, into a table with the same columns,
 * days and indexes. All of it through libpq's own calls, without our code.
 *
 * Thread: one owner per connection.
 * Memory: baseline rows own their bytes.
 * Errors: whatever fails ends the program.
 */
#ifndef TRAIL_TESTS_POSTGRESQL_BASELINE_H
#define TRAIL_TESTS_POSTGRESQL_BASELINE_H

#include <libpq-fe.h>

#include "bench/bench.h"

PGconn *baseline_connect(const char *url);

/* Run statements; the answer is thrown away. */
void baseline_run(PGconn *connection, const char *sql);

/* Run one SELECT of one number. */
double baseline_number(PGconn *connection, const char *sql);

/* ---- What a contender cost the server ---- */

struct server_cost {
    uint64_t wall_ns;
    double   wal_bytes;
    double   cpu_ns; /* Of one backend. */
};

/* Begins and ends a measurement of the backend with that process id; `observer` is a connection that does nothing else.
 * The server must run on this machine. */
struct server_cost cost_begin(PGconn *observer, int backend);
struct server_cost cost_end(PGconn *observer, int backend, const struct server_cost *begin);

/* Print per_second, wal_bytes and backend_cpu, each but the first per event. */
void cost_print(const char *name, const struct server_cost *cost, size_t count);

/* ---- The gateway's table ---- */

/* Create it (anew) from the file. */
void gateway_create(PGconn *connection, const char *schema_file);

/* As the gateway does per request: BEGIN, INSERT, COMMIT, then the row is read again in a transaction of its own. */
void gateway_record(PGconn *connection, const struct trail_event *event);

/* One INSERT of so many rows, 500 at most. */
void gateway_insert(PGconn *connection, const struct event_record *records, size_t count);

/* ---- Our own rows ---- */

struct copied_rows {
    char  *bytes;
    size_t size;
    size_t capacity;
    size_t count;
};

/* Read every row of audittrail.audit_events, in the order of seq. */
void copied_rows_read(struct copied_rows *rows, PGconn *connection);
void copied_rows_free(struct copied_rows *rows);

/* Make bare.audit_events, empty, with the columns, indexes and days of ours. */
void bare_create(PGconn *connection);

/* Copy the rows into it, `batch` of them per transaction. */
void bare_copy(PGconn *connection, const struct copied_rows *rows, size_t batch);

#endif
