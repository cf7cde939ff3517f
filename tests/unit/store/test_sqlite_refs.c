/* test_sqlite_refs.c -- references that are stored once, and whose they are.
 *
 * Goal: an event is never attributed to anyone else: not after a rolled-back transaction, not after a clean-up, not
 * by tuples that look alike.
 * Method: a second connection that takes the ids which were rolled back or deleted; a control that shows what the
 * generation is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/fixture.h"
#include "store/sqlite_store.h"

static struct event_record by(uint64_t seq, const char *user_id, const char *resource_id)
{
    struct event_record record = fixture_event(seq);
    record.event.user_id = trail_str(user_id);
    record.event.resource_id = trail_str(resource_id);
    return record;
}

static void equal_tuples_are_one_row_and_absent_is_empty(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record events[] = { by(1, "alice", NULL), by(2, "alice", ""), by(3, "bob", "x") };
    fixture_open(&fixture);
    assert_int_equal(fixture_write(&fixture, events, 3), TRAIL_OK);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_actors"), 2);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_resources"), 2);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_resources WHERE resource_id IS NULL"), 1);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_routes"), 0);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events WHERE route IS NULL"), 3);
    fixture_close(&fixture);
}

static void shifted_tuples_are_two_rows(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record events[] = { by(1, "alice", "bc"), by(2, "alice", "c") };
    events[0].event.resource_type = TRAIL_TEXT("a");
    events[1].event.resource_type = TRAIL_TEXT("ab");
    fixture_open(&fixture);
    assert_int_equal(fixture_write(&fixture, events, 2), TRAIL_OK);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_resources"), 2);
    assert_int_equal(fixture_number(&fixture, "SELECT seq FROM audit_trail WHERE resource_type = 'ab'"), 2);
    fixture_close(&fixture);
}

static void another_connection_finds_the_same_rows(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record event = by(1, "alice", "x");
    fixture_open(&fixture);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    fixture_disconnect(&fixture);
    fixture_connect(&fixture);
    event.seq = 2;
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_actors"), 1);
    assert_int_equal(fixture_number(&fixture, "SELECT count(DISTINCT actor) FROM audit_events"), 1);
    fixture_close(&fixture);
}

/* The actor is inserted, then the resource's trigger rolls everything back, and the actor's id goes to someone else. */
static void an_id_that_was_rolled_back_is_forgotten(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record event = by(1, "alice", "poison");
    fixture_open(&fixture);
    fixture_execute(&fixture, "CREATE TRIGGER poison BEFORE INSERT ON audit_resources WHEN new.resource_id = 'poison' "
                              "BEGIN SELECT RAISE(ABORT, 'poisoned'); END");
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_EDATA);
    assert_non_null(strstr(fixture.error.message, "poisoned"));
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_actors"), 0);

    fixture_execute(&fixture, "INSERT INTO audit_actors (digest, user_id) VALUES (zeroblob(16), 'mallory')");
    event = by(1, "alice", "fine");
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    char user_id[512];
    fixture_text(&fixture, "SELECT user_id FROM audit_trail", user_id);
    assert_string_equal(user_id, "alice");
    fixture_close(&fixture);
}

static void clean_up(const struct fixture *fixture, bool raise_generation)
{
    fixture_execute(fixture, "BEGIN; DELETE FROM audit_events; DELETE FROM audit_actors; COMMIT");
    if (raise_generation)
        fixture_execute(fixture, "UPDATE audit_store SET dims_generation = dims_generation + 1");
}

/* Store as alice, delete alice, store as alice again: how many events can name their actor? */
static int64_t named_after_clean_up(bool raise_generation)
{
    struct fixture      fixture;
    struct event_record event = by(1, "alice", "x");
    fixture_open(&fixture);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    clean_up(&fixture, raise_generation);
    event.seq = 2;
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    int64_t named = fixture_number(&fixture, "SELECT count(*) FROM audit_trail WHERE user_id = 'alice'");
    fixture_close(&fixture);
    return named;
}

static void a_raised_generation_empties_the_caches(void **state)
{
    (void)state;
    assert_int_equal(named_after_clean_up(true), 1);
}

static void control_without_the_generation_the_actor_is_lost(void **state)
{
    (void)state;
    assert_int_equal(named_after_clean_up(false), 0);
}

static void ids_are_never_used_twice(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record event = by(1, "alice", "x");
    fixture_open(&fixture);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    int64_t first = fixture_number(&fixture, "SELECT max(id) FROM audit_actors");
    clean_up(&fixture, true);
    event = by(2, "bob", "x");
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    assert_true(fixture_number(&fixture, "SELECT min(id) FROM audit_actors") > first);
    fixture_close(&fixture);
}

/* A clean-up after every look-up would starve a batch for ever; it must say so instead. */
static void generations_that_never_rest_are_given_up(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record event = by(1, "alice", "x");
    fixture_open(&fixture);
    fixture_execute(&fixture, "CREATE TRIGGER restless AFTER UPDATE OF last_seq ON audit_writers BEGIN "
                              "UPDATE audit_store SET dims_generation = abs(random()); END");
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_EAWAY);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 0);
    fixture_execute(&fixture, "DROP TRIGGER restless");
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    fixture_close(&fixture);
}

/* More distinct users in one batch than the cache has bytes for: what is pushed out must not matter. */
static void a_batch_larger_than_the_caches_is_right(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct fixture       fixture;
    struct event_record *events = calloc(COUNT, sizeof *events);
    static char          names[COUNT][16];
    fixture_open(&fixture);
    sqlite_store_of(fixture.store)->resolver.caches[REFERENCE_ACTOR].bytes_max = 20000;
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "user-%d", i / 2);
        events[i] = by((uint64_t)i + 1, names[i], "x");
    }
    assert_int_equal(fixture_write(&fixture, events, COUNT), TRAIL_OK);
    assert_true(sqlite_store_of(fixture.store)->resolver.caches[REFERENCE_ACTOR].entry_count < COUNT / 2);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_actors"), COUNT / 2);
    assert_int_equal(
        fixture_number(&fixture, "SELECT count(*) FROM audit_trail WHERE user_id = 'user-' || ((seq - 1) / 2)"), COUNT);
    free(events);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_tuples_are_one_row_and_absent_is_empty),
        cmocka_unit_test(shifted_tuples_are_two_rows),
        cmocka_unit_test(another_connection_finds_the_same_rows),
        cmocka_unit_test(an_id_that_was_rolled_back_is_forgotten),
        cmocka_unit_test(a_raised_generation_empties_the_caches),
        cmocka_unit_test(control_without_the_generation_the_actor_is_lost),
        cmocka_unit_test(ids_are_never_used_twice),
        cmocka_unit_test(generations_that_never_rest_are_given_up),
        cmocka_unit_test(a_batch_larger_than_the_caches_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
