/* test_postgresql_value.c -- values go to a PostgreSQL server and come back as what they were.
 *
 * Goal:   every kind of parameter and every type of column, with their extremes; placeholders outside quotes only.
 * Method: the server is asked to return its parameters, and to compare them with values that it made itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "store/postgresql_fixture.h"
#include "store/postgresql_value.h"

static struct database database;

static int create(void **state)
{
    (void)state;
    database_create(&database);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    database_drop(&database);
    return 0;
}

static PGresult *ask(const char *sql, const struct store_value *values, size_t count)
{
    struct pg_parameters parameters;
    struct buf           text;
    buf_init(&text, NULL, 0);
    pg_placeholders(sql, &text);
    pg_parameters_of(&parameters, values, count);
    PGresult *result = PQexecParams(database.look, text.data, parameters.count, parameters.types, parameters.values,
                                    parameters.lengths, parameters.formats, 1);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text.data, PQerrorMessage(database.look));
    buf_done(&text);
    return result;
}

static void parameters_come_back(void **state)
{
    (void)state;
    static const char        uuid[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, (char)0xFF };
    const struct store_value values[] = {
        { .kind = STORE_INTEGER, .integer = INT64_MIN },
        { .kind = STORE_TIME, .integer = 0 },
        { .kind = STORE_TIME, .integer = INT64_C(4102444800000000) - 1 },
        { .kind = STORE_REAL, .real = -0.125 },
        { .kind = STORE_TEXT, .text = TRAIL_TEXT("a?'\xC3\xA9") },
        { .kind = STORE_TEXT },
        { .kind = STORE_BLOB, .text = { uuid, sizeof uuid } },
        { .kind = STORE_NULL },
    };
    PGresult *row = ask("SELECT ?, ?, ?, ?, ?, ?, ?, ?::text, '?'::text, \"x?\" FROM (SELECT 1::smallint AS \"x?\") q",
                        values, sizeof values / sizeof values[0]);
    for (int i = 0; i < 4; i++) {
        struct store_value value = pg_value(row, 0, i);
        assert_int_equal(value.kind, values[i].kind == STORE_TIME ? STORE_INTEGER : values[i].kind);
        assert_int_equal(value.integer, values[i].integer);
    }
    assert_true(pg_value(row, 0, 3).real == -0.125);
    assert_true(text_equal(pg_value(row, 0, 4).text, values[4].text));
    assert_int_equal(pg_value(row, 0, 5).kind, STORE_TEXT);
    assert_int_equal(pg_value(row, 0, 5).text.size, 0);
    assert_int_equal(pg_value(row, 0, 6).kind, STORE_BLOB);
    assert_true(text_equal(pg_value(row, 0, 6).text, values[6].text));
    assert_int_equal(pg_value(row, 0, 7).kind, STORE_NULL);
    assert_true(text_equal(pg_value(row, 0, 8).text, trail_str("?")));
    assert_int_equal(pg_value(row, 0, 9).integer, 1);
    PQclear(row);
}

static void the_server_understands_them_as_we_do(void **state)
{
    (void)state;
    const struct store_value values[] = {
        { .kind = STORE_TIME, .integer = INT64_C(1767225600123456) },
        { .kind = STORE_INTEGER, .integer = -5 },
        { .kind = STORE_REAL, .real = 2.5 },
    };
    PGresult *row =
        ask("SELECT ?1 = '2026-01-01 00:00:00.123456+00'::timestamptz AND ?2 = -5 AND ?3 = 2.5 AND ?2 < 0", values, 3);
    assert_int_equal(pg_value(row, 0, 0).kind, STORE_INTEGER);
    assert_int_equal(pg_value(row, 0, 0).integer, 1);
    PQclear(row);
}

static void every_type_of_column(void **state)
{
    (void)state;
    PGresult     *row = ask("SELECT true, false, (-7)::smallint, (-70000)::integer, 1.5::real, (-2.25)::float8, "
                                "'\\x00ff'::bytea, 'n'::name, 'v'::varchar, '1970-01-01 00:00:01+00'::timestamptz, "
                                "'{}'::json",
                            NULL, 0);
    const int64_t integers[] = { 1, 0, -7, -70000 };
    for (int i = 0; i < 4; i++)
        assert_int_equal(pg_value(row, 0, i).integer, integers[i]);
    assert_true(pg_value(row, 0, 4).real == 1.5);
    assert_true(pg_value(row, 0, 5).real == -2.25);
    assert_true(text_equal(pg_value(row, 0, 6).text, text_of("\0\xFF", 2)));
    assert_true(text_equal(pg_value(row, 0, 7).text, trail_str("n")));
    assert_true(text_equal(pg_value(row, 0, 8).text, trail_str("v")));
    assert_int_equal(pg_value(row, 0, 9).integer, 1000000);
    assert_int_equal(pg_value(row, 0, 10).kind, STORE_NULL); /* No SELECT of ours has one. */
    PQclear(row);
}

static void sums_are_whole_numbers(void **state)
{
    (void)state;
    static const int64_t expected[] = { 0, 1, 9999, 10000, 12345678901234, -70000, 9223372036854775807, 7 };
    PGresult *row = ask("SELECT 0::numeric, 1::numeric, 9999::numeric, 10000::numeric, 12345678901234::numeric, "
                        "-70000::numeric, 9223372036854775807::numeric, 7.9::numeric",
                        NULL, 0);
    for (int i = 0; i < (int)(sizeof expected / sizeof expected[0]); i++) {
        assert_int_equal(pg_value(row, 0, i).kind, STORE_INTEGER);
        assert_int_equal(pg_value(row, 0, i).integer, expected[i]);
    }
    PQclear(row);
}

static void numbers_of_text_results(void **state)
{
    (void)state;
    PGresult *row = PQexec(database.look, "SELECT 42, NULL::integer");
    assert_int_equal(pg_number(row, 0, 0, -1), 42);
    assert_int_equal(pg_number(row, 0, 1, -1), -1);
    assert_int_equal(pg_number(row, 1, 0, -2), -2);
    assert_int_equal(pg_number(row, 0, 2, -3), -3);
    assert_int_equal(pg_number(NULL, 0, 0, -4), -4);
    PQclear(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_come_back),    cmocka_unit_test(the_server_understands_them_as_we_do),
        cmocka_unit_test(every_type_of_column),    cmocka_unit_test(sums_are_whole_numbers),
        cmocka_unit_test(numbers_of_text_results),
    };
    return cmocka_run_group_tests(tests, create, drop);
}
