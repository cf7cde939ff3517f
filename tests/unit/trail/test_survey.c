/* test_survey.c -- every event of every writer is in exactly one number, wherever the writer and the store are.
 *
 * Goal:   living, dead and foreign writers are told apart; what waits is counted by operation, behind what the store
 *         has; refusals come from whoever knows more of them; a store or a spool that cannot be read hides no other.
 *         Batches that are committed while it looks make it look again.
 * Method: real trails, in this process and in children that die without a word; a real SQLite store, changed by hand
 *         where a number is to be told from its neighbours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/patience.h"
#include "trail/survey.h"
#include "trail/trail_fixture.h"

static struct trail_fixture fixture;
static struct survey        survey;

static int make(void **state)
{
    (void)state;
    survey = (struct survey){ 0 };
    trail_fixture_init(&fixture);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_LEVEL=writes_only");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    survey_done(&survey);
    trail_fixture_done(&fixture);
    return 0;
}

/* Look around with the settings as they are now. */
static void take(void)
{
    const char            *options[TRAIL_FIXTURE_SETTINGS] = { NULL };
    struct settings        settings;
    struct settings_report report;
    struct settings_input  input = { .options = options, .env_file = "" };
    struct trail_error     error = { .message = "untouched" };

    for (size_t i = 0; i < fixture.setting_count; i++)
        options[i] = fixture.settings[i];
    assert_int_equal(settings_load(&settings, &input, &report), TRAIL_OK);
    survey_done(&survey);
    assert_int_equal(survey_take(&survey, &settings, &error), TRAIL_OK);
    assert_string_equal(error.message, "untouched");
    settings_report_done(&report);
    settings_done(&settings);
}

static void execute(const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture.database, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void record(const char *action, unsigned count, enum trail_err expected)
{
    struct trail_event event = trail_fixture_event(action);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), expected);
}

/* A process that opens the trail, records and refuses, and is gone without a word. Its pid. */
static pid_t leave_behind(unsigned created, unsigned deleted, unsigned refused)
{
    static const char *const actions[] = { "create_tool", "delete_tool", "get_tool" };
    const unsigned           counts[] = { created, deleted, refused };
    int                      status = -1;

    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        bool fine = trail_fixture_try_open(&fixture, NULL) == TRAIL_OK;
        for (size_t i = 0; i < 3; i++) {
            struct trail_event event = trail_fixture_event(actions[i]);
            for (unsigned n = 0; n < counts[i]; n++)
                fine = fine && trail_record(fixture.trail, &event, NULL, NULL) == (i < 2 ? TRAIL_OK : TRAIL_REFUSED);
        }
        _exit(fine ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    return child;
}

static const struct survey_writer *only_writer(void)
{
    assert_int_equal(survey.writer_count, 1);
    return &survey.writers[0];
}

/* ---- Writers ---- */

static void where_nothing_is_there_is_nothing_to_tell(void **state)
{
    (void)state;
    take();
    assert_int_equal(survey.writer_count, 0);
    assert_false(survey.store_reachable);
    assert_int_equal(survey.events_stored, 0);
    assert_int_equal(survey.store_bytes, 0);
    assert_string_equal(survey.spool_dir, fixture.spool_dir);
    assert_non_null(strstr(survey.store_url, fixture.database));
    assert_int_equal(temp_dir_count(fixture.dir.path), 0); /* And none is made. */
}

static void a_living_writer_has_stored_waiting_and_refused_events(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 3, TRAIL_OK);
    record("get_tool", 2, TRAIL_REFUSED);
    trail_fixture_flush(&fixture);
    record("delete_tool", 2, TRAIL_OK);
    record("create_tool", 1, TRAIL_OK);
    record("get_tool", 5, TRAIL_REFUSED); /* The store does not know of these yet. */
    record("", 1, TRAIL_EINVAL);
    take();

    const struct survey_writer *writer = only_writer();
    assert_true(writer->alive && writer->in_spool && writer->in_store);
    assert_false(writer->foreign);
    assert_string_equal(writer->service, "fixture");
    assert_int_equal(writer->pid, getpid());
    assert_int_equal(writer->last_seq, 4);
    assert_int_equal(writer->operations[TRAIL_OPERATION_AUTO].stored, 1);
    assert_int_equal(writer->operations[TRAIL_OPERATION_CREATE].stored, 3);
    assert_int_equal(writer->operations[TRAIL_OPERATION_CREATE].waiting, 1);
    assert_int_equal(writer->operations[TRAIL_OPERATION_DELETE].stored, 0);
    assert_int_equal(writer->operations[TRAIL_OPERATION_DELETE].waiting, 2);
    assert_int_equal(writer->operations[TRAIL_OPERATION_READ].level, 7);
    assert_int_equal(writer->operations[TRAIL_OPERATION_OTHER].rejected, 1);
    assert_true(writer->oldest_waiting_us > 0);
    assert_true(writer->spool_bytes > 0);
    assert_true(survey.store_reachable);
    assert_true(survey.store_bytes > 0);
    assert_int_equal(survey.events_stored, 4);
}

static void a_writer_that_closed_is_in_the_store_alone(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 3, TRAIL_OK);
    record("get_tool", 2, TRAIL_REFUSED);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    take();
    const struct survey_writer *writer = only_writer();
    assert_true(writer->in_store);
    assert_false(writer->in_spool || writer->alive || writer->foreign || survey_writer_is_orphan(writer));
    assert_int_equal(writer->last_seq, 5);
    assert_int_equal(writer->ledger_seq, 5);
    assert_int_equal(writer->destination_kind, SURVEY_DESTINATION_UNKNOWN);
    assert_int_equal(writer->operations[TRAIL_OPERATION_AUTO].stored, 2);
    assert_int_equal(writer->operations[TRAIL_OPERATION_CREATE].stored, 3);
    assert_int_equal(writer->operations[TRAIL_OPERATION_READ].level, 2);
    assert_int_equal(writer->spool_bytes, 0);
    assert_int_equal(writer->oldest_waiting_us, 0);
}

static void a_dead_writer_is_known_by_what_it_left(void **state)
{
    (void)state;
    /* It never reaches its store: a file is where the store's folder would be. */
    trail_fixture_set(&fixture, "AUDIT_TRAIL_DATABASE_URL=sqlite:%s/none/audit.db", fixture.dir.path);
    FILE *file = fopen(temp_dir_at(&fixture.dir, "none"), "w");
    assert_non_null(file);
    (void)fclose(file);
    pid_t pid = leave_behind(3, 2, 4);
    take();
    const struct survey_writer *writer = only_writer();
    assert_true(writer->in_spool);
    assert_false(writer->alive || writer->in_store || writer->foreign);
    assert_string_equal(writer->service, "fixture");
    assert_int_equal(writer->pid, pid);
    assert_true(writer->started_us > 0);
    assert_int_equal(writer->last_seq, 0);
    assert_int_equal(writer->operations[TRAIL_OPERATION_AUTO].waiting, 1);
    assert_int_equal(writer->operations[TRAIL_OPERATION_CREATE].waiting, 3);
    assert_int_equal(writer->operations[TRAIL_OPERATION_DELETE].waiting, 2);
    assert_int_equal(writer->operations[TRAIL_OPERATION_READ].level, 4);
    assert_true(writer->oldest_waiting_us > 0);
    assert_true(survey_writer_is_orphan(writer));
    assert_int_equal(survey_writer_waiting(writer), 6);
    assert_int_equal(writer->missing, 0);
    assert_false(survey.store_reachable);
    assert_non_null(strstr(survey.store_error, "none/audit.db"));
}

/* Our own drain holds the lock of a dead writer's spool for the moment in which it looks whose it is. */
static bool only_writers_in_the_store_live(void *context)
{
    (void)context;
    take();
    for (size_t i = 0; i < survey.writer_count; i++) {
        if (survey.writers[i].alive != survey.writers[i].in_store)
            return false;
    }
    return true;
}

static void a_writer_for_another_store_is_foreign(void **state)
{
    (void)state;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_DATABASE_URL=sqlite:%s/other.db", fixture.dir.path);
    (void)leave_behind(1, 0, 0);
    trail_fixture_set(&fixture, "AUDIT_TRAIL_DATABASE_URL=sqlite:%s", fixture.database);
    trail_fixture_open(&fixture);
    record("create_tool", 1, TRAIL_OK);
    trail_fixture_flush(&fixture);
    assert_true(patience_until(only_writers_in_the_store_live, NULL));
    assert_int_equal(survey.writer_count, 2);
    for (size_t i = 0; i < survey.writer_count; i++) {
        assert_int_equal(survey.writers[i].foreign, !survey.writers[i].in_store);
        assert_int_equal(survey_writer_is_orphan(&survey.writers[i]), !survey.writers[i].in_store);
        assert_int_equal(survey.writers[i].destination_kind, SURVEY_DESTINATION_URL);
        assert_int_equal(survey.writers[i].operations[TRAIL_OPERATION_CREATE].waiting, !survey.writers[i].in_store);
    }
}

/* Fill the first segment, so that the next one carries the store's own identity. */
static void fill_a_segment(void)
{
    static char        values[100 * 1024];
    struct trail_event event = trail_fixture_event("create_tool");
    memset(values, ' ', sizeof values);
    values[0] = '{';
    values[sizeof values - 1] = '}';
    event.new_values = (struct trail_text){ values, sizeof values };
    for (int i = 0; i < 25; i++)
        assert_int_equal(trail_record(fixture.trail, &event, NULL, NULL), TRAIL_OK);
}

static void a_store_that_cannot_be_asked_makes_nobody_foreign(void **state)
{
    (void)state;
    char away[OS_PATH_SIZE + 8];
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SPOOL_MAX_BYTES=8MiB");
    trail_fixture_set(&fixture, "AUDIT_TRAIL_MAX_VALUE_BYTES=128KiB");
    trail_fixture_open(&fixture);
    record("create_tool", 1, TRAIL_OK);
    trail_fixture_flush(&fixture);
    void *lock = trail_fixture_lock_store(&fixture);
    fill_a_segment();
    take();
    assert_false(only_writer()->foreign);
    assert_in_range(only_writer()->waiting_bytes, 25 * 100 * 1024, 26 * 100 * 1024); /* Over two segments. */
    snprintf(away, sizeof away, "%s.away", fixture.database);
    assert_int_equal(rename(fixture.database, away), 0);
    take();
    assert_false(survey.store_reachable);
    assert_false(only_writer()->foreign);
    assert_int_equal(rename(away, fixture.database), 0);
    trail_fixture_unlock_store(lock);
}

/* ---- Numbers ---- */

static void each_number_of_the_store_comes_through(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 1, TRAIL_OK);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    execute(
        "UPDATE audit_writers SET host = 'h', pid = 7, started_at = 8, last_seq = 9;"
        "INSERT INTO audit_accounting (writer, operation, stored, dead_lettered, level, excluded, sampled, rejected, "
        "dropped) SELECT id, 12, 11, 12, 13, 14, 15, 16, 17 FROM audit_writers;"
        "INSERT INTO audit_accounting (writer, operation, stored) SELECT id, 99, 1000 FROM audit_writers");
    take();
    const struct survey_writer  *writer = only_writer();
    const struct survey_account *account = &writer->operations[TRAIL_OPERATION_OTHER];
    assert_string_equal(writer->host, "h");
    assert_int_equal(writer->pid, 7);
    assert_int_equal(writer->started_us, 8);
    assert_int_equal(writer->last_seq, 9);
    assert_int_equal(account->stored, 11);
    assert_int_equal(account->dead_lettered, 12);
    assert_int_equal(account->level, 13);
    assert_int_equal(account->excluded, 14);
    assert_int_equal(account->sampled, 15);
    assert_int_equal(account->rejected, 16);
    assert_int_equal(account->dropped, 17);
    assert_int_equal(survey.events_stored, 14); /* An operation that we do not know is not added up. */
}

static void writers_that_a_clean_up_removed_still_count(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 3, TRAIL_OK);
    trail_fixture_close(&fixture);
    execute("UPDATE audit_accounting SET writer = 0; DELETE FROM audit_writers; DELETE FROM audit_batches");
    take();
    assert_int_equal(survey.writer_count, 0);
    assert_int_equal(survey.departed[TRAIL_OPERATION_CREATE].stored, 3);
}

static void refusals_come_from_whoever_knows_more(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 1, TRAIL_OK);
    record("get_tool", 5, TRAIL_REFUSED);
    record("", 3, TRAIL_EINVAL);
    trail_fixture_flush(&fixture);
    execute("UPDATE audit_accounting SET level = 2 WHERE level = 5;" /* As if it were behind. */
            "UPDATE audit_accounting SET rejected = 30 WHERE rejected = 3");
    take();
    const struct survey_writer *writer = only_writer();
    assert_int_equal(writer->operations[TRAIL_OPERATION_READ].level, 5);
    assert_int_equal(writer->operations[TRAIL_OPERATION_OTHER].rejected, 30);
}

static void departed_writers_keep_their_share(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 4, TRAIL_OK);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    execute("INSERT INTO audit_accounting VALUES (0, 1, 1000, 1, 2, 3, 4, 5, 6), (0, 99, 1, 1, 1, 1, 1, 1, 1)");
    take();
    const struct survey_account *account = &survey.departed[TRAIL_OPERATION_CREATE];
    assert_int_equal(only_writer()->operations[TRAIL_OPERATION_CREATE].stored, 4);
    assert_int_equal(account->stored, 1000);
    assert_int_equal(account->dead_lettered, 1);
    assert_int_equal(account->level, 2);
    assert_int_equal(account->excluded, 3);
    assert_int_equal(account->sampled, 4);
    assert_int_equal(account->rejected, 5);
    assert_int_equal(account->dropped, 6);
    assert_int_equal(survey.events_stored, 1000 + 4 + 2);
    assert_true(survey.steady);
}

static void the_ledger_says_where_it_ends(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 4, TRAIL_OK);
    trail_fixture_flush(&fixture);
    take();
    assert_int_equal(only_writer()->ledger_seq, 5);
    assert_int_equal(survey.store.flush_events, 5);
    assert_true(survey.store.flush_us <= survey.taken_us);
    execute("UPDATE audit_batches SET last_seq = 3");
    take();
    assert_int_equal(only_writer()->ledger_seq, 3);
    execute("DELETE FROM audit_batches");
    take();
    assert_int_equal(only_writer()->ledger_seq, 0);
}

static void many_writers_are_each_told_once(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 1, TRAIL_OK);
    trail_fixture_flush(&fixture);
    execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99) INSERT INTO audit_writers "
            "(uuid, id_hash, last_seq, pid, started_at) SELECT randomblob(16), 0, 0, i, 0 FROM n;"
            "INSERT INTO audit_accounting (writer, operation, stored) SELECT id, 1, pid FROM audit_writers WHERE "
            "started_at = 0");
    take();
    uint64_t stored = 0;
    assert_int_equal(survey.writer_count, 100);
    for (size_t i = 0; i < survey.writer_count; i++) {
        stored += survey.writers[i].operations[TRAIL_OPERATION_CREATE].stored;
        for (size_t other = 0; other < i; other++)
            assert_false(uuid_equal(&survey.writers[i].uuid, &survey.writers[other].uuid));
    }
    assert_int_equal(stored, 99 * 100 / 2 + 1);
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[OS_PATH_SIZE];
    assert_true(os_path_join(path, folder, name));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    (void)fclose(file);
}

/* ---- A store that moves ---- */

/* Called between the survey's two looks at the store; the drain's own calls are not meant here. */
enum trail_err __real_home_list(const char *spool_dir, DIR **ret_list, struct trail_error *ret_error);
enum trail_err __wrap_home_list(const char *spool_dir, DIR **ret_list, struct trail_error *ret_error);

static _Thread_local bool     surveying;
static _Thread_local unsigned moves_left; /* Commit a batch so many times more. */
static _Thread_local unsigned looks;

enum trail_err __wrap_home_list(const char *spool_dir, DIR **ret_list, struct trail_error *ret_error)
{
    if (surveying && strcmp(spool_dir, fixture.spool_dir) == 0) {
        looks++;
        if (moves_left > 0) {
            moves_left--;
            record("create_tool", 1, TRAIL_OK);
            trail_fixture_flush(&fixture);
            execute("DELETE FROM audit_accounting WHERE writer = 0");
        }
    }
    return __real_home_list(spool_dir, ret_list, ret_error);
}

/* Take a survey while so many batches are committed behind its back. */
static void take_while_it_moves(unsigned moves)
{
    surveying = true;
    moves_left = moves;
    looks = 0;
    take();
    surveying = false;
}

static void a_batch_that_is_committed_meanwhile_is_neither_missed_nor_counted_twice(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 3, TRAIL_OK);
    trail_fixture_flush(&fixture);
    execute("INSERT INTO audit_accounting (writer, operation, stored) VALUES (0, 1, 1000)");
    put(trail_fixture_only_spool(&fixture), "00000007.seg.quarantine", "damaged");
    take_while_it_moves(3);
    const struct survey_account *account = &only_writer()->operations[TRAIL_OPERATION_CREATE];
    assert_int_equal(looks, 4);
    assert_true(survey.steady);
    assert_int_equal(account->stored, 6);
    assert_int_equal(account->waiting, 0);
    assert_int_equal(survey.events_stored, 7);
    assert_int_equal(only_writer()->last_seq, only_writer()->ledger_seq);
    assert_int_equal(survey.departed[TRAIL_OPERATION_CREATE].stored, 0);
    assert_int_equal(survey.damaged_segments, 1);
}

static void a_store_that_never_rests_is_told_as_it_was_seen_last(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 3, TRAIL_OK);
    trail_fixture_flush(&fixture);
    take_while_it_moves(1000);
    const struct survey_account *account = &only_writer()->operations[TRAIL_OPERATION_CREATE];
    assert_int_equal(looks, 8);
    assert_false(survey.steady);
    /* The frames of the last batch were behind the number that the store had given before: seen as waiting. */
    assert_int_equal(account->stored + account->waiting, 3 + 8);
    assert_int_equal(survey.writer_count, 1);
}

/* ---- What cannot be read ---- */

static void a_database_that_is_none_hides_no_spool(void **state)
{
    (void)state;
    trail_fixture_set(&fixture, "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=0");
    put(fixture.dir.path, "audit.db", "This is a text and no database at all, however long one reads in it.\n");
    trail_fixture_open(&fixture);
    record("create_tool", 2, TRAIL_OK);
    take();
    assert_false(survey.store_reachable);
    assert_true(only_writer()->alive);
    assert_false(only_writer()->foreign);
    assert_int_equal(only_writer()->operations[TRAIL_OPERATION_CREATE].waiting, 2);
}

static void what_is_no_spool_is_left_out(void **state)
{
    (void)state;
    static const char *const folders[] = { "00000000-0000-4000-8000-000000000001",
                                           "00000000-0000-4000-8000-000000000002", "notes" };
    trail_fixture_open(&fixture);
    record("create_tool", 2, TRAIL_OK);
    for (size_t i = 0; i < 3; i++) {
        char path[OS_PATH_SIZE];
        assert_true(os_path_join(path, fixture.spool_dir, folders[i]));
        assert_int_equal(mkdir(path, 0700), 0);
        if (i == 1) {
            put(path, "accounts", "damaged");
            put(path, "00000001.seg", "damaged");
        }
    }
    put(fixture.spool_dir, "file", "");
    take();
    assert_int_equal(only_writer()->operations[TRAIL_OPERATION_CREATE].waiting, 2);
    assert_int_equal(survey.damaged_segments, 1);
    assert_non_null(strstr(survey.damaged_path, folders[1]));
}

static void what_was_set_aside_is_counted_and_a_living_owner_is_not_suspected(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 1, TRAIL_OK);
    put(trail_fixture_only_spool(&fixture), "00000009.seg", "being made");
    take();
    assert_int_equal(survey.damaged_segments, 0);
    put(trail_fixture_only_spool(&fixture), "00000007.seg.quarantine", "damaged");
    put(trail_fixture_only_spool(&fixture), "00000008.seg.quarantine", "damaged");
    take();
    assert_int_equal(survey.damaged_segments, 2);
}

static void a_survey_changes_nothing(void **state)
{
    (void)state;
    (void)leave_behind(1, 1, 1);
    take();
    const char *spool = trail_fixture_only_spool(&fixture);
    size_t      files = temp_dir_count(spool);
    for (int i = 0; i < 3; i++)
        take();
    assert_int_equal(temp_dir_count(spool), files);
    assert_int_equal(only_writer()->operations[TRAIL_OPERATION_CREATE].waiting, 1);

    /* And the writer's heir still finds everything. */
    trail_fixture_open(&fixture);
    record("update_tool", 1, TRAIL_OK);
    assert_int_equal(trail_fixture_close(&fixture), TRAIL_OK);
    assert_int_equal(trail_fixture_rows(&fixture, "action IN ('create_tool', 'delete_tool')"), 2);
}

static void done_is_done_twice_without_harm(void **state)
{
    (void)state;
    trail_fixture_open(&fixture);
    record("create_tool", 1, TRAIL_OK);
    take();
    survey_done(&survey);
    survey_done(&survey);
    assert_null(survey.writers);
    assert_int_equal(survey.writer_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(where_nothing_is_there_is_nothing_to_tell, make, stop),
        cmocka_unit_test_setup_teardown(a_living_writer_has_stored_waiting_and_refused_events, make, stop),
        cmocka_unit_test_setup_teardown(a_writer_that_closed_is_in_the_store_alone, make, stop),
        cmocka_unit_test_setup_teardown(a_dead_writer_is_known_by_what_it_left, make, stop),
        cmocka_unit_test_setup_teardown(a_writer_for_another_store_is_foreign, make, stop),
        cmocka_unit_test_setup_teardown(a_store_that_cannot_be_asked_makes_nobody_foreign, make, stop),
        cmocka_unit_test_setup_teardown(each_number_of_the_store_comes_through, make, stop),
        cmocka_unit_test_setup_teardown(writers_that_a_clean_up_removed_still_count, make, stop),
        cmocka_unit_test_setup_teardown(refusals_come_from_whoever_knows_more, make, stop),
        cmocka_unit_test_setup_teardown(departed_writers_keep_their_share, make, stop),
        cmocka_unit_test_setup_teardown(the_ledger_says_where_it_ends, make, stop),
        cmocka_unit_test_setup_teardown(many_writers_are_each_told_once, make, stop),
        cmocka_unit_test_setup_teardown(a_batch_that_is_committed_meanwhile_is_neither_missed_nor_counted_twice, make,
                                        stop),
        cmocka_unit_test_setup_teardown(a_store_that_never_rests_is_told_as_it_was_seen_last, make, stop),
        cmocka_unit_test_setup_teardown(a_database_that_is_none_hides_no_spool, make, stop),
        cmocka_unit_test_setup_teardown(what_is_no_spool_is_left_out, make, stop),
        cmocka_unit_test_setup_teardown(what_was_set_aside_is_counted_and_a_living_owner_is_not_suspected, make, stop),
        cmocka_unit_test_setup_teardown(a_survey_changes_nothing, make, stop),
        cmocka_unit_test_setup_teardown(done_is_done_twice_without_harm, make, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
