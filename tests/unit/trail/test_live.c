/* test_live.c -- the running part begins with the first event that is offered, once, and ends with its own last record.
 *
 * Goal:   nothing is opened before it is needed; whatever opens it, trail_started is the first record and the only one
 *         of its kind, however many threads bring the first event; what cannot be opened is tried again, not too often
 *         and not told too often; who records, for which store and under which policy stands in what is written.
 * Method: a real trail; for the back-off its clock is turned by hand; the failures are a regular file, and a file
 *         system, in the place of the spool directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/sampling_key.h"
#include "support/manual_clock.h"
#include "trail/trail_fixture.h"
#include "trail/trail_state.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define OPEN_AGAIN_US 500000 /* As in live.c: what is promised is "not at once" and "within a second". */

static struct trail_fixture fixture;

static int make(void **state)
{
    (void)state;
    trail_fixture_init(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    trail_fixture_done(&fixture);
    return 0;
}

/* ---- What opens it ---- */

static void the_first_event_offered_opens_it_whatever_becomes_of_the_event(void **state)
{
    (void)state;
    static const struct {
        const char    *action;
        enum trail_err err;
    } cases[] = {
        { "create_tool", TRAIL_OK },
        { "get_tool", TRAIL_REFUSED },
        { "create_noise", TRAIL_REFUSED },
        { "", TRAIL_EINVAL },
    };
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=writes_only");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_EXCLUDE_ACTIONS=create_noise");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_event event = trail_fixture_event(cases[i].action);
        trail_fixture_open(&fixture);
        if (i == 0)
            assert_int_equal(temp_dir_count(fixture.dir.path), 0);
        else
            assert_int_equal(temp_dir_count(fixture.spool_dir), 0);
        assert_null(trail_live_now(fixture.trail));
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), cases[i].err);
        assert_non_null(trail_live_now(fixture.trail));
        assert_true(temp_dir_exists(trail_fixture_only_spool(&fixture)));
        assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    }
}

/* ---- The record of the start, and of the stop ---- */

static void the_start_is_the_first_record_and_says_what_an_auditor_needs(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "\"service\":\"fixture\"",
        "\"version\":\"" TRAIL_VERSION "\"",
        "\"policy\":\"level all; always recorded: deletes, auth; not recorded: nothing; excluded "
        "actions: a\\\"b; sampled, the rest is not recorded: 0.25 of read\"",
        "\"AUDIT_TRAIL_LEVEL\":\"all\"",
        "\"AUDIT_TRAIL_ALWAYS_RECORD\":\"deletes,auth\"",
        "\"AUDIT_TRAIL_ACTION_MAP\":\"x=read\"",
        "\"AUDIT_TRAIL_SAMPLE_RATE\":\"1.0\"",
        "\"AUDIT_TRAIL_SAMPLE_READS\":\"0.25\"",
        "\"AUDIT_TRAIL_DURABILITY\":\"process\"",
        "\"AUDIT_TRAIL_OVERFLOW\":\"fail\"",
        "\"AUDIT_TRAIL_ASYNC\":\"true\""
    };
    char context[1024];
    trail_fixture_set(&fixture, "AUDIT_TRAIL_EXCLUDE_ACTIONS=a\"b");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_ALWAYS_RECORD=auth,deletes");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_ACTION_MAP=x=read");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SAMPLE_READS=.25");
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_started'"), 1);
    assert_int_equal(
        trail_fixture_rows(&fixture, "action = 'trail_started' AND seq = 1 AND flags = 64 AND operation = 'audit' AND "
                                     "user_id = 'system' AND resource_type = 'audit_trail' AND json_valid(context)"),
        1);
    /* In two parts, because one answer has no more room. */
    trail_fixture_text(&fixture, "SELECT substr(context, 1, 500) FROM audit_trail WHERE action = 'trail_started'",
                       context);
    trail_fixture_text(&fixture, "SELECT substr(context, 501) FROM audit_trail WHERE action = 'trail_started'",
                       context + strlen(context));
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (strstr(context, parts[i]) == NULL)
            fail_msg("%s lacks %s", context, parts[i]);
    }
}

/* What the last start says of the run before. */
static void assert_last_start(const char *path, const char *expected)
{
    char sql[256];
    char text[512];
    trail_fixture_flush(&fixture);
    snprintf(sql, sizeof sql,
             "SELECT json_extract(context, '$.%s') FROM audit_trail WHERE action = 'trail_started' ORDER BY "
             "timestamp_us DESC LIMIT 1",
             path);
    trail_fixture_text(&fixture, sql, text);
    assert_string_equal(text, expected);
}

static void a_start_says_how_the_last_run_ended_and_what_changed_since(void **state)
{
    (void)state;
    struct manual_clock clock;
    manual_clock_init(&clock);
    trail_fixture_open(&fixture);
    fixture.trail->clock = &clock.clock;
    trail_fixture_record(&fixture, "create_tool");
    assert_last_start("last_run", "NULL");
    assert_last_start("changed", "NULL");
    manual_clock_advance(&clock, 1000000);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);

    manual_clock_advance(&clock, INT64_C(3600) * 1000000);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=deletes_only");
    trail_fixture_open(&fixture);
    fixture.trail->clock = &clock.clock;
    trail_fixture_record(&fixture, "delete_tool");
    assert_last_start("last_run.seen", "2026-11-24T06:00:01.000000Z");
    assert_last_start("last_run.ended", "stopped");
    assert_last_start("last_run.off_seconds", "3600");
    assert_last_start("changed", "{\"AUDIT_TRAIL_LEVEL\":{\"old\":\"all\",\"new\":\"deletes_only\"}}");
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK); /* Before its clock goes. */
}

static void a_run_that_refused_everything_leaves_the_change_to_the_next(void **state)
{
    (void)state;
    struct trail_event event = trail_fixture_event("get_tool");
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=deletes_only");
    trail_fixture_open(&fixture);
    assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), TRAIL_REFUSED);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "delete_tool");
    assert_last_start("changed.AUDIT_TRAIL_LEVEL.old", "all");
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "delete_tool");
    assert_last_start("changed", "{}");
}

static void what_cannot_be_remembered_is_told_once_and_stops_nothing(void **state)
{
    (void)state;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SPOOL_DIR=%s", fixture.spool_dir);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_DATABASE_URL=sqlite:%s", fixture.database);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_STATE_DIR=/dev/null/state");
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_record(&fixture, "create_tool");
    assert_int_equal(trail_fixture_notices(&fixture), 1);
    assert_true(trail_fixture_was_told(&fixture, "/dev/null/state"));
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    assert_int_equal(trail_fixture_notices(&fixture), 1);
    assert_int_equal(trail_fixture_rows(&fixture, "1"), 4);
}

static void the_stop_is_the_last_record(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_record(&fixture, "create_tool");
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_stopped' AND seq = 4 AND flags = 64"), 1);
    assert_int_equal(trail_fixture_rows(&fixture, "1"), 4);
    assert_int_equal(trail_fixture_number(&fixture, "SELECT last_seq FROM audit_writers"), 4);
}

static void what_recorded_nothing_neither_started_nor_stopped(void **state)
{
    (void)state;
    struct trail_event event = trail_fixture_event("get_tool");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=writes_only");
    trail_fixture_open(&fixture);
    for (int i = 0; i < 5; i++)
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), TRAIL_REFUSED);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    assert_int_equal(trail_fixture_rows(&fixture, "1"), 0);
    /* What it refused is in the store nevertheless. */
    assert_int_equal(trail_fixture_number(&fixture, "SELECT level FROM audit_accounting WHERE operation = 2"), 5);
    assert_int_equal(temp_dir_count(fixture.spool_dir), 0);
}

static void the_writer_is_told_to_the_store(void **state)
{
    (void)state;
    char sql[256];
    char host[65] = "";
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM audit_writers WHERE pid = %d AND service = 'fixture' AND version = '%s' AND host = "
             "'%s' AND started_at > 0",
             (int)getpid(), trail_version(), host);
    assert_int_equal(trail_fixture_number(&fixture, sql), 1);
}

/* ---- Many threads bring the first event ---- */

#define THREADS 8
#define ROUNDS 10

struct racers {
    struct trail     *trail;
    pthread_barrier_t start;
    uint64_t          recorded; /* Atomic. */
};

static void *race(void *argument)
{
    struct racers     *racers = argument;
    struct trail_event event = trail_fixture_event("create_tool");
    pthread_barrier_wait(&racers->start);
    if (trail_record(racers->trail, &event, NULL, NULL) == TRAIL_OK)
        __atomic_fetch_add(&racers->recorded, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void threads_that_race_for_the_first_event_start_it_once(void **state)
{
    (void)state;
    for (int round = 1; round <= ROUNDS; round++) {
        struct racers racers = { 0 };
        pthread_t     threads[THREADS];
        trail_fixture_open(&fixture);
        racers.trail = fixture.trail;
        pthread_barrier_init(&racers.start, NULL, THREADS);
        for (size_t i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, race, &racers), 0);
        for (size_t i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        pthread_barrier_destroy(&racers.start);
        assert_int_equal(racers.recorded, THREADS);
        (void)trail_fixture_only_spool(&fixture); /* There is only one. */
        assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
        assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_started' AND seq = 1"), round);
        assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_started'"), round);
        assert_int_equal(trail_fixture_number(&fixture, "SELECT count(*) FROM audit_writers"), round);
        assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool'"), round * THREADS);
    }
}

/* ---- It cannot be opened ---- */

static void put_file(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void what_cannot_be_opened_is_tried_again_after_a_while(void **state)
{
    (void)state;
    struct manual_clock clock;
    struct trail_event  event = trail_fixture_event("create_tool");
    struct trail_id     id = { "untouched" };
    struct trail_error  error = { .message = "" };
    const char         *obstacle = temp_dir_at(&fixture.dir, "spool");

    put_file(obstacle);
    trail_fixture_open(&fixture);
    manual_clock_init(&clock);
    fixture.trail->clock = &clock.clock;

    enum trail_err err = trail_record(fixture.trail, &event, &id, &error);
    assert_true(err < 0);
    assert_int_equal(error.code, err);
    assert_non_null(strstr(error.message, fixture.spool_dir));
    assert_string_equal(id.text, "untouched");
    assert_int_equal(trail_fixture_notices(&fixture), 1);

    /* Too early: the same answer, without a look at the disk. */
    assert_int_equal(remove(obstacle), 0);
    manual_clock_advance(&clock, OPEN_AGAIN_US - 1);
    struct trail_error again = { .message = "" };
    assert_int_equal(trail_record(fixture.trail, &event, &id, &again), err);
    assert_string_equal(again.message, error.message);
    assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), err);
    assert_false(temp_dir_exists(fixture.spool_dir));
    assert_int_equal(trail_fixture_notices(&fixture), 1);
    assert_int_equal(trail_fixture_stats(&fixture).operations[TRAIL_OPERATION_CREATE].rejected, 3);

    manual_clock_advance(&clock, 1);
    assert_int_equal(trail_record(fixture.trail, &event, &id, NULL), TRAIL_OK);
    assert_true(id.text[14] == '7');
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(stats.operations[TRAIL_OPERATION_CREATE].rejected, 3);
    assert_int_equal(stats.operations[TRAIL_OPERATION_CREATE].recorded, 1);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'trail_started' AND seq = 1"), 1);
}

static void a_failure_that_goes_on_is_told_once(void **state)
{
    (void)state;
    struct manual_clock clock;
    struct trail_event  event = trail_fixture_event("create_tool");
    put_file(temp_dir_at(&fixture.dir, "spool"));
    trail_fixture_open(&fixture);
    manual_clock_init(&clock);
    fixture.trail->clock = &clock.clock;
    for (int i = 1; i <= 5; i++) {
        assert_true(trail_record(fixture.trail, &event, NULL, NULL) < 0);
        assert_int_equal(trail_fixture_notices(&fixture), 1);
        manual_clock_advance(&clock, OPEN_AGAIN_US);
    }
    assert_int_equal(trail_fixture_stats(&fixture).operations[TRAIL_OPERATION_CREATE].rejected, 5);
    assert_int_equal(trail_flush(fixture.trail, 0), TRAIL_OK);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
}

static void text_that_is_no_event_is_counted_without_a_spool_too(void **state)
{
    (void)state;
    struct trail_error error = { .message = "" };
    put_file(temp_dir_at(&fixture.dir, "spool"));
    trail_fixture_open(&fixture);
    assert_int_equal(trail_record_json(fixture.trail, TRAIL_TEXT("[]"), NULL, &error), TRAIL_EINVAL);
    assert_non_null(strstr(error.message, "JSON object"));
    assert_int_equal(trail_fixture_stats(&fixture).operations[TRAIL_OPERATION_OTHER].rejected, 1);
}

static void a_memory_file_system_cannot_keep_the_promise_of_machine(void **state)
{
    (void)state;
    struct trail_event event = trail_fixture_event("create_tool");
    struct trail_error error = { .message = "" };
    enum os_filesystem kind = OS_FILESYSTEM_OTHER;
    if (os_filesystem_of("/dev/shm", &kind, NULL) != TRAIL_OK || kind != OS_FILESYSTEM_MEMORY)
        skip();
    char spool[64] = "/dev/shm/audittrail-XXXXXX";
    assert_non_null(mkdtemp(spool));
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SPOOL_DIR=%s", spool);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_DURABILITY=machine");
    trail_fixture_open(&fixture);
    assert_int_equal(trail_record(fixture.trail, &event, NULL, &error), TRAIL_EUNSUPPORTED);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_DURABILITY"));
    assert_int_equal(temp_dir_count(spool), 0);
    assert_int_equal(rmdir(spool), 0);
}

/* ---- The sampling key ---- */

static void the_key_is_made_by_the_first_event_where_something_is_sampled(void **state)
{
    (void)state;
    static const struct {
        const char *rate, *reads;
        bool        expected;
    } cases[] = {
        { "1", "1", false }, { "0.5", "0.5", true }, { "1", "0.5", true }, { "0.5", "1", true }, { "0", "0", true }
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *key = temp_dir_at(&fixture.dir, SAMPLING_KEY_FILE_NAME);
        trail_fixture_set(&fixture, "AUDIT_TRAIL_SAMPLE_RATE=%s", cases[i].rate);
        trail_fixture_set(&fixture, "AUDIT_TRAIL_SAMPLE_READS=%s", cases[i].reads);
        trail_fixture_open(&fixture);
        assert_false(temp_dir_exists(key));
        trail_fixture_record(&fixture, "delete_tool");
        assert_int_equal(temp_dir_exists(key), cases[i].expected);
        assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
        (void)remove(key);
    }
    assert_int_equal(trail_fixture_notices(&fixture), 0);
}

#define IDS 300

/* Which of these requests are kept by a trail that is opened for it; returns how many. */
static int kept_requests(bool kept[IDS])
{
    int count = 0;
    trail_fixture_open(&fixture);
    for (int i = 0; i < IDS; i++) {
        char               id[32];
        struct trail_event event = trail_fixture_event("create_tool");
        snprintf(id, sizeof id, "request-%d", i);
        event.correlation_id = trail_str(id);
        kept[i] = trail_record(fixture.trail, &event, NULL, NULL) == TRAIL_OK;
        count += kept[i];
    }
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    return count;
}

static void every_start_keeps_the_same_requests_until_the_key_is_another(void **state)
{
    (void)state;
    bool first[IDS], second[IDS], third[IDS];
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SAMPLE_RATE=0.5");
    int count = kept_requests(first);
    assert_true(count > IDS / 4 && count < IDS * 3 / 4);
    assert_int_equal(kept_requests(second), count);
    assert_memory_equal(first, second, sizeof first);
    assert_int_equal(remove(temp_dir_at(&fixture.dir, SAMPLING_KEY_FILE_NAME)), 0);
    (void)kept_requests(third);
    assert_memory_not_equal(first, third, sizeof first);
}

static void without_a_key_to_share_it_samples_by_its_own_and_says_so(void **state)
{
    (void)state;
    bool        first[IDS], second[IDS];
    const char *key = temp_dir_at(&fixture.dir, SAMPLING_KEY_FILE_NAME);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SAMPLE_RATE=0.5");
    put_file(key); /* Too short. */
    int count = kept_requests(first);
    assert_true(count > IDS / 4 && count < IDS * 3 / 4);
    assert_int_equal(trail_fixture_notices(&fixture), 1);
    assert_true(trail_fixture_was_told(&fixture,
                                       "has less than the 16 bytes of a key: this process samples by a key of "
                                       "its own"));
    assert_true(trail_fixture_was_told(&fixture, key));
    (void)kept_requests(second);
    assert_memory_not_equal(first, second, sizeof first);
    assert_int_equal(trail_fixture_notices(&fixture), 2);
    assert_true(temp_dir_exists(key)); /* Nobody has put another in its place. */
}

static void a_key_that_is_missing_is_told_once_although_the_spool_fails_for_long(void **state)
{
    (void)state;
    struct manual_clock clock;
    struct trail_event  event = trail_fixture_event("create_tool");
    put_file(temp_dir_at(&fixture.dir, "spool"));
    put_file(temp_dir_at(&fixture.dir, SAMPLING_KEY_FILE_NAME));
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SAMPLE_RATE=0.5");
    trail_fixture_open(&fixture);
    manual_clock_init(&clock);
    fixture.trail->clock = &clock.clock;
    for (int i = 1; i <= 5; i++) {
        assert_true(trail_record(fixture.trail, &event, NULL, NULL) < 0);
        assert_int_equal(trail_fixture_notices(&fixture), 2);
        manual_clock_advance(&clock, OPEN_AGAIN_US);
    }
}

static void a_stop_that_runs_out_of_time_tells_of_the_spools_of_others(void **state)
{
    (void)state;
    FILE *blocker = fopen(temp_dir_at(&fixture.dir, "none"), "w"); /* No folder can be made there. */
    assert_non_null(blocker);
    fclose(blocker);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=0");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_DATABASE_URL=sqlite:%s/none/audit.db", fixture.dir.path);
    for (size_t others = 0; others < 3; others++) {
        char expected[64];
        trail_fixture_open(&fixture);
        trail_fixture_record(&fixture, "create_tool");
        assert_int_equal(trail_fixture_close(&fixture), TRAIL_PENDING);
        snprintf(expected, sizeof expected, "%zu spool%s of %s", others, others == 1 ? "" : "s",
                 others == 1 ? "another process is not stored" : "other processes are not stored");
        assert_int_equal(trail_fixture_was_told(&fixture, expected), others > 0);
    }
    assert_int_equal(remove(temp_dir_at(&fixture.dir, "none")), 0);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=20");
    size_t told = trail_fixture_notices(&fixture);
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    assert_int_equal(trail_fixture_notices(&fixture), told); /* All are stored: nothing to tell. */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_event_offered_opens_it_whatever_becomes_of_the_event, make, stop),
        cmocka_unit_test_setup_teardown(the_start_is_the_first_record_and_says_what_an_auditor_needs, make, stop),
        cmocka_unit_test_setup_teardown(a_start_says_how_the_last_run_ended_and_what_changed_since, make, stop),
        cmocka_unit_test_setup_teardown(a_run_that_refused_everything_leaves_the_change_to_the_next, make, stop),
        cmocka_unit_test_setup_teardown(what_cannot_be_remembered_is_told_once_and_stops_nothing, make, stop),
        cmocka_unit_test_setup_teardown(the_stop_is_the_last_record, make, stop),
        cmocka_unit_test_setup_teardown(what_recorded_nothing_neither_started_nor_stopped, make, stop),
        cmocka_unit_test_setup_teardown(the_writer_is_told_to_the_store, make, stop),
        cmocka_unit_test_setup_teardown(threads_that_race_for_the_first_event_start_it_once, make, stop),
        cmocka_unit_test_setup_teardown(what_cannot_be_opened_is_tried_again_after_a_while, make, stop),
        cmocka_unit_test_setup_teardown(a_failure_that_goes_on_is_told_once, make, stop),
        cmocka_unit_test_setup_teardown(a_stop_that_runs_out_of_time_tells_of_the_spools_of_others, make, stop),
        cmocka_unit_test_setup_teardown(text_that_is_no_event_is_counted_without_a_spool_too, make, stop),
        cmocka_unit_test_setup_teardown(a_memory_file_system_cannot_keep_the_promise_of_machine, make, stop),
        cmocka_unit_test_setup_teardown(the_key_is_made_by_the_first_event_where_something_is_sampled, make, stop),
        cmocka_unit_test_setup_teardown(every_start_keeps_the_same_requests_until_the_key_is_another, make, stop),
        cmocka_unit_test_setup_teardown(without_a_key_to_share_it_samples_by_its_own_and_says_so, make, stop),
        cmocka_unit_test_setup_teardown(a_key_that_is_missing_is_told_once_although_the_spool_fails_for_long, make,
                                        stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
