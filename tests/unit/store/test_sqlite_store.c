/* test_sqlite_store.c -- opening an SQLite store, waiting for its locks, and its file going bad.
 *
 * Goal: the file is ours alone and set up for durability; whatever happens to it is a distinct code, names the
 * file, and leaves the connection usable.
 * Method: a real file; locks, limits and replacements made from outside. Unprivileged cases run in a child process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/fixture.h"
#include "store/sqlite_store.h"

static void files_and_folders_are_ours_alone(void **state)
{
    (void)state;
    struct fixture fixture;
    struct stat    there;
    fixture_folder(&fixture);
    snprintf(fixture.path, sizeof fixture.path, "%s/a/b/audit.db", fixture.folder);
    snprintf(fixture.url, sizeof fixture.url, "sqlite:%s", fixture.path);
    mode_t mask = umask(0);
    fixture_connect(&fixture);
    umask(mask);
    assert_int_equal(stat(fixture.path, &there), 0);
    assert_int_equal(there.st_mode & 07777, 0600);

    char beside[256];
    snprintf(beside, sizeof beside, "%s-wal", fixture.path);
    assert_int_equal(stat(beside, &there), 0);
    assert_int_equal(there.st_mode & 07777, 0600);
    snprintf(beside, sizeof beside, "%s/a", fixture.folder);
    assert_int_equal(stat(beside, &there), 0);
    assert_int_equal(there.st_mode & 07777, 0700);
    fixture_close(&fixture);
}

static int64_t pragma(struct fixture *fixture, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3      *db = sqlite_store_of(fixture->store)->db;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    if (sqlite3_column_type(statement, 0) == SQLITE_TEXT)
        value = strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    sqlite3_finalize(statement);
    return value;
}

static void the_connection_is_set_up_for_durability(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture);
    assert_int_equal(pragma(&fixture, "PRAGMA synchronous"), 2);
    assert_int_equal(pragma(&fixture, "PRAGMA journal_mode"), 1);
    assert_int_equal(pragma(&fixture, "PRAGMA auto_vacuum"), 2);
    assert_int_equal(pragma(&fixture, "PRAGMA application_id"), SQLITE_APPLICATION_ID);
    fixture_close(&fixture);
}

static void a_name_is_a_file_and_nothing_else(void **state)
{
    (void)state;
    static const char *const names[] = { ":memory:", "file:x?mode=memory" };
    struct fixture           fixture;
    char                     before[256];
    fixture_folder(&fixture);
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(fixture.folder), 0);
    for (size_t i = 0; i < 2; i++) {
        char          url[64];
        struct store *store = NULL;
        snprintf(url, sizeof url, "sqlite:%s", names[i]);
        assert_int_equal(store_open(&store, url, NULL, NULL), TRAIL_OK);
        assert_int_equal(access(names[i], F_OK), 0);
        store_close(store);
    }
    assert_int_equal(chdir(before), 0);
    fixture_close(&fixture);
}

static void what_is_no_database_is_damaged(void **state)
{
    (void)state;
    struct fixture     fixture;
    struct trail_error error = { 0 };
    fixture_folder(&fixture);
    FILE *file = fopen(fixture.path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is not a database\n", file);
    fclose(file);
    assert_int_equal(store_open(&fixture.store, fixture.url, NULL, &error), TRAIL_ECORRUPT);
    assert_non_null(strstr(error.message, fixture.path));
    fixture_close(&fixture);
}

static sqlite3 *lock(const struct fixture *fixture)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

static void a_lock_is_waited_for_and_then_the_store_is_away(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record event = fixture_event(1);
    fixture_open(&fixture);
    sqlite3 *other = lock(&fixture);
    int64_t  started_us = clock_mono_us(&clock_system);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_EAWAY);
    int64_t waited_us = clock_mono_us(&clock_system) - started_us;
    assert_true(waited_us >= 50000 && waited_us < 5000000);
    assert_non_null(strstr(fixture.error.message, fixture.path));

    sqlite3_close(other);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    fixture_close(&fixture);
}

static void an_interrupted_wait_ends_at_once(void **state)
{
    (void)state;
    struct fixture                  fixture;
    struct event_record             event = fixture_event(1);
    bool                            interrupted = false;
    const struct store_open_options options = { .interrupted = &interrupted, .wait_ms = 60000 };
    fixture_folder(&fixture);
    assert_int_equal(store_open_with(&fixture.store, fixture.url, &options, NULL), TRAIL_OK);
    assert_int_equal(store_writer_add(fixture.store, &fixture.writer, &fixture.last_seq, NULL), TRAIL_OK);
    sqlite3 *other = lock(&fixture);
    interrupted = true;
    int64_t started_us = clock_mono_us(&clock_system);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_EAWAY);
    assert_true(clock_mono_us(&clock_system) - started_us < 10000000);

    interrupted = false;
    sqlite3_close(other);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    fixture_close(&fixture);
}

static void a_full_disk_is_away_and_then_works_again(void **state)
{
    (void)state;
    struct fixture      fixture;
    static char         large[16000];
    struct event_record events[20];
    fixture_open(&fixture);
    memset(large, 'x', sizeof large);
    for (size_t i = 0; i < 20; i++) {
        events[i] = fixture_event(i + 1);
        events[i].event.context = (struct trail_text){ large, sizeof large };
    }
    (void)pragma(&fixture, "PRAGMA max_page_count = 45");
    assert_int_equal(fixture_write(&fixture, events, 20), TRAIL_EAWAY);
    assert_non_null(strstr(fixture.error.message, "full"));
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 0);
    (void)pragma(&fixture, "PRAGMA max_page_count = 1000000");
    assert_int_equal(fixture_write(&fixture, events, 20), TRAIL_OK);
    assert_int_equal(fixture_number(&fixture, "SELECT count(*) FROM audit_events"), 20);
    fixture_close(&fixture);
}

static void a_file_that_was_removed_or_replaced_must_be_opened_again(void **state)
{
    (void)state;
    struct fixture      fixture;
    struct event_record event = fixture_event(1);
    char                aside[128];
    fixture_open(&fixture);
    snprintf(aside, sizeof aside, "%s.old", fixture.path);
    assert_int_equal(rename(fixture.path, aside), 0);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_EAWAY);
    assert_non_null(strstr(fixture.error.message, "removed or replaced"));
    assert_int_equal(rename(aside, fixture.path), 0);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_EAWAY); /* Until it is opened again. */

    fixture_disconnect(&fixture);
    fixture_connect(&fixture);
    assert_int_equal(fixture_write(&fixture, &event, 1), TRAIL_OK);
    fixture_close(&fixture);
}

/* Run `body` as somebody without privileges; true when it exits with 0. */
static bool as_nobody(int (*body)(const struct fixture *), const struct fixture *fixture)
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        _exit(body(fixture));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int open_read_only_file(const struct fixture *fixture)
{
    struct store      *store = NULL;
    struct trail_error error = { 0 };
    enum trail_err     err = store_open(&store, fixture->url, NULL, &error);
    return err == TRAIL_EAWAY && strstr(error.message, fixture->path) != NULL ? 0 : 1;
}

static void a_read_only_file_is_away(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_open(&fixture);
    fixture_disconnect(&fixture);
    assert_int_equal(chmod(fixture.folder, 0777), 0);
    assert_int_equal(chmod(fixture.path, 0444), 0);
    assert_true(as_nobody(open_read_only_file, &fixture));
    assert_int_equal(chmod(fixture.path, 0), 0);
    assert_true(as_nobody(open_read_only_file, &fixture));
    assert_int_equal(unlink(fixture.path), 0);
    assert_int_equal(chmod(fixture.folder, 0555), 0);
    assert_true(as_nobody(open_read_only_file, &fixture));
    assert_int_equal(chmod(fixture.folder, 0700), 0);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_only_file_is_away), /* First: it forks. */
        cmocka_unit_test(files_and_folders_are_ours_alone),
        cmocka_unit_test(the_connection_is_set_up_for_durability),
        cmocka_unit_test(a_name_is_a_file_and_nothing_else),
        cmocka_unit_test(what_is_no_database_is_damaged),
        cmocka_unit_test(a_lock_is_waited_for_and_then_the_store_is_away),
        cmocka_unit_test(an_interrupted_wait_ends_at_once),
        cmocka_unit_test(a_full_disk_is_away_and_then_works_again),
        cmocka_unit_test(a_file_that_was_removed_or_replaced_must_be_opened_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
