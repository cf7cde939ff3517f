/* trail_fixture.c -- a whole trail in a folder of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trail/trail_fixture.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/patience.h"

/* Longer than any test takes. */
#define FLUSH_MS 20000

static void note(void *context, const struct trail_error *notice)
{
    struct trail_fixture *fixture = context;
    pthread_mutex_lock(&fixture->lock);
    if (fixture->notice_count < TRAIL_FIXTURE_NOTICES)
        fixture->notices[fixture->notice_count] = *notice;
    fixture->notice_count++;
    pthread_mutex_unlock(&fixture->lock);
}

void trail_fixture_init(struct trail_fixture *fixture)
{
    *fixture = (struct trail_fixture){ .env_file = "" };
    pthread_mutex_init(&fixture->lock, NULL);
    temp_dir_make(&fixture->dir);
    assert_true(os_path_join(fixture->spool_dir, fixture->dir.path, "spool"));
    assert_true(os_path_join(fixture->database, fixture->dir.path, "audit.db"));
    trail_fixture_set(fixture, "AUDIT_TRAIL_STATE_DIR=%s", fixture->dir.path);
    trail_fixture_set(fixture, "AUDIT_TRAIL_LEVEL=all");
    trail_fixture_set(fixture, "AUDIT_TRAIL_SERVICE=fixture");
    trail_fixture_set(fixture, "AUDIT_TRAIL_BUFFER_FLUSH_INTERVAL=3600");
    trail_fixture_set(fixture, "AUDIT_TRAIL_BUFFER_MAX_SIZE=10000");
    trail_fixture_set(fixture, "AUDIT_TRAIL_SHUTDOWN_TIMEOUT=20");
}

void trail_fixture_set(struct trail_fixture *fixture, const char *format, ...)
{
    va_list arguments;
    char    setting[sizeof fixture->settings[0]];
    size_t  at = 0;

    va_start(arguments, format);
    assert_true(vsnprintf(setting, sizeof setting, format, arguments) < (int)sizeof setting);
    va_end(arguments);
    size_t name_size = strcspn(setting, "=") + 1;
    while (at < fixture->setting_count && strncmp(fixture->settings[at], setting, name_size) != 0)
        at++;
    assert_true(at < TRAIL_FIXTURE_SETTINGS - 1);
    memcpy(fixture->settings[at], setting, sizeof setting);
    if (at == fixture->setting_count)
        fixture->setting_count++;
}

void trail_fixture_unset(struct trail_fixture *fixture, const char *name)
{
    size_t kept = 0;
    for (size_t at = 0; at < fixture->setting_count; at++) {
        const char *setting = fixture->settings[at];
        if (strncmp(setting, name, strlen(name)) == 0 && setting[strlen(name)] == '=')
            continue;
        memmove(fixture->settings[kept++], setting, sizeof fixture->settings[0]);
    }
    fixture->setting_count = kept;
}

void trail_fixture_write_env(struct trail_fixture *fixture, const char *text)
{
    assert_true(os_path_join(fixture->env_path, fixture->dir.path, "audit.env"));
    FILE *file = fopen(fixture->env_path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    fixture->env_file = fixture->env_path;
}

enum trail_err trail_fixture_try_open(struct trail_fixture *fixture, struct trail_error *ret_error)
{
    const char *settings[TRAIL_FIXTURE_SETTINGS] = { NULL };
    for (size_t i = 0; i < fixture->setting_count; i++)
        settings[i] = fixture->settings[i];
    const struct trail_options options = { TRAIL_OPTIONS_INIT, .settings = settings, .env_file = fixture->env_file,
                                           .on_notice = note, .notice_context = fixture };
    return trail_open(&fixture->trail, &options, ret_error);
}

void trail_fixture_open(struct trail_fixture *fixture)
{
    struct trail_error error = { .message = "" };
    if (trail_fixture_try_open(fixture, &error) != TRAIL_OK)
        fail_msg("%s", error.message);
}

void trail_fixture_start(struct trail_fixture *fixture)
{
    trail_fixture_init(fixture);
    trail_fixture_open(fixture);
}

enum trail_err trail_fixture_close(struct trail_fixture *fixture)
{
    struct trail *trail = fixture->trail;
    fixture->trail = NULL;
    return trail_close(trail, NULL);
}

void trail_fixture_done(struct trail_fixture *fixture)
{
    (void)trail_fixture_close(fixture);
    temp_dir_remove(&fixture->dir);
    pthread_mutex_destroy(&fixture->lock);
}

size_t trail_fixture_notices(struct trail_fixture *fixture)
{
    pthread_mutex_lock(&fixture->lock);
    size_t count = fixture->notice_count;
    pthread_mutex_unlock(&fixture->lock);
    return count;
}

bool trail_fixture_was_told(struct trail_fixture *fixture, const char *part)
{
    bool told = false;
    pthread_mutex_lock(&fixture->lock);
    for (size_t i = 0; i < fixture->notice_count && i < TRAIL_FIXTURE_NOTICES; i++)
        told = told || strstr(fixture->notices[i].message, part) != NULL;
    pthread_mutex_unlock(&fixture->lock);
    return told;
}

struct trail_event trail_fixture_event(const char *action)
{
    return (struct trail_event){ TRAIL_EVENT_INIT, .action = trail_str(action), .resource_type = TRAIL_TEXT("tool"),
                                 .user_id = TRAIL_TEXT("alice") };
}

void trail_fixture_record(struct trail_fixture *fixture, const char *action)
{
    struct trail_event event = trail_fixture_event(action);
    struct trail_error error = { .message = "" };
    if (trail_record(fixture->trail, &event, NULL, &error) != TRAIL_OK)
        fail_msg("%s: %s", action, error.message);
}

void trail_fixture_flush(struct trail_fixture *fixture)
{
    assert_int_equal(trail_flush(fixture->trail, FLUSH_MS), TRAIL_OK);
}

struct trail_stats trail_fixture_stats(struct trail_fixture *fixture)
{
    struct trail_stats stats = { .struct_size = sizeof stats };
    trail_stats(fixture->trail, &stats);
    return stats;
}

uint64_t trail_fixture_offered(const struct trail_stats *stats)
{
    uint64_t offered = 0;
    for (size_t i = 1; i < TRAIL_OPERATION_COUNT; i++) {
        const struct trail_account *account = &stats->operations[i];
        offered += account->recorded + account->level + account->excluded + account->sampled + account->rejected +
                   account->dropped;
    }
    return offered;
}

/* ---- The store ---- */

void trail_fixture_text(const struct trail_fixture *fixture, const char *sql, char out[512])
{
    sqlite3      *db = NULL;
    sqlite3_stmt *statement = NULL;

    out[0] = '\0';
    if (sqlite3_open_v2(fixture->database, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(db, 5000);
        if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
            const char *text = (const char *)sqlite3_column_text(statement, 0);
            snprintf(out, 512, "%s", text != NULL ? text : "NULL");
        }
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

int64_t trail_fixture_number(const struct trail_fixture *fixture, const char *sql)
{
    char text[512];
    trail_fixture_text(fixture, sql, text);
    return text[0] != '\0' ? strtoll(text, NULL, 10) : -1;
}

int64_t trail_fixture_rows(const struct trail_fixture *fixture, const char *where, ...)
{
    char    sql[2048] = "SELECT count(*) FROM audit_trail WHERE ";
    size_t  size = strlen(sql);
    va_list arguments;

    va_start(arguments, where);
    assert_true(vsnprintf(sql + size, sizeof sql - size, where, arguments) < (int)(sizeof sql - size));
    va_end(arguments);
    return trail_fixture_number(fixture, sql);
}

struct expectation {
    const struct trail_fixture *fixture;
    const char                 *sql;
    int64_t                     number;
};

static bool is_met(void *context)
{
    const struct expectation *expected = context;
    return trail_fixture_number(expected->fixture, expected->sql) == expected->number;
}

bool trail_fixture_becomes(const struct trail_fixture *fixture, const char *sql, int64_t expected)
{
    struct expectation expectation = { fixture, sql, expected };
    return patience_until(is_met, &expectation);
}

void *trail_fixture_lock_store(const struct trail_fixture *fixture)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(fixture->database, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    return db;
}

void trail_fixture_unlock_store(void *lock)
{
    assert_int_equal(sqlite3_exec(lock, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(lock);
}

/* ---- The spool ---- */

const char *trail_fixture_only_spool(const struct trail_fixture *fixture)
{
    static char path[OS_PATH_SIZE];
    DIR        *list = opendir(fixture->spool_dir);
    size_t      count = 0;

    assert_non_null(list);
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        if (entry->d_name[0] == '.')
            continue;
        count++;
        assert_true(os_path_join(path, fixture->spool_dir, entry->d_name));
    }
    closedir(list);
    assert_int_equal(count, 1);
    return path;
}

static bool file_holds(const char *path, const char *bytes)
{
    bool  holds = false;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    (void)fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    rewind(file);
    char *content = malloc(size > 0 ? size : 1);
    assert_non_null(content);
    if (fread(content, 1, size, file) == size)
        holds = memmem(content, size, bytes, strlen(bytes)) != NULL;
    free(content);
    (void)fclose(file);
    return holds;
}

bool trail_fixture_spool_holds(const struct trail_fixture *fixture, const char *bytes)
{
    const char *spool = trail_fixture_only_spool(fixture);
    DIR        *list = opendir(spool);
    bool        holds = false;

    assert_non_null(list);
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        char path[OS_PATH_SIZE];
        if (entry->d_name[0] != '.' && os_path_join(path, spool, entry->d_name))
            holds = holds || file_holds(path, bytes);
    }
    closedir(list);
    return holds;
}
