/* sqlite_baseline.h -- what our store is measured beside: the least that SQLite can be asked to do for the same rows,
 * and what the gateway did.
 *
 * Thread: one owner.
 * Memory: rows own their texts.
 * Errors: end the program.
 */
#ifndef TRAIL_TESTS_SQLITE_BASELINE_H
#define TRAIL_TESTS_SQLITE_BASELINE_H

#include "bench/bench.h"

/* The facts and payloads of a database of ours, in memory, references resolved. */
struct baseline_rows;

struct baseline_rows *baseline_read(const char *our_database);
size_t                baseline_count(const struct baseline_rows *rows);
void                  baseline_free(struct baseline_rows *rows);

/* Make a database at `path` with the schema and the references of ours and insert the rows: two prepared
 * statements, BEGIN IMMEDIATE and COMMIT around each `batch` rows, WAL, synchronous=FULL. Returns seconds;
 * *ret_cpu_seconds is the processor time. */
double baseline_insert(const struct baseline_rows *rows, const char *our_database, const char *path, size_t batch,
                       double *ret_cpu_seconds);

/* The gateway's table with its 18 indexes, made by the SQL in `schema_file`. */
struct wide_table;

struct wide_table *wide_open(const char *path, const char *schema_file);
void               wide_close(struct wide_table *table);

/* As the gateway does it for each request: BEGIN, INSERT, COMMIT, SELECT. */
void wide_record(struct wide_table *table, const struct trail_event *event);

/* All of them in large transactions: for the size on disk only. */
void wide_fill(struct wide_table *table, const struct workload *workload);

/* Bytes of a database in its file, the write-ahead log merged into it. */
double database_bytes(const char *path);

#endif
