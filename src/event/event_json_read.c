/* event_json_read.c -- one JSON object in, an event out: nothing copied but what is escaped, nothing dropped. */
#include "event/event_json.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "event/operation.h"

/* A member that is no field. */
struct unknown {
    struct trail_text key;   /* As it stands in the line, quotes included. */
    struct trail_text name;  /* What the key stands for. */
    struct trail_text value; /* As it stands in the line. */
};

/* One event while it is read. */
struct reading {
    struct json_reader  reader;
    struct buf         *scratch; /* Has room for everything from the start, so that views into it stay valid. */
    struct trail_error *ret_error;
    struct trail_event  event;
    uint64_t            seen;    /* Bit n: members[n] was there. */
    struct trail_text   outcome; /* The value, once a name was given. */
    struct trail_text   success; /* The value, once a boolean was given. */
    size_t              unknown_count;
    struct unknown      unknown[EVENT_JSON_UNKNOWN_MAX];
};

struct member {
    struct trail_text name;
    enum trail_err (*take)(struct reading *reading, const struct member *member, struct trail_text value);
    enum event_field field; /* For texts and JSON. */
};

/* Quotes, colons, commas and names that putting a context together adds to what stood in the line:
 * {,"extra_63":{"context":,}} and a little more. */
#define CONTEXT_OVERHEAD_BYTES 64

/* ---- Errors ----------------------------------------------------------------------------------- */

static enum trail_err at_offset(struct reading *reading, const char *where, enum trail_err err)
{
    if (reading->ret_error != NULL)
        reading->ret_error->offset = (uint64_t)(where - reading->reader.text.data);
    return err;
}

static enum trail_err wrong(struct reading *reading, const struct member *member, struct trail_text value,
                            const char *what)
{
    return at_offset(reading, value.data,
                     error_set(reading->ret_error, TRAIL_EINVAL, 0, "%s %s", member->name.data, what));
}

static enum trail_err not_json(struct reading *reading)
{
    const struct json_reader *reader = &reading->reader;
    return at_offset(reading, reader->text.data + reader->position,
                     error_set(reading->ret_error, TRAIL_EINVAL, 0, "not a JSON object: %s", reader->error));
}

/* Say something about a member whose name came from outside, cut and cleaned to fit the message. */
static enum trail_err wrong_unknown(struct reading *reading, const struct unknown *unknown, const char *what)
{
    char     name[100];
    uint32_t flags = 0;
    int      size = (int)text_clean(unknown->name, sizeof name, name, &flags);
    return at_offset(reading, unknown->key.data,
                     error_set(reading->ret_error, TRAIL_EINVAL, 0, "\"%.*s\" %s", size, name, what));
}

/* ---- Fields ----------------------------------------------------------------------------------- */

static enum trail_err take_text(struct reading *reading, const struct member *member, struct trail_text value)
{
    if (value.data[0] == '{' || value.data[0] == '[')
        return wrong(reading, member, value, "must be text");
    struct trail_text text = value.data[0] == '"' ? json_unescape(value, reading->scratch) : value;
    *event_text_at(&reading->event, member->field) = text;
    return TRAIL_OK;
}

static enum trail_err take_json(struct reading *reading, const struct member *member, struct trail_text value)
{
    *event_text_at(&reading->event, member->field) = value;
    return TRAIL_OK;
}

/* The name that a string value gives; empty when it is no string, which no table of names contains. */
static struct trail_text name_of(struct reading *reading, struct trail_text value)
{
    return value.data[0] == '"' ? json_unescape(value, reading->scratch) : (struct trail_text){ 0 };
}

static bool is_empty_string(struct trail_text value)
{
    return text_equal(value, TRAIL_TEXT("\"\""));
}

static enum trail_err take_operation(struct reading *reading, const struct member *member, struct trail_text value)
{
    struct trail_text name = name_of(reading, value);
    if (is_empty_string(value) || (name.size > 0 && operation_from_name(name, &reading->event.operation)))
        return TRAIL_OK;
    return wrong(reading, member, value,
                 "must be one of create, read, update, delete, execute, access, export, import, auth, admin, audit, "
                 "other");
}

static enum trail_err take_outcome(struct reading *reading, const struct member *member, struct trail_text value)
{
    struct trail_text name = name_of(reading, value);
    if (is_empty_string(value))
        return TRAIL_OK;
    if (name.size == 0 || !outcome_from_name(name, &reading->event.outcome))
        return wrong(reading, member, value, "must be one of success, failure, denied, partial, unknown");
    reading->outcome = value;
    return TRAIL_OK;
}

static enum trail_err take_classification(struct reading *reading, const struct member *member, struct trail_text value)
{
    struct trail_text name = name_of(reading, value);
    if (is_empty_string(value) ||
        (name.size > 0 && classification_from_name(name, &reading->event.data_classification)))
        return TRAIL_OK;
    return wrong(reading, member, value, "must be one of public, internal, confidential, restricted");
}

static bool is_boolean(struct trail_text value)
{
    return value.data[0] == 't' || value.data[0] == 'f';
}

static enum trail_err take_review(struct reading *reading, const struct member *member, struct trail_text value)
{
    if (!is_boolean(value))
        return wrong(reading, member, value, "must be true or false");
    reading->event.requires_review = value.data[0] == 't' ? TRAIL_REVIEW_YES : TRAIL_REVIEW_NO;
    return TRAIL_OK;
}

static enum trail_err take_success(struct reading *reading, const struct member *member, struct trail_text value)
{
    if (!is_boolean(value))
        return wrong(reading, member, value, "must be true or false");
    reading->success = value;
    return TRAIL_OK;
}

/* A JSON number that is an integer within int64. */
static bool parse_integer(struct trail_text number, int64_t *ret_integer)
{
    bool    negative = number.data[0] == '-';
    int64_t integer = 0;
    for (size_t i = negative ? 1 : 0; i < number.size; i++) {
        int digit = number.data[i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        /* Counted downwards, because the negative side reaches one further. */
        if (__builtin_mul_overflow(integer, 10, &integer) || __builtin_sub_overflow(integer, digit, &integer))
            return false;
    }
    if (!negative && integer == INT64_MIN)
        return false;
    *ret_integer = negative ? integer : -integer;
    return true;
}

static enum trail_err take_timestamp(struct reading *reading, const struct member *member, struct trail_text value)
{
    if (is_empty_string(value))
        return TRAIL_OK;
    if (value.data[0] == '"') {
        int64_t when_us = 0;
        if (!clock_parse(json_unescape(value, reading->scratch), &when_us))
            return wrong(reading, member, value, "must be RFC 3339 text, as \"2026-11-24T04:05:06.123Z\"");
        /* Somebody who writes 1970 out does not mean now: that is where the trail clamps what is older. */
        reading->event.timestamp_us = when_us != 0 ? when_us : 1;
        return TRAIL_OK;
    }
    if (value.data[0] != '-' && (value.data[0] < '0' || value.data[0] > '9'))
        return wrong(reading, member, value, "must be RFC 3339 text or an integer of microseconds");
    if (!parse_integer(value, &reading->event.timestamp_us))
        return wrong(reading, member, value, "is not an integer of microseconds within 64 bits");
    return TRAIL_OK;
}

/* ---- Members ---------------------------------------------------------------------------------- */

#define NAME(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }
#define TAKE_REQUIRED take_text
#define TAKE_OPTIONAL take_text
#define TAKE_JSON take_json

static const struct member members[] = {
#define FIELD(member, limit, kind) { NAME(#member), TAKE_##kind, EVENT_##member },
#include "event/fields.def"
#undef FIELD
    { NAME("timestamp"), take_timestamp, EVENT_FIELD_COUNT },
    { NAME("operation"), take_operation, EVENT_FIELD_COUNT },
    { NAME("outcome"), take_outcome, EVENT_FIELD_COUNT },
    { NAME("success"), take_success, EVENT_FIELD_COUNT },
    { NAME("data_classification"), take_classification, EVENT_FIELD_COUNT },
    { NAME("requires_review"), take_review, EVENT_FIELD_COUNT },
};

#define MEMBER_COUNT (sizeof members / sizeof members[0])

_Static_assert(MEMBER_COUNT <= 64, "one bit each in reading->seen");

static const struct member *find_member(struct trail_text name)
{
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        if (members[i].name.size == name.size && memcmp(members[i].name.data, name.data, name.size) == 0)
            return &members[i];
    }
    return NULL;
}

static enum trail_err take_known(struct reading *reading, const struct member *member, struct trail_text key)
{
    struct trail_text value;
    uint64_t          bit = UINT64_C(1) << (member - members);

    if ((reading->seen & bit) != 0)
        return wrong(reading, member, key, "is given twice");
    reading->seen |= bit;
    if (!json_take_value(&reading->reader, &value))
        return not_json(reading);
    if (value.data[0] == 'n') /* null */
        return TRAIL_OK;
    return member->take(reading, member, value);
}

static enum trail_err take_unknown(struct reading *reading, struct trail_text key, struct trail_text name)
{
    struct unknown unknown = { .key = key, .name = name };

    for (size_t i = 0; i < reading->unknown_count; i++) {
        if (text_equal(reading->unknown[i].name, name))
            return wrong_unknown(reading, &unknown, "is given twice");
    }
    if (reading->unknown_count == EVENT_JSON_UNKNOWN_MAX)
        return wrong_unknown(reading, &unknown, "is the 65th member that is no field; 64 are kept");

    reading->reader.depth_max = 1 + EVENT_JSON_UNKNOWN_DEPTH_MAX;
    if (!json_take_value(&reading->reader, &unknown.value))
        return not_json(reading);
    reading->reader.depth_max = JSON_DEPTH_MAX;
    reading->unknown[reading->unknown_count++] = unknown;
    return TRAIL_OK;
}

static enum trail_err take_members(struct reading *reading)
{
    struct json_reader *reader = &reading->reader;
    enum json_token     token = json_next(reader);

    if (token != JSON_OBJECT_BEGIN && token != JSON_ERROR)
        return at_offset(reading, reader->span.data,
                         error_set(reading->ret_error, TRAIL_EINVAL, 0, "an event must be a JSON object"));
    while ((token = json_next(reader)) == JSON_KEY) {
        struct trail_text    key = reader->span;
        struct trail_text    name = json_unescape(key, reading->scratch);
        const struct member *member = find_member(name);
        enum trail_err       err = member != NULL ? take_known(reading, member, key) : take_unknown(reading, key, name);
        if (err != TRAIL_OK)
            return err;
    }
    /* Behind the object only white space may stand. */
    if (token == JSON_ERROR || json_next(reader) == JSON_ERROR)
        return not_json(reading);
    return TRAIL_OK;
}

/* ---- What needs the whole object -------------------------------------------------------------- */

static enum trail_err settle_outcome(struct reading *reading)
{
    if (reading->success.size == 0)
        return TRAIL_OK;

    bool success = reading->success.data[0] == 't';
    if (reading->outcome.size == 0) {
        reading->event.outcome = success ? TRAIL_OUTCOME_SUCCESS : TRAIL_OUTCOME_FAILURE;
        return TRAIL_OK;
    }
    if (success == (reading->event.outcome == TRAIL_OUTCOME_SUCCESS))
        return TRAIL_OK;
    return at_offset(reading, reading->success.data,
                     error_set(reading->ret_error, TRAIL_EINVAL, 0, "success is %s but outcome is %s",
                               success ? "true" : "false", outcome_name(reading->event.outcome)));
}

/* 1 for "extra", n for "extra_n" with n from 2 to 63, else 0. */
static unsigned extra_number(struct trail_text name)
{
    if (!text_starts_with(name, TRAIL_TEXT("extra")))
        return 0;
    const char *rest = name.data + 5;
    size_t      size = name.size - 5;
    if (size == 0)
        return 1;
    if (size < 2 || size > 3 || rest[0] != '_')
        return 0;
    unsigned number = 0;
    for (size_t i = 1; i < size; i++) {
        if (rest[i] < '0' || rest[i] > '9')
            return 0;
        number = number * 10 + (unsigned)(rest[i] - '0');
    }
    bool leading_zero = rest[1] == '0';
    return !leading_zero && number >= 2 && number <= 63 ? number : 0;
}

/* Which names of the kind "extra_n" the members of the checked object `context` have taken, as bits. */
static uint64_t extra_numbers_taken(struct reading *reading, struct trail_text context)
{
    struct json_reader reader;
    struct trail_text  value;
    uint64_t           taken = 1; /* No name has the number 0. */
    size_t             mark = reading->scratch->size;

    json_start(&reader, context);
    (void)json_next(&reader);
    while (json_next(&reader) == JSON_KEY) {
        taken |= UINT64_C(1) << extra_number(json_unescape(reader.span, reading->scratch));
        reading->scratch->size = mark; /* The name was only looked at. */
        if (!json_take_value(&reader, &value))
            break;
    }
    return taken;
}

static void append_member(struct buf *out, struct trail_text key, struct trail_text value)
{
    buf_append_text(out, key);
    buf_append(out, ":", 1);
    buf_append_text(out, value);
}

/* Append the unknown members as an object; `context` too, when it is given. */
static void append_extra(struct reading *reading, struct trail_text context)
{
    struct buf *out = reading->scratch;
    buf_append(out, "{", 1);
    if (context.size > 0)
        append_member(out, TRAIL_TEXT("\"context\""), context);
    for (size_t i = 0; i < reading->unknown_count; i++) {
        if (i > 0 || context.size > 0)
            buf_append(out, ",", 1);
        append_member(out, reading->unknown[i].key, reading->unknown[i].value);
    }
    buf_append(out, "}", 1);
}

/* Put the unknown members into the context, as the header shows. */
static enum trail_err extend_context(struct reading *reading)
{
    struct trail_text context = reading->event.context;
    bool              object = context.size > 0 && context.data[0] == '{';
    struct buf       *out = reading->scratch;
    uint64_t          taken = object ? extra_numbers_taken(reading, context) : 1;
    size_t            start = out->size;

    if (taken == UINT64_MAX)
        return at_offset(
            reading, context.data,
            error_set(reading->ret_error, TRAIL_EINVAL, 0, "context has no name left of extra to extra_63"));
    buf_append(out, "{", 1);
    if (object) {
        struct trail_text inside = text_trim(text_of(context.data + 1, context.size - 2));
        buf_append_text(out, inside);
        if (inside.size > 0)
            buf_append(out, ",", 1);
    }
    int number = __builtin_ctzll(~taken);
    if (number == 1)
        buf_append_string(out, "\"extra\":");
    else
        buf_printf(out, "\"extra_%d\":", number);
    append_extra(reading, object ? (struct trail_text){ 0 } : context);
    buf_append(out, "}", 1);
    reading->event.context = text_of(out->data + start, out->size - start);
    return TRAIL_OK;
}

/* A context that is an array must leave room for what is put around it, now or when it is read again. */
static enum trail_err check_context_depth(struct reading *reading)
{
    struct trail_text  context = reading->event.context;
    struct json_reader reader;
    if (context.size == 0 || context.data[0] != '[')
        return TRAIL_OK;
    json_start(&reader, context);
    reader.depth_max = EVENT_JSON_UNKNOWN_DEPTH_MAX;
    if (json_take_value(&reader, &context))
        return TRAIL_OK;
    return at_offset(reading, context.data,
                     error_set(reading->ret_error, TRAIL_EINVAL, 0, "context is not an object and nested too deep"));
}

enum trail_err event_from_json(struct trail_text json, struct buf *scratch, struct trail_event *ret_event,
                               struct trail_error *ret_error)
{
    struct reading reading; /* Not cleared as a whole: `unknown` is 4.5 KiB that hardly any event needs. */

    assert(scratch != NULL);
    assert(ret_event != NULL);

    json_start(&reading.reader, json);
    reading.scratch = scratch;
    reading.ret_error = ret_error;
    reading.event = (struct trail_event){ TRAIL_EVENT_INIT };
    reading.seen = 0;
    reading.outcome = (struct trail_text){ 0 };
    reading.success = (struct trail_text){ 0 };
    reading.unknown_count = 0;

    /* Unescaped, the line's parts are together no longer than the line; so are the members of a context. */
    buf_clear(scratch);
    if (buf_reserve(scratch, 2 * json.size + CONTEXT_OVERHEAD_BYTES) == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory to read an event of %zu bytes", json.size);
    const char *fixed = scratch->data;

    enum trail_err err = take_members(&reading);
    if (err == TRAIL_OK)
        err = settle_outcome(&reading);
    if (err == TRAIL_OK)
        err = check_context_depth(&reading);
    if (err == TRAIL_OK && reading.unknown_count > 0)
        err = extend_context(&reading);
    assert(scratch->data == fixed && !buf_failed(scratch));
    if (err != TRAIL_OK)
        return err;
    *ret_event = reading.event;
    return TRAIL_OK;
}
