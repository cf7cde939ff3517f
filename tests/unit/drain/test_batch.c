/* test_batch.c -- a batch covers its writer's numbers without a hole, within its limits, and gives back what it
 * could not keep.
 *
 * Goal:   first_seq .. last_seq are all accounted for; memory that runs out loses nothing.
 * Method: images with gaps and unreadable events; realloc fails at each call in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drain/batch.h"
#include "support/fault.h"
#include "support/image.h"
#include "support/temp_dir.h"

static struct fault realloc_fault;
static struct fault malloc_fault;

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_realloc(void *old, size_t size)
{
    return fault_strikes(&realloc_fault) ? NULL : __real_realloc(old, size);
}

void *__wrap_malloc(size_t size)
{
    return fault_strikes(&malloc_fault) ? NULL : __real_malloc(size);
}

static struct temp_dir dir;
static struct segment *segment;
static struct reader   reader;
static struct batch    batch;

static int set_up(void **state)
{
    (void)state;
    fault_arm(&realloc_fault, 0, 0, 0);
    fault_arm(&malloc_fault, 0, 0, 0);
    temp_dir_make(&dir);
    segment = image_make(dir.path, 1, 1);
    batch_init(&batch, 16384);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    batch_done(&batch);
    segment_free(segment);
    temp_dir_remove(&dir);
    return 0;
}

/* Every number from first_seq to last_seq belongs to exactly one record. */
static void assert_covers_all(void)
{
    uint64_t next = batch.first_seq;
    for (size_t i = 0; i < batch.record_count; i++) {
        assert_int_equal(batch.records[i].seq, next);
        assert_true(batch.covers[i] >= next);
        next = batch.covers[i] + 1;
    }
    assert_int_equal(next, batch.last_seq + 1);
}

static void it_takes_what_there_is_up_to_its_limit(void **state)
{
    (void)state;
    image_put_events(segment, 1, 100, "create");
    reader_init(&reader, segment, 1);
    static const struct {
        size_t   events_max;
        uint64_t last;
    } cases[] = { { 1, 1 }, { 9, 10 }, { 80, 90 }, { 10000, 100 }, { 10000, 100 } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(batch_fill(&batch, &reader, cases[i].events_max, 0), TRAIL_OK);
        assert_int_equal(batch.last_seq, cases[i].last);
        assert_covers_all();
    }
    assert_int_equal(batch.record_count, 0);
}

static void it_ends_near_its_size_in_bytes(void **state)
{
    (void)state;
    static char           bytes[512];
    struct segment       *large = NULL;
    struct spool_identity identity = image_identity('w');
    size_t                size = image_event("create", bytes, sizeof bytes);
    assert_int_equal(segment_create(&large, dir.path, 2, 8u << 20, NULL), TRAIL_OK);
    segment_activate(large, &identity, 1, 0);
    uint64_t seq = 1;
    while (large->tail + frame_size(size) < large->area.size && seq <= 2 * (uint64_t)BATCH_EVENTS_MAX)
        image_put_payload(large, seq++, (struct trail_text){ bytes, size });
    reader_init(&reader, large, 1);
    assert_int_equal(batch_fill(&batch, &reader, SIZE_MAX, 0), TRAIL_OK);
    assert_true(batch.record_count == BATCH_EVENTS_MAX || batch.payload_bytes >= BATCH_BYTES_MAX);
    assert_true(batch.record_count <= BATCH_EVENTS_MAX && batch.payload_bytes < BATCH_BYTES_MAX + size);
    segment_free(large);
}

static void gaps_and_unreadable_events_stand_at_their_first_number(void **state)
{
    (void)state;
    image_put_events(segment, 1, 2, "create");
    image_put_events(segment, 5, 5, "create");
    image_put_payload(segment, 6, TRAIL_TEXT("no event at all"));
    image_put_events(segment, 7, 7, "create");
    reader_init(&reader, segment, 1);
    assert_int_equal(batch_fill(&batch, &reader, 100, 0), TRAIL_OK);
    assert_covers_all();
    assert_int_equal(batch.record_count, 6);
    assert_int_equal(batch.gap_count, 2);
    assert_int_equal(batch.records[2].seq, 3);
    assert_int_equal(batch.covers[2], 4);
    assert_int_equal(batch.records[2].event.timestamp_us, IMAGE_WALL_US + 5); /* Not later than what follows it. */
    assert_int_equal(batch.records[4].flags, TRAIL_FLAG_CONTROL);
    assert_non_null(strstr(batch.records[4].event.context.data, "unreadable"));
    assert_int_equal(batch_ordinary_events(&batch, 0, 7), 4);
    assert_int_equal(batch_ordinary_events(&batch, 2, 7), 2);
    assert_int_equal(batch_ordinary_events(&batch, 0, 4), 2);
    assert_int_equal(batch_ordinary_events(&batch, 7, 7), 0);
}

static void memory_that_runs_out_anywhere_loses_nothing(void **state)
{
    (void)state;
    struct fault *const faults[] = { &realloc_fault, &malloc_fault };
    image_put_events(segment, 1, 100, "create");
    image_put_events(segment, 103, 200, "create");
    for (size_t which = 0; which < 2; which++) {
        unsigned struck = 0;
        for (unsigned skip = 0; skip < 6; skip++) {
            uint64_t next = 1;
            batch_done(&batch);
            batch_init(&batch, 16384);
            reader_init(&reader, segment, 1);
            fault_arm(faults[which], skip, 1, ENOMEM);
            while (next <= 200) {
                enum trail_err err = batch_fill(&batch, &reader, 10000, 0);
                assert_true(err == TRAIL_OK || err == TRAIL_ENOMEM);
                if (err == TRAIL_ENOMEM)
                    continue; /* Tried again, it goes on where it was. */
                assert_int_equal(batch.first_seq, next);
                assert_covers_all();
                next = batch.last_seq + 1;
            }
            struck += fault_struck(faults[which]);
            fault_arm(faults[which], 0, 0, 0);
        }
        print_message("memory ran out %u times\n", struck);
        assert_true(struck > 0);
    }
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FACT(it_takes_what_there_is_up_to_its_limit),
        FACT(it_ends_near_its_size_in_bytes),
        FACT(gaps_and_unreadable_events_stand_at_their_first_number),
        FACT(memory_that_runs_out_anywhere_loses_nothing),
    };
#undef FACT
    return cmocka_run_group_tests(tests, NULL, NULL);
}
