/* test_store.c -- from a URL to a back-end.
 *
 * Goal: unknown URLs are refused without showing what may be a password, known ones reach their back-end.
 * Method: URLs in a table; a real SQLite file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "store/fixture.h"

static void unknown_urls_are_refused_without_showing_them(void **state)
{
    (void)state;
    static const char *const urls[] = { NULL, "", "audit.db", "postgres2://u:hunter2@host/db", "sqlite3:x", "hunter2" };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct store      *store = NULL;
        struct trail_error error = { 0 };
        assert_int_equal(store_open(&store, urls[i], NULL, &error), TRAIL_ECONFIG);
        assert_null(store);
        assert_null(strstr(error.message, "@"));
        assert_int_equal(store_open_reader(&store, urls[i], NULL), TRAIL_ECONFIG);
    }
}

static void urls_that_name_no_file_are_refused(void **state)
{
    (void)state;
    static const char *const urls[] = { "sqlite:", "sqlite:///tmp/x.db", "sqlite://host/x.db" };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct store      *store = NULL;
        struct trail_error error = { 0 };
        assert_int_equal(store_open(&store, urls[i], NULL, &error), TRAIL_ECONFIG);
        assert_non_null(strstr(error.message, "sqlite:PATH"));
    }
}

static void identity_belongs_to_the_database_and_not_to_the_connection(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture);
    struct uuid first = *store_identity(fixture.store);
    fixture_disconnect(&fixture);
    fixture_connect(&fixture);
    assert_true(uuid_equal(&first, store_identity(fixture.store)));

    struct store *reader = NULL;
    assert_int_equal(store_open_reader(&reader, fixture.url, NULL), TRAIL_OK);
    assert_true(uuid_equal(&first, store_identity(reader)));
    store_close(reader);
    fixture_close(&fixture);
}

static void a_reader_creates_nothing(void **state)
{
    (void)state;
    struct fixture     fixture;
    struct store      *reader = NULL;
    struct trail_error error = { 0 };
    fixture_folder(&fixture);
    assert_int_equal(store_open_reader(&reader, fixture.url, &error), TRAIL_EAWAY);
    assert_non_null(strstr(error.message, fixture.path));
    assert_int_not_equal(access(fixture.path, F_OK), 0);
    fixture_close(&fixture);
}

static void close_takes_null(void **state)
{
    (void)state;
    store_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_urls_are_refused_without_showing_them),
        cmocka_unit_test(urls_that_name_no_file_are_refused),
        cmocka_unit_test(identity_belongs_to_the_database_and_not_to_the_connection),
        cmocka_unit_test(a_reader_creates_nothing),
        cmocka_unit_test(close_takes_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
