/* test_columns.c -- a stored event as named cells.
 *
 * Goal:   every field has its column, the names in the help are those that are taken.
 * Method: one event with all of its texts set; columns by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/columns.h"
#include "event/event.h"

static struct trail_stored_event event_with_everything(void)
{
    struct trail_stored_event stored = {
        .event = { TRAIL_EVENT_INIT, .timestamp_us = 1500000, .operation = TRAIL_OPERATION_DELETE,
                   .outcome = TRAIL_OUTCOME_DENIED, .data_classification = TRAIL_CLASSIFICATION_RESTRICTED,
                   .requires_review = TRAIL_REVIEW_YES },
        .id = { "0190a1b2-0000-7000-8000-000000000001" },
        .level = TRAIL_LEVEL_DELETES_ONLY,
        .flags = TRAIL_FLAG_TRUNCATED | TRAIL_FLAG_REDACTED,
        .weight = 2.5,
        .seq = 42,
        .service = TRAIL_TEXT("gateway")
    };
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        *event_text_at(&stored.event, (enum event_field)i) = trail_str(event_fields[i].name);
    return stored;
}

static void assert_cell(const struct trail_stored_event *event, const char *name, const char *expected)
{
    struct columns columns;
    struct buf     out;
    assert_true(columns_parse(&columns, name));
    assert_int_equal(columns.count, 1);
    buf_init(&out, NULL, 0);
    column_append(columns.list[0], event, &out);
    assert_true(text_equal(buf_text(&out), trail_str(expected)));
    buf_done(&out);
}

static void every_field_has_its_column(void **state)
{
    (void)state;
    struct trail_stored_event event = event_with_everything();
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        assert_cell(&event, event_fields[i].name, event_fields[i].name);
    assert_cell(&event, "id", event.id.text);
    assert_cell(&event, "timestamp", "1970-01-01T00:00:01.500000Z");
    assert_cell(&event, "operation", "delete");
    assert_cell(&event, "outcome", "denied");
    assert_cell(&event, "success", "false");
    assert_cell(&event, "data_classification", "restricted");
    assert_cell(&event, "requires_review", "true");
    assert_cell(&event, "level", "deletes_only");
    assert_cell(&event, "flags", "truncated redacted");
    assert_cell(&event, "weight", "2.5");
    assert_cell(&event, "seq", "42");
    assert_cell(&event, "service", "gateway");
}

static void cells_for_people_are_put_together(void **state)
{
    (void)state;
    struct trail_stored_event event = event_with_everything();
    assert_cell(&event, "time", "1970-01-01 00:00:01");
    assert_cell(&event, "user", "user_id");
    assert_cell(&event, "resource", "resource_type/resource_id");
    event.event.resource_id = (struct trail_text){ 0 };
    assert_cell(&event, "resource", "resource_type/resource_name");
    event.event.resource_name = (struct trail_text){ 0 };
    assert_cell(&event, "resource", "resource_type");
}

static void the_names_of_the_help_are_taken_and_no_others(void **state)
{
    (void)state;
    struct trail_text rest = trail_str(columns_all);
    size_t            count = 0;
    while (rest.size > 0) {
        const char    *blank = memchr(rest.data, ' ', rest.size);
        size_t         size = blank != NULL ? (size_t)(blank - rest.data) : rest.size;
        char           name[32];
        struct columns one;
        assert_true(size < sizeof name);
        snprintf(name, sizeof name, "%.*s", (int)size, rest.data);
        assert_true(columns_parse(&one, name));
        assert_string_equal(column_name(one.list[0]), name);
        rest = text_trim(text_of(rest.data + size, rest.size - size));
        count++;
    }
    struct columns complete;
    columns_complete(&complete);
    assert_int_equal(complete.count + 3, count);

    static const char *const wrong[] = { "", "nothing", "time,,user", "time,nothing", "time user" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct columns columns = { .count = 7 };
        assert_false(columns_parse(&columns, wrong[i]));
        assert_int_equal(columns.count, 7);
    }
}

static enum style style_of(const struct trail_stored_event *event, const char *column)
{
    struct columns columns;
    assert_true(columns_parse(&columns, column));
    return column_style(columns.list[0], event);
}

static void what_went_wrong_and_what_is_missing_has_a_style(void **state)
{
    (void)state;
    static const struct {
        enum trail_outcome outcome;
        enum style         style;
    } cases[] = {
        { TRAIL_OUTCOME_SUCCESS, STYLE_PLAIN }, { TRAIL_OUTCOME_FAILURE, STYLE_BAD },
        { TRAIL_OUTCOME_DENIED, STYLE_BAD },    { TRAIL_OUTCOME_PARTIAL, STYLE_WARNING },
        { TRAIL_OUTCOME_UNKNOWN, STYLE_PLAIN },
    };
    struct trail_stored_event event = event_with_everything();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        event.event.outcome = cases[i].outcome;
        assert_int_equal(style_of(&event, "outcome"), cases[i].style);
        assert_int_equal(style_of(&event, "success"), cases[i].style);
        assert_int_equal(style_of(&event, "user"), STYLE_PLAIN);
    }
    /* A user may call an action so; only the trail's own record is a gap. */
    event.event.action = TRAIL_TEXT("events_lost");
    event.flags = 0;
    assert_int_equal(style_of(&event, "user"), STYLE_PLAIN);
    event.flags = TRAIL_FLAG_CONTROL;
    assert_int_equal(style_of(&event, "user"), STYLE_GAP);
    assert_int_equal(style_of(&event, "outcome"), STYLE_GAP);
    event.event.action = TRAIL_TEXT("trail_started");
    assert_int_equal(style_of(&event, "user"), STYLE_PLAIN);
}

static void the_order_asked_for_is_kept(void **state)
{
    (void)state;
    struct columns columns;
    assert_true(columns_parse(&columns, " outcome , ID,time"));
    assert_int_equal(columns.count, 3);
    assert_string_equal(column_name(columns.list[0]), "outcome");
    assert_string_equal(column_name(columns.list[1]), "id");
    columns_for_people(&columns);
    assert_int_equal(columns.count, 6);
}

static void the_notes_name_every_column_in_lines_that_fit(void **state)
{
    (void)state;
    char         storage[COLUMNS_NOTES_SIZE];
    char         names[COLUMNS_NOTES_SIZE];
    const char  *notes = columns_notes(storage, "\nbehind");
    const size_t head = strlen("columns: ");
    size_t       width = 0;
    assert_memory_equal(notes, "columns: ", head);
    for (const char *c = notes; *c != '\0'; c++) {
        width = *c == '\n' ? 0 : width + 1;
        assert_true(width <= 100);
    }
    snprintf(names, sizeof names, "%s", notes + head);
    *strstr(names, "\nbehind") = '\0';
    for (char *c = names; *c != '\0'; c++)
        *c = *c == '\n' ? ' ' : *c;
    assert_string_equal(names, columns_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_notes_name_every_column_in_lines_that_fit),
        cmocka_unit_test(every_field_has_its_column),
        cmocka_unit_test(cells_for_people_are_put_together),
        cmocka_unit_test(the_names_of_the_help_are_taken_and_no_others),
        cmocka_unit_test(what_went_wrong_and_what_is_missing_has_a_style),
        cmocka_unit_test(the_order_asked_for_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
