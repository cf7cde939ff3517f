/* fake_store.c -- store.h in memory. */
#include "support/fake_store.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "store/backend.h"

static pthread_mutex_t         lock = PTHREAD_MUTEX_INITIALIZER;
static struct fake_store_state state;

struct fake_store_state *fake_store_lock(void)
{
    pthread_mutex_lock(&lock);
    return &state;
}

void fake_store_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

void fake_store_reset(void)
{
    pthread_mutex_lock(&lock);
    unsigned open_now = state.open_now;
    memset(&state, 0, sizeof state);
    memset(state.identity.bytes, 's', sizeof state.identity.bytes);
    state.open_now = open_now;
    pthread_mutex_unlock(&lock);
}

void fake_store_fail(struct fault *fault, unsigned skip, unsigned times)
{
    fault_arm(fault, skip, times, 0);
}

static struct fake_writer *find_writer(const struct uuid *uuid)
{
    for (size_t i = 0; i < state.writer_count; i++) {
        if (uuid_equal(&state.writers[i].uuid, uuid))
            return &state.writers[i];
    }
    return NULL;
}

void fake_store_restore(const struct uuid *uuid, uint64_t last_seq)
{
    pthread_mutex_lock(&lock);
    size_t kept = 0;
    for (size_t i = 0; i < state.row_count; i++) {
        if (!uuid_equal(&state.rows[i].writer, uuid) || state.rows[i].seq <= last_seq)
            state.rows[kept++] = state.rows[i];
    }
    state.row_count = kept;
    struct fake_writer *writer = find_writer(uuid);
    if (writer != NULL && last_seq == 0)
        *writer = state.writers[--state.writer_count];
    else if (writer != NULL)
        writer->last_seq = last_seq;
    pthread_mutex_unlock(&lock);
}

const char *fake_store_text(const struct uuid *writer)
{
    static char text[4096];
    size_t      size = 0;
    text[0] = '\0';
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < state.row_count && size < sizeof text - 32; i++) {
        const struct fake_row *row = &state.rows[i];
        if (uuid_equal(&row->writer, writer))
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%s%" PRIu64 "%s", size > 0 ? " " : "",
                                     row->control ? "-" : "", row->seq, row->dead ? "!" : "");
    }
    pthread_mutex_unlock(&lock);
    return text;
}

size_t fake_store_rows(void)
{
    pthread_mutex_lock(&lock);
    size_t count = state.row_count;
    pthread_mutex_unlock(&lock);
    return count;
}

unsigned fake_store_transactions(void)
{
    pthread_mutex_lock(&lock);
    unsigned count = state.transactions;
    pthread_mutex_unlock(&lock);
    return count;
}

unsigned fake_store_writes(void)
{
    pthread_mutex_lock(&lock);
    unsigned count = state.writes;
    pthread_mutex_unlock(&lock);
    return count;
}

size_t fake_store_count(const char *action)
{
    size_t count = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < state.row_count; i++)
        count += !state.rows[i].control && strcmp(state.rows[i].action, action) == 0;
    pthread_mutex_unlock(&lock);
    return count;
}

/* ---- store.h ---- */

enum trail_err store_open_with(struct store **ret_store, const char *url, const struct store_open_options *options,
                               struct trail_error *ret_error)
{
    (void)url;
    (void)options;
    if (fault_strikes(&state.away_open))
        return error_set(ret_error, TRAIL_EAWAY, 0, "the fake store is away");
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory");
    pthread_mutex_lock(&lock);
    store->identity = state.identity;
    state.open_now++;
    state.opened++;
    pthread_mutex_unlock(&lock);
    *ret_store = store;
    return TRAIL_OK;
}

enum trail_err store_open(struct store **ret_store, const char *url, const bool *interrupted,
                          struct trail_error *ret_error)
{
    (void)interrupted;
    return store_open_with(ret_store, url, NULL, ret_error);
}

enum trail_err store_open_reader(struct store **ret_store, const char *url, struct trail_error *ret_error)
{
    return store_open_with(ret_store, url, NULL, ret_error);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&lock);
    state.open_now--;
    pthread_mutex_unlock(&lock);
    free(store);
}

/* The connection is still there: it is the parent's. */
void store_abandon(struct store *store)
{
    if (store == NULL)
        return;
    pthread_mutex_lock(&lock);
    state.abandoned++;
    pthread_mutex_unlock(&lock);
}

const struct uuid *store_identity(const struct store *store)
{
    return &store->identity;
}

uint64_t store_bytes(struct store *store)
{
    (void)store;
    return 0;
}

enum trail_err store_writer_add(struct store *store, const struct store_writer *writer, uint64_t *ret_last_seq,
                                struct trail_error *ret_error)
{
    (void)store;
    (void)ret_error;
    pthread_mutex_lock(&lock);
    struct fake_writer *known = find_writer(&writer->uuid);
    if (known == NULL) {
        if (state.writer_count == FAKE_WRITERS_MAX)
            abort();
        known = &state.writers[state.writer_count++];
        *known = (struct fake_writer){ .uuid = writer->uuid };
    }
    *ret_last_seq = known->last_seq;
    pthread_mutex_unlock(&lock);
    return TRAIL_OK;
}

static void copy_text(char *out, size_t size, struct trail_text text)
{
    size_t count = text.size < size - 1 ? text.size : size - 1;
    if (count > 0)
        memcpy(out, text.data, count);
    out[count] = '\0';
}

static struct fake_row *add_row(const struct uuid *writer, uint64_t seq)
{
    if (state.row_count == FAKE_ROWS_MAX)
        abort();
    struct fake_row *row = &state.rows[state.row_count++];
    *row = (struct fake_row){ .writer = *writer, .seq = seq };
    return row;
}

static void add_events(const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->event_count; i++) {
        const struct event_record *record = &batch->events[i];
        struct fake_row           *row = add_row(batch->writer, record->seq);
        row->control = (record->flags & TRAIL_FLAG_CONTROL) != 0;
        copy_text(row->action, sizeof row->action, record->event.action);
        copy_text(row->context, sizeof row->context, record->event.context);
    }
    for (size_t i = 0; i < batch->dead_letter_count; i++) {
        struct fake_row *row = add_row(batch->writer, batch->dead_letters[i].seq);
        row->control = batch->dead_letters[i].control;
        row->dead = true;
        copy_text(row->context, sizeof row->context, batch->dead_letters[i].error);
    }
}

/* The forms of one letter come one after the other, each shorter. */
static bool letter_is_refused(const struct store_batch *batch)
{
    static uint64_t refused_seq;
    static unsigned refused;
    if (batch->dead_letter_count == 0)
        return false;
    if (refused_seq != batch->dead_letters[0].seq)
        refused = 0;
    refused_seq = batch->dead_letters[0].seq;
    return refused++ < state.letters;
}

static bool is_refused(const struct store_batch *batch)
{
    if (letter_is_refused(batch))
        return true;
    for (size_t i = 0; i < batch->event_count; i++) {
        struct trail_text action = batch->events[i].event.action;
        if (state.poison != NULL && text_equal(action, trail_str(state.poison)))
            return true;
    }
    return false;
}

/* Caller holds the lock. */
static enum trail_err write_locked(const struct store_batch *batch, uint64_t *ret_last_seq,
                                   struct trail_error *ret_error)
{
    struct fake_writer *writer = find_writer(batch->writer);
    uint64_t            stands_at = writer != NULL ? writer->last_seq : 0;
    bool                moves = batch->first_seq <= batch->last_seq;

    state.writes++;
    if (fault_strikes(&state.away_write))
        return error_set(ret_error, TRAIL_EAWAY, 0, "the fake store is away");
    if (writer == NULL || (moves && stands_at != batch->first_seq - 1)) {
        *ret_last_seq = stands_at;
        return error_set(ret_error, TRAIL_EFENCE, 0, "the writer stands at %" PRIu64, stands_at);
    }
    if (is_refused(batch))
        return error_set(ret_error, TRAIL_EDATA, 0, "the fake store does not like it");
    add_events(batch);
    if (moves) {
        writer->last_seq = batch->last_seq;
        state.transactions++;
    }
    if (batch->accounts != NULL)
        memcpy(writer->accounts, batch->accounts, sizeof writer->accounts);
    if (fault_strikes(&state.lost_commit))
        return error_set(ret_error, TRAIL_EAWAY, 0, "the answer of the fake store was lost");
    *ret_last_seq = writer->last_seq;
    return TRAIL_OK;
}

enum trail_err store_write(struct store *store, const struct store_batch *batch, uint64_t *ret_last_seq,
                           struct trail_error *ret_error)
{
    (void)store;
    pthread_mutex_lock(&lock);
    enum trail_err err = write_locked(batch, ret_last_seq, ret_error);
    pthread_mutex_unlock(&lock);
    return err;
}

enum trail_err store_select(struct store *store, const char *sql, const struct store_value *parameters,
                            size_t parameter_count, store_row_fn on_row, void *context, struct trail_error *ret_error)
{
    (void)store;
    (void)sql;
    (void)parameters;
    (void)parameter_count;
    (void)on_row;
    (void)context;
    return error_set(ret_error, TRAIL_EUNSUPPORTED, 0, "the fake store cannot be asked");
}
