/* test_trail.c -- opening says everything that is wrong and touches nothing; the numbers add up; closing stores.
 *
 * Goal:   wrong settings are told one by one and leave nothing behind; what is described is what is in force; the
 *         numbers of trail_stats() account for every event offered; flush and close do what they say for a trail that
 *         ran, one that never did, and one whose store is away.
 * Method: a real trail on a folder; the folder is looked at from outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/patience.h"
#include "trail/room.h"
#include "trail/trail_fixture.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct trail_fixture fixture;

static int make(void **state)
{
    (void)state;
    trail_fixture_init(&fixture);
    return 0;
}

static int start(void **state)
{
    (void)state;
    trail_fixture_start(&fixture);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    trail_fixture_done(&fixture);
    return 0;
}

static bool nothing_was_made(void)
{
    return temp_dir_count(fixture.dir.path) == 0;
}

/* ---- Opening ---- */

static void every_wrong_setting_is_told_and_the_first_is_returned(void **state)
{
    (void)state;
    struct trail_error error = { .code = TRAIL_OK };
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=everything");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SPOOL_MAX_BYTES=1KiB");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_ASYNC=perhaps");
    assert_int_equal(trail_fixture_try_open(&fixture, &error), TRAIL_ECONFIG);
    assert_null(fixture.trail);
    assert_int_equal(error.code, TRAIL_ECONFIG);
    assert_int_equal(trail_fixture_notices(&fixture), 3);
    static const char *const names[] = { "AUDIT_TRAIL_LEVEL", "AUDIT_TRAIL_SPOOL_MAX_BYTES", "AUDIT_TRAIL_ASYNC" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_true(trail_fixture_was_told(&fixture, names[i]));
        assert_int_equal(fixture.notices[i].code, TRAIL_ECONFIG);
    }
    assert_string_equal(error.message, fixture.notices[0].message);
    assert_true(nothing_was_made());
}

static void each_of_many_wrong_settings_is_refused_alone(void **state)
{
    (void)state;
    static const struct {
        const char *setting;
        const char *name; /* What the message must name. */
    } cases[] = {
        { "AUDIT_TRAIL_ENABLED=maybe", "AUDIT_TRAIL_ENABLED" },
        { "AUDIT_TRAIL_LEVEL=none", "AUDIT_TRAIL_LEVEL" },
        { "AUDIT_TRAIL_BUFFER_MAX_SIZE=0", "AUDIT_TRAIL_BUFFER_MAX_SIZE" },
        { "AUDIT_TRAIL_DATABASE_URL=oracle:x", "AUDIT_TRAIL_DATABASE_URL" },
        { "AUDIT_TRAIL_DATABASE_URL=sqlite://x", "AUDIT_TRAIL_DATABASE_URL" },
        { "AUDIT_TRAIL_OVERFLOW=panic", "AUDIT_TRAIL_OVERFLOW" },
        { "AUDIT_TRAIL_DURABILITY=eternal", "AUDIT_TRAIL_DURABILITY" },
        { "NO_SUCH=1", "NO_SUCH" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *const          settings[] = { fixture.settings[0], cases[i].setting, NULL };
        const struct trail_options options = { TRAIL_OPTIONS_INIT, .settings = settings, .env_file = "" };
        struct trail              *trail = NULL;
        struct trail_error         error = { .message = "" };
        if (trail_open(&trail, &options, &error) != TRAIL_ECONFIG || strstr(error.message, cases[i].name) == NULL)
            fail_msg("%s: %s", cases[i].setting, error.message);
        assert_null(trail);
        assert_int_equal(trail_open(&trail, &options, NULL), TRAIL_ECONFIG);
    }
    assert_true(nothing_was_made());
}

static void a_warning_is_told_and_does_not_stop_it(void **state)
{
    (void)state;
    struct trail_error error = { .code = TRAIL_EIO };
    setenv("AUDIT_TRAIL_LEVLE", "all", 1);
    enum trail_err err = trail_fixture_try_open(&fixture, &error);
    unsetenv("AUDIT_TRAIL_LEVLE");
    assert_int_equal(err, TRAIL_OK);
    assert_int_equal(error.code, TRAIL_EIO); /* Untouched. */
    assert_int_equal(trail_fixture_notices(&fixture), 1);
    assert_int_equal(fixture.notices[0].code, TRAIL_OK);
    assert_true(trail_fixture_was_told(&fixture, "AUDIT_TRAIL_LEVLE"));
}

static void options_of_an_absurd_size_are_refused(void **state)
{
    (void)state;
    const char *const   settings[] = { fixture.settings[0], NULL };
    static const size_t sizes[] = { 0, 1, sizeof(struct trail_options) - 1, 4097, SIZE_MAX };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const struct trail_options options = { .struct_size = sizes[i], .settings = settings, .env_file = "" };
        struct trail              *trail = NULL;
        struct trail_error         error = { .message = "" };
        assert_int_equal(trail_open(&trail, &options, &error), TRAIL_EINVAL);
        assert_non_null(strstr(error.message, "TRAIL_OPTIONS_INIT"));
        assert_null(trail);
    }
    assert_int_equal(trail_open(NULL, NULL, NULL), TRAIL_EINVAL);
}

static void a_newer_caller_opens_with_what_is_known_here(void **state)
{
    (void)state;
    const char *const settings[] = { fixture.settings[0], "AUDIT_TRAIL_LEVEL=deletes_only", NULL };
    struct {
        struct trail_options options;
        void                *future;
    } wide = { .options = { .settings = settings, .env_file = "" }, .future = &wide };
    char text[256];
    wide.options.struct_size = sizeof wide;
    assert_int_equal(trail_open(&fixture.trail, &wide.options, NULL), TRAIL_OK);
    (void)trail_describe(fixture.trail, text, sizeof text);
    assert_non_null(strstr(text, "deletes_only"));
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void the_env_file_stands_below_the_environment_and_the_options(void **state)
{
    (void)state;
    char text[512];
    fixture.env_file = temp_dir_at(&fixture.dir, "audit.env");
    write_file(fixture.env_file, "AUDIT_TRAIL_LEVEL=deletes_only\nAUDIT_TRAIL_EXCLUDE_ACTIONS=from_file\n"
                                 "AUDIT_TRAIL_EXCLUDE_RESOURCES=from_file\n");
    setenv("AUDIT_TRAIL_EXCLUDE_RESOURCES", "from_environment", 1);
    trail_fixture_open(&fixture);
    unsetenv("AUDIT_TRAIL_EXCLUDE_RESOURCES");
    (void)trail_describe(fixture.trail, text, sizeof text);
    assert_string_equal(text, "level all; not recorded: nothing; excluded actions: from_file; excluded resources: "
                              "from_environment");
}

static void an_env_file_that_is_named_must_be_there_and_right(void **state)
{
    (void)state;
    struct trail_error error = { .message = "" };
    fixture.env_file = temp_dir_at(&fixture.dir, "missing.env");
    assert_int_equal(trail_fixture_try_open(&fixture, &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "missing.env"));
    write_file(fixture.env_file, "AUDIT_TRAIL_OVERFLOW=panic\n");
    assert_int_equal(trail_fixture_try_open(&fixture, &error), TRAIL_ECONFIG);
    assert_non_null(strstr(error.message, "AUDIT_TRAIL_OVERFLOW"));
    write_file(fixture.env_file, "AUDIT_TRAIL_OVERFLOW=drop\n");
    trail_fixture_open(&fixture);
}

/* ---- Describing ---- */

static void the_policy_in_force_is_described_in_one_line(void **state)
{
    (void)state;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=writes_only");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_EXCLUDE_ACTIONS=health_*");
    trail_fixture_open(&fixture);
    static const char whole[] = "level writes_only; not recorded: read, access; excluded actions: health_*";
    char              text[128];
    for (size_t size = 0; size < sizeof text; size++) {
        memset(text, 'x', sizeof text);
        assert_int_equal(trail_describe(fixture.trail, text, size), sizeof whole - 1);
        if (size > 0)
            assert_int_equal(strlen(text), size - 1 < sizeof whole - 1 ? size - 1 : sizeof whole - 1);
        assert_int_equal(text[size], 'x');
    }
    assert_int_equal(trail_describe(fixture.trail, NULL, 0), sizeof whole - 1);
}

/* ---- Switched off ---- */

static void a_trail_that_is_off_makes_no_file_and_counts_what_is_offered(void **state)
{
    (void)state;
    struct trail_event event = trail_fixture_event("delete_tool");
    char               text[64];
    uint64_t           waiting = 7;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_ENABLED=false");
    trail_fixture_open(&fixture);
    (void)trail_describe(fixture.trail, text, sizeof text);
    assert_string_equal(text, "disabled; nothing is recorded");
    for (int i = 0; i < 3; i++)
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), TRAIL_REFUSED);
    struct trail_text json =
        TRAIL_TEXT("{\"action\":\"delete_tool\",\"resource_type\":\"tool\",\"user_id\":\"alice\"}");
    assert_int_equal(trail_record_json(fixture.trail, json, NULL, NULL), TRAIL_REFUSED);
    assert_int_equal(trail_record_json(fixture.trail, TRAIL_TEXT("no"), NULL, NULL), TRAIL_EINVAL);
    event.struct_size = 1;
    assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), TRAIL_EINVAL);

    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(stats.disabled, 6);
    assert_int_equal(trail_fixture_offered(&stats), 0);
    assert_int_equal(trail_flush(fixture.trail, 1000), TRAIL_OK);
    assert_int_equal(trail_close(fixture.trail, &waiting), TRAIL_OK);
    fixture.trail = NULL;
    assert_int_equal(waiting, 0);
    assert_true(nothing_was_made());
}

/* ---- Numbers ---- */

static void every_event_offered_is_in_exactly_one_number(void **state)
{
    (void)state;
    static const struct {
        const char    *action;
        const char    *resource_type;
        enum trail_err err;
    } cases[] = {
        { "create_tool", "tool", TRAIL_OK },       { "delete_tool", "tool", TRAIL_OK },
        { "get_tool", "tool", TRAIL_REFUSED },     { "update_tool", "metrics", TRAIL_REFUSED },
        { "update_cache", "tool", TRAIL_REFUSED }, { "create_tool", "", TRAIL_EINVAL },
        { "frobnicate", "tool", TRAIL_OK },
    };
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=writes_only");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_EXCLUDE_ACTIONS=*_cache");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_EXCLUDE_RESOURCES=metrics");
    trail_fixture_open(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trail_event event = trail_fixture_event(cases[i].action);
        event.resource_type = trail_str(cases[i].resource_type);
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), cases[i].err);
    }
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(trail_fixture_offered(&stats), COUNT_OF(cases));
    assert_int_equal(stats.operations[TRAIL_OPERATION_CREATE].recorded, 1);
    assert_int_equal(stats.operations[TRAIL_OPERATION_CREATE].rejected, 1);
    assert_int_equal(stats.operations[TRAIL_OPERATION_DELETE].recorded, 1);
    assert_int_equal(stats.operations[TRAIL_OPERATION_READ].level, 1);
    assert_int_equal(stats.operations[TRAIL_OPERATION_UPDATE].excluded, 2);
    assert_int_equal(stats.operations[TRAIL_OPERATION_OTHER].recorded, 1);
    assert_int_equal(stats.operations[TRAIL_OPERATION_AUTO].recorded, 1); /* trail_started */
    assert_int_equal(stats.waiting, 3);
    assert_int_equal(stats.stored + stats.dead_lettered, 0);
    assert_true(stats.spool_bytes > 0);

    trail_fixture_flush(&fixture);
    stats = trail_fixture_stats(&fixture);
    assert_int_equal(stats.stored, 3);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(stats.oldest_waiting_us, 0);
    assert_int_equal(stats.transactions, 1);
    assert_int_equal(stats.store_errors, 0);
}

static void numbers_are_written_no_further_than_the_caller_has_room(void **state)
{
    (void)state;
    struct {
        struct trail_stats stats;
        unsigned char      behind[64];
    } wide;
    trail_fixture_record(&fixture, "create_tool");
    static const size_t sizes[] = { sizeof(size_t), offsetof(struct trail_stats, stored), sizeof(struct trail_stats),
                                    sizeof wide };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        memset(&wide, 0xEE, sizeof wide);
        wide.stats.struct_size = sizes[i];
        trail_stats(fixture.trail, &wide.stats);
        assert_int_equal(wide.stats.struct_size, sizes[i]);
        const unsigned char *bytes = (const unsigned char *)&wide;
        size_t               written = sizes[i] < sizeof wide.stats ? sizes[i] : sizeof wide.stats;
        for (size_t at = written; at < sizeof wide; at++)
            assert_int_equal(bytes[at], 0xEE);
        if (written > offsetof(struct trail_stats, disabled))
            assert_int_equal(wide.stats.operations[TRAIL_OPERATION_CREATE].recorded, 1);
    }
}

static void a_trail_that_never_ran_has_only_zeros(void **state)
{
    (void)state;
    struct trail_stats stats = trail_fixture_stats(&fixture);
    struct trail_stats zeros = { .struct_size = sizeof zeros };
    assert_memory_equal(&stats, &zeros, sizeof stats);
}

/* ---- Flush, room, close ---- */

static void a_flush_stores_what_was_accepted_before_it(void **state)
{
    (void)state;
    assert_int_equal(trail_flush(fixture.trail, 20000), TRAIL_OK); /* Nothing was offered: nothing to wait for. */
    assert_int_equal(trail_flush(NULL, 0), TRAIL_OK);
    assert_true(nothing_was_made());
    for (int i = 0; i < 10; i++)
        trail_fixture_record(&fixture, "create_tool");
    assert_true(trail_fixture_number(&fixture, "SELECT count(*) FROM audit_events") <= 0);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 11);
}

static void a_flush_with_no_time_only_asks(void **state)
{
    (void)state;
    trail_fixture_record(&fixture, "create_tool");
    (void)!trail_flush(fixture.trail, 0);
    assert_true(trail_fixture_becomes(&fixture, "SELECT count(*) FROM audit_events", 2));
    assert_int_equal(trail_flush(fixture.trail, 0), TRAIL_OK);
}

static void a_flush_without_a_store_says_pending(void **state)
{
    (void)state;
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    void *lock = trail_fixture_lock_store(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    assert_int_equal(trail_flush(fixture.trail, 50), TRAIL_PENDING);
    assert_int_equal(trail_fixture_stats(&fixture).waiting, 1);
    trail_fixture_unlock_store(lock);
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_stats(&fixture).waiting, 0);
}

static void there_is_room_until_the_spool_is_full(void **state)
{
    (void)state;
    assert_true(trail_wait_room(fixture.trail, 1000, 0));
    assert_true(nothing_was_made());
    trail_fixture_record(&fixture, "create_tool");
    assert_true(trail_wait_room(fixture.trail, 1000, 0));
}

static void closing_stores_what_waits_and_leaves_an_empty_spool(void **state)
{
    (void)state;
    uint64_t waiting = 7;
    for (int i = 0; i < 10; i++)
        trail_fixture_record(&fixture, "create_tool");
    assert_int_equal(trail_close(fixture.trail, &waiting), TRAIL_OK);
    fixture.trail = NULL;
    assert_int_equal(waiting, 0);
    assert_int_equal(temp_dir_count(fixture.spool_dir), 0);
    assert_int_equal(trail_fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 12); /* Start and stop. */
    assert_int_equal(trail_fixture_number(&fixture, "SELECT sum(stored) FROM audit_accounting WHERE operation <> 0"),
                     10);
}

static bool recovery_is_stored(void *context)
{
    (void)context;
    trail_fixture_flush(&fixture);
    return trail_fixture_number(&fixture, "SELECT count(*) FROM audit_trail WHERE action = 'trail_recovered'") == 1;
}

static void closing_while_the_store_is_away_says_how_many_wait(void **state)
{
    (void)state;
    uint64_t waiting = 7;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=0");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_DATABASE_URL=sqlite:%s/none/audit.db", fixture.dir.path);
    write_file(temp_dir_at(&fixture.dir, "none"), ""); /* No folder can be made there. */
    trail_fixture_open(&fixture);
    for (int i = 0; i < 10; i++)
        trail_fixture_record(&fixture, "create_tool");
    assert_int_equal(trail_close(fixture.trail, &waiting), TRAIL_PENDING);
    fixture.trail = NULL;
    assert_int_equal(waiting, 10);
    assert_int_equal(temp_dir_count(fixture.spool_dir), 1);

    /* The next start with the same store and spool directory stores them. */
    assert_int_equal(remove(temp_dir_at(&fixture.dir, "none")), 0);
    trail_fixture_open(&fixture);
    trail_fixture_record(&fixture, "create_tool");
    snprintf(fixture.database, sizeof fixture.database, "%s", temp_dir_at(&fixture.dir, "none/audit.db"));
    assert_true(trail_fixture_becomes(&fixture, "SELECT count(*) FROM audit_trail WHERE action = 'create_tool'", 10));
    /* That it did is a record of its own, which waits for company. */
    assert_true(patience_until(recovery_is_stored, NULL));
}

/* An operator's rule on the tables: event number 3 is refused, and its text as well but for the shortest. */
static void a_store_that_refuses_an_event_and_its_text_holds_up_nothing(void **state)
{
    (void)state;
    sqlite3 *db = NULL;
    char     text[512];
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    assert_int_equal(sqlite3_open(fixture.database, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TRIGGER no_event BEFORE INSERT ON audit_events WHEN NEW.seq = 3 "
                                  "BEGIN SELECT RAISE(ABORT, 'not this one'); END;"
                                  "CREATE TRIGGER no_text BEFORE INSERT ON audit_dead_letters "
                                  "WHEN length(NEW.event) > 20 BEGIN SELECT RAISE(ABORT, 'nor its text'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    trail_fixture_record(&fixture, "update_tool");
    trail_fixture_record(&fixture, "delete_tool");
    trail_fixture_flush(&fixture);

    assert_int_equal(trail_fixture_rows(&fixture, "action = 'create_tool'"), 1);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'update_tool'"), 0);
    assert_int_equal(trail_fixture_rows(&fixture, "action = 'delete_tool'"), 1);
    trail_fixture_text(&fixture, "SELECT seq || ' ' || event || ' ' || error FROM audit_dead_letters", text);
    assert_string_equal(text, "3 {\"_refused\":true} refused");
    struct trail_stats stats = trail_fixture_stats(&fixture);
    assert_int_equal(stats.stored, 2);
    assert_int_equal(stats.dead_lettered, 1);
    assert_int_equal(stats.waiting, 0);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    uint64_t waiting = 7;
    assert_int_equal(trail_close(NULL, NULL), TRAIL_OK);
    assert_int_equal(trail_close(NULL, &waiting), TRAIL_OK);
    assert_int_equal(trail_close(fixture.trail, &waiting), TRAIL_OK); /* Never ran. */
    fixture.trail = NULL;
    assert_int_equal(waiting, 0);
    assert_true(nothing_was_made());
}

static void two_trails_live_side_by_side(void **state)
{
    (void)state;
    static struct trail_fixture other;
    trail_fixture_start(&other);
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_record(&other, "delete_tool");
    trail_fixture_done(&other);
    trail_fixture_record(&fixture, "create_tool");
    trail_fixture_flush(&fixture);
    assert_int_equal(trail_fixture_number(&fixture, "SELECT count(*) FROM audit_trail WHERE user_id = 'alice'"), 2);
}

static void of_no_trail_there_is_nothing_to_tell(void **state)
{
    (void)state;
    char               line[8] = "before";
    struct trail_stats stats = { .struct_size = sizeof stats, .stored = 7, .waiting = 7 };
    struct trail_stats none = { .struct_size = sizeof none };

    assert_int_equal(trail_describe(NULL, line, sizeof line), 0);
    assert_string_equal(line, "");
    assert_int_equal(trail_describe(NULL, NULL, 0), 0);
    trail_stats(NULL, &stats);
    assert_memory_equal(&stats, &none, sizeof stats);
    trail_stats(NULL, NULL);
    trail_stats(fixture.trail, NULL);
    assert_int_equal(trail_flush(NULL, 0), TRAIL_OK);
    assert_int_equal(trail_close(NULL, NULL), TRAIL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_wrong_setting_is_told_and_the_first_is_returned, make, stop),
        cmocka_unit_test_setup_teardown(each_of_many_wrong_settings_is_refused_alone, make, stop),
        cmocka_unit_test_setup_teardown(a_warning_is_told_and_does_not_stop_it, make, stop),
        cmocka_unit_test_setup_teardown(options_of_an_absurd_size_are_refused, make, stop),
        cmocka_unit_test_setup_teardown(a_newer_caller_opens_with_what_is_known_here, make, stop),
        cmocka_unit_test_setup_teardown(the_env_file_stands_below_the_environment_and_the_options, make, stop),
        cmocka_unit_test_setup_teardown(an_env_file_that_is_named_must_be_there_and_right, make, stop),
        cmocka_unit_test_setup_teardown(the_policy_in_force_is_described_in_one_line, make, stop),
        cmocka_unit_test_setup_teardown(a_trail_that_is_off_makes_no_file_and_counts_what_is_offered, make, stop),
        cmocka_unit_test_setup_teardown(every_event_offered_is_in_exactly_one_number, make, stop),
        cmocka_unit_test_setup_teardown(numbers_are_written_no_further_than_the_caller_has_room, start, stop),
        cmocka_unit_test_setup_teardown(a_trail_that_never_ran_has_only_zeros, start, stop),
        cmocka_unit_test_setup_teardown(a_flush_stores_what_was_accepted_before_it, start, stop),
        cmocka_unit_test_setup_teardown(a_flush_with_no_time_only_asks, start, stop),
        cmocka_unit_test_setup_teardown(a_flush_without_a_store_says_pending, start, stop),
        cmocka_unit_test_setup_teardown(there_is_room_until_the_spool_is_full, start, stop),
        cmocka_unit_test_setup_teardown(closing_stores_what_waits_and_leaves_an_empty_spool, start, stop),
        cmocka_unit_test_setup_teardown(closing_while_the_store_is_away_says_how_many_wait, make, stop),
        cmocka_unit_test_setup_teardown(a_store_that_refuses_an_event_and_its_text_holds_up_nothing, start, stop),
        cmocka_unit_test_setup_teardown(closing_nothing_is_fine, start, stop),
        cmocka_unit_test_setup_teardown(of_no_trail_there_is_nothing_to_tell, start, stop),
        cmocka_unit_test_setup_teardown(two_trails_live_side_by_side, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
