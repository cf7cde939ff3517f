/* test_event_json_write.c -- events become NDJSON; what is printed can be read again.
 *
 * Goal:   every field in its place, what is not set left out, every number a JSON number, whatever the record holds.
 * Method: records compared with the line they must give, and with what event_from_json() makes of that line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_equal.h"
#include "base/text.h"
#include "event/event_json.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define S(seconds) (INT64_C(1000000) * (seconds))

static void a_record_is_printed_in_the_order_of_the_struct(void **state)
{
    (void)state;
    const struct event_record record = {
        .event = { TRAIL_EVENT_INIT, .timestamp_us = S(1795493106) + 123456, .operation = TRAIL_OPERATION_DELETE,
                   .outcome = TRAIL_OUTCOME_DENIED, .data_classification = TRAIL_CLASSIFICATION_RESTRICTED,
                   .requires_review = TRAIL_REVIEW_YES, .action = TRAIL_TEXT("delete_tool"),
                   .resource_type = TRAIL_TEXT("tool"), .user_id = TRAIL_TEXT("a\"b"),
                   .old_values = TRAIL_TEXT("{\n\t\"a\": 1.50,\r\n \"b\": \"\\n\"}") },
        .seq = UINT64_MAX,
        .flags = TRAIL_FLAG_TRUNCATED | TRAIL_FLAG_REDACTED,
        .weight = 1 / 0.3,
    };
    static const struct uuid writer = { { 0x12, 0x34 } };
    struct trail_id          id;
    char                     expected[1000];
    struct buf               out;
    event_id_format(record.event.timestamp_us, uuid_hash32(&writer), record.seq, &id);
    snprintf(expected, sizeof expected,
             "{\"timestamp\":\"2026-11-24T04:05:06.123456Z\",\"operation\":\"delete\",\"outcome\":\"denied\","
             "\"success\":false,\"data_classification\":\"restricted\",\"requires_review\":true,"
             "\"action\":\"delete_tool\",\"resource_type\":\"tool\",\"user_id\":\"a\\\"b\","
             "\"old_values\":{ \t\"a\": 1.50,   \"b\": \"\\n\"},\"id\":\"%s\",\"level\":\"deletes_only\","
             "\"flags\":[\"truncated\",\"redacted\"],\"weight\":3.33333333333333,"
             "\"writer\":\"12340000-0000-0000-0000-000000000000\",\"seq\":18446744073709551615}",
             id.text);
    buf_init(&out, NULL, 0);
    event_to_json(&record, &writer, &out);
    assert_true(text_equal(buf_text(&out), trail_str(expected)));
    buf_done(&out);
}

static void what_is_not_set_is_not_printed(void **state)
{
    (void)state;
    const struct event_record record = { .event = { TRAIL_EVENT_INIT, .operation = TRAIL_OPERATION_READ },
                                         .weight = 1 };
    struct buf                out;
    buf_init(&out, NULL, 0);
    buf_append_string(&out, "before");
    event_to_json(&record, NULL, &out);
    assert_true(text_equal(buf_text(&out),
                           TRAIL_TEXT("before{\"timestamp\":\"1970-01-01T00:00:00.000000Z\",\"operation\":\"read\","
                                      "\"outcome\":\"success\",\"success\":true,\"level\":\"all\",\"flags\":[],"
                                      "\"weight\":1,\"seq\":0}")));
    buf_done(&out);
}

static void weights_are_always_json_numbers(void **state)
{
    (void)state;
    static const double weights[] = { 1, 10, 2.5, 1e6, 1e20, 1e300, 1e-300, 0, -1, 1e15, 123456.789 };
    for (size_t i = 0; i < COUNT_OF(weights) + 3; i++) {
        /* Behind the table: infinities and a NaN, which only a damaged record has. */
        double              zero = 0;
        double              odd[] = { 1 / zero, -1 / zero, zero / zero };
        struct event_record record = { .event = { TRAIL_EVENT_INIT, .operation = TRAIL_OPERATION_READ } };
        record.weight = i < COUNT_OF(weights) ? weights[i] : odd[i - COUNT_OF(weights)];
        struct buf out;
        buf_init(&out, NULL, 0);
        event_to_json(&record, NULL, &out);
        assert_true(json_equal_texts(buf_text(&out), buf_text(&out)));
        const char *at = strstr(out.data, "\"weight\":");
        assert_non_null(at);
        assert_true(strtod(at + 9, NULL) == (i < COUNT_OF(weights) ? weights[i] : 1));
        buf_done(&out);
    }
}

static void a_printed_event_is_read_back_with_every_field(void **state)
{
    (void)state;
    struct event_record record = { .event = { TRAIL_EVENT_INIT, .operation = TRAIL_OPERATION_UPDATE,
                                              .outcome = TRAIL_OUTCOME_FAILURE, .timestamp_us = 1,
                                              .data_classification = TRAIL_CLASSIFICATION_PUBLIC,
                                              .requires_review = TRAIL_REVIEW_NO },
                                   .seq = 5,
                                   .flags = TRAIL_FLAG_REPAIRED,
                                   .weight = 4 };
    char                texts[EVENT_FIELD_COUNT][64];
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        bool is_json = event_fields[i].kind == EVENT_FIELD_JSON;
        snprintf(texts[i], sizeof texts[i], is_json ? "{\"%s\":\"\\u00e9\"}" : "\t\"%s\\ \xC3\xA9",
                 event_fields[i].name);
        *event_text_at(&record.event, (enum event_field)i) = trail_str(texts[i]);
    }
    static const struct uuid writer = { { 9 } };
    struct buf               out;
    struct buf               scratch;
    struct trail_event       event;
    buf_init(&out, NULL, 0);
    buf_init(&scratch, NULL, 0);
    event_to_json(&record, &writer, &out);
    assert_int_equal(event_from_json(buf_text(&out), &scratch, &event, NULL), TRAIL_OK);
    assert_int_equal(event.operation, record.event.operation);
    assert_int_equal(event.outcome, record.event.outcome);
    assert_int_equal(event.data_classification, record.event.data_classification);
    assert_int_equal(event.requires_review, record.event.requires_review);
    assert_int_equal(event.timestamp_us, 1);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        if (i != EVENT_context)
            assert_true(text_equal(event_text(&event, (enum event_field)i), trail_str(texts[i])));
    }
    /* The derived members came along. */
    struct trail_text start = TRAIL_TEXT("{\"context\":\"\\u00e9\",\"extra\":{\"id\":\"00000000-0000-7");
    assert_true(text_starts_with(event.context, start));
    buf_done(&out);
    buf_done(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_printed_in_the_order_of_the_struct),
        cmocka_unit_test(what_is_not_set_is_not_printed),
        cmocka_unit_test(weights_are_always_json_numbers),
        cmocka_unit_test(a_printed_event_is_read_back_with_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
