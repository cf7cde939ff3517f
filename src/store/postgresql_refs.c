/* postgresql_refs.c -- turns the repeated parts of a batch's events into row ids, in one round trip.
 *
 * Layout: the four dimension tables, unique by digest. Per table with misses two statements, all in one pipeline and
 * one transaction: insert what is not there, then read the ids of all. Who inserts waits for another transaction that
 * is inserting the same row; because every process goes through the tables and the digests in the same order, nobody
 * waits in a circle, and when the wait is over the SELECT, a statement of its own, sees the other's row.
 *
 * Validity: an id holds while audit_store.dims_generation is what it was before the id was looked up; the batch's own
 * transaction checks that. Recovery: whatever fails here is rolled back and forgotten; the caches learn an id only after
 * the COMMIT. A row that a clean-up deletes between the two statements has no id: once more. */
#include "store/postgresql_store.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The parameters of an INSERT: the digests, the texts, the operation. The first is the SELECT's as well. */
#define ARRAYS_MAX (1 + REFERENCE_FIELDS_MAX + 1)

/* Where the pieces of one table's two statements lie in the scratch buffer, which moves while it grows. */
struct table_pieces {
    size_t insert_at;
    size_t select_at;
    size_t array_at[ARRAYS_MAX + 1]; /* One more: the end of the last. */
    size_t array_count;
};

struct lookup {
    struct pg_statement statements[2 * REFERENCE_KIND_COUNT];
    struct store_value  parameters[REFERENCE_KIND_COUNT][ARRAYS_MAX];
    uint8_t             kinds[REFERENCE_KIND_COUNT]; /* Of the tables that have misses. */
    size_t              table_count;
    size_t              first[REFERENCE_KIND_COUNT + 1]; /* Of each kind's misses. */
};

/* ---- Arrays, as PostgreSQL reads them: {"a","b",NULL} ---- */

static void append_element(struct buf *out, struct trail_text text)
{
    if (text.size == 0) {
        buf_append_string(out, "NULL");
        return;
    }
    char *at = buf_reserve(out, 2 * text.size + 2);
    if (at == NULL)
        return;
    char *begin = at;
    *at++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            *at++ = '\\';
        *at++ = text.data[i];
    }
    *at++ = '"';
    out->size += (size_t)(at - begin);
}

static void append_digest(struct buf *out, const struct reference_digest *digest)
{
    struct uuid uuid;
    char        text[UUID_TEXT_SIZE];
    _Static_assert(sizeof uuid.bytes == sizeof digest->bytes, "a digest is stored as a uuid");
    memcpy(uuid.bytes, digest->bytes, sizeof uuid.bytes);
    uuid_format(&uuid, text);
    buf_append_string(out, text);
}

/* The i-th array of a table: 0 the digests, then its texts, then the operation. */
static void append_array(struct buf *out, const struct ref_resolver *resolver, const struct lookup *lookup,
                         const struct event_record *events, const size_t kind_and_array[2])
{
    const struct reference_info *info = &reference_infos[kind_and_array[0]];
    size_t                       array = kind_and_array[1];
    char                         separator = '{';
    for (size_t i = lookup->first[kind_and_array[0]]; i < lookup->first[kind_and_array[0] + 1]; i++) {
        const struct ref_miss    *miss = &resolver->misses[i];
        const struct trail_event *event = &events[miss->event].event;
        if (resolver_is_repeat(resolver, i))
            continue;
        buf_append(out, &separator, 1);
        separator = ',';
        if (array == 0)
            append_digest(out, &miss->digest);
        else if (array <= info->field_count)
            append_element(out, event_text(event, info->fields[array - 1]));
        else
            buf_printf(out, "%d", (int)event->operation);
    }
    buf_append(out, "}", 1);
}

/* ---- Statements ---- */

static void append_columns(struct buf *out, const struct reference_info *info)
{
    buf_append_string(out, "digest");
    for (size_t i = 0; i < info->field_count; i++)
        buf_printf(out, ", %s", event_fields[info->fields[i]].name);
    buf_append_string(out, info->with_operation ? ", operation" : "");
}

static void append_insert(struct buf *out, const struct reference_info *info)
{
    buf_printf(out, "INSERT INTO %s (", info->table);
    append_columns(out, info);
    buf_append_string(out, ") SELECT ");
    append_columns(out, info);
    buf_append_string(out, " FROM unnest(?1::uuid[]");
    for (size_t i = 0; i < info->field_count; i++)
        buf_printf(out, ", ?%zu::text[]", i + 2);
    if (info->with_operation)
        buf_printf(out, ", ?%zu::smallint[]", info->field_count + 2);
    buf_append_string(out, ") AS new (");
    append_columns(out, info);
    /* A conflict uses up an id, and there are many: most of what a fresh process does not know is there. */
    buf_printf(out, ") WHERE NOT EXISTS (SELECT FROM %s old WHERE old.digest = new.digest)", info->table);
    buf_append(out, " ORDER BY digest ON CONFLICT (digest) DO NOTHING",
               sizeof " ORDER BY digest ON CONFLICT (digest) DO NOTHING");
}

static void append_select(struct buf *out, const struct reference_info *info)
{
    buf_printf(out, "SELECT id, digest FROM %s WHERE digest = ANY (?1::uuid[]) ORDER BY digest", info->table);
    buf_append(out, "", 1);
}

static void find_tables(const struct ref_resolver *resolver, struct lookup *lookup)
{
    size_t i = 0;
    lookup->table_count = 0;
    for (size_t kind = 0; kind < REFERENCE_KIND_COUNT; kind++) {
        lookup->first[kind] = i;
        while (i < resolver->miss_count && resolver->misses[i].kind == kind)
            i++;
        if (i > lookup->first[kind])
            lookup->kinds[lookup->table_count++] = (uint8_t)kind;
    }
    lookup->first[REFERENCE_KIND_COUNT] = i;
    assert(i == resolver->miss_count);
}

static void write_pieces(struct buf *out, const struct ref_resolver *resolver, const struct lookup *lookup,
                         const struct event_record *events, struct table_pieces pieces[REFERENCE_KIND_COUNT])
{
    for (size_t i = 0; i < lookup->table_count; i++) {
        const struct reference_info *info = &reference_infos[lookup->kinds[i]];
        struct table_pieces         *piece = &pieces[i];
        piece->insert_at = out->size;
        append_insert(out, info);
        piece->select_at = out->size;
        append_select(out, info);
        piece->array_count = 1 + info->field_count + (info->with_operation ? 1 : 0);
        for (size_t array = 0; array < piece->array_count; array++) {
            piece->array_at[array] = out->size;
            append_array(out, resolver, lookup, events, (const size_t[2]){ lookup->kinds[i], array });
        }
        piece->array_at[piece->array_count] = out->size;
    }
}

static bool write_statements(struct postgresql_store *store, const struct event_record *events, struct lookup *lookup)
{
    struct table_pieces pieces[REFERENCE_KIND_COUNT];
    struct buf         *sql = &store->sql;
    find_tables(&store->resolver, lookup);
    buf_clear(sql);
    write_pieces(sql, &store->resolver, lookup, events, pieces);
    if (buf_failed(sql))
        return false;
    for (size_t i = 0; i < lookup->table_count; i++) {
        const struct table_pieces *piece = &pieces[i];
        for (size_t j = 0; j < piece->array_count; j++)
            lookup->parameters[i][j] = (struct store_value){
                .kind = STORE_TEXT,
                .text = text_of(sql->data + piece->array_at[j], piece->array_at[j + 1] - piece->array_at[j]),
            };
        lookup->statements[2 * i] =
            (struct pg_statement){ sql->data + piece->insert_at, lookup->parameters[i], piece->array_count };
        lookup->statements[2 * i + 1] = (struct pg_statement){ sql->data + piece->select_at, lookup->parameters[i], 1 };
    }
    return true;
}

/* ---- Answers ---- */

/* Rows and misses are in the same order. False: a miss has no row. */
static bool take_ids(struct ref_resolver *resolver, size_t first, size_t end, const PGresult *rows)
{
    int row = 0;
    for (size_t i = first; i < end; i++) {
        struct ref_miss *miss = &resolver->misses[i];
        if (resolver_is_repeat(resolver, i))
            continue;
        if (row >= PQntuples(rows))
            return false;
        struct store_value digest = pg_value(rows, row, 1);
        if (digest.kind != STORE_BLOB || digest.text.size != sizeof miss->digest.bytes ||
            memcmp(digest.text.data, miss->digest.bytes, sizeof miss->digest.bytes) != 0)
            return false;
        miss->id = pg_value(rows, row++, 0).integer;
    }
    return true;
}

static enum trail_err look_up(struct postgresql_store *store, const struct event_record *events, bool *ret_complete,
                              struct trail_error *ret_error)
{
    struct lookup lookup;
    PGresult     *results[2 * REFERENCE_KIND_COUNT] = { NULL };
    if (!write_statements(store, events, &lookup))
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory to look up the references of a batch");
    enum trail_err err = pg_run_together(&store->connection, lookup.statements, 2 * lookup.table_count,
                                         "store references in", results, ret_error);
    *ret_complete = err == TRAIL_OK;
    for (size_t i = 0; i < lookup.table_count && *ret_complete; i++) {
        size_t kind = lookup.kinds[i];
        *ret_complete = take_ids(&store->resolver, lookup.first[kind], lookup.first[kind + 1], results[2 * i + 1]);
    }
    for (size_t i = 0; i < 2 * lookup.table_count; i++)
        PQclear(results[i]);
    return err;
}

enum trail_err postgresql_refs_resolve(struct postgresql_store *store, const struct event_record *events,
                                       size_t event_count, struct trail_error *ret_error)
{
    struct ref_resolver *resolver = &store->resolver;
    enum trail_err       err = resolver_ask_caches(resolver, events, event_count, ret_error);
    if (err != TRAIL_OK || resolver->miss_count == 0)
        return err;

    bool complete = false;
    for (int tries = 0; err == TRAIL_OK && !complete && tries < POSTGRESQL_TRIES_MAX; tries++)
        err = look_up(store, events, &complete, ret_error);
    if (err == TRAIL_OK && !complete)
        return error_set(ret_error, TRAIL_EAWAY, 0, "references in %s keep being deleted", store->connection.name);
    if (err == TRAIL_OK)
        resolver_settle(resolver, events);
    return err;
}
