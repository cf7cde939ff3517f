/* query_row.c -- a row of a page as the event it stands for. */
#include "query/query_row.h"

#include <assert.h>

#include "event/operation.h"

void query_row_read(const struct store_value *columns, size_t column_count, struct trail_stored_event *ret_event,
                    struct query_position *ret_position)
{
    assert(column_count == QUERY_COLUMN_COUNT);
    (void)column_count;

    *ret_event = (struct trail_stored_event){ .event = { TRAIL_EVENT_INIT } };
    struct trail_event *event = &ret_event->event;
    event->timestamp_us = columns[QUERY_COLUMN_TIMESTAMP].integer;
    event->operation = (enum trail_operation)columns[QUERY_COLUMN_OPERATION].integer;
    event->outcome = (enum trail_outcome)columns[QUERY_COLUMN_OUTCOME].integer;
    event->data_classification = (enum trail_classification)columns[QUERY_COLUMN_CLASSIFICATION].integer;
    event->requires_review = columns[QUERY_COLUMN_REVIEW].integer != 0 ? TRAIL_REVIEW_YES : TRAIL_REVIEW_NO;
    ret_event->level = level_of_operation(event->operation);
    ret_event->flags = (uint32_t)columns[QUERY_COLUMN_FLAGS].integer;
    ret_event->weight = columns[QUERY_COLUMN_WEIGHT].real;
    ret_event->seq = (uint64_t)columns[QUERY_COLUMN_SEQ].integer;
    event_id_format(event->timestamp_us, (uint32_t)columns[QUERY_COLUMN_ID_HASH].integer, ret_event->seq,
                    &ret_event->id);
    ret_event->service = columns[QUERY_COLUMN_SERVICE].text;
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        *event_text_at(event, (enum event_field)i) = columns[QUERY_COLUMN_TEXTS + i].text;
    *ret_position =
        (struct query_position){ event->timestamp_us, columns[QUERY_COLUMN_WRITER].integer, (int64_t)ret_event->seq };
}
