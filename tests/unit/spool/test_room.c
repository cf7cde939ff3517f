/* test_room.c -- a spool is full at an exact place, keeps its reserve, and has room again when something was stored.
 *
 * Goal:   exact limits; room after release; a full disk is left alone for a while; whoever waits is woken.
 * Method: a clock turned by hand; posix_fallocate fails when told; a reader that releases as the drain does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/types.h>

#include "spool/reader.h"
#include "spool/room.h"
#include "support/fault.h"
#include "support/patience.h"
#include "support/spool_bench.h"

/* Bytes for frames in a segment of the smallest size. */
#define ROOM (SPOOL_SEGMENT_SIZE_MIN - SPOOL_PAGE_SIZE)

static struct fault       fallocate_fault;
static struct spool_bench bench;

int __real_posix_fallocate(int fd, off_t offset, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t size);

int __wrap_posix_fallocate(int fd, off_t offset, off_t size)
{
    return fault_strikes(&fallocate_fault) ? fallocate_fault.error : __real_posix_fallocate(fd, offset, size);
}

static int set_up(void **state)
{
    (void)state;
    fault_arm(&fallocate_fault, 0, 0, 0);
    spool_bench_init(&bench);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    spool_bench_done(&bench);
    return 0;
}

static void a_full_spool_refuses_at_an_exact_number_and_keeps_the_reserve_for_control_records(void **state)
{
    (void)state;
    static const size_t payloads[] = { 300, 1000, 60000, TRAIL_EVENT_BYTES_MAX };
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        size_t size = frame_size(payloads[i]);
        spool_bench_open(&bench);

        /* The first segment to its end, the last one up to the reserve. */
        size_t first = ROOM / size;
        size_t last = (ROOM - SPOOL_CONTROL_RESERVE_BYTES) / size;
        assert_int_equal(spool_bench_fill(&bench, payloads[i]), first + last);
        assert_int_equal(spool_last_seq(bench.spool), first + last);
        assert_int_equal(spool_bench_append(&bench, payloads[i], NULL), TRAIL_EFULL);
        assert_int_equal(spool_last_seq(bench.spool), first + last); /* Nothing was taken. */
        assert_int_equal(spool_bytes(bench.spool), 2 * SPOOL_SEGMENT_SIZE_MIN);

        size_t controls = 0;
        while (spool_bench_append_control(&bench, 500) == TRAIL_OK)
            controls++;
        assert_int_equal(controls, (ROOM - last * size) / frame_size(500));
        assert_true(controls >= SPOOL_CONTROL_RESERVE_BYTES / frame_size(500));
        spool_close(bench.spool, true);
        bench.spool = NULL;
    }
}

static void the_refusal_says_which_setting_it_is(void **state)
{
    (void)state;
    struct trail_error error = { 0 };
    char               byte = 'x';
    uint64_t           seq = 0;
    struct spool_entry entry = { .payload = { &byte, 1 } };
    spool_bench_open(&bench);
    spool_bench_fill(&bench, 100000);
    spool_bench_fill(&bench, 1);
    assert_int_equal(spool_append(bench.spool, &entry, &seq, &error), TRAIL_EFULL);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_SPOOL_MAX_BYTES=4194304"));
    assert_int_equal(seq, 0);
}

static void a_release_makes_room_again_and_again(void **state)
{
    (void)state;
    struct reader reader = { 0 };
    uint64_t      appended = 0;
    spool_bench_open(&bench);
    for (unsigned round = 0; round < 5; round++) {
        uint64_t filled = spool_bench_fill(&bench, 10000);
        assert_true(filled >= ROOM / frame_size(10000) - 10);
        appended += filled;
        assert_false(spool_wait_room(bench.spool, 0));
        assert_int_equal(spool_bench_release(&bench, &reader), filled);
        assert_true(spool_wait_room(bench.spool, 0));
        assert_int_equal(spool_waiting_events(bench.spool), 0);
        assert_int_equal(spool_bench_append(&bench, 10000, NULL), TRAIL_OK);
        appended++;
        assert_int_equal(spool_bench_release(&bench, &reader), 1);
        assert_int_equal(reader.next_seq, appended + 1);
    }
    /* Lock, accounts, and at most two segments. */
    assert_true(temp_dir_count(spool_path(bench.spool)) <= 4);
}

static void nothing_that_is_being_read_or_not_stored_is_released(void **state)
{
    (void)state;
    spool_bench_open(&bench);
    spool_bench_fill(&bench, 10000);
    const struct segment *first = spool_first_segment(bench.spool);
    uint64_t              last = spool_last_seq(bench.spool);

    spool_release(bench.spool, first->last_seq - 1, 0, segment_next(first));
    assert_ptr_equal(spool_first_segment(bench.spool), first);
    spool_release(bench.spool, last, 0, first);
    assert_ptr_equal(spool_first_segment(bench.spool), first);
    spool_release(bench.spool, last, 0, NULL);
    assert_ptr_equal(spool_first_segment(bench.spool), first);
    spool_release(bench.spool, last, 0, segment_next(first));
    assert_ptr_not_equal(spool_first_segment(bench.spool), first);
    spool_release(bench.spool, last, 0, spool_first_segment(bench.spool)); /* The current one stays. */
    assert_non_null(spool_first_segment(bench.spool));
}

static void *wait_for_room(void *argument)
{
    (void)argument;
    return (void *)(uintptr_t)spool_wait_room(bench.spool, 20000);
}

static void whoever_waits_for_room_is_woken(void **state)
{
    (void)state;
    struct reader reader = { 0 };
    pthread_t     thread;
    void         *room = NULL;
    spool_bench_open(&bench);
    spool_bench_fill(&bench, 10000);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_room, NULL), 0);
    spool_bench_release(&bench, &reader);
    pthread_join(thread, &room);
    assert_non_null(room);
}

static void a_spool_about_to_be_full_asks_the_drain_to_empty_it(void **state)
{
    (void)state;
    struct reader reader = { 0 };
    spool_bench_open(&bench);
    assert_false(spool_take_urgent(bench.spool));
    waker_prepare(&bench.drain_waker);
    while (segment_next(spool_first_segment(bench.spool)) == NULL)
        assert_int_equal(spool_bench_append(&bench, 10000, NULL), TRAIL_OK);
    assert_false(spool_take_urgent(bench.spool)); /* Half of the limit is no reason to hurry. */
    spool_bench_fill(&bench, 10000);
    assert_true(spool_take_urgent(bench.spool));
    assert_false(bench.drain_waker.asleep); /* It was woken. */
    assert_false(spool_take_urgent(bench.spool));
    assert_int_equal(spool_bench_append(&bench, 10000, NULL), TRAIL_EFULL);
    assert_true(spool_take_urgent(bench.spool)); /* Every refusal asks again. */
    spool_bench_release(&bench, &reader);
    assert_int_equal(spool_bench_append(&bench, 10000, NULL), TRAIL_OK);
}

static bool is_prepared(void *context)
{
    (void)context;
    pthread_mutex_lock(&bench.spool->lock);
    bool prepared = bench.spool->prepared != NULL;
    pthread_mutex_unlock(&bench.spool->lock);
    return prepared;
}

static void the_next_segment_is_prepared_when_half_of_this_one_is_full(void **state)
{
    (void)state;
    spool_bench_open(&bench);
    while (bench.spool->current->tail < SPOOL_SEGMENT_SIZE_MIN / 2)
        assert_int_equal(spool_bench_append(&bench, 10000, NULL), TRAIL_OK);
    assert_true(patience_until(is_prepared, NULL));
    assert_int_equal(spool_bytes(bench.spool), 2 * SPOOL_SEGMENT_SIZE_MIN);
    /* It goes when nobody needed it. */
    assert_int_equal(temp_dir_count(spool_path(bench.spool)), 4);
    char path[OS_PATH_SIZE];
    assert_true(os_path_join(path, spool_path(bench.spool), ""));
    spool_close(bench.spool, false);
    bench.spool = NULL;
    assert_int_equal(temp_dir_count(path), 3);
}

static bool prepare_failed(void *context)
{
    (void)context;
    return fault_struck(&fallocate_fault) > 0;
}

static void a_full_disk_is_left_alone_for_a_tenth_of_a_second(void **state)
{
    (void)state;
    struct trail_error error = { 0 };
    uint64_t           seq;
    struct spool_entry entry = { .payload = TRAIL_TEXT("x") };
    spool_bench_open(&bench);
    fault_arm(&fallocate_fault, 0, FAULT_FOREVER, ENOSPC);

    while (bench.spool->current->tail < SPOOL_SEGMENT_SIZE_MIN / 2)
        assert_int_equal(spool_bench_append(&bench, 10000, NULL), TRAIL_OK);
    assert_true(patience_until(prepare_failed, NULL));
    spool_bench_fill(&bench, 10000);
    spool_bench_fill(&bench, 1);
    assert_int_equal(fault_struck(&fallocate_fault), 1); /* Neither the appender nor the sync thread asked again. */
    assert_int_equal(spool_append(bench.spool, &entry, &seq, &error), TRAIL_EFULL);
    assert_int_equal(error.sys_errno, ENOSPC);
    assert_int_equal(spool_bench_append_control(&bench, 500), TRAIL_OK); /* The reserve is there on a full disk too. */

    manual_clock_advance(&bench.clock, 99999);
    assert_int_equal(spool_bench_append(&bench, 10000, NULL), TRAIL_EFULL);
    assert_int_equal(fault_struck(&fallocate_fault), 1);
    manual_clock_advance(&bench.clock, 1);
    assert_int_equal(spool_bench_append(&bench, 10000, NULL), TRAIL_EFULL);
    assert_int_equal(fault_struck(&fallocate_fault), 2);

    fault_arm(&fallocate_fault, 0, 0, 0);
    assert_int_equal(spool_bench_append(&bench, 10000, NULL), TRAIL_EFULL);
    manual_clock_advance(&bench.clock, 100000);
    assert_int_equal(spool_bench_append(&bench, 10000, NULL), TRAIL_OK);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(a_full_spool_refuses_at_an_exact_number_and_keeps_the_reserve_for_control_records),
        FACT(the_refusal_says_which_setting_it_is),
        FACT(a_release_makes_room_again_and_again),
        FACT(nothing_that_is_being_read_or_not_stored_is_released),
        FACT(whoever_waits_for_room_is_woken),
        FACT(a_spool_about_to_be_full_asks_the_drain_to_empty_it),
        FACT(the_next_segment_is_prepared_when_half_of_this_one_is_full),
        FACT(a_full_disk_is_left_alone_for_a_tenth_of_a_second),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
