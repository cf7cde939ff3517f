/* spool_bench.h -- a spool in a folder of its own, with a clock turned by hand and its notices counted.
 *
 * The sync thread looks at the clock every few milliseconds of real time; it syncs when the clock was turned on.
 *
 * Thread: one owner; appending from any.
 * Memory: a plain value that must not move while the spool is open.
 * Errors: aborts.
 */
#ifndef TESTS_SUPPORT_SPOOL_BENCH_H
#define TESTS_SUPPORT_SPOOL_BENCH_H

#include "spool/reader.h"
#include "spool/spool.h"
#include "support/manual_clock.h"
#include "support/temp_dir.h"

struct spool_bench {
    struct temp_dir      dir;
    struct manual_clock  clock;
    struct waker         drain_waker;
    struct spool_options options;
    struct spool        *spool;
    unsigned             notices;     /* Atomic. */
    struct trail_error   last_notice; /* Read it after `notices`. */
};

#define SPOOL_BENCH_INTERVAL_US 1000

/* Make folder, clock and options; 4 MiB, durability `process`, no preamble. */
void spool_bench_init(struct spool_bench *bench);

/* Open with the options as they are now. */
void spool_bench_open(struct spool_bench *bench);

/* Close (the files stay), and remove the folder. */
void spool_bench_done(struct spool_bench *bench);

/* Append one event of payload_size bytes; its seq is *ret_seq (may be NULL). */
enum trail_err spool_bench_append(struct spool_bench *bench, size_t payload_size, uint64_t *ret_seq);
enum trail_err spool_bench_append_control(struct spool_bench *bench, size_t payload_size);

/* Append until it is refused; how many were taken. */
size_t spool_bench_fill(struct spool_bench *bench, size_t payload_size);

/* Read everything that is new, as the drain does, and give it back as stored; how many events were in it. A reader of
 * zeros begins at the first. */
uint64_t spool_bench_release(struct spool_bench *bench, struct reader *reader);

/* Turn the clock until everything appended is synced, or has failed to be. */
void spool_bench_sync(struct spool_bench *bench);

unsigned spool_bench_notices(struct spool_bench *bench);

#endif
