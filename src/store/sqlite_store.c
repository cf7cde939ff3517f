/* sqlite_store.c -- opens and closes an SQLite store, waits for its locks, and says what its result codes mean.
 *
 * Layout, validity and recovery: sqlite_store.h. What can go wrong here: the file is locked longer than we wait
 * (TRAIL_EAWAY, by our own busy handler), is read-only, on a full disk or gone (TRAIL_EAWAY), is no database
 * (TRAIL_ECORRUPT), or belongs to somebody else (TRAIL_ECONFIG). */
#include "store/sqlite_store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "store/sqlite_cleanup.h"

static const char *const statement_texts[SQLITE_STATEMENT_COUNT] = {
#define STATEMENT(symbol, text) text,
#include "store/sqlite_statements.def"
#undef STATEMENT
};

/* ---- Errors ---- */

static enum trail_err meaning_of(int code)
{
    switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT: return TRAIL_EAWAY;
    case SQLITE_CONSTRAINT: /* RAISE() in a trigger too. */
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH: return TRAIL_EDATA;
    case SQLITE_NOMEM: return TRAIL_ENOMEM;
    default: return TRAIL_ECORRUPT; /* CORRUPT, NOTADB; ERROR: a table of ours is missing or changed. */
    }
}

enum trail_err sqlite_failed(struct sqlite_store *store, int code, const char *doing, struct trail_error *ret_error)
{
    enum trail_err err = meaning_of(code);
    const char    *words = store->db != NULL ? sqlite3_errmsg(store->db) : sqlite3_errstr(code);
    /* Only these two come from a system call that failed; the number is stale otherwise. */
    store->is_full |= (code & 0xFF) == SQLITE_FULL;
    bool by_system = (code & 0xFF) == SQLITE_IOERR || (code & 0xFF) == SQLITE_CANTOPEN;
    int  sys_errno = by_system && store->db != NULL ? sqlite3_system_errno(store->db) : 0;
    if (sys_errno != 0)
        return error_set_sys(ret_error, err, sys_errno, "cannot %s in %s: %s", doing, store->path, words);
    return error_set(ret_error, err, 0, "cannot %s in %s: %s", doing, store->path, words);
}

/* ---- Statements ---- */

enum trail_err sqlite_run(struct sqlite_store *store, enum sqlite_statement statement, const char *doing,
                          struct trail_error *ret_error)
{
    sqlite3_stmt *run = store->statements[statement];
    int           code = sqlite3_step(run);
    while (code == SQLITE_ROW)
        code = sqlite3_step(run);
    enum trail_err err = code == SQLITE_DONE ? TRAIL_OK : sqlite_failed(store, code, doing, ret_error);
    sqlite3_reset(run);
    return err;
}

enum trail_err sqlite_run_integers(struct sqlite_store *store, enum sqlite_statement statement, int64_t ret_values[2],
                                   bool *ret_found, struct trail_error *ret_error)
{
    sqlite3_stmt *run = store->statements[statement];
    int           code = sqlite3_step(run);
    *ret_found = code == SQLITE_ROW;
    if (code == SQLITE_ROW) {
        for (int i = 0; i < 2 && i < sqlite3_column_count(run); i++)
            ret_values[i] = sqlite3_column_int64(run, i);
        code = sqlite3_step(run); /* To the end: a RETURNING is not finished before. */
    }
    enum trail_err err = code == SQLITE_DONE ? TRAIL_OK : sqlite_failed(store, code, "look up a row", ret_error);
    sqlite3_reset(run);
    return err;
}

void sqlite_rollback(struct sqlite_store *store)
{
    /* Some errors (disk full, I/O) have rolled back already. */
    if (sqlite3_get_autocommit(store->db))
        return;
    if (sqlite_run(store, SQLITE_STATEMENT_ROLLBACK, "roll back", NULL) != TRAIL_OK)
        store->broken = true;
}

enum trail_err sqlite_check_usable(struct sqlite_store *store, struct trail_error *ret_error)
{
    int moved = 0;
    if (store->broken)
        return error_set(ret_error, TRAIL_EAWAY, 0, "the connection to %s must be opened again", store->path);
    if (sqlite3_file_control(store->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0) {
        store->broken = true;
        return error_set(ret_error, TRAIL_EAWAY, ENOENT, "%s was removed or replaced while it was open", store->path);
    }
    return TRAIL_OK;
}

/* ---- Waiting for locks ---- */

/* SQLite's own busy handler backs off to 100 ms and starves whoever came first; this one asks every 1-5 ms. */
int sqlite_wait_for_lock(void *context, int earlier_waits)
{
    struct sqlite_store *store = context;
    int64_t              now_us = clock_mono_us(&clock_system);
    if (earlier_waits == 0)
        store->wait_started_us = now_us;
    if (now_us - store->wait_started_us >= (int64_t)store->wait_ms * 1000)
        return 0;
    if (store->interrupted != NULL && __atomic_load_n(store->interrupted, __ATOMIC_ACQUIRE))
        return 0;

    /* Unequal waits, so that two waiters do not ask in step; no more randomness is needed than the clock has. */
    struct timespec pause = { .tv_nsec = (1 + now_us % 5) * 1000000 };
    nanosleep(&pause, NULL);
    return 1;
}

/* ---- The file ---- */

/* TRAIL_ECONFIG: no path, or "//", which some programs take for part of the path and some do not. */
static enum trail_err sqlite_check_url(const char *url, struct trail_error *ret_error)
{
    const char *path = strchr(url, ':') + 1;
    if (path[0] == '\0')
        return error_set(ret_error, TRAIL_ECONFIG, 0, "the database URL \"%s\" names no file; write sqlite:PATH", url);
    if (strncmp(path, "//", 2) == 0)
        return error_set(ret_error, TRAIL_ECONFIG, 0,
                         "\"//\" in the database URL \"%s\" is ambiguous; write sqlite:PATH", url);
    return TRAIL_OK;
}

/* The path of "sqlite:PATH". A relative one gets "./" in front: ":memory:" and "file:" then mean files of that name and
 * nothing else to SQLite. */
static enum trail_err take_path(struct sqlite_store *store, const char *url, struct trail_error *ret_error)
{
    enum trail_err err = sqlite_check_url(url, ret_error);
    if (err != TRAIL_OK)
        return err;
    const char *path = strchr(url, ':') + 1;
    size_t      size = strlen(path) + sizeof "./";
    store->path = malloc(size);
    if (store->path == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a store");
    snprintf(store->path, size, "%s%s", path[0] == '/' ? "" : "./", path);
    return TRAIL_OK;
}

/* Create the folders above `path` that are missing, for us only. */
static enum trail_err create_folders(char *path, struct trail_error *ret_error)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int error = mkdir(path, 0700) == 0 ? 0 : errno;
        if (error != 0 && error != EEXIST) {
            struct stat there;
            /* A folder on a read-only file system reports EROFS although it exists. */
            if (stat(path, &there) != 0 || !S_ISDIR(there.st_mode)) {
                (void)error_set_sys(ret_error, TRAIL_EAWAY, error, "cannot create the folder %s", path);
                *slash = '/';
                return TRAIL_EAWAY;
            }
        }
        *slash = '/';
    }
    return TRAIL_OK;
}

/* Create the database file for us only. With mknod(2), because opening and closing the file ourselves would drop
 * the POSIX locks that another connection of this process holds on it. */
static enum trail_err create_file(struct sqlite_store *store, struct trail_error *ret_error)
{
    enum trail_err err = create_folders(store->path, ret_error);
    if (err != TRAIL_OK)
        return err;
    struct stat there;
    if (stat(store->path, &there) == 0)
        return TRAIL_OK;
    if (mknod(store->path, S_IFREG | 0600, 0) != 0 && errno != EEXIST)
        return error_set_sys(ret_error, TRAIL_EAWAY, errno, "cannot create the database %s", store->path);
    return TRAIL_OK;
}

static enum trail_err execute(struct sqlite_store *store, const char *sql, const char *doing,
                              struct trail_error *ret_error)
{
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? TRAIL_OK : sqlite_failed(store, code, doing, ret_error);
}

static enum trail_err prepare_statements(struct sqlite_store *store, struct trail_error *ret_error)
{
    for (size_t i = 0; i < SQLITE_STATEMENT_COUNT; i++) {
        int code = sqlite3_prepare_v3(store->db, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &store->statements[i], NULL);
        if (code != SQLITE_OK)
            return sqlite_failed(store, code, "prepare a statement", ret_error);
    }
    return TRAIL_OK;
}

static enum trail_err connect_file(struct sqlite_store *store, struct trail_error *ret_error)
{
    enum trail_err err = store->base.read_only ? TRAIL_OK : create_file(store, ret_error);
    if (err != TRAIL_OK)
        return err;

    int flags = SQLITE_OPEN_NOMUTEX | (store->base.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
    int code = sqlite3_open_v2(store->path, &store->db, flags, NULL);
    if (code != SQLITE_OK)
        return sqlite_failed(store, code, "open the database", ret_error);
    if (!store->base.read_only && sqlite3_db_readonly(store->db, "main") == 1)
        return error_set(ret_error, TRAIL_EAWAY, EACCES, "the database %s is read-only", store->path);
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_handler(store->db, sqlite_wait_for_lock, store);

    /* Up to 64 MiB of pages, taken as they are needed: a batch of 5,000 events changes that much of the random
     * correlation index and of the indexes by actor and resource. With 16 MiB the pages of one batch do not fit, are
     * written to the WAL more than once, and 1.4-1.6 times fewer events are stored per second (measured, 300,000
     * events, in turn). A checkpoint per 64 MiB of WAL, for the same reason. */
    return execute(
        store,
        "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 16000; PRAGMA journal_size_limit = 67108864;"
        "PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL",
        "set up the connection", ret_error);
}

static enum trail_err open_writer(struct sqlite_store *store, struct trail_error *ret_error)
{
    enum trail_err err = resolver_init(&store->resolver, ret_error);
    return err == TRAIL_OK ? prepare_statements(store, ret_error) : err;
}

static void sqlite_close(struct store *base)
{
    struct sqlite_store *store = sqlite_store_of(base);
    for (size_t i = 0; i < SQLITE_STATEMENT_COUNT; i++)
        sqlite3_finalize(store->statements[i]);
    int code = sqlite3_close(store->db);
    assert(code == SQLITE_OK); /* Busy: a statement was not finalized. */
    (void)code;
    resolver_done(&store->resolver);
    free(store->path);
    free(store);
}

static enum trail_err sqlite_open(struct store **ret_store, const char *url, const struct store_open_options *options,
                                  struct trail_error *ret_error)
{
    struct sqlite_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a store");
    store->base = (struct store){ .backend = &sqlite_backend, .read_only = options->read_only };
    store->interrupted = options->interrupted;
    store->wait_ms = options->wait_ms != 0 ? options->wait_ms : STORE_WAIT_MS;

    enum trail_err err = take_path(store, url, ret_error);
    if (err == TRAIL_OK)
        err = connect_file(store, ret_error);
    if (err == TRAIL_OK)
        err = sqlite_schema_open(store, ret_error);
    if (err == TRAIL_OK && !store->base.read_only)
        err = open_writer(store, ret_error);
    if (err != TRAIL_OK) {
        sqlite_close(&store->base);
        return err;
    }
    *ret_store = &store->base;
    return TRAIL_OK;
}

/* The database and what is still in its write-ahead log. */
static uint64_t sqlite_bytes(struct store *store)
{
    struct stat status;
    uint64_t    bytes = 0;
    struct buf  log;

    if (stat(sqlite_store_of(store)->path, &status) == 0)
        bytes += (uint64_t)status.st_size;
    buf_init(&log, NULL, 0);
    buf_printf(&log, "%s-wal%c", sqlite_store_of(store)->path, '\0');
    if (!buf_failed(&log) && stat(log.data, &status) == 0)
        bytes += (uint64_t)status.st_size;
    buf_done(&log);
    return bytes;
}

static void sqlite_client(struct buf *out)
{
    buf_printf(out, "sqlite     %s (built with %s)", sqlite3_libversion(), SQLITE_VERSION);
}

const struct store_backend sqlite_backend = {
    .scheme = "sqlite",
    .dialect = STORE_DIALECT_SQLITE,
    .migrations = sqlite_migrations,
    .migration_count = SQLITE_SCHEMA_NEWEST,
    .check_url = sqlite_check_url,
    .script = sqlite_script,
    .client = sqlite_client,
    .open = sqlite_open,
    .close = sqlite_close,
    .abandon = sqlite_close, /* It has said nothing to anybody: locks are not inherited. */
    .writer_add = sqlite_writer_add,
    .write = sqlite_write,
    .bytes = sqlite_bytes,
    .select = sqlite_select,
    .cleanup_begin = sqlite_cleanup_begin,
    .cleanup_step = sqlite_cleanup_step,
    .cleanup_end = sqlite_cleanup_end,
    .cleanup_free = sqlite_cleanup_free,
    .cleanup_forecast = sqlite_forecast,
};
