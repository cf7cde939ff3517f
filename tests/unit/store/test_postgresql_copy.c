/* test_postgresql_copy.c -- the bytes of a binary COPY.
 *
 * Goal: a server stores from our bytes what the event says, in every column, at every extreme; and our bytes are those
 * that the server itself would write.
 * Method: COPY in, SELECT and COPY out on a real server; the bytes compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgresql_store.h"
#include "store/postgresql_writer.h"

static const struct reference_ids ids = { { 11, INT64_MAX, 33, 0 } };

/* Hand the bytes to the server. They go to the strays, which take every time. */
static void copy_in(const struct database *database, const struct buf *bytes)
{
    PGresult *result = PQexec(database->look, "COPY audit_events_stray FROM STDIN (FORMAT binary)");
    assert_int_equal(PQresultStatus(result), PGRES_COPY_IN);
    PQclear(result);
    assert_int_equal(PQputCopyData(database->look, bytes->data, (int)bytes->size), 1);
    assert_int_equal(PQputCopyEnd(database->look, NULL), 1);
    result = PQgetResult(database->look);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s", PQerrorMessage(database->look));
    PQclear(result);
    assert_null(PQgetResult(database->look));
}

/* What the server writes of the same rows. */
static void copy_out(const struct database *database, struct buf *out)
{
    char     *piece;
    int       size;
    PGresult *result =
        PQexec(database->look, "COPY (SELECT * FROM audit_events_stray ORDER BY seq) TO STDOUT (FORMAT binary)");
    assert_int_equal(PQresultStatus(result), PGRES_COPY_OUT);
    PQclear(result);
    while ((size = PQgetCopyData(database->look, &piece, 0)) > 0) {
        buf_append(out, piece, (size_t)size);
        PQfreemem(piece);
    }
    assert_int_equal(size, -1);
    PQclear(PQgetResult(database->look));
    assert_null(PQgetResult(database->look));
}

static struct event_record full_event(void)
{
    struct event_record record = fixture_event(2);
    record.flags = TRAIL_FLAG_TRUNCATED | TRAIL_FLAG_REPAIRED;
    record.weight = 10.0;
    record.event.timestamp_us = INT64_C(4102444799999999);
    record.event.operation = TRAIL_OPERATION_OTHER;
    record.event.outcome = TRAIL_OUTCOME_UNKNOWN;
    record.event.data_classification = TRAIL_CLASSIFICATION_RESTRICTED;
    record.event.requires_review = TRAIL_REVIEW_YES;
    record.event.correlation_id = TRAIL_TEXT("correlation");
    record.event.request_id = TRAIL_TEXT("request");
    record.event.error_message = TRAIL_TEXT("error \xc3\xa4 \xf0\x9f\x98\x80\n\t\\N");
    record.event.old_values = TRAIL_TEXT("{\"old\":1}");
    record.event.new_values = TRAIL_TEXT("{\"new\":2}");
    record.event.changes = TRAIL_TEXT("{\"changes\":3}");
    record.event.context = TRAIL_TEXT("{\"context\":4}");
    record.event.delegation_chain = TRAIL_TEXT("[5]");
    return record;
}

static void encode(struct buf *out, const struct event_record *events, size_t count)
{
    postgresql_copy_begin(out);
    for (size_t i = 0; i < count; i++) {
        struct reference_ids references = ids;
        references.ids[REFERENCE_ROUTE] = i == 1 ? 44 : 0;
        postgresql_copy_event(out, i == 1 ? INT32_MAX : 7, &events[i], &references);
    }
    postgresql_copy_end(out);
    assert_false(buf_failed(out));
}

static void check_text(const struct database *database, const char *sql, const char *expected)
{
    char text[1024];
    database_text(database, sql, text);
    assert_string_equal(text, expected);
}

static void every_column_is_stored_as_it_is(void **state)
{
    (void)state;
    struct database     database;
    struct event_record events[] = { fixture_event(1), full_event(), fixture_event(3) };
    struct buf          ours;
    struct buf          theirs;
    events[0].event.timestamp_us = 0; /* 1970-01-01 */
    events[2].event.timestamp_us = INT64_C(946684800000000) - 1;
    events[2].weight = 1.0 / 3;
    events[2].seq = INT64_MAX;
    database_create(&database);
    store_close(database_open_store(&database));
    buf_init(&ours, NULL, 0);
    buf_init(&theirs, NULL, 0);
    encode(&ours, events, 3);
    copy_in(&database, &ours);

    /* Nothing that is not there takes room. */
    check_text(&database, "SELECT audit_events_stray::text FROM audit_events_stray WHERE seq = 1",
               "(\"1970-01-01 00:00:00+00\",1,11,9223372036854775807,33,,7,,,1,0,0,f,,,,,,,,)");
    check_text(
        &database,
        "SELECT concat_ws(',', extract(epoch FROM timestamp), seq, actor, resource, action, route, writer, weight,"
        " flags, operation, outcome, data_classification, requires_review) FROM audit_events_stray WHERE seq = 2",
        "4102444799.999999,2,11,9223372036854775807,33,44,2147483647,10,3,12,4,4,t");
    check_text(&database,
               "SELECT concat_ws('|', correlation_id, request_id, error_message, old_values, new_values, changes,"
               " context, delegation_chain) FROM audit_events_stray WHERE seq = 2",
               "correlation|request|error \xc3\xa4 \xf0\x9f\x98\x80\n\t\\N|{\"old\":1}|{\"new\":2}|{\"changes\":3}|"
               "{\"context\":4}|[5]");
    check_text(&database, "SELECT timestamp::text || ' ' || weight FROM audit_events_stray WHERE seq > 2",
               "1999-12-31 23:59:59.999999+00 0.33333334");

    copy_out(&database, &theirs);
    assert_int_equal(theirs.size, ours.size);
    assert_memory_equal(theirs.data, ours.data, ours.size);
    buf_done(&ours);
    buf_done(&theirs);
    database_drop(&database);
}

/* The columns are taken in the order of the table: who adds one in the middle must see this fail. */
static void the_columns_are_those_of_the_table(void **state)
{
    (void)state;
    struct database database;
    database_create(&database);
    store_close(database_open_store(&database));
    for (int i = 0; i < 2; i++)
        check_text(&database,
                   i == 0 ? "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute"
                            " WHERE attrelid = 'audit_events'::regclass AND attnum > 0"
                          : "SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute"
                            " WHERE attrelid = 'audit_events_stray'::regclass AND attnum > 0",
                   "timestamp seq actor resource action route writer weight flags operation outcome data_classification"
                   " requires_review correlation_id request_id error_message old_values new_values changes context"
                   " delegation_chain");
    database_drop(&database);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_is_stored_as_it_is),
        cmocka_unit_test(the_columns_are_those_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
