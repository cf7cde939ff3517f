/* test_filter_match.c -- a filter takes the same events in memory as in the store.
 *
 * Goal:   for every filter of a table and every event of a table, filter_match_takes() says what the SQL says.
 * Method: the events are stored; each filter asks the store which it takes, and is asked itself about each event.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/operation.h"
#include "query/filter_match.h"
#include "query/place.h"

#define EVENTS 240

static struct fixture      fixture;
static struct event_record records[EVENTS];

static const char *const actions[] = { "create_tool", "Delete_Tool", "get_tool",      "list%odd",     "list_odd",
                                       "[x]_read",    "a\\b",        "cr\303\250ate", " create_tool", "x" };

/* Numbers without a common factor, so that every pair of values occurs. */
static struct event_record make_event(uint64_t seq)
{
    static char         correlations[EVENTS + 1][8];
    size_t              n = (size_t)seq;
    struct event_record record = fixture_event(seq);
    struct trail_event *event = &record.event;
    snprintf(correlations[n], sizeof correlations[n], "c%d", (int)(n % 13));
    event->operation = (enum trail_operation)(n % 12 + 1);
    event->outcome = (enum trail_outcome)(n % 5);
    event->data_classification = (enum trail_classification)(n / 5 % 5);
    event->requires_review = n % 4 == 0 ? TRAIL_REVIEW_YES : TRAIL_REVIEW_NO;
    event->action = trail_str(actions[n % 10]);
    event->user_id = trail_str(n % 3 == 0 ? "alice" : "Alice");
    event->user_email = n % 2 == 0 ? trail_str("a@example.com") : (struct trail_text){ 0 };
    event->team_id = n % 7 == 0 ? trail_str("red") : (struct trail_text){ 0 };
    event->resource_type = trail_str(n % 7 < 3 ? "tool" : "server");
    event->resource_id = n % 11 == 0 ? (struct trail_text){ 0 } : trail_str(n % 2 == 0 ? "r1" : "r2");
    event->correlation_id = trail_str(correlations[n]);
    return record;
}

static int fill_store(void **state)
{
    (void)state;
    place_make(&fixture);
    fixture_connect(&fixture);
    for (uint64_t seq = 1; seq <= EVENTS; seq++)
        records[seq - 1] = make_event(seq);
    assert_int_equal(fixture_write(&fixture, records, EVENTS), TRAIL_OK);
    return 0;
}

static int remove_store(void **state)
{
    (void)state;
    place_remove(&fixture);
    return 0;
}

/* Which events the store gives for the filter. */
static size_t ask_store(const struct trail_filter *filter, bool taken[EVENTS])
{
    struct trail_query       *query = NULL;
    struct trail_stored_event event;
    size_t                    count = 0;
    memset(taken, 0, EVENTS);
    assert_int_equal(trail_query_open(&query, fixture.url, filter, NULL), TRAIL_OK);
    for (; trail_query_next(query, &event, NULL) == TRAIL_OK; count++)
        taken[event.seq - 1] = true;
    trail_query_close(query);
    return count;
}

/* How many the filter takes, in the store and in memory alike. */
static size_t compare(const struct trail_filter *filter)
{
    bool                taken[EVENTS];
    size_t              count = ask_store(filter, taken);
    struct filter_match match;
    assert_int_equal(filter_match_init(&match, filter, NULL), TRAIL_OK);
    for (size_t i = 0; i < EVENTS; i++) {
        if (filter_match_takes(&match, &records[i].event) != taken[i])
            fail_msg("event %zu, action \"%.*s\", filter action \"%.*s\": the store says %d", i + 1,
                     (int)records[i].event.action.size, records[i].event.action.data, (int)filter->action.size,
                     filter->action.data, taken[i]);
    }
    filter_match_done(&match);
    return count;
}

static void action_patterns_agree(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "create_tool", "CREATE_*", "*tool",  "*_*",     "?et_tool",    "list%odd",     "list_odd", "list?odd",   "[x]*",
        "a\\*",        "a?b",      "cr?ate", "cr??ate", "x,get_tool",  " x , ,y",      "*",        "**l**",      "nope",
        "*e*a*",       "%",        "_",      "?",       "cr\xC3\x88*", "create_tool,", ",",        "?reate_tool"
    };
    size_t taken = 0;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        const struct trail_filter filter = { TRAIL_FILTER_INIT, .action = trail_str(patterns[i]) };
        taken += compare(&filter);
    }
    assert_true(taken > EVENTS);
}

static void every_other_field_agrees(void **state)
{
    (void)state;
    const struct trail_filter filters[] = {
        { TRAIL_FILTER_INIT },
        { TRAIL_FILTER_INIT, .since_us = records[100].event.timestamp_us },
        { TRAIL_FILTER_INIT, .until_us = records[100].event.timestamp_us },
        { TRAIL_FILTER_INIT, .user_id = TRAIL_TEXT("alice") },
        { TRAIL_FILTER_INIT, .user_email = TRAIL_TEXT("a@example.com") },
        { TRAIL_FILTER_INIT, .team_id = TRAIL_TEXT("red") },
        { TRAIL_FILTER_INIT, .resource_type = TRAIL_TEXT("tool") },
        { TRAIL_FILTER_INIT, .resource_id = TRAIL_TEXT("r1") },
        { TRAIL_FILTER_INIT, .correlation_id = TRAIL_TEXT("c7") },
        { TRAIL_FILTER_INIT, .operations = 1u << TRAIL_OPERATION_READ | 1u << TRAIL_OPERATION_OTHER },
        { TRAIL_FILTER_INIT, .outcomes = 1u << TRAIL_OUTCOME_SUCCESS | 1u << TRAIL_OUTCOME_UNKNOWN },
        { TRAIL_FILTER_INIT, .data_classification = TRAIL_CLASSIFICATION_RESTRICTED },
        { TRAIL_FILTER_INIT, .requires_review = TRAIL_REVIEW_YES },
        { TRAIL_FILTER_INIT, .requires_review = TRAIL_REVIEW_NO },
    };
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        size_t count = compare(&filters[i]);
        assert_true(count > 0 && (i == 0) == (count == EVENTS));
    }
}

static void every_level_agrees_alone_and_with_others(void **state)
{
    (void)state;
    for (int level = 0; level <= TRAIL_LEVEL_FAILURES_ONLY; level++) {
        struct trail_filter filter = { TRAIL_FILTER_INIT, .level = (enum trail_level)level };
        assert_true(compare(&filter) > 0);
        filter.action = TRAIL_TEXT("*tool");
        filter.user_id = TRAIL_TEXT("Alice");
        filter.resource_type = TRAIL_TEXT("server");
        (void)compare(&filter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(action_patterns_agree),
        cmocka_unit_test(every_other_field_agrees),
        cmocka_unit_test(every_level_agrees_alone_and_with_others),
    };
    return cmocka_run_group_tests(tests, fill_store, remove_store);
}
