/* sqlite_cleanup_space.c -- gives the pages that deleting has freed back to the file system.
 *
 * Incremental auto-vacuum moves pages from the end of the file into the free ones, some thousand per transaction; a
 * checkpoint then cuts the file. A database that was made without it (by another tool) keeps its size: what is free is
 * used again, which the step says. */
#include "store/sqlite_cleanup.h"

/* This share of the file may stay free. The next hour's events take it up at once, and moving pages twice is work for
 * nothing; an hour of ninety days is a thirtieth of it. */
#define FREE_SHARE 64

static enum trail_err read_number(struct sqlite_store *store, const char *sql, int64_t *ret_number,
                                  struct trail_error *ret_error)
{
    sqlite3_stmt  *read = NULL;
    enum trail_err err = cleanup_prepare(store, sql, &read, ret_error);
    int            code = err == TRAIL_OK ? sqlite3_step(read) : SQLITE_DONE;
    if (code == SQLITE_ROW)
        *ret_number = sqlite3_column_int64(read, 0);
    else if (err == TRAIL_OK)
        err = sqlite_failed(store, code, "read the size of the file", ret_error);
    sqlite3_finalize(read);
    return err;
}

static enum trail_err vacuum(struct sqlite_store *store, int64_t pages, struct trail_error *ret_error)
{
    char sql[64];
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA incremental_vacuum(%lld)", (long long)pages);
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? TRAIL_OK : sqlite_failed(store, code, "give space back", ret_error);
}

/* The second asks for the write lock and for all readers to be gone, and waits for neither: whoever
 * records or reads goes first. */
void cleanup_checkpoint(struct sqlite_store *store)
{
    sqlite3_busy_handler(store->db, NULL, NULL);
    (void)sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    (void)sqlite3_wal_checkpoint_v2(store->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_handler(store->db, sqlite_wait_for_lock, store);
}

enum trail_err cleanup_space(struct sqlite_store *store, struct sqlite_cleanup *cleanup, struct cleanup_step *step,
                             bool *ret_over, struct trail_error *ret_error)
{
    int64_t        mode = 0;
    int64_t        free_pages = 0;
    int64_t        pages = 0;
    enum trail_err err = read_number(store, "PRAGMA auto_vacuum", &mode, ret_error);
    if (err == TRAIL_OK)
        err = read_number(store, "PRAGMA freelist_count", &free_pages, ret_error);
    if (err == TRAIL_OK)
        err = read_number(store, "PRAGMA page_count", &pages, ret_error);
    if (err != TRAIL_OK)
        return err;

    int64_t surplus = free_pages - pages / FREE_SHARE;
    step->cannot_shrink = mode == 0;
    if (mode != 0 && surplus > 0)
        err = vacuum(store, surplus < cleanup->pages_max ? surplus : cleanup->pages_max, ret_error);
    *ret_over = mode == 0 || surplus <= cleanup->pages_max;
    if (err == TRAIL_OK && *ret_over)
        cleanup_checkpoint(store);
    return err;
}
