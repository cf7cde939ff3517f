/* postgresql_cleaning.c -- a database with a writer, events of whatever day, and clean-ups of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/postgresql_cleaning.h"

#include "base/clock.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define EVENTS_MAX 100

/* More than any run of a test takes. */
#define STEPS_MAX 2000

void cleaning_open(struct cleaning *cleaning)
{
    database_create(&cleaning->database);
    pg_writer_open(&cleaning->writer, &cleaning->database, NULL);
}

void cleaning_close(struct cleaning *cleaning)
{
    pg_writer_close(&cleaning->writer);
    database_drop(&cleaning->database);
}

void cleaning_write(struct cleaning *cleaning, int days_ago, size_t count, const char *user)
{
    struct event_record events[EVENTS_MAX];
    int64_t             today_us = clock_wall_us(&clock_system) / DAY_US * DAY_US;
    assert_true(count <= EVENTS_MAX);
    for (size_t i = 0; i < count; i++) {
        events[i] = fixture_event(cleaning->writer.last_seq + 1 + i);
        events[i].event.timestamp_us = today_us - days_ago * DAY_US + DAY_US / 2 + (int64_t)i;
        events[i].event.user_id = trail_str(user);
        events[i].event.resource_id = trail_str(user);
        events[i].event.action = trail_str(user);
    }
    if (pg_writer_write(&cleaning->writer, events, count) != TRAIL_OK)
        fail_msg("%s", cleaning->writer.error.message);
}

static bool nobody_lives(void *context, const struct uuid *writer, int64_t pid)
{
    (void)context;
    (void)writer;
    (void)pid;
    return false;
}

struct store_cleanup_request cleaning_request(int days)
{
    int64_t now_us = clock_wall_us(&clock_system);
    return (struct store_cleanup_request){
        .now_us = now_us,
        .boot_us = 1000000,
        .cut_off_us = now_us - days * DAY_US,
        .rows_max = 1000,
        .service = TRAIL_TEXT("test"),
        .host = TRAIL_TEXT("host"),
        .pid = 1,
        .may_live = nobody_lives,
    };
}

struct store_cleanup *cleaning_claim(struct store *store, const struct store_cleanup_request *request)
{
    struct cleanup_answer answer;
    struct store_cleanup *cleanup = NULL;
    struct trail_error    error = { 0 };
    if (store_cleanup_begin(store, request, &answer, &cleanup, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    if (answer.verdict != CLEANUP_CLAIMED)
        fail_msg("verdict %d: %s", (int)answer.verdict, answer.reason);
    return cleanup;
}

struct cleanup_step cleaning_step(struct store *store, struct store_cleanup *cleanup)
{
    struct cleanup_step step;
    struct trail_error  error = { 0 };
    if (store_cleanup_step(store, cleanup, 1, &step, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    return step;
}

struct cleanup_work cleaning_run_out(struct store *store, struct store_cleanup *cleanup)
{
    struct cleanup_work work = { 0 };
    struct cleanup_step step = { 0 };
    struct trail_error  error = { 0 };
    for (int steps = 0; !step.finished; steps++) {
        assert_true(steps < STEPS_MAX); /* Ends. */
        step = cleaning_step(store, cleanup);
        work.events += step.work.events;
        work.batches += step.work.batches;
        work.partitions += step.work.partitions;
        work.dead_letters += step.work.dead_letters;
        work.references += step.work.references;
        work.ledger_rows += step.work.ledger_rows;
        work.writers += step.work.writers;
    }
    if (store_cleanup_end(store, cleanup, clock_wall_us(&clock_system), 7, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    store_cleanup_free(cleanup);
    return work;
}

struct cleanup_work cleaning_all(struct store *store, int days)
{
    struct store_cleanup_request request = cleaning_request(days);
    return cleaning_run_out(store, cleaning_claim(store, &request));
}

int64_t cleaning_orphans(const struct cleaning *cleaning)
{
    return database_number(
        &cleaning->database,
        "SELECT count(*) FROM (SELECT * FROM audit_events UNION ALL SELECT * FROM audit_events_stray) e "
        "LEFT JOIN audit_writers w ON w.id = e.writer LEFT JOIN audit_actors u ON u.id = e.actor "
        "LEFT JOIN audit_resources r ON r.id = e.resource LEFT JOIN audit_actions a ON a.id = e.action "
        "LEFT JOIN audit_routes h ON h.id = e.route "
        "WHERE w.id IS NULL OR u.id IS NULL OR r.id IS NULL OR a.id IS NULL "
        "OR (e.route IS NOT NULL AND h.id IS NULL)");
}
