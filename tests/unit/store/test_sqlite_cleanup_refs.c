/* test_sqlite_cleanup_refs.c -- references that nothing uses go, and nobody is taken for somebody else because of it.
 *
 * Goal:   all four kinds; what an event uses stays, also one that came while the run was looking; whoever remembers a
 *         deleted number notices.
 * Method: a run is stopped between its look and its deletion, and events are stored in between. The control takes the
 *         generation back, and the check must then fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "store/cleanup_fixture.h"

static struct fixture fixture;

static int make(void **state)
{
    (void)state;
    fixture_open(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static int64_t number(const char *sql)
{
    return fixture_number(&fixture, sql);
}

static int64_t references(void)
{
    return number("SELECT (SELECT count(*) FROM audit_actors) * 1000 + (SELECT count(*) FROM audit_resources) * 100 + "
                  "(SELECT count(*) FROM audit_actions) * 10 + (SELECT count(*) FROM audit_routes)");
}

static int64_t generation(void)
{
    return number("SELECT dims_generation FROM audit_store");
}

/* Store an event of this second, all of whose references bear this name. */
static void store_event(int64_t second, const char *name)
{
    char                path[32];
    struct event_record event = fixture_event(fixture.last_seq + 1);
    event.event.timestamp_us = CUT_OFF(second);
    snprintf(path, sizeof path, "/%s", name);
    event.event.user_id = trail_str(name);
    event.event.resource_id = trail_str(name);
    event.event.action = trail_str(name);
    event.event.request_method = TRAIL_TEXT("GET");
    event.event.request_path = trail_str(path);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
}

/* What the event of this second is joined to; "" when the view does not show it. */
static void assert_joined(int64_t second, const char *name)
{
    char sql[256];
    char text[512];
    char expected[128];
    snprintf(sql, sizeof sql,
             "SELECT coalesce(max(user_id || resource_id || action || request_path), '') FROM audit_trail "
             "WHERE timestamp_us = %lld",
             (long long)CUT_OFF(second));
    fixture_text(&fixture, sql, text);
    if (name[0] != '\0')
        snprintf(expected, sizeof expected, "%s%s%s/%s", name, name, name, name);
    else
        expected[0] = '\0';
    assert_string_equal(text, expected);
}

static void what_no_event_uses_goes_and_the_generation_tells(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(5);
    store_event(1, "old");
    store_event(2, "both");
    store_event(10, "both");
    store_event(11, "new");
    assert_int_equal(references(), 3333);
    int64_t             before = generation();
    struct cleanup_work work = cleanup_all(&fixture, &request);
    assert_int_equal(work.references, 4);
    assert_int_equal(references(), 2222);
    assert_joined(10, "both");
    assert_joined(11, "new");
    assert_true(generation() > before);
    assert_int_equal(number("SELECT references_deleted FROM audit_cleanups"), 4);

    before = generation();
    assert_int_equal(cleanup_all(&fixture, &request).references, 0);
    assert_int_equal(generation(), before); /* Nothing was deleted: nobody needs to forget anything. */
}

static void many_go_in_batches(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(500);
    char                         name[16];
    request.rows_max = 7;
    for (int second = 1; second <= 40; second++) {
        snprintf(name, sizeof name, "n%d", second);
        store_event(second, name);
    }
    store_event(600, "n3");
    assert_int_equal(cleanup_all(&fixture, &request).references, 4 * 39);
    assert_int_equal(references(), 1111);
    assert_joined(600, "n3");
}

static void who_comes_back_is_stored_anew_under_a_number_of_his_own(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(5);
    store_event(1, "old");
    int64_t old_actor = number("SELECT actor FROM audit_events");
    cleanup_all(&fixture, &request);
    /* The writer has gone, too. Our own connection remembers the deleted number. */
    assert_int_equal(store_writer_add(fixture.store, &fixture.writer, &fixture.last_seq, NULL), TRAIL_OK);
    store_event(1, "other");
    store_event(10, "old");
    assert_joined(10, "old");
    assert_true(number("SELECT max(actor) FROM audit_events") > old_actor);
}

static void without_the_generation_the_event_would_be_joined_to_nothing(void **state)
{
    (void)state;
    struct store_cleanup_request request = cleanup_request(5);
    store_event(1, "old");
    store_event(9, "new");
    int64_t before = generation();
    cleanup_all(&fixture, &request);
    char sql[96];
    snprintf(sql, sizeof sql, "UPDATE audit_store SET dims_generation = %d", (int)before);
    fixture_execute(&fixture, sql);
    store_event(10, "old");
    assert_joined(10, "");
}

/* Actors and resources take two steps each, finding out about the rest one. */
#define STEPS_UNTIL_KNOWN 5

static void what_came_into_use_after_the_look_stays(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(5);
    store_event(1, "old");
    store_event(2, "older");
    store_event(9, "new");
    struct store_cleanup *cleanup = cleanup_claim(&fixture, &request);
    cleanup_step_into(&fixture, cleanup, "references", STEPS_UNTIL_KNOWN);
    assert_int_equal(references(), 1133); /* Both are gone as actors and resources, and still there otherwise. */
    store_event(10, "old");
    assert_int_equal(cleanup_run_out(&fixture, cleanup, NULL).references, 2); /* As action and as route: "older". */
    assert_int_equal(references(), 2222);
    assert_joined(10, "old");
}

static void also_when_its_event_got_the_number_of_a_deleted_one(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(5);
    store_event(1, "old");
    store_event(2, "older");
    store_event(8, "new");
    store_event(9, "newer");
    struct store_cleanup *cleanup = cleanup_claim(&fixture, &request);
    cleanup_step_into(&fixture, cleanup, "references", STEPS_UNTIL_KNOWN);
    int64_t newest = number("SELECT max(id) FROM audit_events");
    fixture_execute(&fixture, "DELETE FROM audit_events WHERE seq = 4");
    store_event(10, "old");
    assert_int_equal(number("SELECT max(id) FROM audit_events"), newest); /* SQLite gives it out again. */
    cleanup_run_out(&fixture, cleanup, NULL);
    assert_joined(10, "old");
    assert_joined(8, "new");
    assert_int_equal(number("SELECT count(*) FROM audit_actions WHERE action = 'older'"), 0);
}

static void after_a_run_that_died_everything_is_looked_at(void **state)
{
    (void)state;
    const struct store_cleanup_request request = cleanup_request(5);
    cleanup_all(&fixture, &request); /* A first one, so that the next is nothing special. */
    assert_int_equal(store_writer_add(fixture.store, &fixture.writer, &fixture.last_seq, NULL), TRAIL_OK);
    store_event(1, "old");
    store_event(9, "new");
    struct store_cleanup *dies = cleanup_claim(&fixture, &request);
    cleanup_step_into(&fixture, dies, "events", 1);
    store_cleanup_free(dies);
    assert_int_equal(number("SELECT count(*) FROM audit_events"), 1);

    struct cleanup_work work = cleanup_all(&fixture, &request);
    assert_int_equal(work.events, 0);
    assert_int_equal(work.references, 4);
    assert_int_equal(references(), 1111);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_no_event_uses_goes_and_the_generation_tells, make, stop),
        cmocka_unit_test_setup_teardown(many_go_in_batches, make, stop),
        cmocka_unit_test_setup_teardown(who_comes_back_is_stored_anew_under_a_number_of_his_own, make, stop),
        cmocka_unit_test_setup_teardown(without_the_generation_the_event_would_be_joined_to_nothing, make, stop),
        cmocka_unit_test_setup_teardown(what_came_into_use_after_the_look_stays, make, stop),
        cmocka_unit_test_setup_teardown(also_when_its_event_got_the_number_of_a_deleted_one, make, stop),
        cmocka_unit_test_setup_teardown(after_a_run_that_died_everything_is_looked_at, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
