/* test_query_sql.c -- the SQL that a filter becomes.
 *
 * Goal: nothing from outside stands in the text; every way of looking is driven by the index that is meant for it.
 * Method: the text searched for what was filtered by; EXPLAIN QUERY PLAN of every way on a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "query/query_sql.h"
#include "store/fixture.h"

static const struct trail_filter no_filter = { TRAIL_FILTER_INIT };

static void a_page_names_no_text_from_outside(void **state)
{
    (void)state;
    const struct trail_filter filter = { TRAIL_FILTER_INIT,
                                         .user_id = TRAIL_TEXT("EVIL'--"),
                                         .user_email = TRAIL_TEXT("EVIL"),
                                         .team_id = TRAIL_TEXT("EVIL"),
                                         .resource_type = TRAIL_TEXT("EVIL"),
                                         .resource_id = TRAIL_TEXT("EVIL"),
                                         .action = TRAIL_TEXT("EVIL,evil*"),
                                         .correlation_id = TRAIL_TEXT("EVIL") };
    struct query_sql          sql;
    enum query_drive          drive;
    assert_int_equal(query_sql_init(&sql, &filter, NULL), TRAIL_OK);
    assert_false(query_sql_drive(&filter, &drive));
    query_sql_page(&sql, drive, NULL, 10);
    assert_null(strstr(sql.text.data, "EVIL"));
    assert_null(strstr(sql.text.data, "evil"));
    size_t marks = 0;
    for (const char *at = sql.text.data; (at = strchr(at, '?')) != NULL; at++)
        marks++;
    assert_int_equal(marks, sql.parameter_count);
    query_sql_done(&sql);
}

static void patterns_become_like(void **state)
{
    (void)state;
    static const struct {
        const char *action;
        const char *first; /* NULL: no pattern. */
        size_t      count;
    } cases[] = {
        { "create_tool", "create\\_tool", 1 },
        { "Create_*", "create\\_%", 1 },
        { " a?c , b", "a_c", 2 },
        { "100%", "100\\%", 1 },
        { "a***b", "a%b", 1 },
        { "a\\*", "a\\\\%", 1 },
        { "[ab]", "[ab]", 1 },
        { ", ,", NULL, 0 },
        { "", NULL, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trail_filter filter = no_filter;
        struct query_sql    sql;
        filter.action = trail_str(cases[i].action);
        assert_int_equal(query_sql_init(&sql, &filter, NULL), TRAIL_OK);
        assert_int_equal(sql.pattern_count, cases[i].count);
        if (cases[i].count > 0) {
            assert_int_equal(sql.patterns[0].size, strlen(cases[i].first));
            assert_memory_equal(sql.patterns[0].data, cases[i].first, sql.patterns[0].size);
        }
        query_sql_done(&sql);
    }
}

static void filters_out_of_range_are_refused(void **state)
{
    (void)state;
    static char         commas[200];
    static char         large[QUERY_PATTERN_BYTES_MAX + 1];
    struct trail_filter filters[5] = { no_filter, no_filter, no_filter, no_filter, no_filter };
    for (size_t i = 0; i < sizeof commas; i++)
        commas[i] = i % 2 == 0 ? 'a' : ',';
    memset(large, 'a', sizeof large);
    filters[0].level = (enum trail_level)17;
    filters[1].data_classification = (enum trail_classification)17;
    filters[2].requires_review = (enum trail_review)17;
    filters[3].action = (struct trail_text){ commas, sizeof commas };
    filters[4].action = (struct trail_text){ large, sizeof large };
    for (size_t i = 0; i < 5; i++) {
        struct query_sql sql;
        assert_int_equal(query_sql_init(&sql, &filters[i], NULL), TRAIL_EINVAL);
        query_sql_done(&sql);
    }
}

/* ---- Plans ---- */

static bool collect(void *context, const struct store_value *columns, size_t column_count)
{
    char *plan = context;
    assert_int_equal(column_count, 4);
    size_t used = strlen(plan);
    snprintf(plan + used, 4000 - used, "%.*s\n", (int)columns[3].text.size, columns[3].text.data);
    return true;
}

/* The plan of the statement that is built, as text. */
static void explain(struct fixture *fixture, struct query_sql *sql, char plan[4000])
{
    static char        text[8000];
    struct trail_error error = { 0 };
    plan[0] = '\0';
    snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", sql->text.data);
    if (store_select(fixture->store, text, sql->parameters, sql->parameter_count, collect, plan, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
}

/* A sort of all three columns stands for a walk that came in the wrong order; the page's own sort of its own rows
 * and the merge of a dimension's pages are needed. */
static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        count++;
    return count;
}

static void every_way_of_looking_uses_its_index(void **state)
{
    (void)state;
    struct trail_filter by_user = no_filter;
    struct trail_filter by_resource = no_filter;
    struct trail_filter by_correlation = no_filter;
    struct trail_filter by_time = no_filter;
    struct trail_filter by_type = no_filter;
    by_user.user_id = TRAIL_TEXT("alice");
    by_resource.resource_type = TRAIL_TEXT("tool");
    by_resource.resource_id = TRAIL_TEXT("x");
    by_correlation.correlation_id = TRAIL_TEXT("x");
    by_time.since_us = 1;
    by_time.until_us = 2;
    by_time.action = TRAIL_TEXT("create_*");
    by_type.resource_type = TRAIL_TEXT("tool");
    const struct {
        const struct trail_filter *filter;
        enum query_drive           drive;
        const char                *searches[2]; /* What the plan must say. */
        size_t                     sorts;       /* Full temporary sorts. */
    } cases[] = {
        { &by_user,
          QUERY_BY_ACTOR,
          { "SEARCH d USING COVERING INDEX audit_actors_user_id", "SEARCH x USING INDEX audit_events_actor (actor=?" },
          2 },
        { &by_resource,
          QUERY_BY_RESOURCE,
          { "SEARCH d USING COVERING INDEX audit_resources_type_id (resource_type=? AND resource_id=?",
            "SEARCH x USING INDEX audit_events_resource (resource=?" },
          2 },
        { &by_correlation,
          QUERY_BY_CORRELATION,
          { "SEARCH x USING INDEX audit_events_correlation (correlation_id=?", "SEARCH e USING INTEGER PRIMARY KEY" },
          2 },
        { &by_time,
          QUERY_BY_TIME,
          { "SEARCH x USING INDEX audit_events_time (timestamp>? AND timestamp<?)",
            "SEARCH e USING INTEGER PRIMARY KEY" },
          1 },
        { &by_type,
          QUERY_BY_TIME,
          { "x USING INDEX audit_events_time", "audit_resources USING COVERING INDEX audit_resources_type_id" },
          1 },
    };
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int paged = 0; paged < 2; paged++) {
            const struct query_position after = { 5, 1, 1 };
            struct query_sql            sql;
            char                        plan[4000];
            assert_int_equal(query_sql_init(&sql, cases[i].filter, NULL), TRAIL_OK);
            query_sql_page(&sql, cases[i].drive, paged != 0 ? &after : NULL, 10);
            explain(&fixture, &sql, plan);
            bool good = strstr(plan, cases[i].searches[0]) != NULL && strstr(plan, cases[i].searches[1]) != NULL &&
                        count_of(plan, "USE TEMP B-TREE FOR ORDER BY") == cases[i].sorts &&
                        strstr(plan, "SCAN e") == NULL && strstr(plan, "SCAN d") == NULL;
            if (cases[i].filter == &by_time && paged != 0)
                good = strstr(plan, "SCAN x") == NULL; /* Only one of the two upper bounds can be used. */
            if (!good)
                fail_msg("case %zu, %s:\n%s", i, paged != 0 ? "paged" : "first page", plan);
            query_sql_done(&sql);
        }
    }
    fixture_close(&fixture);
}

static void finding_an_id_looks_at_its_millisecond_only(void **state)
{
    (void)state;
    struct fixture              fixture;
    struct query_sql            sql;
    char                        plan[4000];
    const struct event_id_parts id = { .timestamp_ms = 1, .writer_hash = 2, .seq = 3 };
    fixture_open(&fixture);
    assert_int_equal(query_sql_init(&sql, &no_filter, NULL), TRAIL_OK);
    query_sql_find(&sql, &id);
    explain(&fixture, &sql, plan);
    assert_non_null(strstr(plan, "SEARCH x USING COVERING INDEX audit_events_time (timestamp>? AND timestamp<?)"));
    query_sql_done(&sql);
    fixture_close(&fixture);
}

/* Whatever is filtered by: reading through everything must not begin with sorting it. */
static void a_scan_walks_by_time_and_sorts_nothing(void **state)
{
    (void)state;
    struct trail_filter         filters[] = { no_filter, no_filter, no_filter };
    const struct query_position after = { 5, 1, 1 };
    struct fixture              fixture;
    filters[1].user_id = TRAIL_TEXT("alice");
    filters[2].correlation_id = TRAIL_TEXT("x");
    fixture_open(&fixture);
    for (size_t i = 0; i < 2 * sizeof filters / sizeof filters[0]; i++) {
        struct query_sql sql;
        char             plan[4000];
        filters[i / 2].since_us = 1;
        assert_int_equal(query_sql_init(&sql, &filters[i / 2], NULL), TRAIL_OK);
        query_sql_scan(&sql, i % 2 == 1 ? &after : NULL, 10);
        explain(&fixture, &sql, plan);
        if (strstr(plan, "SEARCH x USING INDEX audit_events_time (timestamp>?") == NULL ||
            strstr(plan, "TEMP B-TREE") != NULL || strstr(plan, "SCAN") != NULL)
            fail_msg("filter %zu:\n%s", i / 2, plan);
        query_sql_done(&sql);
    }
    fixture_close(&fixture);
}

static void a_range_looks_at_its_span_of_time_only(void **state)
{
    (void)state;
    struct fixture           fixture;
    struct query_sql         sql;
    char                     plan[4000];
    const struct query_range range = { .writer = 1, .first_seq = 2, .last_seq = 3, .max_timestamp_us = 9 };
    fixture_open(&fixture);
    assert_int_equal(query_sql_init(&sql, &no_filter, NULL), TRAIL_OK);
    query_sql_range(&sql, &range, 10);
    explain(&fixture, &sql, plan);
    assert_non_null(strstr(plan, "SEARCH x USING COVERING INDEX audit_events_time (timestamp>? AND timestamp<?)"));
    assert_non_null(strstr(plan, "SEARCH e USING INTEGER PRIMARY KEY"));
    query_sql_done(&sql);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_names_no_text_from_outside),
        cmocka_unit_test(patterns_become_like),
        cmocka_unit_test(filters_out_of_range_are_refused),
        cmocka_unit_test(every_way_of_looking_uses_its_index),
        cmocka_unit_test(a_scan_walks_by_time_and_sorts_nothing),
        cmocka_unit_test(finding_an_id_looks_at_its_millisecond_only),
        cmocka_unit_test(a_range_looks_at_its_span_of_time_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
