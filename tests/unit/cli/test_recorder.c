/* test_recorder.c -- lines are offered, counted by their fate, and a full spool is waited for.
 *
 * Goal:   every line ends in exactly one count; back-pressure loses nothing; nothing waits for ever.
 * Method: a fake trail that answers from a script, a flush that makes progress or none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/recorder.h"
#include "trail/room.h"

/* ---- The fake trail ---- */

static struct {
    enum trail_err answers[16]; /* Of trail_record_json(), one after the other, then TRAIL_OK. */
    size_t         next;
    unsigned       calls;
    enum trail_err flush;
    unsigned       flush_calls;
    unsigned       flushes_pending; /* So many flushes are pending first, each with progress. */
    uint64_t       stored;
    unsigned       looks_without_room; /* So many looks find the spool full, each with progress if there is any. */
    bool           room_looks_progress;
} fake;

enum trail_err trail_record_json(struct trail *trail, struct trail_text json, struct trail_id *ret_id,
                                 struct trail_error *ret_error)
{
    (void)trail;
    (void)json;
    (void)ret_id;
    fake.calls++;
    enum trail_err err = fake.next < 16 ? fake.answers[fake.next++] : TRAIL_OK;
    if (err < 0) {
        ret_error->code = err;
        snprintf(ret_error->message, sizeof ret_error->message, "said the fake");
    }
    return err;
}

enum trail_err trail_flush(struct trail *trail, uint32_t timeout_ms)
{
    (void)trail;
    (void)timeout_ms;
    fake.flush_calls++;
    if (fake.flushes_pending > 0) {
        fake.flushes_pending--;
        fake.stored++;
        return TRAIL_PENDING;
    }
    return fake.flush;
}

void trail_stats(struct trail *trail, struct trail_stats *ret_stats)
{
    (void)trail;
    ret_stats->stored = fake.stored;
}

bool trail_wait_room(struct trail *trail, size_t bytes, uint32_t timeout_ms)
{
    (void)trail;
    (void)bytes;
    (void)timeout_ms;
    if (fake.looks_without_room == 0)
        return true;
    fake.looks_without_room--;
    fake.stored += fake.room_looks_progress ? 1 : 0;
    return false;
}

/* ---- The fake signals ---- */

static int signals;

int interrupt_count(void)
{
    return signals;
}

/* ---- Tests ---- */

static struct recorder recorder_with(const enum trail_err *answers, size_t count)
{
    memset(&fake, 0, sizeof fake);
    memcpy(fake.answers, answers, count * sizeof answers[0]);
    signals = 0;
    return (struct recorder){ .notices = NOTICES_INIT, .errors_printed_max = 0, .timeout_s = 1 };
}

#define RECORDER_WITH(...)                                 \
    recorder_with((const enum trail_err[]){ __VA_ARGS__ }, \
                  sizeof((const enum trail_err[]){ __VA_ARGS__ }) / sizeof(enum trail_err))

static void offer(struct recorder *recorder, unsigned count)
{
    for (unsigned i = 1; i <= count && recorder->stop == RECORDER_GOES_ON; i++)
        recorder_line(recorder, i, TRAIL_TEXT("{}"));
    assert_int_equal(recorder->lines, recorder->recorded + recorder->refused + recorder->dropped + recorder->rejected);
}

static void every_line_ends_in_one_count(void **state)
{
    (void)state;
    struct recorder recorder =
        RECORDER_WITH(TRAIL_OK, TRAIL_PENDING, TRAIL_REFUSED, TRAIL_DROPPED, TRAIL_EINVAL, TRAIL_ETOOBIG);
    offer(&recorder, 10);
    recorder_long_line(&recorder, 11);
    assert_int_equal(recorder.stop, RECORDER_GOES_ON);
    assert_int_equal(recorder.lines, 11);
    assert_int_equal(recorder.recorded, 6);
    assert_int_equal(recorder.refused, 1);
    assert_int_equal(recorder.dropped, 1);
    assert_int_equal(recorder.rejected, 3);
}

static void strict_stops_at_the_first_line_in_error(void **state)
{
    (void)state;
    struct recorder recorder = RECORDER_WITH(TRAIL_OK, TRAIL_REFUSED, TRAIL_EINVAL);
    recorder.strict = true;
    offer(&recorder, 10);
    assert_int_equal(recorder.stop, RECORDER_STRICT);
    assert_int_equal(recorder.lines, 3);
    assert_int_equal(recorder.recorded, 1);
}

static void a_fault_of_the_trail_stops_at_once(void **state)
{
    (void)state;
    struct recorder recorder = RECORDER_WITH(TRAIL_OK, TRAIL_EIO);
    offer(&recorder, 10);
    assert_int_equal(recorder.stop, RECORDER_BROKEN);
    assert_int_equal(recorder.lines, 2);
    assert_int_equal(recorder.rejected, 1);
}

static void a_full_spool_is_waited_for_and_the_line_offered_once(void **state)
{
    (void)state;
    struct recorder recorder = RECORDER_WITH(TRAIL_OK);
    recorder.timeout_s = 0; /* Only progress keeps the wait going. */
    fake.looks_without_room = 4;
    fake.room_looks_progress = true;
    offer(&recorder, 5);
    assert_int_equal(recorder.stop, RECORDER_GOES_ON);
    assert_int_equal(recorder.recorded, 5);
    assert_int_equal(recorder.rejected, 0);
    assert_int_equal(fake.calls, 5);
}

static void a_store_without_progress_ends_the_wait(void **state)
{
    (void)state;
    struct recorder recorder = RECORDER_WITH(TRAIL_OK);
    offer(&recorder, 1);
    recorder.timeout_s = 0;
    fake.looks_without_room = UINT32_MAX;
    offer(&recorder, 5);
    assert_int_equal(recorder.stop, RECORDER_AWAY);
    assert_int_equal(recorder.recorded, 1);
    assert_int_equal(recorder.rejected, 0);
    assert_int_equal(fake.calls, 1);
}

static void a_disk_that_is_full_ends_it(void **state)
{
    (void)state;
    struct recorder recorder = RECORDER_WITH(TRAIL_OK, TRAIL_EFULL);
    offer(&recorder, 5);
    assert_int_equal(recorder.stop, RECORDER_BROKEN);
    assert_int_equal(recorder.rejected, 1);
}

static void a_signal_ends_the_wait(void **state)
{
    (void)state;
    struct recorder recorder = RECORDER_WITH(TRAIL_OK);
    fake.looks_without_room = UINT32_MAX;
    fake.room_looks_progress = true;
    signals = 1;
    offer(&recorder, 5);
    assert_int_equal(recorder.stop, RECORDER_INTERRUPTED);

    recorder = RECORDER_WITH(TRAIL_OK);
    fake.flush = TRAIL_PENDING;
    fake.flushes_pending = 3;
    signals = 2;
    assert_false(recorder_wait_stored(&recorder, 1));
    assert_int_equal(fake.flush_calls, 1);
}

static void a_newer_store_is_not_waited_for(void **state)
{
    (void)state;
    static const struct trail_error newer = { .code = TRAIL_EVERSION, .message = "the store is newer" };
    struct recorder                 recorder = RECORDER_WITH(TRAIL_OK);
    fake.flush = TRAIL_PENDING;
    fake.flushes_pending = 1000;
    notices_take(&recorder.notices, &newer);
    assert_false(recorder_wait_stored(&recorder, 0));
    assert_int_equal(fake.flush_calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_ends_in_one_count),
        cmocka_unit_test(strict_stops_at_the_first_line_in_error),
        cmocka_unit_test(a_fault_of_the_trail_stops_at_once),
        cmocka_unit_test(a_full_spool_is_waited_for_and_the_line_offered_once),
        cmocka_unit_test(a_store_without_progress_ends_the_wait),
        cmocka_unit_test(a_disk_that_is_full_ends_it),
        cmocka_unit_test(a_signal_ends_the_wait),
        cmocka_unit_test(a_newer_store_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
