/* test_stats_report.c -- the sums of a survey add up, on the page and in JSON.
 *
 * Goal:   offered = recorded + reasons, recorded = stored + waiting + dead-lettered, other stores are left out of both.
 * Method: a survey of three writers made by hand; the JSON is read back with jansson.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/stats_report.h"

static struct survey_writer writers[3];

static struct survey survey_of_three(void)
{
    memset(writers, 0, sizeof writers);
    writers[0] = (struct survey_writer){ .service = "gate\"way",
                                         .host = "h",
                                         .pid = 7,
                                         .in_store = true,
                                         .in_spool = true,
                                         .alive = true,
                                         .spool_bytes = 4096,
                                         .oldest_waiting_us = 12000000 };
    writers[0].operations[TRAIL_OPERATION_CREATE] = (struct survey_account){ .stored = 1000,
                                                                             .waiting = 20,
                                                                             .dead_lettered = 3,
                                                                             .level = 4,
                                                                             .excluded = 5,
                                                                             .sampled = 6,
                                                                             .rejected = 7,
                                                                             .dropped = 8 };
    writers[0].operations[0] = (struct survey_account){ .stored = 1 };
    writers[1] = (struct survey_writer){ .in_store = true };
    writers[1].operations[TRAIL_OPERATION_CREATE] = (struct survey_account){ .stored = 500 };
    writers[1].operations[TRAIL_OPERATION_READ] = (struct survey_account){ .level = 90 };
    writers[2] = (struct survey_writer){ .in_spool = true, .foreign = true, .spool_bytes = 100 };
    writers[2].operations[TRAIL_OPERATION_DELETE] = (struct survey_account){ .waiting = 77 };

    struct survey survey = { .writers = writers,
                             .writer_count = 3,
                             .store_bytes = 1048576,
                             .events_stored = 1501,
                             .store_reachable = true,
                             .store_url = "sqlite:/a.db",
                             .spool_dir = "/spool" };
    return survey;
}

static json_int_t number(const json_t *root, const char *object, const char *name)
{
    const json_t *value = json_object_get(json_object_get(root, object), name);
    assert_non_null(value);
    return json_integer_value(value);
}

static void json_adds_up_and_is_complete(void **state)
{
    (void)state;
    struct survey survey = survey_of_three();
    struct buf    text;
    buf_init(&text, NULL, 0);
    stats_report_json(&survey, &text);
    json_error_t error;
    json_t      *root = json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(root);

    assert_int_equal(number(root, "total", "stored"), 1501);
    assert_int_equal(number(root, "total", "recorded"), 1524);
    assert_int_equal(number(root, "total", "offered"), 1524 + 90 + 4 + 5 + 6 + 7 + 8);
    assert_int_equal(number(root, "total", "waiting"), 20);
    assert_int_equal(number(root, "spool", "bytes"), 4196);
    assert_int_equal(number(root, "store", "events"), 1501);
    assert_int_equal(json_integer_value(json_object_get(root, "foreign_waiting")), 77);
    const json_t *operations = json_object_get(root, "operations");
    assert_int_equal(json_object_size(operations), TRAIL_OPERATION_COUNT);
    assert_int_equal(number(operations, "create", "offered"), 1553);
    assert_int_equal(number(operations, "delete", "waiting"), 0);
    assert_int_equal(number(operations, "control", "stored"), 1);
    const json_t *list = json_object_get(root, "writers");
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "service")), "gate\"way");
    assert_true(json_is_true(json_object_get(json_array_get(list, 2), "foreign")));
    json_decref(root);
    buf_done(&text);
}

static void the_page_says_the_same(void **state)
{
    (void)state;
    struct survey survey = survey_of_three();
    static char   text[8192];
    FILE         *out = tmpfile();
    assert_non_null(out);
    stats_report_table(&survey, out);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);

    assert_non_null(strstr(text, "recorded 1,524 = stored 1,501 + waiting 20 + dead-lettered 3\n"));
    assert_non_null(strstr(text, "writers   1 alive, 1 gone; 1 of other stores, with 77 waiting\n"));
    assert_non_null(strstr(text, "waiting   20, the oldest for 12 s\n"));
    assert_non_null(strstr(text, "store     1,501 events, 1.0 MiB in sqlite:/a.db\n"));
    assert_null(strstr(text, "delete"));

    survey.store_reachable = false;
    out = tmpfile();
    assert_non_null(out);
    stats_report_table(&survey, out);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    assert_non_null(strstr(text, "store     cannot be reached: sqlite:/a.db\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_adds_up_and_is_complete),
        cmocka_unit_test(the_page_says_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
