/* test_postgresql_cleanup_phases.c -- what a clean-up of a PostgreSQL store removes, and whom it does not hold up.
 *
 * Goal:   whole days, strays, dead letters, references, ledger rows and writers that are gone go, and what is needed
 *         stays; a day that somebody reads or writes is left for later, and nobody waits for it; writers with warm
 *         caches lose no reference.
 * Method: events through the back-end; locks are held by open transactions of other connections.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "store/postgresql_cleaning.h"

static struct cleaning cleaning;

static int make(void **state)
{
    (void)state;
    cleaning_open(&cleaning);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    cleaning_close(&cleaning);
    return 0;
}

static int64_t number(const char *sql)
{
    return database_number(&cleaning.database, sql);
}

static void run(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(pg));
    PQclear(result);
}

static void days_and_strays_go_with_what_only_they_used(void **state)
{
    (void)state;
    cleaning_write(&cleaning, 20, 5, "leaver");
    cleaning_write(&cleaning, 20, 5, "member");
    cleaning_write(&cleaning, 200, 7, "stray");
    cleaning_write(&cleaning, 3, 5, "member");
    int64_t             generation = number("SELECT dims_generation FROM audit_store");
    struct cleanup_work work = cleaning_all(cleaning.writer.store, 10);
    assert_int_equal(work.events, 17);
    assert_int_equal(work.partitions, 1);
    assert_int_equal(work.batches, 2);
    assert_int_equal(work.references, 6); /* Of leaver and stray: an actor, a resource, an action each. */
    assert_int_equal(number("SELECT events_deleted FROM audit_cleanups"), 17);
    assert_int_equal(number("SELECT partitions_dropped FROM audit_cleanups"), 1);
    assert_int_equal(number("SELECT references_deleted FROM audit_cleanups"), 6);
    assert_int_equal(number("SELECT count(*) FROM audit_trail WHERE user_id = 'member'"), 5);
    assert_true(number("SELECT dims_generation FROM audit_store") > generation);
    assert_int_equal(number("SELECT count(*) FROM audit_unused_references"), 0);

    /* The cache of the writer knows them, and must not use what it knows. */
    cleaning_write(&cleaning, 0, 2, "leaver");
    assert_int_equal(number("SELECT count(*) FROM audit_trail WHERE user_id = 'leaver'"), 2);
    assert_int_equal(cleaning_orphans(&cleaning), 0);
    assert_int_equal(cleaning_all(cleaning.writer.store, 10).events, 0);
}

static void strays_go_in_batches(void **state)
{
    (void)state;
    cleaning_write(&cleaning, 200, 10, "stray");
    struct store_cleanup_request request = cleaning_request(10);
    request.rows_max = 4;
    struct cleanup_work work = cleaning_run_out(cleaning.writer.store, cleaning_claim(cleaning.writer.store, &request));
    assert_int_equal(work.events, 10);
    assert_int_equal(work.batches, 3);
}

static void dead_letters_ledger_and_writers_go_and_the_sums_stay(void **state)
{
    (void)state;
    cleaning_write(&cleaning, 20, 5, "old"); /* The ledger's recorded_at is months old in these tests. */
    cleaning_write(&cleaning, 19, 5, "old");
    database_execute(&cleaning.database, "INSERT INTO audit_dead_letters SELECT w.id, s, now() - s * interval '1 day', "
                                         "'refused', '{}' FROM audit_writers w, unnest(ARRAY[1, 20]) s");
    struct cleanup_work work = cleaning_all(cleaning.writer.store, 10);
    assert_int_equal(work.dead_letters, 1);
    assert_int_equal(work.ledger_rows, 1); /* The newest says where the writer stands. */
    assert_int_equal(work.writers, 0);     /* There is a dead letter of its. */

    database_execute(&cleaning.database, "DELETE FROM audit_dead_letters");
    assert_int_equal(cleaning_all(cleaning.writer.store, 10).writers, 1);
    assert_int_equal(number("SELECT count(*) FROM audit_writers"), 0);
    assert_int_equal(number("SELECT count(*) FROM audit_batches"), 0);
    assert_int_equal(number("SELECT sum(stored) FROM audit_accounting WHERE writer = 0"), 10);
    assert_int_equal(number("SELECT count(*) FROM audit_accounting WHERE writer <> 0"), 0);
}

static bool everybody_lives(void *context, const struct uuid *writer, int64_t pid)
{
    (void)writer;
    (void)pid;
    ++*(int *)context;
    return true;
}

static void a_writer_that_may_live_stays(void **state)
{
    (void)state;
    int                          asked = 0;
    struct store_cleanup_request request = cleaning_request(10);
    request.may_live = everybody_lives;
    request.context = &asked;
    cleaning_write(&cleaning, 20, 5, "old");
    struct cleanup_work work = cleaning_run_out(cleaning.writer.store, cleaning_claim(cleaning.writer.store, &request));
    assert_int_equal(work.writers, 0);
    assert_int_equal(asked, 1);
    assert_int_equal(number("SELECT count(*) FROM audit_writers"), 1);
}

/* Somebody holds `lock` in an open transaction: the run gives up on the day, records go on meanwhile, nothing that the
 * day's events need goes; the next run takes it. */
static void leaves_a_day_alone_while(const char *lock)
{
    cleaning_write(&cleaning, 20, 5, "old");
    cleaning_write(&cleaning, 3, 5, "fresh");
    PGconn *other = database_connect(&cleaning.database);
    run(other, "BEGIN");
    run(other, lock);

    struct store_cleanup_request request = cleaning_request(10);
    struct store_cleanup        *cleanup = cleaning_claim(cleaning.writer.store, &request);
    struct store                *second = database_open_store(&cleaning.database);
    struct cleanup_work          work = { 0 };
    int                          tries = 0;
    struct cleanup_step          step = { .phase = "" };
    for (; !step.finished; tries += strcmp(step.phase, "days") == 0) {
        step = cleaning_step(second, cleanup);
        work.partitions += step.work.partitions;
        work.writers += step.work.writers;
        work.references += step.work.references;
        cleaning_write(&cleaning, 3, 1, "fresh"); /* Waits for nobody: it would fail after 5 s. */
    }
    assert_in_range(tries, 10, 50);
    assert_int_equal(store_cleanup_end(second, cleanup, request.now_us, 7, NULL), TRAIL_OK);
    store_cleanup_free(cleanup);
    assert_int_equal(work.partitions + work.writers + work.references, 0);
    assert_int_equal(number("SELECT count(*) FROM audit_trail WHERE user_id = 'old'"), 5);

    run(other, "ROLLBACK");
    PQfinish(other);
    assert_int_equal(cleaning_all(second, 10).partitions, 1);
    store_close(second);
    assert_int_equal(cleaning_orphans(&cleaning), 0);
}

static void a_long_reader_of_the_day_is_not_disturbed(void **state)
{
    (void)state;
    leaves_a_day_alone_while("SELECT count(*) FROM audit_events WHERE timestamp < now() - interval '10 days'");
}

static void an_open_batch_on_that_day_is_not_disturbed(void **state)
{
    (void)state;
    leaves_a_day_alone_while("INSERT INTO audit_events SELECT * FROM audit_events WHERE timestamp < now() - interval "
                             "'10 days'");
}

static void an_open_batch_on_another_day_is_not_disturbed(void **state)
{
    (void)state;
    leaves_a_day_alone_while("INSERT INTO audit_events SELECT * FROM audit_events WHERE timestamp > now() - interval "
                             "'10 days'");
}

static void references_are_not_retired_under_an_open_batch(void **state)
{
    (void)state;
    cleaning_write(&cleaning, 20, 5, "old");
    PGconn *other = database_connect(&cleaning.database);
    run(other, "BEGIN; SELECT pg_advisory_xact_lock_shared(1096045132, 1)");
    assert_int_equal(cleaning_all(cleaning.writer.store, 10).references, 0);
    assert_int_equal(number("SELECT count(*) FROM audit_actors"), 1);
    run(other, "ROLLBACK");
    PQfinish(other);
    assert_int_equal(cleaning_all(cleaning.writer.store, 10).references, 3);
}

/* A reference that is used between the first look and its retirement. */
static void a_reference_that_came_into_use_meanwhile_stays(void **state)
{
    (void)state;
    cleaning_write(&cleaning, 20, 5, "back");
    struct store_cleanup_request request = cleaning_request(10);
    struct store_cleanup        *cleanup = cleaning_claim(cleaning.writer.store, &request);
    while (number("SELECT count(*) FROM audit_unused_references WHERE state = 1") == 0)
        assert_false(cleaning_step(cleaning.writer.store, cleanup).finished);
    cleaning_write(&cleaning, 0, 2, "back"); /* From its cache. */
    assert_int_equal(cleaning_run_out(cleaning.writer.store, cleanup).references, 0);
    assert_int_equal(number("SELECT count(*) FROM audit_trail WHERE user_id = 'back'"), 2);
    assert_int_equal(cleaning_orphans(&cleaning), 0);
    cleaning_write(&cleaning, 0, 2, "back");
    assert_int_equal(number("SELECT count(*) FROM audit_trail WHERE user_id = 'back'"), 4);
}

/* ---- Writers at work ---- */

#define WRITERS 3
#define ROUNDS 200

struct worker {
    pthread_t       thread;
    struct database database; /* A copy: its name and URL. */
    int             number;
    uint64_t        written;
};

/* Each round somebody new has old events; every other one comes back after some rounds, when a clean-up may have
 * deleted the references that the writer still knows. */
static void *work(void *context)
{
    struct worker  *worker = context;
    struct cleaning own = { .database = worker->database };
    char            user[32];
    pg_writer_open(&own.writer, &own.database, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        snprintf(user, sizeof user, "user%d of %d", round, worker->number);
        cleaning_write(&own, 200, 3, user); /* Strays: a day would be made and dropped all the time. */
        snprintf(user, sizeof user, "user%d of %d", (round > 20 ? round - 20 : 0) / 2 * 2, worker->number);
        cleaning_write(&own, 0, 3, user);
        worker->written += 6;
    }
    pg_writer_close(&own.writer);
    return NULL;
}

static void writers_with_warm_caches_lose_no_reference(void **state)
{
    (void)state;
    struct worker       workers[WRITERS];
    struct cleanup_work all = { 0 };
    uint64_t            written = 0;
    uint64_t            runs = 0;
    int                 asked = 0;
    for (int i = 0; i < WRITERS; i++) {
        workers[i] = (struct worker){ .database = cleaning.database, .number = i };
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    while (number("SELECT count(*) FROM audit_writers WHERE last_seq = 6 * 200") < WRITERS) {
        struct store_cleanup_request request = cleaning_request(10);
        request.may_live = everybody_lives;
        request.context = &asked;
        struct store_cleanup *cleanup = cleaning_claim(cleaning.writer.store, &request);
        struct cleanup_work   work_done = cleaning_run_out(cleaning.writer.store, cleanup);
        all.events += work_done.events;
        all.references += work_done.references;
        runs++;
        assert_int_equal(cleaning_orphans(&cleaning), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(workers[i].thread, NULL);
        written += workers[i].written;
    }
    print_message("%d writers, %d events: %d runs deleted %d events and %d references meanwhile\n", WRITERS,
                  (int)written, (int)runs, (int)all.events, (int)all.references);
    assert_true(all.references > 0 && all.events > 0);
    assert_int_equal(number("SELECT count(*) FROM audit_trail WHERE timestamp > now() - interval '10 days'"),
                     WRITERS * ROUNDS * 3);
    assert_int_equal(cleaning_orphans(&cleaning), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(days_and_strays_go_with_what_only_they_used, make, stop),
        cmocka_unit_test_setup_teardown(strays_go_in_batches, make, stop),
        cmocka_unit_test_setup_teardown(dead_letters_ledger_and_writers_go_and_the_sums_stay, make, stop),
        cmocka_unit_test_setup_teardown(a_writer_that_may_live_stays, make, stop),
        cmocka_unit_test_setup_teardown(a_long_reader_of_the_day_is_not_disturbed, make, stop),
        cmocka_unit_test_setup_teardown(an_open_batch_on_that_day_is_not_disturbed, make, stop),
        cmocka_unit_test_setup_teardown(an_open_batch_on_another_day_is_not_disturbed, make, stop),
        cmocka_unit_test_setup_teardown(references_are_not_retired_under_an_open_batch, make, stop),
        cmocka_unit_test_setup_teardown(a_reference_that_came_into_use_meanwhile_stays, make, stop),
        cmocka_unit_test_setup_teardown(writers_with_warm_caches_lose_no_reference, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
