/* test_event_wire.c -- an event survives its frame byte for byte, and no damaged payload is taken for one.
 *
 * Goal:   the layout is the one in event_wire.h; decoding reads no byte outside of the payload.
 * Method: hand-made payloads; every prefix and every changed byte of a real one, in blocks of exact size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "event/event_wire.h"

static struct trail_event small_event(void)
{
    return (struct trail_event){ TRAIL_EVENT_INIT,
                                 .timestamp_us = 0x1122334455667788,
                                 .operation = TRAIL_OPERATION_DELETE,
                                 .outcome = TRAIL_OUTCOME_DENIED,
                                 .data_classification = TRAIL_CLASSIFICATION_INTERNAL,
                                 .requires_review = TRAIL_REVIEW_YES,
                                 .action = TRAIL_TEXT("ab"),
                                 .resource_type = TRAIL_TEXT("t"),
                                 .user_id = TRAIL_TEXT("u"),
                                 .context = TRAIL_TEXT("{}") };
}

static void the_layout_is_the_documented_one(void **state)
{
    (void)state;
    static const unsigned char expected[] = {
        4,    2,    2,    2,    0x13, 0x00, 0x10, 0x00, /* Kinds; bits 0, 1, 4 and 20. */
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, /* Timestamp. */
        0,    0,    0,    0,    0,    0,    0x04, 0x40, /* 2.5 */
        2,    0,    'a',  'b',  1,    0,    't',  1,    0, 'u', 2, 0, 0, 0, '{', '}',
    };
    struct trail_event event = small_event();
    struct buf         out;
    uint32_t           flags = 0;
    buf_init(&out, NULL, 0);
    buf_append_string(&out, "before");
    assert_int_equal(event_encode(&event, 2.5, &out, &flags), TRAIL_OK);
    assert_int_equal(out.size, 6 + sizeof expected);
    assert_memory_equal(out.data + 6, expected, sizeof expected);
    assert_int_equal(flags, 0);
    assert_int_equal(event_peek_operation(text_of(out.data + 6, out.size - 6)), TRAIL_OPERATION_DELETE);
    buf_done(&out);
}

static void every_field_comes_back(void **state)
{
    (void)state;
    char                texts[EVENT_FIELD_COUNT][64];
    struct trail_event  event = small_event();
    struct event_record record = { .seq = 7, .flags = 7 };
    struct buf          out;
    uint32_t            flags = 0;
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "%zu", i);
        *event_text_at(&event, (enum event_field)i) = trail_str(texts[i]);
    }
    buf_init(&out, NULL, 0);
    assert_int_equal(event_encode(&event, 1 / 0.3, &out, &flags), TRAIL_OK);
    assert_int_equal(event_decode(buf_text(&out), &record), TRAIL_OK);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        assert_true(text_equal(event_text(&record.event, (enum event_field)i), trail_str(texts[i])));
    assert_true(record.event.timestamp_us == event.timestamp_us);
    assert_int_equal(record.event.operation, event.operation);
    assert_int_equal(record.event.outcome, event.outcome);
    assert_int_equal(record.event.data_classification, event.data_classification);
    assert_int_equal(record.event.requires_review, event.requires_review);
    assert_int_equal(record.event.struct_size, sizeof record.event);
    assert_true(record.weight == 1 / 0.3);
    buf_done(&out);
}

static void texts_are_cleaned_and_cut_to_their_limit(void **state)
{
    (void)state;
    char                long_text[5000];
    struct trail_event  event = small_event();
    struct event_record record;
    struct buf          out;
    uint32_t            flags = 0;
    memset(long_text, 'x', sizeof long_text);
    long_text[0] = '\xFF';
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        *event_text_at(&event, (enum event_field)i) = text_of(long_text, sizeof long_text);
    buf_init(&out, NULL, 0);
    assert_int_equal(event_encode(&event, 1, &out, &flags), TRAIL_OK);
    assert_int_equal(flags, TRAIL_FLAG_REPAIRED | TRAIL_FLAG_TRUNCATED);
    assert_int_equal(event_decode(buf_text(&out), &record), TRAIL_OK);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text text = event_text(&record.event, (enum event_field)i);
        if (event_fields[i].kind == EVENT_FIELD_JSON) {
            assert_int_equal(text.size, sizeof long_text);
        } else {
            assert_int_equal(text.size, event_fields[i].limit_bytes);
            assert_true(text_is_clean(text));
        }
    }
    buf_done(&out);
}

/* Text of nothing but bad bytes grows to three times its size: the room must be there. */
static void text_that_grows_when_repaired_fits(void **state)
{
    (void)state;
    char               bad[5000];
    struct trail_event event = small_event();
    memset(bad, '\xFF', sizeof bad);
    for (size_t size = 1; size < 40; size++) {
        struct event_record record;
        struct buf          out;
        uint32_t            flags = 0;
        for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
            *event_text_at(&event, (enum event_field)i) = text_of(bad, size);
        buf_init(&out, NULL, 0);
        assert_int_equal(event_encode(&event, 1, &out, &flags), TRAIL_OK);
        assert_true(out.size <= out.capacity);
        assert_int_equal(event_decode(buf_text(&out), &record), TRAIL_OK);
        buf_done(&out);
    }
}

static struct trail_text copy_of(const char *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    return text_of(copy, size);
}

static void no_prefix_and_nothing_longer_is_taken(void **state)
{
    (void)state;
    struct trail_event  event = small_event();
    struct event_record record = { .seq = 4711 };
    struct buf          out;
    uint32_t            flags = 0;
    buf_init(&out, NULL, 0);
    assert_int_equal(event_encode(&event, 1, &out, &flags), TRAIL_OK);
    for (size_t size = 0; size < out.size; size++) {
        struct trail_text prefix = copy_of(out.data, size);
        assert_int_equal(event_decode(prefix, &record), TRAIL_ECORRUPT);
        (void)event_peek_operation(prefix);
        free((void *)(uintptr_t)prefix.data);
    }
    buf_append(&out, "", 1);
    assert_int_equal(event_decode(buf_text(&out), &record), TRAIL_ECORRUPT);
    assert_int_equal(record.seq, 4711);
    buf_done(&out);
}

/* A changed byte is refused, or changes a value; it never makes a text reach outside of the payload. */
static void texts_of_a_damaged_payload_lie_inside_of_it(void **state)
{
    (void)state;
    struct trail_event event = small_event();
    struct buf         out;
    uint32_t           flags = 0;
    size_t             refused = 0;
    buf_init(&out, NULL, 0);
    assert_int_equal(event_encode(&event, 1, &out, &flags), TRAIL_OK);
    for (size_t at = 0; at < out.size; at++) {
        for (int value = 0; value < 256; value++) {
            struct event_record record;
            struct trail_text   damaged = copy_of(out.data, out.size);
            ((char *)(uintptr_t)damaged.data)[at] = (char)value;
            if (event_decode(damaged, &record) != TRAIL_OK) {
                refused++;
                free((void *)(uintptr_t)damaged.data);
                continue;
            }
            for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
                struct trail_text text = event_text(&record.event, (enum event_field)i);
                assert_true(text.data == NULL ||
                            (text.data >= damaged.data && text.data + text.size <= damaged.data + damaged.size));
            }
            free((void *)(uintptr_t)damaged.data);
        }
    }
    assert_true(refused > 1000);
    buf_done(&out);
}

static void heads_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        char   value;
    } cases[] = { { 0, 0 },
                  { 0, TRAIL_OPERATION_COUNT },
                  { 1, TRAIL_OUTCOME_UNKNOWN + 1 },
                  { 2, TRAIL_CLASSIFICATION_RESTRICTED + 1 },
                  { 3, 0 },
                  { 3, 3 },
                  { 6, 0x30 },
                  { 7, 1 } };
    struct trail_event event = small_event();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct event_record record;
        struct buf          out;
        uint32_t            flags = 0;
        buf_init(&out, NULL, 0);
        assert_int_equal(event_encode(&event, 1, &out, &flags), TRAIL_OK);
        out.data[cases[i].at] = cases[i].value;
        assert_int_equal(event_decode(buf_text(&out), &record), TRAIL_ECORRUPT);
        buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layout_is_the_documented_one),
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(texts_are_cleaned_and_cut_to_their_limit),
        cmocka_unit_test(text_that_grows_when_repaired_fits),
        cmocka_unit_test(no_prefix_and_nothing_longer_is_taken),
        cmocka_unit_test(texts_of_a_damaged_payload_lie_inside_of_it),
        cmocka_unit_test(heads_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
