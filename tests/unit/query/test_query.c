/* test_query.c -- reading events back through the public functions.
 *
 * Goal: every filter returns what a plain look at the same events returns, in order, without loss or repeat, however
 * the pages fall.
 * Method: a few thousand events with many equal timestamps from two writers, on the days of a trail and on days that no
 * trail has, kept in memory beside the store; once in SQLite and once in PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "event/operation.h"
#include "query/place.h"
#include "query/query_sql.h"

#define EVENTS 1500 /* Per writer: several pages, none of them full at the end. */
#define WRITERS 2

/* What the test remembers of each stored event. */
struct known {
    struct trail_event event;
    struct trail_id    id;
    size_t             writer;
    uint64_t           seq;
};

static struct fixture fixture;
static struct known   known[WRITERS * EVENTS]; /* In the order (timestamp, writer, seq). */
static size_t         known_count;
static int64_t        today_us; /* Its first moment. */

static const char *const users[] = { "alice", "bob", "carol" };
static const char *const actions[] = { "create_tool", "delete_tool", "get_tool", "list%odd", "list_odd", "[x]_read" };

#define DAY_US (INT64_C(86400) * 1000000)

/* Ascending; in PostgreSQL the first and the last are no days of the trail, and what lies between has partitions. */
static const int64_t days[] = { -400, -41, -2, 0, 1, 30 };

/* Seven events share each microsecond. */
static int64_t time_of(uint64_t seq)
{
    const size_t count = sizeof days / sizeof days[0];
    size_t       day = (size_t)(seq - 1) / (EVENTS / count);
    return today_us + days[day < count ? day : count - 1] * DAY_US + (int64_t)(seq / 7) * 300;
}

/* Event `seq` of a writer. */
static struct event_record make_event(size_t writer, uint64_t seq)
{
    static char         agents[8][16];
    static char         correlations[EVENTS + 1][16];
    struct event_record record = fixture_event(seq);
    size_t              n = (size_t)seq * 31 + writer * 17;
    struct trail_event *event = &record.event;
    event->timestamp_us = time_of(seq);
    event->operation = (enum trail_operation)(n % 12 + 1);
    event->outcome = (enum trail_outcome)(n / 3 % 5);
    event->data_classification = (enum trail_classification)(n / 5 % 5);
    event->requires_review = n % 4 == 0 ? TRAIL_REVIEW_YES : TRAIL_REVIEW_NO;
    event->action = trail_str(actions[n / 2 % 6]);
    event->user_id = trail_str(users[n % 3]);
    event->user_email = n % 2 == 0 ? trail_str("a@example.com") : (struct trail_text){ 0 };
    event->team_id = n % 5 == 0 ? trail_str("red") : (struct trail_text){ 0 };
    event->resource_type = trail_str(n % 7 < 3 ? "tool" : "server");
    event->resource_id = trail_str(n % 11 == 0 ? "r1" : "r2");
    snprintf(agents[n % 8], sizeof agents[0], "agent %zu", n % 8);
    event->user_agent = trail_str(agents[n % 8]); /* Several actors per user. */
    snprintf(correlations[seq], sizeof correlations[0], "c%d", (int)(seq / 5));
    event->correlation_id = trail_str(correlations[seq]);
    if (n % 10 == 0)
        event->context = TRAIL_TEXT("{\"k\": 1.50}");
    return record;
}

static int compare_known(const void *a, const void *b)
{
    const struct known *left = a;
    const struct known *right = b;
    if (left->event.timestamp_us != right->event.timestamp_us)
        return left->event.timestamp_us < right->event.timestamp_us ? -1 : 1;
    if (left->writer != right->writer)
        return left->writer < right->writer ? -1 : 1;
    return left->seq < right->seq ? -1 : left->seq > right->seq;
}

static int fill_store(void **state)
{
    static struct event_record records[EVENTS];
    (void)state;
    today_us = clock_wall_us(&clock_system) / DAY_US * DAY_US;
    place_make(&fixture);
    for (size_t writer = 0; writer < WRITERS; writer++) {
        assert_int_equal(uuid_random(&fixture.writer.uuid), TRAIL_OK);
        fixture_connect(&fixture);
        for (uint64_t seq = 1; seq <= EVENTS; seq++) {
            records[seq - 1] = make_event(writer, seq);
            struct known *one = &known[known_count++];
            *one = (struct known){ .event = records[seq - 1].event, .writer = writer, .seq = seq };
            event_id_format(one->event.timestamp_us, uuid_hash32(&fixture.writer.uuid), seq, &one->id);
        }
        assert_int_equal(fixture_write(&fixture, records, EVENTS), TRAIL_OK);
        fixture_disconnect(&fixture);
    }
    qsort(known, known_count, sizeof known[0], compare_known);
    return 0;
}

static int remove_store(void **state)
{
    (void)state;
    place_remove(&fixture);
    return 0;
}

/* ---- A plain look ---- */

static bool same(struct trail_text wanted, struct trail_text found)
{
    return wanted.size == 0 || (wanted.size == found.size && memcmp(wanted.data, found.data, wanted.size) == 0);
}

/* By fnmatch, which knows nothing of LIKE; `[` is quoted because a filter gives it no meaning. */
static bool action_matches(struct trail_text patterns, struct trail_text action)
{
    if (patterns.size == 0)
        return true;
    char name[64];
    char list[256];
    snprintf(name, sizeof name, "%.*s", (int)action.size, action.data);
    snprintf(list, sizeof list, "%.*s", (int)patterns.size, patterns.data);
    for (char *save = NULL, *item = strtok_r(list, ", ", &save); item != NULL; item = strtok_r(NULL, ", ", &save)) {
        char   quoted[128];
        size_t size = 0;
        for (const char *c = item; *c != '\0'; c++) {
            if (*c == '[')
                quoted[size++] = '\\';
            quoted[size++] = *c;
        }
        quoted[size] = '\0';
        if (fnmatch(quoted, name, FNM_CASEFOLD) == 0)
            return true;
    }
    return false;
}

static bool matches(const struct trail_filter *filter, const struct trail_event *event)
{
    return (filter->since_us == 0 || event->timestamp_us >= filter->since_us) &&
           (filter->until_us == 0 || event->timestamp_us < filter->until_us) && same(filter->user_id, event->user_id) &&
           same(filter->user_email, event->user_email) && same(filter->team_id, event->team_id) &&
           same(filter->resource_type, event->resource_type) && same(filter->resource_id, event->resource_id) &&
           action_matches(filter->action, event->action) && same(filter->correlation_id, event->correlation_id) &&
           (filter->operations == 0 || (filter->operations >> event->operation & 1) != 0) &&
           (filter->outcomes == 0 || (filter->outcomes >> event->outcome & 1) != 0) &&
           (filter->level == 0 || level_takes(filter->level, event->operation, event->outcome)) &&
           (filter->data_classification == 0 || filter->data_classification == event->data_classification) &&
           (filter->requires_review == 0 || filter->requires_review == event->requires_review);
}

/* Events that the query must give from here on, `skip` of the known ones left out; checks each of them. */
static size_t expect_from(const struct trail_filter *filter, size_t skip)
{
    struct trail_query       *query = NULL;
    struct trail_stored_event stored;
    struct trail_error        error = { 0 };
    size_t                    count = 0;
    if (trail_query_open(&query, fixture.url, filter, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    for (size_t i = skip; i < known_count; i++) {
        const struct known *one = &known[filter->oldest_first ? i : known_count - 1 - i];
        if (!matches(filter, &one->event))
            continue;
        if (trail_query_next(query, &stored, &error) != TRAIL_OK)
            fail_msg("event %zu: %s", i, error.message);
        assert_string_equal(stored.id.text, one->id.text);
        assert_int_equal(stored.seq, one->seq);
        count++;
    }
    assert_int_equal(trail_query_next(query, &stored, NULL), TRAIL_ENOTFOUND);
    assert_int_equal(trail_query_next(query, &stored, NULL), TRAIL_ENOTFOUND);
    trail_query_close(query);
    return count;
}

static size_t expect(const struct trail_filter *filter)
{
    return expect_from(filter, 0);
}

/* ---- Tests ---- */

static void everything_comes_once_in_both_orders(void **state)
{
    (void)state;
    struct trail_filter filter = { TRAIL_FILTER_INIT };
    assert_int_equal(expect(&filter), known_count);
    filter.oldest_first = true;
    assert_int_equal(expect(&filter), known_count);
}

static void every_filter_gives_what_a_plain_look_gives(void **state)
{
    (void)state;
    const struct trail_filter filters[] = {
        { .since_us = time_of(210) },
        { .since_us = time_of(600) },
        { .until_us = time_of(210) },
        { .until_us = time_of(1100) },
        { .since_us = time_of(7), .until_us = time_of(1400) },
        { .since_us = time_of(700), .until_us = time_of(1000), .user_id = TRAIL_TEXT("bob") },
        { .user_id = TRAIL_TEXT("bob") },
        { .user_id = TRAIL_TEXT("bob"), .team_id = TRAIL_TEXT("red"), .outcomes = 1 << TRAIL_OUTCOME_PARTIAL },
        { .user_email = TRAIL_TEXT("a@example.com") },
        { .team_id = TRAIL_TEXT("red") },
        { .resource_type = TRAIL_TEXT("tool") },
        { .resource_type = TRAIL_TEXT("tool"), .resource_id = TRAIL_TEXT("r1"), .user_id = TRAIL_TEXT("alice") },
        { .resource_id = TRAIL_TEXT("r2"), .since_us = time_of(210) },
        { .action = TRAIL_TEXT("create_tool") },
        { .action = TRAIL_TEXT("CREATE_*") },
        { .action = TRAIL_TEXT("*_tool, [X]_*") },
        { .action = TRAIL_TEXT("list%odd") },
        { .action = TRAIL_TEXT("list_odd") },
        { .action = TRAIL_TEXT("list?odd") },
        { .correlation_id = TRAIL_TEXT("c7") },
        { .correlation_id = TRAIL_TEXT("c7"), .user_id = TRAIL_TEXT("carol") },
        { .operations = 1 << TRAIL_OPERATION_DELETE | 1 << TRAIL_OPERATION_OTHER },
        { .outcomes = 1 << TRAIL_OUTCOME_DENIED | 1 << TRAIL_OUTCOME_SUCCESS },
        { .level = TRAIL_LEVEL_WRITES_ONLY },
        { .level = TRAIL_LEVEL_MUTATIONS_ONLY },
        { .level = TRAIL_LEVEL_DELETES_ONLY },
        { .level = TRAIL_LEVEL_FAILURES_ONLY },
        { .level = TRAIL_LEVEL_WRITES_ONLY, .operations = 1 << TRAIL_OPERATION_UPDATE },
        { .data_classification = TRAIL_CLASSIFICATION_RESTRICTED },
        { .requires_review = TRAIL_REVIEW_YES },
        { .requires_review = TRAIL_REVIEW_NO },
        { .level = TRAIL_LEVEL_ALL },      /* Takes everything. */
        { .action = TRAIL_TEXT("[gc]*") }, /* Nothing: a filter knows no sets. */
    };
    const size_t extreme = sizeof filters / sizeof filters[0] - 2;
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        struct trail_filter filter = filters[i];
        filter.struct_size = sizeof filter;
        size_t newest_first = expect(&filter);
        filter.oldest_first = true;
        assert_int_equal(expect(&filter), newest_first);
        /* A filter that takes nothing, or everything, would prove nothing. */
        if (i < extreme && (newest_first == 0 || newest_first == known_count))
            fail_msg("filter %zu takes %zu of %zu events", i, newest_first, known_count);
    }
}

/* Some of the fields, by lot; the lots are the same in every run. */
static struct trail_filter drawn_filter(unsigned *seed)
{
    struct trail_filter filter = { TRAIL_FILTER_INIT };
    static const char  *patterns[] = { "*_tool", "list?odd", "list%*", "list_odd,create_*", "[x]*", "GET_TOOL" };
    unsigned            lots = (unsigned)rand_r(seed);
    unsigned            value = (unsigned)rand_r(seed);
    if (lots % 3 == 0)
        filter.user_id = trail_str(users[value % 3]);
    if (lots / 3 % 4 == 0)
        filter.action = trail_str(patterns[value % 6]);
    if (lots / 12 % 4 == 0)
        filter.since_us = time_of(value % EVENTS);
    if (lots / 48 % 4 == 0)
        filter.until_us = time_of(value / 5 % EVENTS);
    if (lots / 192 % 4 == 0)
        filter.resource_type = trail_str(value % 2 == 0 ? "tool" : "server");
    if (lots / 768 % 4 == 0)
        filter.resource_id = trail_str(value % 2 == 0 ? "r1" : "r2");
    if (lots / 3072 % 4 == 0)
        filter.level = (enum trail_level)(value % TRAIL_LEVEL_FAILURES_ONLY + 1);
    if (lots / 12288 % 4 == 0)
        filter.team_id = trail_str("red");
    if (lots / 49152 % 4 == 0)
        filter.requires_review = value % 2 == 0 ? TRAIL_REVIEW_YES : TRAIL_REVIEW_NO;
    if (lots / 196608 % 4 == 0)
        filter.outcomes = value % 31 + 1;
    if (lots / 786432 % 8 == 0)
        filter.user_email = trail_str("a@example.com");
    if (lots / 6291456 % 8 == 0)
        filter.data_classification = TRAIL_CLASSIFICATION_INTERNAL;
    return filter;
}

static void any_combination_gives_what_a_plain_look_gives(void **state)
{
    (void)state;
    enum { COUNT = 150 };
    unsigned seed = 1;
    size_t   found = 0;
    for (size_t i = 0; i < COUNT; i++) {
        struct trail_filter filter = drawn_filter(&seed);
        filter.oldest_first = i % 2 == 1;
        found += expect(&filter) > 0;
    }
    assert_true(found > COUNT / 3); /* The others have conditions that exclude each other. */
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    const struct trail_filter filter = { TRAIL_FILTER_INIT, .user_id = TRAIL_TEXT("nobody' OR 1 --") };
    assert_int_equal(expect(&filter), 0);
}

static void a_query_goes_on_behind_any_event(void **state)
{
    (void)state;
    for (size_t at = 0; at < known_count; at += 211) {
        for (int oldest_first = 0; oldest_first < 2; oldest_first++) {
            struct trail_filter filter = { TRAIL_FILTER_INIT, .oldest_first = oldest_first != 0 };
            filter.after = known[filter.oldest_first ? at : known_count - 1 - at].id;
            assert_int_equal(expect_from(&filter, at + 1), known_count - at - 1);
        }
    }
}

static void behind_an_event_that_is_gone_nothing_is_left_out(void **state)
{
    (void)state;
    const struct known *one = &known[known_count / 2];
    for (int oldest_first = 0; oldest_first < 2; oldest_first++) {
        struct trail_filter filter = { TRAIL_FILTER_INIT, .oldest_first = oldest_first != 0 };
        /* Its millisecond, by a writer that is not there. */
        event_id_format(one->event.timestamp_us, 12345, 1, &filter.after);
        int64_t millisecond = one->event.timestamp_us / 1000;
        size_t  skip = 0;
        while (skip < known_count) {
            int64_t at = known[filter.oldest_first ? skip : known_count - 1 - skip].event.timestamp_us / 1000;
            if (filter.oldest_first ? at >= millisecond : at <= millisecond)
                break;
            skip++;
        }
        assert_true(skip > 0);
        assert_int_equal(expect_from(&filter, skip), known_count - skip);
    }
}

static void texts_and_numbers_come_back_as_they_were(void **state)
{
    (void)state;
    struct trail_filter       filter = { TRAIL_FILTER_INIT, .oldest_first = true };
    struct trail_query       *query = NULL;
    struct trail_stored_event stored;
    assert_int_equal(trail_query_open(&query, fixture.url, &filter, NULL), TRAIL_OK);
    for (size_t i = 0; i < known_count; i++) {
        assert_int_equal(trail_query_next(query, &stored, NULL), TRAIL_OK);
        const struct trail_event *event = &known[i].event;
        assert_int_equal(stored.event.struct_size, sizeof stored.event);
        assert_true(stored.event.timestamp_us == event->timestamp_us);
        assert_int_equal(stored.event.operation, event->operation);
        assert_int_equal(stored.event.outcome, event->outcome);
        assert_int_equal(stored.event.data_classification, event->data_classification);
        assert_int_equal(stored.event.requires_review, event->requires_review);
        assert_int_equal(stored.level, level_of_operation(event->operation));
        assert_true(stored.weight == 1.0);
        assert_true(stored.service.size == 4 && memcmp(stored.service.data, "test", 4) == 0);
        for (size_t field = 0; field < EVENT_FIELD_COUNT; field++) {
            struct trail_text expected = event_text(event, (enum event_field)field);
            struct trail_text found = event_text(&stored.event, (enum event_field)field);
            assert_int_equal(found.size, expected.size);
            assert_true(found.size == 0 ? found.data == NULL : memcmp(found.data, expected.data, found.size) == 0);
        }
    }
    trail_query_close(query);
}

static void wrong_arguments_are_refused(void **state)
{
    (void)state;
    struct trail_query *query = NULL;
    struct trail_filter filter = { .user_id = TRAIL_TEXT("x") };
    struct trail_error  error = { 0 };
    assert_int_equal(trail_query_open(&query, fixture.url, &filter, &error), TRAIL_EINVAL);
    filter = (struct trail_filter){ TRAIL_FILTER_INIT, .after = { "not an id" } };
    assert_int_equal(trail_query_open(&query, fixture.url, &filter, &error), TRAIL_EINVAL);
    assert_non_null(strstr(error.message, "not an id"));
    assert_int_equal(trail_query_open(&query, "sqlite:/nowhere/at/all.db", NULL, &error), TRAIL_EAWAY);
    assert_int_equal(trail_query_open(NULL, fixture.url, NULL, &error), TRAIL_EINVAL);
    assert_null(query);
    trail_query_close(NULL);
}

static void without_a_url_the_settings_say_where(void **state)
{
    (void)state;
    struct trail_query       *query = NULL;
    struct trail_stored_event stored;
    struct trail_error        error = { 0 };
    assert_int_equal(setenv("AUDIT_TRAIL_STATE_DIR", fixture.folder, 1), 0); /* HOME may not be set. */
    assert_int_equal(setenv("AUDIT_TRAIL_DATABASE_URL", fixture.url, 1), 0);
    assert_int_equal(trail_query_open(&query, NULL, NULL, &error), TRAIL_OK);
    assert_int_equal(trail_query_next(query, &stored, NULL), TRAIL_OK);
    assert_string_equal(stored.id.text, known[known_count - 1].id.text);
    trail_query_close(query);

    assert_int_equal(setenv("AUDIT_TRAIL_LEVEL", "nonsense", 1), 0);
    query = NULL;
    assert_int_equal(trail_query_open(&query, NULL, NULL, &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_LEVEL"));
    unsetenv("AUDIT_TRAIL_LEVEL");
    unsetenv("AUDIT_TRAIL_DATABASE_URL");
    unsetenv("AUDIT_TRAIL_STATE_DIR");
}

static void large_values_end_a_page_early_and_lose_nothing(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    static char         large[16384];
    static char         sized[COUNT];
    struct fixture      own;
    struct event_record records[COUNT];
    struct trail_query *query = NULL;
    place_make(&own);
    fixture_connect(&own);
    memset(large, 'x', sizeof large);
    for (size_t i = 0; i < COUNT; i++) {
        sized[i] = (char)(i % 100);
        records[i] = fixture_event(i + 1);
        records[i].event.context = (struct trail_text){ large, sizeof large - (size_t)sized[i] };
    }
    assert_int_equal(fixture_write(&own, records, COUNT), TRAIL_OK);
    assert_int_equal(trail_query_open(&query, own.url, NULL, NULL), TRAIL_OK);
    for (size_t i = COUNT; i > 0; i--) {
        struct trail_stored_event stored;
        assert_int_equal(trail_query_next(query, &stored, NULL), TRAIL_OK);
        assert_int_equal(stored.seq, i);
        assert_int_equal(stored.event.context.size, sizeof large - (size_t)sized[i - 1]);
        assert_memory_equal(stored.event.context.data, large, stored.event.context.size);
    }
    trail_query_close(query);
    place_remove(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_once_in_both_orders),
        cmocka_unit_test(every_filter_gives_what_a_plain_look_gives),
        cmocka_unit_test(any_combination_gives_what_a_plain_look_gives),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(a_query_goes_on_behind_any_event),
        cmocka_unit_test(behind_an_event_that_is_gone_nothing_is_left_out),
        cmocka_unit_test(texts_and_numbers_come_back_as_they_were),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(without_a_url_the_settings_say_where),
        cmocka_unit_test(large_values_end_a_page_early_and_lose_nothing),
    };
    return cmocka_run_group_tests(tests, fill_store, remove_store);
}
