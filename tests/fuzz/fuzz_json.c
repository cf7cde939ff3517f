/* fuzz_json.c -- whatever comes in as JSON: the reader keeps its promises, and what is printed can be read.
 *
 * Goal:   no input crashes the reader, jansson and it agree on what is JSON, and an event that was read, printed and
 *         read again has the same fields.
 * Method: libFuzzer with ASan and UBSan; the seeds are whole lines.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/json_equal.h"
#include "base/text.h"
#include "event/event_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts in a line of its own, so that the stack trace names the promise that was broken. */
static void require(bool promise)
{
    if (!promise)
        abort();
}

/* What a string stands for, written and unescaped again, is the same. */
static void check_string(struct trail_text span)
{
    struct buf scratch;
    struct buf written;
    struct buf again;
    buf_init(&scratch, NULL, 0);
    buf_init(&written, NULL, 0);
    buf_init(&again, NULL, 0);
    struct trail_text plain = json_unescape(span, &scratch);
    json_append_string(&written, plain);
    require(text_equal(json_unescape(buf_text(&written), &again), plain));
    buf_done(&scratch);
    buf_done(&written);
    buf_done(&again);
}

/* Walk over all tokens: each span lies in the text, behind the one before. True: it is JSON. */
static bool walk(struct trail_text text)
{
    struct json_reader reader;
    const char        *behind = text.data;
    enum json_token    token;

    json_start(&reader, text);
    while ((token = json_next(&reader)) != JSON_ERROR && token != JSON_END) {
        require(reader.span.data >= behind && reader.span.size > 0);
        behind = reader.span.data + reader.span.size;
        require(behind <= text.data + text.size);
        require(reader.depth <= JSON_DEPTH_MAX);
        if (token == JSON_STRING || token == JSON_KEY)
            check_string(reader.span);
    }
    require(reader.position <= text.size);
    require((token == JSON_ERROR) == (reader.error != NULL));
    require(json_next(&reader) == token);
    return token == JSON_END;
}

static void check_take_value(struct trail_text text, bool is_json)
{
    struct json_reader reader;
    struct trail_text  value = { 0 };
    json_start(&reader, text);
    bool taken = json_take_value(&reader, &value);
    require(taken || !is_json);
    require(!taken || walk(value));
    require(!is_json || text_equal(value, text_trim(text)));
    /* jansson nests deeper than we do, and takes a NUL byte for the end; all else that it takes, we take. */
    if ((text.size == 0 || memchr(text.data, '\0', text.size) == NULL) && json_equal_texts(text, text))
        require(is_json || (!taken && strstr(reader.error, "deep") != NULL));
}

/* The same bytes, but for line breaks, which come out as spaces. */
static bool same_json(struct trail_text printed, struct trail_text given)
{
    if (printed.size != given.size)
        return false;
    for (size_t i = 0; i < given.size; i++) {
        bool line_break = given.data[i] == '\n' || given.data[i] == '\r';
        if (printed.data[i] != (line_break ? ' ' : given.data[i]))
            return false;
    }
    return true;
}

static void check_same(const struct trail_event *given, const struct trail_event *printed)
{
    require(given->operation == printed->operation && given->outcome == printed->outcome);
    require(given->data_classification == printed->data_classification);
    require(given->requires_review == printed->requires_review);
    require(given->timestamp_us == printed->timestamp_us);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text a = event_text(given, (enum event_field)i);
        struct trail_text b = event_text(printed, (enum event_field)i);
        if (i == EVENT_context) /* The derived members are in there as well. */
            require(walk(b));
        else
            require(event_fields[i].kind == EVENT_FIELD_JSON ? same_json(b, a) : text_equal(a, b));
    }
}

static void check_print(struct event_record *record)
{
    static const struct uuid writer = { { 1, 2, 3 } };
    struct trail_event      *event = &record->event;
    struct trail_event       again;
    struct buf               printed;
    struct buf               scratch;
    buf_init(&printed, NULL, 0);
    buf_init(&scratch, NULL, 0);

    /* What the trail sets on the way to the store. */
    if (event->operation == TRAIL_OPERATION_AUTO)
        event->operation = TRAIL_OPERATION_OTHER;
    if (event->timestamp_us < 1)
        event->timestamp_us = 1;
    if (event->timestamp_us > CLOCK_WALL_US_MAX)
        event->timestamp_us = CLOCK_WALL_US_MAX;

    event_to_json(record, &writer, &printed);
    require(!buf_failed(&printed));
    require(memchr(printed.data, '\n', printed.size) == NULL);
    require(event_from_json(buf_text(&printed), &scratch, &again, NULL) == TRAIL_OK);
    check_same(event, &again);
    buf_done(&printed);
    buf_done(&scratch);
}

static void check_event(struct trail_text line, bool is_json)
{
    struct event_record record = { .seq = 1, .flags = TRAIL_FLAG_REDACTED, .weight = 10 };
    struct trail_error  error = { .message = "" };
    struct buf          scratch;
    buf_init(&scratch, NULL, 0);
    if (event_from_json(line, &scratch, &record.event, &error) == TRAIL_OK) {
        require(is_json);
        require(record.event.context.size == 0 || walk(record.event.context));
        check_print(&record);
    } else {
        require(error.code == TRAIL_EINVAL && error.message[0] != '\0' && error.offset <= line.size);
    }
    buf_done(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trail_text text = text_of((const char *)data, size);
    bool              is_json = walk(text);
    check_take_value(text, is_json);
    check_event(text, is_json);
    return 0;
}
