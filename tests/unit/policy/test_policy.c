/* test_policy.c -- the policy refuses what it says it refuses, in the documented order, and nothing else.
 *
 * Goal:   the acceptance outline of the level, the exclusions, the kill switch, and their order; the line that
 *         describes a policy tells the truth.
 * Method: policies built from a struct settings made by hand; the outline of seed.feature row by row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "event/operation.h"
#include "policy/policy.h"

#define OP(operation) TRAIL_OPERATION_##operation

static struct policy *policy_of(bool enabled, enum trail_level level, const char *actions, const char *resources)
{
    struct settings settings = { .enabled = enabled, .level = (uint32_t)level - 1 };
    struct policy  *policy;
    settings.exclude_actions = actions != NULL ? strdup(actions) : NULL;
    settings.exclude_resources = resources != NULL ? strdup(resources) : NULL;
    assert_int_equal(policy_new(&policy, &settings, NULL), TRAIL_OK);
    /* Nothing of the settings is borrowed. */
    free(settings.exclude_actions);
    free(settings.exclude_resources);
    return policy;
}

static enum policy_verdict decide(const struct policy *policy, const char *action, const char *type,
                                  enum trail_outcome outcome)
{
    struct trail_event event = { TRAIL_EVENT_INIT, .action = trail_str(action), .resource_type = trail_str(type),
                                 .user_id = TRAIL_TEXT("u"), .outcome = outcome };
    return policy_decide(policy, &event, operation_classify(event.action));
}

/* The outline "the level decides by operation" of seed.feature. */
static const struct level_row {
    enum trail_level level;
    bool             create, read, update, delete, execute, other, failed_read;
} outline[] = {
    { TRAIL_LEVEL_ALL, true, true, true, true, true, true, true },
    { TRAIL_LEVEL_WRITES_ONLY, true, false, true, true, true, true, false },
    { TRAIL_LEVEL_MUTATIONS_ONLY, false, false, true, true, false, true, false },
    { TRAIL_LEVEL_DELETES_ONLY, false, false, false, true, false, false, false },
    { TRAIL_LEVEL_FAILURES_ONLY, false, false, false, false, false, false, true },
};

static void the_level_decides_by_operation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof outline / sizeof outline[0]; i++) {
        const struct level_row *row = &outline[i];
        struct policy          *policy = policy_of(true, row->level, NULL, NULL);
        const struct {
            const char        *action;
            enum trail_outcome outcome;
            bool               recorded;
        } columns[] = {
            { "create_tool", TRAIL_OUTCOME_SUCCESS, row->create },
            { "list_tools", TRAIL_OUTCOME_SUCCESS, row->read },
            { "update_server", TRAIL_OUTCOME_SUCCESS, row->update },
            { "delete_tool", TRAIL_OUTCOME_SUCCESS, row->delete },
            { "tools/call", TRAIL_OUTCOME_SUCCESS, row->execute },
            { "frobnicate", TRAIL_OUTCOME_SUCCESS, row->other },
            { "list_tools", TRAIL_OUTCOME_FAILURE, row->failed_read },
        };
        for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
            enum policy_verdict expected = columns[c].recorded ? POLICY_KEEP : POLICY_LEVEL;
            if (decide(policy, columns[c].action, "tool", columns[c].outcome) != expected)
                fail_msg("%s: %s", level_name(row->level), columns[c].action);
        }
        policy_free(policy);
    }
}

static void the_policy_agrees_with_level_takes_everywhere(void **state)
{
    (void)state;
    for (int level = TRAIL_LEVEL_ALL; level <= TRAIL_LEVEL_FAILURES_ONLY; level++) {
        struct policy *policy = policy_of(true, (enum trail_level)level, "", "");
        for (int i = 1; i < TRAIL_OPERATION_COUNT * 5; i++) {
            enum trail_operation operation = (enum trail_operation)(1 + i % (TRAIL_OPERATION_COUNT - 1));
            struct trail_event   event = { TRAIL_EVENT_INIT, .outcome = (enum trail_outcome)(i % 5) };
            bool                 takes = level_takes((enum trail_level)level, operation, event.outcome);
            assert_int_equal(policy_decide(policy, &event, operation), takes ? POLICY_KEEP : POLICY_LEVEL);
        }
        policy_free(policy);
    }
}

static void an_excluded_action_is_not_recorded(void **state)
{
    (void)state;
    struct policy *policy = policy_of(true, TRAIL_LEVEL_ALL, " Health_Check ,metrics_read, debug_*", NULL);
    assert_int_equal(decide(policy, "health_check", "health", TRAIL_OUTCOME_SUCCESS), POLICY_EXCLUDED);
    assert_int_equal(decide(policy, "METRICS_READ", "metric", TRAIL_OUTCOME_FAILURE), POLICY_EXCLUDED);
    assert_int_equal(decide(policy, "debug_anything", "x", TRAIL_OUTCOME_SUCCESS), POLICY_EXCLUDED);
    assert_int_equal(decide(policy, "create_tool", "tool", TRAIL_OUTCOME_SUCCESS), POLICY_KEEP);
    assert_int_equal(decide(policy, "x", "health_check", TRAIL_OUTCOME_SUCCESS), POLICY_KEEP);
    policy_free(policy);
}

static void an_excluded_resource_is_not_recorded(void **state)
{
    (void)state;
    struct policy *policy = policy_of(true, TRAIL_LEVEL_ALL, NULL, "metric,health");
    assert_int_equal(decide(policy, "list_metrics", "metric", TRAIL_OUTCOME_SUCCESS), POLICY_EXCLUDED);
    assert_int_equal(decide(policy, "delete_metrics", "Metric", TRAIL_OUTCOME_SUCCESS), POLICY_EXCLUDED);
    assert_int_equal(decide(policy, "metric", "tool", TRAIL_OUTCOME_SUCCESS), POLICY_KEEP);
    policy_free(policy);
}

static void the_first_no_decides(void **state)
{
    (void)state;
    struct policy *policy = policy_of(true, TRAIL_LEVEL_WRITES_ONLY, "*", "*");
    assert_int_equal(decide(policy, "list_tools", "tool", TRAIL_OUTCOME_SUCCESS), POLICY_LEVEL);
    assert_int_equal(decide(policy, "create_tool", "tool", TRAIL_OUTCOME_SUCCESS), POLICY_EXCLUDED);
    policy_free(policy);

    policy = policy_of(false, TRAIL_LEVEL_ALL, "*", NULL);
    assert_int_equal(decide(policy, "delete_tool", "tool", TRAIL_OUTCOME_FAILURE), POLICY_DISABLED);
    policy_free(policy);
}

static void a_list_over_its_limit_stops_the_start(void **state)
{
    char               item[102];
    struct settings    settings = { .enabled = true, .level = 1, .exclude_resources = item };
    struct policy     *policy = NULL;
    struct trail_error error;
    (void)state;
    memset(item, 'x', sizeof item - 1);
    item[sizeof item - 1] = '\0';
    assert_int_equal(policy_new(&policy, &settings, &error), TRAIL_ECONFIG);
    assert_null(policy);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_EXCLUDE_RESOURCES"));
}

static const struct description {
    bool             enabled;
    enum trail_level level;
    const char      *actions, *resources, *text;
} descriptions[] = {
    { true, TRAIL_LEVEL_WRITES_ONLY, "Health_Check", "metric",
      "level writes_only; not recorded: read, access; excluded actions: health_check; excluded resources: metric" },
    { true, TRAIL_LEVEL_ALL, NULL, NULL, "level all; not recorded: nothing" },
    { true, TRAIL_LEVEL_ALL, "a,b*", NULL, "level all; not recorded: nothing; excluded actions: a, b*" },
    { true, TRAIL_LEVEL_FAILURES_ONLY, NULL, NULL, "level failures_only; not recorded: what succeeded" },
    { true, TRAIL_LEVEL_DELETES_ONLY, NULL, NULL,
      "level deletes_only; not recorded: create, read, update, execute, access, export, import, auth, admin, audit, "
      "other" },
    { false, TRAIL_LEVEL_ALL, "a", NULL, "disabled; nothing is recorded" },
};

static void the_description_says_what_is_left_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof descriptions / sizeof descriptions[0]; i++) {
        const struct description *d = &descriptions[i];
        struct policy            *policy = policy_of(d->enabled, d->level, d->actions, d->resources);
        char                      line[256];
        assert_int_equal(policy_describe(policy, line, sizeof line), strlen(d->text));
        assert_string_equal(line, d->text);
        policy_free(policy);
    }
}

static void a_description_is_cut_to_the_room_there_is(void **state)
{
    (void)state;
    struct policy *policy = policy_of(true, TRAIL_LEVEL_WRITES_ONLY, "Health_Check", "metric");
    size_t         whole = strlen(descriptions[0].text);
    for (size_t size = 0; size <= whole + 2; size++) {
        char *line = malloc(size + 1);
        assert_non_null(line);
        memset(line, '#', size + 1);
        assert_int_equal(policy_describe(policy, line, size), whole);
        assert_int_equal(line[size], '#');
        if (size > 0) {
            size_t shown = size - 1 < whole ? size - 1 : whole;
            assert_memory_equal(line, descriptions[0].text, shown);
            assert_int_equal(line[shown], '\0');
        }
        free(line);
    }
    assert_int_equal(policy_describe(policy, NULL, 0), whole);
    policy_free(policy);
    policy_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_level_decides_by_operation),
        cmocka_unit_test(the_policy_agrees_with_level_takes_everywhere),
        cmocka_unit_test(an_excluded_action_is_not_recorded),
        cmocka_unit_test(an_excluded_resource_is_not_recorded),
        cmocka_unit_test(the_first_no_decides),
        cmocka_unit_test(a_list_over_its_limit_stops_the_start),
        cmocka_unit_test(the_description_says_what_is_left_out),
        cmocka_unit_test(a_description_is_cut_to_the_room_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
