/* spool_bench.c -- a spool in a folder of its own, with a clock turned by hand and its notices counted. */
#include "support/spool_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spool/spool_state.h"
#include "support/image.h"
#include "support/patience.h"

static char payload[TRAIL_EVENT_BYTES_MAX];

static void on_notice(void *context, const struct trail_error *notice)
{
    struct spool_bench *bench = context;
    bench->last_notice = *notice;
    __atomic_fetch_add(&bench->notices, 1, __ATOMIC_RELEASE);
}

void spool_bench_init(struct spool_bench *bench)
{
    *bench = (struct spool_bench){ .drain_waker.fd = -1 };
    temp_dir_make(&bench->dir);
    manual_clock_init(&bench->clock);
    if (waker_init(&bench->drain_waker, NULL) != TRAIL_OK)
        abort();
    bench->options = (struct spool_options){
        .directory = bench->dir.path,
        .identity = image_identity('w'),
        .bytes_max = 2 * SPOOL_SEGMENT_SIZE_MIN,
        .durability = DURABILITY_PROCESS,
        .sync_interval_ms = SPOOL_BENCH_INTERVAL_US / 1000,
        .clock = &bench->clock.clock,
        .on_notice = on_notice,
        .notice_context = bench,
        .drain_waker = &bench->drain_waker,
    };
}

void spool_bench_open(struct spool_bench *bench)
{
    struct trail_error error;
    if (spool_open(&bench->spool, &bench->options, &error) == TRAIL_OK)
        return;
    fprintf(stderr, "%s\n", error.message);
    abort();
}

void spool_bench_done(struct spool_bench *bench)
{
    spool_close(bench->spool, false);
    bench->spool = NULL;
    waker_done(&bench->drain_waker);
    temp_dir_remove(&bench->dir);
}

static enum trail_err append(struct spool_bench *bench, size_t payload_size, bool control, uint64_t *ret_seq)
{
    struct spool_entry entry = {
        .payload = { payload, payload_size },
        .wall_us = clock_wall_us(&bench->clock.clock),
        .flags = control ? TRAIL_FLAG_CONTROL : 0,
        .control = control,
    };
    return spool_append(bench->spool, &entry, ret_seq, NULL);
}

enum trail_err spool_bench_append(struct spool_bench *bench, size_t payload_size, uint64_t *ret_seq)
{
    uint64_t seq;
    return append(bench, payload_size, false, ret_seq != NULL ? ret_seq : &seq);
}

enum trail_err spool_bench_append_control(struct spool_bench *bench, size_t payload_size)
{
    uint64_t seq;
    return append(bench, payload_size, true, &seq);
}

size_t spool_bench_fill(struct spool_bench *bench, size_t payload_size)
{
    size_t count = 0;
    while (spool_bench_append(bench, payload_size, NULL) == TRAIL_OK)
        count++;
    return count;
}

/* The sync thread may have begun to count its interval only now: the clock is turned until it has synced. */
static bool is_settled(void *context)
{
    struct spool_bench *bench = context;
    struct spool       *spool = bench->spool;
    pthread_mutex_lock(&spool->lock);
    bool settled = spool->synced_seq >= spool->last_seq || spool->failed_seq >= spool->last_seq;
    pthread_mutex_unlock(&spool->lock);
    if (!settled)
        manual_clock_advance(&bench->clock, SPOOL_BENCH_INTERVAL_US);
    return settled;
}

void spool_bench_sync(struct spool_bench *bench)
{
    if (!patience_until(is_settled, bench))
        abort();
}

unsigned spool_bench_notices(struct spool_bench *bench)
{
    return __atomic_load_n(&bench->notices, __ATOMIC_ACQUIRE);
}

uint64_t spool_bench_release(struct spool_bench *bench, struct reader *reader)
{
    struct frame      frame;
    struct reader_gap gap;
    uint64_t          count = 0;
    if (reader->segment == NULL)
        reader_init(reader, spool_first_segment(bench->spool), 1);
    while (reader_next(reader, &frame, &gap) == READER_EVENT)
        count += (frame.flags & TRAIL_FLAG_CONTROL) == 0;
    spool_release(bench->spool, reader->next_seq - 1, count, reader->segment);
    return count;
}
