/* registry_sqlite.c -- the registry in a SQLite file: one connection, one lock, prepared statements.
 *
 * WAL with synchronous=NORMAL: a power cut may take back the last few changes, but never damages the file.
 * That is right for an example's tools and would be wrong for a trail, which has a store of its own.
 */
#include "registry.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define BUSY_TIMEOUT_MS 2000 /* Somebody may look into the file with the sqlite3 shell. */

static const char SCHEMA[] = "PRAGMA journal_mode=WAL;"
                             "PRAGMA synchronous=NORMAL;"
                             "CREATE TABLE IF NOT EXISTS entries ("
                             "  kind INTEGER NOT NULL, id TEXT NOT NULL, enabled INTEGER NOT NULL,"
                             "  name TEXT NOT NULL, description TEXT NOT NULL, config TEXT NOT NULL,"
                             "  created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL,"
                             "  PRIMARY KEY (kind, id)) WITHOUT ROWID;";

enum statement { CHECK, BEGIN, COMMIT, ROLLBACK, ADD, FIND, LIST, UPDATE, REMOVE, STATEMENT_COUNT };

#define COLUMNS "id, kind, enabled, name, description, config, created_us, updated_us"

static const char *const STATEMENT_SQL[STATEMENT_COUNT] = {
    [CHECK] = "SELECT 1",
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [ADD] = "INSERT INTO entries (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
    [FIND] = "SELECT " COLUMNS " FROM entries WHERE kind = ?1 AND id = ?2",
    [LIST] = "SELECT id, kind, enabled, name, description, '{}', created_us, updated_us FROM entries"
             " WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
    [UPDATE] = "UPDATE entries SET enabled = coalesce(?3, enabled), name = coalesce(?4, name),"
               " description = coalesce(?5, description), config = coalesce(?6, config), updated_us = ?7"
               " WHERE kind = ?1 AND id = ?2",
    [REMOVE] = "DELETE FROM entries WHERE kind = ?1 AND id = ?2",
};

struct registry {
    pthread_mutex_t lock; /* Guards everything below. */
    sqlite3        *database;
    sqlite3_stmt   *statements[STATEMENT_COUNT];
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A random (version 4) uuid. */
static bool make_id(char ret_id[REGISTRY_ID_SIZE])
{
    uint8_t b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b)
        return false;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(ret_id, REGISTRY_ID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    return true;
}

static enum registry_result failed_locked(struct registry *registry)
{
    fprintf(stderr, "gateway: registry: %s\n", sqlite3_errmsg(registry->database));
    return REGISTRY_FAILED;
}

/* Run a statement that returns no rows; its parameters are bound already. */
static enum registry_result run_locked(struct registry *registry, enum statement which)
{
    sqlite3_stmt        *statement = registry->statements[which];
    enum registry_result result = sqlite3_step(statement) == SQLITE_DONE ? REGISTRY_OK : failed_locked(registry);
    sqlite3_reset(statement);
    return result;
}

/* End the transaction that was begun: keep what `result` says succeeded, take back the rest. A COMMIT that
 * fails may leave it open. */
static enum registry_result end_locked(struct registry *registry, enum registry_result result)
{
    if (result == REGISTRY_OK)
        result = run_locked(registry, COMMIT);
    if (sqlite3_get_autocommit(registry->database) == 0 && run_locked(registry, ROLLBACK) != REGISTRY_OK)
        fprintf(stderr, "gateway: registry: could not roll back\n");
    return result;
}

static char *column_copy(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text != NULL ? strdup(text) : NULL;
}

/* The row that `statement` stands on. */
static bool read_row(sqlite3_stmt *statement, struct registry_entry *ret_entry)
{
    struct registry_entry entry = { .kind = (enum registry_kind)sqlite3_column_int(statement, 1),
                                    .enabled = sqlite3_column_int(statement, 2) != 0,
                                    .name = column_copy(statement, 3),
                                    .description = column_copy(statement, 4),
                                    .config = column_copy(statement, 5),
                                    .created_us = sqlite3_column_int64(statement, 6),
                                    .updated_us = sqlite3_column_int64(statement, 7) };
    if (entry.name == NULL || entry.description == NULL || entry.config == NULL) {
        registry_entry_done(&entry);
        return false;
    }
    snprintf(entry.id, sizeof entry.id, "%s", (const char *)sqlite3_column_text(statement, 0));
    *ret_entry = entry;
    return true;
}

static enum registry_result find_locked(struct registry *registry, struct registry_key key,
                                        struct registry_entry *ret_entry)
{
    sqlite3_stmt *find = registry->statements[FIND];
    sqlite3_bind_int(find, 1, (int)key.kind);
    sqlite3_bind_text(find, 2, key.id, -1, SQLITE_STATIC);

    enum registry_result result = REGISTRY_UNKNOWN_ID;
    int                  step = sqlite3_step(find);
    if (step == SQLITE_ROW)
        result = read_row(find, ret_entry) ? REGISTRY_OK : REGISTRY_FAILED;
    else if (step != SQLITE_DONE)
        result = failed_locked(registry);
    sqlite3_reset(find);
    return result;
}

enum registry_result registry_open(struct registry **ret_registry, const char *path)
{
    struct registry *registry = calloc(1, sizeof *registry);
    if (registry == NULL)
        return REGISTRY_FAILED;
    pthread_mutex_init(&registry->lock, NULL);

    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &registry->database, flags, NULL) != SQLITE_OK)
        goto fail;
    sqlite3_busy_timeout(registry->database, BUSY_TIMEOUT_MS);
    if (sqlite3_exec(registry->database, SCHEMA, NULL, NULL, NULL) != SQLITE_OK)
        goto fail;
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(registry->database, STATEMENT_SQL[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &registry->statements[i], NULL) != SQLITE_OK)
            goto fail;
    }
    *ret_registry = registry;
    return REGISTRY_OK;

fail:
    fprintf(stderr, "gateway: registry %s: %s\n", path, sqlite3_errmsg(registry->database));
    registry_close(registry);
    return REGISTRY_FAILED;
}

void registry_close(struct registry *registry)
{
    if (registry == NULL)
        return;
    for (int i = 0; i < STATEMENT_COUNT; i++)
        sqlite3_finalize(registry->statements[i]);
    sqlite3_close(registry->database);
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

enum registry_result registry_check(struct registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    sqlite3_stmt        *check = registry->statements[CHECK];
    enum registry_result result = sqlite3_step(check) == SQLITE_ROW ? REGISTRY_OK : failed_locked(registry);
    sqlite3_reset(check);
    pthread_mutex_unlock(&registry->lock);
    return result;
}

static enum registry_result insert_locked(struct registry *registry, struct registry_key key,
                                          const struct registry_change *values)
{
    sqlite3_stmt *add = registry->statements[ADD];
    sqlite3_bind_text(add, 1, key.id, -1, SQLITE_STATIC);
    sqlite3_bind_int(add, 2, (int)key.kind);
    sqlite3_bind_int(add, 3, values->enabled == NULL || *values->enabled);
    sqlite3_bind_text(add, 4, values->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 5, values->description, -1, SQLITE_STATIC);
    sqlite3_bind_text(add, 6, values->config, -1, SQLITE_STATIC);
    sqlite3_bind_int64(add, 7, now_us());
    enum registry_result result = run_locked(registry, ADD);
    sqlite3_clear_bindings(add);
    return result;
}

enum registry_result registry_add(struct registry *registry, enum registry_kind kind,
                                  const struct registry_change *values, struct registry_entry *ret_entry)
{
    assert(values->name != NULL && values->description != NULL && values->config != NULL);

    char id[REGISTRY_ID_SIZE];
    if (!make_id(id))
        return REGISTRY_FAILED;
    struct registry_key   key = { kind, id };
    struct registry_entry entry = { 0 };

    pthread_mutex_lock(&registry->lock);
    enum registry_result result = run_locked(registry, BEGIN);
    if (result == REGISTRY_OK)
        result = insert_locked(registry, key, values);
    if (result == REGISTRY_OK)
        result = find_locked(registry, key, &entry);
    result = end_locked(registry, result);
    pthread_mutex_unlock(&registry->lock);

    if (result != REGISTRY_OK) {
        registry_entry_done(&entry);
        return result;
    }
    *ret_entry = entry;
    return REGISTRY_OK;
}

enum registry_result registry_find(struct registry *registry, struct registry_key key, struct registry_entry *ret_entry)
{
    pthread_mutex_lock(&registry->lock);
    enum registry_result result = find_locked(registry, key, ret_entry);
    pthread_mutex_unlock(&registry->lock);
    return result;
}

enum registry_result registry_list(struct registry *registry, enum registry_kind kind, struct registry_page page,
                                   registry_entry_fn on_entry, void *context)
{
    pthread_mutex_lock(&registry->lock);
    sqlite3_stmt *list = registry->statements[LIST];
    sqlite3_bind_int(list, 1, (int)kind);
    sqlite3_bind_text(list, 2, page.after, -1, SQLITE_STATIC);
    sqlite3_bind_int(list, 3, page.limit);

    enum registry_result result = REGISTRY_OK;
    int                  step = sqlite3_step(list);
    for (; step == SQLITE_ROW && result == REGISTRY_OK; step = sqlite3_step(list)) {
        struct registry_entry entry = { 0 };
        if (!read_row(list, &entry)) {
            result = REGISTRY_FAILED;
            break;
        }
        on_entry(context, &entry);
        registry_entry_done(&entry);
    }
    if (result == REGISTRY_OK && step != SQLITE_DONE)
        result = failed_locked(registry);
    sqlite3_reset(list);
    sqlite3_clear_bindings(list);
    pthread_mutex_unlock(&registry->lock);
    return result;
}

static enum registry_result change_locked(struct registry *registry, struct registry_key key,
                                          const struct registry_change *change)
{
    sqlite3_stmt *update = registry->statements[UPDATE];
    sqlite3_bind_int(update, 1, (int)key.kind);
    sqlite3_bind_text(update, 2, key.id, -1, SQLITE_STATIC);
    if (change->enabled != NULL)
        sqlite3_bind_int(update, 3, *change->enabled);
    sqlite3_bind_text(update, 4, change->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(update, 5, change->description, -1, SQLITE_STATIC);
    sqlite3_bind_text(update, 6, change->config, -1, SQLITE_STATIC);
    sqlite3_bind_int64(update, 7, now_us());
    enum registry_result result = run_locked(registry, UPDATE);
    sqlite3_clear_bindings(update);
    return result;
}

enum registry_result registry_update(struct registry *registry, struct registry_key key,
                                     const struct registry_change *change, struct registry_entry *ret_old,
                                     struct registry_entry *ret_new)
{
    struct registry_entry old = { 0 };
    struct registry_entry new = { 0 };

    pthread_mutex_lock(&registry->lock);
    enum registry_result result = run_locked(registry, BEGIN);
    if (result == REGISTRY_OK)
        result = find_locked(registry, key, &old);
    if (result == REGISTRY_OK)
        result = change_locked(registry, key, change);
    if (result == REGISTRY_OK)
        result = find_locked(registry, key, &new);
    result = end_locked(registry, result);
    pthread_mutex_unlock(&registry->lock);

    if (result != REGISTRY_OK) {
        registry_entry_done(&old);
        registry_entry_done(&new);
        return result;
    }
    *ret_old = old;
    *ret_new = new;
    return REGISTRY_OK;
}

enum registry_result registry_remove(struct registry *registry, struct registry_key key, struct registry_entry *ret_old)
{
    struct registry_entry old = { 0 };

    pthread_mutex_lock(&registry->lock);
    enum registry_result result = run_locked(registry, BEGIN);
    if (result == REGISTRY_OK)
        result = find_locked(registry, key, &old);
    if (result == REGISTRY_OK) {
        sqlite3_stmt *remove = registry->statements[REMOVE];
        sqlite3_bind_int(remove, 1, (int)key.kind);
        sqlite3_bind_text(remove, 2, key.id, -1, SQLITE_STATIC);
        result = run_locked(registry, REMOVE);
    }
    result = end_locked(registry, result);
    pthread_mutex_unlock(&registry->lock);

    if (result != REGISTRY_OK) {
        registry_entry_done(&old);
        return result;
    }
    *ret_old = old;
    return REGISTRY_OK;
}

void registry_entry_done(struct registry_entry *entry)
{
    free(entry->name);
    free(entry->description);
    free(entry->config);
    entry->name = NULL;
    entry->description = NULL;
    entry->config = NULL;
}
