/* test_simulate.c -- the counts of a simulation are those of a table of policies and events, and they add up.
 *
 * Goal:   rows of now and of the draft, refusals by rule, operation and pattern; then = now - lost + gained everywhere;
 *         examples are few and different; bytes and days.
 * Method: one set of events against a table of pairs of policies; stored events with weights.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "query/simulate.h"
#include "unit/query/draft_fixture.h"

#define OP(operation) TRAIL_OPERATION_##operation

/* Ten events: 4 list, 1 failed list, 2 health checks (reads), 1 create, 1 update, 1 delete. */
static const struct {
    const char        *action;
    const char        *type;
    enum trail_outcome outcome;
} events[] = {
    { "list_tools", "tool", 0 },     { "list_tools", "tool", 0 },  { "list_servers", "server", 0 },
    { "list_servers", "server", 0 }, { "list_tools", "tool", 1 },  { "health_check", "health", 0 },
    { "health_check", "health", 0 }, { "create_tool", "tool", 0 }, { "update_tool", "tool", 0 },
    { "delete_tool", "tool", 0 },
};

static struct trail_event event_at(size_t i)
{
    return (struct trail_event){ TRAIL_EVENT_INIT,
                                 .timestamp_us = 1000000 * (int64_t)(i + 1),
                                 .action = trail_str(events[i].action),
                                 .resource_type = trail_str(events[i].type),
                                 .resource_id = TRAIL_TEXT("7"),
                                 .user_id = TRAIL_TEXT("alice"),
                                 .outcome = events[i].outcome };
}

struct side {
    enum trail_level level;
    const char      *actions;
    const char      *resources;
    uint32_t         always;
    double           reads; /* Rate. */
};

static struct draft draft_of_side(const struct side *side)
{
    struct settings settings = settings_of(side->level, side->actions, side->resources);
    settings.always_record = side->always;
    settings.sample_reads = side->reads;
    return draft_of(&settings);
}

static const struct row {
    struct side now;
    struct side draft;
    double      now_rows;
    double      then_rows;
    double      lost;
    double      refused[DRAFT_RULE_COUNT]; /* kept (unused), off, level, action, resource, sampled. */
} rows[] = {
    { { 1, "", "", 0, 1 }, { 1, "", "", 0, 1 }, 10, 10, 0, { 0 } },
    { { 1, "", "", 0, 1 }, { 2, "", "", 0, 1 }, 10, 3, 7, { 0, 0, 7, 0, 0, 0 } },
    { { 1, "", "", 0, 1 }, { 4, "", "", 0, 1 }, 10, 1, 9, { 0, 0, 9, 0, 0, 0 } },
    { { 2, "", "", 0, 1 }, { 1, "", "", 0, 1 }, 3, 10, 0, { 0 } },
    { { 2, "", "", 0, 1 }, { 5, "", "", 0, 1 }, 3, 1, 3, { 0, 0, 9, 0, 0, 0 } },
    { { 1, "", "", 0, 1 }, { 1, "health_*", "", 0, 1 }, 10, 8, 2, { 0, 0, 0, 2, 0, 0 } },
    { { 1, "", "", 0, 1 }, { 1, "", "TOOL", 0, 1 }, 10, 4, 6, { 0, 0, 0, 0, 6, 0 } },
    { { 1, "", "", 0, 1 }, { 1, "list_*", "tool", 1, 1 }, 10, 3, 7, { 0, 0, 0, 4, 3, 0 } },
    { { 1, "", "", 0, 1 }, { 2, "", "", 1, 1 }, 10, 4, 6, { 0, 0, 6, 0, 0, 0 } },
    { { 1, "", "", 0, 1 }, { 1, "", "", 0, 0.5 }, 10, 7, 3, { 0, 0, 0, 0, 0, 3 } },
    { { 1, "", "", 0, 0.5 }, { 1, "", "", 0, 1 }, 7, 10, 0, { 0 } },
    { { 1, "", "", 0, 0.5 }, { 1, "", "", 0, 0.25 }, 7, 5.5, 1.5, { 0, 0, 0, 0, 0, 4.5 } },
};

static void assert_adds_up(const struct simulation *simulation)
{
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++) {
        const struct simulate_operation *operation = &simulation->operations[i];
        double                           refused = 0;
        for (size_t rule = 0; rule < DRAFT_RULE_COUNT; rule++)
            refused += operation->refused[rule];
        assert_near(operation->then, operation->now - operation->lost + operation->gained);
        assert_near(operation->then, operation->events - refused);
    }
}

static void offered_events_are_counted_under_both_policies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct draft      now = draft_of_side(&rows[i].now);
        struct draft      draft = draft_of_side(&rows[i].draft);
        struct simulation simulation;
        assert_int_equal(simulation_init(&simulation, &now, &draft, NULL), TRAIL_OK);
        for (size_t k = 0; k < sizeof events / sizeof events[0]; k++) {
            struct trail_event event = event_at(k);
            simulation_offer(&simulation, &event, 100);
        }
        struct simulate_totals totals = simulation_totals(&simulation);
        print_message("row %zu\n", i);
        assert_near(totals.events, 10);
        assert_near(totals.now, rows[i].now_rows);
        assert_near(totals.then_low, rows[i].then_rows);
        assert_near(totals.then_high, rows[i].then_rows);
        assert_near(totals.lost, rows[i].lost);
        for (size_t rule = 0; rule < DRAFT_RULE_COUNT; rule++)
            assert_near(simulation.rules[rule].events, rows[i].refused[rule]);
        assert_adds_up(&simulation);
        assert_int_equal(simulation.since_us, 1000000);
        assert_int_equal(simulation.until_us, 10000000);
        assert_near(simulation.encoded_now, 100 * rows[i].now_rows);
        assert_near(simulation.encoded_then, 100 * rows[i].then_rows);
        simulation_done(&simulation);
        draft_done(&now);
        draft_done(&draft);
    }
}

static void each_pattern_has_its_own_count(void **state)
{
    (void)state;
    struct draft      now = draft_with(TRAIL_LEVEL_ALL, "", "");
    struct draft      draft = draft_with(TRAIL_LEVEL_ALL, "health_*,list_tools,nothing", "server,none");
    struct simulation simulation;
    assert_int_equal(simulation_init(&simulation, &now, &draft, NULL), TRAIL_OK);
    for (size_t k = 0; k < sizeof events / sizeof events[0]; k++) {
        struct trail_event event = event_at(k);
        simulation_offer(&simulation, &event, 1);
    }
    assert_near(simulation.action_events[0], 2);
    assert_near(simulation.action_events[1], 3);
    assert_near(simulation.action_events[2], 0);
    assert_near(simulation.resource_events[0], 2);
    assert_near(simulation.resource_events[1], 0);
    simulation_done(&simulation);
    draft_done(&now);
    draft_done(&draft);
}

/* A stored event stands for its weight: under the rate that it was stored under nothing changes. */
static void stored_events_stand_for_their_weight(void **state)
{
    static const struct {
        double draft_rate;
        double then;
        double lost;
        double gained;
    } weights[] = { { 0.1, 30, 0, 0 }, { 1, 300, 0, 270 }, { 0.05, 15, 15, 0 }, { 0, 0, 30, 0 } };
    (void)state;
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        const struct side now_side = { 1, "", "", 0, 0.1 };
        const struct side draft_side = { 1, "", "", 0, weights[i].draft_rate };
        struct draft      now = draft_of_side(&now_side);
        struct draft      draft = draft_of_side(&draft_side);
        struct simulation simulation;
        assert_int_equal(simulation_init(&simulation, &now, &draft, NULL), TRAIL_OK);
        for (int k = 0; k < 30; k++) {
            struct trail_event event = event_at(0);
            event.operation = OP(READ);
            simulation_stored(&simulation, &event, 1 / 0.1);
        }
        const struct simulate_operation *reads = &simulation.operations[OP(READ)];
        assert_near(reads->events, 300);
        assert_near(reads->now, 30);
        assert_near(reads->then, weights[i].then);
        assert_near(reads->lost, weights[i].lost);
        assert_near(reads->gained, weights[i].gained);
        assert_int_equal(simulation.gained.count, weights[i].gained > 0);
        assert_int_equal(simulation.rules[DRAFT_SAMPLED].examples.count, weights[i].lost > 0);
        assert_true(reads->weighed);
        assert_adds_up(&simulation);
        simulation_done(&simulation);
        draft_done(&now);
        draft_done(&draft);
    }
}

static void a_damaged_weight_counts_as_one(void **state)
{
    static const double damaged[] = { 0, -5, 0.5, NAN };
    (void)state;
    struct draft draft = draft_with(TRAIL_LEVEL_ALL, "", "");
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct simulation  simulation;
        struct trail_event event = event_at(0);
        event.operation = OP(READ);
        assert_int_equal(simulation_init(&simulation, &draft, &draft, NULL), TRAIL_OK);
        simulation_stored(&simulation, &event, damaged[i]);
        assert_near(simulation_totals(&simulation).then_low, 1);
        assert_near(simulation_totals(&simulation).lost, 0);
        simulation_done(&simulation);
    }
    draft_done(&draft);
}

static void own_records_stay_unless_the_trail_is_off(void **state)
{
    struct settings settings = settings_of(TRAIL_LEVEL_DELETES_ONLY, "*", "*");
    (void)state;
    for (int on = 0; on < 2; on++) {
        settings.enabled = on == 1;
        struct draft      draft = draft_of(&settings);
        struct simulation simulation;
        assert_int_equal(simulation_init(&simulation, &draft, &draft, NULL), TRAIL_OK);
        simulation_control(&simulation);
        assert_near(simulation.operations[0].now, 1);
        assert_near(simulation.operations[0].then, on);
        assert_near(simulation.operations[0].lost, 1 - on);
        assert_int_equal(simulation.events, 0);
        simulation_done(&simulation);
        draft_done(&draft);
    }
}

static void a_map_moves_stored_events_and_says_how_many(void **state)
{
    struct settings settings = settings_of(TRAIL_LEVEL_WRITES_ONLY, "", "");
    (void)state;
    struct draft now = draft_of(&settings);
    settings.action_map = (char *)"create_tool=read";
    struct draft      draft = draft_of(&settings);
    struct simulation simulation;
    assert_int_equal(simulation_init(&simulation, &now, &draft, NULL), TRAIL_OK);
    struct trail_event event = event_at(7);
    event.operation = OP(CREATE);
    simulation_stored(&simulation, &event, 1);
    assert_int_equal(simulation.remapped, 1);
    assert_near(simulation.contradicting, 0);
    assert_near(simulation.operations[OP(READ)].refused[DRAFT_LEVEL], 1);

    /* One that the policy in force would not have recorded. */
    event = event_at(0);
    event.operation = OP(READ);
    simulation_stored(&simulation, &event, 1);
    assert_near(simulation.contradicting, 1);
    simulation_done(&simulation);
    draft_done(&now);
    draft_done(&draft);
}

static void examples_are_few_and_different_and_clean(void **state)
{
    (void)state;
    struct draft      now = draft_with(TRAIL_LEVEL_ALL, "", "");
    struct draft      draft = draft_with(TRAIL_LEVEL_DELETES_ONLY, "", "");
    struct simulation simulation;
    char              action[300];
    assert_int_equal(simulation_init(&simulation, &now, &draft, NULL), TRAIL_OK);
    for (int k = 0; k < 100; k++) {
        snprintf(action, sizeof action, "create_%d", k / 10);
        struct trail_event event = event_at(7);
        event.action = trail_str(action);
        simulation_offer(&simulation, &event, 1);
    }
    const struct simulate_examples *examples = &simulation.rules[DRAFT_LEVEL].examples;
    assert_int_equal(examples->count, SIMULATE_EXAMPLES_MAX);
    for (size_t i = 0; i < examples->count; i++) {
        snprintf(action, sizeof action, "create_%zu", i);
        assert_string_equal(examples->list[i].action, action);
        assert_string_equal(examples->list[i].resource_id, "7");
        assert_string_equal(examples->list[i].user_id, "alice");
        assert_int_equal(examples->list[i].operation, OP(CREATE));
    }
    simulation_done(&simulation);

    assert_int_equal(simulation_init(&simulation, &now, &draft, NULL), TRAIL_OK);
    memset(action, 'a', sizeof action);
    struct trail_event event = event_at(7);
    event.action = (struct trail_text){ action, sizeof action };
    event.user_id = TRAIL_TEXT("b\xFF");
    simulation_offer(&simulation, &event, 1);
    assert_int_equal(strlen(examples->list[0].action), 100);
    assert_string_equal(examples->list[0].user_id, "b\xEF\xBF\xBD");
    simulation_done(&simulation);
    draft_done(&now);
    draft_done(&draft);
}

static void bytes_are_those_of_the_store_or_of_the_events(void **state)
{
    (void)state;
    struct draft      now = draft_with(TRAIL_LEVEL_ALL, "", "");
    struct draft      draft = draft_with(TRAIL_LEVEL_WRITES_ONLY, "", "");
    struct simulation simulation;
    assert_int_equal(simulation_init(&simulation, &now, &draft, NULL), TRAIL_OK);
    for (size_t k = 0; k < sizeof events / sizeof events[0]; k++) {
        struct trail_event event = event_at(k);
        simulation_offer(&simulation, &event, 10 * k);
    }
    simulation_weigh(&simulation, 0, 0);
    assert_int_equal(simulation.bytes.basis, SIMULATE_BYTES_ENCODED);
    assert_near(simulation.bytes.now, 450);
    assert_near(simulation.bytes.high, 70 + 80 + 90);
    simulation_weigh(&simulation, 999 * 150, 999); /* Too small a store to go by. */
    assert_int_equal(simulation.bytes.basis, SIMULATE_BYTES_ENCODED);
    simulation_weigh(&simulation, 1000 * 150, 1000);
    assert_int_equal(simulation.bytes.basis, SIMULATE_BYTES_OF_STORE);
    assert_near(simulation.bytes.now, 1500);
    assert_near(simulation.bytes.low, 450);
    simulation_done(&simulation);
    draft_done(&now);
    draft_done(&draft);
}

static void a_day_is_not_made_of_seconds(void **state)
{
    (void)state;
    struct draft      draft = draft_with(TRAIL_LEVEL_ALL, "", "");
    struct simulation simulation;
    assert_int_equal(simulation_init(&simulation, &draft, &draft, NULL), TRAIL_OK);
    assert_near(simulation_totals(&simulation).days, 0);
    assert_near(simulation_totals(&simulation).per_day, 0);
    simulation.until_us = 59999999;
    assert_near(simulation_totals(&simulation).per_day, 0);
    simulation.until_us = INT64_C(43200000000);
    assert_near(simulation_totals(&simulation).per_day, 2);
    assert_near(simulation_totals(&simulation).days, 0.5);
    simulation_done(&simulation);
    draft_done(&draft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offered_events_are_counted_under_both_policies),
        cmocka_unit_test(each_pattern_has_its_own_count),
        cmocka_unit_test(stored_events_stand_for_their_weight),
        cmocka_unit_test(a_damaged_weight_counts_as_one),
        cmocka_unit_test(own_records_stay_unless_the_trail_is_off),
        cmocka_unit_test(a_map_moves_stored_events_and_says_how_many),
        cmocka_unit_test(examples_are_few_and_different_and_clean),
        cmocka_unit_test(bytes_are_those_of_the_store_or_of_the_events),
        cmocka_unit_test(a_day_is_not_made_of_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
