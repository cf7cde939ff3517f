/* survey_spool.c -- what a writer's spool adds to its entry in a survey: what waits, what was refused, whose it is. */
#include "trail/survey_spool.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/os_process.h"
#include "event/event_wire.h"

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The writer's own file is never behind the store. */
static void take_refusals(const struct remains *remains, struct survey_writer *writer)
{
    struct trail_account totals[TRAIL_OPERATION_COUNT] = { 0 };
    uint64_t             unclassified = 0;

    accounts_total(&remains->accounts, totals, &unclassified);
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++) {
        struct survey_account *account = &writer->operations[i];
        account->level = larger(account->level, totals[i].level);
        account->excluded = larger(account->excluded, totals[i].excluded);
        account->sampled = larger(account->sampled, totals[i].sampled);
        account->rejected = larger(account->rejected, totals[i].rejected);
        account->dropped = larger(account->dropped, totals[i].dropped);
    }
}

/* The disk between two places of a writer's segments: pads count as well, they take it from the events to come. */
static uint64_t bytes_up_to(const struct reader *reader, const struct segment *segment, size_t offset)
{
    if (reader->segment == segment)
        return reader->offset - offset;
    return segment->area.size - offset + reader->offset;
}

/* At least 1, also where the clock was set back meanwhile: 0 says that nothing waits. */
static int64_t age_of(int64_t since_us)
{
    int64_t age_us = clock_wall_us(&clock_system) - since_us;
    return age_us > 0 ? age_us : 1;
}

/* Count the events behind last_seq. */
static void take_waiting(const struct remains *remains, struct survey_writer *writer)
{
    struct reader         reader;
    struct frame          frame;
    struct reader_gap     gap;
    enum reader_result    result;
    int64_t               oldest_us = 0;
    const struct segment *segment = NULL;
    size_t                offset = 0;

    reader_init(&reader, remains->first, writer->last_seq + 1);
    while ((result = reader_next(&reader, &frame, &gap)) != READER_END) {
        if (result == READER_GAP) {
            writer->missing += gap.open_end ? 0 : gap.last - gap.first + 1;
            continue;
        }
        enum trail_operation operation = event_peek_operation(frame.payload);
        if ((frame.flags & TRAIL_FLAG_CONTROL) != 0)
            operation = TRAIL_OPERATION_AUTO;
        writer->operations[operation].waiting++;
        writer->waiting_bytes +=
            segment != NULL ? bytes_up_to(&reader, segment, offset) : frame_size(frame.payload.size);
        segment = reader.segment;
        offset = reader.offset;
        if (oldest_us == 0)
            oldest_us = frame.wall_us;
    }
    if (oldest_us != 0)
        writer->oldest_waiting_us = age_of(oldest_us);
}

/* True when it writes for another store. A store that cannot be asked who it is makes nobody foreign who may be its
 * own. */
static bool is_foreign(const struct remains *remains, const struct survey_asker *asker)
{
    static const struct uuid nobody = { { 0 } };
    if (asker->store == NULL && remains->identity.destination_kind == SPOOL_DESTINATION_STORE)
        return false;
    return !remains_belong_to(remains, asker->store != NULL ? asker->store : &nobody, asker->url_hash);
}

static enum survey_destination destination_kind(const struct spool_identity *identity)
{
    switch (identity->destination_kind) {
    case SPOOL_DESTINATION_URL: return SURVEY_DESTINATION_URL;
    case SPOOL_DESTINATION_STORE: return SURVEY_DESTINATION_STORE;
    default: return SURVEY_DESTINATION_UNKNOWN;
    }
}

void survey_spool_read(struct survey_writer *writer, const struct remains *remains, const struct survey_asker *asker)
{
    if (!writer->in_store) {
        snprintf(writer->service, sizeof writer->service, "%.100s", remains->identity.service);
        os_host_name(writer->host); /* A spool is read on the machine that it was written on. */
        writer->pid = remains->identity.pid;
        writer->started_us = remains->identity.started_us;
    }
    writer->in_spool = true;
    writer->alive = home_is_owned(remains->home.path);
    writer->foreign = is_foreign(remains, asker);
    writer->destination_kind = destination_kind(&remains->identity);
    writer->destination = remains->identity.destination;
    writer->spool_bytes = remains->disk_bytes;
    take_refusals(remains, writer);
    take_waiting(remains, writer);
    /* Only its own store knows what went before. */
    if (asker->store == NULL || writer->foreign)
        writer->missing = 0;
}
