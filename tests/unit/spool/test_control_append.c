/* test_control_append.c -- the trail's records about itself reach the spool, also when events no longer do.
 *
 * Goal:   what is appended is read back as a whole control record with its context; a full spool still takes it, from
 *         the reserve; a context without memory appends nothing.
 * Method: a real spool, filled with ordinary events; its frames are read and decoded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "event/control.h"
#include "event/event_wire.h"
#include "spool/control_append.h"
#include "spool/reader.h"
#include "support/spool_bench.h"

#define NOW_US INT64_C(1795500000000000)

static struct spool_bench bench;

static int make(void **state)
{
    (void)state;
    spool_bench_init(&bench);
    spool_bench_open(&bench);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    spool_bench_done(&bench);
    return 0;
}

static enum trail_err append(const char *context_text)
{
    struct buf context;
    buf_init(&context, NULL, 0);
    buf_append_string(&context, context_text);
    enum trail_err err = control_append(bench.spool, CONTROL_RECOVERED, &context, NOW_US);
    buf_done(&context);
    return err;
}

/* The last frame of the spool, decoded. */
static struct event_record read_last(void)
{
    struct reader       reader;
    struct frame        frame = { 0 };
    struct reader_gap   gap;
    struct event_record record = { 0 };
    reader_init(&reader, spool_first_segment(bench.spool), 1);
    while (reader_next(&reader, &frame, &gap) == READER_EVENT)
        continue;
    assert_int_equal(frame.flags, TRAIL_FLAG_CONTROL);
    assert_int_equal(event_decode(frame.payload, &record), TRAIL_OK);
    return record;
}

static void a_record_is_read_back_with_its_context(void **state)
{
    (void)state;
    assert_int_equal(append("{\"events\":3}"), TRAIL_OK);
    struct event_record record = read_last();
    assert_memory_equal(record.event.action.data, CONTROL_RECOVERED, strlen(CONTROL_RECOVERED));
    assert_memory_equal(record.event.context.data, "{\"events\":3}", strlen("{\"events\":3}"));
    assert_int_equal(record.event.timestamp_us, NOW_US);
    assert_int_equal(spool_waiting_events(bench.spool), 0); /* It is no ordinary event. */
    assert_int_equal(spool_control_records(bench.spool), 1);
}

static void a_full_spool_still_takes_one(void **state)
{
    (void)state;
    assert_true(spool_bench_fill(&bench, 1000) > 0);
    assert_int_equal(spool_bench_append(&bench, 1000, NULL), TRAIL_EFULL);
    assert_int_equal(append("{}"), TRAIL_OK);
    assert_memory_equal(read_last().event.context.data, "{}", 2);
}

static void a_context_without_memory_appends_nothing(void **state)
{
    (void)state;
    struct buf context;
    buf_init(&context, NULL, 0);
    context.failed = true;
    assert_int_equal(control_append(bench.spool, CONTROL_RECOVERED, &context, NOW_US), TRAIL_ENOMEM);
    buf_done(&context);
    assert_int_equal(spool_last_seq(bench.spool), 0);
}

static void note_last_seq(void *context)
{
    *(uint64_t *)context = spool_last_seq(bench.spool);
}

static void what_takes_effect_with_a_record_does_so_when_it_is_the_last(void **state)
{
    (void)state;
    uint64_t              seq = 0;
    struct buf            context;
    struct control_record record = { .action = CONTROL_POLICY_CHANGED,
                                     .context = &context,
                                     .now_us = NOW_US,
                                     .on_published = note_last_seq,
                                     .published_context = &seq };
    buf_init(&context, NULL, 0);
    buf_append_string(&context, "{}");
    assert_int_equal(append("{}"), TRAIL_OK);
    assert_int_equal(control_append_then(bench.spool, &record), TRAIL_OK);
    assert_int_equal(seq, 2);
    context.failed = true;
    assert_int_equal(control_append_then(bench.spool, &record), TRAIL_ENOMEM);
    assert_int_equal(seq, 2); /* Not recorded, no effect. */
    buf_done(&context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_record_is_read_back_with_its_context, make, stop),
        cmocka_unit_test_setup_teardown(a_full_spool_still_takes_one, make, stop),
        cmocka_unit_test_setup_teardown(what_takes_effect_with_a_record_does_so_when_it_is_the_last, make, stop),
        cmocka_unit_test_setup_teardown(a_context_without_memory_appends_nothing, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
