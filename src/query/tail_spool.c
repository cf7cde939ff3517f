/* tail_spool.c -- the spools that a tail follows: which there are, and their frames as events.
 *
 * The happy path is: a frame with the number that is next becomes an item.
 *
 * Possible failure modes are:
 *
 * - Numbers are missing before the next frame, because their segment was stored and unlinked before we opened it, or
 *   because it is damaged. The writer is held until the store stands behind them, and says which of the two it was.
 * - The spool is gone. Everything in it is stored; what we did not read in it comes from the store.
 * - It is another store's. It is looked at once, and again when it becomes known who our store is.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "event/event_wire.h"
#include "event/operation.h"
#include "query/tail_state.h"
#include "spool/home.h"
#include "spool/remains.h"

/* As long as our store cannot be asked who it is, nobody is called another's who may be its own. */
static bool is_ours(const struct tail *tail, const struct spool_identity *identity)
{
    static const struct uuid nobody = { { 0 } };
    const struct remains     look = { .identity = *identity, .has_identity = true };
    if (tail->identities == 0 && identity->destination_kind == SPOOL_DESTINATION_STORE)
        return true;
    return remains_belong_to(&look, tail->identities > 0 ? &tail->store_uuid : &nobody, &tail->url_hash);
}

/* Open the spool and give it to its writer, if there is something in it and it is ours. */
static enum trail_err meet(struct tail *tail, const struct uuid *uuid, const char *path, bool fresh)
{
    struct tail_writer *writer = tail_writer_find(tail, uuid);
    struct follow      *follow = malloc(sizeof *follow);
    if (follow == NULL)
        return TRAIL_ENOMEM;
    follow_init(follow, path);
    if (!follow_open(follow))
        goto leave;
    if (writer == NULL && (writer = tail_writer_add(tail, uuid, 0)) == NULL) {
        follow_done(follow);
        free(follow);
        return TRAIL_ENOMEM;
    }
    if (!is_ours(tail, &follow->identity)) {
        writer->foreign = true;
        writer->judged = tail->identities;
        goto leave;
    }
    writer->foreign = false;
    memcpy(writer->service, follow->identity.service, sizeof writer->service - 1);
    writer->pid = follow->identity.pid;
    if (writer->next == 0)
        writer->next = fresh ? 1 : follow->first->base_seq;
    follow_start(follow, writer->next);
    writer->follow = follow;
    return TRAIL_OK;

leave:
    follow_done(follow);
    free(follow);
    return TRAIL_OK;
}

enum trail_err tail_spool_list(struct tail *tail, bool fresh)
{
    DIR           *list = NULL;
    struct uuid    uuid;
    char           name[UUID_TEXT_SIZE];
    char           path[OS_PATH_SIZE];
    enum trail_err err = TRAIL_OK;

    if (tail->spool_dir == NULL || home_list(tail->spool_dir, &list, NULL) != TRAIL_OK)
        return TRAIL_OK; /* No directory, no spools; it may come. */
    while (err == TRAIL_OK && home_next(list, &uuid)) {
        const struct tail_writer *writer = tail_writer_find(tail, &uuid);
        bool                      known =
            writer != NULL && (writer->follow != NULL || (writer->foreign && writer->judged == tail->identities));
        uuid_format(&uuid, name);
        if (!known && os_path_join(path, tail->spool_dir, name))
            err = meet(tail, &uuid, path, fresh);
    }
    closedir(list);
    return err;
}

bool tail_spool_event(const struct tail_writer *writer, const struct frame *frame, struct trail_stored_event *ret_event)
{
    struct event_record record;
    if (event_decode(frame->payload, &record) != TRAIL_OK)
        return false;
    *ret_event = (struct trail_stored_event){
        .event = record.event,
        .level = level_of_operation(record.event.operation),
        .flags = frame->flags,
        .weight = record.weight,
        .seq = frame->seq,
        .service = trail_str(writer->service),
    };
    event_id_format(record.event.timestamp_us, writer->id_hash, frame->seq, &ret_event->id);
    return true;
}

static void hold(struct tail_writer *writer, uint64_t last)
{
    writer->held_last = last;
    writer->held_told = false;
}

static enum trail_err take_frame(struct tail *tail, struct tail_writer *writer, const struct frame *frame)
{
    struct trail_stored_event event;
    if (!tail_spool_event(writer, frame, &event)) {
        hold(writer, frame->seq);
        return TRAIL_OK;
    }
    writer->next = frame->seq + 1;
    return tail_add_event(tail, writer, &event);
}

enum trail_err tail_spool_take(struct tail *tail, struct tail_writer *writer)
{
    struct frame       frame;
    struct reader_gap  gap;
    enum reader_result result;
    enum trail_err     err = TRAIL_OK;

    for (size_t taken = 0; err == TRAIL_OK; taken++) {
        if (writer->held_last >= writer->next)
            return TRAIL_OK;
        if (taken == TAIL_TAKE_MAX) {
            tail->more = true;
            return TRAIL_OK;
        }
        if ((result = follow_next(writer->follow, &frame, &gap)) == READER_END)
            return TRAIL_OK;
        /* What the store showed already is passed over. The reader leaves no number out, so none is jumped here. */
        assert(result != READER_EVENT || frame.seq <= writer->next);
        if (result == READER_EVENT && frame.seq == writer->next)
            err = take_frame(tail, writer, &frame);
        else if (result == READER_GAP && gap.last >= writer->next)
            hold(writer, gap.last);
    }
    return err;
}

void tail_spool_release(struct tail *tail)
{
    for (size_t i = 0; i < tail->writer_count; i++) {
        struct tail_writer *writer = tail->writers[i];
        if (writer->follow == NULL)
            continue;
        follow_release(writer->follow);
        /* Read to its end or up to a gap when it was found to be gone: in the store is everything else. */
        if (!writer->follow->gone)
            continue;
        follow_done(writer->follow);
        free(writer->follow);
        writer->follow = NULL;
        writer->held_last = 0;
    }
}
