/* event_wire.c -- the bytes of an event inside a spool frame. */
#include "event/event_wire.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

#define WIRE_HEAD_SIZE 24

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire is little-endian and copied as it is");
_Static_assert(EVENT_FIELD_COUNT <= 32, "the field bits are one u32");

/* Room that one field may need at most: its size and its bytes. */
static size_t field_room(enum event_field field, struct trail_text text)
{
    if (event_fields[field].kind == EVENT_FIELD_JSON)
        return sizeof(uint32_t) + text.size;
    size_t limit = event_fields[field].limit_bytes;
    /* Cleaning can make text longer: one bad byte becomes three. It never passes the limit. */
    return sizeof(uint16_t) + (text.size * 3 < limit ? text.size * 3 : limit);
}

static char *put_text(char *at, enum event_field field, struct trail_text text, uint32_t *flags)
{
    uint16_t size = (uint16_t)text_clean(text, event_fields[field].limit_bytes, at + sizeof size, flags);
    memcpy(at, &size, sizeof size);
    return at + sizeof size + size;
}

static char *put_json(char *at, struct trail_text text)
{
    uint32_t size = (uint32_t)text.size;
    memcpy(at, &size, sizeof size);
    memcpy(at + sizeof size, text.data, size);
    return at + sizeof size + size;
}

enum trail_err event_encode(const struct trail_event *event, double weight, struct buf *out, uint32_t *flags)
{
    assert(event->operation != TRAIL_OPERATION_AUTO);
    assert(event->requires_review != TRAIL_REVIEW_AUTO);

    uint32_t fields = 0;
    size_t   room = WIRE_HEAD_SIZE;
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text text = event_text(event, (enum event_field)i);
        if (text.size == 0)
            continue;
        fields |= UINT32_C(1) << i;
        room += field_room((enum event_field)i, text);
    }

    char *head = buf_reserve(out, room);
    if (head == NULL)
        return TRAIL_ENOMEM;
    const uint8_t kinds[4] = { (uint8_t)event->operation, (uint8_t)event->outcome, (uint8_t)event->data_classification,
                               (uint8_t)event->requires_review };
    memcpy(head, kinds, sizeof kinds);
    memcpy(head + 4, &fields, sizeof fields);
    memcpy(head + 8, &event->timestamp_us, sizeof event->timestamp_us);
    memcpy(head + 16, &weight, sizeof weight);

    char *at = head + WIRE_HEAD_SIZE;
    for (uint32_t left = fields; left != 0; left &= left - 1) {
        enum event_field  field = (enum event_field)__builtin_ctz(left);
        struct trail_text text = event_text(event, field);
        at = event_fields[field].kind == EVENT_FIELD_JSON ? put_json(at, text) : put_text(at, field, text, flags);
    }
    out->size += (size_t)(at - head);
    return TRAIL_OK;
}

/* Cut the next field's bytes off *payload. False: it does not hold that many. */
static bool take_field(struct trail_text *payload, enum event_field field, struct trail_text *ret_text)
{
    size_t   size_bytes = event_fields[field].kind == EVENT_FIELD_JSON ? sizeof(uint32_t) : sizeof(uint16_t);
    uint32_t size = 0;
    if (payload->size < size_bytes)
        return false;
    memcpy(&size, payload->data, size_bytes);
    if (size > payload->size - size_bytes)
        return false;
    *ret_text = text_of(payload->data + size_bytes, size);
    payload->data += size_bytes + size;
    payload->size -= size_bytes + size;
    return true;
}

static bool head_is_valid(const uint8_t kinds[4], uint32_t fields)
{
    return kinds[0] != 0 && kinds[0] < TRAIL_OPERATION_COUNT && kinds[1] <= TRAIL_OUTCOME_UNKNOWN &&
           kinds[2] <= TRAIL_CLASSIFICATION_RESTRICTED && kinds[3] != TRAIL_REVIEW_AUTO &&
           kinds[3] <= TRAIL_REVIEW_YES && (fields >> EVENT_FIELD_COUNT) == 0;
}

enum trail_err event_decode(struct trail_text payload, struct event_record *ret_record)
{
    struct event_record record = { .event.struct_size = sizeof record.event };
    uint8_t             kinds[4];
    uint32_t            fields;

    if (payload.size < WIRE_HEAD_SIZE)
        return TRAIL_ECORRUPT;
    memcpy(kinds, payload.data, sizeof kinds);
    memcpy(&fields, payload.data + 4, sizeof fields);
    memcpy(&record.event.timestamp_us, payload.data + 8, sizeof record.event.timestamp_us);
    memcpy(&record.weight, payload.data + 16, sizeof record.weight);
    if (!head_is_valid(kinds, fields))
        return TRAIL_ECORRUPT;
    record.event.operation = (enum trail_operation)kinds[0];
    record.event.outcome = (enum trail_outcome)kinds[1];
    record.event.data_classification = (enum trail_classification)kinds[2];
    record.event.requires_review = (enum trail_review)kinds[3];

    payload.data += WIRE_HEAD_SIZE;
    payload.size -= WIRE_HEAD_SIZE;
    for (uint32_t left = fields; left != 0; left &= left - 1) {
        enum event_field field = (enum event_field)__builtin_ctz(left);
        if (!take_field(&payload, field, event_text_at(&record.event, field)))
            return TRAIL_ECORRUPT;
    }
    if (payload.size != 0)
        return TRAIL_ECORRUPT;
    *ret_record = record;
    return TRAIL_OK;
}

enum trail_operation event_peek_operation(struct trail_text payload)
{
    if (payload.size < WIRE_HEAD_SIZE || (uint8_t)payload.data[0] >= TRAIL_OPERATION_COUNT)
        return TRAIL_OPERATION_AUTO;
    return (enum trail_operation)payload.data[0];
}
