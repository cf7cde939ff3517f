/* test_control.c -- the trail's records about itself are ordinary, whole events, whatever memory they are made in.
 *
 * Goal:   every field of a control record is what its header says, for each action; what is not said is absent; the
 *         record passes the check of any event and goes through the wire format unchanged.
 * Method: a table of the actions; the struct is filled with rubbish first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "event/control.h"
#include "event/event_wire.h"
#include "event/review.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOW_US INT64_C(1795500000000000)

static const struct {
    const char *action;
    const char *name;
} actions[] = {
    { CONTROL_STARTED, "trail_started" },         { CONTROL_STOPPED, "trail_stopped" },
    { CONTROL_RECOVERED, "trail_recovered" },     { CONTROL_EVENTS_LOST, "events_lost" },
    { CONTROL_POLICY_CHANGED, "policy_changed" }, { CONTROL_RETENTION_APPLIED, "retention_applied" },
};

static struct trail_event make(const char *action, struct trail_text context)
{
    struct trail_event event;
    memset(&event, 0xA5, sizeof event);
    control_event(&event, action, context, NOW_US);
    return event;
}

static void every_action_is_done_by_system_to_the_trail(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        struct trail_event event = make(actions[i].action, TRAIL_TEXT("{\"n\":1}"));
        assert_int_equal(event.struct_size, sizeof event);
        assert_true(event.timestamp_us == NOW_US);
        assert_int_equal(event.operation, TRAIL_OPERATION_AUDIT);
        assert_int_equal(event.outcome, TRAIL_OUTCOME_SUCCESS);
        assert_int_equal(event.data_classification, TRAIL_CLASSIFICATION_NONE);
        assert_true(text_equal(event.action, trail_str(actions[i].name)));
        assert_true(text_equal(event.resource_type, TRAIL_TEXT("audit_trail")));
        assert_true(text_equal(event.user_id, TRAIL_TEXT("system")));
        assert_true(text_equal(event.context, TRAIL_TEXT("{\"n\":1}")));
    }
}

static void what_is_not_said_is_absent(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        struct trail_event event = make(actions[i].action, (struct trail_text){ 0 });
        for (size_t field = 0; field < EVENT_FIELD_COUNT; field++) {
            if (event_fields[field].kind != EVENT_FIELD_REQUIRED)
                assert_int_equal(event_text(&event, (enum event_field)field).size, 0);
        }
    }
}

static void nobody_is_asked_to_review_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        struct trail_event event = make(actions[i].action, (struct trail_text){ 0 });
        assert_false(review_required(&event, event.operation));
    }
}

static void it_is_a_whole_event_and_survives_the_wire(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(actions); i++) {
        struct trail_event  event = make(actions[i].action, TRAIL_TEXT("{\"n\":1}"));
        struct event_record again;
        struct buf          payload;
        uint32_t            flags = 0;

        assert_int_equal(event_check(&event, NULL), TRAIL_OK);
        buf_init(&payload, NULL, 0);
        assert_int_equal(event_encode(&event, 1, &payload, &flags), TRAIL_OK);
        assert_int_equal(flags, 0);
        assert_int_equal(event_decode(buf_text(&payload), &again), TRAIL_OK);
        assert_int_equal(again.event.operation, TRAIL_OPERATION_AUDIT);
        assert_true(again.event.timestamp_us == NOW_US);
        for (size_t field = 0; field < EVENT_FIELD_COUNT; field++)
            assert_true(text_equal(event_text(&again.event, (enum event_field)field),
                                   event_text(&event, (enum event_field)field)));
        buf_done(&payload);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_action_is_done_by_system_to_the_trail),
        cmocka_unit_test(what_is_not_said_is_absent),
        cmocka_unit_test(nobody_is_asked_to_review_it),
        cmocka_unit_test(it_is_a_whole_event_and_survives_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
