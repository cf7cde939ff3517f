/* test_postgresql_refs.c -- references that are stored once, and whose they are, with many writers at once.
 *
 * Goal: no deadlock and no wrong attribution, whoever else inserts the same references in whatever order.
 * Method: threads with a connection each that write the same new references at the same moment, each in its own order;
 * every event carries in its context whose it is, and that is compared with the row it refers to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/postgresql_store.h"
#include "store/postgresql_writer.h"

enum { WRITERS = 8, ROUNDS = 25, EVENTS = 64 };

struct crowd_member {
    struct pg_writer   writer;
    pthread_barrier_t *barrier;
    int                number;
    int                failed;
};

struct named_event {
    char user[48];
    char path[64];
    char context[192];
};

/* The i-th event of a round, its texts in `name`: the same tuples for every member, walked in another order by each. */
static struct event_record crowd_event(const struct crowd_member *member, int round, int i, struct named_event *name)
{
    static const int    steps[WRITERS] = { 1, 63, 3, 61, 5, 59, 7, 57 }; /* Odd: each walks over all. */
    int                 which = (i * steps[member->number] + member->number * 11) % EVENTS;
    struct event_record record = pg_writer_event((uint64_t)round * EVENTS + (uint64_t)i + 1);
    snprintf(name->user, sizeof name->user, "u%d-%d \"\\,{}'", round, which);
    snprintf(name->path, sizeof name->path, "/p/%d/%d", round, which % 16);
    snprintf(name->context, sizeof name->context, "%.47s|%.63s|%.63s", name->user, name->path,
             which % 2 == 0 ? name->path : "-");
    record.event.user_id = trail_str(name->user);
    record.event.resource_id = trail_str(name->path);
    record.event.request_path = which % 2 == 0 ? trail_str(name->path) : TRAIL_TEXT("");
    record.event.context = trail_str(name->context);
    return record;
}

static void *join_crowd(void *argument)
{
    struct crowd_member *member = argument;
    for (int round = 0; round < ROUNDS; round++) {
        struct named_event  names[EVENTS];
        struct event_record events[EVENTS];
        for (int i = 0; i < EVENTS; i++)
            events[i] = crowd_event(member, round, i, &names[i]);
        pthread_barrier_wait(member->barrier);
        if (pg_writer_write(&member->writer, events, EVENTS) != TRAIL_OK) {
            member->failed++;
            print_message("%s\n", member->writer.error.message);
        }
    }
    return NULL;
}

static int64_t deadlocks(const struct database *database)
{
    return database_number(database, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
}

static void writers_of_the_same_new_references_do_not_meet_and_do_not_mix(void **state)
{
    (void)state;
    struct database     database;
    struct crowd_member crowd[WRITERS] = { 0 };
    pthread_barrier_t   barrier;
    pthread_t           threads[WRITERS];
    database_create(&database);
    pthread_barrier_init(&barrier, NULL, WRITERS);
    for (int i = 0; i < WRITERS; i++) {
        crowd[i].barrier = &barrier;
        crowd[i].number = i;
        pg_writer_open(&crowd[i].writer, &database, NULL);
    }
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, join_crowd, &crowd[i]), 0);
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowd[i].failed, 0);
        pg_writer_close(&crowd[i].writer);
    }
    int64_t events = (int64_t)WRITERS * ROUNDS * EVENTS;
    int64_t right = database_number(&database, "SELECT count(*) FROM audit_trail WHERE context = user_id || '|' ||"
                                               " resource_id || '|' || coalesce(request_path, '-')");
    print_message("%lld of %lld events are attributed to whom they say, %lld deadlocks\n", (long long)right,
                  (long long)events, (long long)deadlocks(&database));
    assert_int_equal(right, events);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_actors"), ROUNDS * EVENTS);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_resources"), ROUNDS * 16);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_routes"), ROUNDS * 8);
    assert_int_equal(deadlocks(&database), 0);
    pthread_barrier_destroy(&barrier);
    database_drop(&database);
}

static struct event_record by(uint64_t seq, const char *user_id, const char *resource_id)
{
    struct event_record record = pg_writer_event(seq);
    record.event.user_id = trail_str(user_id);
    record.event.resource_id = trail_str(resource_id);
    return record;
}

static void equal_tuples_are_one_row_and_absent_is_empty(void **state)
{
    (void)state;
    struct database     database;
    struct pg_writer    writer;
    struct event_record events[] = { by(1, "alice", NULL), by(2, "alice", ""), by(3, "NULL", "x"),
                                     by(4, "{}", "\"\\") };
    database_create(&database);
    pg_writer_open(&writer, &database, NULL);
    assert_int_equal(pg_writer_write(&writer, events, 4), TRAIL_OK);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_actors"), 3);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_resources WHERE resource_id IS NULL"), 1);
    assert_int_equal(database_number(&database, "SELECT seq FROM audit_trail WHERE user_id = 'NULL'"), 3);
    assert_int_equal(database_number(&database, "SELECT seq FROM audit_trail WHERE resource_id = '\"\\'"), 4);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_actions WHERE operation = 1"), 1);
    pg_writer_close(&writer);
    database_drop(&database);
}

/* The first connection's numbers are used by the second, and no number is used up by looking. */
static void another_connection_finds_the_same_rows(void **state)
{
    (void)state;
    struct database     database;
    struct pg_writer    writer;
    struct event_record event = by(1, "alice", "x");
    database_create(&database);
    for (int i = 0; i < 3; i++) {
        pg_writer_open(&writer, &database, NULL);
        assert_int_equal(pg_writer_write(&writer, &event, 1), TRAIL_OK);
        pg_writer_close(&writer);
    }
    assert_int_equal(database_number(&database, "SELECT count(DISTINCT actor) FROM audit_events"), 1);
    assert_int_equal(database_number(&database, "SELECT last_value FROM audit_actors_id_seq"), 1);
    database_drop(&database);
}

/* The actor is inserted, then the resource's trigger rolls everything back, and the actor is somebody else's number. */
static void an_id_that_was_rolled_back_is_forgotten(void **state)
{
    (void)state;
    struct database     database;
    struct pg_writer    writer;
    struct event_record event = by(1, "alice", "poison");
    database_create(&database);
    pg_writer_open(&writer, &database, NULL);
    database_execute(&database, "ALTER TABLE audit_resources ADD CHECK (resource_id IS DISTINCT FROM 'poison')");
    assert_int_equal(pg_writer_write(&writer, &event, 1), TRAIL_EDATA);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_actors"), 0);
    database_execute(&database, "ALTER SEQUENCE audit_actors_id_seq RESTART;"
                                "INSERT INTO audit_actors (digest, user_id) VALUES (gen_random_uuid(), 'mallory')");
    event = by(1, "alice", "fine");
    assert_int_equal(pg_writer_write(&writer, &event, 1), TRAIL_OK);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_trail WHERE user_id = 'alice'"), 1);
    pg_writer_close(&writer);
    database_drop(&database);
}

/* Into empty tables, of which the server knows nothing yet. Done the wrong way this takes longer than is waited for. */
static void thousands_of_new_references_in_one_batch_are_stored(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct database      database;
    struct pg_writer     writer;
    struct event_record *events = calloc(COUNT, sizeof *events);
    char(*names)[16] = calloc(COUNT, sizeof *names);
    assert_non_null(events);
    assert_non_null(names);
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "n%d", i);
        events[i] = by((uint64_t)i + 1, names[i], names[i]);
        events[i].event.request_path = trail_str(names[i]);
    }
    database_create(&database);
    pg_writer_open(&writer, &database, NULL);
    if (pg_writer_write(&writer, events, COUNT) != TRAIL_OK)
        fail_msg("%s", writer.error.message);
    assert_int_equal(database_number(&database, "SELECT count(*) FROM audit_trail WHERE user_id = 'n' || (seq - 1)"
                                                " AND resource_id = user_id AND request_path = user_id"),
                     COUNT);
    pg_writer_close(&writer);
    database_drop(&database);
    free(names);
    free(events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_of_the_same_new_references_do_not_meet_and_do_not_mix),
        cmocka_unit_test(equal_tuples_are_one_row_and_absent_is_empty),
        cmocka_unit_test(another_connection_finds_the_same_rows),
        cmocka_unit_test(thousands_of_new_references_in_one_batch_are_stored),
        cmocka_unit_test(an_id_that_was_rolled_back_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
