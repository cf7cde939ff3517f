/* test_event_printer.c -- stored events come out in every format as what they are.
 *
 * Goal:   JSON and NDJSON read back to the same members, CSV to the same cells; no events are still valid output.
 * Method: two events with everything that needs quoting are printed into a file and read back, JSON with jansson.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/event_printer.h"

static const struct trail_stored_event events[] = {
    { .event = { TRAIL_EVENT_INIT, .timestamp_us = 1500000, .operation = TRAIL_OPERATION_DELETE,
                 .outcome = TRAIL_OUTCOME_DENIED, .requires_review = TRAIL_REVIEW_YES,
                 .action = { "delete_\"tool\"", 13 }, .resource_type = { "tool", 4 }, .user_id = { "al,ice\n", 7 },
                 .new_values = { "{\"a\": 1}", 8 } },
      .id = { "00000000-05dc-7000-8000-000000000001" },
      .level = TRAIL_LEVEL_DELETES_ONLY,
      .flags = TRAIL_FLAG_REDACTED,
      .weight = 2,
      .seq = 1,
      .service = { "gate\"way", 8 } },
    { .event = { TRAIL_EVENT_INIT, .timestamp_us = 2500000, .operation = TRAIL_OPERATION_READ,
                 .requires_review = TRAIL_REVIEW_NO, .action = { "get_tool", 8 }, .resource_type = { "tool", 4 },
                 .user_id = { "=bob", 4 } },
      .id = { "00000000-09c4-7000-8000-000000000002" },
      .level = TRAIL_LEVEL_ALL,
      .weight = 1,
      .seq = 2 },
};

/* Print the first `count` events; the caller frees the text. */
static char *print(enum output_format format, size_t count, const char *names)
{
    struct event_printer printer;
    struct columns       columns;
    FILE                *out = tmpfile();
    assert_non_null(out);
    if (names != NULL)
        assert_true(columns_parse(&columns, names));
    printer_begin(&printer, out, format, names != NULL ? &columns : NULL);
    for (size_t i = 0; i < count; i++)
        printer_event(&printer, &events[i]);
    assert_int_equal(printer.count, count);
    assert_true(printer_end(&printer));

    size_t size = (size_t)ftell(out);
    char  *text = calloc(1, size + 1);
    assert_non_null(text);
    rewind(out);
    assert_int_equal(fread(text, 1, size, out), size);
    fclose(out);
    return text;
}

static void assert_is_first(const json_t *object)
{
    assert_string_equal(json_string_value(json_object_get(object, "id")), events[0].id.text);
    assert_string_equal(json_string_value(json_object_get(object, "timestamp")), "1970-01-01T00:00:01.500000Z");
    assert_string_equal(json_string_value(json_object_get(object, "action")), "delete_\"tool\"");
    assert_string_equal(json_string_value(json_object_get(object, "user_id")), "al,ice\n");
    assert_string_equal(json_string_value(json_object_get(object, "service")), "gate\"way");
    assert_true(json_is_false(json_object_get(object, "success")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(object, "new_values"), "a")), 1);
    assert_int_equal(json_integer_value(json_object_get(object, "seq")), 1);
}

static void json_is_one_array(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 2; count++) {
        char   *text = print(OUTPUT_JSON, count, NULL);
        json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_true(json_is_array(root));
        assert_int_equal(json_array_size(root), count);
        if (count > 0)
            assert_is_first(json_array_get(root, 0));
        json_decref(root);
        free(text);
    }
}

static void ndjson_is_one_object_per_line(void **state)
{
    (void)state;
    char *text = print(OUTPUT_NDJSON, 2, NULL);
    char *second = strchr(text, '\n') + 1;
    second[-1] = '\0';
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    assert_is_first(root);
    json_decref(root);
    root = json_loads(second, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(root, "user_id")), "=bob");
    assert_null(json_object_get(root, "service"));
    json_decref(root);
    assert_int_equal(strcspn(second, "\n") + 1, strlen(second));
    free(text);
    text = print(OUTPUT_NDJSON, 0, NULL);
    assert_string_equal(text, "");
    free(text);
}

static void csv_has_headings_and_harmless_cells(void **state)
{
    (void)state;
    char *text = print(OUTPUT_CSV, 2, "action,user,time,weight");
    assert_string_equal(text, "action,user,time,weight\r\n"
                              "\"delete_\"\"tool\"\"\",\"al,ice\n\",1970-01-01 00:00:01,2\r\n"
                              "get_tool,'=bob,1970-01-01 00:00:02,1\r\n");
    free(text);
    text = print(OUTPUT_CSV, 0, "id");
    assert_string_equal(text, "id\r\n");
    free(text);
}

static void the_table_shows_what_people_ask_for_first(void **state)
{
    (void)state;
    char *text = print(OUTPUT_TABLE, 2, NULL);
    assert_string_equal(text, "time                 user      operation  action         resource  outcome\n"
                              "1970-01-01 00:00:01  al,ice\\n  delete     delete_\"tool\"  tool      denied\n"
                              "1970-01-01 00:00:02  =bob      read       get_tool       tool      success\n");
    free(text);
}

static void a_settled_printer_shows_its_headings_in_usual_widths(void **state)
{
    (void)state;
    static const char    headings[] = "time                 user                  operation  action                "
                                      "resource                                   outcome\n";
    struct event_printer printer;
    FILE                *out = tmpfile();
    assert_non_null(out);
    printer_begin(&printer, out, OUTPUT_TABLE, NULL);
    printer_settle(&printer);
    assert_int_equal(ftell(out), sizeof headings - 1);
    printer_event(&printer, &events[0]);
    assert_true(ftell(out) > (long)sizeof headings);
    assert_true(printer_end(&printer));
    fclose(out);
}

static void formats_have_names(void **state)
{
    (void)state;
    static const char *const names[] = { "table", "json", "ndjson", "csv" };
    enum output_format       format;
    for (size_t i = 0; i < 4; i++) {
        assert_true(output_format_parse(names[i], &format));
        assert_int_equal(format, i);
    }
    assert_false(output_format_parse("", &format));
    assert_false(output_format_parse("JSON", &format));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_one_array),
        cmocka_unit_test(ndjson_is_one_object_per_line),
        cmocka_unit_test(csv_has_headings_and_harmless_cells),
        cmocka_unit_test(the_table_shows_what_people_ask_for_first),
        cmocka_unit_test(a_settled_printer_shows_its_headings_in_usual_widths),
        cmocka_unit_test(formats_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
