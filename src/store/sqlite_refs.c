/* sqlite_refs.c -- turns the repeated parts of a batch's events into row ids, through the caches.
 *
 * Layout: the four dimension tables, unique by digest. Validity: an id holds while audit_store.dims_generation is
 * what it was before the id was looked up; the batch's own transaction checks that. Recovery: whatever fails here is
 * rolled back and forgotten; the caches learn an id only after the COMMIT that made it. */
#include "store/sqlite_store.h"

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

static enum trail_err find_row(struct sqlite_store *store, struct ref_miss *miss, struct trail_error *ret_error)
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

static enum trail_err add_row(struct sqlite_store *store, struct ref_miss *miss, const struct trail_event *event,
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

/* One step for each distinct miss; its repeats, which follow it, are looked at when the ids are settled. */
static enum trail_err for_each_miss(struct sqlite_store *store, const struct event_record *events, bool add,
                                    struct trail_error *ret_error)
{
    struct ref_resolver *resolver = &store->resolver;
    enum trail_err       err = TRAIL_OK;
    for (size_t i = 0; err == TRAIL_OK && i < resolver->miss_count; i++) {
        struct ref_miss *miss = &resolver->misses[i];
        if (resolver_is_repeat(resolver, i))
            continue;
        if (!add)
            err = find_row(store, miss, ret_error);
        else if (miss->id == 0)
            err = add_row(store, miss, &events[miss->event].event, ret_error);
    }
    return err;
}

static bool any_unknown(const struct ref_resolver *resolver)
{
    for (size_t i = 0; i < resolver->miss_count; i++) {
        if (resolver->misses[i].id == 0 && !resolver_is_repeat(resolver, i))
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

enum trail_err sqlite_refs_resolve(struct sqlite_store *store, const struct event_record *events, size_t event_count,
                                   struct trail_error *ret_error)
{
    struct ref_resolver *resolver = &store->resolver;
    enum trail_err       err = resolver_ask_caches(resolver, events, event_count, ret_error);
    if (err != TRAIL_OK || resolver->miss_count == 0)
        return err;

    /* After a start most of what the caches do not know is in the database: look before taking the write lock. */
    err = in_transaction(store, events, false, ret_error);
    if (err == TRAIL_OK && any_unknown(resolver))
        err = in_transaction(store, events, true, ret_error);
    if (err == TRAIL_OK)
        resolver_settle(resolver, events);
    return err;
}

void sqlite_refs_forget(struct sqlite_store *store, int64_t dims_generation)
{
    resolver_forget(&store->resolver);
    store->dims_generation = dims_generation;
}
