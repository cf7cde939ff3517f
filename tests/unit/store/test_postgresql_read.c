/* test_postgresql_read.c -- a SELECT hands its rows out, and holds nothing afterwards.
 *
 * Goal:   rows and columns in order; a reader that has enough stops; errors are those of the contract; no
 *         transaction is left open between two calls. A tail shows what several writers commit in whatever order, once.
 *         Of the days of a trail those are read that are asked for, by index, with plain SQL and by the query layer.
 * Method: a real database; EXPLAIN over days with rows enough; transactions of two writers, held open by hand and
 *         committed in the order of their ledger rows' ids and in the reverse one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "query/query_sql.h"
#include "query/tail.h"
#include "store/postgresql_fixture.h"
#include "store/postgresql_store.h"
#include "store/postgresql_writer.h"

static struct database database;
static struct store   *store;

static int create(void **state)
{
    (void)state;
    struct trail_error error = { 0 };
    database_create(&database);
    if (postgresql_backend.open(&store, database.url, &(struct store_open_options){ 0 }, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    store_close(store);
    database_drop(&database);
    return 0;
}

struct seen {
    int64_t numbers[8];
    size_t  count;
    size_t  most;
};

static bool take(void *context, const struct store_value *columns, size_t column_count)
{
    struct seen *seen = context;
    assert_int_equal(column_count, 2);
    assert_true(text_equal(columns[1].text, trail_str("x")));
    seen->numbers[seen->count++] = columns[0].integer;
    return seen->count < seen->most;
}

static void rows_are_handed_out_until_there_are_enough(void **state)
{
    (void)state;
    const struct store_value from[] = { { .kind = STORE_INTEGER, .integer = 3 } };
    static const char sql[] = "SELECT i::bigint, 'x'::text FROM generate_series(?1::bigint, ?1 + 4) i ORDER BY i";
    struct seen       all = { .most = 8 };
    struct seen       some = { .most = 2 };
    assert_int_equal(store_select(store, sql, from, 1, take, &all, NULL), TRAIL_OK);
    assert_int_equal(all.count, 5);
    for (size_t i = 0; i < all.count; i++)
        assert_int_equal(all.numbers[i], 3 + (int64_t)i);
    assert_int_equal(store_select(store, sql, from, 1, take, &some, NULL), TRAIL_OK);
    assert_int_equal(some.count, 2);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                                                "'audittrail' AND datname = current_database() AND state = 'idle'"),
                     1);
}

static void a_table_that_is_missing_is_damage(void **state)
{
    (void)state;
    struct trail_error error = { 0 };
    assert_int_equal(store_select(store, "SELECT 1 FROM audit_gone", NULL, 0, take, NULL, &error), TRAIL_ECORRUPT);
    struct seen one = { .most = 1 };
    assert_int_equal(store_select(store, "SELECT 1::bigint, 'x'::text", NULL, 0, take, &one, &error), TRAIL_OK);
    assert_int_equal(one.count, 1);
}

static void the_size_grows_with_the_rows(void **state)
{
    (void)state;
    uint64_t before = store_bytes(store);
    assert_true(before > 0);
    database_execute(&database, "INSERT INTO audit_dead_letters SELECT 1, i, now(), repeat('x', 500), NULL "
                                "FROM generate_series(1, 1000) i");
    assert_true(store_bytes(store) >= before + 500000);
}

/* ---- Transactions that overlap ---- */

static void execute_in(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(pg));
    PQclear(result);
}

/* What a batch with one event does, up to its COMMIT. */
static PGconn *begin_batch(int writer, int seq)
{
    char    sql[800];
    PGconn *pg = database_connect(&database);
    snprintf(sql, sizeof sql,
             "BEGIN; UPDATE audit_writers SET last_seq = %d WHERE id = %d AND last_seq = %d - 1;"
             "INSERT INTO audit_events (timestamp, seq, actor, resource, action, writer, operation, outcome,"
             " data_classification, requires_review) SELECT timestamp + interval '1 second' * %d, %d, actor, resource,"
             " action, writer, operation, outcome, data_classification, requires_review FROM audit_events"
             " WHERE writer = %d AND seq = 1;"
             "INSERT INTO audit_batches (writer, first_seq, last_seq, event_count, min_timestamp, max_timestamp,"
             " recorded_at) SELECT writer, seq, seq, 1, timestamp, timestamp, now() FROM audit_events"
             " WHERE writer = %d AND seq = %d",
             seq, writer, seq, seq, seq, writer, writer, seq);
    execute_in(pg, sql);
    return pg;
}

static void commit(PGconn *pg)
{
    execute_in(pg, "COMMIT");
    PQfinish(pg);
}

/* The events that a look shows, as the tail's `service` and seq: "one:2 ". */
static void look(struct tail *tail, char out[256])
{
    bool   more = true;
    size_t used = 0;
    out[0] = '\0';
    while (more) {
        size_t                  count;
        struct trail_error      error = { 0 };
        const struct tail_item *items;
        if (tail_look(tail, &more, &error) != TRAIL_OK)
            fail_msg("%s", error.message);
        items = tail_items(tail, &count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(items[i].kind, TAIL_EVENT);
            used += (size_t)snprintf(out + used, 256 - used, "%s:%" PRIu64 " ", items[i].service, items[i].event->seq);
        }
    }
}

static void open_named_writer(struct pg_writer *writer, const char *service, int expected_id)
{
    char                sql[128];
    struct event_record event = pg_writer_event(1);
    pg_writer_open(writer, &database, NULL);
    assert_int_equal(pg_writer_write(writer, &event, 1), TRAIL_OK);
    snprintf(sql, sizeof sql, "UPDATE audit_writers SET service = '%s' WHERE id = %d", service, expected_id);
    database_execute(&database, sql);
    pg_writer_close(writer);
}

static void a_tail_shows_each_event_once_in_whatever_order_they_commit(void **state)
{
    static const struct trail_filter everything = { TRAIL_FILTER_INIT };
    const struct tail_options        options = { .database_url = database.url, .filter = &everything };
    struct pg_writer                 writer;
    struct tail                     *tail = NULL;
    char                             shown[256];
    (void)state;
    open_named_writer(&writer, "one", 1);
    open_named_writer(&writer, "two", 2);
    assert_int_equal(tail_open(&tail, &options, NULL), TRAIL_OK);
    assert_int_equal(tail_start(tail, 0, true, NULL), TRAIL_OK);

    /* As their ids are. */
    PGconn *one = begin_batch(1, 2);
    PGconn *two = begin_batch(2, 2);
    look(tail, shown);
    assert_string_equal(shown, "");
    commit(one);
    look(tail, shown);
    assert_string_equal(shown, "one:2 ");
    commit(two);
    look(tail, shown);
    assert_string_equal(shown, "two:2 ");

    /* The other way round: the ledger's newest row is the same before and after the second. */
    one = begin_batch(1, 3);
    two = begin_batch(2, 3);
    commit(two);
    look(tail, shown);
    assert_string_equal(shown, "two:3 ");
    int64_t newest = database_number(&database, "SELECT max(id) FROM audit_batches");
    commit(one);
    assert_int_equal(database_number(&database, "SELECT max(id) FROM audit_batches"), newest);
    look(tail, shown);
    assert_string_equal(shown, "one:3 ");
    look(tail, shown);
    assert_string_equal(shown, "");
    tail_close(tail);
}

/* ---- Plans ---- */

#define PLAN_SIZE 20000
#define DAY_US (INT64_C(86400) * 1000000)

static int64_t first_day_us(void)
{
    return database_number(&database, "SELECT (extract(epoch FROM date_trunc('day', now(), 'UTC') - interval '10 days')"
                                      " * 1000000)::bigint");
}

/* Three days, from first_day_us() on, with 20,000 events each, of 200 users on 200 resources. */
static int64_t make_days(void)
{
    static const char sql[] =
        "SELECT audit_create_days((now() AT TIME ZONE 'UTC')::date - 10, (now() AT TIME ZONE 'UTC')::date - 8);"
        "INSERT INTO audit_actors (digest, user_id)"
        " SELECT gen_random_uuid(), 'user' || i FROM generate_series(1, 200) i;"
        "INSERT INTO audit_resources (digest, resource_type, resource_id)"
        " SELECT gen_random_uuid(), 'tool', 'r' || i FROM generate_series(1, 200) i;"
        "INSERT INTO audit_events (timestamp, seq, actor, resource, action, writer, operation, outcome,"
        " data_classification, requires_review, correlation_id)"
        " SELECT day + interval '4 seconds' * i, i,"
        " (SELECT min(id) FROM audit_actors WHERE user_id = 'user1') + i * 7 % 200,"
        " (SELECT min(id) FROM audit_resources WHERE resource_id = 'r1') + i * 11 % 200,"
        " (SELECT min(id) FROM audit_actions), 1, 1, 0, 0, false,"
        " md5(day::text || i) FROM generate_series(0, 19999) i,"
        " generate_series(date_trunc('day', now(), 'UTC') - interval '10 days',"
        " date_trunc('day', now(), 'UTC') - interval '8 days', '1 day') day";
    database_execute(&database, sql);
    /* As autovacuum does it: what was stored last leaves the pending list of the GIN, and is counted. */
    database_execute(&database, "VACUUM ANALYZE");
    return first_day_us();
}

static bool add_line(void *context, const struct store_value *columns, size_t column_count)
{
    char  *plan = context;
    size_t used = strlen(plan);
    assert_int_equal(column_count, 1);
    snprintf(plan + used, PLAN_SIZE - used, "%.*s\n", (int)columns[0].text.size, columns[0].text.data);
    return true;
}

static void explain(const struct store_query *query, char plan[PLAN_SIZE])
{
    static char        sql[8000];
    struct trail_error error = { 0 };
    struct store_query explained = *query;
    snprintf(sql, sizeof sql, "EXPLAIN %s", query->sql);
    explained.sql = sql;
    explained.on_row = add_line;
    explained.context = plan;
    plan[0] = '\0';
    if (store_run_query(store, &explained, &error) != TRAIL_OK)
        fail_msg("%s: %s", error.message, sql);
}

static void name_of_day(int days_ago, char out[64])
{
    char sql[128];
    char text[1024];
    snprintf(sql, sizeof sql, "SELECT to_char((now() AT TIME ZONE 'UTC')::date - %d, '\"audit_events_\"YYYYMMDD')",
             days_ago);
    database_text(&database, sql, text);
    snprintf(out, 64, "%.63s", text);
}

/* The second of the three days is read by this index of its, and neither of the others at all. */
static void assert_reads_one_day(const char *plan, const char *index)
{
    char name[64];
    char others[2][64];
    char wanted[128];
    name_of_day(9, name);
    name_of_day(10, others[0]);
    name_of_day(8, others[1]);
    snprintf(wanted, sizeof wanted, "%s_%s", name, index);
    bool good = strstr(plan, wanted) != NULL && strstr(plan, others[0]) == NULL && strstr(plan, others[1]) == NULL;
    snprintf(wanted, sizeof wanted, "Seq Scan on %s", name);
    if (!good || strstr(plan, wanted) != NULL) {
        print_message("%s", plan);
        fail_msg("%s of %s is not what is read", index, name);
    }
}

static void plain_sql_reads_the_days_asked_for_by_index(void **state)
{
    static const struct {
        const char *condition;
        const char *order;
        const char *index;
    } cases[] = {
        { "user_id = 'user7'", "ORDER BY timestamp DESC LIMIT 100", "actor_resource" },
        { "resource_type = 'tool' AND resource_id = 'r7'", "ORDER BY timestamp DESC LIMIT 100", "actor_resource" },
        { "hashtext(correlation_id) & 4095 = hashtext('x') & 4095 AND correlation_id = 'x'", "", "actor_resource" },
        { "true", "ORDER BY timestamp DESC LIMIT 100", "timestamp" },
    };
    static char sql[2000];
    static char plan[PLAN_SIZE];
    int64_t     first_us = make_days();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct store_value bounds[] = { { .kind = STORE_TIME, .integer = first_us + DAY_US },
                                              { .kind = STORE_TIME, .integer = first_us + 2 * DAY_US } };
        snprintf(sql, sizeof sql, "SELECT * FROM audit_trail WHERE %s AND timestamp >= ? AND timestamp < ? %s",
                 cases[i].condition, cases[i].order);
        explain(&(struct store_query){ .sql = sql, .parameters = bounds, .parameter_count = 2 }, plan);
        assert_reads_one_day(plan, cases[i].index);
    }
}

static void pages_read_the_days_of_their_window_by_index(void **state)
{
    static char                 plan[PLAN_SIZE];
    static struct query_sql     sql;
    int64_t                     first_us = first_day_us();
    const struct query_position after = { first_us + DAY_US + DAY_US / 2, 1, 1 };
    const struct trail_filter   by_user = { TRAIL_FILTER_INIT, .user_id = TRAIL_TEXT("user7") };
    const struct trail_filter   by_resource = { TRAIL_FILTER_INIT, .resource_id = TRAIL_TEXT("r7") };
    const struct trail_filter   by_time = { TRAIL_FILTER_INIT };
    const struct trail_filter   by_correlation = { TRAIL_FILTER_INIT, .correlation_id = TRAIL_TEXT("x") };
    const struct {
        const struct trail_filter *filter;
        const char                *index;
    } cases[] = { { &by_user, "actor_resource" },
                  { &by_resource, "actor_resource" },
                  { &by_correlation, "actor_resource" },
                  { &by_time, "timestamp" } };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        enum query_drive drive;
        assert_int_equal(query_sql_init(&sql, cases[i / 2].filter, NULL), TRAIL_OK);
        query_sql_speak(&sql, STORE_DIALECT_POSTGRESQL);
        sql.window = (struct query_window){ first_us + DAY_US, first_us + 2 * DAY_US };
        (void)query_sql_drive(cases[i / 2].filter, &drive);
        query_sql_page(&sql, drive, i % 2 == 0 ? NULL : &after, 100);
        explain(&(struct store_query){ .sql = sql.text.data,
                                       .parameters = sql.parameters,
                                       .parameter_count = sql.parameter_count,
                                       .by_index = drive != QUERY_BY_TIME },
                plan);
        assert_reads_one_day(plan, cases[i / 2].index);
        query_sql_done(&sql);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_handed_out_until_there_are_enough),
        cmocka_unit_test(a_table_that_is_missing_is_damage),
        cmocka_unit_test(the_size_grows_with_the_rows),
        cmocka_unit_test(a_tail_shows_each_event_once_in_whatever_order_they_commit),
        cmocka_unit_test(plain_sql_reads_the_days_asked_for_by_index),
        cmocka_unit_test(pages_read_the_days_of_their_window_by_index),
    };
    return cmocka_run_group_tests(tests, create, drop);
}
