/* event_json_write.c -- a stored event out, as one JSON object on one line. */
#include "event/event_json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "event/operation.h"

/* Append `,"name":`; the first member has no comma before it. */
static void append_name(struct buf *out, const char *name)
{
    if (out->size > 0 && out->data[out->size - 1] != '{')
        buf_append(out, ",", 1);
    buf_append(out, "\"", 1);
    buf_append_string(out, name);
    buf_append(out, "\":", 2);
}

static void append_string_member(struct buf *out, const char *name, const char *string)
{
    append_name(out, name);
    json_append_string(out, trail_str(string));
}

static void append_boolean_member(struct buf *out, const char *name, bool value)
{
    append_name(out, name);
    buf_append_string(out, value ? "true" : "false");
}

/* Verbatim, but on one line. Inside of strings a line break cannot stand, so it is white space. */
static void append_json(struct buf *out, struct trail_text json)
{
    char *at = buf_reserve(out, json.size);
    if (at == NULL)
        return;
    memcpy(at, json.data, json.size);
    out->size += json.size;

    char *end = at + json.size;
    for (char *p = at; (p = memchr(p, '\n', (size_t)(end - p))) != NULL;)
        *p = ' ';
    for (char *p = at; (p = memchr(p, '\r', (size_t)(end - p))) != NULL;)
        *p = ' ';
}

static void append_fields(struct buf *out, const struct trail_event *event)
{
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text text = event_text(event, (enum event_field)i);
        if (text.size == 0)
            continue;
        append_name(out, event_fields[i].name);
        if (event_fields[i].kind == EVENT_FIELD_JSON)
            append_json(out, text);
        else
            json_append_string(out, text);
    }
}

/* A member for what is set of the fields that are no text, `success` beside the outcome. */
static void append_kinds(struct buf *out, const struct trail_event *event)
{
    char timestamp[CLOCK_TEXT_SIZE];
    clock_format(event->timestamp_us, timestamp);
    append_string_member(out, "timestamp", timestamp);
    append_string_member(out, "operation", operation_name(event->operation));
    append_string_member(out, "outcome", outcome_name(event->outcome));
    append_boolean_member(out, "success", event->outcome == TRAIL_OUTCOME_SUCCESS);
    if (event->data_classification != TRAIL_CLASSIFICATION_NONE)
        append_string_member(out, "data_classification", classification_name(event->data_classification));
    if (event->requires_review != TRAIL_REVIEW_AUTO)
        append_boolean_member(out, "requires_review", event->requires_review == TRAIL_REVIEW_YES);
}

static void append_flags(struct buf *out, uint32_t flags)
{
    static const struct {
        uint32_t    bit;
        const char *quoted;
    } table[] = {
#define FLAG(symbol, number, name) { number, "\"" name "\"" },
        TRAIL_FLAG_MAP(FLAG)
#undef FLAG
    };

    append_name(out, "flags");
    buf_append(out, "[", 1);
    const char *separator = "";
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if ((flags & table[i].bit) == 0)
            continue;
        buf_append_string(out, separator);
        buf_append_string(out, table[i].quoted);
        separator = ",";
    }
    buf_append(out, "]", 1);
}

/* printf() writes the locale's decimal point, of any number of bytes; JSON knows one. */
static void append_number(struct buf *out, double number)
{
    char text[40];
    bool in_point = false;
    snprintf(text, sizeof text, "%.15g", number);
    for (const char *p = text; *p != '\0'; p++) {
        bool part_of_point = strchr("0123456789+-e", *p) == NULL;
        if (!part_of_point)
            buf_append(out, p, 1);
        else if (!in_point)
            buf_append(out, ".", 1);
        in_point = part_of_point;
    }
}

static bool is_finite(double number)
{
    return number - number == 0.0;
}

void event_to_json(const struct event_record *record, const struct uuid *writer, struct buf *out)
{
    assert(record != NULL);
    assert(out != NULL);
    assert(operation_name(record->event.operation) != NULL);

    buf_append(out, "{", 1);
    append_kinds(out, &record->event);
    append_fields(out, &record->event);
    if (writer != NULL) {
        struct trail_id id;
        event_id_format(record->event.timestamp_us, uuid_hash32(writer), record->seq, &id);
        append_string_member(out, "id", id.text);
    }
    append_string_member(out, "level", level_name(level_of_operation(record->event.operation)));
    append_flags(out, record->flags);
    append_name(out, "weight");
    append_number(out, is_finite(record->weight) ? record->weight : 1);
    if (writer != NULL) {
        char text[UUID_TEXT_SIZE];
        uuid_format(writer, text);
        append_string_member(out, "writer", text);
    }
    append_name(out, "seq");
    buf_printf(out, "%llu", (unsigned long long)record->seq);
    buf_append(out, "}", 1);
}
