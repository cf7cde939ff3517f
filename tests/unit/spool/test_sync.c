/* test_sync.c -- what is written to the disk is everything up to a page boundary, and never a page that is appended to.
 *
 * Goal:   an append never waits for the disk; a sync that failed is never believed again.
 * Method: msync is wrapped: its range is held against the tail before and after, and it fails when told. The clock
 *         is turned by hand, except where appenders and the sync thread race.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "spool/reader.h"
#include "spool/spool_state.h"
#include "support/fault.h"
#include "support/image.h"
#include "support/patience.h"
#include "support/spool_bench.h"

static struct spool_bench bench;
static struct fault       msync_fault;
static unsigned           calls;         /* Of msync. Atomic, like all below. */
static unsigned           calls_at_tail; /* Of these: with the page that is appended to. */
static const void        *watched;       /* A mapping that must not be synced any more. */
static unsigned           calls_watched;
static struct spool      *tail_of; /* Whose tail is looked for; not bench.spool, which is set when its thread runs. */

int __real_msync(void *from, size_t size, int flags);
int __wrap_msync(void *from, size_t size, int flags);

/* The page that the next append writes to lies in the range, and is not the segment's last. */
static bool covers_the_tail(const char *from, size_t size)
{
    struct spool *spool = __atomic_load_n(&tail_of, __ATOMIC_ACQUIRE);
    if (spool == NULL)
        return false;
    pthread_mutex_lock(&spool->lock);
    const char *map = (const char *)spool->current->area.map;
    const char *tail = map + spool->current->tail;
    bool        covers = tail >= from && tail < from + size && tail < map + spool->current->area.size - SPOOL_PAGE_SIZE;
    pthread_mutex_unlock(&spool->lock);
    return covers;
}

int __wrap_msync(void *from, size_t size, int flags)
{
    bool at_tail = covers_the_tail(from, size);
    int  result = __real_msync(from, size, flags);
    assert_int_equal((uintptr_t)from % SPOOL_PAGE_SIZE, 0);
    assert_int_equal(size % SPOOL_PAGE_SIZE, 0);
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    if (at_tail || covers_the_tail(from, size))
        __atomic_fetch_add(&calls_at_tail, 1, __ATOMIC_RELAXED);
    const char *never = __atomic_load_n(&watched, __ATOMIC_ACQUIRE);
    if (never != NULL && (const char *)from >= never && (const char *)from < never + SPOOL_SEGMENT_SIZE_MIN)
        __atomic_fetch_add(&calls_watched, 1, __ATOMIC_RELAXED);
    if (!fault_strikes(&msync_fault))
        return result;
    errno = msync_fault.error;
    return -1;
}

static unsigned calls_now(void)
{
    return __atomic_load_n(&calls, __ATOMIC_RELAXED);
}

static int set_up(void **state)
{
    (void)state;
    calls = calls_at_tail = calls_watched = 0;
    watched = NULL;
    tail_of = NULL;
    fault_arm(&msync_fault, 0, 0, 0);
    spool_bench_init(&bench);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    spool_bench_done(&bench);
    return 0;
}

static size_t tail(void)
{
    pthread_mutex_lock(&bench.spool->lock);
    size_t at = bench.spool->current->tail;
    pthread_mutex_unlock(&bench.spool->lock);
    return at;
}

/* How many valid pad frames stand in the first segment, and whether reading reaches its tail. */
static size_t count_pads(void)
{
    const struct segment *segment = spool_first_segment(bench.spool);
    struct frame          frame;
    size_t                next = SPOOL_PAGE_SIZE;
    size_t                pads = 0;
    while (frame_read(&segment->area, next, &frame, &next) == FRAME_VALID)
        pads += frame.type == FRAME_PAD;
    assert_int_equal(next, segment->tail);
    return pads;
}

static void a_sync_moves_the_tail_to_the_next_page_boundary(void **state)
{
    (void)state;
    /* Where the tail stands in its page before the sync, and how far it must have moved. */
    static const struct {
        size_t at;
        size_t moved;
    } cases[] = {
        { 48, 4096 - 48 },      { 2048, 2048 },
        { 4096 - 40, 40 },      { 4096 - 32, 32 + 4096 }, /* Smaller than a header: belongs to the page that follows. */
        { 4096 - 8, 8 + 4096 }, { 4096, 0 },
    };
    spool_bench_open(&bench);
    __atomic_store_n(&tail_of, bench.spool, __ATOMIC_RELEASE);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(tail() % SPOOL_PAGE_SIZE, 0);
        assert_int_equal(spool_bench_append(&bench, cases[i].at - FRAME_HEADER_SIZE, NULL), TRAIL_OK);
        size_t before = tail();
        spool_bench_sync(&bench);
        assert_int_equal(tail() - before, cases[i].moved);
        assert_int_equal(count_pads(), i + 1 - (cases[i].moved == 0));
        assert_int_equal(spool_last_seq(bench.spool), i + 1); /* A pad takes no number. */
    }
    struct frame      frame;
    struct reader     reader;
    struct reader_gap gap;
    reader_init(&reader, spool_first_segment(bench.spool), 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(reader_next(&reader, &frame, &gap), READER_EVENT);
    assert_int_equal(reader_next(&reader, &frame, &gap), READER_END);
    assert_int_equal(calls_at_tail, 0);
}

static bool has_looked(void *context)
{
    (void)context;
    manual_clock_advance(&bench.clock, SPOOL_BENCH_INTERVAL_US);
    return __atomic_load_n(&bench.clock.mono_us, __ATOMIC_RELAXED) > INT64_C(300) * 1000000 + 100000;
}

static void where_nothing_was_appended_nothing_is_written(void **state)
{
    (void)state;
    spool_bench_open(&bench);
    spool_bench_append(&bench, 100, NULL);
    spool_bench_sync(&bench);
    size_t   before = tail();
    unsigned calls_before = calls_now();
    assert_true(patience_until(has_looked, NULL)); /* A hundred intervals. */
    assert_int_equal(tail(), before);
    assert_int_equal(calls_now(), calls_before);
}

static void the_end_of_a_segment_is_synced_as_it_is(void **state)
{
    (void)state;
    spool_bench_open(&bench);
    /* Leaves 8 bytes: no pad frame fits. */
    size_t left = SPOOL_SEGMENT_SIZE_MIN - SPOOL_PAGE_SIZE - SPOOL_CONTROL_RESERVE_BYTES;
    assert_int_equal(spool_bench_append(&bench, left / 2 - FRAME_HEADER_SIZE, NULL), TRAIL_OK);
    assert_int_equal(spool_bench_append(&bench, left / 2 - FRAME_HEADER_SIZE, NULL), TRAIL_OK);
    assert_int_equal(spool_bench_append_control(&bench, SPOOL_CONTROL_RESERVE_BYTES - 8 - FRAME_HEADER_SIZE), TRAIL_OK);
    assert_int_equal(tail(), SPOOL_SEGMENT_SIZE_MIN - 8);
    spool_bench_sync(&bench);
    assert_int_equal(tail(), SPOOL_SEGMENT_SIZE_MIN - 8);
    assert_int_equal(spool_wait_synced(bench.spool, 3, 0), TRAIL_OK);
}

static void machine_syncs_each_event_and_burns_no_page(void **state)
{
    (void)state;
    uint64_t seq = 0;
    bench.options.durability = DURABILITY_MACHINE;
    spool_bench_open(&bench);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(spool_bench_append(&bench, 100, &seq), TRAIL_OK);
        assert_int_equal(spool_wait_synced(bench.spool, seq, 20000), TRAIL_OK); /* Although the clock stands still. */
    }
    assert_true(calls_now() >= 20);
    assert_int_equal(tail(), SPOOL_PAGE_SIZE + 20 * frame_size(100));
}

static void closing_syncs_what_is_left(void **state)
{
    (void)state;
    spool_bench_open(&bench);
    spool_bench_append(&bench, 100, NULL);
    assert_int_equal(calls_now(), 0);
    struct spool *spool = bench.spool;
    bench.spool = NULL;
    spool_close(spool, false);
    assert_int_equal(calls_now(), 1);
}

static void nobody_waits_for_a_sync_for_ever(void **state)
{
    (void)state;
    spool_bench_open(&bench);
    spool_bench_append(&bench, 100, NULL);
    assert_int_equal(spool_wait_synced(bench.spool, 1, 10), TRAIL_PENDING); /* The clock stands still. */
}

/* Whoever waits for the sync may be woken a moment before. */
static bool is_urgent(void *context)
{
    (void)context;
    return spool_take_urgent(bench.spool);
}

static void a_failed_sync_gives_the_segment_up_and_hurries(void **state)
{
    (void)state;
    static const enum durability durabilities[] = { DURABILITY_PROCESS, DURABILITY_MACHINE };
    for (size_t i = 0; i < 2; i++) {
        uint64_t seq = 0;
        bench.options.durability = durabilities[i];
        bench.notices = 0;
        calls_watched = 0;
        spool_bench_open(&bench);
        const struct segment *failed = spool_first_segment(bench.spool);
        fault_arm(&msync_fault, 0, 1, EIO);
        waker_prepare(&bench.drain_waker);

        spool_bench_append(&bench, 100, NULL);
        spool_bench_append(&bench, 100, &seq);
        if (durabilities[i] == DURABILITY_PROCESS)
            spool_bench_sync(&bench);
        enum trail_err waited = spool_wait_synced(bench.spool, seq, 20000);
        /* With machine the second event may have come after the failure, and then it is in the next segment. */
        assert_true(waited == TRAIL_PENDING || (durabilities[i] == DURABILITY_MACHINE && segment_next(failed) != NULL));
        assert_int_equal(fault_struck(&msync_fault), 1);
        assert_int_equal(spool_wait_synced(bench.spool, 1, 0), TRAIL_PENDING);
        assert_true(segment_is_sealed(failed));
        assert_true(patience_until(is_urgent, NULL));
        assert_true(spool_bench_notices(&bench) <= 1); /* It comes a moment later. */
        __atomic_store_n(&watched, failed->area.map, __ATOMIC_RELEASE);

        assert_int_equal(spool_bench_append(&bench, 100, &seq), TRAIL_OK);
        assert_non_null(segment_next(failed));
        assert_int_equal(segment_next(failed)->last_seq, seq);
        spool_bench_sync(&bench);
        assert_int_equal(spool_wait_synced(bench.spool, seq, 20000), TRAIL_OK); /* The next one works again. */
        assert_string_equal(image_read_from(failed, 1), "1 2 3");               /* Nothing is lost for the drain. */

        struct spool *spool = bench.spool;
        bench.spool = NULL;
        spool_close(spool, true);
        assert_int_equal(calls_watched, 0);
        assert_int_equal(spool_bench_notices(&bench), 1);
        assert_int_equal(bench.last_notice.code, TRAIL_EIO);
        __atomic_store_n(&watched, NULL, __ATOMIC_RELEASE);
    }
}

static void a_failed_segment_at_the_limit_refuses_until_it_is_given_back(void **state)
{
    (void)state;
    spool_bench_open(&bench);
    while (segment_next(spool_first_segment(bench.spool)) == NULL)
        assert_int_equal(spool_bench_append(&bench, 10000, NULL), TRAIL_OK);
    fault_arm(&msync_fault, 0, FAULT_FOREVER, EIO);
    spool_bench_sync(&bench);
    assert_int_equal(spool_bench_append(&bench, 100, NULL), TRAIL_EFULL);
    assert_int_equal(spool_bench_append_control(&bench, 100), TRAIL_EFULL);

    fault_arm(&msync_fault, 0, 0, 0);
    const struct segment *second = segment_next(spool_first_segment(bench.spool));
    spool_release(bench.spool, spool_last_seq(bench.spool), 0, second);
    assert_ptr_equal(spool_first_segment(bench.spool), second);
    assert_int_equal(spool_bench_append(&bench, 100, NULL), TRAIL_OK);
}

/* ---- Everybody at once ---- */

#define APPENDERS 2
#define SYNCS 30

static void *append_until_synced_often(void *argument)
{
    (void)argument;
    for (size_t i = 0; calls_now() < SYNCS; i++) {
        if (spool_bench_append(&bench, 20 + i % 400, NULL) != TRAIL_OK)
            break;
    }
    return NULL;
}

static void pages_that_are_written_out_are_never_those_that_are_written_to(void **state)
{
    (void)state;
    pthread_t threads[APPENDERS];
    bench.options.clock = &clock_system;
    bench.options.bytes_max = UINT64_C(1) << 30;
    spool_bench_open(&bench);
    __atomic_store_n(&tail_of, bench.spool, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < APPENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, append_until_synced_often, NULL), 0);
    for (unsigned i = 0; i < APPENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(spool_wait_synced(bench.spool, spool_last_seq(bench.spool), 20000), TRAIL_OK);
    print_message("%u syncs while %u events were appended\n", calls_now(), (unsigned)spool_last_seq(bench.spool));
    assert_true(calls_now() >= 5);
    assert_int_equal(calls_at_tail, 0);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(a_sync_moves_the_tail_to_the_next_page_boundary),
        FACT(where_nothing_was_appended_nothing_is_written),
        FACT(the_end_of_a_segment_is_synced_as_it_is),
        FACT(machine_syncs_each_event_and_burns_no_page),
        FACT(closing_syncs_what_is_left),
        FACT(nobody_waits_for_a_sync_for_ever),
        FACT(a_failed_sync_gives_the_segment_up_and_hurries),
        FACT(a_failed_segment_at_the_limit_refuses_until_it_is_given_back),
        FACT(pages_that_are_written_out_are_never_those_that_are_written_to),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
