/* postgresql_store.c -- opens and closes a PostgreSQL store; the table of the back-end, and the way into it. */
#include "store/postgresql_store.h"

#include "store/postgresql_cleanup.h"
#include "store/postgresql_url.h"

#include <stdlib.h>
#include <string.h>

#include "audittrail.h"

static void postgresql_close(struct store *base)
{
    struct postgresql_store *store = postgresql_store_of(base);
    pg_close(&store->connection);
    resolver_done(&store->resolver);
    buf_done(&store->sql);
    buf_done(&store->copy);
    free(store->days.known);
    free(store);
}

static void postgresql_abandon(struct store *base)
{
    pg_abandon(&postgresql_store_of(base)->connection);
}

static enum trail_err postgresql_open(struct store **ret_store, const char *url,
                                      const struct store_open_options *options, struct trail_error *ret_error)
{
    struct postgresql_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a store");
    store->base = (struct store){ .backend = &postgresql_backend, .read_only = options->read_only };
    store->retention_days = options->retention_days != 0 ? options->retention_days : STORE_RETENTION_DAYS;
    buf_init(&store->sql, NULL, 0);
    buf_init(&store->copy, NULL, 0);

    enum trail_err err = pg_connect(&store->connection, url, options, ret_error);
    if (err == TRAIL_OK)
        err = postgresql_schema_open(store, ret_error);
    if (err == TRAIL_OK && !store->base.read_only)
        err = resolver_init(&store->resolver, ret_error);
    if (err != TRAIL_OK) {
        postgresql_close(&store->base);
        return err;
    }
    *ret_store = &store->base;
    return TRAIL_OK;
}

/* 150014 is 15.14. */
static void postgresql_client(struct buf *out)
{
    buf_printf(out, "libpq      %d.%d", PQlibVersion() / 10000, PQlibVersion() % 10000);
}

const struct store_backend postgresql_backend = {
    .scheme = "postgresql",
    .dialect = STORE_DIALECT_POSTGRESQL,
    .migrations = postgresql_migrations,
    .migration_count = POSTGRESQL_SCHEMA_NEWEST,
    .check_url = pg_check_url,
    .script = postgresql_script,
    .client = postgresql_client,
    .open = postgresql_open,
    .close = postgresql_close,
    .abandon = postgresql_abandon,
    .writer_add = postgresql_writer_add,
    .write = postgresql_write,
    .bytes = postgresql_bytes,
    .select = postgresql_select,
    .cleanup_begin = postgresql_cleanup_begin,
    .cleanup_step = postgresql_cleanup_step,
    .cleanup_end = postgresql_cleanup_end,
    .cleanup_free = postgresql_cleanup_free,
    .cleanup_forecast = postgresql_forecast,
};

/* BACKEND_ENTRY */
__attribute__((visibility("default"))) const struct store_backend *trail_store_backend(const char *version);

const struct store_backend *trail_store_backend(const char *version)
{
    return strcmp(version, trail_version()) == 0 ? &postgresql_backend : NULL;
}
