/* fixture.c -- a store in a folder of its own, simple events, and a second look at the same file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/fixture.h"

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fixture_folder(struct fixture *fixture)
{
    *fixture = (struct fixture){ 0 };
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/audittrail-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof fixture->path, "%s/audit.db", fixture->folder);
    snprintf(fixture->url, sizeof fixture->url, "sqlite:%s", fixture->path);
    fixture->writer = (struct store_writer){ .service = TRAIL_TEXT("test"), .host = TRAIL_TEXT("host"), .pid = 1 };
    assert_int_equal(uuid_random(&fixture->writer.uuid), TRAIL_OK);
}

void fixture_connect(struct fixture *fixture)
{
    const struct store_open_options options = { .wait_ms = 50 };
    struct trail_error              error = { 0 };
    if (store_open_with(&fixture->store, fixture->url, &options, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
    assert_int_equal(store_writer_add(fixture->store, &fixture->writer, &fixture->last_seq, &error), TRAIL_OK);
}

void fixture_open(struct fixture *fixture)
{
    fixture_folder(fixture);
    fixture_connect(fixture);
}

void fixture_disconnect(struct fixture *fixture)
{
    store_close(fixture->store);
    fixture->store = NULL;
}

static int remove_entry(const char *path, const struct stat *entry, int kind, struct FTW *walk)
{
    (void)entry;
    (void)kind;
    (void)walk;
    return remove(path);
}

void fixture_close(struct fixture *fixture)
{
    fixture_disconnect(fixture);
    assert_int_equal(nftw(fixture->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

struct event_record fixture_event(uint64_t seq)
{
    return (struct event_record){ .event = { TRAIL_EVENT_INIT, .timestamp_us = FIXTURE_TIME_US + (int64_t)seq * 1000000,
                                             .operation = TRAIL_OPERATION_CREATE, .requires_review = TRAIL_REVIEW_NO,
                                             .action = TRAIL_TEXT("create_tool"), .resource_type = TRAIL_TEXT("tool"),
                                             .user_id = TRAIL_TEXT("alice") },
                                  .seq = seq,
                                  .weight = 1.0 };
}

enum trail_err fixture_write(struct fixture *fixture, const struct event_record *events, size_t count)
{
    const struct store_batch batch = { .writer = &fixture->writer.uuid,
                                       .first_seq = events[0].seq,
                                       .last_seq = events[count - 1].seq,
                                       .events = events,
                                       .event_count = count,
                                       .recorded_at_us = FIXTURE_TIME_US };
    return store_write(fixture->store, &batch, &fixture->last_seq, &fixture->error);
}

static sqlite3 *look(const struct fixture *fixture)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(fixture->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    return db;
}

void fixture_execute(const struct fixture *fixture, const char *sql)
{
    sqlite3 *db = look(fixture);
    char    *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

void fixture_text(const struct fixture *fixture, const char *sql, char out[512])
{
    sqlite3      *db = look(fixture);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const unsigned char *text = sqlite3_column_text(statement, 0);
    snprintf(out, 512, "%s", text != NULL ? (const char *)text : "NULL");
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

int64_t fixture_number(const struct fixture *fixture, const char *sql)
{
    char text[512];
    fixture_text(fixture, sql, text);
    return strtoll(text, NULL, 10);
}
