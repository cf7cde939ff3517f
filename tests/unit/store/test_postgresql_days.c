/* test_postgresql_days.c -- which days get a partition, and what becomes of the events of the others.
 *
 * Goal: today and the next two days are there before an event needs them; days of the retention period are made when
 * they are met; what cannot be made loses nothing and is not asked for with every batch.
 * Method: a real server; a role without the privilege; the statements counted that the server ran. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/postgresql_store.h"
#include "store/postgresql_writer.h"

#define DAY_US (INT64_C(86400) * 1000000)

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

static struct event_record days_ago(uint64_t seq, int64_t days)
{
    struct event_record record = pg_writer_event(seq);
    record.event.timestamp_us -= days * DAY_US;
    return record;
}

static void must_write(struct setup *setup, const struct event_record *events, size_t count)
{
    if (pg_writer_write(&setup->writer, events, count) != TRAIL_OK)
        fail_msg("%s", setup->writer.error.message);
}

static void the_days_ahead_are_made_with_the_first_batch(void **state)
{
    (void)state;
    struct setup        setup;
    struct event_record event = days_ago(1, 0);
    set_up(&setup);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_days"), 0);
    must_write(&setup, &event, 1);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_days WHERE day BETWEEN"
                                    " (now() AT TIME ZONE 'UTC')::date AND (now() AT TIME ZONE 'UTC')::date + 2"),
                     3);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_days"), 3);
    tear_down(&setup);
}

static void only_days_of_the_retention_period_are_made(void **state)
{
    (void)state;
    struct setup        setup;
    struct event_record events[] = { days_ago(1, 90), days_ago(2, 91), days_ago(3, 89),
                                     days_ago(4, -2), days_ago(5, -3), days_ago(6, 0) };
    events[1].event.timestamp_us -= 1;
    set_up(&setup);
    must_write(&setup, events, 6);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_days"), 5);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events"), 4);
    char strays[1024];
    database_text(&setup.database, "SELECT string_agg(seq::text, ' ' ORDER BY seq) FROM audit_events_stray", strays);
    assert_string_equal(strays, "2 5");
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_trail"), 6);
    tear_down(&setup);
}

/* The first and the last microsecond of a day belong to it. */
static void a_day_ends_where_the_next_begins(void **state)
{
    (void)state;
    struct setup        setup;
    int64_t             today_us = clock_wall_us(&clock_system) / DAY_US * DAY_US;
    struct event_record events[] = { days_ago(1, 0), days_ago(2, 0) };
    events[0].event.timestamp_us = today_us - 1;
    events[1].event.timestamp_us = today_us;
    set_up(&setup);
    must_write(&setup, events, 2);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events"), 2);
    assert_int_equal(number(&setup, "SELECT count(DISTINCT tableoid) FROM audit_events"), 2);
    tear_down(&setup);
}

static int64_t transactions(const struct setup *setup)
{
    database_execute(&setup->database, "SELECT pg_stat_force_next_flush()");
    return number(setup, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()");
}

/* Every day of ten years once: those of the retention period are made together, the others cost nothing. */
static void a_flood_of_old_dates_is_made_together(void **state)
{
    (void)state;
    enum { COUNT = 3650 };
    struct setup         setup;
    struct event_record *events = calloc(COUNT, sizeof *events);
    assert_non_null(events);
    for (int i = 0; i < COUNT; i++)
        events[i] = days_ago((uint64_t)i + 1, i);
    set_up(&setup);
    int64_t before = transactions(&setup);
    must_write(&setup, events, COUNT);
    pg_writer_close(&setup.writer); /* The server counts what a session did when it ends, at the latest. */
    int64_t spent = transactions(&setup) - before;
    print_message("%lld transactions for %d days\n", (long long)spent, COUNT);
    assert_in_range(spent, 3, 60); /* Fewer than days are made; the autovacuum and this look at it count as well. */
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_days"), 93);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events"), 91);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_trail"), COUNT);
    free(events);
    database_drop(&setup.database);
}

/* ---- When the server says no ---- */

static void refuse_days(const struct setup *setup, bool refuse)
{
    database_execute(&setup->database, refuse ? "ALTER FUNCTION audit_create_days(date, date) RENAME TO hidden"
                                              : "ALTER FUNCTION hidden(date, date) RENAME TO audit_create_days");
}

static void events_of_days_that_cannot_be_made_are_strays(void **state)
{
    (void)state;
    struct setup setup;
    set_up(&setup);
    refuse_days(&setup, true);
    struct event_record events[] = { days_ago(1, 0), days_ago(2, 1), days_ago(3, 0), days_ago(4, 0) };
    must_write(&setup, events, 2);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events_stray"), 2);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_trail"), 2);

    /* It is possible again, but is not asked for again at once. */
    refuse_days(&setup, false);
    must_write(&setup, events + 2, 1);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_days"), 0);

    postgresql_store_of(setup.writer.store)->days.refused_until_us = 1; /* The minute is over. */
    must_write(&setup, events + 3, 1);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_days"), 3);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events WHERE seq = 4"), 1);
    tear_down(&setup);
}

/* What stands in the way of an old day does not keep today from being made. */
static void an_old_day_that_cannot_be_made_does_not_harm_today(void **state)
{
    (void)state;
    struct setup        setup;
    struct event_record events[] = { days_ago(1, 30), days_ago(2, 0) };
    set_up(&setup);
    database_execute(&setup.database,
                     "DO $$ BEGIN EXECUTE format('CREATE TABLE audit_events_20000101 PARTITION OF audit_events"
                     " FOR VALUES FROM (%L) TO (%L)', now() - interval '40 days', now() - interval '20 days'); END $$");
    must_write(&setup, events, 2);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events WHERE seq = 2"), 1);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events_stray WHERE seq = 1"), 1);
    tear_down(&setup);
}

/* Another process made it: a look is enough. */
static void days_that_others_made_are_seen(void **state)
{
    (void)state;
    struct setup        setup;
    struct event_record events[] = { days_ago(1, 0), days_ago(2, 5) };
    set_up(&setup);
    must_write(&setup, events, 1);
    database_execute(&setup.database, "SELECT audit_create_days((now() AT TIME ZONE 'UTC')::date - 5,"
                                      " (now() AT TIME ZONE 'UTC')::date - 5)");
    refuse_days(&setup, true);
    must_write(&setup, events + 1, 1);
    assert_int_equal(number(&setup, "SELECT count(*) FROM audit_events"), 2);
    tear_down(&setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_days_ahead_are_made_with_the_first_batch),
        cmocka_unit_test(only_days_of_the_retention_period_are_made),
        cmocka_unit_test(a_day_ends_where_the_next_begins),
        cmocka_unit_test(a_flood_of_old_dates_is_made_together),
        cmocka_unit_test(events_of_days_that_cannot_be_made_are_strays),
        cmocka_unit_test(an_old_day_that_cannot_be_made_does_not_harm_today),
        cmocka_unit_test(days_that_others_made_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
