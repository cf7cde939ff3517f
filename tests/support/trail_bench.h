/* trail_bench.h -- a whole trail in a folder of its own, with the real SQLite store, and what is stored in it.
 *
 * Thread: one owner; recording from any.
 * Memory: a plain value.
 * Errors: aborts.
 */
#ifndef TESTS_SUPPORT_TRAIL_BENCH_H
#define TESTS_SUPPORT_TRAIL_BENCH_H

#include "support/temp_dir.h"

struct trail_bench {
    struct temp_dir dir;
    struct trail   *trail;
    unsigned        notices; /* Atomic. */
};

void trail_bench_init(struct trail_bench *bench);

/* Open with level `all` and up to eight "AUDIT_TRAIL_X=value", NULL last (the list itself may be NULL). */
void trail_bench_open(struct trail_bench *bench, const char *const *settings);

/* Close if it is open, and remove the folder. */
void trail_bench_done(struct trail_bench *bench);

/* Record a create with this action. */
enum trail_err trail_bench_record(struct trail_bench *bench, const char *action);

/* How many stored events have this action. */
int64_t trail_bench_count(const struct trail_bench *bench, const char *action);

/* One number from the database; -1: no database or no row. */
int64_t trail_bench_number(const struct trail_bench *bench, const char *sql);

#endif
