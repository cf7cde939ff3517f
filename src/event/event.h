/* event.h -- who did what to which resource: the fields, their limits, and an event once it has a number.
 *
 *     [event]  ->  policy  ->  spool  ->  drain  ->  store
 *
 * The caller's struct trail_event is used as it is all the way to the spool: nothing is copied for an event
 * that the policy then refuses. fields.def lists its texts once; everything that walks over "all fields"
 * (encoding, NDJSON, SQL) walks over event_fields[].
 *
 * Thread: any.
 * Memory: events borrow their texts.
 * Errors: event_check() only.
 */
#ifndef TRAIL_EVENT_EVENT_H
#define TRAIL_EVENT_EVENT_H

#include "base/err.h"
#include "base/uuid.h"

enum event_field {
#define FIELD(member, limit, kind) EVENT_##member,
#include "event/fields.def"
#undef FIELD
    EVENT_FIELD_COUNT
};

enum event_field_kind { EVENT_FIELD_REQUIRED, EVENT_FIELD_OPTIONAL, EVENT_FIELD_JSON };

struct event_field_info {
    const char           *name;        /* "user_id". */
    size_t                offset;      /* In struct trail_event. */
    size_t                limit_bytes; /* 0 for JSON. */
    enum event_field_kind kind;
};

extern const struct event_field_info event_fields[EVENT_FIELD_COUNT];

/* An event that was accepted: decoded from a frame, or on its way to or from a store. */
struct event_record {
    struct trail_event event;  /* Timestamp, operation and review are set. */
    uint64_t           seq;    /* Its number among its writer's events, from 1. */
    uint32_t           flags;  /* enum trail_flag bits. */
    double             weight; /* 1 / sampling probability. */
};

/* The texts lie in the struct one behind the other, in the order of fields.def: no look-up is needed to find one. */
#define FIELD(member, limit, kind)                                                                        \
    _Static_assert(offsetof(struct trail_event, member) ==                                                \
                       offsetof(struct trail_event, action) + EVENT_##member * sizeof(struct trail_text), \
                   "fields.def has the order of the struct");
#include "event/fields.def"
#undef FIELD

static inline struct trail_text event_text(const struct trail_event *event, enum event_field field)
{
    return ((const struct trail_text *)((const char *)event + offsetof(struct trail_event, action)))[field];
}

static inline struct trail_text *event_text_at(struct trail_event *event, enum event_field field)
{
    return (struct trail_text *)((char *)event + offsetof(struct trail_event, action)) + field;
}

/* Refuse what cannot be recorded: a required field that is empty, an enum out of range, texts that together
 * exceed TRAIL_EVENT_BYTES_MAX. TRAIL_EINVAL or TRAIL_ETOOBIG, the field named in ret_error. */
TRAIL_MUST_CHECK enum trail_err event_check(const struct trail_event *event, struct trail_error *ret_error);

/* The caller's event at this library's size: a caller built against a smaller struct gets its missing
 * fields as absent. Returns `event` itself when nothing had to be copied to *storage. NULL: struct_size is absurd. */
const struct trail_event *event_widen(const struct trail_event *event, struct trail_event *storage);

#endif
