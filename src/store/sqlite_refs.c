/* sqlite_refs.c -- turns the repeated parts of a batch's events into row ids, through the caches.
 *
 * Layout: the four dimension tables, unique by digest. Validity: an id holds while audit_store.dims_generation is
 * what it was before the id was looked up; the batch's own transaction checks that. Recovery: whatever fails here is
 * rolled back and forgotten; the caches learn an id only after the COMMIT that made it. */
#include "store/sqlite_store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const enum sqlite_statement find_statements[REFERENCE_KIND_COUNT] = {
    [REFERENCE_ACTOR] = SQLITE_STATEMENT_ACTOR_FIND,
    [REFERENCE_RESOURCE] = SQLITE_STATEMENT_RESOURCE_FIND,
    [REFERENCE_ACTION] = SQLITE_STATEMENT_ACTION_FIND,
    [REFERENCE_ROUTE] = SQLITE_STATEMENT_ROUTE_FIND,
};

static const enum sqlite_statement add_statements[REFERENCE_KIND_COUNT] = {
    [REFERENCE_ACTOR] = SQLITE_STATEMENT_ACTOR_ADD,
    [REFERENCE_RESOURCE] = SQLITE_STATEMENT_RESOURCE_ADD,
    [REFERENCE_ACTION] = SQLITE_STATEMENT_ACTION_ADD,
    [REFERENCE_ROUTE] = SQLITE_STATEMENT_ROUTE_ADD,
};

static bool have_ids(struct sqlite_store *store, size_t event_count)
{
    if (event_count <= store->ids_capacity)
        return true;
    struct reference_ids *ids = realloc(store->ids, event_count * sizeof *ids);
    if (ids == NULL)
        return false;
    store->ids = ids;
    store->ids_capacity = event_count;
    return true;
}

static struct sqlite_miss *new_miss(struct sqlite_store *store)
{
    if (store->miss_count == store->miss_capacity) {
        size_t              capacity = store->miss_capacity == 0 ? 64 : store->miss_capacity * 2;
        struct sqlite_miss *misses = realloc(store->misses, capacity * sizeof *misses);
        if (misses == NULL)
            return NULL;
        store->misses = misses;
        store->miss_capacity = capacity;
    }
    return &store->misses[store->miss_count++];
}

static enum trail_err no_memory(struct trail_error *ret_error)
{
    return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory to look up the references of a batch");
}

/* The caches' answers into store->ids; what they do not know into store->misses. */
static enum trail_err ask_caches(struct sqlite_store *store, const struct event_record *events, size_t event_count,
                                 struct trail_error *ret_error)
{
    store->miss_count = 0;
    for (size_t i = 0; i < event_count; i++) {
        for (int kind = 0; kind < REFERENCE_KIND_COUNT; kind++) {
            int64_t *id = &store->ids[i].ids[kind];
            *id = 0;
            buf_clear(&store->key);
            if (!reference_key((enum reference_kind)kind, &events[i].event, &store->key)) {
                if (buf_failed(&store->key))
                    return no_memory(ret_error);
                continue;
            }
            if (ref_cache_find(&store->caches[kind], buf_text(&store->key), id))
                continue;

            struct sqlite_miss *miss = new_miss(store);
            if (miss == NULL)
                return no_memory(ret_error);
            *miss = (struct sqlite_miss){ .event = (uint32_t)i, .kind = (uint8_t)kind };
            enum trail_err err = reference_digest(&store->sha256, buf_text(&store->key), &miss->digest);
            if (err != TRAIL_OK)
                return error_set(ret_error, err, 0, "libcrypto cannot make a digest");
        }
    }
    return TRAIL_OK;
}

/* By table and digest: every process inserts in the same order, and equal tuples come to stand together. */
static int compare_misses(const void *a, const void *b)
{
    const struct sqlite_miss *left = a;
    const struct sqlite_miss *right = b;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return memcmp(left->digest.bytes, right->digest.bytes, sizeof left->digest.bytes);
}

static enum trail_err find_row(struct sqlite_store *store, struct sqlite_miss *miss, struct trail_error *ret_error)
{
    int64_t               row[2];
    bool                  found;
    enum sqlite_statement find = find_statements[miss->kind];
    sqlite3_bind_blob(store->statements[find], 1, miss->digest.bytes, sizeof miss->digest.bytes, SQLITE_STATIC);
    enum trail_err err = sqlite_run_integers(store, find, row, &found, ret_error);
    if (err == TRAIL_OK && found)
        miss->id = row[0];
    return err;
}

static enum trail_err add_row(struct sqlite_store *store, struct sqlite_miss *miss, const struct trail_event *event,
                              struct trail_error *ret_error)
{
    const struct reference_info *info = &reference_infos[miss->kind];
    enum sqlite_statement        add = add_statements[miss->kind];
    sqlite3_stmt                *statement = store->statements[add];
    int                          at = 1;
    sqlite3_bind_blob(statement, at++, miss->digest.bytes, sizeof miss->digest.bytes, SQLITE_STATIC);
    for (size_t i = 0; i < info->field_count; i++)
        sqlite_bind_text(statement, at++, event_text(event, info->fields[i]));
    if (info->with_operation)
        sqlite3_bind_int(statement, at++, (int)event->operation);

    enum trail_err err = sqlite_run(store, add, "store a reference", ret_error);
    return err == TRAIL_OK ? find_row(store, miss, ret_error) : err;
}

/* One step for each distinct miss; its repeats, which follow it, take over the id. */
static enum trail_err for_each_miss(struct sqlite_store *store, const struct event_record *events, bool add,
                                    struct trail_error *ret_error)
{
    enum trail_err err = TRAIL_OK;
    for (size_t i = 0; err == TRAIL_OK && i < store->miss_count; i++) {
        struct sqlite_miss *miss = &store->misses[i];
        if (i > 0 && compare_misses(miss, miss - 1) == 0)
            miss->id = (miss - 1)->id;
        else if (!add)
            err = find_row(store, miss, ret_error);
        else if (miss->id == 0)
            err = add_row(store, miss, &events[miss->event].event, ret_error);
    }
    return err;
}

static bool any_unknown(const struct sqlite_store *store)
{
    for (size_t i = 0; i < store->miss_count; i++) {
        if (store->misses[i].id == 0)
            return true;
    }
    return false;
}

static enum trail_err in_transaction(struct sqlite_store *store, const struct event_record *events, bool add,
                                     struct trail_error *ret_error)
{
    enum trail_err err = sqlite_run(store, add ? SQLITE_STATEMENT_BEGIN_WRITE : SQLITE_STATEMENT_BEGIN_READ,
                                    "begin storing references", ret_error);
    if (err == TRAIL_OK)
        err = for_each_miss(store, events, add, ret_error);
    if (err == TRAIL_OK)
        err = sqlite_run(store, SQLITE_STATEMENT_COMMIT, "commit references", ret_error);
    if (err != TRAIL_OK)
        sqlite_rollback(store);
    return err;
}

/* The ids are committed: hand them to the batch and to the caches. */
static void settle_misses(struct sqlite_store *store, const struct event_record *events)
{
    for (size_t i = 0; i < store->miss_count; i++) {
        const struct sqlite_miss *miss = &store->misses[i];
        assert(miss->id > 0);
        store->ids[miss->event].ids[miss->kind] = miss->id;
        if (i > 0 && compare_misses(miss, miss - 1) == 0)
            continue;
        buf_clear(&store->key);
        if (reference_key((enum reference_kind)miss->kind, &events[miss->event].event, &store->key))
            ref_cache_put(&store->caches[miss->kind], buf_text(&store->key), miss->id);
    }
}

enum trail_err sqlite_refs_resolve(struct sqlite_store *store, const struct event_record *events, size_t event_count,
                                   struct trail_error *ret_error)
{
    if (!have_ids(store, event_count))
        return no_memory(ret_error);
    enum trail_err err = ask_caches(store, events, event_count, ret_error);
    if (err != TRAIL_OK || store->miss_count == 0)
        return err;
    qsort(store->misses, store->miss_count, sizeof *store->misses, compare_misses);

    /* After a start most of what the caches do not know is in the database: look before taking the write lock. */
    err = in_transaction(store, events, false, ret_error);
    if (err == TRAIL_OK && any_unknown(store))
        err = in_transaction(store, events, true, ret_error);
    if (err == TRAIL_OK)
        settle_misses(store, events);
    return err;
}

void sqlite_refs_forget(struct sqlite_store *store, int64_t dims_generation)
{
    for (size_t i = 0; i < REFERENCE_KIND_COUNT; i++)
        ref_cache_clear(&store->caches[i]);
    store->dims_generation = dims_generation;
}
