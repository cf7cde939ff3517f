/* test_simulate_store.c -- a simulation over a store sees every event of the filter once, and knows what it cannot.
 *
 * Goal:   all pages are read, whatever their borders; the time is that in which the store has events; a filter by
 *         person does not claim numbers that nobody has; bytes come from the ledger.
 * Method: a store of more than two pages with many equal timestamps, and accounts put in by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include <stdlib.h>
#include <string.h>

#include "query/place.h"
#include "query/simulate_store.h"
#include "unit/query/draft_fixture.h"

#define EVENTS 9000 /* Two pages of the scan and a bit. */
#define OP(operation) TRAIL_OPERATION_##operation
#define END_US (FIXTURE_TIME_US + INT64_C(1000000) * EVENTS)

static struct fixture fixture;
static struct draft   now;   /* writes_only */
static struct draft   draft; /* all, without tools */

/* 100 events share each timestamp. One in three is a delete, one in ten bob's, one in five of a server. */
static struct event_record make_event(uint64_t seq)
{
    struct event_record record = fixture_event(seq);
    record.event.timestamp_us = FIXTURE_TIME_US + INT64_C(1000000) * (int64_t)(seq / 100);
    if (seq % 3 == 0) {
        record.event.action = TRAIL_TEXT("delete_tool");
        record.event.operation = OP(DELETE);
    }
    if (seq % 10 == 0)
        record.event.user_id = TRAIL_TEXT("bob");
    if (seq % 5 == 0)
        record.event.resource_type = TRAIL_TEXT("server");
    return record;
}

static int fill_store(void **state)
{
    static struct event_record records[EVENTS];
    (void)state;
    place_make(&fixture);
    fixture_connect(&fixture);
    for (uint64_t seq = 1; seq <= EVENTS; seq++)
        records[seq - 1] = make_event(seq);
    records[0].flags = TRAIL_FLAG_CONTROL;
    records[1].weight = 4;
    assert_int_equal(fixture_write(&fixture, records, EVENTS), TRAIL_OK);
    char first[64];
    char sql[128];
    place_execute(&fixture, "UPDATE audit_accounting SET level = 500 WHERE operation = 2");
    place_execute(&fixture, "INSERT INTO audit_accounting (writer, operation, level) SELECT 1, 2, 500"
                            " WHERE NOT EXISTS (SELECT 1 FROM audit_accounting WHERE operation = 2)");
    /* It lived in the first hour, and that is where its numbers belong. */
    snprintf(sql, sizeof sql, "UPDATE audit_writers SET started_at = %s", place_time(FIXTURE_TIME_US, first));
    place_execute(&fixture, sql);
    snprintf(sql, sizeof sql, "UPDATE audit_batches SET recorded_at = %s",
             place_time(FIXTURE_TIME_US + INT64_C(3600000000), first));
    place_execute(&fixture, sql);
    now = draft_with(TRAIL_LEVEL_WRITES_ONLY, "", "");
    draft = draft_with(TRAIL_LEVEL_ALL, "", "tool");
    return 0;
}

static int remove_store(void **state)
{
    (void)state;
    draft_done(&now);
    draft_done(&draft);
    place_remove(&fixture);
    return 0;
}

static struct simulation simulate(const struct trail_filter *filter, const struct draft *then)
{
    struct simulation  simulation;
    struct trail_error error = { 0 };
    assert_int_equal(simulation_init(&simulation, &now, then, NULL), TRAIL_OK);
    if (simulate_store(&simulation, fixture.store, filter, END_US, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    return simulation;
}

static void every_event_is_seen_once(void **state)
{
    const struct trail_filter filter = { TRAIL_FILTER_INIT, .since_us = 1 };
    (void)state;
    struct simulation simulation = simulate(&filter, &draft);
    assert_int_equal(simulation.events, EVENTS - 1);
    assert_near(simulation.operations[0].now, 1);
    assert_near(simulation.operations[OP(DELETE)].now, EVENTS / 3);
    assert_near(simulation.operations[OP(CREATE)].now, EVENTS - EVENTS / 3 - 1);
    assert_near(simulation.operations[OP(CREATE)].events, EVENTS - EVENTS / 3 - 1 + 3);
    assert_true(simulation.operations[OP(CREATE)].weighed);
    assert_near(simulation.operations[OP(DELETE)].then, EVENTS / 15);
    assert_near(simulation.resource_events[0], EVENTS - EVENTS / 5 - 1 + 3);
    assert_int_equal(simulation.rules[DRAFT_RESOURCE].examples.count, 2);
    assert_string_equal(simulation.rules[DRAFT_RESOURCE].examples.list[0].resource_type, "tool");
    /* The newest come first. */
    assert_int_equal(simulation.rules[DRAFT_RESOURCE].examples.list[0].timestamp_us,
                     FIXTURE_TIME_US + INT64_C(1000000) * (EVENTS - 1) / 100 / 1000000 * 1000000);
    simulation_done(&simulation);
}

static void the_time_is_that_of_the_stores_events(void **state)
{
    struct trail_filter filter = { TRAIL_FILTER_INIT, .since_us = 1 };
    (void)state;
    struct simulation simulation = simulate(&filter, &draft);
    assert_int_equal(simulation.since_us, FIXTURE_TIME_US);
    assert_int_equal(simulation.until_us, END_US);
    uint64_t all = simulation.events;
    simulation_done(&simulation);

    filter.since_us = 0; /* Nothing says where to begin: the store does. */
    simulation = simulate(&filter, &draft);
    assert_int_equal(simulation.events, all);
    assert_int_equal(simulation.since_us, FIXTURE_TIME_US);
    simulation_done(&simulation);

    filter.since_us = FIXTURE_TIME_US + 10 * 1000000;
    filter.until_us = FIXTURE_TIME_US + 20 * 1000000;
    simulation = simulate(&filter, &draft);
    assert_int_equal(simulation.events, 1000);
    assert_int_equal(simulation.since_us, filter.since_us);
    assert_int_equal(simulation.until_us, filter.until_us);
    simulation_done(&simulation);

    filter.since_us = 1;
    filter.until_us = 2;
    simulation = simulate(&filter, &draft);
    assert_int_equal(simulation.events, 0);
    assert_near(simulation_totals(&simulation).days, 0);
    simulation_done(&simulation);
}

static void what_was_not_recorded_is_a_range_where_names_decide(void **state)
{
    struct trail_filter filter = { TRAIL_FILTER_INIT, .since_us = 1 };
    struct draft        all = draft_with(TRAIL_LEVEL_ALL, "", "");
    (void)state;
    struct simulation simulation = simulate(&filter, &draft);
    assert_true(simulation.unseen_asked);
    assert_near(simulation.operations[OP(READ)].unseen_now.level, 500);
    assert_near(simulation.operations[OP(READ)].unseen.low, 0);
    assert_near(simulation.operations[OP(READ)].unseen.high, 500);
    simulation_done(&simulation);

    simulation = simulate(&filter, &all);
    struct simulate_totals totals = simulation_totals(&simulation);
    assert_near(totals.then_low, EVENTS + 3 + 500);
    assert_near(totals.then_high, EVENTS + 3 + 500);
    assert_near(totals.unseen_now, 500);
    simulation_done(&simulation);

    /* The half of the writer's hour. */
    filter.until_us = FIXTURE_TIME_US + INT64_C(1800000000);
    simulation = simulate(&filter, &all);
    assert_near(simulation.operations[OP(READ)].unseen.low, 250);
    assert_true(simulation.unseen_spread);
    simulation_done(&simulation);
    draft_done(&all);
}

static void a_filter_by_operation_asks_for_the_numbers_of_these(void **state)
{
    struct trail_filter filter = { TRAIL_FILTER_INIT, .since_us = 1, .operations = 1U << OP(DELETE) };
    struct draft        all = draft_with(TRAIL_LEVEL_ALL, "", "");
    (void)state;
    struct simulation simulation = simulate(&filter, &all);
    assert_true(simulation.unseen_asked);
    assert_near(simulation_totals(&simulation).unseen_now, 0);
    assert_near(simulation_totals(&simulation).now, EVENTS / 3);
    simulation_done(&simulation);
    draft_done(&all);
}

static void a_filter_by_anything_else_claims_no_numbers(void **state)
{
    struct trail_filter filters[] = {
        { TRAIL_FILTER_INIT, .since_us = 1, .user_id = TRAIL_TEXT("bob") },
        { TRAIL_FILTER_INIT, .since_us = 1, .outcomes = 1 },
        { TRAIL_FILTER_INIT, .since_us = 1, .action = TRAIL_TEXT("delete_*") },
        { TRAIL_FILTER_INIT, .since_us = 1, .level = TRAIL_LEVEL_DELETES_ONLY },
    };
    const uint64_t counts[] = { EVENTS / 10, EVENTS - 1, EVENTS / 3, EVENTS / 3 };
    struct draft   all = draft_with(TRAIL_LEVEL_ALL, "", "");
    (void)state;
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        struct simulation simulation = simulate(&filters[i], &all);
        assert_int_equal(simulation.events, counts[i]);
        assert_false(simulation.unseen_asked);
        assert_near(simulation_totals(&simulation).unseen_now, 0);
        simulation_done(&simulation);
    }
    draft_done(&all);
}

static void bytes_are_the_stores_over_the_ledgers_events(void **state)
{
    const struct trail_filter filter = { TRAIL_FILTER_INIT, .since_us = 1 };
    (void)state;
    struct simulation simulation = simulate(&filter, &draft);
    assert_int_equal(simulate_weigh_by(&simulation, fixture.store, NULL), TRAIL_OK);
    assert_int_equal(simulation.bytes.basis, SIMULATE_BYTES_OF_STORE);
    assert_int_equal(simulation.bytes.store_events, EVENTS);
    assert_int_equal(simulation.bytes.store_bytes, store_bytes(fixture.store));
    assert_near(simulation.bytes.now, (double)store_bytes(fixture.store));
    simulation_done(&simulation);
}

static void a_store_without_events_is_no_error(void **state)
{
    const struct trail_filter filter = { TRAIL_FILTER_INIT, .since_us = 1 };
    struct fixture            empty;
    struct simulation         simulation;
    (void)state;
    place_make(&empty);
    fixture_connect(&empty);
    assert_int_equal(simulation_init(&simulation, &now, &draft, NULL), TRAIL_OK);
    assert_int_equal(simulate_store(&simulation, empty.store, &filter, END_US, NULL), TRAIL_OK);
    assert_int_equal(simulate_weigh_by(&simulation, empty.store, NULL), TRAIL_OK);
    assert_int_equal(simulation.bytes.basis, SIMULATE_BYTES_UNKNOWN);
    assert_near(simulation_totals(&simulation).events, 0);
    simulation_done(&simulation);
    place_remove(&empty);
}

struct calls {
    size_t   count;
    uint64_t events; /* At the last. */
};

static void count_calls(void *context, uint64_t events)
{
    struct calls *calls = context;
    assert_true(events > calls->events);
    calls->count++;
    calls->events = events;
}

static void how_far_it_is_is_told_after_each_page(void **state)
{
    (void)state;
    struct trail_filter filter = { .since_us = FIXTURE_TIME_US, .until_us = END_US };
    struct calls        calls = { 0 };
    struct simulation   simulation;
    assert_int_equal(simulation_init(&simulation, &now, &draft, NULL), TRAIL_OK);
    simulation.on_progress = count_calls;
    simulation.progress_context = &calls;
    assert_int_equal(simulate_store(&simulation, fixture.store, &filter, END_US, NULL), TRAIL_OK);
    assert_int_equal(calls.count, 2);         /* The third page is not full, and so the last. */
    assert_int_equal(calls.events, 2 * 4096); /* The trail's own record is the oldest, on the third. */
    assert_int_equal(simulation.events, EVENTS - 1);
    simulation_done(&simulation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_far_it_is_is_told_after_each_page),
        cmocka_unit_test(every_event_is_seen_once),
        cmocka_unit_test(the_time_is_that_of_the_stores_events),
        cmocka_unit_test(what_was_not_recorded_is_a_range_where_names_decide),
        cmocka_unit_test(a_filter_by_operation_asks_for_the_numbers_of_these),
        cmocka_unit_test(a_filter_by_anything_else_claims_no_numbers),
        cmocka_unit_test(bytes_are_the_stores_over_the_ledgers_events),
        cmocka_unit_test(a_store_without_events_is_no_error),
    };
    return cmocka_run_group_tests(tests, fill_store, remove_store);
}
