/* test_draft.c -- a draft says by which rule, by which item and with which share, and agrees with its policy.
 *
 * Goal:   every rule is named; the item is the one that matches; shares are those of the rates, whichever lot an event
 *         drew; lists are compared as sets.
 * Method: drafts built from settings made by hand; a table of events.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "unit/query/draft_fixture.h"

#define OP(operation) TRAIL_OPERATION_##operation

static struct draft_verdict decide(const struct draft *draft, const char *action, const char *type, int outcome)
{
    struct trail_event event = { TRAIL_EVENT_INIT, .action = trail_str(action), .resource_type = trail_str(type),
                                 .outcome = (enum trail_outcome)outcome };
    return draft_decide(draft, &event, draft_operation(draft, &event));
}

static void every_rule_is_named_with_its_item(void **state)
{
    static const struct {
        const char     *action;
        const char     *type;
        enum draft_rule rule;
        size_t          item;
    } rows[] = {
        { "delete_tool", "tool", DRAFT_KEPT, 0 },      { "get_tool", "tool", DRAFT_LEVEL, 0 },
        { "create_tool", "tool", DRAFT_ACTION, 1 },    { "update_it", "Metric", DRAFT_RESOURCE, 0 },
        { "update_it", "healthy", DRAFT_RESOURCE, 1 }, { "create_it", "metric", DRAFT_ACTION, 1 },
    };
    (void)state;
    struct draft draft = draft_with(TRAIL_LEVEL_WRITES_ONLY, "health_check,create_*,metrics_read", "metric,health*");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct draft_verdict verdict = decide(&draft, rows[i].action, rows[i].type, TRAIL_OUTCOME_SUCCESS);
        if (verdict.rule != rows[i].rule || verdict.item != rows[i].item)
            fail_msg("%s of %s: rule %d, item %zu", rows[i].action, rows[i].type, (int)verdict.rule, verdict.item);
        assert_near(verdict.share, rows[i].rule == DRAFT_KEPT ? 1 : 0);
    }
    draft_done(&draft);
}

static void a_trail_that_is_off_keeps_nothing(void **state)
{
    struct settings settings = settings_of(TRAIL_LEVEL_WRITES_ONLY, "", "");
    (void)state;
    settings.enabled = false;
    struct draft draft = draft_of(&settings);
    assert_int_equal(decide(&draft, "delete_tool", "tool", TRAIL_OUTCOME_FAILURE).rule, DRAFT_DISABLED);
    draft_done(&draft);
}

/* Whichever of them are drawn: of a thousand correlation ids some are kept and some are not. */
static void a_share_does_not_depend_on_the_lot(void **state)
{
    struct settings settings = settings_of(TRAIL_LEVEL_ALL, "", "");
    (void)state;
    settings.sample_rate = 0.5;
    settings.sample_reads = 0.1;
    struct draft draft = draft_of(&settings);
    for (int i = 0; i < 1000; i++) {
        char id[16];
        snprintf(id, sizeof id, "c%d", i);
        struct trail_event event = { TRAIL_EVENT_INIT, .correlation_id = trail_str(id) };
        assert_near(draft_decide(&draft, &event, OP(READ)).share, 0.1);
        assert_near(draft_decide(&draft, &event, OP(CREATE)).share, 0.5);
        assert_near(draft_decide(&draft, &event, OP(DELETE)).share, 1);
        event.outcome = TRAIL_OUTCOME_DENIED;
        assert_near(draft_decide(&draft, &event, OP(READ)).share, 1);
    }
    draft_done(&draft);
}

static void a_floor_is_above_level_and_exclusions(void **state)
{
    struct settings settings = settings_of(TRAIL_LEVEL_DELETES_ONLY, "get_*", "");
    (void)state;
    settings.always_record = ALWAYS_RECORD_DENIED;
    struct draft draft = draft_of(&settings);
    assert_int_equal(decide(&draft, "get_tool", "tool", TRAIL_OUTCOME_DENIED).rule, DRAFT_KEPT);
    assert_int_equal(decide(&draft, "get_tool", "tool", TRAIL_OUTCOME_FAILURE).rule, DRAFT_LEVEL);
    draft_done(&draft);
}

static void the_map_speaks_for_names_alone(void **state)
{
    struct settings settings = settings_of(TRAIL_LEVEL_WRITES_ONLY, "", "");
    (void)state;
    settings.action_map = (char *)"poll_queue=read";
    struct draft       draft = draft_of(&settings);
    struct trail_event event = { TRAIL_EVENT_INIT, .action = TRAIL_TEXT("poll_queue") };
    assert_int_equal(draft_operation(&draft, &event), OP(READ));
    event.operation = OP(EXECUTE);
    assert_int_equal(draft_operation(&draft, &event), OP(EXECUTE));

    /* Of a stored event it is not known who said so: the map wins. One that it does not name stays as it is. */
    assert_int_equal(draft_operation_stored(&draft, event.action, OP(OTHER)), OP(READ));
    assert_int_equal(draft_operation_stored(&draft, TRAIL_TEXT("create_tool"), OP(DELETE)), OP(DELETE));
    draft_done(&draft);
}

static void lists_are_compared_as_sets(void **state)
{
    (void)state;
    struct draft none = draft_with(TRAIL_LEVEL_ALL, "", "");
    struct draft smaller = draft_with(TRAIL_LEVEL_ALL, "a,b*", "");
    struct draft larger = draft_with(TRAIL_LEVEL_ALL, "B*,c,A", "");
    struct draft both = draft_with(TRAIL_LEVEL_ALL, "a,b*", "x");

    assert_true(draft_excludes_all_of(&larger, &smaller));
    assert_false(draft_excludes_all_of(&smaller, &larger));
    assert_true(draft_excludes_all_of(&smaller, &none));
    assert_true(draft_excludes_all_of(&both, &smaller));
    assert_false(draft_excludes_all_of(&larger, &both));
    assert_false(draft_excludes(&none));
    assert_true(draft_excludes(&both));
    draft_done(&none);
    draft_done(&smaller);
    draft_done(&larger);
    draft_done(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_named_with_its_item),  cmocka_unit_test(a_trail_that_is_off_keeps_nothing),
        cmocka_unit_test(a_share_does_not_depend_on_the_lot), cmocka_unit_test(a_floor_is_above_level_and_exclusions),
        cmocka_unit_test(the_map_speaks_for_names_alone),     cmocka_unit_test(lists_are_compared_as_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
