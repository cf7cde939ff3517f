/* test_postgresql_write.c -- batches in PostgreSQL: exactly once, all or nothing, every number accounted for.
 *
 * Goal: the fence lets each number in once whoever asks; what is refused leaves nothing behind; a refused event is
 * named.
 * Method: a real server; two connections that write the same batches at once; a transaction that outlives its client;
 * controls that duplicate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drain/stream.h"
#include "store/postgresql_store.h"
#include "store/postgresql_writer.h"
#include "support/image.h"
#include "support/manual_clock.h"
#include "support/temp_dir.h"

struct setup {
    struct database  database;
    struct pg_writer writer;
};

static void set_up(struct setup *setup)
{
    database_create(&setup->database);
    pg_writer_open(&setup->writer, &setup->database, NULL);
}

static void tear_down(struct setup *setup)
{
    pg_writer_close(&setup->writer);
    database_drop(&setup->database);
}

static int64_t number(const struct setup *setup, const char *sql)
{
    return database_number(&setup->database, sql);
}

static void must_write(struct setup *setup, const struct event_record *events, size_t count)
{
    if (pg_writer_write(&setup->writer, events, count) != TRAIL_OK)
        fail_msg("%s", setup->writer.error.message);
}

/* ---- The fence ---- */

static void a_batch_is_stored_once(void **state)
{
    (void)state;
    struct setup        setup;
    struct event_record events[] = { pg_writer_event(1), pg_writer_event(2), pg_writer_event(3) };
    set_up(&setup);
    assert_int_equal(setup.writer.last_seq, 0);
    must_write(&setup, events, 3);
    assert_int_equal(setup.writer.last_seq, 3);
    setup.writer.last_seq = 0;
    assert_int_equal(pg_writer_write(&setup.writer, events, 3), TRAIL_EFENCE);
    assert_int_equal(setup.writer.last_seq, 3);
    assert_int_equal(pg_writer_write(&setup.writer, events + 1, 2), TRAIL_EFENCE);
    struct event_record late = pg_writer_event(9);
    assert_int_equal(pg_writer_write(&setup.writer, &late, 1), TRAIL_EFENCE);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events"), 3);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events_stray"), 0);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_batches"), 1);
    assert_int_equal(number(&setup, "SELECT sum(stored) FROM audit_accounting"), 3);

    struct pg_writer again; /* Adding the writer again says where it stands. */
    pg_writer_open(&again, &setup.database, &setup.writer);
    assert_int_equal(again.last_seq, 3);
    pg_writer_close(&again);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_writers"), 1);
    tear_down(&setup);
}

static void a_writer_without_a_row_is_away(void **state)
{
    (void)state;
    struct setup        setup;
    struct event_record event = pg_writer_event(1);
    set_up(&setup);
    database_execute(&setup.database, "DELETE FROM audit_writers");
    assert_int_equal(pg_writer_write(&setup.writer, &event, 1), TRAIL_EAWAY);
    assert_int_equal(pg_writer_write(&setup.writer, &event, 1), TRAIL_EAWAY);
    pg_writer_close(&setup.writer);
    pg_writer_open(&setup.writer, &setup.database, &setup.writer);
    must_write(&setup, &event, 1);
    tear_down(&setup);
}

enum { RACE_ROUNDS = 60, RACE_EVENTS = 20 };

struct racer {
    struct pg_writer   writer;
    pthread_barrier_t *barrier;
    int                stored;
    int                fenced;
    int                other;
};

/* Every round both have the same batch; whoever loses believes the fence and goes on. */
static void *race(void *argument)
{
    struct racer *racer = argument;
    for (int round = 0; round < RACE_ROUNDS; round++) {
        struct event_record events[RACE_EVENTS];
        for (int i = 0; i < RACE_EVENTS; i++)
            events[i] = pg_writer_event((uint64_t)round * RACE_EVENTS + (uint64_t)i + 1);
        pthread_barrier_wait(racer->barrier);
        enum trail_err err = pg_writer_write(&racer->writer, events, RACE_EVENTS);
        racer->stored += err == TRAIL_OK;
        racer->fenced += err == TRAIL_EFENCE && racer->writer.last_seq == events[RACE_EVENTS - 1].seq;
        racer->other += err != TRAIL_OK && err != TRAIL_EFENCE;
    }
    return NULL;
}

static void two_connections_store_the_same_batch_once(void **state)
{
    (void)state;
    struct setup      setup;
    struct racer      racers[2] = { 0 };
    pthread_barrier_t barrier;
    pthread_t         threads[2];
    set_up(&setup);
    pthread_barrier_init(&barrier, NULL, 2);
    for (int i = 0; i < 2; i++) {
        racers[i].barrier = &barrier;
        pg_writer_open(&racers[i].writer, &setup.database, &setup.writer);
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    print_message("stored %d and %d, fenced %d and %d\n", racers[0].stored, racers[1].stored, racers[0].fenced,
                  racers[1].fenced);
    assert_int_equal(racers[0].other + racers[1].other, 0);
    assert_int_equal(racers[0].stored + racers[1].stored, RACE_ROUNDS);
    assert_int_equal(racers[0].fenced + racers[1].fenced, RACE_ROUNDS);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events"), RACE_ROUNDS * RACE_EVENTS);
    assert_int_equal(number(&setup, "SELECT count(DISTINCT seq) FROM audit_events"), RACE_ROUNDS * RACE_EVENTS);
    assert_int_equal(number(&setup, "SELECT sum(stored) FROM audit_accounting"), RACE_ROUNDS * RACE_EVENTS);
    pthread_barrier_destroy(&barrier);
    for (int i = 0; i < 2; i++)
        pg_writer_close(&racers[i].writer);
    tear_down(&setup);
}

static const char raw_event[] = "INSERT INTO audit_events (timestamp, seq, actor, resource, action, writer, operation,"
                                " outcome, data_classification, requires_review)"
                                " VALUES (now(), 1, 1, 1, 1, 1, 1, 0, 0, false)";

/* What a batch would be without its first statement: whoever asks gets its rows in. */
static void control_without_the_fence_rows_are_duplicated(void **state)
{
    (void)state;
    struct setup        setup;
    struct event_record event = pg_writer_event(1);
    set_up(&setup);
    must_write(&setup, &event, 1);
    database_execute(&setup.database, raw_event);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events WHERE seq = 1"), 2);
    tear_down(&setup);
}

/* ---- A transaction that outlives its client ---- */

/* A drain was killed, and what it sent still runs on the server: it stands behind the fence, not yet committed. */
static PGconn *begin_as_a_dead_drain(const struct setup *setup)
{
    PGconn     *dead = database_connect(&setup->database);
    const char *statements[] = { "BEGIN", "UPDATE audit_writers SET last_seq = 1 WHERE last_seq = 0", raw_event };
    for (size_t i = 0; i < 3; i++) {
        PGresult *result = PQexec(dead, statements[i]);
        assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
        PQclear(result);
    }
    return dead;
}

struct waiting_write {
    struct setup  *setup;
    enum trail_err err;
};

static void *write_first(void *argument)
{
    struct waiting_write *waiting = argument;
    struct event_record   event = pg_writer_event(1);
    waiting->err = pg_writer_write(&waiting->setup->writer, &event, 1);
    return NULL;
}

static void wait_until_somebody_waits(const struct setup *setup)
{
    while (number(setup, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                         " AND wait_event_type = 'Lock'") == 0)
        continue;
}

/* Whatever becomes of the transaction of the dead, the event is there once. */
static void outlived(const char *end, enum trail_err expected)
{
    struct setup         setup;
    struct waiting_write waiting = { .setup = &setup };
    pthread_t            thread;
    struct event_record  first = pg_writer_event(1);
    set_up(&setup);
    /* The day is made, and the references are there. */
    struct pg_writer other;
    pg_writer_open(&other, &setup.database, NULL);
    assert_int_equal(pg_writer_write(&other, &first, 1), TRAIL_OK);
    pg_writer_close(&other);
    database_execute(&setup.database, "DELETE FROM audit_events; DELETE FROM audit_writers WHERE last_seq = 1");

    PGconn *dead = begin_as_a_dead_drain(&setup);
    assert_int_equal(pthread_create(&thread, NULL, write_first, &waiting), 0);
    wait_until_somebody_waits(&setup);
    PQclear(PQexec(dead, end));
    pthread_join(thread, NULL);
    assert_int_equal(waiting.err, expected);
    assert_int_equal(setup.writer.last_seq, 1);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events"), 1);
    PQfinish(dead);
    tear_down(&setup);
}

static void a_transaction_that_outlives_its_client_and_commits_is_met_by_the_fence(void **state)
{
    (void)state;
    outlived("COMMIT", TRAIL_EFENCE);
}

static void a_transaction_that_outlives_its_client_and_fails_leaves_the_way_free(void **state)
{
    (void)state;
    outlived("ROLLBACK", TRAIL_OK);
}

/* ---- Gaps, dead letters, ledger, accounts ---- */

static void gaps_and_dead_letters_advance_the_writer(void **state)
{
    (void)state;
    struct setup             setup;
    struct event_record      events[] = { pg_writer_event(3), pg_writer_event(5) };
    struct store_dead_letter letters[] = {
        { .seq = 6,
          .operation = TRAIL_OPERATION_UPDATE,
          .event_json = TRAIL_TEXT("{\"a\":\"'\\\\\"}"),
          .error = TRAIL_TEXT("no") },
        { .seq = 7, .operation = TRAIL_OPERATION_AUDIT, .control = true, .event_json = TRAIL_TEXT("{}") },
    };
    events[0].event.timestamp_us = INT64_C(4102444799999999); /* 2099-12-31: a stray. */
    set_up(&setup);
    const struct store_batch batch = { .writer = &setup.writer.writer.uuid,
                                       .first_seq = 1,
                                       .last_seq = 9,
                                       .events = events,
                                       .event_count = 2,
                                       .dead_letters = letters,
                                       .dead_letter_count = 2,
                                       .recorded_at_us = 1234567 };
    assert_int_equal(store_write(setup.writer.store, &batch, &setup.writer.last_seq, NULL), TRAIL_OK);
    assert_int_equal(setup.writer.last_seq, 9);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events WHERE seq = 5"), 1);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events_stray WHERE seq = 3"), 1);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_trail"), 2);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_batches WHERE first_seq = 1 AND last_seq = 9"
                                    " AND event_count = 2 AND recorded_at = timestamptz '1970-01-01 00:00:01.234567+00'"
                                    " AND max_timestamp = timestamptz '2099-12-31 23:59:59.999999+00'"),
                     1);
    char text[1024];
    database_text(&setup.database, "SELECT event || error FROM audit_dead_letters WHERE seq = 6", text);
    assert_string_equal(text, "{\"a\":\"'\\\\\"}no");
    database_text(&setup.database,
                  "SELECT string_agg(operation || '/' || stored || '/' || dead_lettered, ' ' ORDER BY operation)"
                  " FROM audit_accounting",
                  text);
    assert_string_equal(text, "0/0/1 1/2/0 3/0/1");
    tear_down(&setup);
}

static enum trail_err write_accounts(struct setup *setup, uint64_t level, uint64_t dropped)
{
    struct trail_account accounts[TRAIL_OPERATION_COUNT] = { 0 };
    accounts[TRAIL_OPERATION_READ].level = level;
    accounts[TRAIL_OPERATION_READ].dropped = dropped;
    const struct store_batch batch = { .writer = &setup->writer.writer.uuid,
                                       .first_seq = 8,
                                       .last_seq = 7,
                                       .accounts = accounts,
                                       .recorded_at_us = FIXTURE_TIME_US };
    return store_write(setup->writer.store, &batch, &setup->writer.last_seq, &setup->writer.error);
}

static void accounts_alone_only_grow(void **state)
{
    (void)state;
    struct setup setup;
    set_up(&setup);
    assert_int_equal(write_accounts(&setup, 5, 2), TRAIL_OK);
    assert_int_equal(setup.writer.last_seq, 0);
    assert_int_equal(write_accounts(&setup, 4, 3), TRAIL_OK);
    char text[1024];
    database_text(&setup.database,
                  "SELECT operation || ' ' || level || ' ' || dropped || ' ' || stored FROM audit_accounting", text);
    assert_string_equal(text, "2 5 3 0");
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_batches"), 0);

    char before[1024];
    database_text(&setup.database, "SELECT xmin::text FROM audit_accounting", before);
    assert_int_equal(write_accounts(&setup, 5, 3), TRAIL_OK); /* Nothing grew: the row is left alone. */
    database_text(&setup.database, "SELECT xmin::text FROM audit_accounting", text);
    assert_string_equal(text, before);
    tear_down(&setup);
}

/* ---- What the store refuses ---- */

static void a_refused_event_is_named_and_nothing_is_stored(void **state)
{
    (void)state;
    struct setup        setup;
    struct event_record events[] = { pg_writer_event(1), pg_writer_event(2), pg_writer_event(3), pg_writer_event(4) };
    set_up(&setup);
    must_write(&setup, events, 1);
    database_execute(&setup.database, "ALTER TABLE audit_events ADD CHECK (error_message IS DISTINCT FROM 'poison')");
    events[1].event.timestamp_us = 0; /* A stray, which is a row of another COPY. */
    events[2].event.error_message = TRAIL_TEXT("poison");
    assert_int_equal(pg_writer_write(&setup.writer, events + 1, 3), TRAIL_EDATA);
    assert_int_equal(setup.writer.error.offset, 3);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_trail"), 1);
    assert_int_equal(number(&setup, "SELECT max(last_seq) FROM audit_writers"), 1);
    events[2].event.error_message = TRAIL_TEXT("fine");
    must_write(&setup, events + 1, 3);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_trail"), 4);
    tear_down(&setup);
}

/* As the drain does it: a spool, a stream, this store. */
static void refused_events_become_dead_letters_and_all_others_are_stored(void **state)
{
    (void)state;
    struct setup           setup;
    struct temp_dir        dir;
    struct manual_clock    manual;
    struct stream          stream;
    struct stream_progress progress = { 0 };
    struct trail_error     error = { 0 };
    struct spool_identity  identity = image_identity('w');
    set_up(&setup);
    temp_dir_make(&dir);
    manual_clock_init(&manual);
    struct segment *first = image_make(dir.path, 1, 1);
    stream_init(&stream, &identity, NULL, &manual.clock, 16384);

    image_put_events(first, 1, 2, "create");
    if (stream_advance(&stream, setup.writer.store, first, 10000, &progress, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    database_execute(&setup.database, "ALTER TABLE audit_events ADD CHECK (seq NOT IN (3, 40, 41, 99));"
                                      "ALTER TABLE audit_events_stray ADD CHECK (seq NOT IN (3, 40, 41, 99))");
    image_put_events(first, 3, 100, "create");
    if (stream_advance(&stream, setup.writer.store, first, 10000, &progress, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    print_message("%d transactions\n", (int)progress.transactions);
    assert_int_equal(progress.events, 98);
    assert_int_equal(progress.dead_letters, 4);
    char text[1024];
    database_text(&setup.database,
                  "SELECT string_agg(seq::text, ' ' ORDER BY seq) FROM audit_dead_letters"
                  " WHERE event LIKE '{%}' AND error LIKE '%violates check constraint%'",
                  text);
    assert_string_equal(text, "3 40 41 99");
    assert_int_equal(number(&setup, "SELECT count(DISTINCT seq) FROM audit_trail"), 96);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_trail"), 96);
    assert_int_equal(number(&setup, "SELECT sum(stored) * 1000 + sum(dead_lettered) FROM audit_accounting"), 96004);
    assert_int_equal(number(&setup, "SELECT sum(last_seq - first_seq + 1) FROM audit_batches"), 100);

    stream_done(&stream);
    segment_free(first);
    temp_dir_remove(&dir);
    tear_down(&setup);
}

/* They are repaired long before; here they must be refused, as events and as references. */
static void texts_that_are_no_text_are_refused(void **state)
{
    (void)state;
    static const char  *bad[] = { "\xff\xfe", "a\0b" };
    static const size_t sizes[] = { 2, 3 };
    struct setup        setup;
    set_up(&setup);
    for (int i = 0; i < 4; i++) {
        struct event_record event = pg_writer_event(1);
        struct trail_text   text = { bad[i % 2], sizes[i % 2] };
        if (i < 2)
            event.event.context = text;
        else
            event.event.user_id = text;
        assert_int_equal(pg_writer_write(&setup.writer, &event, 1), TRAIL_EDATA);
    }
    struct event_record event = pg_writer_event(1);
    must_write(&setup, &event, 1);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_trail"), 1);
    tear_down(&setup);
}

static void long_texts_and_many_events_need_little_memory(void **state)
{
    (void)state;
    enum { COUNT = 40, SIZE = 1024 * 1024 };
    struct setup         setup;
    struct event_record *events = calloc(COUNT, sizeof *events);
    char                *text = malloc(SIZE);
    assert_non_null(events);
    assert_non_null(text);
    memset(text, 'x', SIZE);
    set_up(&setup);
    for (int i = 0; i < COUNT; i++) {
        events[i] = pg_writer_event((uint64_t)i + 1);
        events[i].event.context = (struct trail_text){ text, SIZE };
    }
    must_write(&setup, events, COUNT);
    assert_int_equal(number(&setup, "SELECT sum(length(context)) FROM audit_events"), (int64_t)COUNT * SIZE);
    assert_true(postgresql_store_of(setup.writer.store)->copy.capacity <= 4 * SIZE);
    free(text);
    free(events);
    tear_down(&setup);
}

/* ---- What changes between batches ---- */

static void a_partition_that_vanished_is_made_again(void **state)
{
    (void)state;
    struct setup        setup;
    struct event_record events[] = { pg_writer_event(1), pg_writer_event(2) };
    set_up(&setup);
    must_write(&setup, events, 1);
    char drop[1024];
    database_text(&setup.database, "SELECT string_agg('DROP TABLE ' || partition, ';') FROM audit_days", drop);
    database_execute(&setup.database, drop);
    must_write(&setup, events + 1, 1);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events"), 1);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events_stray"), 0);
    tear_down(&setup);
}

/* Store as alice, delete alice, store as alice again: how many events can name their actor? */
static int64_t named_after_clean_up(bool raise_generation)
{
    struct setup        setup;
    struct event_record events[] = { pg_writer_event(1), pg_writer_event(2) };
    set_up(&setup);
    must_write(&setup, events, 1);
    database_execute(&setup.database, "DELETE FROM audit_events; DELETE FROM audit_actors");
    if (raise_generation)
        database_execute(&setup.database, "UPDATE audit_store SET dims_generation = dims_generation + 1");
    must_write(&setup, events + 1, 1);
    int64_t named = number(&setup, "SELECT count(*) FROM audit_trail WHERE user_id = 'alice'");
    tear_down(&setup);
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

static void a_batch_waits_for_a_clean_up_of_references(void **state)
{
    (void)state;
    struct setup         setup;
    struct waiting_write waiting = { .setup = &setup };
    pthread_t            thread;
    set_up(&setup);
    PGconn *cleaner = database_connect(&setup.database);
    PQclear(PQexec(cleaner, "BEGIN; SELECT pg_advisory_xact_lock(1096045132, 1)"));
    assert_int_equal(pthread_create(&thread, NULL, write_first, &waiting), 0);
    wait_until_somebody_waits(&setup);
    PQclear(PQexec(cleaner, "DELETE FROM audit_actors; UPDATE audit_store SET dims_generation = dims_generation + 1;"
                            " COMMIT"));
    pthread_join(thread, NULL);
    assert_int_equal(waiting.err, TRAIL_OK);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_trail WHERE user_id = 'alice'"), 1);
    PQfinish(cleaner);
    tear_down(&setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_stored_once),
        cmocka_unit_test(a_writer_without_a_row_is_away),
        cmocka_unit_test(two_connections_store_the_same_batch_once),
        cmocka_unit_test(control_without_the_fence_rows_are_duplicated),
        cmocka_unit_test(a_transaction_that_outlives_its_client_and_commits_is_met_by_the_fence),
        cmocka_unit_test(a_transaction_that_outlives_its_client_and_fails_leaves_the_way_free),
        cmocka_unit_test(gaps_and_dead_letters_advance_the_writer),
        cmocka_unit_test(accounts_alone_only_grow),
        cmocka_unit_test(a_refused_event_is_named_and_nothing_is_stored),
        cmocka_unit_test(refused_events_become_dead_letters_and_all_others_are_stored),
        cmocka_unit_test(texts_that_are_no_text_are_refused),
        cmocka_unit_test(long_texts_and_many_events_need_little_memory),
        cmocka_unit_test(a_partition_that_vanished_is_made_again),
        cmocka_unit_test(a_raised_generation_empties_the_caches),
        cmocka_unit_test(control_without_the_generation_the_actor_is_lost),
        cmocka_unit_test(a_batch_waits_for_a_clean_up_of_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
