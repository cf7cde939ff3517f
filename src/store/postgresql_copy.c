/* postgresql_copy.c -- events as the bytes of a binary COPY of audit_events.
 *
 * Layout: a header of 19 bytes; per event the number of columns (16 bits), then every column as its size (32 bits; -1:
 * NULL) and its bytes; -1 (16 bits) at the end. Numbers are big-endian; a time is microseconds since 2000-01-01; a
 * boolean is one byte. The columns stand in the order of the table, so the COPY names none. */
#include "store/postgresql_store.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define COLUMN_COUNT 21

/* What an event takes besides its texts: all sizes, and the numbers at their longest. */
#define FIXED_BYTES_MAX (2 + COLUMN_COUNT * 4 + 6 * 8 + 3 * 4 + 3 * 2 + 1)

static const enum event_field text_columns[] = {
    EVENT_correlation_id, EVENT_request_id, EVENT_error_message, EVENT_old_values,
    EVENT_new_values,     EVENT_changes,    EVENT_context,       EVENT_delegation_chain,
};

#define TEXT_COLUMN_COUNT (sizeof text_columns / sizeof text_columns[0])

static char *put_16(char *at, uint16_t number)
{
    uint16_t big = htobe16(number);
    memcpy(at, &big, sizeof big);
    return at + sizeof big;
}

static char *put_32(char *at, uint32_t number)
{
    uint32_t big = htobe32(number);
    memcpy(at, &big, sizeof big);
    return at + sizeof big;
}

static char *put_null(char *at)
{
    return put_32(at, UINT32_MAX);
}

static char *put_smallint(char *at, uint16_t number)
{
    return put_16(put_32(at, sizeof number), number);
}

static char *put_integer(char *at, uint32_t number)
{
    return put_32(put_32(at, sizeof number), number);
}

static char *put_bigint(char *at, uint64_t number)
{
    uint64_t big = htobe64(number);
    at = put_32(at, sizeof big);
    memcpy(at, &big, sizeof big);
    return at + sizeof big;
}

static char *put_text(char *at, struct trail_text text)
{
    if (text.size == 0)
        return put_null(at);
    at = put_32(at, (uint32_t)text.size);
    memcpy(at, text.data, text.size);
    return at + text.size;
}

/* A sampling weight: most events have none. */
static char *put_weight(char *at, double weight)
{
    float    single = (float)weight;
    uint32_t bits;
    memcpy(&bits, &single, sizeof bits);
    return weight == 1.0 ? put_null(at) : put_integer(at, bits);
}

static char *put_numbers(char *at, int32_t writer, const struct event_record *record,
                         const struct reference_ids *references)
{
    const struct trail_event *event = &record->event;
    const int64_t            *ids = references->ids;
    at = put_bigint(at, (uint64_t)event->timestamp_us - (uint64_t)PG_EPOCH_US);
    at = put_bigint(at, record->seq);
    at = put_bigint(at, (uint64_t)ids[REFERENCE_ACTOR]);
    at = put_bigint(at, (uint64_t)ids[REFERENCE_RESOURCE]);
    at = put_bigint(at, (uint64_t)ids[REFERENCE_ACTION]);
    at = ids[REFERENCE_ROUTE] != 0 ? put_bigint(at, (uint64_t)ids[REFERENCE_ROUTE]) : put_null(at);
    at = put_integer(at, (uint32_t)writer);
    at = put_weight(at, record->weight);
    at = record->flags != 0 ? put_integer(at, record->flags) : put_null(at);
    at = put_smallint(at, (uint16_t)event->operation);
    at = put_smallint(at, (uint16_t)event->outcome);
    at = put_smallint(at, (uint16_t)event->data_classification);
    at = put_32(at, 1);
    *at = event->requires_review == TRAIL_REVIEW_YES;
    return at + 1;
}

void postgresql_copy_begin(struct buf *out)
{
    static const char header[19] = "PGCOPY\n\377\r\n\0"; /* Then no flags, and no extension. */
    buf_append(out, header, sizeof header);
}

void postgresql_copy_event(struct buf *out, int32_t writer, const struct event_record *record,
                           const struct reference_ids *references)
{
    size_t size = FIXED_BYTES_MAX;
    for (size_t i = 0; i < TEXT_COLUMN_COUNT; i++)
        size += event_text(&record->event, text_columns[i]).size;
    char *begin = buf_reserve(out, size);
    if (begin == NULL)
        return;
    char *at = put_numbers(put_16(begin, COLUMN_COUNT), writer, record, references);
    for (size_t i = 0; i < TEXT_COLUMN_COUNT; i++)
        at = put_text(at, event_text(&record->event, text_columns[i]));
    assert((size_t)(at - begin) <= size);
    out->size += (size_t)(at - begin);
}

void postgresql_copy_end(struct buf *out)
{
    char trailer[2];
    put_16(trailer, UINT16_MAX);
    buf_append(out, trailer, sizeof trailer);
}
