/* test_sqlite_read.c -- SELECTs of the query layer.
 *
 * Goal: every kind of value goes in and comes out; nothing stays open after the call; a slow reader does not
 *         make the WAL grow.
 * Method: statements without tables; a writer that needs the WAL for itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "audittrail.h"
#include "store/fixture.h"
#include "store/sqlite_store.h"

struct seen {
    size_t             rows;
    size_t             rows_max; /* Stop after so many. */
    struct store_value first;
    char               text[64];
};

static bool see(void *context, const struct store_value *columns, size_t column_count)
{
    struct seen *seen = context;
    assert_int_equal(column_count, 1);
    if (seen->rows++ == 0) {
        seen->first = columns[0];
        memcpy(seen->text, columns[0].text.data != NULL ? columns[0].text.data : "", columns[0].text.size);
    }
    return seen->rows < seen->rows_max;
}

static void every_kind_goes_in_and_comes_out(void **state)
{
    (void)state;
    static const struct store_value values[] = {
        { .kind = STORE_NULL },
        { .kind = STORE_INTEGER, .integer = INT64_MIN },
        { .kind = STORE_REAL, .real = 0.25 },
        { .kind = STORE_TEXT, .text = { "a\0b", 3 } },
        { .kind = STORE_BLOB, .text = { "\xff\0", 2 } },
    };
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct seen seen = { .rows_max = 10 };
        assert_int_equal(store_select(fixture.store, "SELECT ?", &values[i], 1, see, &seen, NULL), TRAIL_OK);
        assert_int_equal(seen.rows, 1);
        assert_int_equal(seen.first.kind, values[i].kind);
        assert_true(seen.first.integer == values[i].integer && seen.first.real == values[i].real);
        assert_int_equal(seen.first.text.size, values[i].text.size);
        assert_memory_equal(seen.text, values[i].text.data != NULL ? values[i].text.data : "", values[i].text.size);
    }
    fixture_close(&fixture);
}

static void false_stops_and_leaves_no_transaction(void **state)
{
    (void)state;
    struct fixture fixture;
    struct seen    seen = { .rows_max = 2 };
    fixture_open(&fixture);
    assert_int_equal(store_select(fixture.store, "SELECT name FROM sqlite_schema", NULL, 0, see, &seen, NULL),
                     TRAIL_OK);
    assert_int_equal(seen.rows, 2);
    for (sqlite3_stmt *statement = sqlite3_next_stmt(sqlite_store_of(fixture.store)->db, NULL); statement != NULL;
         statement = sqlite3_next_stmt(sqlite_store_of(fixture.store)->db, statement))
        assert_false(sqlite3_stmt_busy(statement));
    fixture_close(&fixture);
}

static void wrong_sql_is_said_with_the_file(void **state)
{
    (void)state;
    struct fixture     fixture;
    struct trail_error error = { 0 };
    fixture_open(&fixture);
    assert_int_equal(store_select(fixture.store, "SELECT x FROM nowhere", NULL, 0, see, NULL, &error), TRAIL_ECORRUPT);
    assert_non_null(strstr(error.message, "nowhere"));
    assert_non_null(strstr(error.message, fixture.path));
    fixture_close(&fixture);
}

static void a_reader_cannot_write(void **state)
{
    (void)state;
    struct fixture fixture;
    struct store  *reader = NULL;
    struct seen    seen = { .rows_max = 1 };
    fixture_open(&fixture);
    assert_int_equal(store_open_reader(&reader, fixture.url, NULL), TRAIL_OK);
    assert_int_equal(store_select(reader, "DELETE FROM audit_writers RETURNING id", NULL, 0, see, &seen, NULL),
                     TRAIL_EAWAY);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_writers"), 1);
    store_close(reader);
    fixture_close(&fixture);
}

/* A reader that stays in the middle of its events while a writer writes many WAL lengths. */
static void a_slow_reader_does_not_make_the_wal_grow(void **state)
{
    (void)state;
    struct fixture             own;
    static struct event_record records[500];
    struct trail_query        *query = NULL;
    struct trail_stored_event  stored;
    struct stat                there;
    char                       wal[128];
    off_t                      largest = 0;
    fixture_open(&own);
    snprintf(wal, sizeof wal, "%s-wal", own.path);
    static char context[4000];
    memset(context, 'x', sizeof context);
    for (uint64_t batch = 0; batch < 80; batch++) {
        for (uint64_t i = 0; i < 500; i++) {
            records[i] = fixture_event(batch * 500 + i + 1);
            records[i].event.context = (struct trail_text){ context, sizeof context };
        }
        assert_int_equal(fixture_write(&own, records, 500), TRAIL_OK);
        if (batch == 1)
            assert_int_equal(trail_query_open(&query, own.url, NULL, NULL), TRAIL_OK);
        if (batch >= 1)
            assert_int_equal(trail_query_next(query, &stored, NULL), TRAIL_OK);
        assert_int_equal(stat(wal, &there), 0);
        largest = there.st_size > largest ? there.st_size : largest;
    }
    assert_int_equal(stat(own.path, &there), 0);
    print_message("database %lld bytes, WAL at most %lld\n", (long long)there.st_size, (long long)largest);
    assert_true(there.st_size > 90 * 1000 * 1000);
    assert_true(largest < 72 * 1024 * 1024); /* A checkpoint every 64 MiB, and one batch more. */
    trail_query_close(query);
    fixture_close(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_goes_in_and_comes_out),
        cmocka_unit_test(false_stops_and_leaves_no_transaction),
        cmocka_unit_test(wrong_sql_is_said_with_the_file),
        cmocka_unit_test(a_reader_cannot_write),
        cmocka_unit_test(a_slow_reader_does_not_make_the_wal_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
