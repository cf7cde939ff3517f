/* event.c -- the fields of an event and their limits. */
#include "event/event.h"

#include <assert.h>
#include <string.h>

const struct event_field_info event_fields[EVENT_FIELD_COUNT] = {
#define FIELD(member, limit, kind) { #member, offsetof(struct trail_event, member), limit, EVENT_FIELD_##kind },
#include "event/fields.def"
#undef FIELD
};

/* The smallest struct trail_event that ever was: what the first release had. */
#define EVENT_STRUCT_SIZE_MIN sizeof(struct trail_event)

/* Larger than any future struct will be; a size beyond it is memory that was never initialised. */
#define EVENT_STRUCT_SIZE_MAX 4096

static enum trail_err check_enums(const struct trail_event *event, struct trail_error *ret_error)
{
    if ((unsigned)event->operation >= TRAIL_OPERATION_COUNT)
        return error_set(ret_error, TRAIL_EINVAL, 0, "operation %d is not one of enum trail_operation",
                         (int)event->operation);
    if ((unsigned)event->outcome > TRAIL_OUTCOME_UNKNOWN)
        return error_set(ret_error, TRAIL_EINVAL, 0, "outcome %d is not one of enum trail_outcome",
                         (int)event->outcome);
    if ((unsigned)event->data_classification > TRAIL_CLASSIFICATION_RESTRICTED)
        return error_set(ret_error, TRAIL_EINVAL, 0, "data_classification %d is not one of enum trail_classification",
                         (int)event->data_classification);
    if ((unsigned)event->requires_review > TRAIL_REVIEW_YES)
        return error_set(ret_error, TRAIL_EINVAL, 0, "requires_review %d is not one of enum trail_review",
                         (int)event->requires_review);
    return TRAIL_OK;
}

enum trail_err event_check(const struct trail_event *event, struct trail_error *ret_error)
{
    assert(event != NULL);

    enum trail_err err = check_enums(event, ret_error);
    if (err != TRAIL_OK)
        return err;

    size_t total = 0;
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text text = event_text(event, (enum event_field)i);
        if (text.size == 0 && event_fields[i].kind == EVENT_FIELD_REQUIRED)
            return error_set(ret_error, TRAIL_EINVAL, 0, "%s is required and is empty", event_fields[i].name);
        if (text.size > 0 && text.data == NULL)
            return error_set(ret_error, TRAIL_EINVAL, 0, "%s has a size but no data", event_fields[i].name);
        if (text.size > TRAIL_EVENT_BYTES_MAX || total + text.size > TRAIL_EVENT_BYTES_MAX)
            return error_set(ret_error, TRAIL_ETOOBIG, 0, "the event is larger than %d bytes: %s alone has %zu",
                             TRAIL_EVENT_BYTES_MAX, event_fields[i].name, text.size);
        total += text.size;
    }
    return TRAIL_OK;
}

const struct trail_event *event_widen(const struct trail_event *event, struct trail_event *storage)
{
    if (event->struct_size == sizeof *event)
        return event;
    if (event->struct_size < EVENT_STRUCT_SIZE_MIN || event->struct_size > EVENT_STRUCT_SIZE_MAX)
        return NULL;
    /* A newer caller: what this library does not know, it cannot record. */
    memcpy(storage, event, sizeof *storage);
    storage->struct_size = sizeof *storage;
    return storage;
}
