/* store.c -- passes every call on to the back-end of the store. */
#include "store/store.h"

#include <assert.h>

#include "store/backend.h"

enum trail_err store_open_with(struct store **ret_store, const char *url, const struct store_open_options *options,
                               struct trail_error *ret_error)
{
    assert(ret_store != NULL);

    const struct store_backend *backend;
    enum trail_err              err = backend_find(&backend, url, ret_error);
    return err == TRAIL_OK ? backend->open(ret_store, url, options, ret_error) : err;
}

enum trail_err store_check_url(const char *url, struct trail_error *ret_error)
{
    const struct store_backend *backend;
    enum trail_err              err = backend_find(&backend, url, ret_error);
    return err == TRAIL_OK ? backend->check_url(url, ret_error) : err;
}

enum trail_err store_script(const char *url, struct buf *out, struct trail_error *ret_error)
{
    const struct store_backend *backend;
    enum trail_err              err = backend_find(&backend, url, ret_error);
    if (err == TRAIL_OK)
        err = backend->check_url(url, ret_error);
    if (err == TRAIL_OK)
        backend->script(out);
    return err;
}

enum trail_err store_open(struct store **ret_store, const char *url, const bool *interrupted,
                          struct trail_error *ret_error)
{
    const struct store_open_options options = { .interrupted = interrupted };
    return store_open_with(ret_store, url, &options, ret_error);
}

enum trail_err store_open_reader(struct store **ret_store, const char *url, struct trail_error *ret_error)
{
    const struct store_open_options options = { .read_only = true };
    return store_open_with(ret_store, url, &options, ret_error);
}

void store_close(struct store *store)
{
    if (store != NULL)
        store->backend->close(store);
}

void store_abandon(struct store *store)
{
    if (store != NULL)
        store->backend->abandon(store);
}

int64_t store_schema_was(const struct store *store)
{
    return store->schema_was;
}

int64_t store_schema_is(const struct store *store)
{
    return (int64_t)store->backend->migration_count;
}

const struct uuid *store_identity(const struct store *store)
{
    return &store->identity;
}

enum trail_err store_writer_add(struct store *store, const struct store_writer *writer, uint64_t *ret_last_seq,
                                struct trail_error *ret_error)
{
    assert(!store->read_only);
    return store->backend->writer_add(store, writer, ret_last_seq, ret_error);
}

/* Ascending numbers inside the batch's range: checked before anything is written. */
static bool batch_is_sound(const struct store_batch *batch)
{
    if (batch->first_seq > batch->last_seq)
        return batch->event_count == 0 && batch->dead_letter_count == 0;
    uint64_t next = batch->first_seq;
    for (size_t i = 0; i < batch->event_count; i++) {
        if (batch->events[i].seq < next || batch->events[i].seq > batch->last_seq)
            return false;
        next = batch->events[i].seq + 1;
    }
    for (size_t i = 0; i < batch->dead_letter_count; i++) {
        if (batch->dead_letters[i].seq < batch->first_seq || batch->dead_letters[i].seq > batch->last_seq)
            return false;
    }
    return true;
}

enum trail_err store_write(struct store *store, const struct store_batch *batch, uint64_t *ret_last_seq,
                           struct trail_error *ret_error)
{
    assert(!store->read_only);
    assert(batch_is_sound(batch));
    return store->backend->write(store, batch, ret_last_seq, ret_error);
}

enum store_dialect store_dialect(const struct store *store)
{
    return store->backend->dialect;
}

uint64_t store_bytes(struct store *store)
{
    return store->backend->bytes(store);
}

enum trail_err store_run_query(struct store *store, const struct store_query *query, struct trail_error *ret_error)
{
    return store->backend->select(store, query, ret_error);
}

enum trail_err store_select(struct store *store, const char *sql, const struct store_value *parameters,
                            size_t parameter_count, store_row_fn on_row, void *context, struct trail_error *ret_error)
{
    const struct store_query query = { sql, parameters, parameter_count, on_row, context, false };
    return store_run_query(store, &query, ret_error);
}
