/* test_query_row.c -- a row of a page as the event it stands for.
 *
 * Goal:   every column comes to its member.
 * Method: a row whose columns are all different.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "query/query_row.h"

static void every_column_comes_to_its_member(void **state)
{
    (void)state;
    struct store_value        columns[QUERY_COLUMN_COUNT];
    struct trail_stored_event event;
    struct query_position     position;
    struct trail_id           id;

    for (size_t i = 0; i < QUERY_COLUMN_TEXTS; i++)
        columns[i] = (struct store_value){ .kind = STORE_INTEGER, .integer = 100 + (int64_t)i };
    columns[QUERY_COLUMN_OPERATION].integer = TRAIL_OPERATION_EXPORT;
    columns[QUERY_COLUMN_OUTCOME].integer = TRAIL_OUTCOME_PARTIAL;
    columns[QUERY_COLUMN_CLASSIFICATION].integer = TRAIL_CLASSIFICATION_INTERNAL;
    columns[QUERY_COLUMN_REVIEW].integer = 1;
    columns[QUERY_COLUMN_WEIGHT] = (struct store_value){ .kind = STORE_REAL, .real = 2.5 };
    columns[QUERY_COLUMN_SERVICE] = (struct store_value){ .kind = STORE_TEXT, .text = TRAIL_TEXT("gateway") };
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        columns[QUERY_COLUMN_TEXTS + i] =
            (struct store_value){ .kind = STORE_TEXT, .text = trail_str(event_fields[i].name) };

    query_row_read(columns, QUERY_COLUMN_COUNT, &event, &position);
    assert_int_equal(event.event.timestamp_us, 100 + QUERY_COLUMN_TIMESTAMP);
    assert_int_equal(event.event.operation, TRAIL_OPERATION_EXPORT);
    assert_int_equal(event.event.outcome, TRAIL_OUTCOME_PARTIAL);
    assert_int_equal(event.event.data_classification, TRAIL_CLASSIFICATION_INTERNAL);
    assert_int_equal(event.event.requires_review, TRAIL_REVIEW_YES);
    assert_int_equal(event.level, TRAIL_LEVEL_WRITES_ONLY);
    assert_int_equal(event.flags, 100 + QUERY_COLUMN_FLAGS);
    assert_true(event.weight == 2.5);
    assert_int_equal(event.seq, 100 + QUERY_COLUMN_SEQ);
    assert_true(text_equal(event.service, TRAIL_TEXT("gateway")));
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        assert_true(text_equal(event_text(&event.event, (enum event_field)i), trail_str(event_fields[i].name)));
    event_id_format(100 + QUERY_COLUMN_TIMESTAMP, 100 + QUERY_COLUMN_ID_HASH, 100 + QUERY_COLUMN_SEQ, &id);
    assert_string_equal(event.id.text, id.text);
    assert_int_equal(position.timestamp_us, 100 + QUERY_COLUMN_TIMESTAMP);
    assert_int_equal(position.writer, 100 + QUERY_COLUMN_WRITER);
    assert_int_equal(position.seq, 100 + QUERY_COLUMN_SEQ);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_column_comes_to_its_member) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
