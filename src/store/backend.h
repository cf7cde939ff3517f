/* backend.h -- what a database must be able to do to be a store: a table of functions per kind of URL.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * store.c finds the back-end by the URL's scheme and passes every call on. A back-end embeds struct store as the
 * first member of its own struct. It keeps the contract of store.h, which is not repeated here. A back-end that
 * lives in a loadable object hands out its table through one function; nothing else of it is called.
 *
 * Thread: as store.h; the tables are constant.
 * Memory: open() allocates the store, close() frees it.
 * Errors: as store.h.
 */
#ifndef TRAIL_STORE_BACKEND_H
#define TRAIL_STORE_BACKEND_H

#include "store/cleanup.h"

struct store_open_options {
    const bool *interrupted; /* May be NULL. */
    bool        read_only;
    uint32_t    wait_ms;        /* How long to wait for a lock or a connection; 0 = STORE_WAIT_MS. */
    uint32_t    retention_days; /* Days older than this get no partition of their own; 0 = STORE_RETENTION_DAYS. */
};

#define STORE_RETENTION_DAYS 90

/* Longer than any transaction of ours takes (a batch: tens of milliseconds), short enough for a caller
 * that waits for its commit (AUDIT_TRAIL_SYNC_TIMEOUT_MS is 5,000 too). */
#define STORE_WAIT_MS 5000

/* A numbered step of a schema, compiled in. */
struct migration {
    const char *name; /* "0001_initial.sql" */
    const char *sql;
};

struct store_backend {
    const char             *scheme; /* "sqlite": what stands before the colon of a URL. */
    enum store_dialect      dialect;
    const struct migration *migrations;
    size_t                  migration_count; /* The newest schema version. */

    /* Is the URL well-formed? Connects to nothing. TRAIL_ECONFIG says what is wrong, without a password. */
    enum trail_err (*check_url)(const char *url, struct trail_error *ret_error);

    /* Append what open() does to the schema, as a script for the database's own shell (psql, sqlite3): whoever runs it
     * spares us the privileges. */
    void (*script)(struct buf *out);

    /* Append which client library this is, for `audittrail version`: "libpq      15.14". */
    void (*client)(struct buf *out);

    enum trail_err (*open)(struct store **ret_store, const char *url, const struct store_open_options *options,
                           struct trail_error *ret_error);
    void (*close)(struct store *store);
    void (*abandon)(struct store *store);
    enum trail_err (*writer_add)(struct store *store, const struct store_writer *writer, uint64_t *ret_last_seq,
                                 struct trail_error *ret_error);
    enum trail_err (*write)(struct store *store, const struct store_batch *batch, uint64_t *ret_last_seq,
                            struct trail_error *ret_error);
    uint64_t (*bytes)(struct store *store);
    enum trail_err (*select)(struct store *store, const struct store_query *query, struct trail_error *ret_error);

    enum trail_err (*cleanup_begin)(struct store *store, const struct store_cleanup_request *request,
                                    struct cleanup_answer *ret_answer, struct store_cleanup **ret_cleanup,
                                    struct trail_error *ret_error);
    enum trail_err (*cleanup_step)(struct store *store, struct store_cleanup *cleanup, int64_t elapsed_us,
                                   struct cleanup_step *ret_step, struct trail_error *ret_error);
    enum trail_err (*cleanup_end)(struct store *store, struct store_cleanup *cleanup, int64_t now_us,
                                  int64_t elapsed_us, struct trail_error *ret_error);
    void (*cleanup_free)(struct store_cleanup *cleanup);
    enum trail_err (*cleanup_forecast)(struct store *store, int64_t cut_off_us, struct trail_text host,
                                       struct cleanup_forecast *ret_forecast, struct trail_error *ret_error);
};

/* What every back-end's store begins with. */
struct store {
    const struct store_backend *backend;
    struct uuid                 identity;
    bool                        read_only;
    int64_t                     schema_was; /* The schema's version when we came; now it is migration_count. */
};

/* What every back-end's run of a clean-up begins with. */
struct store_cleanup {
    const struct store_backend *backend;
};

extern const struct store_backend sqlite_backend;

/* The back-end for a URL; one that is a loadable object is loaded, once per process, and stays. TRAIL_ECONFIG: no such
 * scheme (the schemes that are known are named), or its object is not installed or is of another version. */
TRAIL_MUST_CHECK enum trail_err backend_find(const struct store_backend **ret_backend, const char *url,
                                             struct trail_error *ret_error);

/* What the loadable object of a back-end exports, under the name BACKEND_ENTRY: its table, or NULL when `version` (that
 * of whoever loads it, trail_version()) is not its own: the two share structs that change between versions. */
typedef const struct store_backend *(*backend_entry_fn)(const char *version);
#define BACKEND_ENTRY "trail_store_backend"

/* store_open() and store_open_reader() with everything said; for tests that cannot wait for STORE_WAIT_MS. */
TRAIL_MUST_CHECK enum trail_err store_open_with(struct store **ret_store, const char *url,
                                                const struct store_open_options *options,
                                                struct trail_error              *ret_error);

#endif
