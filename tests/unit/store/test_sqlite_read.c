/* test_sqlite_read.c -- SELECTs of the query layer.
 *
 * Goal: every kind of value goes in and comes out; nothing stays open after the call.
 * Method: statements without tables; a writer that needs the WAL for itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_goes_in_and_comes_out),
        cmocka_unit_test(false_stops_and_leaves_no_transaction),
        cmocka_unit_test(wrong_sql_is_said_with_the_file),
        cmocka_unit_test(a_reader_cannot_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
