/* test_postgresql_read.c -- a SELECT hands its rows out, and holds nothing afterwards.
 *
 * Goal:   rows and columns in order; a reader that has enough stops; errors are those of the contract; no
 *         transaction is left open between two calls. A tail shows what several writers commit in whatever order, once.
 * Method: a real database; transactions of two writers, held open by hand and committed in the order of their ledger
 *         rows' ids and in the reverse one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_handed_out_until_there_are_enough),
        cmocka_unit_test(a_table_that_is_missing_is_damage),
        cmocka_unit_test(the_size_grows_with_the_rows),
        cmocka_unit_test(a_tail_shows_each_event_once_in_whatever_order_they_commit),
    };
    return cmocka_run_group_tests(tests, create, drop);
}
