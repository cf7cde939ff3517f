/* test_scope.c -- an operation and its outcome become one event, whatever path the caller takes.
 *
 * Goal:   each way out of a scope records exactly one event, with what was really known then; a second end does
 *         nothing; a scope that cannot be recorded says so at its end.
 * Method: a real trail; the rows of its store are compared with what was said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "trail/trail_fixture.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NOTHING ((struct trail_text){ 0 })

static struct trail_fixture fixture;

static int start(void **state)
{
    (void)state;
    trail_fixture_start(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    trail_fixture_done(&fixture);
    return 0;
}

static void every_outcome_is_recorded_as_it_was_told(void **state)
{
    (void)state;
    static const struct {
        enum trail_outcome outcome;
        const char        *message;
        const char        *where;
    } cases[] = {
        { TRAIL_OUTCOME_SUCCESS, NULL, "outcome = 'success' AND error_message IS NULL" },
        { TRAIL_OUTCOME_FAILURE, "disk full", "outcome = 'failure' AND error_message = 'disk full'" },
        { TRAIL_OUTCOME_DENIED, "not yours", "outcome = 'denied' AND error_message = 'not yours'" },
        { TRAIL_OUTCOME_PARTIAL, "2 of 3", "outcome = 'partial' AND error_message = '2 of 3'" },
        { TRAIL_OUTCOME_UNKNOWN, NULL, "outcome = 'unknown' AND error_message IS NULL" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_scope scope;
        struct trail_event event = trail_fixture_event("update_tool");
        trail_begin(&scope, fixture.trail, &event);
        assert_int_equal(trail_end(&scope, cases[i].outcome, trail_str(cases[i].message)), TRAIL_OK);
    }
    trail_fixture_flush(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (trail_fixture_rows(&fixture, "action = 'update_tool' AND %s", cases[i].where) != 1)
            fail_msg("not one row: %s", cases[i].where);
    }
    assert_int_equal(trail_fixture_rows(&fixture, "operation <> 'audit'"), COUNT_OF(cases));
}

static void a_second_end_changes_nothing(void **state)
{
    (void)state;
    struct trail_scope scope;
    struct trail_event event = trail_fixture_event("update_tool");
    trail_begin(&scope, fixture.trail, &event);
    assert_int_equal(trail_end(&scope, TRAIL_OUTCOME_SUCCESS, NOTHING), TRAIL_OK);
    assert_int_equal(trail_end(&scope, TRAIL_OUTCOME_FAILURE, TRAIL_TEXT("late")), TRAIL_OK);
    trail_scope_done(&scope);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "operation <> 'audit'"), 1);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'update_tool' AND outcome = 'success'"), 1);
}

static void leave_scopes(bool end)
{
    TRAIL_SCOPE(ended);
    TRAIL_SCOPE(perhaps);
    TRAIL_SCOPE(never_begun);
    struct trail_event event = trail_fixture_event("delete_tool");
    (void)never_begun;
    trail_begin(&ended, fixture.trail, &event);
    event.action = TRAIL_TEXT("create_tool");
    trail_begin(&perhaps, fixture.trail, &event);
    (void)trail_end(&ended, TRAIL_OUTCOME_SUCCESS, NOTHING);
    if (!end)
        return;
    (void)trail_end(&perhaps, TRAIL_OUTCOME_SUCCESS, NOTHING);
}

static void a_forgotten_scope_is_recorded_as_unknown(void **state)
{
    (void)state;
    leave_scopes(false);
    leave_scopes(true);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "operation <> 'audit'"), 4);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool' AND outcome = 'success'"), 2);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool' AND outcome = 'success'"), 1);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool' AND outcome = 'unknown'"), 1);
}

static void what_is_learned_in_between_is_recorded(void **state)
{
    (void)state;
    struct trail_scope scope;
    struct trail_event event = trail_fixture_event("update_tool");
    event.error_message = TRAIL_TEXT("first");
    trail_begin(&scope, fixture.trail, &event);
    /* The caller's event is copied, its texts are not. */
    event = (struct trail_event){ 0 };
    scope.event.resource_id = TRAIL_TEXT("t-7");
    scope.event.resource_name = TRAIL_TEXT("Seven");
    scope.event.old_values = TRAIL_TEXT("{\"a\":1}");
    scope.event.new_values = TRAIL_TEXT("{\"a\":2}");
    assert_int_equal(trail_end(&scope, TRAIL_OUTCOME_PARTIAL, NOTHING), TRAIL_OK);
    trail_fixture_flush(&fixture);
    assert_int_equal(
        trail_fixture_rows(&fixture,
                           "resource_id = 't-7' AND resource_name = 'Seven' AND action = 'update_tool' AND user_id = "
                           "'alice' AND old_values = '{\"a\":1}' AND new_values = '{\"a\":2}' AND changes IS NOT NULL "
                           "AND error_message = 'first' AND outcome = 'partial'"),
        1);
}

static void what_the_policy_leaves_out_is_told_at_the_end(void **state)
{
    (void)state;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=failures_only");
    (void)trail_fixture_close(&fixture);
    trail_fixture_open(&fixture);
    struct trail_scope scope;
    struct trail_event event = trail_fixture_event("get_tool");
    trail_begin(&scope, fixture.trail, &event);
    assert_int_equal(trail_end(&scope, TRAIL_OUTCOME_SUCCESS, NOTHING), TRAIL_REFUSED);
    /* It began as unknown, but what counts is how it ended. */
    trail_begin(&scope, fixture.trail, &event);
    assert_int_equal(trail_end(&scope, TRAIL_OUTCOME_DENIED, NOTHING), TRAIL_OK);
    assert_int_equal(trail_fixture_stats(&fixture).operations[TRAIL_OPERATION_READ].level, 1);
}

static void a_scope_that_cannot_be_recorded_says_so_at_its_end(void **state)
{
    (void)state;
    struct trail_event whole = trail_fixture_event("update_tool");
    struct trail_event odd = whole;
    struct trail_event empty = { TRAIL_EVENT_INIT };
    odd.struct_size = 3;
    const struct trail_event *const events[] = { &odd, &empty, NULL };

    for (size_t i = 0; i < COUNT_OF(events); i++) {
        struct trail_scope scope;
        trail_begin(&scope, fixture.trail, events[i]);
        assert_int_equal(trail_end(&scope, TRAIL_OUTCOME_SUCCESS, NOTHING), TRAIL_EINVAL);
        assert_int_equal(trail_end(&scope, TRAIL_OUTCOME_SUCCESS, NOTHING), TRAIL_OK);
    }
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(trail_fixture_offered(&stats), COUNT_OF(events));
    assert_int_equal(stats.operations[TRAIL_OPERATION_OTHER].rejected, COUNT_OF(events));
}

static void a_scope_without_a_trail_records_nothing(void **state)
{
    (void)state;
    struct trail_scope scope;
    struct trail_event event = trail_fixture_event("update_tool");
    trail_begin(&scope, NULL, &event);
    assert_int_equal(trail_end(&scope, TRAIL_OUTCOME_SUCCESS, NOTHING), TRAIL_OK);
    trail_scope_done(&scope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_outcome_is_recorded_as_it_was_told, start, stop),
        cmocka_unit_test_setup_teardown(a_second_end_changes_nothing, start, stop),
        cmocka_unit_test_setup_teardown(a_forgotten_scope_is_recorded_as_unknown, start, stop),
        cmocka_unit_test_setup_teardown(what_is_learned_in_between_is_recorded, start, stop),
        cmocka_unit_test_setup_teardown(what_the_policy_leaves_out_is_told_at_the_end, start, stop),
        cmocka_unit_test_setup_teardown(a_scope_that_cannot_be_recorded_says_so_at_its_end, start, stop),
        cmocka_unit_test_setup_teardown(a_scope_without_a_trail_records_nothing, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
