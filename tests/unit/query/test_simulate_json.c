/* test_simulate_json.c -- the JSON of a simulation is JSON, has the documented names, and the simulation's numbers.
 *
 * Goal:   scripts and the HTTP service can rely on every member; hostile text stays text.
 * Method: a simulation of a few events, read back with jansson.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/simulate_json.h"
#include "unit/query/draft_fixture.h"

/* "rows.now" of the object. */
static const json_t *member(const json_t *root, const char *path)
{
    char        copy[128];
    const char *name = copy;
    snprintf(copy, sizeof copy, "%s", path);
    for (char *dot = strchr(copy, '.'); dot != NULL; dot = strchr(name, '.')) {
        *dot = '\0';
        root = json_object_get(root, name);
        name = dot + 1;
    }
    const json_t *value = json_object_get(root, name);
    if (value == NULL)
        fail_msg("there is no %s", path);
    return value;
}

static json_t *read_back(const struct simulation *simulation, uint64_t lines_in_error)
{
    struct buf   text;
    json_error_t error;
    buf_init(&text, NULL, 0);
    simulation_to_json(simulation, lines_in_error, &text);
    assert_false(buf_failed(&text));
    assert_int_equal(text.data[text.size - 1], '\n');
    assert_null(memchr(text.data, '\n', text.size - 1));
    json_t *root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        fail_msg("%s at %d of %.*s", error.text, error.position, (int)text.size, text.data);
    buf_done(&text);
    return root;
}

static void offer(struct simulation *simulation, const char *action, int64_t timestamp_us)
{
    struct trail_event event = { TRAIL_EVENT_INIT, .timestamp_us = timestamp_us, .action = trail_str(action),
                                 .resource_type = TRAIL_TEXT("tool"), .user_id = TRAIL_TEXT("a\"\n\\b") };
    simulation_offer(simulation, &event, 50);
}

static const struct {
    const char *path;
    json_int_t  number;
} numbers[] = {
    { "events", 4 },
    { "lines_in_error", 3 },
    { "rows.now", 3 },
    { "rows.draft_low", 2 },
    { "rows.draft_high", 2 },
    { "rows.lost", 2 },
    { "rows.gained_low", 1 },
    { "rows.gained_high", 1 },
    { "rows_per_day.now", 6 },
    { "rows_per_day.draft_high", 4 },
    { "bytes_per_day.now", 300 },
    { "bytes_per_day.draft_low", 200 },
    { "bytes.now", 150 },
    { "bytes.draft_high", 100 },
    { "bytes_basis.events", 0 },
    { "rules.level.events", 0 },
    { "rules.excluded_action.events", 2 },
    { "rules.excluded_action.lost", 2 },
    { "rules.excluded_resource.events", 0 },
    { "rules.sampled.events", 0 },
    { "rules.disabled.events", 0 },
    { "operations.create.now", 2 },
    { "operations.create.refused.excluded_action", 2 },
    { "operations.create.draft_high", 0 },
    { "operations.read.gained_high", 1 },
    { "operations.read.unseen_now.level", 0 },
    { "operations.control.now", 0 },
};

static void every_member_has_its_number(void **state)
{
    (void)state;
    struct draft      now = draft_with(TRAIL_LEVEL_WRITES_ONLY, "", "");
    struct draft      draft = draft_with(TRAIL_LEVEL_ALL, "create_*,no\"ne", "x");
    struct simulation simulation;
    assert_int_equal(simulation_init(&simulation, &now, &draft, NULL), TRAIL_OK);
    offer(&simulation, "create_a", INT64_C(1767225600000000));
    offer(&simulation, "create_b", INT64_C(1767225600000000));
    offer(&simulation, "delete_a", INT64_C(1767225600000000) + INT64_C(43200000000));
    offer(&simulation, "get_a", 0);
    simulation_weigh(&simulation, 0, 0);

    json_t *root = read_back(&simulation, 3);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const json_t *value = member(root, numbers[i].path);
        if (!json_is_integer(value) || json_integer_value(value) != numbers[i].number)
            fail_msg("%s is %lld, expected %lld", numbers[i].path, (long long)json_integer_value(value),
                     (long long)numbers[i].number);
    }
    assert_string_equal(json_string_value(member(root, "source")), "input");
    assert_string_equal(json_string_value(member(root, "since")), "2026-01-01T00:00:00.000000Z");
    assert_string_equal(json_string_value(member(root, "until")), "2026-01-01T12:00:00.000000Z");
    assert_near(json_real_value(member(root, "days")), 0.5);
    assert_string_equal(json_string_value(member(root, "policy.now")), "level writes_only; not recorded: read, access");
    assert_string_equal(json_string_value(member(root, "bytes_basis.kind")), "encoded");

    const json_t *patterns = member(root, "rules.excluded_action.patterns");
    assert_int_equal(json_array_size(patterns), 2);
    assert_string_equal(json_string_value(member(json_array_get(patterns, 1), "pattern")), "no\"ne");
    assert_int_equal(json_integer_value(member(json_array_get(patterns, 0), "events")), 2);
    assert_int_equal(json_array_size(member(root, "rules.excluded_resource.patterns")), 1);
    const json_t *example = json_array_get(member(root, "gained_examples"), 0);
    assert_true(json_is_null(member(example, "time")));
    assert_string_equal(json_string_value(member(example, "user")), "a\"\n\\b");
    assert_string_equal(json_string_value(member(example, "operation")), "read");
    assert_string_equal(json_string_value(member(example, "outcome")), "success");
    assert_int_equal(json_array_size(member(root, "rules.excluded_action.examples")), 2);
    assert_string_equal(json_string_value(member(json_array_get(member(root, "notes"), 0), "code")), "exact");
    json_decref(root);
    simulation_done(&simulation);
    draft_done(&now);
    draft_done(&draft);
}

static void what_is_not_known_is_null(void **state)
{
    (void)state;
    struct draft      draft = draft_with(TRAIL_LEVEL_ALL, "", "");
    struct simulation simulation;
    assert_int_equal(simulation_init(&simulation, &draft, &draft, NULL), TRAIL_OK);
    json_t *root = read_back(&simulation, 0);
    assert_true(json_is_null(member(root, "since")));
    assert_true(json_is_null(member(root, "rows_per_day")));
    assert_true(json_is_null(member(root, "bytes")));
    assert_true(json_is_null(member(root, "bytes_per_day")));
    assert_string_equal(json_string_value(member(root, "bytes_basis.kind")), "unknown");
    json_decref(root);
    simulation_done(&simulation);
    draft_done(&draft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_has_its_number),
        cmocka_unit_test(what_is_not_known_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
