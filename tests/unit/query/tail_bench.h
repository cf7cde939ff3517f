/* tail_bench.h -- spools in a folder and a store in its place, a tail that follows them, and what it shows as text.
 *
 * A writer is a letter: its uuid is sixteen times that. Event `seq` of every writer is fixture_event(seq).
 *
 * Thread: one owner.
 * Memory: tail_bench_done() closes the tail and removes the folder.
 * Errors: everything that fails here fails the test.
 */
#ifndef TRAIL_TESTS_TAIL_BENCH_H
#define TRAIL_TESTS_TAIL_BENCH_H

#include "query/place.h"
#include "query/tail.h"
#include "spool/segment.h"

struct tail_bench {
    struct fixture      store;
    char                spool_dir[96];
    struct trail_filter filter; /* Takes everything unless a test says otherwise. */
    struct tail        *tail;
    bool                look_away; /* The tail's URL names no database. */
};

void tail_bench_init(struct tail_bench *bench);
void tail_bench_done(struct tail_bench *bench);

struct uuid tail_bench_writer(char letter);

/* A segment of this writer's spool, for the bench's store; 0: prepared and not used. Freed with segment_free(). */
struct segment *tail_bench_segment(const struct tail_bench *bench, char letter, uint32_t number, uint64_t base_seq);

/* The same, for another store. */
struct segment *tail_bench_foreign(const struct tail_bench *bench, char letter);

/* Publish the frames first .. last. */
void tail_bench_put(struct segment *segment, uint64_t first, uint64_t last);

/* Publish a frame whose timestamp is that of fixture_event(as_of). */
void tail_bench_put_late(struct segment *segment, uint64_t seq, uint64_t as_of);

/* Publish one whose payload is no event. */
void tail_bench_put_broken(struct segment *segment, uint64_t seq);

/* The writer closed its spool, or it was taken over: remove it. */
void tail_bench_remove_spool(const struct tail_bench *bench, char letter);

/* Store events first .. last in one batch. */
void tail_bench_store(struct tail_bench *bench, char letter, uint64_t first, uint64_t last);

/* Move the writer on from first to last with nothing but this: `context` of an events_lost record with the number
 * `first`; NULL: nothing at all. */
void tail_bench_store_lost(struct tail_bench *bench, char letter, uint64_t first, uint64_t last, const char *context);

/* Store one dead letter. */
void tail_bench_store_dead(struct tail_bench *bench, char letter, uint64_t seq);

/* tail_open(). */
void tail_bench_open(struct tail_bench *bench);

/* What was found: "a1 a2 a[3-5] a6! a{7-9}": events, a gap, a dead letter, what is held; "away" and "back". */
#define TAIL_BENCH_TEXT_SIZE 4096
const char *tail_bench_text(const struct tail_bench *bench);

/* tail_start() and its text. */
const char *tail_bench_start(struct tail_bench *bench, size_t count, bool follow);

/* tail_look() until there is no more, and all of its text. */
const char *tail_bench_look(struct tail_bench *bench);

#endif
