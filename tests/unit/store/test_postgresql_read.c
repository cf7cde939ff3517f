/* test_postgresql_read.c -- a SELECT hands its rows out, and holds nothing afterwards.
 *
 * Goal:   rows and columns in order; a reader that has enough stops; errors are those of the contract; no
 *         transaction is left open between two calls.
 * Method: a real database; pg_stat_activity says what the connection is at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "store/postgresql_fixture.h"
#include "store/postgresql_store.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_handed_out_until_there_are_enough),
        cmocka_unit_test(a_table_that_is_missing_is_damage),
        cmocka_unit_test(the_size_grows_with_the_rows),
    };
    return cmocka_run_group_tests(tests, create, drop);
}
