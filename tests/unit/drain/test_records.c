/* test_records.c -- what the drain did besides storing stands in the spool as a control record.
 *
 * Goal:   each record, with the action and the numbers that readers look for.
 * Method: a real spool; its last frame is read and decoded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/text.h"
#include "drain/records.h"
#include "event/control.h"
#include "event/event_wire.h"
#include "spool/reader.h"
#include "support/image.h"
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

static void assert_recorded(const char *action, const char *context)
{
    struct reader       reader;
    struct frame        frame = { 0 };
    struct reader_gap   gap;
    struct event_record record = { 0 };
    reader_init(&reader, spool_first_segment(bench.spool), 1);
    while (reader_next(&reader, &frame, &gap) == READER_EVENT)
        continue;
    assert_true((frame.flags & TRAIL_FLAG_CONTROL) != 0);
    assert_int_equal(event_decode(frame.payload, &record), TRAIL_OK);
    assert_true(text_equal(record.event.action, trail_str(action)));
    assert_int_equal(record.event.timestamp_us, NOW_US);
    assert_int_equal(record.event.context.size, strlen(context));
    assert_memory_equal(record.event.context.data, context, strlen(context));
}

static void a_clean_up_is_recorded_with_its_numbers(void **state)
{
    (void)state;
    const struct retention_report report = { .work = { .events = 3, .batches = 1 }, .days = 30 };
    record_retention(bench.spool, &report, NOW_US);
    assert_recorded(CONTROL_RETENTION_APPLIED,
                    "{\"deleted\":3,\"batches\":1,\"partitions\":0,\"dead_letters\":0,\"references\":0,"
                    "\"ledger_rows\":0,\"writers\":0,\"duration_ms\":0,"
                    "\"cut_off\":\"1970-01-01T00:00:00.000000Z\",\"days\":30}");
}

static void losses_are_recorded_once_and_remembered_where_they_cannot_be(void **state)
{
    (void)state;
    struct losses losses;
    struct loss   left = { 0 };
    losses_init(&losses);
    (void)losses_add(&losses, false, NOW_US);
    record_loss(bench.spool, &losses, NOW_US);
    assert_recorded(CONTROL_EVENTS_LOST,
                    "{\"reason\":\"spool_full\",\"count\":1,\"rejected\":1,\"dropped\":0,"
                    "\"first\":\"2026-11-24T06:00:00.000000Z\",\"last\":\"2026-11-24T06:00:00.000000Z\"}");
    uint64_t seq = spool_last_seq(bench.spool);
    record_loss(bench.spool, &losses, NOW_US); /* Nothing is left to tell. */
    assert_int_equal(spool_last_seq(bench.spool), seq);

    (void)spool_bench_fill(&bench, 1000);
    while (spool_bench_append_control(&bench, 1000) == TRAIL_OK)
        continue; /* The reserve too. */
    while (spool_bench_append_control(&bench, 1) == TRAIL_OK)
        continue;
    (void)losses_add(&losses, true, NOW_US);
    record_loss(bench.spool, &losses, NOW_US);
    assert_true(losses_take(&losses, &left));
    assert_int_equal(left.dropped, 1);
    losses_done(&losses);
}

static void a_take_over_is_recorded_with_whose_spool_it_was(void **state)
{
    (void)state;
    struct adopt_report report = { .events = 6, .gaps = 1, .quarantined = 2, .other_boot = true };
    report.identity = image_identity('a');
    report.identity.pid = 42;
    record_recovery(bench.spool, &report, NOW_US);
    assert_recorded(CONTROL_RECOVERED, "{\"writer\":\"61616161-6161-6161-6161-616161616161\",\"pid\":42,\"events\":6,"
                                       "\"gaps\":1,\"quarantined_segments\":2,\"system_restarted\":true}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_clean_up_is_recorded_with_its_numbers, make, stop),
        cmocka_unit_test_setup_teardown(losses_are_recorded_once_and_remembered_where_they_cannot_be, make, stop),
        cmocka_unit_test_setup_teardown(a_take_over_is_recorded_with_whose_spool_it_was, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
