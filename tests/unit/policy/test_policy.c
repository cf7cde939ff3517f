/* test_policy.c -- the policy refuses what it says it refuses, in the documented order, and nothing else.
 *
 * Goal:   the acceptance outline of the level, what is always recorded, the exclusions, sampling, the kill switch, and
 *         their order; the action map; the line that describes a policy tells the truth.
 * Method: policies built from a struct settings made by hand; the outline of seed.feature row by row; every combination
 *         of rules, operation and outcome against rules written down a second time, in plain words. (The shares of
 *         sampling are in test_sampling.c.)
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

static const struct hash_key key = { 1, 2 };

/* Settings as by default but for these. */
static struct settings settings_of(enum trail_level level)
{
    return (struct settings){ .enabled = true, .level = (uint32_t)level - 1, .sample_rate = 1, .sample_reads = 1 };
}

static char *copy(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

static struct policy *build(const struct settings *settings)
{
    struct settings own = *settings;
    struct policy  *policy;
    own.exclude_actions = copy(settings->exclude_actions);
    own.exclude_resources = copy(settings->exclude_resources);
    own.action_map = copy(settings->action_map);
    assert_int_equal(policy_new(&policy, &own, &key, NULL), TRAIL_OK);
    /* Nothing of the settings is borrowed. */
    free(own.exclude_actions);
    free(own.exclude_resources);
    free(own.action_map);
    return policy;
}

static struct policy *policy_of(bool enabled, enum trail_level level, const char *actions, const char *resources)
{
    struct settings settings = settings_of(level);
    char            storage[2][128];
    snprintf(storage[0], sizeof storage[0], "%s", actions != NULL ? actions : "");
    snprintf(storage[1], sizeof storage[1], "%s", resources != NULL ? resources : "");
    settings.enabled = enabled;
    settings.exclude_actions = storage[0];
    settings.exclude_resources = storage[1];
    return build(&settings);
}

static enum policy_verdict decide(const struct policy *policy, const char *action, const char *type,
                                  enum trail_outcome outcome)
{
    struct trail_event event = { TRAIL_EVENT_INIT, .action = trail_str(action), .resource_type = trail_str(type),
                                 .user_id = TRAIL_TEXT("u"), .outcome = outcome };
    double             weight = 0;
    return policy_decide(policy, &event, policy_classify(policy, event.action), &weight);
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
            double               weight = 0;
            assert_int_equal(policy_decide(policy, &event, operation, &weight), takes ? POLICY_KEEP : POLICY_LEVEL);
            assert_true(!takes || weight == 1);
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

/* ---- All rules at once ---- */

/* The rules of the documentation once more, as plainly as they can be said. Sampling is at rate 0 or 1. */
static enum policy_verdict expected_verdict(const struct settings *settings, enum trail_operation operation,
                                            enum trail_outcome outcome, bool excluded)
{
    bool succeeded = outcome == TRAIL_OUTCOME_SUCCESS;
    if ((settings->always_record & ALWAYS_RECORD_FAILURES) != 0 && !succeeded)
        return POLICY_KEEP;
    if ((settings->always_record & ALWAYS_RECORD_DENIED) != 0 && outcome == TRAIL_OUTCOME_DENIED)
        return POLICY_KEEP;
    if ((settings->always_record & ALWAYS_RECORD_DELETES) != 0 && operation == OP(DELETE))
        return POLICY_KEEP;
    if ((settings->always_record & ALWAYS_RECORD_AUTH) != 0 && operation == OP(AUTH))
        return POLICY_KEEP;
    if (!level_takes((enum trail_level)(settings->level + 1), operation, outcome))
        return POLICY_LEVEL;
    if (excluded)
        return POLICY_EXCLUDED;
    if (!succeeded || operation == OP(DELETE) || operation == OP(AUTH) || operation == OP(ADMIN) ||
        operation == OP(OTHER) || operation == OP(AUDIT))
        return POLICY_KEEP;
    double rate = operation == OP(READ) ? settings->sample_reads : settings->sample_rate;
    return rate == 0 ? POLICY_SAMPLED_OUT : POLICY_KEEP;
}

static void compare(const struct settings *settings, unsigned seen[POLICY_SAMPLED_OUT + 1])
{
    struct policy *policy = build(settings);
    for (int i = 0; i < (TRAIL_OPERATION_COUNT - 1) * 5 * 3; i++) {
        enum trail_operation operation = (enum trail_operation)(1 + i / 15);
        enum trail_outcome   outcome = (enum trail_outcome)(i / 3 % 5);
        struct trail_event   event = { TRAIL_EVENT_INIT, .outcome = outcome,
                                       .action = i % 3 == 1 ? TRAIL_TEXT("noise") : TRAIL_TEXT("x"),
                                       .resource_type = i % 3 == 2 ? TRAIL_TEXT("noise") : TRAIL_TEXT("x") };
        enum policy_verdict  expected = expected_verdict(settings, operation, outcome, i % 3 != 0);
        double               weight = 0;
        if (policy_decide(policy, &event, operation, &weight) != expected)
            fail_msg("always %u, level %u, rates %g %g: %s, %s, %d", settings->always_record, settings->level,
                     settings->sample_rate, settings->sample_reads, operation_name(operation), outcome_name(outcome),
                     i % 3);
        assert_int_equal(policy_level_refuses(policy, &event, operation), expected == POLICY_LEVEL);
        assert_true(expected != POLICY_KEEP || weight == 1);
        seen[expected]++;
    }
    policy_free(policy);
}

static void every_combination_of_rules_decides_in_the_documented_order(void **state)
{
    unsigned seen[POLICY_SAMPLED_OUT + 1] = { 0 };
    char     noise[] = "noise";
    (void)state;
    for (unsigned i = 0; i < 16 * 5 * 4; i++) {
        struct settings settings = settings_of((enum trail_level)(1 + i / 64));
        settings.always_record = i / 4 % 16;
        settings.sample_rate = i % 2;
        settings.sample_reads = i / 2 % 2;
        settings.exclude_actions = noise;
        settings.exclude_resources = noise;
        compare(&settings, seen);
    }
    print_message("kept %u, level %u, excluded %u, sampled out %u\n", seen[POLICY_KEEP], seen[POLICY_LEVEL],
                  seen[POLICY_EXCLUDED], seen[POLICY_SAMPLED_OUT]);
    assert_true(seen[POLICY_LEVEL] > 1000 && seen[POLICY_EXCLUDED] > 1000 && seen[POLICY_SAMPLED_OUT] > 400);
}

static void an_outcome_that_does_not_exist_is_left_for_others_to_refuse(void **state)
{
    (void)state;
    struct policy *policy = policy_of(true, TRAIL_LEVEL_DELETES_ONLY, NULL, NULL);
    for (int outcome = TRAIL_OUTCOME_UNKNOWN + 1; outcome < 8; outcome++) {
        struct trail_event event = { TRAIL_EVENT_INIT, .outcome = (enum trail_outcome)outcome };
        double             weight;
        assert_int_equal(policy_decide(policy, &event, OP(READ), &weight), POLICY_KEEP);
    }
    for (unsigned i = 0; i < 100; i++) {
        struct trail_event event = { TRAIL_EVENT_INIT, .outcome = (enum trail_outcome)(i * 77777777u) };
        double             weight;
        (void)policy_decide(policy, &event, OP(READ), &weight); /* Whatever it says, it reads what is there. */
    }
    policy_free(policy);
}

/* ---- The action map ---- */

static void the_action_map_is_asked_before_the_name(void **state)
{
    (void)state;
    char            map[] = "poll_queue=read, get_or_create_x=other, delete_cache=execute";
    struct settings settings = settings_of(TRAIL_LEVEL_WRITES_ONLY);
    settings.action_map = map;
    struct policy *policy = build(&settings);
    assert_int_equal(policy_classify(policy, TRAIL_TEXT("Poll/Queue")), OP(READ));
    assert_int_equal(policy_classify(policy, TRAIL_TEXT("get_or_create_x")), OP(OTHER));
    assert_int_equal(policy_classify(policy, TRAIL_TEXT("delete_cache")), OP(EXECUTE));
    assert_int_equal(policy_classify(policy, TRAIL_TEXT("delete_caches")), OP(DELETE));
    assert_int_equal(policy_classify(policy, TRAIL_TEXT("frobnicate")), OP(OTHER));
    assert_true(policy_maps(policy, TRAIL_TEXT("get_or_create_x")));
    assert_false(policy_maps(policy, TRAIL_TEXT("frobnicate")));
    assert_int_equal(decide(policy, "poll_queue", "queue", TRAIL_OUTCOME_SUCCESS), POLICY_LEVEL);
    policy_free(policy);

    policy = policy_of(true, TRAIL_LEVEL_WRITES_ONLY, NULL, NULL);
    assert_int_equal(policy_classify(policy, TRAIL_TEXT("poll_queue")), OP(OTHER));
    assert_int_equal(decide(policy, "poll_queue", "queue", TRAIL_OUTCOME_SUCCESS), POLICY_KEEP);
    policy_free(policy);
}

static void a_wrong_action_map_stops_the_start(void **state)
{
    char               map[] = "create_x=creat";
    struct settings    settings = settings_of(TRAIL_LEVEL_ALL);
    struct policy     *policy = NULL;
    struct trail_error error;
    (void)state;
    settings.action_map = map;
    assert_int_equal(policy_new(&policy, &settings, NULL, &error), TRAIL_ECONFIG);
    assert_null(policy);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_ACTION_MAP: \"create_x=creat\""));
}

static void a_list_over_its_limit_stops_the_start(void **state)
{
    char               item[102];
    struct settings    settings = settings_of(TRAIL_LEVEL_ALL);
    struct policy     *policy = NULL;
    struct trail_error error;
    (void)state;
    memset(item, 'x', sizeof item - 1);
    item[sizeof item - 1] = '\0';
    settings.exclude_resources = item;
    assert_int_equal(policy_new(&policy, &settings, NULL, &error), TRAIL_ECONFIG);
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

static const struct {
    enum trail_level level;
    uint32_t         always;
    double           rate, reads;
    const char      *text;
} longer_descriptions[] = {
    { TRAIL_LEVEL_WRITES_ONLY, ALWAYS_RECORD_FAILURES | ALWAYS_RECORD_DELETES, 1, 1,
      "level writes_only; always recorded: failures, deletes; not recorded: read, access" },
    { TRAIL_LEVEL_DELETES_ONLY, ALWAYS_RECORD_DENIED | ALWAYS_RECORD_AUTH, 1, 1,
      "level deletes_only; always recorded: denied, auth; not recorded: create, read, update, execute, access, export, "
      "import, admin, audit, other" },
    { TRAIL_LEVEL_FAILURES_ONLY, ALWAYS_RECORD_DELETES | ALWAYS_RECORD_AUTH, 0.1, 1,
      "level failures_only; always recorded: deletes, auth; not recorded: what succeeded but for delete, auth" },
    { TRAIL_LEVEL_FAILURES_ONLY, ALWAYS_RECORD_FAILURES, 1, 1,
      "level failures_only; always recorded: failures; not recorded: what succeeded" },
    { TRAIL_LEVEL_ALL, 0, 0.1, 0.01,
      "level all; not recorded: nothing; sampled, the rest is not recorded: 0.01 of read; 0.1 of create, update, "
      "execute, access, export, import" },
    { TRAIL_LEVEL_ALL, 0, 1, 0.25,
      "level all; not recorded: nothing; sampled, the rest is not recorded: 0.25 of read" },
    { TRAIL_LEVEL_WRITES_ONLY, 0, 0, 0.25,
      "level writes_only; not recorded: read, access; sampled, the rest is not recorded: 0.0 of create, update, "
      "execute, export, import" },
    { TRAIL_LEVEL_WRITES_ONLY, 0, 1, 0.25, "level writes_only; not recorded: read, access" },
    { TRAIL_LEVEL_DELETES_ONLY, 0, 0.5, 0.5,
      "level deletes_only; not recorded: create, read, update, execute, access, export, import, auth, admin, audit, "
      "other" },
};

static void the_description_says_what_is_always_recorded_and_what_is_sampled(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof longer_descriptions / sizeof longer_descriptions[0]; i++) {
        struct settings settings = settings_of(longer_descriptions[i].level);
        char            line[256];
        settings.always_record = longer_descriptions[i].always;
        settings.sample_rate = longer_descriptions[i].rate;
        settings.sample_reads = longer_descriptions[i].reads;
        struct policy *policy = build(&settings);
        assert_int_equal(policy_describe(policy, line, sizeof line), strlen(longer_descriptions[i].text));
        assert_string_equal(line, longer_descriptions[i].text);
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
        cmocka_unit_test(every_combination_of_rules_decides_in_the_documented_order),
        cmocka_unit_test(an_outcome_that_does_not_exist_is_left_for_others_to_refuse),
        cmocka_unit_test(the_action_map_is_asked_before_the_name),
        cmocka_unit_test(a_wrong_action_map_stops_the_start),
        cmocka_unit_test(a_list_over_its_limit_stops_the_start),
        cmocka_unit_test(the_description_says_what_is_left_out),
        cmocka_unit_test(the_description_says_what_is_always_recorded_and_what_is_sampled),
        cmocka_unit_test(a_description_is_cut_to_the_room_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
