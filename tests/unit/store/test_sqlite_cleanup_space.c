/* test_sqlite_cleanup_space.c -- the file shrinks, as far as it is worth it, and makes nobody wait for it.
 *
 * Goal:   after a run the file is as small as its rows; a reader in the middle of something holds nothing up; a
 *         database without auto-vacuum says that it keeps its size.
 * Method: some megabytes that go, and a look at the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "store/cleanup_fixture.h"

#define EVENTS 4000

static struct fixture fixture;

/* Some 8 MiB, of which the last event stays. */
static int make(void **state)
{
    (void)state;
    static struct event_record events[EVENTS];
    static char                padding[2000];
    fixture_open(&fixture);
    memset(padding, 'x', sizeof padding);
    for (uint64_t i = 0; i < EVENTS; i++) {
        events[i] = fixture_event(i + 1);
        events[i].event.error_message = (struct trail_text){ padding, sizeof padding };
    }
    assert_int_equal(fixture_write(&fixture, events, EVENTS), TRAIL_OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static int64_t file_bytes(void)
{
    struct stat status;
    assert_int_equal(stat(fixture.path, &status), 0);
    return status.st_size;
}

static void the_file_becomes_as_small_as_its_rows(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(EVENTS);
    fixture_execute(&fixture, "PRAGMA wal_checkpoint(TRUNCATE)");
    int64_t before = file_bytes();
    assert_true(before > EVENTS * 2000);
    assert_int_equal(cleanup_all(&fixture, &request).events, EVENTS - 1);
    assert_true(file_bytes() < before / 10);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 1);
}

static void a_little_free_space_is_left_for_what_comes(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(20);
    cleanup_all(&fixture, &request);
    int64_t free_pages = fixture_number(&fixture, "PRAGMA freelist_count");
    assert_true(free_pages > 0);
    assert_true(free_pages <= fixture_number(&fixture, "PRAGMA page_count") / 64 + 1);
}

static void a_reader_in_the_middle_of_something_holds_nothing_up(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(EVENTS);
    sqlite3                           *reader = NULL;
    assert_int_equal(sqlite3_open(fixture.path, &reader), SQLITE_OK);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM audit_events", NULL, NULL, NULL), SQLITE_OK);
    int64_t before = file_bytes();
    assert_int_equal(cleanup_all(&fixture, &request).events, EVENTS - 1);
    assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(reader);
    cleanup_all(&fixture, &request); /* The next run cuts the file. */
    assert_true(before == 0 || file_bytes() < EVENTS * 200);
}

static void a_database_without_auto_vacuum_says_that_it_keeps_its_size(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(EVENTS);
    struct cleanup_step                step = { 0 };
    fixture_disconnect(&fixture);
    fixture_execute(&fixture,
                    "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM; PRAGMA journal_mode = WAL");
    fixture_connect(&fixture);
    int64_t               before = file_bytes();
    struct store_cleanup *cleanup = cleanup_claim(&fixture, &request);
    while (!step.finished)
        assert_int_equal(store_cleanup_step(fixture.store, cleanup, 1, &step, NULL), TRAIL_OK);
    store_cleanup_free(cleanup);
    assert_true(step.cannot_shrink);
    assert_true(file_bytes() >= before);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_file_becomes_as_small_as_its_rows, make, stop),
        cmocka_unit_test_setup_teardown(a_little_free_space_is_left_for_what_comes, make, stop),
        cmocka_unit_test_setup_teardown(a_reader_in_the_middle_of_something_holds_nothing_up, make, stop),
        cmocka_unit_test_setup_teardown(a_database_without_auto_vacuum_says_that_it_keeps_its_size, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
