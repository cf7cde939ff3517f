/* stream.c -- one writer's events on their way from its spool to the store.
 *
 * The happy path of an advance is:
 *
 * - The writer has its row in the store, and the reader stands behind stored_seq.
 * - A batch is read and stored in one transaction; stored_seq moves to its end.
 *
 * Possible failure modes are:
 *
 * - The store is away: the reader goes back to where the batch began; nothing is lost, the caller tries again later.
 *   When the answer to COMMIT was lost the batch may be stored: the next attempt meets the fence.
 * - The fence: somebody else moved the writer (our own lost COMMIT, a transaction that outlived its drain, a database
 *   restored from a backup). Believe the store, find the position anew.
 * - The store refuses the data: the batch is cut in halves, ascending, until the event is alone that it refuses;
 *   that one becomes a dead letter (dead_letter.h), everything else is stored.
 */
#include "drain/stream.h"

#include <assert.h>
#include <string.h>

#include "drain/dead_letter.h"

void stream_init(struct stream *stream, const struct spool_identity *identity, const struct accounts *accounts,
                 const struct clock *clock, size_t value_bytes_max)
{
    *stream = (struct stream){ .identity = *identity, .accounts = accounts, .clock = clock };
    os_host_name(stream->host);
    batch_init(&stream->batch, value_bytes_max);
}

void stream_done(struct stream *stream)
{
    if (stream != NULL)
        batch_done(&stream->batch);
}

static void read_from(struct stream *stream, const struct segment *first, uint64_t stored_seq)
{
    stream->stored_seq = stored_seq;
    reader_init(&stream->reader, first, stored_seq + 1);
    stream->reader.tail_lost = stream->tail_lost;
}

static enum trail_err make_sure_registered(struct stream *stream, struct store *store, const struct segment *first,
                                           struct trail_error *ret_error)
{
    if (stream->registered)
        return TRAIL_OK;
    struct store_writer writer = {
        .uuid = stream->identity.writer,
        .service = trail_str(stream->identity.service),
        .host = trail_str(stream->host),
        .version = trail_str(trail_version()),
        .pid = stream->identity.pid,
        .started_us = stream->identity.started_us,
    };
    uint64_t       last_seq = 0;
    enum trail_err err = store_writer_add(store, &writer, &last_seq, ret_error);
    if (err != TRAIL_OK)
        return err;
    /* Where the store stands further on than we know (the answer to a COMMIT was lost), the fence will say so, and what
     * it covers is counted then. */
    if (stream->reader.segment == NULL || last_seq < stream->stored_seq)
        read_from(stream, first, last_seq);
    if (!stream->registered_once)
        stream->counted_seq = last_seq; /* What stands there was counted by whoever stored it. */
    stream->registered_once = true;
    stream->registered = true;
    return TRAIL_OK;
}

/* The accounts as they are now; false when the store has them already. */
static bool take_accounts(const struct stream *stream, struct trail_account totals[TRAIL_OPERATION_COUNT])
{
    uint64_t unclassified = 0;
    memset(totals, 0, TRAIL_OPERATION_COUNT * sizeof *totals);
    if (stream->accounts == NULL)
        return false;
    accounts_total(stream->accounts, totals, &unclassified);
    return memcmp(totals, stream->written, sizeof stream->written) != 0;
}

bool stream_accounts_changed(const struct stream *stream)
{
    struct trail_account totals[TRAIL_OPERATION_COUNT];
    return take_accounts(stream, totals);
}

/* Write records[begin .. begin + count) of the batch as one transaction. */
static enum trail_err write_part(struct stream *stream, struct store *store, size_t begin, size_t count,
                                 struct trail_error *ret_error)
{
    const struct batch  *batch = &stream->batch;
    struct trail_account totals[TRAIL_OPERATION_COUNT];
    bool                 changed = take_accounts(stream, totals);
    uint64_t             last_seq = batch->covers[begin + count - 1];
    struct store_batch   part = {
          .writer = &stream->identity.writer,
          .first_seq = stream->stored_seq + 1,
          .last_seq = last_seq,
          .events = batch->records + begin,
          .event_count = count,
          .accounts = changed ? totals : NULL,
          .recorded_at_us = clock_wall_us(stream->clock),
    };
    uint64_t       stands_at = 0;
    enum trail_err err = store_write(store, &part, &stands_at, ret_error);
    if (err == TRAIL_OK) {
        stream->stored_seq = last_seq;
        if (changed)
            memcpy(stream->written, totals, sizeof totals);
    } else if (err == TRAIL_EFENCE) {
        stream->stored_seq = stands_at;
    }
    return err;
}

/* Move the writer over this event, with its text in this form in the place of the event. */
static enum trail_err write_letter(struct stream *stream, struct store *store, size_t index,
                                   const struct store_dead_letter *letter, struct trail_error *ret_error)
{
    uint64_t           stands_at = 0;
    struct store_batch part = {
        .writer = &stream->identity.writer,
        .first_seq = stream->stored_seq + 1,
        .last_seq = stream->batch.covers[index],
        .dead_letters = letter,
        .dead_letter_count = letter != NULL ? 1 : 0,
        .recorded_at_us = clock_wall_us(stream->clock),
    };
    enum trail_err err = store_write(store, &part, &stands_at, ret_error);
    if (err == TRAIL_OK)
        stream->stored_seq = part.last_seq;
    else if (err == TRAIL_EFENCE)
        stream->stored_seq = stands_at;
    return err;
}

/* The store refuses this event by itself: keep its text and what the store said, or as much of it as the store takes.
 * One that takes not even a mark must not hold up all that follows: the writer is moved on all the same. */
static enum trail_err write_dead_letter(struct stream *stream, struct store *store, size_t index,
                                        struct trail_error *ret_error)
{
    const struct event_record *record = &stream->batch.records[index];
    struct trail_error         refusal = *ret_error;
    struct buf                 json;
    enum trail_err             err = TRAIL_EDATA;

    buf_init(&json, NULL, 0);
    for (enum dead_letter_form form = 0; form < DEAD_LETTER_FORM_COUNT && err == TRAIL_EDATA; form++) {
        buf_clear(&json);
        dead_letter_write(record, &stream->identity.writer, form, &json);
        struct store_dead_letter letter = {
            .seq = record->seq,
            .operation = record->event.operation,
            .control = (record->flags & TRAIL_FLAG_CONTROL) != 0,
            .event_json = buf_text(&json),
            .error = form == DEAD_LETTER_MARK ? TRAIL_TEXT("refused") : trail_str(refusal.message),
        };
        err = buf_failed(&json) ? TRAIL_ENOMEM : write_letter(stream, store, index, &letter, ret_error);
    }
    buf_done(&json);
    return err == TRAIL_EDATA ? write_letter(stream, store, index, NULL, ret_error) : err;
}

/* An ordinary event that was never in the store before. */
static bool counts(const struct stream *stream, const struct event_record *record)
{
    return (record->flags & TRAIL_FLAG_CONTROL) == 0 && record->seq > stream->counted_seq;
}

/* Store the batch, in smaller and smaller parts where the store refuses data. */
static enum trail_err write_batch(struct stream *stream, struct store *store, struct stream_progress *progress,
                                  struct trail_error *ret_error)
{
    size_t begin = 0;
    size_t count = stream->batch.record_count;

    while (begin < stream->batch.record_count) {
        size_t         left = stream->batch.record_count - begin;
        size_t         step = count < left ? count : left;
        enum trail_err err = write_part(stream, store, begin, step, ret_error);
        if (err == TRAIL_EDATA && step > 1) {
            count = step / 2;
            continue;
        }
        if (err == TRAIL_EDATA) {
            err = write_dead_letter(stream, store, begin, ret_error);
            progress->dead_letters += err == TRAIL_OK && counts(stream, &stream->batch.records[begin]);
        }
        if (err != TRAIL_OK)
            return err;
        progress->transactions++;
        begin += step;
        count = stream->batch.record_count; /* The event that was refused is behind us: try all the rest. */
    }
    return TRAIL_OK;
}

enum trail_err stream_advance(struct stream *stream, struct store *store, const struct segment *first,
                              size_t events_max, struct stream_progress *ret_progress, struct trail_error *ret_error)
{
    struct stream_progress progress = { 0 };
    struct trail_error     error = { 0 };

    enum trail_err err = make_sure_registered(stream, store, first, ret_error);
    if (err != TRAIL_OK)
        return err;
    if (stream->reader.segment == NULL && first != NULL)
        read_from(stream, first, stream->stored_seq);

    uint64_t stood_at = stream->stored_seq;
    err = batch_fill(&stream->batch, &stream->reader, events_max, clock_wall_us(stream->clock));
    if (err != TRAIL_OK)
        return error_set(ret_error, err, 0, "out of memory for a batch");
    progress.at_end = stream->batch.record_count == 0;
    err = write_batch(stream, store, &progress, &error);

    /* Also after a failure: a first part may be stored. */
    if (stream->stored_seq > stream->counted_seq) {
        progress.events = batch_ordinary_events(&stream->batch, stream->counted_seq, stream->stored_seq);
        stream->counted_seq = stream->stored_seq;
    }
    progress.gaps = err == TRAIL_OK ? stream->batch.gap_count : 0;
    *ret_progress = progress;
    if (err == TRAIL_OK)
        return TRAIL_OK;
    /* The connection is opened again, maybe to a database that was put in the place of this one: look anew. */
    stream->registered = err == TRAIL_EFENCE && stream->stored_seq >= stood_at;
    read_from(stream, first, stream->stored_seq);
    if (ret_error != NULL)
        *ret_error = error;
    return err;
}

enum trail_err stream_write_accounts(struct stream *stream, struct store *store, struct trail_error *ret_error)
{
    struct trail_account totals[TRAIL_OPERATION_COUNT];
    uint64_t             stands_at = 0;

    if (!take_accounts(stream, totals))
        return TRAIL_OK;
    enum trail_err err = make_sure_registered(stream, store, NULL, ret_error);
    if (err != TRAIL_OK)
        return err;
    struct store_batch nothing = {
        .writer = &stream->identity.writer,
        .first_seq = stream->stored_seq + 1,
        .last_seq = stream->stored_seq,
        .accounts = totals,
        .recorded_at_us = clock_wall_us(stream->clock),
    };
    err = store_write(store, &nothing, &stands_at, ret_error);
    if (err == TRAIL_OK)
        memcpy(stream->written, totals, sizeof totals);
    else
        stream->registered = false; /* As after a failed batch: the next store may be another. */
    return err;
}
