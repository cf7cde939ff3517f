/* trail_bench.c -- a whole trail in a folder of its own, with the real SQLite store. */
#include "support/trail_bench.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define SETTINGS_MAX 8

static void on_notice(void *context, const struct trail_error *notice)
{
    struct trail_bench *bench = context;
    (void)notice;
    __atomic_fetch_add(&bench->notices, 1, __ATOMIC_RELEASE);
}

void trail_bench_init(struct trail_bench *bench)
{
    *bench = (struct trail_bench){ 0 };
    temp_dir_make(&bench->dir);
}

void trail_bench_open(struct trail_bench *bench, const char *const *settings)
{
    char                 state_dir[OS_PATH_SIZE + 32];
    const char          *all[SETTINGS_MAX + 3] = { state_dir, "AUDIT_TRAIL_LEVEL=all" };
    struct trail_error   error = { 0 };
    struct trail_options options = { TRAIL_OPTIONS_INIT, .settings = all, .env_file = "", .on_notice = on_notice,
                                     .notice_context = bench };
    snprintf(state_dir, sizeof state_dir, "AUDIT_TRAIL_STATE_DIR=%s", bench->dir.path);
    for (size_t i = 0; settings != NULL && settings[i] != NULL && i < SETTINGS_MAX; i++)
        all[i + 2] = settings[i];
    if (trail_open(&bench->trail, &options, &error) == TRAIL_OK)
        return;
    fprintf(stderr, "%s\n", error.message);
    abort();
}

void trail_bench_done(struct trail_bench *bench)
{
    (void)trail_close(bench->trail, NULL);
    bench->trail = NULL;
    temp_dir_remove(&bench->dir);
}

enum trail_err trail_bench_record(struct trail_bench *bench, const char *action)
{
    struct trail_event event = {
        TRAIL_EVENT_INIT,
        .operation = TRAIL_OPERATION_CREATE,
        .action = trail_str(action),
        .resource_type = TRAIL_TEXT("tool"),
        .user_id = TRAIL_TEXT("alice"),
    };
    return trail_record(bench->trail, &event, NULL, NULL);
}

int64_t trail_bench_number(const struct trail_bench *bench, const char *sql)
{
    sqlite3      *database = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t       number = -1;
    if (sqlite3_open_v2(temp_dir_at(&bench->dir, "audit.db"), &database, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(database, 10000);
        if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW)
            number = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

int64_t trail_bench_count(const struct trail_bench *bench, const char *action)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM audit_trail WHERE action = '%s'", action);
    return trail_bench_number(bench, sql);
}
