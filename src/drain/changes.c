/* changes.c -- what an update changed, derived from the values before and after it. */
#include "drain/changes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_equal.h"
#include "base/text.h"

enum side { SIDE_OLD, SIDE_NEW };

/* A member of either value. */
struct member {
    struct trail_text key;   /* As it stands there, quotes included. */
    struct trail_text name;  /* What the key stands for. */
    struct trail_text value; /* As it stands there. */
    size_t            index; /* Later ones of the same name win. */
    enum side         side;
};

/* The members of both values, and room for their unescaped names. */
struct members {
    struct member *items;
    size_t         count;
    size_t         capacity;
    struct buf     names;
};

/* ---- Reading ---------------------------------------------------------------------------------- */

/* What redaction puts in the place of a value starts with one of these; its members are not the value's. */
static bool is_replacement(struct trail_text name)
{
    return text_equal(name, TRAIL_TEXT("_truncated")) || text_equal(name, TRAIL_TEXT("_unparsed"));
}

static enum trail_err add(struct members *members, const struct member *member)
{
    if (members->count == members->capacity) {
        size_t         capacity = members->capacity > 0 ? 2 * members->capacity : 32;
        struct member *items = realloc(members->items, capacity * sizeof *items);
        if (items == NULL)
            return TRAIL_ENOMEM;
        members->items = items;
        members->capacity = capacity;
    }
    members->items[members->count] = *member;
    members->items[members->count].index = members->count;
    members->count++;
    return TRAIL_OK;
}

/* Collect the members of one value. What cannot be compared leaves *ret_verdict other than CHANGES_DERIVED. */
static enum trail_err collect(struct members *members, struct trail_text object, enum side side,
                              enum changes_verdict *ret_verdict)
{
    struct json_reader reader;
    size_t             first = members->count;

    json_start(&reader, object);
    reader.depth_max = CHANGES_DEPTH_MAX;
    *ret_verdict = CHANGES_NONE;
    if (json_next(&reader) != JSON_OBJECT_BEGIN)
        return TRAIL_OK;
    while (json_next(&reader) == JSON_KEY) {
        struct member member = { .key = reader.span, .side = side };
        member.name = json_unescape(member.key, &members->names);
        if (members->count == first && is_replacement(member.name))
            return TRAIL_OK;
        if (members->count == CHANGES_KEYS_MAX) {
            *ret_verdict = CHANGES_CUT;
            return TRAIL_OK;
        }
        if (!json_take_value(&reader, &member.value))
            break;
        enum trail_err err = add(members, &member);
        if (err != TRAIL_OK)
            return err;
    }
    /* Stored values are JSON, so an error is one of depth; if it is not, nothing is what can be said of it. */
    *ret_verdict = reader.error == NULL ? CHANGES_DERIVED : CHANGES_CUT;
    return TRAIL_OK;
}

/* ---- Comparing -------------------------------------------------------------------------------- */

static int compare_names(struct trail_text a, struct trail_text b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int    order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* By name, then old before new (they were collected in that order), then as they stood. */
static int compare_members(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    int                  order = compare_names(a->name, b->name);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static bool differ(struct trail_text a, struct trail_text b)
{
    return !text_equal(a, b) && !json_equal_texts(a, b);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static void append_change(struct buf *out, struct trail_text key, struct trail_text before, struct trail_text after)
{
    buf_append_text(out, key);
    buf_append_string(out, ":{\"old\":");
    buf_append_text(out, before);
    buf_append_string(out, ",\"new\":");
    buf_append_text(out, after);
    buf_append_string(out, "}");
}

/* Append the differences of the sorted members; on CHANGES_CUT a part of them. */
static enum changes_verdict append_changes(const struct members *members, size_t bytes_max, struct buf *out)
{
    size_t      start = out->size;
    const char *separator = "{";

    for (size_t i = 0; i < members->count;) {
        struct trail_text    values[] = { [SIDE_OLD] = TRAIL_TEXT("null"), [SIDE_NEW] = TRAIL_TEXT("null") };
        const struct member *first = &members->items[i];
        for (; i < members->count && text_equal(members->items[i].name, first->name); i++)
            values[members->items[i].side] = members->items[i].value;
        if (!differ(values[SIDE_OLD], values[SIDE_NEW]))
            continue;
        buf_append_string(out, separator);
        append_change(out, first->key, values[SIDE_OLD], values[SIDE_NEW]);
        separator = ",";
        if (buf_failed(out) || out->size - start + 1 > bytes_max)
            return CHANGES_CUT;
    }
    if (out->size == start)
        return CHANGES_NONE;
    buf_append(out, "}", 1);
    return CHANGES_DERIVED;
}

static bool is_applicable(const struct trail_event *event)
{
    return event->operation == TRAIL_OPERATION_UPDATE && event->changes.size == 0 && event->old_values.size > 0 &&
           event->new_values.size > 0;
}

/* The work of changes_derive() on members that its caller frees. */
static enum trail_err derive(const struct trail_event *event, size_t bytes_max, struct members *members,
                             struct buf *out, enum changes_verdict *ret_verdict)
{
    /* Names are shorter than what they are written as: with this room no view of one ever moves. */
    if (buf_reserve(&members->names, event->old_values.size + event->new_values.size) == NULL)
        return TRAIL_ENOMEM;
    enum trail_err err = collect(members, event->old_values, SIDE_OLD, ret_verdict);
    if (err != TRAIL_OK || *ret_verdict != CHANGES_DERIVED)
        return err;
    err = collect(members, event->new_values, SIDE_NEW, ret_verdict);
    if (err != TRAIL_OK || *ret_verdict != CHANGES_DERIVED)
        return err;

    size_t start = out->size;
    if (members->count > 0)
        qsort(members->items, members->count, sizeof members->items[0], compare_members);
    *ret_verdict = append_changes(members, bytes_max, out);
    if (buf_failed(out))
        return TRAIL_ENOMEM;
    if (*ret_verdict != CHANGES_DERIVED)
        out->size = start;
    return TRAIL_OK;
}

enum trail_err changes_derive(const struct trail_event *event, size_t bytes_max, struct buf *out,
                              enum changes_verdict *ret_verdict)
{
    assert(event != NULL);
    assert(out != NULL);

    enum changes_verdict verdict = CHANGES_NONE;
    enum trail_err       err = TRAIL_OK;
    if (is_applicable(event) && !text_equal(event->old_values, event->new_values)) {
        struct members members = { 0 };
        err = derive(event, bytes_max, &members, out, &verdict);
        free(members.items);
        buf_done(&members.names);
    }
    if (err == TRAIL_OK)
        *ret_verdict = verdict;
    return err;
}
