/* test_event.c -- an event is refused only for what cannot be recorded, and its fields are one table.
 *
 * Goal:   the table matches the struct; every check has an event just inside and one just outside.
 * Method: one valid event, changed in one place at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct trail_event valid_event(void)
{
    return (struct trail_event){ TRAIL_EVENT_INIT, .action = TRAIL_TEXT("a"), .resource_type = TRAIL_TEXT("r"),
                                 .user_id = TRAIL_TEXT("u") };
}

static void the_table_covers_every_text_of_the_struct(void **state)
{
    (void)state;
    size_t expected = offsetof(struct trail_event, action);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        assert_int_equal(event_fields[i].offset, expected);
        assert_int_equal(event_fields[i].limit_bytes == 0, event_fields[i].kind == EVENT_FIELD_JSON);
        expected += sizeof(struct trail_text);
    }
    assert_int_equal(expected, sizeof(struct trail_event));
    assert_string_equal(event_fields[EVENT_user_id].name, "user_id");
    assert_string_equal(event_fields[EVENT_context].name, "context");
}

static void fields_are_reached_by_number(void **state)
{
    (void)state;
    struct trail_event event = valid_event();
    assert_true(text_equal(event_text(&event, EVENT_user_id), TRAIL_TEXT("u")));
    *event_text_at(&event, EVENT_context) = TRAIL_TEXT("{}");
    assert_true(text_equal(event.context, TRAIL_TEXT("{}")));
}

static void a_valid_event_passes(void **state)
{
    (void)state;
    struct trail_event event = valid_event();
    assert_int_equal(event_check(&event, NULL), TRAIL_OK);
    event.operation = TRAIL_OPERATION_OTHER;
    event.outcome = TRAIL_OUTCOME_UNKNOWN;
    event.data_classification = TRAIL_CLASSIFICATION_RESTRICTED;
    event.requires_review = TRAIL_REVIEW_YES;
    assert_int_equal(event_check(&event, NULL), TRAIL_OK);
}

static void required_fields_must_not_be_empty(void **state)
{
    (void)state;
    size_t required = 0;
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_event event = valid_event();
        struct trail_error error;
        *event_text_at(&event, (enum event_field)i) = TRAIL_TEXT("");
        if (event_fields[i].kind != EVENT_FIELD_REQUIRED) {
            assert_int_equal(event_check(&event, &error), TRAIL_OK);
            continue;
        }
        required++;
        assert_int_equal(event_check(&event, &error), TRAIL_EINVAL);
        assert_true(text_starts_with(trail_str(error.message), trail_str(event_fields[i].name)));
    }
    assert_int_equal(required, 3);
}

static void enums_out_of_range_are_refused(void **state)
{
    (void)state;
    static const int beyond[] = { -1, TRAIL_OPERATION_COUNT, INT32_MAX, INT32_MIN };
    for (size_t i = 0; i < COUNT_OF(beyond); i++) {
        struct trail_event event = valid_event();
        event.operation = (enum trail_operation)beyond[i];
        assert_int_equal(event_check(&event, NULL), TRAIL_EINVAL);
        event = valid_event();
        event.outcome = (enum trail_outcome)beyond[i];
        assert_int_equal(event_check(&event, NULL), TRAIL_EINVAL);
        event = valid_event();
        event.data_classification = (enum trail_classification)beyond[i];
        assert_int_equal(event_check(&event, NULL), TRAIL_EINVAL);
        event = valid_event();
        event.requires_review = (enum trail_review)beyond[i];
        assert_int_equal(event_check(&event, NULL), TRAIL_EINVAL);
    }
}

static void texts_together_have_a_limit(void **state)
{
    (void)state;
    static const char  big[TRAIL_EVENT_BYTES_MAX];
    struct trail_event event = valid_event();
    struct trail_error error;
    event.context = text_of(big, sizeof big - 3); /* The three required texts have one byte each. */
    assert_int_equal(event_check(&event, &error), TRAIL_OK);
    event.context.size++;
    assert_int_equal(event_check(&event, &error), TRAIL_ETOOBIG);
    event.context.size = SIZE_MAX;
    assert_int_equal(event_check(&event, &error), TRAIL_ETOOBIG);
    event.context.size = sizeof big / 2;
    event.changes = event.context;
    assert_int_equal(event_check(&event, &error), TRAIL_ETOOBIG);
}

static void a_size_without_data_is_refused(void **state)
{
    (void)state;
    struct trail_event event = valid_event();
    event.user_email = text_of(NULL, 1);
    assert_int_equal(event_check(&event, NULL), TRAIL_EINVAL);
}

static void a_newer_callers_event_is_copied_without_what_is_new(void **state)
{
    (void)state;
    struct {
        struct trail_event event;
        char               newer[64];
    } caller = { .event = valid_event() };
    struct trail_event storage;
    assert_ptr_equal(event_widen(&caller.event, &storage), &caller.event);

    caller.event.struct_size = sizeof caller;
    assert_ptr_equal(event_widen(&caller.event, &storage), &storage);
    assert_int_equal(storage.struct_size, sizeof storage);
    assert_true(text_equal(storage.user_id, TRAIL_TEXT("u")));
}

static void absurd_struct_sizes_are_refused(void **state)
{
    (void)state;
    static const size_t absurd[] = { 0, 1, sizeof(struct trail_event) - 1, 4097, SIZE_MAX };
    for (size_t i = 0; i < COUNT_OF(absurd); i++) {
        struct trail_event event = valid_event();
        struct trail_event storage;
        event.struct_size = absurd[i];
        assert_null(event_widen(&event, &storage));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_covers_every_text_of_the_struct),
        cmocka_unit_test(fields_are_reached_by_number),
        cmocka_unit_test(a_valid_event_passes),
        cmocka_unit_test(required_fields_must_not_be_empty),
        cmocka_unit_test(enums_out_of_range_are_refused),
        cmocka_unit_test(texts_together_have_a_limit),
        cmocka_unit_test(a_size_without_data_is_refused),
        cmocka_unit_test(a_newer_callers_event_is_copied_without_what_is_new),
        cmocka_unit_test(absurd_struct_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
