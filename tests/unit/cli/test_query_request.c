/* test_query_request.c -- the options of query become a filter, and the next page's command line.
 *
 * Goal:   every option reaches its field; what would mean "anything" by mistake is refused; the next page looks at
 *         the same span of time.
 * Method: options are given by name and value, as the parser would hand them over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/text.h"
#include "cli/query_request.h"

#define NOW_US INT64_C(1795000000000000)
#define ID "019f0000-0000-7abc-8def-000000000001"

/* What the option says to a value: NULL, or what would be allowed. */
static const char *give(struct query_request *request, const char *name, const char *value)
{
    for (const struct option_info *option = query_options; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0)
            return option->take(request, value);
    }
    fail_msg("no option --%s", name);
    return NULL;
}

static void every_option_reaches_its_field(void **state)
{
    (void)state;
    struct query_request request;
    query_request_init(&request, NOW_US);
    assert_null(give(&request, "since", "1h"));
    assert_null(give(&request, "until", "now"));
    assert_null(give(&request, "user", "alice"));
    assert_null(give(&request, "email", "a@b.c"));
    assert_null(give(&request, "team", "red"));
    assert_null(give(&request, "resource", "tool/42/7"));
    assert_null(give(&request, "action", "create_tool, delete_*"));
    assert_null(give(&request, "action", "x?"));
    assert_null(give(&request, "operation", "create,DELETE"));
    assert_null(give(&request, "outcome", "denied, failure"));
    assert_null(give(&request, "level", "mutations_only"));
    assert_null(give(&request, "correlation-id", "c"));
    assert_null(give(&request, "classification", "restricted"));
    assert_null(give(&request, "requires-review", "no"));
    assert_null(give(&request, "limit", "7"));
    assert_null(give(&request, "after", "019F0000-0000-7ABC-8DEF-000000000001"));
    assert_null(give(&request, "oldest-first", NULL));
    assert_null(give(&request, "output", "csv"));
    assert_null(give(&request, "columns", "id,user"));
    assert_null(query_request_finish(&request));

    const struct trail_filter *filter = &request.filter;
    assert_true(filter->since_us == NOW_US - INT64_C(3600000000));
    assert_true(filter->until_us == NOW_US);
    assert_true(text_equal(filter->user_id, TRAIL_TEXT("alice")));
    assert_true(text_equal(filter->user_email, TRAIL_TEXT("a@b.c")));
    assert_true(text_equal(filter->team_id, TRAIL_TEXT("red")));
    assert_true(text_equal(filter->resource_type, TRAIL_TEXT("tool")));
    assert_true(text_equal(filter->resource_id, TRAIL_TEXT("42/7")));
    assert_true(text_equal(filter->action, TRAIL_TEXT("create_tool,delete_*,x?")));
    assert_true(text_equal(filter->correlation_id, TRAIL_TEXT("c")));
    assert_int_equal(filter->operations, 1u << TRAIL_OPERATION_CREATE | 1u << TRAIL_OPERATION_DELETE);
    assert_int_equal(filter->outcomes, 1u << TRAIL_OUTCOME_DENIED | 1u << TRAIL_OUTCOME_FAILURE);
    assert_int_equal(filter->level, TRAIL_LEVEL_MUTATIONS_ONLY);
    assert_int_equal(filter->data_classification, TRAIL_CLASSIFICATION_RESTRICTED);
    assert_int_equal(filter->requires_review, TRAIL_REVIEW_NO);
    assert_string_equal(filter->after.text, ID);
    assert_true(filter->oldest_first);
    assert_int_equal(request.limit, 7);
    assert_int_equal(request.format, OUTPUT_CSV);
    assert_int_equal(request.columns.count, 2);
    query_request_done(&request);
}

static void what_is_wrong_says_what_is_allowed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *value;
    } cases[] = {
        { "since", "yesterday" },
        { "until", "" },
        { "user", "" },
        { "resource", "/42" },
        { "resource", "tool/" },
        { "resource", "" },
        { "action", "" },
        { "action", " , " },
        { "operation", "make" },
        { "operation", "" },
        { "operation", "create,make" },
        { "outcome", "ok" },
        { "level", "some" },
        { "level", "" },
        { "classification", "" },
        { "classification", "secret" },
        { "requires-review", "maybe" },
        { "limit", "0" },
        { "limit", "-1" },
        { "limit", "many" },
        { "after", "7" },
        { "id", "not-an-id" },
        { "id", "00000000-0000-4000-8000-000000000000" },
        { "output", "xml" },
        { "columns", "" },
        { "columns", "nothing" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct query_request request;
        query_request_init(&request, NOW_US);
        assert_non_null(give(&request, cases[i].name, cases[i].value));
        query_request_done(&request);
    }
}

static void nothing_given_means_everything_a_page_at_a_time(void **state)
{
    (void)state;
    static const struct trail_filter empty = { TRAIL_FILTER_INIT };
    struct query_request             request;
    query_request_init(&request, NOW_US);
    assert_null(query_request_finish(&request));
    assert_memory_equal(&request.filter, &empty, sizeof empty);
    assert_int_equal(request.limit, QUERY_LIMIT_DEFAULT);
    assert_int_equal(request.format, OUTPUT_TABLE);
    assert_null(give(&request, "limit", "all"));
    assert_true(request.limit == UINT64_MAX);
    query_request_done(&request);
}

static void an_id_is_looked_for_in_its_millisecond(void **state)
{
    (void)state;
    struct query_request  request;
    struct event_id_parts parts;
    query_request_init(&request, NOW_US);
    assert_null(give(&request, "id", ID));
    assert_null(query_request_finish(&request));
    assert_true(event_id_parse(TRAIL_TEXT(ID), &parts));
    assert_true(request.filter.since_us == parts.timestamp_ms * 1000);
    assert_true(request.filter.until_us == request.filter.since_us + 1000);
    query_request_done(&request);
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    struct query_request request;
    query_request_init(&request, NOW_US);
    assert_null(give(&request, "since", "1h"));
    assert_null(give(&request, "until", "2h"));
    assert_non_null(query_request_finish(&request));
    query_request_done(&request);

    query_request_init(&request, NOW_US);
    assert_null(give(&request, "columns", "id"));
    assert_null(give(&request, "output", "json"));
    assert_non_null(query_request_finish(&request));
    query_request_done(&request);
}

static void the_next_page_is_a_command_to_paste(void **state)
{
    (void)state;
    char                 words[][64] = { "query", "--since", "1h",     "--action=delete_*", "--after", "x", "-n",
                                         "5",     "--user",  "o'neil", "--after=y" };
    char                *argv[12] = { 0 };
    struct query_request request;
    struct buf           line;
    for (size_t i = 0; i < 11; i++)
        argv[i] = words[i];
    query_request_init(&request, NOW_US);
    assert_null(give(&request, "since", "1h"));
    buf_init(&line, NULL, 0);
    query_request_next_page(&request, argv, ID, &line);
    assert_true(text_equal(buf_text(&line), TRAIL_TEXT("audittrail query --since 2026-11-18T10:06:40.000000Z"
                                                       " '--action=delete_*' -n 5 --user 'o'\\''neil' --after " ID)));
    buf_done(&line);
    query_request_done(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_reaches_its_field),
        cmocka_unit_test(what_is_wrong_says_what_is_allowed),
        cmocka_unit_test(nothing_given_means_everything_a_page_at_a_time),
        cmocka_unit_test(an_id_is_looked_for_in_its_millisecond),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(the_next_page_is_a_command_to_paste),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
